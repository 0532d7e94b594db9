//! Vehicles that are seen: from MQTT through the gate to what is on disk, in the quarantine and in the log.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Engine, FILTER, TOPIC, Wire, broker, options, payload, publish, state, stats, subscription};
use vlot_ingest::gate::Timer;
use vlot_ingest::mqtt::{Options, Protocol, Qos, Subscription, start};
use vlot_model::{
    City, Clock, Device, DeviceIx, DeviceKind, Dropped, FacilityIx, Format, LonLat, Pair, PairIx, Reading,
    RefusalKind, RoadClass, Role, Service, Timestamp, Value,
};
use vlot_network::{Draft, DraftLink, geo};
use vlot_store::journal::{self, Era, Journal, Record};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
const START: i64 = 1_774_748_000;
const PLATE: &str = "1-ABC-123";
const SEEN: &str = "fcd/1-ABC-123/positions";
const READ: &str = "vlot/v1/anpr-1/sightings";

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn set(&self, seconds: i64) {
        self.0.store(START + seconds, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// All that anybody logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A street of six links, a feed of probes, two readers and a bay.
fn city() -> City {
    let mut city = City::default();
    let devices = [
        ("bay-1", DeviceKind::Bay, Role::Bay { facility: FacilityIx(0), bay: 0 }),
        ("fcd", DeviceKind::ProbeFeed, Role::Probes),
        ("anpr-1", DeviceKind::Reader, Role::Reader),
        ("anpr-2", DeviceKind::Reader, Role::Reader),
        ("pair", DeviceKind::Pair, Role::Pair { pair: PairIx(0) }),
    ];
    for (i, (id, kind, role)) in devices.into_iter().enumerate() {
        city.directory.insert(id, DeviceIx::from_position(i));
        let (silent_after, service) = (Duration::from_secs(60), Service::default());
        city.devices.push(Device { id: id.into(), kind, role, silent_after, service });
    }
    city.pairs.push(Pair {
        id: "pair".into(),
        from: DeviceIx(2),
        to: DeviceIx(3),
        links: Vec::new(),
        min: Duration::from_secs(10),
        max: Duration::from_secs(600),
        device: DeviceIx(4),
    });
    let mut draft = Draft::new("test");
    for i in 0..6_u32 {
        let points = [i, i + 1].map(|n| geo::offset(HERE, [f64::from(n) * 200.0, 0.0])).to_vec();
        let link = DraftLink::new([i64::from(i), i64::from(i) + 1], 100 + u64::from(i), RoadClass::Primary);
        draft.link(DraftLink { points, ..link });
    }
    city.network = Some(Arc::new(draft.make().network));
    city
}

fn at(seconds: i64) -> String {
    Timestamp::from_secs(START + seconds).to_string()
}

/// A drive along the street, a point every five seconds, in one message.
fn drive(vehicle: &str) -> String {
    let point = |i: i32| {
        let place = geo::offset(HERE, [f64::from(i) * 50.0, 2.0]);
        let (lat, lon, at) = (place.lat, place.lon, at(5 * i64::from(i)));
        format!(r#"{{"observed_at":"{at}","vehicle":"{vehicle}","lat":{lat},"lon":{lon}}}"#)
    };
    let points: Vec<_> = (0..24).map(point).collect();
    format!(r#"{{"device":"fcd","points":[{}]}}"#, points.join(","))
}

fn read(device: &str, seconds: i64) -> String {
    format!(r#"{{"device":"{device}","observed_at":"{}","vehicle":"{PLATE}"}}"#, at(seconds))
}

fn sources(protocol: Protocol, port: u16) -> Options {
    let sightings = |filter: &str| Subscription {
        format: Format::VlotSightings,
        ..subscription(filter, Qos::AtLeastOnce)
    };
    let subscriptions = vec![
        subscription(FILTER, Qos::AtLeastOnce),
        sightings("fcd/+/positions"),
        sightings("vlot/v1/+/sightings"),
    ];
    Options { protocol, subscriptions, ..options(port) }
}

fn links(readings: &[Reading]) -> Vec<u64> {
    let links = readings.iter().filter_map(|r| match r.value {
        Value::Traversal { link, .. } => Some(link.0),
        _ => None,
    });
    links.collect()
}

fn bytes_under(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            all.extend(bytes_under(&entry))
        } else {
            all.extend(std::fs::read(entry).unwrap())
        }
    }
    all
}

fn says(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).to_ascii_lowercase().contains(&word.to_ascii_lowercase())
}

#[tokio::test]
async fn no_identity_is_on_disk_in_the_quarantine_or_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    for protocol in [Protocol::V311, Protocol::V5] {
        let (broker, clock) = (broker(), Hand::default());
        let mut engine = Engine::of(city(), Arc::new(clock.clone()), 16);
        let meters = engine.intake.meters.clone();
        let port = broker.addr().port();
        let source = start(sources(protocol, port), engine.intake.clone());
        stats(&broker, "the subscriptions", |s| s.subscriptions == 3).await;

        // What adds up to nothing yet is acknowledged at once.
        clock.set(130);
        publish(port, 1, SEEN, [drive(PLATE)]).await;
        publish(port, 1, READ, [read("anpr-1", 20)]).await;
        publish(port, 1, "vlot/v1/anpr-2/sightings", [read("anpr-2", 120)]).await;
        // What is wrong with a message names nobody.
        let wrong = [
            r#"{"device":"fcd","vehicle":"1-ABC-123""#.to_owned(),
            r#"{"device":"1-ABC-123","observed_at":"2026-03-29T01:30:00Z","vehicle":"1-ABC-123"}"#.to_owned(),
            r#"{"device":"fcd","observed_at":"1-ABC-123","vehicle":"1-ABC-123","lat":1,"lon":1}"#.to_owned(),
            r#"{"device":"fcd","observed_at":"2026-03-29T01:30:00Z","1-ABC-123":true}"#.to_owned(),
            read("fcd", 1),
        ];
        publish(port, 1, SEEN, wrong).await;
        common::until("all to arrive", || meters.messages_in.get() == 8).await;
        stats(&broker, "acknowledgements", |s| s.queued == 0).await;
        assert!(engine.submissions.is_empty());
        assert_eq!(
            (meters.refused(RefusalKind::Malformed), meters.refused(RefusalKind::UnknownDevice)),
            (4, 1)
        );
        assert_eq!(meters.messages_settled.get(), 3);

        // Later, with whoever comes next, all leave; and are acknowledged when they are on disk.
        clock.set(140);
        publish(port, 1, READ, [read("anpr-1", 139)]).await;
        let submission = engine.next().await;
        let said = &submission.readings;
        assert_eq!(links(said), [101, 102, 103, 104], "{said:?}");
        let pair: Vec<_> = said.iter().filter(|r| matches!(r.value, Value::PairTime { .. })).collect();
        assert_eq!(pair.len(), 1);
        assert_eq!((pair[0].device, &pair[0].value), (DeviceIx(4), &Value::PairTime { seconds: 100.0 }));
        assert_eq!(broker.stats().queued, 1);
        let dir = tempfile::tempdir().unwrap();
        let small =
            journal::Options { segment_bytes: 1 << 16, ..journal::Options::new(Arc::new(clock.clone())) };
        let (mut journal, _) = Journal::open(dir.path(), small).unwrap();
        let devices = city().devices.iter().map(|d| d.id.to_string()).collect();
        let era = Era { fingerprint: String::new(), software: String::new(), at: clock.now(), devices };
        journal.append(Record::Era(era), Vec::new()).await.unwrap();
        let batch = Record::Batch { tick: 1, at: clock.now(), readings: submission.readings };
        journal.append(batch, submission.receipt.into_iter().collect()).await.unwrap();
        stats(&broker, "the last acknowledgement", |s| s.queued == 0).await;
        journal.close().await.unwrap();
        source.stop().await;

        let on_disk = bytes_under(dir.path());
        assert!(on_disk.len() > 100);
        let kept = engine.intake.quarantine.newest(100);
        assert_eq!(kept.len(), 5);
        let told = format!("{kept:?} {:?}", meters.gate);
        for word in [PLATE, "1ABC123", "ABC"] {
            assert!(!says(&on_disk, word), "on disk");
            assert!(!says(told.as_bytes(), word), "{told}");
        }
        assert!(kept.iter().all(|q| q.payload.is_empty() && q.topic == "fcd/+/positions"), "{kept:?}");
    }
    let log = log.0.lock().unwrap();
    assert!(says(&log, "connected"), "nothing was logged at all");
    assert!(!says(&log, "ABC"), "in the log");
}

#[tokio::test]
async fn what_left_the_gate_outlives_its_connection() {
    let (broker, clock) = (broker(), Hand::default());
    let port = broker.addr().port();
    let wire = Wire::to(port).await;
    let mut engine = Engine::of(city(), Arc::new(clock.clone()), 1);
    let meters = engine.intake.meters.clone();
    let source = start(sources(Protocol::V311, wire.port), engine.intake.clone());
    stats(&broker, "the subscriptions", |s| s.subscriptions == 3).await;
    clock.set(130);
    publish(port, 1, SEEN, [drive("a")]).await;
    common::until("the drive", || meters.messages_in.get() == 1).await;
    // Admission is full: what leaves the gate waits here.
    publish(port, 1, TOPIC, [payload(1)]).await;
    common::until("the bay", || meters.messages_in.get() == 2).await;
    clock.set(140);
    publish(port, 1, SEEN, [format!(r#"{{"device":"fcd","points":[{}]}}"#, last_point())]).await;
    common::until("the second vehicle", || meters.messages_in.get() == 3).await;

    wire.cut();
    state(&source, "another connection", |s| s.connected && s.connections == 2).await;
    let mut found = Vec::new();
    while found.is_empty() {
        let submission = engine.next().await;
        found = links(&submission.readings);
        if let Some(receipt) = submission.receipt {
            receipt.acknowledge();
        }
    }
    assert_eq!(found, [101, 102, 103, 104]);
    // The sighting comes again; the gate knows it.
    common::until("the repeat", || meters.gate.dropped(Dropped::Repeated) == 1).await;
    source.stop().await;
}

/// The last drive of the day: nobody comes behind it.
#[tokio::test]
async fn what_the_gate_holds_leaves_in_its_time_though_nobody_comes() {
    let (broker, clock) = (broker(), Hand::default());
    let port = broker.addr().port();
    let mut engine = Engine::of(city(), Arc::new(clock.clone()), 1);
    let meters = engine.intake.meters.clone();
    let timer = Timer::start(engine.intake.clone(), Duration::from_millis(1));
    let source = start(sources(Protocol::V311, port), engine.intake.clone());
    stats(&broker, "the subscriptions", |s| s.subscriptions == 3).await;
    clock.set(130);
    publish(port, 1, SEEN, [drive("a")]).await;
    publish(port, 1, READ, [read("anpr-1", 20)]).await;
    publish(port, 1, "vlot/v1/anpr-2/sightings", [read("anpr-2", 120)]).await;
    common::until("all to arrive", || meters.gate.taken.get() == 26).await;
    // Not before its time, however often the timer looks.
    assert!(engine.submissions.is_empty());
    clock.set(134);
    assert!(tokio::time::timeout(Duration::from_millis(50), engine.submissions.recv()).await.is_err());

    clock.set(135);
    let submission = engine.next().await;
    assert_eq!(links(&submission.readings), [101, 102, 103, 104]);
    let times = submission.readings.iter().filter(|r| matches!(r.value, Value::PairTime { .. }));
    assert_eq!(times.count(), 1);
    assert!(submission.receipt.is_none());
    // Vehicles are forgotten with their silence, too.
    assert_eq!(meters.gate.followed.get(), 1);
    clock.set(135 + 301);
    common::until("the vehicle to be forgotten", || meters.gate.followed.get() == 0).await;
    timer.stop().await;
    source.stop().await;
}

fn last_point() -> String {
    format!(r#"{{"observed_at":"{}","vehicle":"b","lat":{},"lon":{}}}"#, at(139), HERE.lat, HERE.lon)
}
