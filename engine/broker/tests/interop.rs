//! With clients by other hands: Mosquitto's own, and rumqttc's version 5.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{LIMIT, options, wait_for};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{DisconnectReasonCode, Packet, PublishProperties};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use tokio::time::timeout;
use vlot_broker::{Broker, Options};

/// Ends with the test, whatever becomes of it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _already_gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn mosquittos_clients_publish_and_subscribe_in_both_versions() {
    let broker = Broker::start(options()).unwrap();
    let port = broker.addr().port().to_string();
    for version in ["mqttv311", "mqttv5"] {
        let mut sub = Command::new("mosquitto_sub");
        sub.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-V",
            version,
            "-q",
            "1",
            "-t",
            "city/+/bay",
            "-C",
            "3",
            "-v",
        ]);
        let mut sub = Process(sub.stdout(Stdio::piped()).spawn().expect("mosquitto-clients is installed"));
        wait_for(&broker, "the subscription", |s| s.subscriptions == 1);
        for (qos, text) in [("0", "zero"), ("1", "one"), ("1", "two")] {
            let published = Command::new("mosquitto_pub")
                .args(["-h", "127.0.0.1", "-p", &port, "-V", version])
                .args(["-q", qos, "-t", "city/7/bay", "-m", text])
                .status()
                .unwrap();
            assert!(published.success());
        }
        let lines = BufReader::new(sub.0.stdout.take().unwrap()).lines();
        let lines: Vec<_> = lines.map(Result::unwrap).collect();
        assert_eq!(lines, ["city/7/bay zero", "city/7/bay one", "city/7/bay two"], "{version}");
        wait_for(&broker, "the end of the subscriber", |s| s.connections == 0);
    }
}

fn client(broker: &Broker, id: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", broker.addr().port());
    options.set_clean_start(false).set_session_expiry_interval(Some(60));
    options.set_receive_maximum(Some(2)).set_manual_acks(true).set_keep_alive(Duration::from_secs(5));
    AsyncClient::new(options, 10)
}

async fn wanted<T>(events: &mut EventLoop, mut pick: impl FnMut(Packet) -> Option<T>) -> T {
    timeout(LIMIT, async {
        loop {
            if let Event::Incoming(packet) = events.poll().await.unwrap()
                && let Some(found) = pick(packet)
            {
                return found;
            }
        }
    })
    .await
    .expect("the packet never came")
}

#[tokio::test]
async fn version_5_properties_pass_and_the_receive_maximum_holds() {
    let broker = Broker::start(options()).unwrap();
    let (subscriber, mut events) = client(&broker, "engine");
    subscriber.subscribe("a", QoS::AtLeastOnce).await.unwrap();
    wanted(&mut events, |p| matches!(p, Packet::SubAck(_)).then_some(())).await;

    let (publisher, mut publishing) = client(&broker, "device");
    let properties = PublishProperties {
        content_type: Some("json".into()),
        user_properties: vec![("key".into(), "value".into())],
        ..PublishProperties::default()
    };
    for n in 0..3u8 {
        let send =
            publisher.publish_with_properties("a", QoS::AtLeastOnce, false, vec![n], properties.clone());
        send.await.unwrap();
        wanted(&mut publishing, |p| matches!(p, Packet::PubAck(_)).then_some(())).await;
    }
    let publish = |p| if let Packet::Publish(p) = p { Some(p) } else { None };
    let first = wanted(&mut events, publish).await;
    let second = wanted(&mut events, publish).await;
    assert_eq!(first.properties.as_ref().unwrap().content_type.as_deref(), Some("json"));
    assert_eq!(first.properties.as_ref().unwrap().user_properties, properties.user_properties);
    assert_eq!(broker.stats().messages_out, 2);
    subscriber.ack(&first).await.unwrap();
    subscriber.ack(&second).await.unwrap();
    assert_eq!(wanted(&mut events, publish).await.payload[..], [2]);
}

#[tokio::test]
async fn version_5_clients_are_told_why() {
    let broker = Broker::start(Options { in_flight_max: 10, ..options() }).unwrap();
    let (client_1, mut events_1) = client(&broker, "same");
    let connack = wanted(&mut events_1, |p| if let Packet::ConnAck(c) = p { Some(c) } else { None }).await;
    let told = connack.properties.unwrap();
    assert_eq!((told.max_qos, told.retain_available), (Some(1), Some(0)));

    let (_client_2, mut events_2) = client(&broker, "same");
    wanted(&mut events_2, |p| matches!(p, Packet::ConnAck(_)).then_some(())).await;
    let reason = timeout(LIMIT, async {
        loop {
            match events_1.poll().await {
                Ok(Event::Incoming(Packet::Disconnect(d))) => return d.reason_code,
                Ok(_) => {}
                Err(ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. })) => {
                    return reason_code;
                }
                Err(other) => panic!("{other}"),
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(reason, DisconnectReasonCode::SessionTakenOver);
    drop(client_1);
}
