//! Counts that go beyond what fits: barriers that err far more than they are configured to.

use super::super::{Decider, Policy, Says};
use super::*;

const CAPACITY: u32 = 300;

fn policy() -> Policy {
    Policy { full_at: 6, reopen_at: 12, ..Policy::default() }
}

fn starting(occupied: u32) -> Estimator {
    let mut e = Estimator::new(Model::new(CAPACITY), 0);
    e.verified(exactly(occupied));
    e
}

/// Minutes with FULL on the sign, of those in which one vehicle a minute is counted `counted` and the truth stays as it was.
fn full_minutes(e: &mut Estimator, counted: Passed, minutes: std::ops::Range<i64>) -> usize {
    let mut decider = Decider::default();
    let said = minutes.map(|minute| {
        e.passed(counted);
        e.advance(minute * MINUTE);
        decider.decide(&now(e, minute * MINUTE), CAPACITY, &policy()).0
    });
    said.filter(|says| *says == Says::Full).count()
}

#[test]
fn a_full_car_park_that_goes_on_filling_is_not_sure_to_be_full() {
    // Nobody is seen to leave; fifty spaces are free all the time, and the count fills them in the first hour.
    let mut e = starting(250);
    full_minutes(&mut e, ENTRY, 0..60);
    assert!(full_minutes(&mut e, ENTRY, 60..360) < 15);
    let said = now(&e, 360 * MINUTE);
    assert_eq!(said.best, CAPACITY, "nothing says how many");
    assert!(said.sure_low <= 250, "{said:?}");
    // A person's count ends it.
    assert_eq!(e.verified(exactly(250)).drift, Some(-360));
    assert_eq!((now(&e, 361 * MINUTE).low, now(&e, 361 * MINUTE).high), (250, 250));
}

#[test]
fn an_empty_car_park_that_goes_on_emptying_may_hold_somebody() {
    let mut e = starting(50);
    for minute in 0..300 {
        e.passed(EXIT);
        e.advance(minute * MINUTE);
    }
    let said = now(&e, 300 * MINUTE);
    assert!(said.best == 0 && said.sure_high >= 50, "{said:?}");
}

#[test]
fn a_new_counter_is_not_doubted_for_what_the_old_one_did() {
    let mut e = starting(250);
    full_minutes(&mut e, ENTRY, 0..600);
    e.replaced(0.0);
    // What is inside is as unsure as before; a person's count ends that, and the new lanes are believed as any.
    for minute in 600..630 {
        e.passed(EXIT);
        e.advance(minute * MINUTE);
    }
    e.verified(exactly(200));
    for minute in 630..690 {
        e.passed(if minute % 2 == 0 { EXIT } else { ENTRY });
        e.advance(minute * MINUTE);
    }
    let said = now(&e, 690 * MINUTE);
    assert!(said.high - said.low <= 8, "{said:?}");
}

#[test]
fn without_rates_a_broken_bound_is_a_doubt_all_the_same() {
    let mut e = Estimator::new(Model { miss: 0.0, double: 0.0, ..Model::new(CAPACITY) }, 0);
    e.verified(exactly(250));
    full_minutes(&mut e, ENTRY, 0..60);
    assert!(full_minutes(&mut e, ENTRY, 60..360) < 15);
}

#[test]
fn ordinary_errors_at_the_bound_open_nothing() {
    let wide = (0..40).filter(|seed| {
        let (mut dice, mut truth, mut e) = (Dice(*seed), 250_u32, starting(250));
        let mut widest = 0;
        for minute in 0..1_440_i64 {
            // Full for most of the day, with somebody waiting for each space that comes free.
            let enters = truth < CAPACITY && dice.below(10) < if truth < 295 { 7 } else { 5 };
            let passed = if enters { ENTRY } else { EXIT };
            truth = if enters { truth + 1 } else { truth.saturating_sub(1) };
            match dice.below(200) {
                0 | 1 => {}
                2 => {
                    e.passed(passed);
                    e.passed(passed);
                }
                _ => e.passed(passed),
            }
            e.advance(minute * MINUTE);
            let said = now(&e, minute * MINUTE);
            widest = widest.max(said.high - said.low);
        }
        widest > 60
    });
    let wide: Vec<_> = wide.collect();
    assert!(wide.len() <= 2, "{wide:?}");
}
