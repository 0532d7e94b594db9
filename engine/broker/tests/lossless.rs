//! The broker's one promise: no QoS 1 message is lost, however fast it comes and however slowly it is taken.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{LIMIT, options};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::time::timeout;
use vlot_broker::{Broker, Options};

const PUBLISHERS: u32 = 3;
const MESSAGES_EACH: u32 = 100_000;
const QUEUE: usize = 5_000;
const QUEUE_BYTES: usize = 4 << 20;

fn client(broker: &Broker, id: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", broker.addr().port());
    options.set_clean_session(false).set_inflight(200).set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 100);
    events.network_options.set_tcp_nodelay(true);
    (client, events)
}

async fn publish_all(broker: &Broker, publisher: u32) -> tokio::task::JoinHandle<()> {
    let (client, mut events) = client(broker, &format!("publisher-{publisher}"));
    tokio::spawn(async move {
        for n in 0..MESSAGES_EACH {
            let payload = [publisher.to_be_bytes(), n.to_be_bytes()].concat();
            client.publish(format!("load/{publisher}"), QoS::AtLeastOnce, false, payload).await.unwrap();
        }
    });
    tokio::spawn(async move {
        let mut acknowledged = 0;
        while acknowledged < MESSAGES_EACH {
            // An error here would be a connection lost while the publisher was held back.
            if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.unwrap() {
                acknowledged += 1;
            }
        }
    })
}

/// Resident memory of this process, clients included.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_gets_all_of_300_000_within_bounded_memory() {
    let broker = Broker::start(Options {
        session_messages: QUEUE,
        session_bytes: QUEUE_BYTES,
        in_flight_max: 100,
        ..options()
    })
    .unwrap();

    let (subscriber, mut events) = client(&broker, "slow");
    subscriber.subscribe("load/#", QoS::AtLeastOnce).await.unwrap();
    while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::SubAck(_))) {}

    let before = resident_bytes();
    let mut publishers = Vec::new();
    for p in 0..PUBLISHERS {
        publishers.push(publish_all(&broker, p).await);
    }
    // The subscriber reads nothing until the publishers are at a standstill.
    timeout(LIMIT, async {
        while broker.stats().held_back == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the publishers were never held back");

    let mut next = BTreeMap::new();
    let (mut received, mut held_max, mut bytes_max, mut resident_max) = (0, 0, 0, 0);
    timeout(Duration::from_secs(240), async {
        while received < PUBLISHERS * MESSAGES_EACH {
            let Event::Incoming(Packet::Publish(p)) = events.poll().await.unwrap() else { continue };
            let (from, n) = p.payload.split_at(4);
            let from = u32::from_be_bytes(from.try_into().unwrap());
            let expected = next.entry(from).or_insert(0);
            assert_eq!(u32::from_be_bytes(n.try_into().unwrap()), *expected, "of publisher {from}");
            *expected += 1;
            received += 1;
            if received % 1_000 == 0 {
                let stats = broker.stats();
                held_max = held_max.max(stats.queued);
                bytes_max = bytes_max.max(stats.queued_bytes);
                resident_max = resident_max.max(resident_bytes());
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("only {received} arrived; {:?}", broker.stats()));
    for p in publishers {
        timeout(LIMIT, p).await.unwrap().unwrap();
    }

    assert_eq!(next, (0..PUBLISHERS).map(|p| (p, MESSAGES_EACH)).collect());
    assert!(held_max <= QUEUE && held_max > QUEUE / 2, "{held_max} held at most");
    assert!(bytes_max <= QUEUE_BYTES, "{bytes_max} bytes held at most");
    let grown = resident_max.saturating_sub(before);
    assert!(grown < 64 << 20, "grew by {grown} bytes");
    let stats = broker.stop();
    assert_eq!((stats.dropped_qos0, stats.dropped_oversized), (0, 0));
}
