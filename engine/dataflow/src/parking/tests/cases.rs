//! The traps, one by one.

use std::sync::Arc;

use vlot_model::{
    Counting, Direction, FacilityState, FacilityStatus, Meters, Opening, Product, Quality, Share, Update,
    Value,
};

use crate::parking::logic::Parking;
use crate::testing::{Builder, Step, numbered, play, s, said};

pub(super) fn states(b: &Builder, steps: &[Step]) -> Vec<FacilityState> {
    let of = |update: Update| match Arc::unwrap_or_clone(update.product) {
        Product::Facility(state) => state,
        other => panic!("{other:?}"),
    };
    let mut parking = Parking::new(&b.city, &Arc::new(Meters::default()));
    play(&mut parking, steps).into_iter().map(of).collect()
}

pub(super) fn last(b: &Builder, steps: &[Step]) -> FacilityState {
    states(b, steps).pop().unwrap()
}

/// 20 spaces, two barriers (0, 1) and a counter (2).
fn car_park() -> Builder {
    let mut b = Builder::default();
    b.facility(Counting::Barriers, 0, 2, 1);
    b
}

fn passage(direction: Direction, vehicles: u16) -> Value {
    Value::Passage { direction, vehicles }
}

use Direction::{In, Out};

#[test]
fn without_an_absolute_count_there_is_no_figure() {
    let b = car_park();
    let state = last(&b, &[Step::Batch(10, vec![said(0, 10, passage(In, 3)), said(1, 10, passage(Out, 1))])]);
    assert_eq!((state.occupied, state.free, state.occupied_uncorrected), (None, None, None));
    assert_eq!((state.quality, state.status), (Quality::Missing, FacilityStatus::Unknown));
    assert_eq!((state.observed_at, state.valid_until), (None, None));
}

#[test]
fn passages_count_from_the_absolute_count_on_even_when_it_arrives_after_them() {
    let b = car_park();
    let steps = [
        Step::Batch(100, vec![said(0, 90, passage(In, 3)), said(1, 99, passage(In, 2))]),
        Step::Batch(101, vec![said(2, 95, Value::Occupied { spaces: 10 })]),
        // Observed before the count, hence in it already.
        Step::Batch(102, vec![said(0, 94, passage(Out, 1)), said(0, 102, passage(Out, 5))]),
        // An older count changes nothing.
        Step::Batch(103, vec![said(2, 80, Value::Occupied { spaces: 1 })]),
    ];
    let counts: Vec<_> = states(&b, &steps).iter().map(|s| s.occupied_uncorrected).collect();
    assert_eq!(counts, [None, Some(12), Some(7)]);
}

#[test]
fn a_count_outside_the_bounds_is_corrected_and_kept() {
    let b = car_park();
    let both = |at, spaces, value| {
        vec![said(2, at, Value::Occupied { spaces }), said(0, at + 1, value), said(1, at + 1, Value::Alive)]
    };
    let below = last(&b, &[Step::Batch(10, both(9, 1, passage(Out, 4)))]);
    assert_eq!((below.occupied, below.free, below.occupied_uncorrected), (Some(0), Some(20), Some(-3)));
    let above = last(&b, &[Step::Batch(10, both(9, 19, passage(In, 4)))]);
    assert_eq!((above.occupied, above.free, above.occupied_uncorrected), (Some(20), Some(0), Some(23)));
    let words = [below, above].map(|state| (state.quality, state.status));
    assert_eq!(
        words,
        [(Quality::Good, FacilityStatus::SpacesAvailable), (Quality::Good, FacilityStatus::Full)]
    );
    let inside = last(&b, &[Step::Batch(10, both(9, 19, passage(In, 1)))]);
    assert_eq!((inside.quality, inside.status, inside.free), (Quality::Good, FacilityStatus::Full, Some(0)));
}

#[test]
fn totals_that_fall_began_anew_and_stragglers_do_not() {
    let b = car_park();
    let totals = |at, entries, exits| Step::Batch(at, vec![said(0, at, Value::Totals { entries, exits })]);
    let mut steps = vec![
        Step::Batch(1, vec![said(2, 1, Value::Occupied { spaces: 5 }), said(1, 1, Value::Alive)]),
        totals(2, 1_000, 900),
        totals(3, 1_004, 901),
        totals(4, 2, 1),
        totals(5, 3, 1),
    ];
    let counts: Vec<_> = states(&b, &steps).iter().map(|s| s.occupied_uncorrected.unwrap()).collect();
    assert_eq!(counts, [5, 5, 8, 9, 10]);
    // Overtaken on the way: observed before the last one, so it is no restart.
    steps.push(Step::Batch(6, vec![said(0, 3, Value::Totals { entries: 1_004, exits: 901 })]));
    assert_eq!(last(&b, &steps).occupied_uncorrected, Some(10));
}

#[test]
fn lost_passages_degrade_until_the_next_absolute_count_lost_totals_until_the_next_totals() {
    let b = car_park();
    let start = Step::Batch(1, vec![said(2, 1, Value::Occupied { spaces: 5 }), said(1, 1, Value::Alive)]);
    let pulses = [
        start.clone(),
        Step::Batch(2, vec![numbered(0, u32::MAX, 2, passage(In, 1))]),
        Step::Batch(3, vec![numbered(0, 2, 3, passage(In, 1))]),
        Step::Batch(4, vec![numbered(0, 0, 2, passage(In, 1))]),
        Step::Batch(5, vec![said(2, 5, Value::Occupied { spaces: 9 })]),
    ];
    let seen: Vec<_> = states(&b, &pulses).iter().map(|s| (s.lost_messages, s.quality)).collect();
    let (good, degraded) = (Quality::Good, Quality::Degraded);
    assert_eq!(seen, [(0, degraded), (0, good), (2, degraded), (1, good), (0, good)]);

    let totals = |at, sequence, entries| {
        Step::Batch(at, vec![numbered(0, sequence, at, Value::Totals { entries, exits: 0 })])
    };
    let steps = [start, totals(2, 1, 10), totals(3, 5, 13)];
    let state = last(&b, &steps);
    assert_eq!((state.lost_messages, state.quality, state.occupied), (0, good, Some(8)));
}

#[test]
fn a_silent_barrier_degrades_and_silence_of_all_makes_stale_once() {
    let b = car_park();
    let steps = [
        Step::Batch(
            1_000,
            vec![
                said(2, 1_000, Value::Occupied { spaces: 5 }),
                said(0, 1_000, Value::Alive),
                said(1, 1_000, Value::Alive),
            ],
        ),
        Step::Clock(1_299),
        Step::Clock(1_300),
        Step::Clock(1_301),
        Step::Clock(1_899),
        Step::Clock(1_900),
        Step::Clock(1_901),
        Step::Clock(9_000),
    ];
    let states = states(&b, &steps);
    let seen: Vec<_> = states.iter().map(|s| (s.quality, s.sensors.reporting, s.occupied)).collect();
    assert_eq!(
        seen,
        [(Quality::Good, 2, Some(5)), (Quality::Degraded, 0, Some(5)), (Quality::Stale, 0, Some(5)),]
    );
    assert_eq!(states[2].valid_until, Some(s(1_900)));
}

#[test]
fn a_closed_facility_is_closed_without_figures_but_not_for_ever() {
    let b = car_park();
    let steps = [
        Step::Batch(1_000, vec![said(2, 1_000, Value::Opening { open: false })]),
        Step::Batch(1_001, vec![said(2, 900, Value::Opening { open: true })]),
        Step::Clock(1_899),
        Step::Clock(1_900),
    ];
    let states = states(&b, &steps);
    let seen: Vec<_> = states.iter().map(|s| (s.opening, s.status, s.quality)).collect();
    assert_eq!(
        seen,
        [
            (Opening::Closed, FacilityStatus::Closed, Quality::Missing),
            (Opening::Closed, FacilityStatus::Unknown, Quality::Missing),
        ]
    );
}

#[test]
fn a_device_clock_that_runs_ahead_makes_nothing_eternal_and_one_behind_makes_it_old() {
    let b = car_park();
    let mut ahead = said(2, 50_000, Value::Occupied { spaces: 5 });
    ahead.received_at = s(1_000);
    let state = last(&b, &[Step::Batch(1_000, vec![ahead])]);
    assert_eq!((state.observed_at, state.valid_until), (Some(s(1_000)), Some(s(1_900))));
    let mut behind = said(2, 10, Value::Occupied { spaces: 5 });
    behind.received_at = s(1_000);
    let state = last(&b, &[Step::Batch(1_000, vec![behind])]);
    assert_eq!((state.quality, state.status), (Quality::Stale, FacilityStatus::Unknown));
}

/// A barrier that sends each passage and its running totals as well: passages count at once, totals add what was missed,
/// and nothing counts twice.
#[test]
fn totals_put_right_what_passages_missed() {
    let mut b = Builder::default();
    b.facility(Counting::Barriers, 0, 2, 0);
    let out = Value::Passage { direction: Direction::Out, vehicles: 1 };
    let totals = |exits| Value::Totals { entries: 0, exits };
    let numbered = |sequence, device, at, value| vlot_model::Reading {
        sequence: Some(sequence),
        ..said(device, at, value)
    };
    let steps = [
        Step::Batch(1, vec![numbered(0, 0, 1, totals(0)), numbered(0, 1, 1, totals(0))]),
        Step::Batch(2, vec![numbered(1, 0, 2, Value::Occupied { spaces: 8 })]),
        // Two passages: counted before any totals tell of them.
        Step::Batch(3, vec![numbered(2, 0, 3, out.clone()), numbered(1, 1, 3, out.clone())]),
        // Totals that tell the same change nothing.
        Step::Batch(4, vec![numbered(3, 0, 4, totals(1)), numbered(2, 1, 4, totals(1))]),
        // The fourth message is lost, and was a passage: totals bring it in.
        Step::Batch(6, vec![numbered(5, 0, 6, totals(2))]),
        // It comes late after all: the totals have told of it.
        Step::Batch(7, vec![numbered(4, 0, 5, out.clone())]),
        // A passage that is newer than totals which arrive after it is not theirs.
        Step::Batch(9, vec![numbered(7, 0, 9, out)]),
        Step::Batch(10, vec![numbered(6, 0, 8, totals(2))]),
        Step::Batch(11, vec![numbered(8, 0, 11, totals(3))]),
    ];
    let states = states(&b, &steps);
    let seen: Vec<_> = states.iter().map(|s| s.occupied_uncorrected).collect();
    // The late passage changes nothing, hence is no new state.
    let expected = [None, Some(8), Some(6), Some(6), Some(5), Some(4), Some(4), Some(4)];
    assert_eq!(seen, expected);
}

/// Eight bays: nearly full by those that speak is no FULL while those that are silent may be free.
#[test]
fn a_zone_is_full_only_if_its_silent_bays_hardly_matter() {
    let mut b = Builder::default();
    b.facility(Counting::Bays, 8, 0, 0).reopen_at = 2;
    let says = |devices: std::ops::Range<u32>, at, occupied| {
        devices.map(|device| said(device, at, Value::Bay { occupied })).collect::<Vec<_>>()
    };
    let steps = [
        Step::Batch(1_000, [says(0..5, 1_000, true), says(5..6, 1_000, false)].concat()),
        Step::Batch(1_001, says(5..8, 1_001, true)),
        Step::Batch(1_002, vec![said(3, 1_002, Value::BayUnsure)]),
    ];
    let seen: Vec<_> = states(&b, &steps).iter().map(|s| (s.free, s.quality, s.status)).collect();
    let (good, full) = (Quality::Good, FacilityStatus::Full);
    let expected = [(Some(1), good, FacilityStatus::Unknown), (Some(0), good, full), (Some(0), good, full)];
    assert_eq!(seen, expected);
    let first = states(&b, &steps)[0].certainty.unwrap();
    assert_eq!(first.why, vlot_model::SureWhy::MayNotBeFull);
}

#[test]
fn silent_bays_are_taken_for_the_others_like() {
    let mut b = Builder::default();
    b.facility(Counting::Bays, 4, 0, 0);
    let bay = |device, at, occupied| said(device, at, Value::Bay { occupied });
    let steps = [
        // Three of four are enough.
        Step::Batch(1_000, vec![bay(0, 700, true), bay(1, 1_000, false), bay(2, 1_000, false)]),
        // The fourth speaks, but not of its bay.
        Step::Batch(1_001, vec![said(3, 1_001, Value::Alive)]),
        // The first falls silent: too few.
        Step::Clock(1_300),
        // The last ones too: no figure at all, which is not 0.
        Step::Clock(1_700),
        Step::Batch(
            1_800,
            vec![bay(0, 1_800, true), bay(1, 1_800, true), bay(2, 1_800, true), bay(3, 1_800, true)],
        ),
        // Said before what is known: no news.
        Step::Batch(1_801, vec![bay(0, 1_799, false)]),
        // Alive, but by its own word not to be trusted: unknown, until it speaks again.
        Step::Batch(1_802, vec![said(3, 1_802, Value::BayUnsure)]),
        Step::Batch(1_803, vec![bay(3, 1_803, false)]),
    ];
    let states = states(&b, &steps);
    let seen: Vec<_> = states.iter().map(|s| (s.occupied, s.free, s.sensors.reporting, s.quality)).collect();
    assert_eq!(
        seen,
        [
            (Some(1), Some(3), 3, Quality::Good),
            (Some(1), Some(3), 3, Quality::Good),
            (Some(0), Some(4), 2, Quality::Degraded),
            (None, None, 0, Quality::Stale),
            (Some(4), Some(0), 4, Quality::Good),
            (Some(4), Some(0), 3, Quality::Good),
            (Some(3), Some(1), 4, Quality::Good),
        ]
    );
    assert_eq!(states[0].sensors, Share { reporting: 3, total: 4 });
    assert_eq!(states[4].status, FacilityStatus::Full);
}

#[test]
fn an_absolute_count_is_not_renewed_by_signs_of_life() {
    let mut b = Builder::default();
    b.facility(Counting::Absolute, 0, 0, 1);
    let steps = [
        Step::Batch(1_000, vec![said(0, 1_000, Value::Occupied { spaces: 12 })]),
        Step::Batch(1_500, vec![said(0, 1_500, Value::Occupied { spaces: 4 })]),
        Step::Batch(2_300, vec![said(0, 2_300, Value::Alive)]),
        Step::Clock(2_400),
    ];
    let states = states(&b, &steps);
    let seen: Vec<_> = states.iter().map(|s| (s.occupied, s.quality)).collect();
    let (good, stale) = (Quality::Good, Quality::Stale);
    // The third is a minute in which its interval grew.
    assert_eq!(seen, [(Some(12), good), (Some(4), good), (Some(4), good), (Some(4), stale)]);
}

#[test]
fn an_absolute_count_older_than_what_is_remembered_is_not_believed() {
    let b = car_park();
    let mut steps = vec![Step::Batch(10, vec![said(2, 10, Value::Occupied { spaces: 10 })])];
    steps.extend((0..3_000).map(|i| {
        let direction = if i % 2 == 0 { In } else { Out };
        Step::Batch(100 + i, vec![said(0, 100 + i, passage(direction, 1))])
    }));
    steps.push(Step::Batch(3_101, vec![said(2, 500, Value::Occupied { spaces: 3 })]));
    assert_eq!(last(&b, &steps).occupied, Some(10));
    steps.push(Step::Batch(3_102, vec![said(2, 3_000, Value::Occupied { spaces: 3 })]));
    // 99 movements follow it, which end with an Out.
    assert_eq!(last(&b, &steps).occupied, Some(2));
}

#[test]
fn an_operators_desk_is_no_sensor() {
    use vlot_model::{DeviceKind, FacilityIx, Role};
    for counting in [Counting::Barriers, Counting::Absolute, Counting::Bays] {
        let (bays, barriers) = if counting == Counting::Bays { (2, 0) } else { (0, 2) };
        let mut b = Builder::default();
        b.facility(counting, bays, barriers, 1);
        let quiet = last(&b, &[Step::Batch(10, vec![said(0, 10, Value::Alive)])]);
        let desk = b.device(DeviceKind::Operator, Role::Operator { facility: FacilityIx(0) }, 60).0;
        let with_desk = last(&b, &[Step::Batch(10, vec![said(0, 10, Value::Alive)])]);
        assert_eq!(with_desk, quiet, "{counting:?}: a desk that stands there changes nothing");
        // Its words are an act's, never a sensor's sign of life.
        let spoken = last(&b, &[Step::Batch(10, vec![said(desk, 10, Value::CounterReplaced)])]);
        assert_eq!(spoken.sensors, Share { reporting: 0, total: quiet.sensors.total }, "{counting:?}");
        assert_ne!(spoken.quality, Quality::Good, "{counting:?}");
    }
}
