//! A city of one device, an engine that does what a test says, and real brokers.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use vlot_broker::{Broker, Options as BrokerOptions, Stats};
use vlot_gate::{Gate, Keys, Limits};
use vlot_ingest::mqtt::{Intake, Options, Qos, Source, State, Subscription};
use vlot_model::{
    City, Clock, Device, DeviceIx, DeviceKind, FacilityIx, Format, Meters, Quarantine, Role, Submission,
    Timestamp,
};

pub(crate) mod mosquitto;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// For a publisher, of 20,000 messages and encrypted at most.
const PUBLISHED: Duration = Duration::from_secs(180);
pub(crate) const TOPIC: &str = "vlot/v1/bay-1/json";
pub(crate) const FILTER: &str = "vlot/v1/+/json";

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// Waits until something is as it must become.
pub(crate) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    within(what, async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_774_748_000)
    }
}

/// The engine's side of a source.
pub(crate) struct Engine {
    pub(crate) intake: Intake,
    pub(crate) submissions: mpsc::Receiver<Submission>,
}

impl Engine {
    pub(crate) fn new(capacity: usize) -> Engine {
        let mut city = City::default();
        city.directory.insert("bay-1", DeviceIx(0));
        city.devices.push(Device {
            id: "bay-1".into(),
            kind: DeviceKind::Bay,
            role: Role::Bay { facility: FacilityIx(0), bay: 0 },
            silent_after: Duration::from_secs(60),
            service: vlot_model::Service::default(),
        });
        Engine::of(city, Arc::new(Fixed), capacity)
    }

    pub(crate) fn of(city: City, clock: Arc<dyn Clock>, capacity: usize) -> Engine {
        let (out, submissions) = mpsc::channel(capacity);
        let (city, meters) = (Arc::new(city), Arc::new(Meters::default()));
        let gate = Gate::new(city.clone(), Keys::new(Keys::ROTATE), Limits::default(), meters.clone());
        let gate = vlot_gate::shared(gate);
        let intake = Intake { city, clock, meters, quarantine: Arc::new(Quarantine::default()), gate, out };
        Engine { intake, submissions }
    }

    pub(crate) async fn next(&mut self) -> Submission {
        within("a submission", self.submissions.recv()).await.expect("the source is gone")
    }

    /// The next message's number; acknowledges it.
    pub(crate) async fn settle(&mut self) -> u32 {
        let submission = self.next().await;
        let number = number(&submission);
        submission.receipt.expect("it came at QoS 1").acknowledge();
        number
    }
}

pub(crate) fn number(submission: &Submission) -> u32 {
    submission.readings[0].sequence.unwrap()
}

pub(crate) fn payload(number: u32) -> String {
    format!(
        r#"{{"device":"bay-1","sequence":{number},"observed_at":"2026-03-29T01:30:00Z","bay":{{"occupied":true}}}}"#
    )
}

pub(crate) fn subscription(filter: &str, qos: Qos) -> Subscription {
    Subscription { filter: filter.to_owned(), format: Format::VlotJson, qos }
}

pub(crate) fn options(port: u16) -> Options {
    Options {
        reconnect_min: Duration::from_millis(20),
        reconnect_max: Duration::from_millis(200),
        ..Options::new("test", "127.0.0.1", port, vec![subscription(FILTER, Qos::AtLeastOnce)])
    }
}

pub(crate) async fn state(source: &Source, what: &str, reached: impl Fn(&State) -> bool) -> State {
    until(&format!("{what}; the source says {:?}", source.state()), || reached(&source.state())).await;
    source.state()
}

pub(crate) fn broker() -> Broker {
    broker_at(0)
}

/// A test beside this one may hold the port for as long as it looks whether it is free.
pub(crate) fn broker_at(port: u16) -> Broker {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let end = Instant::now() + LIMIT;
    loop {
        match Broker::start(BrokerOptions { listen, ..BrokerOptions::default() }) {
            Ok(broker) => return broker,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        std::thread::yield_now();
    }
}

pub(crate) async fn stats(broker: &Broker, what: &str, reached: impl Fn(&Stats) -> bool) -> Stats {
    until(what, || reached(&broker.stats())).await;
    broker.stats()
}

/// Publishes with Mosquitto's own client, one payload a line; returns when the broker has acknowledged them all.
pub(crate) async fn publish(port: u16, qos: u8, topic: &str, payloads: impl IntoIterator<Item = String>) {
    publish_with(port, qos, topic, payloads, &[]).await;
}

pub(crate) async fn publish_with(
    port: u16,
    qos: u8,
    topic: &str,
    payloads: impl IntoIterator<Item = String>,
    more: &[&str],
) {
    let lines: String = payloads.into_iter().map(|p| p + "\n").collect();
    let mut client = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", &qos.to_string(), "-t", topic, "-l"])
        .args(more)
        .stdin(Stdio::piped())
        .spawn()
        .expect("mosquitto-clients is installed");
    let done = tokio::task::spawn_blocking(move || {
        client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        client.wait().unwrap()
    });
    let done = timeout(PUBLISHED, done).await.expect("the publisher ends");
    assert!(done.unwrap().success());
}

/// A network that a test can cut.
pub(crate) struct Wire {
    pub(crate) port: u16,
    cut: watch::Sender<()>,
}

impl Wire {
    pub(crate) async fn to(port: u16) -> Wire {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let wire = Wire { port: listener.local_addr().unwrap().port(), cut: watch::Sender::new(()) };
        let cuts = wire.cut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    tokio::select! {
                        _ = cuts.changed() => {}
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        wire
    }

    /// Breaks all connections; new ones are possible at once.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(());
    }
}
