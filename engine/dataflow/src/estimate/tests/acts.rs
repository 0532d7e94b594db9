//! The acts and the kinds of evidence, one by one.

use super::{ENTRY, EXIT, MINUTE, exactly, in_order, now};
use crate::estimate::bays::BayState;
use crate::estimate::{Anchor, Decider, Estimate, Estimator, Heard, Model, Passed, Policy, Says, Why};

#[test]
fn a_bound_is_believed_when_it_was_broken_for_long_and_the_count_stays_known() {
    let mut e = Estimator::new(Model::new(100), 0);
    e.verified(exactly(1));
    e.advance(0);
    (0..3).for_each(|_| e.passed(EXIT));
    let early = now(&e, MINUTE / 2);
    assert_eq!((early.best, early.uncorrected), (0, Some(-2)));
    // The entries arrive late: nothing was wrong.
    (0..2).for_each(|_| e.passed(ENTRY));
    e.advance(MINUTE);
    assert!(e.bounded().abs() < 1e-9);
    // This time they do not.
    (0..2).for_each(|_| e.passed(EXIT));
    (2..5).for_each(|minute| {
        e.advance(minute * MINUTE);
    });
    assert!((e.bounded() - 2.0).abs() < 1e-9);
    e.passed(ENTRY);
    let late = now(&e, 5 * MINUTE);
    assert_eq!((late.best, late.low, late.uncorrected), (1, 1, Some(-1)));
}

#[test]
fn an_anchor_ends_the_drift_tells_it_and_counts_what_came_after_it() {
    let mut e = Estimator::new(Model::new(200), 0);
    assert_eq!(e.estimate(0, 0.01), None);
    assert_eq!(e.verified(exactly(100)).drift, None);
    (0..400).for_each(|i| e.passed(if i % 2 == 0 { ENTRY } else { EXIT }));
    let since = Passed { entries: 3, exits: 1 };
    (0..3).for_each(|_| e.passed(ENTRY));
    e.passed(EXIT);
    let wide = now(&e, 0);
    assert_eq!(wide.best, 102);
    assert!(wide.high - wide.low >= 6, "{wide:?}");
    let found = e.verified(Anchor { occupied: 103, sd: 0.0, since });
    assert_eq!((found.drift, found.surprising), (Some(3), false));
    let said = now(&e, 0);
    assert_eq!((said.best, said.uncorrected), (105, Some(105)));
    assert!(said.high - said.low <= 1, "{said:?}");
    // A count that is not certain is weighed with what was known.
    (0..400).for_each(|i| e.passed(if i % 2 == 0 { ENTRY } else { EXIT }));
    e.verified(Anchor { occupied: 109, sd: 2.0, since: Passed::default() });
    let said = now(&e, 0);
    assert!((106..109).contains(&said.best), "{said:?}");
    // A surprise holds alone.
    assert!(e.corrected(Anchor { occupied: 20, sd: 1.0, since: Passed::default() }).surprising);
    assert_eq!(now(&e, 0).best, 20);
}

#[test]
fn a_lane_that_leans_is_learned_and_a_new_counter_unlearns_it() {
    let mut e = Estimator::new(Model::new(500), 0);
    e.verified(exactly(100));
    let mut off = Vec::new();
    for _ in 0..20 {
        // Of 300 exits 12 are missed.
        (0..300).for_each(|_| e.passed(ENTRY));
        (0..288).for_each(|_| e.passed(EXIT));
        off.push(i64::from(now(&e, 0).best) - 100);
        e.verified(exactly(100));
    }
    assert_eq!(off.first(), Some(&12));
    assert!(off.iter().rev().take(5).all(|off| off.abs() <= 4), "{off:?}");
    assert!(e.lean().0 + e.lean().1 < -0.02);
    e.replaced(0.0);
    assert_eq!(e.lean(), (0.0, 0.0));
    assert_eq!(now(&e, 0).best, 100);
}

#[test]
fn totals_revise_the_count_and_not_its_doubt() {
    let mut e = Estimator::new(Model::new(100), 0);
    e.verified(exactly(50));
    (0..100).for_each(|i| e.passed(if i % 2 == 0 { ENTRY } else { EXIT }));
    let before = now(&e, 0);
    e.revised(-3);
    let after = now(&e, 0);
    assert_eq!((before.best, after.best, after.uncorrected), (50, 47, Some(47)));
    assert_eq!(before.high - before.low, after.high - after.low);
}

#[test]
fn lost_messages_widen_until_an_anchor() {
    let mut e = Estimator::new(Model::new(100), 0);
    e.verified(exactly(50));
    let narrow = now(&e, 0);
    e.set_lost(9);
    let wide = now(&e, 0);
    assert_eq!((narrow.low, narrow.high), (50, 50));
    assert!(wide.low <= 46 && wide.high >= 54 && wide.best == 50, "{wide:?}");
    e.closed_and_empty(0.0);
    assert_eq!((now(&e, 0).best, now(&e, 0).high), (0, 0));
}

#[test]
fn a_figure_that_jumps_is_believed_when_it_stays() {
    let mut e = Estimator::new(Model { barriers: false, ..Model::new(300) }, 0);
    assert_eq!(e.figure(200, 0), Heard::Agrees);
    assert_eq!(e.figure(203, MINUTE), Heard::Agrees);
    assert_eq!(e.figure(100, 0), Heard::Old);
    assert_eq!(e.figure(0, 2 * MINUTE), Heard::Jumped);
    assert_eq!(now(&e, 2 * MINUTE).best, 203);
    assert_eq!(e.figure(0, 3 * MINUTE), Heard::Jumped);
    assert_eq!(e.figure(0, 4 * MINUTE), Heard::Believed);
    assert_eq!(now(&e, 4 * MINUTE).best, 0);
    let fresh = now(&e, 4 * MINUTE);
    let old = now(&e, 4 * 60 * MINUTE);
    assert!(old.high > fresh.high + 10, "{fresh:?} {old:?}");
}

#[test]
fn sources_that_contradict_each_other_widen_the_interval() {
    let mut e = Estimator::new(Model::new(100), 100);
    e.verified(exactly(0));
    (0..100).for_each(|bay| e.bay(bay, BayState::Free));
    (0..50).for_each(|bay| e.bay(bay, BayState::Occupied));
    let said = now(&e, 0);
    assert!(said.conflict && said.high - said.low > 20, "{said:?}");
}

#[test]
fn bays_that_say_taken_in_an_empty_facility_are_doubted() {
    let mut e = Estimator::new(Model::new(50), 50);
    (0..50).for_each(|bay| e.bay(bay, BayState::Free));
    e.bay(7, BayState::Occupied);
    assert!(!e.closed_and_empty(0.0).bays_disagree);
    assert_eq!((e.bays().doubted(), e.bays().occupied(), e.bays().free()), (1, 0, 49));
    e.bay(7, BayState::Free);
    assert_eq!(e.bays().free(), 49, "once is not enough");
    e.closed_and_empty(0.0);
    assert_eq!(e.bays().doubted(), 0);
}

#[test]
fn a_sign_says_what_is_sure() {
    let policy = Policy { full_at: 3, reopen_at: 8, ..Policy::default() };
    // Sure low, best and sure high of the occupied spaces, of 100; low and high lie with the best.
    let said = |low: u32, best: u32, high: u32| Estimate {
        best,
        low: best,
        high: best,
        sure_low: low,
        sure_high: high,
        uncorrected: None,
        conflict: false,
    };
    let table = [
        (said(80, 85, 90), Says::Free(10), Why::Sure),
        (said(90, 95, 100), Says::Blank, Why::MayBeFull),
        (said(92, 97, 100), Says::Blank, Why::MayNotBeFull),
        (said(93, 97, 100), Says::Full, Why::Sure),
        // Held until 8 are free by the best figure.
        (said(93, 93, 93), Says::Full, Why::Sure),
        (said(92, 93, 94), Says::Blank, Why::MayNotBeFull),
        (said(92, 92, 92), Says::Free(8), Why::Sure),
        (said(93, 93, 99), Says::Free(1), Why::Sure),
        (said(100, 120, 120), Says::Full, Why::Sure),
    ];
    let mut decider = Decider::default();
    for (estimate, says, why) in table {
        assert_eq!(decider.decide(&estimate, 100, &policy), (says, why), "{estimate:?}");
    }
    let wide = Estimate { low: 30, high: 51, ..said(25, 40, 60) };
    assert_eq!(decider.decide(&wide, 100, &policy), (Says::Blank, Why::TooWide));
}

#[test]
fn wild_values_do_no_harm() {
    let model = Model {
        miss: f64::NAN,
        double: 9.0,
        lie: -1.0,
        figure_sd: f64::INFINITY,
        settle_us: i64::MIN,
        ..Model::new(0)
    };
    let mut e = Estimator::new(model, 3);
    e.bay(99, BayState::Occupied);
    e.bay(0, BayState::Occupied);
    e.verified(Anchor { occupied: u32::MAX, sd: f64::NAN, since: Passed { entries: u32::MAX, exits: 0 } });
    e.passed(Passed { entries: u32::MAX, exits: u32::MAX });
    e.set_lost(u32::MAX);
    e.figure(u32::MAX, i64::MAX);
    e.advance(i64::MIN);
    e.advance(i64::MAX);
    assert!(in_order(&now(&e, i64::MAX)));
}
