//! A source against the embedded broker, which tells exactly what it still holds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{
    Engine, FILTER, LIMIT, TOPIC, Wire, broker, broker_at, mosquitto::free_port, number, options, payload,
    publish, state, stats, subscription, within,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use vlot_ingest::mqtt::{Options, Protocol, Qos, start};
use vlot_model::RefusalKind;

const BOTH: [Protocol; 2] = [Protocol::V311, Protocol::V5];

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_and_a_late_receipt_acknowledges_nothing() {
    for protocol in BOTH {
        let broker = broker();
        let wire = Wire::to(broker.addr().port()).await;
        let mut engine = Engine::new(16);
        let source = start(Options { protocol, ..options(wire.port) }, engine.intake.clone());
        stats(&broker, "the subscription", |s| s.subscriptions == 1).await;
        publish(broker.addr().port(), 1, TOPIC, (0..3).map(payload)).await;

        let first = engine.next().await;
        let second = engine.next().await;
        let third = engine.next().await;
        second.receipt.unwrap().acknowledge();
        stats(&broker, "one acknowledgement", |s| s.queued == 2).await;

        wire.cut();
        state(&source, "another connection", |s| s.connected && s.connections == 2).await;
        let again = [engine.next().await, engine.next().await];
        assert_eq!(again.each_ref().map(number), [0, 2], "{protocol:?}");

        // These would hit packet ids that now stand for other messages.
        first.receipt.unwrap().acknowledge();
        third.receipt.unwrap().acknowledge();
        let [first, third] = again;
        first.receipt.unwrap().acknowledge();
        stats(&broker, "one more acknowledgement", |s| s.queued == 1).await;
        third.receipt.unwrap().acknowledge();
        stats(&broker, "the last acknowledgement", |s| s.queued == 0).await;
        source.stop().await;
    }
}

#[tokio::test]
async fn at_its_bound_qos_1_waits_in_order_and_qos_0_is_refused_and_counted() {
    for protocol in BOTH {
        let broker = broker();
        let mut engine = Engine::new(2);
        let subscriptions =
            vec![subscription(FILTER, Qos::AtLeastOnce), subscription("vlot/v1/+/fast", Qos::AtMostOnce)];
        let port = broker.addr().port();
        let source = start(Options { protocol, subscriptions, ..options(port) }, engine.intake.clone());
        stats(&broker, "the subscriptions", |s| s.subscriptions == 2).await;

        publish(port, 1, TOPIC, (0..100).map(payload)).await;
        common::until("all to arrive", || engine.intake.meters.messages_in.get() == 100).await;
        publish(port, 0, "vlot/v1/bay-1/fast", (0..5).map(payload)).await;
        let meters = engine.intake.meters.clone();
        common::until("refusals", || meters.refused(RefusalKind::Overload) == 5).await;

        for n in 0..100 {
            assert_eq!(engine.settle().await, n, "{protocol:?}");
        }
        stats(&broker, "all acknowledgements", |s| s.queued == 0).await;
        let state = source.state();
        assert!(state.connected && state.connections == 1, "{state:?}");
        assert_eq!(meters.refused_total(), 5);
        source.stop().await;
    }
}

#[tokio::test]
async fn with_more_than_the_window_waiting_nothing_is_read() {
    let broker = broker();
    let mut engine = Engine::new(1);
    let port = broker.addr().port();
    let source = start(Options { in_flight_max: 10, ..options(port) }, engine.intake.clone());
    stats(&broker, "the subscription", |s| s.subscriptions == 1).await;
    publish(port, 1, TOPIC, (0..200).map(payload)).await;
    common::until("the bound", || engine.intake.meters.messages_in.get() >= 11).await;
    for n in 0..200 {
        let read = engine.intake.meters.messages_in.get();
        assert!(read <= u64::from(n) + 13, "{read} read before {n} was taken");
        assert_eq!(engine.settle().await, n);
    }
    source.stop().await;
}

#[tokio::test]
async fn a_refused_message_is_counted_kept_and_never_comes_back() {
    for protocol in BOTH {
        let broker = broker();
        let mut engine = Engine::new(16);
        let port = broker.addr().port();
        let first =
            Options { protocol, subscriptions: vec![subscription("#", Qos::AtLeastOnce)], ..options(port) };
        let source = start(first, engine.intake.clone());
        stats(&broker, "the subscription", |s| s.subscriptions == 1).await;
        source.stop().await;

        // The session still has the wide filter when the next run knows only the narrow one.
        let source = start(Options { protocol, ..options(port) }, engine.intake.clone());
        stats(&broker, "the second subscription", |s| s.subscriptions == 2).await;
        publish(port, 1, "elsewhere/é", ["{}".to_owned()]).await;
        publish(port, 1, TOPIC, ["{".to_owned(), payload(7)]).await;
        assert_eq!(engine.settle().await, 7);
        stats(&broker, "all acknowledgements", |s| s.queued == 0).await;

        let meters = &engine.intake.meters;
        assert_eq!(meters.refused(RefusalKind::UnknownTopic), 1);
        assert_eq!(meters.refused(RefusalKind::Malformed), 1);
        assert_eq!((meters.refused_total(), meters.messages_in.get()), (2, 3));
        let kept = engine.intake.quarantine.newest(10);
        assert_eq!(kept.iter().map(|q| q.topic.as_str()).collect::<Vec<_>>(), [TOPIC, "elsewhere/é"]);
        // What is not known to be Vlot's own may hold a driver's tag.
        assert_eq!(kept.iter().map(|q| &q.payload[..]).collect::<Vec<_>>(), [&b"{"[..], b""]);
        source.stop().await;
    }
}

#[tokio::test]
async fn a_broker_that_forgot_us_is_subscribed_to_again() {
    for protocol in BOTH {
        let port = free_port();
        let broker = broker_at(port);
        let mut engine = Engine::new(16);
        let source = start(Options { protocol, ..options(port) }, engine.intake.clone());
        stats(&broker, "the subscription", |s| s.subscriptions == 1).await;
        broker.stop();
        let away = state(&source, "no connection", |s| !s.connected && s.error.is_some()).await;
        assert!(away.error.unwrap().contains(&port.to_string()));

        let broker = broker_at(port);
        stats(&broker, "the subscription again", |s| s.subscriptions == 1).await;
        publish(port, 1, TOPIC, [payload(1)]).await;
        assert_eq!(engine.settle().await, 1);
        let back = source.state();
        assert!(back.connected && back.error.is_none(), "{back:?}");
        source.stop().await;
    }
}

#[tokio::test]
async fn a_stop_waits_for_receipts_but_not_for_ever() {
    for protocol in BOTH {
        let broker = broker();
        let port = broker.addr().port();
        let mut engine = Engine::new(16);
        let source = start(Options { protocol, drain: LIMIT, ..options(port) }, engine.intake.clone());
        stats(&broker, "the subscription", |s| s.subscriptions == 1).await;
        publish(port, 1, TOPIC, (0..2).map(payload)).await;
        let held = [engine.next().await, engine.next().await];
        let stopping = tokio::spawn(source.stop());
        // Only what comes after the stop shows that it waits: the source takes no third message.
        publish(port, 1, TOPIC, [payload(2)]).await;
        held.into_iter().for_each(|s| s.receipt.unwrap().acknowledge());
        within("the end", stopping).await.unwrap();
        let stats_after = stats(&broker, "no connection", |s| s.connections == 0).await;
        assert!(stats_after.queued <= 1, "{stats_after:?}");

        let options = Options { protocol, drain: Duration::from_millis(50), ..options(port) };
        let source = start(options, engine.intake.clone());
        let dropped = engine.next().await;
        assert_eq!(number(&dropped), 2);
        drop(dropped);
        within("the end", source.stop()).await;
        assert_eq!(broker.stats().queued, 1);
    }
}

#[tokio::test]
async fn a_subscription_that_the_broker_refuses_is_told() {
    for protocol in BOTH {
        let broker = broker();
        let engine = Engine::new(16);
        let subscriptions =
            vec![subscription(FILTER, Qos::AtLeastOnce), subscription("$share/group/a", Qos::AtLeastOnce)];
        let options = Options { protocol, subscriptions, ..options(broker.addr().port()) };
        let source = start(options, engine.intake.clone());
        let told = state(&source, "the refusal", |s| s.error.is_some()).await;
        assert!(told.connected);
        let error = told.error.unwrap();
        assert!(error.contains("$share/group/a") && !error.contains(FILTER), "{error}");
        source.stop().await;
    }
}

#[tokio::test]
async fn without_an_engine_a_source_ends_and_says_so() {
    let broker = broker();
    let mut engine = Engine::new(1);
    let port = broker.addr().port();
    let source = start(options(port), engine.intake.clone());
    stats(&broker, "the subscription", |s| s.subscriptions == 1).await;
    engine.submissions.close();
    publish(port, 1, TOPIC, [payload(0)]).await;
    let told = state(&source, "the end", |s| !s.connected && s.error.is_some()).await;
    assert!(told.error.unwrap().contains("engine"));
    stats(&broker, "no connection", |s| s.connections == 0 && s.queued == 1).await;
}

#[tokio::test]
async fn a_source_without_a_client_id_says_what_is_missing() {
    let engine = Engine::new(1);
    let source = start(Options { client_id: String::new(), ..options(1) }, engine.intake.clone());
    let told = state(&source, "an error", |s| s.error.is_some()).await;
    assert!(told.error.unwrap().contains("client_id"));
}

/// A broker that connects a client and takes its time with the subscription.
#[tokio::test]
async fn nothing_comes_in_before_the_broker_has_answered_the_subscription() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let engine = Engine::new(16);
    let source = start(options(listener.local_addr().unwrap().port()), engine.intake.clone());
    let (mut client, _) = within("a client", listener.accept()).await.unwrap();
    assert_eq!(packet(&mut client).await[0], 0x10, "CONNECT");
    client.write_all(&[0x20, 2, 0, 0]).await.unwrap();
    let subscribe = packet(&mut client).await;
    assert_eq!(subscribe[0], 0x82, "SUBSCRIBE");
    assert!(!source.state().connected, "{:?}", source.state());
    client.write_all(&[0x90, 3, subscribe[2], subscribe[3], 1]).await.unwrap();
    state(&source, "the subscription", |s| s.connected && s.connections == 1).await;
    source.stop().await;
}

/// The next packet of MQTT, of less than 128 bytes.
async fn packet(client: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 2];
    within("a packet", client.read_exact(&mut packet)).await.unwrap();
    packet.resize(2 + usize::from(packet[1]), 0);
    within("its rest", client.read_exact(&mut packet[2..])).await.unwrap();
    packet
}
