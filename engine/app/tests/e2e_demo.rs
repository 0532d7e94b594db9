//! The main job: `vlot demo` runs a city, loses nothing, and its journal replays to the same board.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use common::{Running, root, vlot, wait};

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_demo_runs_the_city_and_replays_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (summary, data, live) =
        (dir.path().join("s.json"), dir.path().join("data"), dir.path().join("live.json"));
    let mut demo = Running::start(
        vlot()
            .args(["demo", "--duration", "15s", "--speed", "60", "--start", "2026-05-08T17:00:00+02:00"])
            .args(["--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--workers", "2"])
            .arg("--data")
            .arg(&data)
            .arg("--summary")
            .arg(&summary)
            .arg("--board")
            .arg(&live),
    );
    let code = demo.wait_exit(Duration::from_secs(120));
    assert_eq!(code, Some(0), "{}", demo.output());

    let summary = json(&summary);
    let number = |name: &str| summary[name].as_f64().unwrap_or_else(|| panic!("{name} in {summary}"));
    assert_eq!(number("lost"), 0.0, "{summary}");
    assert_eq!(number("untrue"), 0.0, "{}", demo.output());
    assert!(number("messages_in") > 500.0 && number("products_out") > 500.0, "{summary}");
    assert!(number("faces_shown") > 20.0, "{summary}");
    assert!(summary["refused"].as_object().unwrap().is_empty(), "a city without faults: {summary}");
    assert!(summary["drivers"]["passed"].as_u64().unwrap() > 100, "drivers read signs: {summary}");
    assert!(summary["latency_ms"]["p50"].as_f64().unwrap() > 0.0, "{summary}");
    let board = json(&live);
    let signs = board["faces"].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(summary["signs_connected"], signs, "{summary}");

    let live = std::fs::read(live).unwrap();
    assert!(live == std::fs::read(data.join("board.json")).unwrap());
    for workers in ["1", "2"] {
        let replayed = vlot().arg("replay").arg(&data).args(["--workers", workers]).output().unwrap();
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        assert!(live == replayed.stdout, "{workers} workers made another board");
    }

    // An earlier moment is another board, and asking twice gives the same.
    let until = (board["tick"].as_u64().unwrap() / 2).to_string();
    let earlier = || vlot().arg("replay").arg(&data).args(["--until", &until]).output().unwrap().stdout;
    let half = earlier();
    assert!(half == earlier() && half != live);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&half).unwrap()["tick"].to_string(), until);

    // A damaged journal is refused with a hint, and passed over where that is asked for.
    let segment = data.join("journal").join("00000000000000000001.vlotj");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[20_000] ^= 0xff;
    std::fs::write(&segment, bytes).unwrap();
    let refused = vlot().arg("replay").arg(&data).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--skip-damage"));
    let skipped = vlot().arg("replay").arg(&data).arg("--skip-damage").output().unwrap();
    assert!(skipped.status.success(), "{}", String::from_utf8_lossy(&skipped.stderr));
    assert!(String::from_utf8_lossy(&skipped.stderr).contains("left out of the journal"));
    let board: serde_json::Value = serde_json::from_slice(&skipped.stdout).unwrap();
    assert_eq!(board["tick"], json(&data.join("board.json"))["tick"]);
}

/// Every facility, garage and station has said something within the first seconds, and every sign shows a face.
#[test]
fn the_whole_city_is_alive_soon_and_ctrl_c_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Running::start(
        vlot()
            .args(["demo", "--speed", "60", "--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(dir.path()),
    );
    let line = demo.wait_for("gRPC     http", Duration::from_secs(60));
    let address = line.split_whitespace().nth(1).unwrap().to_owned();
    let watch = |what: &[&str], count: &str| {
        let out =
            vlot().arg("watch").args(what).args(["--engine", &address, "--count", count]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    wait(
        Duration::from_secs(60),
        || demo.output(),
        || {
            // More lines than there are facilities: whichever changes meanwhile, each of them is among them.
            let text = watch(&["facilities"], "60");
            let good: BTreeSet<_> = text.lines().filter(|l| l.contains("good")).collect();
            (good.len() >= 15 && text.contains("Ladeuze")).then_some(text)
        },
    );
    assert!(watch(&["garage", "martelarenplein"], "8").contains("free"));
    assert!(!watch(&["stations"], "5").is_empty());
    let unknown = vlot().args(["watch", "sign", "no-such-sign", "--engine", &address]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no-such-sign"));

    demo.signal("INT");
    assert_eq!(demo.wait_exit(Duration::from_secs(60)), Some(0), "{}", demo.output());
}

#[test]
fn wrong_use_is_told_from_failure_by_its_exit_code() {
    let code = |args: &[&str]| vlot().args(args).output().unwrap().status.code();
    assert_eq!(code(&["--no-such-flag"]), Some(2));
    assert_eq!(code(&["demo", "--duration", "soon"]), Some(2));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["replay", "/no/such/directory"]), Some(1));
    assert_eq!(code(&["watch", "facilities", "--engine", "http://127.0.0.1:9"]), Some(1));
    let leuven = root().join("config/leuven");
    assert_eq!(code(&["check", leuven.to_str().unwrap()]), Some(0));
    assert_eq!(code(&["check", "/no/such/directory"]), Some(1));
}
