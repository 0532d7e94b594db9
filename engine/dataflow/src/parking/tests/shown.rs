//! Bays that need no barrier, and what a person's count shows of sources that no count rests on.

use std::ops::Range;

use proptest::prelude::*;
use vlot_model::{
    AnchorKind, Counting, Direction, FacilityState, FacilityStatus, Figure, Quality, Reading, SureWhy, Value,
};

use super::cases::{last, states};
use crate::testing::{Builder, Step, s, said};

fn bays(devices: Range<u32>, at: i64, occupied: bool) -> Vec<Reading> {
    devices.map(|device| said(device, at, Value::Bay { occupied })).collect()
}

fn facility(counting: Counting, bays: u32, barriers: u32, counters: u32, capacity: u32) -> (Builder, u32) {
    let mut b = Builder::default();
    let facility = b.facility(counting, bays, barriers, counters);
    facility.capacity = capacity;
    facility.estimate = vlot_model::Reliability::of(capacity);
    let desk = b.operator().0;
    (b, desk)
}

fn alone(state: &FacilityState) -> bool {
    state.certainty.is_some_and(|c| c.bays_alone)
}

#[test]
fn where_each_space_has_a_sensor_a_silent_barrier_makes_no_sign_dark() {
    let (b, desk) = facility(Counting::Barriers, 40, 1, 0, 40);
    let mut steps = vec![
        Step::Batch(
            1_000,
            [
                bays(0..20, 1_000, true),
                bays(20..40, 1_000, false),
                vec![
                    said(desk, 1_000, Value::Verified { occupied: 20 }),
                    said(40, 1_000, Value::Passage { direction: Direction::In, vehicles: 0 }),
                ],
            ]
            .concat(),
        ),
        // The barrier speaks no more, and vehicles come.
        Step::Batch(1_290, bays(20..25, 1_290, true)),
        Step::Clock(1_300),
    ];
    let silent = last(&b, &steps);
    let c = silent.certainty.unwrap();
    assert_eq!((silent.occupied, silent.quality, alone(&silent)), (Some(25), Quality::Degraded, true));
    assert!(matches!(c.says, Figure::Free(free) if (1..=15).contains(&free)) && !c.conflict, "{c:?}");
    assert_eq!((c.why, silent.status), (SureWhy::Sure, FacilityStatus::SpacesAvailable));
    assert_eq!((silent.sensors.reporting, silent.sensors.total), (40, 41));
    assert_eq!(silent.occupied_uncorrected, Some(20), "the count stays what it was");
    // What a person counts meanwhile shows how far the bays are off.
    steps.push(Step::Batch(1_310, vec![said(desk, 1_310, Value::Verified { occupied: 27 })]));
    let state = last(&b, &steps);
    assert_eq!((state.occupied, state.occupied_uncorrected, alone(&state)), (Some(27), Some(27), true));
    // The barrier is back, and the count goes on from there.
    steps.push(Step::Batch(
        1_320,
        [
            bays(25..26, 1_320, true),
            vec![said(40, 1_320, Value::Passage { direction: Direction::In, vehicles: 1 })],
        ]
        .concat(),
    ));
    let back = last(&b, &steps);
    assert_eq!((back.occupied_uncorrected, alone(&back)), (Some(28), false));
    assert_eq!(back.quality, Quality::Good);
}

#[test]
fn one_space_without_a_sensor_or_too_many_silent_ones_leave_it_dark() {
    for (capacity, speak) in [(41, 40), (40, 29)] {
        let (b, desk) = facility(Counting::Barriers, 40, 1, 0, capacity);
        let start = [
            bays(0..speak, 1_000, false),
            vec![said(desk, 1_000, Value::Verified { occupied: 0 }), said(40, 1_000, Value::Alive)],
        ];
        let state = last(&b, &[Step::Batch(1_000, start.concat()), Step::Clock(1_300)]);
        let c = state.certainty.unwrap();
        assert_eq!((c.says, c.why), (Figure::Blank, SureWhy::SensorsMissing), "{capacity} {speak}");
        assert!(!c.bays_alone && state.quality == Quality::Degraded);
    }
}

/// Two of 50 bays say taken and are not: a count shows it, the sum stays as it is, and the difference is carried on.
#[test]
fn a_count_shows_how_far_bays_are_off() {
    let (b, desk) = facility(Counting::Bays, 50, 0, 0, 50);
    let mut steps = vec![Step::Batch(1_000, [bays(0..20, 1_000, true), bays(20..50, 1_000, false)].concat())];
    assert_eq!(last(&b, &steps).occupied, Some(20));
    let width = |state: &FacilityState| {
        let c = state.certainty.unwrap();
        c.occupied_high - c.occupied_low
    };
    let before = width(&last(&b, &steps));
    steps.push(Step::Batch(1_010, vec![said(desk, 1_010, Value::Verified { occupied: 18 })]));
    let shown = last(&b, &steps);
    assert_eq!((shown.occupied, shown.occupied_uncorrected), (Some(18), Some(20)));
    let anchored = shown.certainty.unwrap().anchored.unwrap();
    assert_eq!((anchored.by, anchored.at, anchored.drift), (AnchorKind::Verified, s(1_010), Some(-2)));
    assert!(width(&shown) < before, "who has just been counted is known");
    // Two vehicles leave: those bays are off as before.
    steps.push(Step::Batch(1_020, bays(0..2, 1_020, false)));
    let state = last(&b, &steps);
    assert_eq!((state.occupied, state.occupied_uncorrected), (Some(16), Some(18)));
    // Every space has been taken and left many times: other vehicles, other errors.
    for round in 0..20 {
        let at = 1_030 + round * 10;
        steps.push(Step::Batch(at, bays(2..20, at, round % 2 == 1)));
        steps.push(Step::Batch(at + 5, bays(20..50, at + 5, round % 2 == 0)));
    }
    let faded = last(&b, &steps);
    let c = faded.certainty.unwrap();
    let sum = u32::try_from(faded.occupied_uncorrected.unwrap()).unwrap();
    assert!(faded.occupied.unwrap().abs_diff(sum) <= 1 && width(&faded) + 1 >= before, "{faded:?}");
    assert!(c.occupied_low <= sum && sum <= c.occupied_high);
}

#[test]
fn a_count_shows_how_far_a_parking_systems_figure_is_off() {
    let (b, desk) = facility(Counting::Absolute, 0, 0, 1, 200);
    let figure = |at, spaces| Step::Batch(at, vec![said(0, at, Value::Occupied { spaces })]);
    let mut steps = vec![figure(1_000, 120)];
    assert_eq!(last(&b, &steps).occupied, Some(120));
    steps.push(Step::Batch(1_010, vec![said(desk, 1_010, Value::Verified { occupied: 150 })]));
    let state = last(&b, &steps);
    assert_eq!((state.occupied, state.occupied_uncorrected), (Some(150), Some(120)));
    // Its figure moves by 4, and what is known moves with it.
    steps.push(figure(1_060, 124));
    let state = last(&b, &steps);
    assert_eq!((state.occupied, state.occupied_uncorrected), (Some(154), Some(124)));
    // Half a day on nobody knows which of the two holds: both lie within.
    let later = 1_060 + 12 * 3_600;
    steps.push(figure(later, 124));
    let c = last(&b, &steps).certainty.unwrap();
    assert!(c.occupied_low <= 126 && 150 <= c.occupied_high, "{c:?}");
    // A week on it is believed as it was.
    let later = later + 7 * 24 * 3_600;
    steps.push(figure(later, 124));
    let state = last(&b, &steps);
    assert!(state.occupied.unwrap().abs_diff(124) <= 1, "{state:?}");
}

#[test]
fn what_is_set_without_a_count_moves_less_than_what_was_counted() {
    let off = |value| {
        let (b, desk) = facility(Counting::Bays, 50, 0, 0, 50);
        let start = [bays(0..20, 1_000, true), bays(20..50, 1_000, false)].concat();
        let state =
            last(&b, &[Step::Batch(1_000, start), Step::Batch(1_010, vec![said(desk, 1_010, value)])]);
        20 - i64::from(state.occupied.unwrap())
    };
    let (counted, set) = (off(Value::Verified { occupied: 17 }), off(Value::Corrected { occupied: 17 }));
    assert!(counted == 3 && (1..=3).contains(&set), "{counted} {set}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever bays say and however many are silent: no FULL while as many may be free as would open it again.
    #[test]
    fn full_is_said_only_where_the_whole_interval_bears_it_out(
        capacity in 4_u32..120,
        silent in 0_u32..30,
        taken in 0_u32..120,
        off in -3_i64..4,
        counted in any::<bool>(),
    ) {
        let (mut b, desk) = facility(Counting::Bays, capacity, 0, 0, capacity);
        let f = &mut b.city.facilities[0];
        (f.full_at, f.reopen_at) = (capacity / 50, capacity / 50 + 3);
        let reopen_at = f.reopen_at;
        let speak = capacity.saturating_sub(silent).max(1);
        // Mostly near full.
        let taken = speak.saturating_sub(taken / 20);
        let mut steps =
            vec![Step::Batch(1_000, [bays(0..taken, 1_000, true), bays(taken..speak, 1_000, false)].concat())];
        if counted {
            let occupied = u32::try_from((i64::from(taken) + off).clamp(0, i64::from(capacity))).unwrap();
            steps.push(Step::Batch(1_010, vec![said(desk, 1_010, Value::Verified { occupied })]));
        }
        for state in states(&b, &steps) {
            let Some(c) = state.certainty else { continue };
            if c.says == Figure::Full {
                prop_assert!(capacity.saturating_sub(c.occupied_low) < reopen_at, "{:?}", state);
                prop_assert_eq!(c.why, SureWhy::Sure);
                let share = f64::from(speak) / f64::from(capacity);
                prop_assert!(share >= 0.75, "{:?}", state);
            }
        }
    }
}
