use std::io::Write;

use vlot_model::{FacilityStatus, Glance, Opening, Quality, Timestamp, Value};

use super::*;

const SMALL: Options = Options { file_bytes: 2_000, keep: 2 };

fn order(id: &str, facility: &str, value: Value) -> Order {
    let at = Timestamp::from_secs(1_800_000_000);
    let (id, facility) = (id.to_owned(), facility.to_owned());
    Order {
        id,
        facility,
        value,
        actor: "Mia".into(),
        actor_known_by: vlot_model::ActorKnownBy::Certificate,
        reason: "night round".into(),
        asked_at: at,
        observed_at: at,
    }
}

fn open(dir: &Path, options: Options) -> (AuditLog, Vec<String>) {
    AuditLog::open(dir, options).unwrap()
}

fn done(tick: u64) -> End {
    let glance = Glance {
        occupied: Some(3),
        occupied_uncorrected: Some(-2),
        free: None,
        opening: Opening::Open,
        status: FacilityStatus::Unknown,
        quality: Quality::Degraded,
    };
    End::Done { tick, before: Some(glance), after: None }
}

const VALUES: [Value; 5] = [
    Value::Verified { occupied: 7 },
    Value::Corrected { occupied: 0 },
    Value::CounterReplaced,
    Value::Closure { closed: true },
    Value::Closure { closed: false },
];

#[test]
fn a_line_says_how_the_name_is_known_and_an_older_one_held_what_was_stated() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), Options::default());
    log.ask(order("a", "p", Value::CounterReplaced)).unwrap();
    drop(log);
    let path = dir.path().join("acts.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#""actor":"Mia","actor_known_by":"certificate""#), "{text}");
    std::fs::write(&path, text.replace(r#""actor_known_by":"certificate","#, "")).unwrap();
    let (log, damage) = open(dir.path(), Options::default());
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!(log.find("a").unwrap().order.actor_known_by, vlot_model::ActorKnownBy::Stated);
}

fn of_the_roads() -> Vec<Value> {
    let closed = vlot_model::Situation {
        id: "ring".into(),
        source: "operator".into(),
        kind: vlot_model::SituationKind::Closure,
        headline: "Ring closed".into(),
        effect: vlot_model::Effect::SpeedLimit { kmh: 30.5 },
        modes: vlot_model::Modes::NONE.with(vlot_model::Mode::Bus),
        location: vlot_model::Location::Links(vec![vlot_model::LinkId(u64::MAX)]),
        both_directions: true,
        from: Timestamp::from_secs(9),
        until: Some(Timestamp::from_secs(10)),
        hours: Some("24/7".into()),
        withdrawn: false,
    };
    let line = vlot_model::Location::Line(vec![vlot_model::LonLat { lon: 4.7, lat: 50.875 }; 2]);
    let gone = vlot_model::Situation { withdrawn: true, location: line, until: None, ..closed.clone() };
    let judged = |verdict| Value::IncidentVerdict { link: vlot_model::LinkId(7), verdict };
    vec![
        Value::Situation(closed.into()),
        Value::Situation(gone.into()),
        judged(vlot_model::Verdict::Confirmed),
        judged(vlot_model::Verdict::Dismissed),
    ]
}

#[test]
fn acts_on_the_roads_are_kept_beside_those_on_facilities() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), Options::default());
    for (i, value) in of_the_roads().into_iter().enumerate() {
        let act = log.ask(order(&format!("r{i}"), vlot_model::ROADS, value)).unwrap();
        assert_eq!(act.sequence, u32::try_from(i).unwrap() + 1);
    }
    let all = log.newest(Some(vlot_model::ROADS), 9);
    drop(log);
    let (log, damage) = open(dir.path(), Options::default());
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!((log.newest(None, 9), all.len()), (all, 4));
    let suspected =
        Value::IncidentVerdict { link: vlot_model::LinkId(7), verdict: vlot_model::Verdict::Suspected };
    assert!(log.ask(order("s", vlot_model::ROADS, suspected)).is_err(), "nobody has to say that");
}

#[test]
fn what_was_written_is_read_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (log, damage) = open(dir.path(), Options::default());
    assert!(damage.is_empty() && log.newest(None, 9).is_empty());
    for (i, value) in VALUES.into_iter().enumerate() {
        let act = log.ask(order(&format!("a{i}"), if i == 4 { "q" } else { "p" }, value)).unwrap();
        assert_eq!(act.sequence, if i == 4 { 1 } else { u32::try_from(i).unwrap() + 1 });
    }
    log.end("a0", done(17)).unwrap();
    log.end("a2", End::Refused { why: "clock_behind".into() }).unwrap();
    let all = log.newest(None, 9);
    drop(log);
    let (log, damage) = open(dir.path(), Options::default());
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!(log.newest(None, 9), all);
    let ids = |acts: Vec<Act>| acts.into_iter().map(|a| a.order.id).collect::<Vec<_>>();
    assert_eq!(ids(log.newest(Some("p"), 3)), ["a3", "a2", "a1"]);
    assert_eq!(ids(log.under_way()), ["a1", "a3", "a4"]);
    assert_eq!(log.find("a0").unwrap().end, Some(done(17)));
    assert_eq!(log.find("b"), None);
    assert!(log.ask(order("b", "p", Value::Alive)).is_err(), "no sensor's word is an act");
    assert_eq!(log.ask(order("b", "p", Value::CounterReplaced)).unwrap().sequence, 5);
}

#[test]
fn half_a_line_is_cut_off_and_a_damaged_one_passed_over_and_both_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), Options::default());
    log.ask(order("a", "p", VALUES[0].clone())).unwrap();
    drop(log);
    let path = files::path(dir.path(), 0);
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"record\":\"done\",\"id\":\"a\",\"tick\":\"x\"}\n{\"record\":\"asked\",\"id\":\"b")
        .unwrap();
    let (log, damage) = open(dir.path(), Options::default());
    assert_eq!(damage.len(), 2, "{damage:?}");
    assert!(damage[0].contains("acts.jsonl:2") && damage[1].contains("half a line"), "{damage:?}");
    assert_eq!(log.under_way().len(), 1);
    log.end("a", done(1)).unwrap();
    drop(log);
    let (log, damage) = open(dir.path(), Options::default());
    assert_eq!(damage.len(), 1, "the half line is gone: {damage:?}");
    assert_eq!(log.find("a").unwrap().end, Some(done(1)));
}

#[test]
fn files_are_bounded_and_numbers_go_on_behind_what_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), SMALL);
    for i in 1..=100 {
        let facility = if i == 1 { "once" } else { "p" };
        log.ask(order(&format!("a{i}"), facility, VALUES[0].clone())).unwrap();
        log.end(&format!("a{i}"), done(i)).unwrap();
    }
    let files = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap()).collect::<Vec<_>>();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(files.iter().all(|f| f.metadata().unwrap().len() <= SMALL.file_bytes));
    let kept = log.newest(None, 1_000);
    assert!((5..30).contains(&kept.len()), "{}", kept.len());
    assert!(log.find("a1").is_none() && log.find("a100").is_some());
    drop(log);
    let (log, damage) = open(dir.path(), SMALL);
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!(log.newest(None, 1_000), kept);
    assert_eq!(log.ask(order("b", "p", VALUES[0].clone())).unwrap().sequence, 100);
    assert_eq!(
        log.ask(order("c", "once", VALUES[0].clone())).unwrap().sequence,
        2,
        "its one act is long gone"
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = AuditLog::open(&file, SMALL).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("acts") && error.contains("hint"), "{error}");
}
