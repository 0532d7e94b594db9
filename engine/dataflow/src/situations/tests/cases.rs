use vlot_model::{DeviceIx, SituationIx, Trigger};

use super::*;
use crate::shell::Logic;

fn phases(city: &Arc<City>, steps: &[Step]) -> Vec<(i64, u32, Phase, i64)> {
    let all = published(city, steps).into_iter();
    all.map(|(at, state)| {
        (at.micros() / 1_000_000, state.slot.0, state.phase, state.since.micros() / 1_000_000)
    })
    .collect()
}

#[test]
fn a_situation_begins_and_ends_by_the_clock() {
    let planned = Situation { from: s(100), until: Some(s(200)), ..closure("a") };
    let clock = [60, 99, 100, 101, 199, 200, 201].map(Step::Clock);
    let steps = [vec![states(50, planned)], clock.to_vec()].concat();
    let expected = [(50, 0, Phase::Planned, 50), (100, 0, Phase::Active, 100), (200, 0, Phase::Ended, 200)];
    assert_eq!(phases(&city(), &steps), expected);
}

#[test]
fn outside_its_hours_it_pauses() {
    let city = city();
    // A Monday, 08:00 in Brussels.
    let monday: Timestamp = "2026-05-04T08:00:00+02:00".parse().unwrap();
    let start = monday.micros() / 1_000_000;
    let school = Situation { hours: Some("Mo-Fr 08:15-08:45".into()), ..closure("school") };
    let mut steps = vec![states(start, school)];
    steps.extend((1..40 * 60).map(|second| Step::Clock(start + 2 * second)));
    let got: Vec<_> =
        phases(&city, &steps).into_iter().map(|(at, _, phase, _)| (at - start, phase)).collect();
    assert_eq!(got, [(0, Phase::Paused), (900, ACTIVE), (2_700, Phase::Paused)]);
}

#[test]
fn hours_of_a_year_whose_holidays_nobody_entered_hold() {
    let works = Situation { hours: Some("PH off; Mo-Su 09:00-17:00".into()), ..closure("works") };
    assert_eq!(phases(&city(), &[states(50, works)])[0].2, ACTIVE);
}

#[test]
fn a_later_statement_takes_the_place_of_the_one_before_and_an_overtaken_one_does_not() {
    let city = city();
    let slow = Situation { effect: Effect::SpeedLimit { kmh: 30.0 }, ..closure("a") };
    let late = said(0, 55, Value::Situation(Arc::new(closure("a"))));
    let other_source = Situation { source: "feed".into(), ..closure("a") };
    let steps = [
        states(50, closure("a")),
        states(60, slow.clone()),
        // The same again is no news.
        states(61, slow),
        Step::Batch(70, vec![late]),
        states(80, other_source),
    ];
    let got: Vec<_> =
        published(&city, &steps).into_iter().map(|(_, s)| (s.slot.0, s.situation.effect)).collect();
    let closed = Effect::Closed;
    assert_eq!(got, [(0, closed), (0, Effect::SpeedLimit { kmh: 30.0 }), (1, closed)]);
}

#[test]
fn what_is_over_keeps_its_place_for_an_hour_and_then_gives_it_on() {
    let city = city();
    let gone = |id: &str| Situation { withdrawn: true, ..closure(id) };
    let steps = [
        // What nobody has heard of needs no end.
        states(5, gone("x")),
        states(10, closure("a")),
        states(20, closure("b")),
        states(100, gone("a")),
        states(101, closure("c")),
        Step::Clock(3_699),
        states(3_699, closure("d")),
        Step::Clock(3_700),
        states(3_700, closure("e")),
        states(3_710, gone("e")),
        // Back before its place is given on.
        states(3_720, closure("e")),
    ];
    let got: Vec<_> = published(&city, &steps)
        .into_iter()
        .map(|(_, state)| (state.situation.id.to_string(), state.slot.0, state.phase))
        .collect();
    let expected = [
        ("a", 0, ACTIVE),
        ("b", 1, ACTIVE),
        ("a", 0, Phase::Ended),
        ("c", 2, ACTIVE),
        ("d", 3, ACTIVE),
        ("e", 0, ACTIVE),
        ("e", 0, Phase::Ended),
        ("e", 0, ACTIVE),
    ]
    .map(|(id, slot, phase)| (id.to_owned(), slot, phase));
    assert_eq!(got, expected);
}

#[test]
fn without_a_network_it_stands_and_is_on_no_link() {
    let mut b = Builder::default();
    b.device(DeviceKind::SituationFeed, Role::Situations, 300);
    let got = published(&Arc::new(b.city), &[states(1, closure("a"))]);
    assert_eq!((got[0].1.phase, got[0].1.links.len(), got[0].1.detours.len()), (ACTIVE, 0, 0));
}

#[test]
fn a_product_tells_the_statement_that_made_it_and_other_words_of_the_desk_are_passed_over() {
    let city = city();
    let mut logic = Situations::new(&city, &Arc::new(Meters::default()));
    let verdict = Value::IncidentVerdict { link: id(5, 6), verdict: vlot_model::Verdict::Confirmed };
    let steps =
        [Step::Batch(7, vec![said(0, 7, verdict), said(1, 7, Value::Situation(Arc::new(closure("a"))))])];
    let updates = play(&mut logic, &steps);
    let trigger = Trigger { device: DeviceIx(1), sequence: None, observed_at: s(7) };
    assert_eq!((updates.len(), updates[0].trigger), (1, Some(trigger)));
    assert_eq!(updates[0].product.key(), vlot_model::Key::Situation(SituationIx(0)));
    let mut out = Vec::new();
    logic.on_clock(9, s(8), &mut out);
    assert!(out.is_empty(), "time alone is no news: {out:?}");
}

/// More than there are places for: the rest is counted, and the others stand.
#[test]
fn the_list_is_bounded() {
    let city = city();
    let meters = Arc::new(Meters::default());
    let mut logic = Situations::new(&city, &meters);
    let notice = |n: usize| Situation { effect: Effect::None, ..closure(&format!("n{n}")) };
    let all = (0..super::super::list::MOST + 3).map(|n| said(1, 5, Value::Situation(Arc::new(notice(n)))));
    let updates = play(&mut logic, &[Step::Batch(5, all.collect())]);
    assert_eq!((updates.len(), meters.readings_unusable.get()), (super::super::list::MOST, 3));
}
