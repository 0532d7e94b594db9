//! The city against a real broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_simulators::city::{self, CityReport, Faults, Live, Options};
use vlot_simulators::mqtt::Broker;
use vlot_simulators::time::{NowMicros, round};

use crate::mosquitto::Mosquitto;
use crate::{BOUND, until};

/// 2026-11-24 09:00 in Leuven.
const BEGIN: i64 = 1_795_507_200_000_000;

fn running(speed: f64) -> NowMicros {
    let began = tokio::time::Instant::now();
    Arc::new(move || BEGIN + round(began.elapsed().as_secs_f64() * 1e6 * speed))
}

fn files() -> BTreeMap<String, String> {
    let mut bays = "device,eui,kind,facility,bay,use\n".to_owned();
    for i in 0..40 {
        let kind = ["bay", "bosch-tps110", "nwave", "netvox-r719a", "libelium-parking"][i % 5];
        bays += &format!("bay-{i},70B3D500000000{i:02},{kind},shop,{i},short-stay\n");
    }
    let facilities = "
        [[facility]]
        id = 'park'
        kind = 'off-street'
        capacity = 900
        counting = 'barriers'
        device = [{ id = 'park-a', kind = 'barrier', silent_after = '10m' }]
        [[facility]]
        id = 'shop'
        kind = 'on-street'
        counting = 'bays'
        bay_silent_after = '1h'";
    let stations = "
        [[station]]
        id = 'ring'
        mode = 'motor'
        device = [{ id = 'ring-1', kind = 'loop' }]";
    let city = "timezone = 'Europe/Brussels'";
    [("city.toml", city), ("facilities.toml", facilities), ("bays.csv", &bays), ("stations.toml", stations)]
        .into_iter()
        .map(|(n, t)| (n.to_owned(), t.to_owned()))
        .collect()
}

fn options(broker: Broker, speed: f64, live: &Arc<Live>) -> Options {
    Options {
        files: files(),
        broker,
        seed: 1,
        now_micros: running(speed),
        speed,
        faults: Faults::default(),
        trouble: city::Trouble::default(),
        drivers: city::Drivers::default(),
        live: Arc::clone(live),
    }
}

async fn finished(run: impl Future<Output = Result<CityReport, vlot_simulators::SimError>>) -> CityReport {
    tokio::time::timeout(BOUND, run).await.expect("it stops in time").unwrap()
}

#[tokio::test]
async fn every_message_reaches_the_broker_once() {
    let mosquitto = Mosquitto::start().await;
    let subscriber = mosquitto.subscribe().await;
    let live = Arc::new(Live::default());
    let stop = until("an hour of messages", || live.mqtt().published() > 1_000);
    let report = finished(city::run(options(mosquitto.broker(), 3_600.0, &live), stop)).await;

    assert_eq!(report.published, report.acknowledged);
    assert_eq!(report.devices, 42);
    assert_eq!(report.readings_by_kind.values().sum::<u64>(), report.published);
    assert_eq!(
        report.readings_by_kind.keys().map(String::as_str).collect::<Vec<_>>(),
        ["bay", "occupancy", "passage", "totals", "traffic"]
    );
    assert!(report.taken["park"] > 0 && report.taken["shop"] <= 40, "{:?}", report.taken);
    let published = usize::try_from(report.published).unwrap();
    until("all with the subscriber", || subscriber.len() >= published).await;
    assert_eq!(subscriber.len(), published);
    for topic in
        ["vlot/v1/park-a/json", "vlot/v1/bay-0/pb", "vlot/v1/ring-1/pb", "v3/vlot-sim@ttn/devices/bay-1/up"]
    {
        assert!(subscriber.messages().iter().any(|(t, _)| t == topic), "{topic}");
    }
}

#[tokio::test]
async fn a_city_without_a_broker_waits_and_still_stops() {
    let live = Arc::new(Live::default());
    // No program gets this port by chance.
    let nowhere = 1;
    let stop = tokio::time::sleep(Duration::from_millis(300));
    let report = finished(city::run(options(Broker::new("127.0.0.1", nowhere), 60.0, &live), stop)).await;
    assert_eq!(report.acknowledged, 0);
    assert!(!live.mqtt().connected());
}

#[tokio::test]
async fn faults_are_counted_and_what_is_sent_is_still_acknowledged() {
    let mosquitto = Mosquitto::start().await;
    let live = Arc::new(Live::default());
    let mut options = options(mosquitto.broker(), 3_600.0, &live);
    options.faults = Faults { duplicates: 0.1, reorder: 0.1, lost: 0.1, wrong_clock: 0.1, malformed: 0.1 };
    let report = finished(city::run(options, until("messages", || live.mqtt().published() > 500))).await;
    assert_eq!(report.published, report.acknowledged);
    assert_eq!(
        report.faults.keys().map(String::as_str).collect::<Vec<_>>(),
        ["duplicates", "lost", "malformed", "reorder", "wrong_clock"]
    );
    assert!(report.faults.values().all(|n| *n > 10), "{:?}", report.faults);
}
