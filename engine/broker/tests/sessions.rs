//! What sessions survive, and what ends them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use common::{Hello, Raw, options, wait_for};
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::v3::{Packet, SubscribeReturnCode};
use vlot_broker::{Broker, BrokerError, Options};

#[test]
fn an_absent_client_finds_its_messages_and_what_it_did_not_acknowledge_comes_again() {
    let broker = Broker::start(options()).unwrap();
    let hello = Hello::new("engine", false);
    let (mut engine, present) = Raw::connect(broker.addr(), &hello);
    assert!(!present);
    assert_eq!(engine.subscribe("a/+", QoS::AtLeastOnce), SubscribeReturnCode::Success(QoS::AtLeastOnce));

    let (mut device, _) = Raw::connect(broker.addr(), &Hello::new("device", true));
    for id in 1..=3 {
        device.publish("a/b", id, [u8::try_from(id).unwrap()]);
        device.expect_ack(id);
    }
    let first = engine.expect_publish();
    let second = engine.expect_publish();
    let third = engine.expect_publish();
    assert!(!first.dup && !second.dup && !third.dup);
    engine.acknowledge(&second);
    wait_for(&broker, "the acknowledgement", |s| s.queued == 2);
    drop(engine);
    wait_for(&broker, "the end of the connection", |s| s.connections == 1);

    device.publish("a/b", 4, [4]);
    device.expect_ack(4);
    device.publish("a/b", 0, [5]);
    wait_for(&broker, "a counted drop", |s| s.dropped_qos0 == 1);

    let (mut engine, present) = Raw::connect(broker.addr(), &hello);
    assert!(present);
    let again: Vec<Publish> = (0..3).map(|_| engine.expect_publish()).collect();
    let seen: Vec<_> = again.iter().map(|p| (p.payload[0], p.dup)).collect();
    assert_eq!(seen, [(1, true), (3, true), (4, false)]);
    again.iter().for_each(|p| engine.acknowledge(p));
    wait_for(&broker, "an empty session", |s| s.queued == 0 && s.queued_bytes == 0);
}

#[test]
fn a_clean_session_ends_with_its_connection_and_ends_an_older_one() {
    let broker = Broker::start(options()).unwrap();
    let (mut engine, _) = Raw::connect(broker.addr(), &Hello::new("engine", false));
    engine.subscribe("a", QoS::AtLeastOnce);
    drop(engine);
    wait_for(&broker, "the end of the connection", |s| s.connections == 0 && s.sessions == 1);

    let (_engine, present) = Raw::connect(broker.addr(), &Hello::new("engine", true));
    assert!(!present);
    let (mut device, _) = Raw::connect(broker.addr(), &Hello::new("device", true));
    device.publish("a", 1, "x");
    device.expect_ack(1);
    assert_eq!(broker.stats().queued, 0);
    drop(device);
    wait_for(&broker, "the end of the session", |s| s.sessions == 1);
}

#[test]
fn a_second_connection_takes_the_session_over() {
    let broker = Broker::start(options()).unwrap();
    let hello = Hello::new("engine", false);
    let (mut old, _) = Raw::connect(broker.addr(), &hello);
    old.subscribe("a", QoS::AtLeastOnce);
    let (mut new, present) = Raw::connect(broker.addr(), &hello);
    assert!(present);
    assert_eq!(old.next(), None);
    let (mut device, _) = Raw::connect(broker.addr(), &Hello::new("device", true));
    device.publish("a", 1, "x");
    device.expect_ack(1);
    assert_eq!(new.expect_publish().payload, "x");
    assert_eq!(broker.stats().sessions, 2);
}

#[test]
fn a_held_back_publisher_gets_its_pings_answered_and_its_acknowledgement_once_there_is_room() {
    let broker = Broker::start(Options { session_messages: 4, ..options() }).unwrap();
    let (mut engine, _) = Raw::connect(broker.addr(), &Hello::new("engine", false));
    engine.subscribe("a", QoS::AtLeastOnce);
    let (mut device, _) = Raw::connect(broker.addr(), &Hello::new("device", true));
    for id in 1..=6 {
        device.publish("a", id, "x");
    }
    (1..=4).for_each(|id| device.expect_ack(id));
    device.ping();
    wait_for(&broker, "a publisher held back", |s| s.held_back > 0);
    assert_eq!(broker.stats().queued, 4);

    let waiting: Vec<Publish> = (0..4).map(|_| engine.expect_publish()).collect();
    waiting.iter().for_each(|p| engine.acknowledge(p));
    device.expect_ack(5);
    device.expect_ack(6);
}

#[test]
fn an_expired_session_is_counted_and_lets_its_publishers_go() {
    let expiry = Duration::from_millis(300);
    let broker = Broker::start(Options { session_messages: 2, session_expiry: expiry, ..options() }).unwrap();
    let (mut gone, _) = Raw::connect(broker.addr(), &Hello::new("gone", false));
    gone.subscribe("a", QoS::AtLeastOnce);
    let (mut device, _) = Raw::connect(broker.addr(), &Hello::new("device", true));
    (1..=3).for_each(|id| device.publish("a", id, "x"));
    // The session's time runs from its client's leave: all is said by then.
    wait_for(&broker, "a publisher held back", |s| s.held_back > 0);
    drop(gone);
    (1..=3).for_each(|id| device.expect_ack(id));
    let stats = wait_for(&broker, "the end of the session", |s| s.sessions == 1);
    assert_eq!((stats.expired, stats.queued, stats.queued_bytes), (2, 0, 0));
}

#[test]
fn all_sessions_together_are_bounded_too() {
    let broker = Broker::start(Options { memory_bytes: 4_000, ..options() }).unwrap();
    let (mut one, _) = Raw::connect(broker.addr(), &Hello::new("one", false));
    one.subscribe("a", QoS::AtLeastOnce);
    let (mut two, _) = Raw::connect(broker.addr(), &Hello::new("two", false));
    two.subscribe("b", QoS::AtLeastOnce);
    let (mut device, _) = Raw::connect(broker.addr(), &Hello::new("device", true));
    device.publish("a", 1, vec![b'x'; 3_000]);
    device.expect_ack(1);
    device.publish("b", 2, vec![b'x'; 3_000]);
    wait_for(&broker, "a publisher held back", |s| s.held_back > 0);
    let first = one.expect_publish();
    one.acknowledge(&first);
    device.expect_ack(2);
    assert_eq!(two.expect_publish().payload.len(), 3_000);
}

#[test]
fn a_will_is_published_unless_the_client_takes_its_leave() {
    let broker = Broker::start(options()).unwrap();
    let (mut engine, _) = Raw::connect(broker.addr(), &Hello::new("engine", true));
    engine.subscribe("will/#", QoS::AtLeastOnce);
    let hello = |id, will| Hello { will: Some(will), ..Hello::new(id, true) };
    let (mut polite, _) = Raw::connect(broker.addr(), &hello("polite", ("will/polite", "gone")));
    polite.send(Packet::Disconnect);
    assert_eq!(polite.next(), None);
    let (rude, _) = Raw::connect(broker.addr(), &hello("rude", ("will/rude", "gone")));
    drop(rude);
    assert_eq!(engine.expect_publish().topic, "will/rude");
}

#[test]
fn a_silent_client_is_closed_after_one_and_a_half_keep_alives() {
    let broker = Broker::start(options()).unwrap();
    let (mut silent, _) = Raw::connect(broker.addr(), &Hello { keep_alive: 1, ..Hello::new("silent", true) });
    let (mut patient, _) = Raw::connect(broker.addr(), &Hello::new("patient", true));
    assert_eq!(silent.next(), None);
    patient.ping();
}

#[test]
fn qos_2_is_granted_as_1_and_refused_to_a_publisher() {
    let broker = Broker::start(options()).unwrap();
    let (mut client, _) = Raw::connect(broker.addr(), &Hello::new("client", true));
    assert_eq!(client.subscribe("a", QoS::ExactlyOnce), SubscribeReturnCode::Success(QoS::AtLeastOnce));
    client.send(Packet::from(Publish {
        dup: false,
        retain: false,
        qos: QoS::ExactlyOnce,
        topic: "a".into(),
        packet_id: NonZeroU16::new(1),
        payload: "x".into(),
        properties: None,
    }));
    assert_eq!(client.next(), None);
}

#[test]
fn two_matching_subscriptions_give_one_copy_at_the_better_quality() {
    let broker = Broker::start(options()).unwrap();
    let (mut client, _) = Raw::connect(broker.addr(), &Hello::new("client", true));
    client.subscribe("#", QoS::AtMostOnce);
    client.subscribe("a/+", QoS::AtLeastOnce);
    client.publish("a/b", 7, "x");
    client.expect_ack(7);
    assert_eq!(client.expect_publish().qos, QoS::AtLeastOnce);
    client.ping();
    client.send(Packet::Unsubscribe {
        packet_id: NonZeroU16::new(2).unwrap(),
        topic_filters: vec!["a/+".into()],
    });
    assert_eq!(client.receive(), Packet::UnsubscribeAck { packet_id: NonZeroU16::new(2).unwrap() });
    client.publish("a/b", 8, "x");
    client.expect_ack(8);
    assert_eq!(client.expect_publish().qos, QoS::AtMostOnce);
}

#[test]
fn what_is_no_filter_is_refused_and_costs_only_itself() {
    let broker = Broker::start(Options { subscriptions_max: 2, ..options() }).unwrap();
    let (mut client, _) = Raw::connect(broker.addr(), &Hello::new("client", true));
    for bad in ["a/#/b", "a+", "$share/group/a"] {
        assert_eq!(client.subscribe(bad, QoS::AtLeastOnce), SubscribeReturnCode::Failure, "{bad}");
    }
    client.subscribe("a", QoS::AtLeastOnce);
    client.subscribe("b", QoS::AtLeastOnce);
    assert_eq!(client.subscribe("c", QoS::AtLeastOnce), SubscribeReturnCode::Failure);
    assert_eq!(client.subscribe("a", QoS::AtMostOnce), SubscribeReturnCode::Success(QoS::AtMostOnce));
}

#[test]
fn garbage_and_oversized_packets_close_their_own_connection_alone() {
    let broker = Broker::start(Options { packet_bytes: 1_000, ..options() }).unwrap();
    let (mut good, _) = Raw::connect(broker.addr(), &Hello::new("good", true));
    let garbage: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xFF; 64],
        &[0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        &[0x10, 0x0C, 0, 4, b'M', b'Q', b'T', b'T', 9, 2, 0, 0, 0, 0],
        &[0x30, 0x02, 0, 0],
    ];
    for bytes in garbage {
        let mut bad = Raw::open(broker.addr());
        bad.socket.write_all(bytes).unwrap();
        assert_eq!(bad.next(), None, "{bytes:?}");
    }
    let (mut large, _) = Raw::connect(broker.addr(), &Hello::new("large", true));
    large.publish("a", 1, vec![0; 2_000]);
    assert_eq!(large.next(), None);
    let (mut wild, _) = Raw::connect(broker.addr(), &Hello::new("wild", true));
    wild.publish("a/+", 1, "x");
    assert_eq!(wild.next(), None);
    good.ping();
}

#[test]
fn bounds_of_connections_and_sessions_hold() {
    let broker = Broker::start(Options { connections_max: 2, sessions_max: 1, ..options() }).unwrap();
    let (mut one, _) = Raw::connect(broker.addr(), &Hello::new("one", false));
    let mut two = Raw::open(broker.addr());
    two.send(Packet::from(rmqtt_codec::v3::Connect::default().client_id("two")));
    let Packet::ConnectAck(refused) = two.receive() else { panic!("no CONNACK") };
    assert_eq!(refused.return_code, rmqtt_codec::v3::ConnectAckReason::ServiceUnavailable);
    assert_eq!(two.next(), None);

    let _idle = Raw::open(broker.addr());
    let mut third = Raw::open(broker.addr());
    assert_eq!(third.next(), None);
    one.ping();
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    // Below the range that clients get their ports from, and where no other test looks: nobody takes it between two brokers.
    let broker = (10_000..11_000)
        .map(|port| Options { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ..options() })
        .find_map(|options| Broker::start(options).ok())
        .unwrap();
    let taken = Broker::start(Options { listen: broker.addr(), ..options() });
    let Err(error @ BrokerError::Listen { .. }) = taken else { panic!("two brokers on one port") };
    assert!(error.to_string().contains(&broker.addr().to_string()), "{error}");
    let addr = broker.addr();
    let (mut client, _) = Raw::connect(addr, &Hello::new("client", true));
    broker.stop();
    assert_eq!(client.next(), None);
    Broker::start(Options { listen: addr, ..options() }).unwrap();
}
