//! Recordings through a broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use vlot_simulators::layout::Layout;
use vlot_simulators::recordings::{Kind, Known, PlayOptions, Recording, Targets, What, play, read};
use vlot_simulators::wire::{Format, Topics, Value};

use crate::BOUND;
use crate::sink::{Manners, Sink};

fn recorded(kind: Kind, name: &str, text: &str, known: &Known) -> Result<Recording, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    read(kind, &path, known).map_err(|e| e.to_string())
}

const BATH: &str = "Name,LastUpdate,DateUploaded,Occupancy,Capacity,Status\n\
    Avon Street CP,2015-10-31T23:59:08Z,2015-11-01T00:00:01Z,94,630,Emptying\n\
    Podium CP,2015-10-31T23:59:08Z,2015-11-01T00:00:01Z,-2,521,Static\n\
    Avon Street CP,2015-11-01T00:04:08Z,2015-11-01T00:05:01Z,,630,Emptying\n\
    Avon Street CP,2015-11-01T00:09:08Z,2015-11-01T00:10:01Z,640,630,Filling\n";

#[test]
fn blanks_stay_absent_and_impossible_counts_stay_as_they_are() {
    let bath = recorded(Kind::Bath, "bath.csv", BATH, &Known::default()).unwrap();
    let counts: Vec<_> = bath.rows.iter().map(|r| (&*r.source, r.said.clone())).collect();
    let occupied = |occupied_spaces| What::Value(Value::Occupancy { occupied_spaces });
    assert_eq!(
        counts,
        [("Avon Street CP", occupied(94)), ("Podium CP", occupied(-2)), ("Avon Street CP", occupied(640))]
    );
    assert_eq!(bath.passed_over, BTreeMap::from([("blank", 1)]));
    assert_eq!(bath.rows[0].sent_at - bath.rows[0].observed_at, 53_000_000);

    let awv = "1,IN,FIETSERS,2020-05-01 00:00:00.0,2020-05-01 00:15:00.0,4\n\
        1,OUT,FIETSERS,2020-05-01 00:00:00.0,2020-05-01 00:15:00.0,\n";
    let awv = recorded(Kind::Awv, "awv.csv", awv, &Known::default()).unwrap();
    assert_eq!(awv.rows.len(), 1);
    assert_eq!(
        awv.rows[0].said,
        What::Value(Value::Bicycles { interval_s: 900, inbound: Some(4), outbound: None })
    );
    // Midnight in Flanders is 22:00 UTC of the day before.
    assert_eq!(vlot_simulators::time::text(awv.rows[0].observed_at), "2020-04-30T22:00:00Z");
}

#[test]
fn free_spaces_need_a_capacity() {
    let text = "timestamp,place_id,free\n2022-01-01T00:00:01+00:00,a,10\n2022-01-01T00:00:02+00:00,b,1\n";
    let known = Known { capacities: BTreeMap::from([("a".into(), 100)]), began_at: 0 };
    let muenster = recorded(Kind::Muenster, "m.csv", text, &known).unwrap();
    assert_eq!(muenster.rows.len(), 1);
    assert_eq!(muenster.rows[0].said, What::Value(Value::Occupancy { occupied_spaces: 90 }));
    assert_eq!(muenster.passed_over, BTreeMap::from([("no capacity", 1)]));
}

#[test]
fn what_is_not_of_its_kind_is_named_with_its_line() {
    for (kind, text, needle) in [
        (Kind::Bath, "Name,LastUpdate\n", "no column \"DateUploaded\""),
        (Kind::Bath, &*BATH.replace("640", "many"), "line 5, Occupancy \"many\": no number"),
        (Kind::Fremont, "Date,Fremont Bridge NB,Fremont Bridge SB\n13/45/2012,1,1\n", "line 2, Date"),
        (Kind::SumoStops, "<stops></stops>\n", "no stay in a car park"),
        (Kind::Lorawan, "{}", "neither an uplink"),
    ] {
        let e = recorded(kind, "r.csv", text, &Known::default()).unwrap_err();
        assert!(e.contains("r.csv") && e.contains(needle), "{e}");
    }
}

#[test]
fn a_stay_is_a_vehicle_in_and_the_same_out() {
    let text = "<stops>\n  <stopinfo id=\"p\" started=\"10.00\" ended=\"25.50\" parkingArea=\"Bond\"/>\n\
        <stopinfo id=\"q\" started=\"12.00\" ended=\"-1.00\" parkingArea=\"Bond\"/>\n\
        <stopinfo id=\"bus\" started=\"1.00\" ended=\"2.00\" busStop=\"x\"/>\n</stops>\n";
    let known = Known { began_at: 1_000_000_000, ..Known::default() };
    let sumo = recorded(Kind::SumoStops, "stops.xml", text, &known).unwrap();
    let rows: Vec<_> = sumo.rows.iter().map(|r| (r.sent_at - known.began_at, r.said.clone())).collect();
    let passage = |inward| What::Value(Value::Passage { inward, vehicles: 1 });
    assert_eq!(
        rows,
        [(10_000_000, passage(true)), (12_000_000, passage(true)), (25_500_000, passage(false))]
    );
}

async fn played(speed: Option<f64>, shift_to_now: bool) -> (Vec<Json>, BTreeMap<String, u64>) {
    let sink = Sink::start(Manners::default()).await;
    let bath = recorded(Kind::Bath, "bath.csv", BATH, &Known::default()).unwrap();
    let facilities = "[[facility]]\nid = 'bond'\ndevice = [{ id = 'bond-a', kind = 'barrier' }, { id = 'bond-c', kind = 'counter' }]";
    let layout = Layout::parse(&BTreeMap::from([("facilities.toml".into(), facilities.into())])).unwrap();
    let named = BTreeMap::from([("Avon Street CP".to_owned(), "bond".to_owned())]);
    let options = PlayOptions {
        broker: sink.broker(),
        targets: Targets::new(named, Some(&layout)),
        topics: Topics::default(),
        format: Format::VlotJson,
        speed,
        shift_to_now,
        now_micros: Arc::new(|| jiff::Timestamp::now().as_microsecond()),
        live: Arc::default(),
    };
    let report =
        tokio::time::timeout(BOUND, play(&bath, options, std::future::pending())).await.unwrap().unwrap();
    assert_eq!((report.published, report.acknowledged), (2, 2));
    let arrived = sink.arrived();
    assert!(arrived.iter().all(|m| m.topic == "vlot/v1/bond-c/json"));
    (arrived.iter().map(|m| serde_json::from_slice(&m.payload).unwrap()).collect(), report.unnamed)
}

#[tokio::test]
async fn a_recording_keeps_its_dates_and_a_facility_speaks_through_its_counter() {
    let (messages, unnamed) = played(None, false).await;
    assert_eq!(
        messages[0],
        serde_json::json!({
            "device": "bond-c",
            "sequence": 0,
            "observed_at": "2015-10-31T23:59:08Z",
            "occupancy": { "occupied_spaces": 94 },
        })
    );
    assert_eq!(messages[1]["sequence"], 1);
    assert_eq!(unnamed, BTreeMap::from([("Podium CP".into(), 1)]));
}

#[tokio::test]
async fn ten_minutes_pass_in_an_instant_and_are_dated_with_the_present() {
    let before = jiff::Timestamp::now();
    let (messages, _) = played(Some(6_000.0), true).await;
    let dates: Vec<jiff::Timestamp> =
        messages.iter().map(|m| m["observed_at"].as_str().unwrap().parse().unwrap()).collect();
    // 600 recorded seconds at 6,000 times their speed.
    assert!((dates[1] - dates[0]).total(jiff::Unit::Second).unwrap() >= 0.099, "{dates:?}");
    assert!(dates[0] >= before && dates[1] <= jiff::Timestamp::now());
}
