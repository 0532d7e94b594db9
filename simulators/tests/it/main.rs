//! The simulators against brokers and engines, real ones and such as misbehave on purpose.

#![expect(clippy::unwrap_used, reason = "the allowance for tests does not reach their helpers")]

mod city;
mod command;
mod engine;
mod garage;
mod load;
mod mosquitto;
mod publisher;
mod replay;
mod signs;
mod sink;
mod sumo;
mod wire;

use std::time::Duration;

/// No test waits longer for anything.
const BOUND: Duration = Duration::from_secs(20);

/// Waits until `done` says so; fails after the bound.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + BOUND;
    while !done() {
        assert!(tokio::time::Instant::now() < end, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
