//! Traffic in the default city: loops, followed vehicles and readers of plates tell of one truth.

use std::collections::BTreeMap;

use super::actor::Said;
use super::calendar::Calendar;
use super::town::Town;
use super::traffic::Traffic;
use crate::layout::Layout;
use crate::streets::Place;
use crate::time::{HOUR, MINUTE, SECOND};
use crate::wire::Value;

/// Tuesday 2026-11-24, 7:00 in Leuven.
const BEGIN: i64 = 1_795_500_000 * SECOND;

fn layout() -> Layout {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/leuven");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap()) {
        files
            .insert(entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap());
    }
    Layout::parse(&files).unwrap()
}

fn town(seed: u64) -> Town {
    Town::new(&layout(), seed, BEGIN, SECOND, super::Trouble::default(), &super::Drivers::default()).unwrap()
}

fn hear(town: &mut Town, until: i64) -> Vec<(i64, Said)> {
    let (mut heard, mut said) = (Vec::new(), Vec::new());
    while town.next_at().is_some_and(|at| at < until) {
        let at = town.step(&mut said).unwrap();
        heard.extend(said.drain(..).map(|s| (at, s)));
    }
    heard
}

/// Metres from a place to the nearest point of any street.
fn off_street_m(traffic: &Traffic, place: Place) -> f64 {
    let link = traffic.streets.nearest(place, None, None).unwrap();
    let street = &traffic.streets.links[link];
    let steps = 400;
    (0..=steps)
        .map(|i| {
            let on = traffic.streets.on(link, street.length_m * f64::from(i) / f64::from(steps)).0;
            let (east, north) = on.to(place);
            east.hypot(north)
        })
        .fold(f64::MAX, f64::min)
}

#[test]
fn a_followed_vehicle_keeps_to_the_streets_and_to_their_speed() {
    let layout = layout();
    let traffic = Traffic::new(layout.streets.clone(), 4);
    let calendar = Calendar::new(&layout.timezone).unwrap();
    assert!(traffic.streets.links.len() > 100, "{}", traffic.streets.links.len());
    let mut town = town(4);
    let mut last: BTreeMap<u64, (i64, Place)> = BTreeMap::new();
    let (mut sightings, mut driven_m, mut driven_s) = (0, 0.0, 0.0);
    for (at, said) in hear(&mut town, BEGIN + HOUR / 2) {
        let Value::Sighting { vehicle, position: Some(p) } = said.value else { continue };
        sightings += 1;
        let place = Place { lat: p.lat, lon: p.lon };
        assert!(off_street_m(&traffic, place) < 30.0, "{place:?}");
        if let Some((before, from)) = last.insert(vehicle, (at, place))
            && at - before == 10 * SECOND
        {
            let (east, north) = from.to(place);
            driven_m += east.hypot(north);
            driven_s += 10.0;
            assert!(east.hypot(north) < 450.0, "{} m in ten seconds", east.hypot(north));
        }
    }
    // 60 vehicles, mostly driving, every ten seconds.
    assert!((5_000..11_000).contains(&sightings), "{sightings}");
    let mean = |f: &dyn Fn(usize) -> f64| {
        (0..traffic.streets.links.len()).map(f).sum::<f64>() / traffic.streets.links.len() as f64
    };
    let usual = mean(&|link| traffic.at(link, BEGIN + 15 * MINUTE, &calendar).speed_kmh);
    let driven = driven_m / driven_s * 3.6;
    assert!((0.6..1.6).contains(&(driven / usual)), "{driven} km/h driven, {usual} km/h on streets");
}

#[test]
fn a_loop_tells_the_speed_of_its_street() {
    let layout = layout();
    let traffic = Traffic::new(layout.streets.clone(), 9);
    let calendar = Calendar::new(&layout.timezone).unwrap();
    let station = layout.stations.iter().find(|s| s.id == "r23-naamsevest").unwrap();
    let link = traffic.streets.nearest(station.place(), station.devices[0].heading_deg, None).unwrap();
    assert!(traffic.streets.links[link].road.starts_with("ring-"), "{}", traffic.streets.links[link].road);
    let mut town = town(9);
    let mut minutes = 0;
    for (_, said) in hear(&mut town, BEGIN + 2 * HOUR) {
        if town.fleet.get(said.device).unwrap().device != station.devices[0].id {
            continue;
        }
        let Value::Traffic { speed_kmh: Some(speed), .. } = said.value else { continue };
        let true_speed = traffic.at(link, said.interval_start.unwrap() + MINUTE / 2, &calendar).speed_kmh;
        assert!((0.7..1.4).contains(&(f64::from(speed) / true_speed)), "{speed} against {true_speed}");
        minutes += 1;
    }
    assert!(minutes > 100, "{minutes}");
}

#[test]
fn plates_take_as_long_as_the_way_between_their_readers() {
    let layout = layout();
    let traffic = Traffic::new(layout.streets.clone(), 2);
    let calendar = Calendar::new(&layout.timezone).unwrap();
    let mut town = town(2);
    let mut first: BTreeMap<u64, (i64, String)> = BTreeMap::new();
    let mut shares: Vec<f64> = Vec::new();
    for (at, said) in hear(&mut town, BEGIN + 2 * HOUR) {
        let Value::Sighting { vehicle, position: None } = said.value else { continue };
        let reader = town.fleet.get(said.device).unwrap().device.clone();
        if let Some((before, from)) = first.remove(&vehicle) {
            let place = |id: &str| layout.traffic.readers.iter().find(|r| r.id == id).unwrap().place();
            let junction = |id: &str| traffic.streets.junction(place(id)).unwrap();
            let way = traffic.streets.way(junction(&from), junction(&reader)).unwrap();
            let expected = traffic.arrival(&way, before, 1.0, &calendar) - before;
            shares.push((at - before) as f64 / expected as f64);
        } else {
            first.insert(vehicle, (at, reader));
        }
    }
    shares.sort_by(f64::total_cmp);
    assert!(shares.len() > 100, "{}", shares.len());
    let median = shares[shares.len() / 2];
    assert!((0.93..1.12).contains(&median), "{median}");
    // A driver's own pace may just meet a jam, or just miss it.
    let (first, last) = (shares[shares.len() / 50], shares[shares.len() - shares.len() / 50]);
    assert!(first > 0.75 && last > 1.5, "some stop on the way: {first} to {last}");
}

#[test]
fn jams_come_and_go() {
    let layout = layout();
    let calendar = Calendar::new(&layout.timezone).unwrap();
    let traffic = Traffic::new(layout.streets.clone(), 1);
    let slow = |at: i64| {
        let shares = traffic
            .streets
            .links
            .iter()
            .enumerate()
            .filter(|(i, street)| traffic.at(*i, at, &calendar).speed_kmh < 0.3 * street.free_kmh);
        shares.count()
    };
    let peak: Vec<usize> = (0..12).map(|i| slow(BEGIN + 30 * MINUTE + i * 10 * MINUTE)).collect();
    assert!(
        peak.iter().any(|n| *n > 0) && peak.iter().all(|n| *n < traffic.streets.links.len() / 3),
        "{peak:?}"
    );
    // 3:00 at night.
    assert!(slow(BEGIN - 4 * HOUR) <= 1);
}

#[test]
fn the_roadside_tells_of_itself() {
    let mut town = town(3);
    let heard = hear(&mut town, BEGIN + HOUR);
    let plans: Vec<u32> = heard
        .iter()
        .filter_map(|(_, s)| match s.value {
            Value::Signal { state: "running", plan } => plan,
            _ => None,
        })
        .collect();
    assert!(plans.len() > 30 && plans.contains(&2), "{plans:?}");
    let mut quantities: Vec<&str> = Vec::new();
    for (_, said) in &heard {
        if let Value::Air { quantity, value } = said.value {
            assert!((5.0..200.0).contains(&value), "{quantity} {value}");
            quantities.push(quantity);
        }
    }
    quantities.sort_unstable();
    quantities.dedup();
    assert_eq!(quantities, ["no2", "noise", "pm10", "pm25"]);
}

#[test]
fn the_same_seed_drives_the_same_ways() {
    let run = |seed| hear(&mut town(seed), BEGIN + 5 * MINUTE);
    let (a, b, c) = (run(6), run(6), run(7));
    assert_eq!(a, b);
    assert_ne!(a, c);
}
