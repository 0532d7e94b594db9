//! What operators do, and what sources make of each other.

use vlot_model::{
    AnchorKind, Closed, ClosedBy, Counting, Direction, FacilityStatus, Figure, Opening, Quality, SureWhy,
    Value,
};

use super::cases::{last, states};
use crate::testing::{Builder, Step, s, said};

/// 100 spaces, a barrier (0), a counter (1) and the operator's desk (2).
fn car_park() -> Builder {
    let mut b = Builder::default();
    let facility = b.facility(Counting::Barriers, 0, 1, 1);
    facility.capacity = 100;
    facility.estimate = vlot_model::Reliability::of(100);
    b.operator();
    b
}

fn passes(at: i64, direction: Direction, vehicles: u16) -> Step {
    Step::Batch(at, vec![said(0, at, Value::Passage { direction, vehicles })])
}

fn does(at: i64, value: Value) -> Step {
    Step::Batch(at, vec![said(2, at, value)])
}

#[test]
fn a_verified_count_ends_the_drift_and_tells_it() {
    let b = car_park();
    let mut steps = vec![
        does(100, Value::Verified { occupied: 40 }),
        passes(110, Direction::In, 5),
        // Counted before the last two came.
        passes(130, Direction::In, 2),
        Step::Batch(140, vec![said(2, 120, Value::Verified { occupied: 43 })]),
    ];
    let state = last(&b, &steps);
    assert_eq!((state.occupied, state.occupied_uncorrected), (Some(45), Some(45)));
    let c = state.certainty.unwrap();
    let anchored = c.anchored.unwrap();
    assert_eq!((anchored.at, anchored.by, anchored.drift), (s(120), AnchorKind::Verified, Some(-2)));
    assert!(c.occupied_low <= 45 && 45 <= c.occupied_high && c.occupied_high - c.occupied_low <= 2, "{c:?}");
    // An older one changes nothing.
    steps.push(Step::Batch(150, vec![said(2, 90, Value::Verified { occupied: 9 })]));
    assert_eq!(last(&b, &steps).occupied, Some(45));
}

#[test]
fn what_is_set_without_a_count_is_less_sure_than_what_was_counted() {
    let b = car_park();
    let width = |value| {
        let c = last(&b, &[passes(90, Direction::In, 1), does(100, value)]).certainty.unwrap();
        c.occupied_high - c.occupied_low
    };
    assert_eq!(width(Value::Verified { occupied: 40 }), 0);
    assert!(width(Value::Corrected { occupied: 40 }) >= 6);
}

#[test]
fn a_replaced_counter_goes_on_with_totals_of_its_own() {
    let b = car_park();
    let totals = |at, entries, exits| Step::Batch(at, vec![said(0, at, Value::Totals { entries, exits })]);
    let steps = [
        totals(90, 500, 460),
        does(100, Value::Verified { occupied: 40 }),
        totals(110, 502, 461),
        does(115, Value::CounterReplaced),
        totals(120, 90_000, 0),
        totals(130, 90_001, 0),
    ];
    let counts: Vec<_> = states(&b, &steps).iter().map(|s| s.occupied_uncorrected).collect();
    assert_eq!(counts.last(), Some(&Some(42)));
}

#[test]
fn an_operators_closure_holds_until_it_is_taken_back() {
    let b = car_park();
    let open =
        |at, open| Step::Batch(at, vec![said(1, at, Value::Opening { open }), said(0, at, Value::Alive)]);
    let steps = [
        does(1_000, Value::Verified { occupied: 40 }),
        open(1_001, true),
        does(1_010, Value::Closure { closed: true }),
        open(1_020, true),
        Step::Clock(9_000),
        open(9_010, true),
        does(9_020, Value::Closure { closed: false }),
    ];
    let seen: Vec<_> = states(&b, &steps).iter().map(|s| (s.opening, s.status)).collect();
    let closed = (Opening::Closed, FacilityStatus::Closed);
    assert_eq!(seen[1], (Opening::Open, FacilityStatus::SpacesAvailable));
    assert!(seen[2..seen.len() - 1].iter().all(|seen| *seen == closed), "{seen:?}");
    assert_eq!(seen.last(), Some(&(Opening::Open, FacilityStatus::SpacesAvailable)));
}

#[test]
fn what_closes_a_facility_is_told_with_its_end_and_outlives_the_figures() {
    let mut b = car_park();
    let closes = does(1_010, Value::Closure { closed: true });
    let states_of = |b: &Builder, steps: &[Step]| -> Vec<_> {
        states(b, steps).iter().map(|s| (s.status, s.closed, s.quality)).collect()
    };
    let by = |by, until: Option<i64>| Some(Closed { by, until: until.map(s) });
    let shut = FacilityStatus::Closed;
    let seen =
        states_of(&b, &[does(1_000, Value::Verified { occupied: 40 }), closes.clone(), Step::Clock(9_000)]);
    assert_eq!(
        seen[1..],
        [
            (shut, by(ClosedBy::Operator, None), Quality::Degraded),
            (shut, by(ClosedBy::Operator, None), Quality::Stale)
        ]
    );
    let word = Step::Batch(1_000, vec![said(1, 1_000, Value::Opening { open: false })]);
    let seen = states_of(&b, &[word, Step::Clock(9_000)]);
    assert_eq!(seen[0], (shut, by(ClosedBy::OwnWord, Some(1_900)), Quality::Missing));
    assert_eq!(seen[1], (FacilityStatus::Unknown, None, Quality::Missing), "it was said long ago");
    // 1970-01-01 was a Thursday; closed from 00:00 to 06:00, and then on Sundays.
    let site = &mut b.city.facilities[0].site;
    site.opening_hours = Some("Mo-Sa 06:00-24:00".into());
    let alive = |at| Step::Batch(at, vec![said(0, at, Value::Alive)]);
    let seen = states_of(&b, &[alive(1_000), alive(2_000), Step::Clock(6 * 3_600)]);
    assert_eq!(seen[0], (shut, by(ClosedBy::Hours, Some(6 * 3_600)), Quality::Missing));
    assert_eq!(seen.last(), Some(&(FacilityStatus::Unknown, None, Quality::Missing)));
    // Closed for ever: an end that is not known is not told, and does not move with each look.
    b.city.facilities[0].site.opening_hours = Some("off".into());
    let seen = states_of(&b, &[alive(1_000), alive(2_000), alive(90_000)]);
    assert_eq!(seen, [(shut, by(ClosedBy::Hours, None), Quality::Missing)]);
}

#[test]
fn closed_for_long_enough_is_empty_where_nobody_stays_overnight() {
    let mut b = car_park();
    b.city.facilities[0].estimate.empty_after_closing = Some(std::time::Duration::from_secs(300));
    let closed = |at| Step::Batch(at, vec![said(1, at, Value::Opening { open: false })]);
    let steps = [
        does(1_000, Value::Verified { occupied: 3 }),
        closed(1_010),
        passes(1_100, Direction::Out, 1),
        closed(1_200),
        Step::Clock(1_309),
        Step::Clock(1_310),
        passes(1_400, Direction::In, 1),
    ];
    let states = states(&b, &steps);
    let before = &states[states.len() - 3];
    let [.., empty, after] = &states[..] else { panic!() };
    assert_eq!(before.occupied, Some(2));
    let anchored = empty.certainty.unwrap().anchored.unwrap();
    assert_eq!(
        (empty.occupied, anchored.by, anchored.drift),
        (Some(0), AnchorKind::ClosedAndEmpty, Some(-2))
    );
    assert_eq!((anchored.at, after.occupied), (s(1_310), Some(1)));
}

#[test]
fn a_figure_beside_the_barriers_pulls_a_drifting_count_and_never_hides_it() {
    let b = car_park();
    let figure = |at, spaces| Step::Batch(at, vec![said(1, at, Value::Occupied { spaces })]);
    let mut steps = vec![does(100, Value::Verified { occupied: 40 }), figure(110, 40)];
    assert_eq!(last(&b, &steps).occupied, Some(40));
    // Exits are missed: the count stays, the figure falls.
    for i in 1..=40 {
        steps.push(passes(110 + i * 10, Direction::In, 5));
        steps.push(passes(115 + i * 10, Direction::Out, 5));
    }
    steps.extend((1..=3).map(|i| figure(520 + i, 30)));
    let state = last(&b, &steps);
    assert_eq!(state.occupied_uncorrected, Some(40));
    assert!(state.occupied.unwrap() < 38, "{state:?}");
    let c = state.certainty.unwrap();
    assert!(c.occupied_low <= 34 && 39 <= c.occupied_high, "{c:?}");
}

#[test]
fn barriers_and_bays_that_agree_are_exact_and_that_differ_are_told_of() {
    let mut b = Builder::default();
    b.facility(Counting::Barriers, 40, 1, 0);
    let operator = b.operator();
    let bay = |device, at, occupied| said(device, at, Value::Bay { occupied });
    let passage = |at, direction| said(40, at, Value::Passage { direction, vehicles: 1 });
    let mut steps = vec![Step::Batch(
        1_000,
        (0..40)
            .map(|d| bay(d, 1_000, false))
            .chain([said(operator.0, 1_000, Value::Verified { occupied: 0 })])
            .collect(),
    )];
    for n in 0..20 {
        let at = 1_010 + i64::from(n);
        steps.push(Step::Batch(at, vec![passage(at, Direction::In), bay(n, at, true)]));
        let state = last(&b, &steps);
        assert_eq!((state.occupied, state.quality), (Some(n + 1), Quality::Good));
    }
    // Half a car park more by the bays than by the barrier.
    let at = 1_100;
    steps.push(Step::Batch(
        at,
        (20..40).map(|d| bay(d, at, true)).chain([said(40, at, Value::Alive)]).collect(),
    ));
    let state = last(&b, &steps);
    let c = state.certainty.unwrap();
    assert!(c.conflict && c.occupied_high - c.occupied_low > 8, "{c:?}");
    assert_eq!(
        (state.quality, c.says, state.occupied_uncorrected),
        (Quality::Degraded, Figure::Blank, Some(20))
    );
}

#[test]
fn a_silent_barrier_leaves_nothing_to_say() {
    let b = car_park();
    let steps =
        [passes(1_000, Direction::In, 1), does(1_001, Value::Verified { occupied: 40 }), Step::Clock(1_300)];
    let states = states(&b, &steps);
    let seen: Vec<_> = states.iter().filter_map(|s| s.certainty).map(|c| (c.says, c.why)).collect();
    assert_eq!(seen, [(Figure::Free(60), SureWhy::Sure), (Figure::Blank, SureWhy::SensorsMissing)]);
}

/// A barrier's controller makes its figure of the same passages: it starts a count, and bears nothing out afterwards.
#[test]
fn a_barriers_own_figure_starts_a_count_and_is_no_second_witness() {
    let b = car_park();
    let states_of =
        |device: u32, at: i64, spaces| Step::Batch(at, vec![said(device, at, Value::Occupied { spaces })]);
    let mut steps = vec![states_of(0, 90, 20), passes(100, Direction::In, 10)];
    let counted = last(&b, &steps);
    assert_eq!((counted.occupied, counted.certainty.unwrap().conflict), (Some(30), false));
    // A person found fewer; the controller goes on from what it has.
    steps.push(does(110, Value::Verified { occupied: 12 }));
    steps.extend((0..10).map(|i| states_of(0, 120 + i, 30)));
    let state = last(&b, &steps);
    let c = state.certainty.unwrap();
    assert_eq!((state.occupied, c.occupied_low, c.occupied_high, c.conflict), (Some(12), 12, 12, false));
    // A parking system of its own is a witness.
    steps.extend((0..10).map(|i| states_of(1, 140 + i, 60)));
    assert!(last(&b, &steps).certainty.unwrap().conflict);
}
