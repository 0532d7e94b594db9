//! How fast QoS 1 messages come in: a bare rumqttc subscriber that only counts, against a source of ours.
//!
//! `cargo run --release -p vlot-ingest --example mqtt_rate -- SUBSCRIBER [PORT] [MESSAGES]`, where SUBSCRIBER is `bare`
//! (3.1.1), `bare5`, `v311` or `v5` (sources; receipts are settled at once) or `commit` (3.1.1; receipts are settled
//! every 2 ms, as by a journal), and PORT is that of a broker on this machine, or 0 for the embedded one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for whoever measures")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttc::mqttbytes::v4;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tokio::sync::mpsc;
use vlot_broker::{Broker, Options as BrokerOptions};
use vlot_gate::{Gate, Keys, Limits};
use vlot_ingest::mqtt::{Intake, Options, Protocol, Qos, Subscription, start};
use vlot_model::{
    City, Clock, Device, DeviceIx, DeviceKind, FacilityIx, Format, Meters, Quarantine, Receipt, Role,
    Submission, Timestamp,
};

const TOPIC: &str = "vlot/v1/bay-1/json";
const PAYLOAD: &str =
    r#"{"device":"bay-1","sequence":17,"observed_at":"2026-03-29T01:30:00.125Z","bay":{"occupied":true}}"#;
const PUBLISHERS: u32 = 2;
/// Unacknowledged messages of one publisher.
const WINDOW: u32 = 500;
const IN_FLIGHT: u16 = 1_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let subscriber = args.first().map_or("bare", String::as_str).to_owned();
    let mut port: u16 = args.get(1).map_or(0, |p| p.parse().unwrap());
    let messages: u32 = args.get(2).map_or(1_000_000, |n| n.parse().unwrap());
    let messages = messages / (PUBLISHERS * WINDOW) * PUBLISHERS * WINDOW;

    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let broker =
        (port == 0).then(|| Broker::start(BrokerOptions { listen, ..BrokerOptions::default() }).unwrap());
    if let Some(broker) = &broker {
        port = broker.addr().port();
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let took = runtime.block_on(async {
        match subscriber.as_str() {
            "bare" => bare(port, messages).await,
            "bare5" => bare_v5(port, messages).await,
            "v311" => source(port, messages, Protocol::V311, false).await,
            "v5" => source(port, messages, Protocol::V5, false).await,
            "commit" => source(port, messages, Protocol::V311, true).await,
            other => panic!("no such subscriber: {other}"),
        }
    });
    let rate = f64::from(messages) / took.as_secs_f64();
    println!("{subscriber}: {messages} messages in {took:.2?}, {rate:.0}/s");
    if let Some(broker) = broker {
        println!("{:?}", broker.stop());
    }
}

/// Publishes prebuilt packets, a window at a time; costs next to nothing.
fn publish(port: u16, messages: u32) {
    for publisher in 0..PUBLISHERS {
        std::thread::spawn(move || {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            socket.set_nodelay(true).unwrap();
            let mut out = BytesMut::new();
            v4::Connect::new(format!("load-{publisher}")).write(&mut out).unwrap();
            socket.write_all(&out).unwrap();
            let mut answer = [0; 4];
            socket.read_exact(&mut answer).unwrap();
            out.clear();
            for id in 1..=WINDOW {
                let mut publish = v4::Publish::new(TOPIC, QoS::AtLeastOnce, PAYLOAD);
                publish.pkid = u16::try_from(id).unwrap();
                publish.write(&mut out).unwrap();
            }
            let mut acks = vec![0; usize::try_from(WINDOW).unwrap() * 4];
            for _ in 0..messages / PUBLISHERS / WINDOW {
                socket.write_all(&out).unwrap();
                socket.read_exact(&mut acks).unwrap();
            }
        });
    }
}

async fn bare(port: u16, messages: u32) -> Duration {
    let mut options = MqttOptions::new("bare", "127.0.0.1", port);
    options.set_clean_session(true);
    let (client, mut events) = AsyncClient::new(options, 10);
    events.network_options.set_tcp_nodelay(true);
    client.subscribe("vlot/v1/+/json", QoS::AtLeastOnce).await.unwrap();
    while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::SubAck(_))) {}
    let begun = Instant::now();
    publish(port, messages);
    let mut received = 0;
    while received < messages {
        if let Event::Incoming(Packet::Publish(_)) = events.poll().await.unwrap() {
            received += 1;
        }
    }
    begun.elapsed()
}

async fn bare_v5(port: u16, messages: u32) -> Duration {
    use rumqttc::v5::mqttbytes::v5::Packet;
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};
    let mut options = MqttOptions::new("bare", "127.0.0.1", port);
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network).set_receive_maximum(Some(IN_FLIGHT));
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("vlot/v1/+/json", rumqttc::v5::mqttbytes::QoS::AtLeastOnce).await.unwrap();
    while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::SubAck(_))) {}
    let begun = Instant::now();
    publish(port, messages);
    let mut received = 0;
    while received < messages {
        if let Event::Incoming(Packet::Publish(_)) = events.poll().await.unwrap() {
            received += 1;
        }
    }
    begun.elapsed()
}

struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "as the engine's clock costs, so does this one")]
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap())
    }
}

async fn source(port: u16, messages: u32, protocol: Protocol, commit: bool) -> Duration {
    let mut city = City::default();
    city.directory.insert("bay-1", DeviceIx(0));
    city.devices.push(Device {
        id: "bay-1".into(),
        kind: DeviceKind::Bay,
        role: Role::Bay { facility: FacilityIx(0), bay: 0 },
        silent_after: Duration::from_secs(60),
        service: vlot_model::Service::default(),
    });
    let (out, mut submissions) = mpsc::channel(4_096);
    let (city, meters) = (Arc::new(city), Arc::new(Meters::default()));
    let gate = Gate::new(city.clone(), Keys::new(Keys::ROTATE), Limits::default(), meters.clone());
    let intake = Intake {
        city,
        clock: Arc::new(Wall),
        meters,
        gate: vlot_gate::shared(gate),
        quarantine: Arc::new(Quarantine::default()),
        out,
    };
    let subscription =
        Subscription { filter: "vlot/v1/+/json".into(), format: Format::VlotJson, qos: Qos::AtLeastOnce };
    let options = Options {
        protocol,
        in_flight_max: IN_FLIGHT,
        client_id: format!("rate-{}", std::process::id()),
        ..Options::new("rate", "127.0.0.1", port, vec![subscription])
    };
    let source = start(options, intake);
    while !source.state().connected {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The subscription is on its way over a connection that is older than any publisher's.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    publish(port, messages);

    let mut received = 0;
    let mut batch: Vec<Submission> = Vec::new();
    let mut uncommitted: Vec<Receipt> = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while received < messages {
        tokio::select! {
            n = submissions.recv_many(&mut batch, 4_096) => {
                assert!(n > 0, "the source is gone: {:?}", source.state());
                received += u32::try_from(n).unwrap();
                let receipts = batch.drain(..).filter_map(|s| s.receipt);
                if commit {
                    uncommitted.extend(receipts);
                } else {
                    receipts.for_each(Receipt::acknowledge);
                }
            }
            _ = ticks.tick(), if commit => uncommitted.drain(..).for_each(Receipt::acknowledge),
        }
    }
    let took = begun.elapsed();
    uncommitted.drain(..).for_each(Receipt::acknowledge);
    source.stop().await;
    took
}
