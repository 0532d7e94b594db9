//! `vlot why`: a sign's reasons now and at any moment of the journal, and what was said then is what is said of then.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use common::{Running, vlot, wait};
use jiff::{Timestamp, Unit};
use serde_json::Value;

const SIGN: &str = "boudewijnlaan-in";

fn ask(args: &[&str]) -> Output {
    vlot().args(["why", "sign"]).args(args).output().unwrap()
}

fn json(output: Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn demo(data: &Path) -> (Running, String) {
    let mut demo = Running::start(
        vlot()
            .args(["demo", "--speed", "60", "--start", "2026-05-08T17:00:00+02:00"])
            .args(["--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(data),
    );
    let line = demo.wait_for("gRPC     http", Duration::from_secs(60));
    let address = line.split_whitespace().nth(1).unwrap().to_owned();
    (demo, address)
}

#[test]
fn a_sign_says_why_now_and_then_and_then_is_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, address) = demo(dir.path());
    let live = || json(ask(&[SIGN, "--json", "--engine", &address]));
    let then = |at: &str| json(ask(&[SIGN, "--json", "--engine", &address, "--at", at]));

    // A face with figures, and a later one that says something else. A disk or a machine that is busy may leave out the readings.
    let limit = Duration::from_secs(60);
    let shows = |answer: &Value| {
        let rows = answer["face"]["rows"].as_array();
        rows.is_some_and(|rows| rows.iter().any(|row| row["shown"].is_number()))
            && !answer["decision"].is_null()
            && !answer["journal_from"].is_null()
    };
    let before = wait(limit, || demo.output(), || Some(live()).filter(|answer| shows(answer)));
    let after = wait(
        limit,
        || demo.output(),
        || Some(live()).filter(|now| shows(now) && now["face"]["version"] != before["face"]["version"]),
    );
    assert!(before["decision"]["why"].as_str().unwrap().ends_with('.'), "{before}");
    assert_eq!(before["lines"].as_array().unwrap().len(), before["face"]["rows"].as_array().unwrap().len());

    // What was published live at a tick is what the journal says of it: face, plan, figures, sentences.
    let tick = |answer: &Value| answer["tick"].to_string();
    for was in [&before, &after] {
        let again = then(&tick(was));
        // With what devices had said until then.
        assert_eq!(&again, was);
        let places = again["readings"].as_array().unwrap();
        let heard: u64 = places.iter().map(|place| place["devices_heard"].as_u64().unwrap()).sum();
        assert!(heard > 0, "{places:?}");
        // None of them came later.
        let second = |at: &Value| at.as_str().unwrap()[..19].to_owned();
        let at = second(&again["at"]);
        for reading in places.iter().flat_map(|place| place["readings"].as_array().unwrap()) {
            assert!(second(&reading["received_at"]) <= at, "{reading} at {at}");
        }
    }
    assert_ne!(then(&tick(&before))["face"]["multi"], then(&tick(&after))["face"]["multi"]);

    // By an instant, by the city's clocks, by how long ago.
    let by_instant = then(before["at"].as_str().unwrap());
    assert_eq!(by_instant["face"], before["face"]);
    // A time of day that is still to come is yesterday's, so it must have passed.
    let at = |answer: &Value| answer["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let asked = at(&after).round(Unit::Second).unwrap() + Duration::from_secs(1);
    wait(limit, || demo.output(), || (at(&live()) > asked).then_some(()));
    let clock = then(&asked.in_tz("Europe/Brussels").unwrap().strftime("%H:%M:%S").to_string());
    assert!(at(&after) <= at(&clock) && at(&clock) <= asked, "{clock}");
    assert!(then("-0s")["tick"].as_u64().unwrap() >= after["tick"].as_u64().unwrap());

    // What nobody knows is said, with a hint.
    let refused = |args: &[&str], words: &str| {
        let mut all = vec!["--engine", &address];
        all.extend_from_slice(args);
        let output = ask(&all);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(words), "{error}");
    };
    refused(&[SIGN, "--at", "2030-01-01T00:00:00Z"], "still to come");
    refused(&[SIGN, "--at", "2020-01-01T00:00:00Z"], "it begins at 2026-05-08T15:");
    refused(&["no-such-sign"], SIGN);
    assert_eq!(ask(&[SIGN, "--at", "soon"]).status.code(), Some(2));

    // Guidance as a whole, a line a change.
    let watched = vlot().args(["watch", "guidance", "--count", "2", "--engine", &address]).output().unwrap();
    let watched = String::from_utf8(watched.stdout).unwrap();
    assert_eq!(
        watched.lines().filter(|line| line.contains("together") && line.contains("% obey")).count(),
        2
    );

    demo.signal("INT");
    // Whether it lost anything is for another test: the journal is whole.
    demo.wait_exit(limit);

    // Without an engine: the journal alone says the same, with its own configuration and with one that is named.
    let data = dir.path().to_str().unwrap();
    let leuven = common::root().join("config/leuven");
    let alone = |more: &[&str]| {
        let mut args = vec![SIGN, "--json", "--journal", data];
        args.extend_from_slice(more);
        json(ask(&args))
    };
    let tick = tick(&before);
    assert_eq!(alone(&["--at", &tick]), before);
    let named = alone(&["--at", &tick, "--config", leuven.to_str().unwrap()]);
    assert_eq!(named, before);
    assert!(alone(&[])["tick"].as_u64() > after["tick"].as_u64());

    let text = ask(&[SIGN, "--journal", data, "--at", &tick]);
    let text = String::from_utf8(text.stdout).unwrap();
    for words in [before["decision"]["why"].as_str().unwrap(), "free on arrival", "last readings before"] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}
