//! Scenarios as others write them: other names and forms, and things in them that are of no use.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::play::play;
use super::result::Played;
use super::scenario::Scenario;
use super::{City, Mode, Setup, TURNED_AWAY_MIN, demand};

fn packed(path: &Path, text: &str) {
    let mut gz = flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap();
}

/// A town of 16 crossings on no place on earth, without turnarounds.
fn net(folder: &Path, name: &str) {
    generate(folder, name, &["--no-turnarounds"]);
}

fn generate(folder: &Path, name: &str, more: &[&str]) {
    let mut command = Command::new("netgenerate");
    command.args(["--grid", "--grid.number", "4", "--grid.length", "300"]).args(more).arg("-o");
    let made =
        command.arg(folder.join(name)).output().expect("netgenerate is not installed (hint: scripts/test)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn park(id: &str, edge: &str, spaces: u32) -> String {
    format!(
        "  <parkingArea\n   roadsideCapacity='{spaces}' id='{id}'\n   lane='{edge}_0' endPos='-20' startPos='-40'/>\n"
    )
}

fn stop(park: &str) -> String {
    format!("<stop duration='0:06:00' parkingArea='{park}'/>")
}

fn run(scenario: &Scenario, mode: Mode) -> Played {
    let city = City::of(scenario);
    let demand = demand::draw(scenario, &demand::Known::default(), 3, 1.0, 900.0);
    let setup = Setup {
        mode,
        compliance: 1.0,
        seed: 3,
        scale: 1.0,
        until_s: 900,
        turned_away_min: TURNED_AWAY_MIN,
        micro: false,
    };
    play(scenario, &demand, &city, &setup).unwrap()
}

#[test]
fn other_forms_of_the_same_are_read_and_what_is_of_no_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    net(folder.path(), "any.xml");
    let parks = [park("P [1] – Süd", "B1B2", 3), park("one", "C2C1", 1), park("none", "A1A2", 0)].concat();
    let elsewhere = park("elsewhere", "Z9Z8", 10);
    let loops = "<e1Detector file='x' freq='60' pos='3' lane='B1B2_0' id='e'/>";
    packed(&at("all.add.xml.gz"), &format!("<additional>\n{parks}{elsewhere}{loops}\n</additional>\n"));
    let mut routes = "<routes>\n<vType id='car'/><vType id='bike' vClass='bicycle'/>\n".to_owned();
    let mut trip = |n: u32, more: &str, inside: &str| {
        let clock = format!("8:{:02}:{:02}", n / 60, n % 60);
        writeln!(
            routes,
            "<trip id='{n}' {more} depart='{clock}' from='A0A1' to='D2D3'>\n  {inside}\n</trip>"
        )
        .unwrap();
    };
    (0..40).for_each(|n| trip(n * 5, "type='car'", &stop("P [1] – Süd")));
    trip(201, "", &stop("none"));
    trip(202, "type='bike'", "");
    trip(203, "fromTaz='x'", "");
    routes += "<route id='r' edges='A0B0 B0C0 C0D0'/>\n";
    routes += &format!("<vehicle id='v' depart='29000' route='r'>{}</vehicle>\n", stop("one"));
    routes += &format!(
        "<flow id='f' begin='28800' end='29400' period='60' from='A3B3' to='D0D1'>{}</flow>\n",
        stop("one")
    );
    routes += "<trip id='taz' depart='29000' fromTaz='1' toTaz='2'/>\n</routes>\n";
    fs::write(at("demand.rou.xml"), &routes).unwrap();
    // The same drivers as a run has recorded them, and files that are none of ours.
    let record = format!(
        "<routes><vehicle id='0' depart='28800.00' arrival='29000.00'><route edges='A0A1'/>{}</vehicle></routes>",
        stop("one")
    );
    fs::write(at("a-run.xml"), record).unwrap();
    fs::write(at("tripinfo.xml"), "<tripinfos><tripinfo id='0'/></tripinfos>").unwrap();
    fs::write(at("notes.txt"), "parkingArea").unwrap();

    let scenario = Scenario::load(folder.path()).unwrap();
    let parks: Vec<_> =
        scenario.parks.iter().map(|park| (park.name.as_str(), park.capacity, park.wanted)).collect();
    assert_eq!(parks, [("P [1] – Süd", 3, 40), ("one", 1, 11)]);
    assert!(
        (scenario.parks[0].offset_m - (scenario.edges[scenario.parks[0].edge].length_m - 40.0)).abs() < 0.1
    );
    assert_eq!((scenario.loops.len(), scenario.trips.len(), scenario.stays_s.len()), (1, 52, 51));
    let departs = scenario.trips.iter().map(|trip| trip.depart_s);
    assert!(departs.clone().fold(f64::INFINITY, f64::min) == 0.0 && departs.fold(0.0, f64::max) == 540.0);
    let told = scenario.notes.join("\n");
    for part in ["plane", "a-run.xml", "none is left out", "elsewhere is left out", "not by car", "both ends"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    // And there they drive: signs with such names, and car parks of one space and three.
    let (off, full) = (run(&scenario, Mode::Off), run(&scenario, Mode::Full));
    let parked = |played: &Played| played.drivers.iter().filter(|ended| ended.park.is_some()).count();
    assert!(parked(&off) > 5 && parked(&full) > 5, "{} and {} park", parked(&off), parked(&full));
}

#[test]
fn at_the_only_car_park_of_a_town_drivers_go_round_until_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    net(folder.path(), "town.net.xml");
    let additional = format!("<additional>{}</additional>", park("only", "B1B2", 4));
    fs::write(folder.path().join("park.add.xml"), additional).unwrap();
    let mut trips = "<routes>\n".to_owned();
    for n in 0..40 {
        let (depart, stop) = (n * 10, stop("only"));
        writeln!(trips, "<trip id=\"{n}\" depart=\"{depart}\" from=\"A0A1\" to=\"D2D3\">{stop}</trip>")
            .unwrap();
    }
    fs::write(folder.path().join("trips.xml"), trips + "</routes>\n").unwrap();
    let scenario = Scenario::load(folder.path()).unwrap();
    assert!(
        City::of(&scenario).posts.is_empty() && scenario.notes.iter().any(|note| note.contains("no loop"))
    );
    let off = run(&scenario, Mode::Off);
    let found = off.drivers.iter().filter(|ended| ended.turned_away > 1 && ended.park.is_some()).count();
    assert!(found > 3, "{found} found a space in the end");
    assert!(off.drivers.iter().all(|ended| ended.park.is_some() || ended.gave_up));
    assert_eq!(run(&scenario, Mode::Full).drivers.len(), off.drivers.len());
}

#[test]
fn a_car_park_that_nobody_reaches_is_left_out_and_two_nets_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    net(folder.path(), "town.net.xml");
    // Nobody turns into this street.
    let path = folder.path().join("town.net.xml");
    let text = fs::read_to_string(&path).unwrap();
    let text: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains(" to=\"C2D2\"") || !line.contains("<connection "))
        .collect();
    fs::write(&path, text.join("\n")).unwrap();
    let parks = [park("a", "B1B2", 4), park("b", "B2B1", 4), park("shut", "C2D2", 50)].concat();
    fs::write(folder.path().join("parks.add.xml"), format!("<additional>{parks}</additional>")).unwrap();
    let trips: String = (0..20)
        .map(|n| {
            format!(
                "<trip id='{n}' depart='{n}' from='A0A1' to='D1D0'>{}</trip>\n",
                stop(["a", "shut"][n % 2])
            )
        })
        .collect();
    fs::write(folder.path().join("trips.xml"), format!("<routes>{trips}</routes>")).unwrap();
    let scenario = Scenario::load(folder.path()).unwrap();
    assert_eq!((scenario.parks.len(), scenario.trips.len()), (2, 10));
    assert!(
        scenario.notes.iter().any(|note| note.contains("shut is left out: 0 of 20")),
        "{:?}",
        scenario.notes
    );
    net(folder.path(), "other.net.xml");
    let said = Scenario::load(folder.path()).err().map(|error| format!("{error:#}"));
    assert!(said.is_some_and(|said| said.contains("two nets") && said.contains("other.net.xml")));
}

#[test]
fn nobody_turns_round_where_there_is_another_way_on() {
    let folder = tempfile::tempdir().unwrap();
    // With streets that end at the edge of the town.
    generate(folder.path(), "town.net.xml", &["--grid.attach-length", "100"]);
    fs::write(
        folder.path().join("park.add.xml"),
        format!("<additional>{}</additional>", park("a", "B1B2", 4)),
    )
    .unwrap();
    let trip = format!("<routes><trip id='0' depart='0' from='A0A1' to='D2D3'>{}</trip></routes>", stop("a"));
    fs::write(folder.path().join("trips.xml"), trip).unwrap();
    let scenario = Scenario::load(folder.path()).unwrap();
    let (mut round, mut ends) = (0, 0);
    for (i, edge) in scenario.edges.iter().enumerate() {
        let [from, to] = &edge.nodes;
        let Some(back) = scenario.edges.iter().position(|other| other.nodes == [to.clone(), from.clone()])
        else {
            continue;
        };
        let goes_on = (0..scenario.edges.len()).any(|next| next != back && scenario.graph.leads(i, next));
        assert_eq!(scenario.graph.leads(i, back), !goes_on, "{}", edge.id);
        *(if goes_on { &mut round } else { &mut ends }) += 1;
    }
    assert!(round > 40 && ends >= 16, "{round} and {ends}");
}
