//! A watch outlives its engine.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::time::Duration;

use common::{Running, free_port, small_config, vlot, wait};

#[test]
fn a_watch_goes_on_when_its_engine_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let (config, data) = (dir.path().join("config"), dir.path().join("data"));
    std::fs::create_dir(&config).unwrap();
    let (grpc, no_broker) = (free_port(), free_port());
    small_config(&config, no_broker, grpc, 1);
    let start = || {
        let mut engine =
            Running::start(vlot().args(["run", "--config"]).arg(&config).arg("--data").arg(&data));
        engine.wait_for("listening", Duration::from_secs(60));
        engine
    };
    let states = |watch: &Running| watch.output().lines().filter(|l| l.contains("of 50000")).count();

    let mut engine = start();
    let address = format!("http://127.0.0.1:{grpc}");
    let mut watch = Running::start(vlot().args(["watch", "facilities", "--engine", &address]));
    watch.wait_for("of 50000", Duration::from_secs(30));
    let before = states(&watch);
    engine.kill_9();
    watch.wait_for("the stream is broken", Duration::from_secs(30));
    let mut engine = start();
    watch.wait_for("connected again, going on behind tick", Duration::from_secs(60));
    wait(
        Duration::from_secs(30),
        || format!("the present state in\n{}", watch.output()),
        || (states(&watch) > before).then_some(()),
    );
    engine.signal("TERM");
    engine.wait_exit(Duration::from_secs(30));
}
