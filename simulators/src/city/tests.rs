//! The city in planned time, without a broker.

use super::*;
use crate::time::{HOUR, MINUTE, SECOND};
use crate::wire::Value;

pub(crate) const BEGIN: i64 = 1_795_507_200 * SECOND; // Tuesday 2026-11-24 09:00 in Leuven

pub(crate) fn files() -> BTreeMap<String, String> {
    let mut bays = "device,eui,kind,facility,bay,use\n".to_owned();
    for (i, kind) in ["bay", "bosch-tps110", "nwave", "netvox-r719a", "libelium-parking"].iter().enumerate() {
        bays += &format!("bay-{i},70B3D5000000000{i},{kind},shop,{i},short-stay\n");
    }
    let facilities = "
        [[facility]]
        id = 'evening'
        kind = 'off-street'
        capacity = 300
        counting = 'barriers'
        device = [{ id = 'evening-a', kind = 'barrier' }, { id = 'evening-b', kind = 'barrier' }]
        [[facility]]
        id = 'night'
        kind = 'off-street'
        capacity = 200
        counting = 'absolute'
        device = [{ id = 'night-c', kind = 'counter' }]
        [[facility]]
        id = 'shop'
        kind = 'on-street'
        counting = 'bays'
        bay_silent_after = '1h'";
    let stations = "
        [[station]]
        id = 'ring'
        mode = 'motor'
        device = [{ id = 'ring-1', kind = 'loop' }, { id = 'ring-2', kind = 'loop' }]
        [[station]]
        id = 'vest'
        mode = 'bicycle'
        device = [{ id = 'vest-1', kind = 'bicycle-counter' }]";
    let garages = "
        [[garage]]
        id = 'station'
        [[garage.section]]
        id = 'a'
        capacity = 120
        device = 'station-a'";
    [
        ("city.toml", "name = 'Test'\ntimezone = 'Europe/Brussels'"),
        ("facilities.toml", facilities),
        ("bays.csv", &bays),
        ("stations.toml", stations),
        ("garages.toml", garages),
    ]
    .into_iter()
    .map(|(n, t)| (n.to_owned(), t.to_owned()))
    .collect()
}

fn town(seed: u64) -> Town {
    Town::new(
        &Layout::parse(&files()).unwrap(),
        seed,
        BEGIN,
        2 * SECOND,
        Trouble::default(),
        &Drivers::default(),
    )
    .unwrap()
}

/// What is said up to `until`, each with its planned instant.
pub(crate) fn hear(town: &mut Town, until: i64) -> Vec<(i64, Said)> {
    let mut heard = Vec::new();
    while town.next_at().is_some_and(|at| at <= until) {
        let mut said = Vec::new();
        let at = town.step(&mut said).unwrap();
        heard.extend(said.into_iter().map(|s| (at, s)));
    }
    heard
}

fn messages(seed: u64, faults: Faults) -> Vec<Message> {
    let mut town = town(seed);
    let heard = hear(&mut town, BEGIN + HOUR);
    let mut speaker = Speaker::new(Topics::default(), FaultyWay::new(faults, seed), &town.fleet);
    heard.into_iter().flat_map(|(at, said)| speaker.say(&town.fleet, at, &mut vec![said])).collect()
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    let faults = Faults { duplicates: 0.05, reorder: 0.05, lost: 0.01, wrong_clock: 0.01, malformed: 0.01 };
    assert_eq!(messages(1, faults), messages(1, faults));
    assert_ne!(messages(1, faults), messages(2, faults));
    assert!(messages(1, Faults::default()).len() > 300);
}

#[test]
fn the_start_tells_every_state_that_is_not_an_interval() {
    let mut town = town(1);
    let heard = hear(&mut town, BEGIN + 2 * SECOND);
    let say: Vec<String> = heard
        .iter()
        .map(|(_, s)| format!("{} {}", town.fleet.get(s.device).unwrap().device, s.value.name()))
        .collect();
    for wanted in [
        "evening-a occupancy",
        "evening-b totals",
        "night-c occupancy",
        "night-c opening",
        "station-a places",
        "bay-0 bay",
        "bay-4 bay",
    ] {
        assert!(say.iter().any(|s| s == wanted), "{wanted} not in {say:?}");
    }
}

#[test]
fn passages_totals_and_absolute_counts_agree() {
    let mut town = town(3);
    let mut occupied: Option<i64> = None;
    let (mut entries, mut exits, mut checks) = (0, 0, 0);
    let mut totals: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    for (_, said) in hear(&mut town, BEGIN + 14 * HOUR) {
        if !town.fleet.get(said.device).unwrap().device.starts_with("evening") {
            continue;
        }
        match said.value {
            Value::Passage { inward, vehicles } => {
                *if inward { &mut entries } else { &mut exits } += vehicles;
                *occupied.as_mut().unwrap() +=
                    if inward { i64::from(vehicles) } else { -i64::from(vehicles) };
            }
            Value::Totals { entries, exits } => {
                totals.insert(said.device, (entries, exits));
            }
            Value::Occupancy { occupied_spaces } => {
                assert!((0..=300).contains(&occupied_spaces));
                assert_eq!(i64::from(occupied_spaces), occupied.unwrap_or(i64::from(occupied_spaces)));
                let sum = totals.values().fold((0, 0), |a, t| (a.0 + t.0, a.1 + t.1));
                assert_eq!(sum, (entries, exits));
                occupied = Some(i64::from(occupied_spaces));
                checks += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(entries > 500 && exits > 500 && checks > 50, "{entries} {exits} {checks}");
}

#[test]
fn the_evening_fills_one_car_park_and_the_night_closes_another() {
    let mut town = town(5);
    let heard = hear(&mut town, BEGIN + 16 * HOUR);
    let named = |s: &Said| town.fleet.get(s.device).unwrap().device.clone();
    let fullest = heard
        .iter()
        .filter(|(_, s)| named(s) == "evening-a")
        .filter_map(|(_, s)| match s.value {
            Value::Occupancy { occupied_spaces } => Some(occupied_spaces),
            _ => None,
        })
        .max();
    assert_eq!(fullest, Some(300));
    let closed_at =
        heard.iter().find_map(|(at, s)| (s.value == Value::Opening { open: false }).then_some(*at));
    let local = calendar::Calendar::new("Europe/Brussels").unwrap().local(closed_at.unwrap());
    assert!((23.5..23.6).contains(&local.hour), "{local:?}");
}

#[test]
fn short_stays_are_short_and_sensors_speak_within_their_limit() {
    let mut town = town(7);
    let heard = hear(&mut town, BEGIN + 8 * HOUR);
    let mut stays = Vec::new();
    for device in (0..town.fleet.len()).filter(|d| town.fleet.get(*d).unwrap().device.starts_with("bay-")) {
        let mut last = BEGIN;
        let mut since = None;
        for (at, said) in heard.iter().filter(|(_, s)| s.device == device) {
            assert!(at - last < 30 * MINUTE, "silent for {} s", (at - last) / SECOND);
            last = *at;
            if let Value::Bay { occupied, heartbeat: false, .. } = said.value {
                match (occupied, since) {
                    (true, _) => since = Some(*at),
                    (false, Some(came)) => stays.push(at - came),
                    (false, None) => {}
                }
            }
        }
    }
    let mean_minutes = stays.iter().sum::<i64>() / i64::try_from(stays.len()).unwrap() / MINUTE;
    assert!(
        stays.len() > 40 && (14..28).contains(&mean_minutes),
        "{} stays of {mean_minutes} min",
        stays.len()
    );
}

#[test]
fn intervals_are_whole_in_order_and_without_holes() {
    let mut town = town(9);
    let heard = hear(&mut town, BEGIN + 3 * HOUR);
    let mut last: BTreeMap<usize, i64> = BTreeMap::new();
    for (at, said) in &heard {
        let length = match said.value {
            Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
                assert_eq!(vehicles == 0, speed_kmh.is_none());
                assert!(speed_kmh.is_none_or(|v| (4.0..=180.0).contains(&v)));
                assert!(detector_occupancy_pct.is_some_and(|p| (0.0..=100.0).contains(&p)));
                i64::from(interval_s) * SECOND
            }
            Value::Bicycles { interval_s, .. } => i64::from(interval_s) * SECOND,
            _ => continue,
        };
        let start = said.interval_start.unwrap();
        assert_eq!(start % length, 0);
        assert!(start + length <= *at && at - start - length < 6 * SECOND);
        if let Some(before) = last.insert(said.device, start) {
            assert_eq!(start - before, length);
        }
    }
    assert_eq!(last.len(), 3);
}

#[test]
fn counters_count_each_message_and_dates_only_grow() {
    let mut speaker = Speaker::new(Topics::default(), FaultyWay::new(Faults::default(), 0), &town(1).fleet);
    let fleet = town(1).fleet;
    let device = (0..fleet.len()).find(|d| fleet.get(*d).unwrap().device == "evening-a").unwrap();
    let passage = Said::now(device, Value::Passage { inward: true, vehicles: 1 });
    let mut said = vec![passage.clone(), passage.clone(), passage];
    let texts: Vec<serde_json::Value> = speaker
        .say(&fleet, BEGIN, &mut said)
        .iter()
        .map(|m| serde_json::from_slice(&m.payload).unwrap())
        .collect();
    let field = |name: &str| texts.iter().map(|t| t[name].to_string()).collect::<Vec<_>>();
    assert_eq!(field("sequence"), ["0", "1", "2"]);
    let dates = field("observed_at");
    assert!(dates.windows(2).all(|w| w[0] < w[1] || w[0].len() < w[1].len()), "{dates:?}");
}

/// The configuration that the project ships, without which this test has nothing to test.
fn leuven() -> Layout {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/leuven");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())
    };
    Layout::parse(&std::fs::read_dir(dir).unwrap().map(read).collect()).unwrap()
}

#[test]
fn every_device_of_leuven_speaks_within_its_silence_limit_day_and_night() {
    let layout = leuven();
    let mut limits: BTreeMap<&str, i64> = BTreeMap::new();
    for facility in &layout.facilities {
        limits.extend(facility.devices.iter().map(|d| (d.id.as_str(), d.silent_after().unwrap())));
        limits.extend(facility.bays.iter().map(|b| (b.device.as_str(), b.silent_after)));
    }
    for station in &layout.stations {
        limits.extend(station.devices.iter().map(|d| (d.id.as_str(), d.silent_after().unwrap())));
    }
    for section in layout.garages.iter().flat_map(|g| &g.sections) {
        limits.extend(section.silent_after().map(|limit| (section.device.as_str(), limit)));
        limits.extend(section.gates.iter().map(|d| (d.id.as_str(), d.silent_after().unwrap())));
        limits.extend(section.cameras.iter().map(|c| (c.id.as_str(), c.silent_after().unwrap())));
        limits.extend(section.places.iter().map(|p| (p.device.as_str(), p.silent_after())));
    }
    limits.extend(layout.traffic.probe_feeds.iter().map(|d| (d.id.as_str(), d.silent_after().unwrap())));
    let traffic = &layout.traffic;
    let beside = traffic.readers.iter().chain(&traffic.controllers).chain(&traffic.air_stations);
    limits.extend(beside.map(|d| (d.id.as_str(), d.holds().unwrap())));
    let mut town = Town::new(&layout, 1, BEGIN, 2 * SECOND, Trouble::default(), &Drivers::default()).unwrap();
    let mut last: BTreeMap<String, i64> = limits.keys().map(|id| ((*id).to_owned(), BEGIN)).collect();
    for (at, said) in hear(&mut town, BEGIN + 24 * HOUR) {
        let id = &town.fleet.get(said.device).unwrap().device;
        let before =
            last.insert(id.clone(), at).unwrap_or_else(|| panic!("{id} is not of the configuration"));
        assert!(at - before < limits[id.as_str()], "{id} was silent for {} s", (at - before) / SECOND);
    }
    for (id, at) in last {
        assert!(BEGIN + 24 * HOUR - at < limits[id.as_str()], "{id} fell silent");
    }
}

#[test]
fn a_weekday_in_leuven_has_full_car_parks_and_rates_in_bounds() {
    let mut town =
        Town::new(&leuven(), 1, BEGIN, 2 * SECOND, Trouble::default(), &Drivers::default()).unwrap();
    let layout = leuven();
    let mut full = std::collections::BTreeSet::new();
    let mut said = 0;
    for hour in 1..=15 {
        said += hear(&mut town, BEGIN + hour * HOUR).len();
        let truth = town.truth();
        for f in layout.facilities.iter().filter(|f| f.capacity > 100) {
            assert!(truth[&f.id] <= f.capacity);
            if truth[&f.id] + f.capacity / 100 >= f.capacity {
                full.insert(f.id.clone());
            }
        }
    }
    assert!(!full.is_empty() && full.len() < layout.facilities.len() / 2, "{full:?}");
    let per_second = said as f64 / (15.0 * 3600.0);
    // At sixty times the wall's speed: a few hundred messages a second, most of them of followed vehicles.
    assert!((3.0..12.0).contains(&per_second), "{per_second}");
}

/// What the evening car park's barriers tell and what is so, hour by hour.
fn told_and_true(trouble: Trouble, hours: i64) -> Vec<(i64, u32)> {
    let mut town =
        Town::new(&Layout::parse(&files()).unwrap(), 5, BEGIN, 2 * SECOND, trouble, &Drivers::default())
            .unwrap();
    let (mut told, mut out) = (0, Vec::new());
    let mut totals: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    for hour in 1..=hours {
        for (_, said) in hear(&mut town, BEGIN + hour * HOUR) {
            if !town.fleet.get(said.device).unwrap().device.starts_with("evening") {
                continue;
            }
            match said.value {
                Value::Passage { inward, .. } => told += if inward { 1 } else { -1 },
                Value::Occupancy { occupied_spaces } => told = i64::from(occupied_spaces),
                Value::Totals { entries, exits } => {
                    let (e, x) = totals.insert(said.device, (entries, exits)).unwrap_or_default();
                    assert!(e <= entries && x <= exits, "a miscounting barrier is no restarted one");
                }
                other => panic!("{other:?}"),
            }
        }
        out.push((told, town.truth()["evening"]));
    }
    let (entries, exits) = totals.values().fold((0, 0), |(e, x), t| (e + i64::from(t.0), x + i64::from(t.1)));
    out.push((entries - exits, 0));
    out
}

#[test]
fn barriers_that_miscount_change_what_is_told_and_nothing_else() {
    let sound = told_and_true(Trouble::default(), 8);
    assert!(sound[..8].iter().all(|(told, truth)| *told == i64::from(*truth)), "{sound:?}");
    let drift = Drift {
        facility: "evening".into(),
        from_micros: BEGIN + 2 * HOUR,
        missed_exits: 0.3,
        doubled_entries: 0.2,
    };
    let trouble = Trouble { drift: Some(drift), ..Trouble::default() };
    let spoiled = told_and_true(trouble.clone(), 8);
    let truth = |of: &[(i64, u32)]| of.iter().map(|(_, truth)| *truth).collect::<Vec<_>>();
    assert_eq!(truth(&spoiled), truth(&sound), "the city is the same");
    assert_eq!(spoiled[..2], sound[..2]);
    let off: Vec<i64> = spoiled[2..8].iter().map(|(told, truth)| told - i64::from(*truth)).collect();
    assert!(off.windows(2).all(|w| w[0] < w[1]) && off[5] > 30, "{off:?}");
    assert!(spoiled[8].0 > sound[8].0, "totals tell the same as passages");
    assert_eq!(told_and_true(trouble.clone(), 8), spoiled, "the same seed, the same misses");
    trouble.repair();
    assert!(told_and_true(trouble, 8)[..8].iter().all(|(told, truth)| *told == i64::from(*truth)));
}

#[test]
fn a_zone_whose_sensors_fall_silent_says_nothing_more() {
    let from_micros = BEGIN + HOUR;
    let silence = Some(Silence { facility: "shop".into(), from_micros });
    let trouble = Trouble { silence, ..Trouble::default() };
    let mut town =
        Town::new(&Layout::parse(&files()).unwrap(), 5, BEGIN, 2 * SECOND, trouble, &Drivers::default())
            .unwrap();
    let heard = hear(&mut town, BEGIN + 6 * HOUR);
    let bays: Vec<i64> =
        heard.iter().filter(|(_, s)| matches!(s.value, Value::Bay { .. })).map(|(at, _)| *at).collect();
    assert!(!bays.is_empty() && bays.iter().all(|at| *at < from_micros));
    assert!(heard.iter().any(|(at, _)| from_micros < *at), "the rest of the city speaks on");
}
