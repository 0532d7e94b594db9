//! Real recordings, which the project does not contain: read from ../shared/data, or from VLOT_TEST_DATA.

#![expect(clippy::unwrap_used, reason = "the allowance for tests does not reach their helpers")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vlot_simulators::recordings::{Kind, Known, Recording, What, read};
use vlot_simulators::time::text;
use vlot_simulators::wire::Value;

fn data(path: &str) -> PathBuf {
    let root = match std::env::var_os("VLOT_TEST_DATA") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
    };
    let path = root.join(path);
    assert!(path.exists(), "{} is missing: set VLOT_TEST_DATA", path.display());
    path
}

fn recorded(kind: Kind, path: &str) -> Recording {
    let recording = read(kind, &data(path), &Known::default()).unwrap();
    assert!(recording.rows.is_sorted_by_key(|row| row.sent_at));
    recording
}

fn occupied(recording: &Recording) -> impl Iterator<Item = i32> {
    recording.rows.iter().map(|row| match row.said {
        What::Value(Value::Occupancy { occupied_spaces }) => occupied_spaces,
        ref other => panic!("{other:?}"),
    })
}

#[test]
fn birmingham_keeps_its_faults() {
    let r = recorded(Kind::Birmingham, "carparks/birmingham_2016.csv");
    assert_eq!((r.rows.len(), r.sources().len()), (35_717, 30));
    assert_eq!(occupied(&r).filter(|n| *n < 0).count(), 12);
    // British summer time: an hour ahead of UTC.
    let first = r.rows.iter().find(|row| &*row.source == "BHMBCCMKT01").unwrap();
    assert_eq!(text(first.observed_at), "2016-10-04T06:59:42Z");
}

#[test]
fn bath_has_both_dates() {
    let r = recorded(Kind::Bath, "carparks/bath_2015-11_12.csv.gz");
    assert_eq!((r.rows.len(), r.sources().len()), (116_699, 8));
    assert!(r.rows.iter().all(|row| row.sent_at >= row.observed_at));
    assert!(
        r.rows.iter().any(|row| row.sent_at - row.observed_at > 60_000_000),
        "some were old when they came"
    );
}

#[test]
fn muenster_has_capacities_beside_it() {
    let r = recorded(Kind::Muenster, "carparks/muenster_2022.csv.gz");
    let passed_over: u64 = r.passed_over.values().sum();
    assert_eq!(r.rows.len() as u64 + passed_over, 675_636);
    assert!(passed_over < 100_000, "{:?}", r.passed_over);
    assert!(r.sources().len() >= 14, "{:?}", r.sources());
}

#[test]
fn leuven_counts_from_what_was_ever_vacant_or_from_what_is_known() {
    const FILE: &str = "leuven/vacant_envelope_2019-12-22_2020-03-20.csv";
    let r = recorded(Kind::Leuven, FILE);
    let sources: Vec<_> = r.sources().iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["De-Bond", "Heilig-Hart", "Ladeuze", "Philipssite"]);
    assert_eq!(r.rows.len() as u64 + r.passed_over.get("blank").copied().unwrap_or(0), 5_617);
    let known = Known { capacities: BTreeMap::from([("Ladeuze".into(), 734)]), began_at: 0 };
    let with_capacity = read(Kind::Leuven, &data(FILE), &known).unwrap();
    let of_ladeuze = |r: &Recording| {
        let (row, n) = r.rows.iter().zip(occupied(r)).find(|(row, _)| &*row.source == "Ladeuze").unwrap();
        (row.observed_at, n)
    };
    let ((at, by_vacancy), (same, by_capacity)) = (of_ladeuze(&r), of_ladeuze(&with_capacity));
    assert_eq!(at, same);
    // The most that was ever vacant were 703 spaces.
    assert_eq!(by_capacity - by_vacancy, 734 - 703);
}

#[test]
fn flemish_counters_have_gaps_that_are_no_zeros() {
    let r = recorded(Kind::Awv, "bicycles/awv_2020-05.csv");
    assert_eq!(r.sources().len(), 25);
    let (mut blank, mut zero) = (0, 0);
    for row in &r.rows {
        let What::Value(Value::Bicycles { interval_s, inbound, outbound }) = row.said else {
            panic!("{row:?}")
        };
        assert_eq!(interval_s, 900);
        for count in [inbound, outbound] {
            blank += usize::from(count.is_none());
            zero += usize::from(count == Some(0));
        }
    }
    assert_eq!(blank, 1_977);
    assert!(zero > 10_000, "{zero}");
}

#[test]
fn hourly_counters_read_whole() {
    let telraam = recorded(Kind::Telraam, "bicycles/telraam_chateaubourg_hourly.csv.gz");
    assert!(telraam.rows.len() > 8_000 && telraam.sources().len() > 1, "{}", telraam.rows.len());
    let counted = |row: &vlot_simulators::recordings::Row| {
        matches!(
            row.said,
            What::Value(Value::Bicycles { interval_s: 3_600, inbound: Some(_), outbound: Some(_) })
        )
    };
    assert!(telraam.rows.iter().filter(|r| counted(r)).count() > 1_000);
    let fremont = recorded(Kind::Fremont, "bicycles/FremontHourly.csv");
    let gaps = fremont.passed_over.get("gap").copied().unwrap_or(0);
    assert!(gaps >= 3 && fremont.rows.len() == 14_568, "{gaps} of {}", fremont.rows.len());
    assert_eq!(text(fremont.rows[0].observed_at), "2012-10-02T07:00:00Z");
}

#[test]
fn every_simulated_stay_goes_in_and_mostly_out() {
    let r = recorded(Kind::SumoStops, "sumo/leuven/stops.xml.gz");
    let inward = |wanted: bool| {
        let is = |row: &&vlot_simulators::recordings::Row| matches!(row.said, What::Value(Value::Passage { inward, vehicles: 1 }) if inward == wanted);
        r.rows.iter().filter(is).count()
    };
    assert!(
        inward(true) > 300 && inward(false) <= inward(true),
        "{} in, {} out",
        inward(true),
        inward(false)
    );
    assert!(r.sources().iter().any(|s| &**s == "Philipssite"));
}

#[test]
fn every_real_uplink_goes_out_as_it_is() {
    let mut files = Vec::new();
    let mut folders = vec![data("lorawan/VENDORS")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("payload")) {
                files.push(path);
            }
        }
    }
    assert!(files.len() >= 30, "{}", files.len());
    for file in files {
        let r = read(Kind::Lorawan, &file, &Known::default()).unwrap();
        let What::Raw { topic, payload } = &r.rows[0].said else { panic!("{:?}", r.rows) };
        assert_eq!(payload, &std::fs::read(&file).unwrap());
        let chirpstack = file.to_string_lossy().contains("ChirpStack");
        let (start, end) = if chirpstack { ("application/", "/event/up") } else { ("v3/", "/up") };
        assert!(topic.starts_with(start) && topic.ends_with(end), "{topic}");
    }
}

#[test]
fn a_recorded_run_of_sumo_is_read_whole() {
    use vlot_simulators::wire::Value;
    let seen = vlot_simulators::sumo::fcd(&data("sumo/leuven/fcd_20pct_10s.csv.gz")).unwrap();
    assert_eq!(seen.len(), 126_024);
    let intervals = vlot_simulators::sumo::e1(&data("sumo/leuven/e1.xml.gz")).unwrap();
    assert!(intervals.len() > 10_000 && intervals.len() <= 10_560, "{}", intervals.len());
    let with_speed = |value: &Value| match value {
        Value::Traffic { vehicles, speed_kmh, .. } => (*vehicles > 0) == speed_kmh.is_some(),
        _ => false,
    };
    assert!(intervals.iter().all(|row| with_speed(&row.value)));
}
