//! `vlot demo --faults`: a counter drifts, the sign says less, a person counts, the sign recovers, and says why each time.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::time::{Duration, Instant};

use common::{Running, vlot};

#[test]
fn a_sign_says_less_while_a_counter_drifts_and_recovers_after_a_verified_count() {
    let dir = tempfile::tempdir().unwrap();
    let (summary, data) = (dir.path().join("s.json"), dir.path().join("data"));
    let mut demo = Running::start(
        vlot()
            .args(["demo", "--faults", "--speed", "150", "--start", "2026-05-08T09:00:00+02:00"])
            .args(["--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"])
            .arg("--data")
            .arg(&data)
            .arg("--summary")
            .arg(&summary),
    );
    // The whole story, then the end.
    let limit = Instant::now() + Duration::from_secs(170);
    for end in ["no figure any more", "says its figure again"] {
        demo.wait_for(end, limit.saturating_duration_since(Instant::now()));
    }
    demo.signal("INT");
    let code = demo.wait_exit(Duration::from_secs(60));
    assert_eq!(code, Some(0), "{}", demo.output());
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
    let faults = &summary["faults"];
    // RFC 3339 of one zone: in order as text.
    let steps = ["begun_at", "went_blank_or_low_at", "verified_at", "recovered_at"].map(|name| {
        faults[name].as_str().unwrap_or_else(|| panic!("{name} in {summary:#}\n{}", demo.output()))
    });
    assert!(steps.is_sorted(), "{steps:?}");
    let why =
        |name: &str| faults[name].as_str().unwrap_or_else(|| panic!("{name} in {summary:#}")).to_owned();
    assert_ne!(why("reason_before"), why("reason_after"));
    assert!(why("zone_reason").contains("nothing is shown"), "{summary:#}");
    assert_eq!(summary["lost"], 0, "{summary:#}");
    assert_eq!(summary["untrue"], 0, "{}", demo.output());

    let lines = demo.output();
    for step in ["miscount from here on", "says less of", "a person counts", "says its figure again"] {
        assert!(lines.lines().any(|l| l.starts_with("FAULTS") && l.contains(step)), "{step}: {lines}");
    }
    // The count and the reset are acts like any other, in the audit log and in the journal: a replay makes the same board.
    let trail = std::fs::read_to_string(data.join("acts.jsonl")).unwrap();
    assert_eq!(trail.matches("\"record\":\"asked\"").count(), 2, "{trail}");
    assert_eq!(trail.matches("\"record\":\"done\"").count(), 2, "{trail}");
    let live = std::fs::read(data.join("board.json")).unwrap();
    let replayed = vlot().arg("replay").arg(&data).args(["--workers", "2"]).output().unwrap();
    assert!(replayed.status.success() && live == replayed.stdout);
}
