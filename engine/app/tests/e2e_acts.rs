//! Operators' acts from the command line to the journal: once, whatever is killed in between.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use common::{Running, free_port, small_config, vlot, wait};
use vlot_model::Value;
use vlot_store::journal::{Reader, Record};

struct Desk {
    server: String,
}

impl Desk {
    fn run(&self, args: &[&str]) -> Output {
        vlot().arg("facility").args(args).args(["--server", &self.server]).output().unwrap()
    }

    fn act(&self, args: &[&str]) -> String {
        let out = self.run(&[args, &["--by", "Mia Peeters", "--reason", "night round"]].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn acts(&self) -> Vec<String> {
        let out = self.run(&["acts", "p"]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

fn start(config: &Path, data: &Path) -> Running {
    let mut engine = Running::start(vlot().args(["run", "--config"]).arg(config).arg("--data").arg(data));
    engine.wait_for("listening", Duration::from_secs(60));
    engine
}

/// The operators' words in the journal.
fn journalled(data: &Path) -> Vec<Value> {
    let mut values = Vec::new();
    for record in Reader::open(&data.join("journal")).unwrap() {
        if let Record::Batch { readings, .. } = record.unwrap() {
            values.extend(readings.iter().map(|r| r.value.clone()));
        }
    }
    values.retain(|v| !matches!(v, Value::SignLink { .. }));
    values
}

#[test]
fn an_act_is_kept_once_through_kill_9_and_replays_to_the_same_board() {
    let dir = tempfile::tempdir().unwrap();
    let (config, data) = (dir.path().join("config"), dir.path().join("data"));
    std::fs::create_dir(&config).unwrap();
    let (grpc, no_broker) = (free_port(), free_port());
    small_config(&config, no_broker, grpc, 1);
    let desk = Desk { server: format!("http://127.0.0.1:{grpc}") };

    let mut engine = start(&config, &data);
    let first = desk.act(&["verify", "p", "312", "--act-id", "night-1"]);
    assert!(first.contains("verified count 312 by Mia Peeters"), "{first}");
    assert!(first.contains("night-1") && first.contains("before") && first.contains("after"), "{first}");
    assert_eq!(
        desk.act(&["verify", "p", "312", "--act-id", "night-1"]),
        first,
        "the same act, the same answer"
    );
    desk.act(&["close", "p"]);
    engine.kill_9();

    // As if it had been killed between the journal and the last line of the audit log.
    let trail = data.join("acts.jsonl");
    let text = std::fs::read_to_string(&trail).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    std::fs::write(&trail, format!("{}\n{}\n{}\n{{\"record\":\"do", lines[0], lines[1], lines[2])).unwrap();

    let mut engine = start(&config, &data);
    assert!(engine.output().contains("half a line"), "{}", engine.output());
    assert!(!engine.output().contains("night round"), "nobody's words are in the log: {}", engine.output());
    let acts = wait(
        Duration::from_secs(20),
        || engine.output(),
        || Some(desk.acts()).filter(|acts| acts.iter().all(|a| a.contains("[tick "))),
    );
    assert_eq!(acts.len(), 2, "{acts:?}");
    assert!(acts[0].contains("closed") && acts[1].contains("verified count 312"), "{acts:?}");
    assert!(acts[1].contains("by Mia Peeters: night round"), "{acts:?}");
    assert_eq!(desk.act(&["verify", "p", "312", "--act-id", "night-1"]), first, "known over the restart");
    for args in [["correct", "p", "300"].as_slice(), &["reset", "p"], &["open", "p"]] {
        desk.act(args);
    }
    engine.signal("TERM");
    assert_eq!(engine.wait_exit(Duration::from_secs(10)), Some(0), "{}", engine.output());

    let expected = [
        Value::Verified { occupied: 312 },
        Value::Closure { closed: true },
        Value::Corrected { occupied: 300 },
        Value::CounterReplaced,
        Value::Closure { closed: false },
    ];
    assert_eq!(journalled(&data), expected, "each act once");
    let live = std::fs::read(data.join("board.json")).unwrap();
    for workers in ["1", "2"] {
        let replayed = vlot().arg("replay").arg(&data).args(["--workers", workers]).output().unwrap();
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        assert!(live == replayed.stdout, "{workers} workers made another board");
    }
}

#[test]
fn wrong_acts_are_told_with_a_hint_and_an_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let (config, data) = (dir.path().join("config"), dir.path().join("data"));
    std::fs::create_dir(&config).unwrap();
    let (grpc, no_broker) = (free_port(), free_port());
    small_config(&config, no_broker, grpc, 1);
    let desk = Desk { server: format!("http://127.0.0.1:{grpc}") };
    let by = ["--by", "Mia", "--reason", "r"];
    let told = |args: &[&str]| {
        let out = desk.run(args);
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    let (code, text) = told(&[&["close", "p"], by.as_slice()].concat());
    assert!(
        code == Some(1) && text.contains("no engine answers") && text.contains("hint"),
        "{code:?} {text}"
    );

    let mut engine = start(&config, &data);
    let (code, text) = told(&["close", "p", "--reason", "r"]);
    assert!(code == Some(2) && text.contains("--by"), "{code:?} {text}");
    let (code, text) = told(&[&["close", "q"], by.as_slice()].concat());
    assert!(code == Some(1) && text.contains("one of p"), "{code:?} {text}");
    let (code, text) = told(&[&["verify", "p", "50001"], by.as_slice()].concat());
    assert!(code == Some(1) && text.contains("more than can be inside"), "{code:?} {text}");
    let (code, text) = told(&[&["verify", "p", "5", "--at", "2020-01-01T00:00:00Z"], by.as_slice()].concat());
    assert!(code == Some(1) && text.contains("too old"), "{code:?} {text}");
    let listed = desk.run(&["list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).starts_with("p "), "{listed:?}");
    assert!(desk.acts().is_empty());

    // Switched off by the configuration.
    engine.signal("TERM");
    assert_eq!(engine.wait_exit(Duration::from_secs(10)), Some(0), "{}", engine.output());
    let city = config.join("city.toml");
    let text = std::fs::read_to_string(&city).unwrap();
    std::fs::write(&city, format!("{text}acts = \"off\"\n")).unwrap();
    let engine = start(&config, &data);
    let (code, text) = told(&[&["close", "p"], by.as_slice()].concat());
    assert!(code == Some(1) && text.contains("switched off") && text.contains("hint"), "{code:?} {text}");
    drop(engine);
}
