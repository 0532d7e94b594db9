//! The load generator.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message as _;
use vlot_proto::device::v1::Envelope;
use vlot_simulators::load::{self, Options, numbered_devices};
use vlot_simulators::wire::Topics;

use crate::mosquitto::Mosquitto;
use crate::sink::{Manners, Sink};
use crate::{BOUND, until};

fn options(broker: vlot_simulators::mqtt::Broker) -> Options {
    Options {
        broker,
        devices: numbered_devices(90, 10),
        topics: Topics::default(),
        format: None,
        per_second: None,
        messages_max: Some(5_000),
        connections: 3,
        in_flight: 200,
        seed: 1,
        now_micros: Arc::new(|| 0),
        live: Arc::default(),
    }
}

async fn never() {
    tokio::time::sleep(BOUND).await;
}

#[tokio::test]
async fn every_message_is_sent_and_counted_once() {
    let mosquitto = Mosquitto::start().await;
    let subscriber = mosquitto.subscribe().await;
    let report = load::run(options(mosquitto.broker()), never()).await.unwrap();
    assert_eq!((report.published, report.acknowledged), (5_000, 5_000));
    until("all with the subscriber", || subscriber.len() >= 5_000).await;
    assert_eq!(subscriber.len(), 5_000);

    // Each device's own counter has no hole, and a bay changes with each of its messages.
    let mut sequences: BTreeMap<String, u32> = BTreeMap::new();
    for (topic, payload) in subscriber.messages() {
        if topic.ends_with("/pb") {
            let envelope = Envelope::decode(payload.as_slice()).unwrap();
            let next = sequences.entry(envelope.device).or_insert(0);
            assert_eq!(envelope.sequence, Some(*next));
            *next += 1;
        }
    }
    assert_eq!(sequences.len(), 90);
}

#[tokio::test]
async fn the_rate_is_kept_and_a_stop_still_waits_for_acknowledgements() {
    let sink = Sink::start(Manners::default()).await;
    let mut options = options(sink.broker());
    options.per_second = Some(2_000.0);
    options.messages_max = None;
    let live = Arc::clone(&options.live);
    // Half a second's, at the rate.
    let stop = until("a thousand messages", || live.published() >= 1_000);
    let report = load::run(options, stop).await.unwrap();
    assert_eq!(report.published, report.acknowledged);
    // Never faster; how much slower is the machine's matter.
    assert!(report.published as f64 <= 2_000.0 * report.elapsed_s, "{report:?}");
    assert_eq!(sink.arrived().len() as u64, report.published);
}

#[tokio::test]
async fn a_broken_connection_is_an_error() {
    let sink = Sink::start(Manners { drop_after: Some(100), drops: 3, ..Manners::default() }).await;
    let e = load::run(options(sink.broker()), never()).await.unwrap_err();
    assert!(e.to_string().contains("127.0.0.1"), "{e}");
    let refusing = Sink::start(Manners { connack: 5, ..Manners::default() }).await;
    let e = load::run(options(refusing.broker()), never()).await.unwrap_err();
    assert!(e.to_string().contains("refuses"), "{e}");
}
