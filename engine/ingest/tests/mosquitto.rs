//! A source against a real Mosquitto: restarts, encryption, logins, and the settings that we ship.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::mosquitto::Mosquitto;
use common::{Engine, TOPIC, number, options, payload, publish, publish_with, state, within};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tokio::time::timeout;
use vlot_ingest::mqtt::{ClientCertificate, Credentials, Options, Protocol, Tls, start};

const BOTH: [Protocol; 2] = [Protocol::V311, Protocol::V5];

/// A session for the engine at the broker, and the engine gone again.
async fn leave_a_session(options: &Options) {
    let engine = Engine::new(16);
    let source = start(options.clone(), engine.intake.clone());
    state(&source, "a connection", |s| s.connected).await;
    // The end of a stop is after the answer to the subscription: both go over one connection, in order.
    source.stop().await;
}

/// Takes messages until one comes that was published last; its number is `last`.
async fn numbers_until(engine: &mut Engine, last: u32) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    while numbers.last() != Some(&last) {
        numbers.insert(engine.settle().await);
    }
    numbers
}

#[tokio::test]
async fn a_broker_that_goes_away_and_comes_back_costs_nothing() {
    for protocol in BOTH {
        let mut broker = Mosquitto::start("persistence true\nmax_queued_messages 0");
        let options = Options { protocol, ..options(broker.port) };
        let mut engine = Engine::new(16);
        let source = start(options, engine.intake.clone());
        state(&source, "a connection", |s| s.connected).await;

        publish(broker.port, 1, TOPIC, (0..10).map(payload)).await;
        let mut kept = Vec::new();
        for n in 0..10 {
            let submission = engine.next().await;
            assert_eq!(number(&submission), n);
            if n % 2 == 0 {
                submission.receipt.unwrap().acknowledge();
            } else {
                kept.push(submission);
            }
        }
        // Acknowledged is what the broker has read: one more message there and back is behind all of it.
        publish(broker.port, 1, TOPIC, [payload(10)]).await;
        assert_eq!(engine.settle().await, 10);

        broker.stop();
        let away = state(&source, "no connection", |s| !s.connected).await;
        assert!(away.error.is_some());
        // The engine settles the rest while there is nobody to tell: those come again.
        kept.into_iter().for_each(|s| s.receipt.unwrap().acknowledge());
        broker.restart();
        state(&source, "a connection again", |s| s.connected).await;
        publish(broker.port, 1, TOPIC, [payload(11)]).await;

        let again = numbers_until(&mut engine, 11).await;
        for odd in [1, 3, 5, 7, 9] {
            assert!(again.contains(&odd), "{odd} is lost with {protocol:?}: {again:?}");
        }
        for even in [0, 2, 4, 6, 8] {
            assert!(!again.contains(&even), "{even} came again with {protocol:?}: {again:?}");
        }
        source.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_broker_restarts_under_load() {
    const MESSAGES: u32 = 5_000;
    let mut broker = Mosquitto::start("persistence true\nmax_queued_messages 0\nmax_inflight_messages 100");
    let mut engine = Engine::new(16);
    let source = start(options(broker.port), engine.intake.clone());
    state(&source, "a connection", |s| s.connected).await;

    let publishing = tokio::spawn(publish_through_restarts(broker.port, MESSAGES));
    let mut numbers = BTreeSet::new();
    for restart_at in [500, 2_500] {
        while numbers.len() < restart_at {
            numbers.insert(engine.settle().await);
        }
        tokio::task::block_in_place(|| {
            broker.stop();
            broker.restart();
        });
    }
    while numbers.len() < MESSAGES as usize {
        numbers.insert(engine.settle().await);
    }
    within("the publisher's end", publishing).await.unwrap();
    assert!(source.state().connections >= 3);
    source.stop().await;
}

/// Publishes 0..n with a persistent session, and returns when all are acknowledged, over however many connections.
async fn publish_through_restarts(port: u16, n: u32) -> u32 {
    let mut options = MqttOptions::new("device", "127.0.0.1", port);
    options.set_clean_session(false);
    let (client, mut events) = AsyncClient::new(options, 10);
    let sending = tokio::spawn(async move {
        for number in 0..n {
            client.publish(TOPIC, QoS::AtLeastOnce, false, payload(number)).await.unwrap();
        }
        client
    });
    let mut acknowledged = 0;
    while acknowledged < n {
        match events.poll().await {
            Ok(Event::Incoming(Packet::PubAck(_))) => acknowledged += 1,
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    drop(sending.await);
    acknowledged
}

/// An issuer of certificates, and files for a broker on 127.0.0.1.
struct Certificates {
    ca: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Certificates { ca: issuer.pem(), issuer }
    }

    /// A certificate and its key, for an address or a name.
    fn issue(&self, subject: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![subject.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, subject);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn write(&self, broker: &Mosquitto, prefix: &str) {
        let (certificate, key) = self.issue("127.0.0.1");
        broker.file(&format!("{prefix}ca.crt"), &self.ca);
        broker.file(&format!("{prefix}server.crt"), &certificate);
        broker.file(&format!("{prefix}server.key"), &key);
    }
}

fn tls(broker: &Mosquitto, ca: &str) -> Option<Tls> {
    Some(Tls { ca_file: broker.dir().join(ca), client: None })
}

#[tokio::test]
async fn encryption_with_a_client_certificate_and_clear_errors_without() {
    for protocol in BOTH {
        let mut broker = Mosquitto::prepare();
        let certificates = Certificates::new();
        certificates.write(&broker, "");
        let (dir, port) = (broker.dir().display().to_string(), broker.port);
        broker.run(&format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\ncafile {dir}/ca.crt\n\
             certfile {dir}/server.crt\nkeyfile {dir}/server.key\nrequire_certificate true\n"
        ));
        let (client, key) = certificates.issue("engine");
        broker.file("client.crt", &client);
        broker.file("client.key", &key);
        broker.file("other-ca.crt", &Certificates::new().ca);
        broker.file("not-a.crt", "nothing of the kind");
        let path = |name: &str| broker.dir().join(name);
        let ours = ClientCertificate { cert_file: path("client.crt"), key_file: path("client.key") };
        let base = Options { protocol, ..options(port) };

        let wrong = [
            (Tls { ca_file: path("other-ca.crt"), client: Some(ours.clone()) }, "ca_file"),
            (Tls { ca_file: path("ca.crt"), client: None }, "certificate"),
            (Tls { ca_file: path("not-a.crt"), client: None }, "not-a.crt"),
            (Tls { ca_file: path("missing.crt"), client: None }, "missing.crt"),
        ];
        for (tls, expected) in wrong {
            let engine = Engine::new(16);
            let source = start(Options { tls: Some(tls.clone()), ..base.clone() }, engine.intake.clone());
            let told = state(&source, "an error", |s| s.error.is_some()).await.error.unwrap();
            assert!(told.contains(expected), "{protocol:?} {tls:?}: {told}");
            source.stop().await;
        }

        let mut engine = Engine::new(16);
        let tls = Some(Tls { ca_file: path("ca.crt"), client: Some(ours.clone()) });
        let source = start(Options { tls, ..base }, engine.intake.clone());
        state(&source, "a connection", |s| s.connected).await;
        let ca = path("ca.crt").display().to_string();
        let (cert, key) = (ours.cert_file.display().to_string(), ours.key_file.display().to_string());
        publish_with(port, 1, TOPIC, [payload(1)], &["--cafile", &ca, "--cert", &cert, "--key", &key]).await;
        assert_eq!(engine.settle().await, 1);
        source.stop().await;
    }
}

/// The settings that we ship, as they are but for paths and port, with a login for each of `users`.
fn production(users: &[(&str, &str)]) -> Mosquitto {
    let mut broker = Mosquitto::prepare();
    let config = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let shipped = fs::read_to_string(config.join("mosquitto.conf")).unwrap();
    let dir = broker.dir().display().to_string();
    let text = shipped
        .replace("/etc/mosquitto/certs", &dir)
        .replace("/etc/mosquitto", &dir)
        .replace("/var/lib/mosquitto", &dir)
        .replace("listener 8883", &format!("listener {} 127.0.0.1", broker.port));
    assert!(!text.contains("/mosquitto/"), "a path was missed");
    broker.file("acl", &fs::read_to_string(config.join("mosquitto.acl")).unwrap());
    Certificates::new().write(&broker, "");
    let passwords = broker.file("passwords", "");
    for (user, password) in users {
        let set = Command::new("mosquitto_passwd").args(["-b", &passwords, user, password]).status();
        assert!(set.unwrap().success());
    }
    // The tool makes it its user's alone.
    let hashes = fs::read_to_string(&passwords).unwrap();
    fs::remove_file(&passwords).unwrap();
    broker.file("passwords", &hashes);
    broker.run(&text);
    broker
}

#[tokio::test]
async fn with_the_shipped_settings_20_000_messages_wait_for_an_absent_engine() {
    const MESSAGES: u32 = 20_000;
    let broker = production(&[("vlot", "secret"), ("bay-1", "bay"), ("bay-2", "bay")]);
    let password_file = Some(PathBuf::from(broker.file("password", "secret\n")));
    let ca = broker.dir().join("ca.crt").display().to_string();
    let login = |password_file| Some(Credentials { username: "vlot".to_owned(), password_file });
    let options =
        Options { tls: tls(&broker, "ca.crt"), credentials: login(password_file), ..options(broker.port) };

    let wrong = Options {
        credentials: login(Some(PathBuf::from(broker.file("wrong", "wrong\n")))),
        ..options.clone()
    };
    let source = start(wrong, Engine::new(1).intake);
    let told = state(&source, "an error", |s| s.error.is_some()).await.error.unwrap();
    assert!(told.contains("password_file"), "{told}");
    source.stop().await;

    leave_a_session(&options).await;
    let as_device = |user| ["--cafile", ca.as_str(), "-u", user, "-P", "bay"];
    publish_with(broker.port, 1, TOPIC, (0..MESSAGES).map(payload), &as_device("bay-1")).await;
    // Another device may not speak for it.
    publish_with(broker.port, 1, TOPIC, [payload(MESSAGES + 1)], &as_device("bay-2")).await;
    publish_with(broker.port, 1, TOPIC, [payload(MESSAGES)], &as_device("bay-1")).await;

    let mut engine = Engine::new(64);
    let source = start(options, engine.intake.clone());
    for n in 0..=MESSAGES {
        assert_eq!(engine.settle().await, n);
    }
    source.stop().await;
}

/// Why `max_queued_messages` is set: this is what happens without it.
#[tokio::test]
async fn mosquittos_own_settings_lose_most_of_them() {
    const MESSAGES: u32 = 20_000;
    let broker = Mosquitto::start("");
    let options = options(broker.port);
    leave_a_session(&options).await;
    publish(broker.port, 1, TOPIC, (0..MESSAGES).map(payload)).await;

    let mut engine = Engine::new(64);
    let source = start(options, engine.intake.clone());
    let mut numbers = BTreeSet::from([engine.settle().await]);
    // A last message that finds no room is dropped too: publish others, until one arrives.
    let mut last = MESSAGES;
    while numbers.last().is_some_and(|n| *n < MESSAGES) {
        publish(broker.port, 1, TOPIC, [payload(last)]).await;
        last += 1;
        while let Ok(Some(submission)) = timeout(Duration::from_millis(100), engine.submissions.recv()).await
        {
            numbers.insert(number(&submission));
            submission.receipt.unwrap().acknowledge();
        }
    }
    let arrived = numbers.iter().filter(|n| **n < MESSAGES).count();
    assert!((1_000..2_000).contains(&arrived), "{arrived} of {MESSAGES} arrived");
    source.stop().await;
}
