//! Publishing loses nothing, whatever the broker does.

use std::collections::BTreeSet;
use std::sync::Arc;

use vlot_simulators::mqtt::{Counters, Publisher};

use crate::BOUND;
use crate::sink::{Manners, Sink};

#[tokio::test]
async fn what_a_broken_connection_did_not_acknowledge_comes_again() {
    let sink = Sink::start(Manners { drop_after: Some(40), drops: 3, ..Manners::default() }).await;
    let counters = Arc::new(Counters::default());
    let mut publisher = Publisher::start(&sink.broker(), "test", Arc::clone(&counters));
    for n in 0..1_000_u32 {
        publisher.publish("t".into(), n.to_be_bytes().to_vec()).await.unwrap();
    }
    assert!(publisher.finish(BOUND).await, "all acknowledged");
    assert_eq!((counters.published(), counters.acknowledged()), (1_000, 1_000));
    assert_eq!(counters.reconnects(), 3);
    let arrived = sink.arrived();
    assert!(arrived.len() > 1_000, "some came twice: {}", arrived.len());
    assert!(arrived.iter().all(|m| m.qos == 1));
    let distinct: BTreeSet<_> = arrived.iter().map(|m| m.payload.clone()).collect();
    assert_eq!(distinct.len(), 1_000);
}

#[tokio::test]
async fn a_refused_client_is_told_why_and_does_not_wait_for_ever() {
    let sink = Sink::start(Manners { connack: 5, ..Manners::default() }).await;
    let mut publisher = Publisher::start(&sink.broker(), "test", Arc::default());
    let publishing = async {
        loop {
            if let Err(e) = publisher.publish("t".into(), vec![]).await {
                return e;
            }
        }
    };
    let e = tokio::time::timeout(BOUND, publishing).await.expect("an answer in time");
    assert!(e.to_string().contains("NotAuthorized"), "{e}");
}
