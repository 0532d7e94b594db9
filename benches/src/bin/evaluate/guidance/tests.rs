//! The loop itself, on a town of 36 crossings that SUMO's own generator makes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::dice::Dice;
use super::play::play;
use super::result::{Played, figures};
use super::scenario::Scenario;
use super::{City, Mode, Setup, TURNED_AWAY_MIN, demand};

const COLUMNS: [char; 6] = ['A', 'B', 'C', 'D', 'E', 'F'];

/// Writes a scenario: three car parks, of which the one that most want is far too small.
fn write(folder: &Path) {
    let net = folder.join("town.net.xml");
    let mut command = Command::new("netgenerate");
    command.args(["--grid", "--grid.number", "6", "--grid.length", "250", "--no-turnarounds", "-o"]);
    let made = command.arg(&net).output().expect("netgenerate is not installed (hint: scripts/test)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // On the ground, so that there are places on it.
    let text = std::fs::read_to_string(&net).unwrap();
    let located = text.lines().map(|line| match line.contains("<location ") {
        true => {
            "<location netOffset=\"-610399.15,-5632378.54\" convBoundary=\"0,0,1250,1250\" \
             origBoundary=\"4.5,50.8,4.6,50.9\" projParameter=\"+proj=utm +zone=31 +ellps=WGS84\"/>"
        }
        false => line,
    });
    std::fs::write(&net, located.collect::<Vec<_>>().join("\n")).unwrap();
    let parks = [("Near", "C2C3", 4), ("Next", "D3D2", 20), ("Far", "E4F4", 40)];
    let (mut areas, mut loops) = ("<additional>\n".to_owned(), "<additional>\n".to_owned());
    for (name, edge, spaces) in parks {
        writeln!(areas, "<parkingArea id=\"{name}\" lane=\"{edge}_0\" startPos=\"100\" endPos=\"110\" roadsideCapacity=\"{spaces}\"/>").unwrap();
        writeln!(
            loops,
            "<inductionLoop id=\"in_{name}\" lane=\"{edge}_0\" pos=\"2\" freq=\"60\" file=\"x\"/>"
        )
        .unwrap();
    }
    std::fs::write(folder.join("parks.add.xml"), areas + "</additional>\n").unwrap();
    std::fs::write(folder.join("loops.add.xml"), loops + "</additional>\n").unwrap();
    let mut dice = Dice::new(1, 9);
    let mut trips = "<routes>\n".to_owned();
    let mut edge = || {
        let (row, column) = (dice.below(6), dice.below(5));
        let [a, b] = [column, column + 1].map(|c| format!("{}{row}", COLUMNS[c]));
        if dice.is(0.5) { a + &b } else { b + &a }
    };
    for n in 0..150 {
        let stop = match n % 3 {
            0 => format!("<stop parkingArea=\"{}\" duration=\"400\"/>", parks[usize::from(n % 12 == 0)].0),
            _ => String::new(),
        };
        let (depart, from, to) = (n * 4, edge(), edge());
        writeln!(trips, "<trip id=\"{n}\" depart=\"{depart}\" from=\"{from}\" to=\"{to}\">{stop}</trip>")
            .unwrap();
    }
    std::fs::write(folder.join("trips.xml"), trips + "</routes>\n").unwrap();
}

fn setup(mode: Mode, compliance: f64) -> Setup {
    Setup {
        mode,
        compliance,
        seed: 5,
        scale: 1.0,
        until_s: 600,
        turned_away_min: TURNED_AWAY_MIN,
        micro: false,
    }
}

#[test]
fn drivers_park_or_search_on_and_those_who_obey_read_the_signs() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let scenario = Scenario::load(folder.path()).unwrap();
    let city = City::of(&scenario);
    assert!(!city.posts.is_empty() && city.posts.iter().all(|post| post.parks.len() == 3));
    let drawn = || demand::draw(&scenario, &demand::Known::default(), 5, 1.0, 600.0);
    let demand = drawn();
    let obeying = |share: f64| demand.drivers.iter().filter(|driver| driver.obeys_from < share).count();
    assert!(demand.drivers.len() > 30 && obeying(0.2) < obeying(0.5) && obeying(0.5) < demand.drivers.len());
    let run = |mode, compliance| play(&scenario, &demand, &city, &setup(mode, compliance)).unwrap();
    let (roomy, off, count) = (run(Mode::Roomy, 0.0), run(Mode::Off, 0.0), run(Mode::Count, 1.0));
    let away = |played: &Played| played.drivers.iter().filter(|ended| ended.turned_away > 0).count();
    assert_eq!((away(&roomy), roomy.signs_read, off.signs_read), (0, 0, 0));
    let at_ease = figures(&roomy, &roomy);
    assert_eq!((at_ease.lost_mean_min, at_ease.no_space_share), (0.0, 0.0));
    assert!(away(&off) > 10, "a car park of 4 spaces turns drivers away: {}", away(&off));
    assert!(count.signs_read > 20 && away(&count) < away(&off), "{} of {}", away(&count), away(&off));
    let lost = |played: &Played| figures(played, &roomy).lost_mean_min;
    assert!(lost(&off) > 0.0 && lost(&count) < lost(&off));
    // Nobody obeys: signs change nothing. And the same comes out twice.
    let blind = run(Mode::Count, 0.0);
    assert_eq!(times(&blind), times(&off));
    assert_eq!(blind.signs_read, 0);
    assert_eq!(times(&count), times(&run(Mode::Count, 1.0)));
    assert_eq!(drawn().drivers.len(), demand.drivers.len());
}

#[test]
fn who_is_turned_away_finds_another_car_park_in_both_models_of_traffic() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let scenario = Scenario::load(folder.path()).unwrap();
    let city = City::of(&scenario);
    let demand = demand::draw(&scenario, &demand::Known::default(), 5, 1.0, 600.0);
    for micro in [false, true] {
        let setup = Setup { micro, ..setup(Mode::Count, 0.5) };
        let played = play(&scenario, &demand, &city, &setup).unwrap();
        let away = || played.drivers.iter().filter(|ended| ended.turned_away > 0);
        let found = away().filter(|ended| ended.park.is_some()).count();
        assert!(
            away().count() > 10 && found * 10 > away().count() * 9,
            "{found} of {}, micro {micro}",
            away().count()
        );
    }
}

fn times(played: &Played) -> Vec<(f64, Option<usize>)> {
    played.drivers.iter().map(|ended| (ended.time_s, ended.park)).collect()
}

#[test]
fn a_folder_without_a_scenario_is_told_with_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let said = |folder: &Path| Scenario::load(folder).err().map(|error| format!("{error:#}"));
    assert!(said(folder.path()).is_some_and(|said| said.contains("no .net.xml")));
    write(folder.path());
    std::fs::remove_file(folder.path().join("parks.add.xml")).unwrap();
    assert!(said(folder.path()).is_some_and(|said| said.contains("no file with a parkingArea")));
    assert!(said(&folder.path().join("nowhere")).is_some_and(|said| said.contains("nowhere")));
}
