//! Operators and the health of their devices together.

use std::sync::Arc;

use vlot_model::{
    City, Counting, Direction, FacilityState, HealthState, Life, Meters, Product, Quality, SensorHealth,
    SensorRule, Service, Share, SureWhy, TICKS_SKIPPED, Update, Value,
};

use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::parking::{Parking, facility_of};
use crate::shell::{Logic, Part};
use crate::testing::{Builder, Step, play, s, said};

const NOON: i64 = 1_700_000_000;

fn parking(city: City) -> (Judged<Parking>, Arc<Meters>) {
    let (city, meters) = (Arc::new(city), Arc::new(Meters::default()));
    let keeper = Keeper::new(&city, Part::WHOLE, |_| 0, |d| facility_of(d.role).is_some());
    (Judged::new(Parking::new(&city, &meters), keeper, &meters), meters)
}

fn healths(updates: &[Update]) -> Vec<&SensorHealth> {
    let health = |u: &'_ Update| matches!(&*u.product, Product::Health(_));
    updates
        .iter()
        .filter(|u| health(u))
        .filter_map(|u| if let Product::Health(h) = &*u.product { Some(h) } else { None })
        .collect()
}

fn facility(updates: &[Update]) -> &FacilityState {
    let last = updates.iter().rev().find_map(|u| match &*u.product {
        Product::Facility(f) => Some(f),
        _ => None,
    });
    last.expect("a facility")
}

fn bay(device: u32, at: i64, occupied: bool) -> Step {
    Step::Batch(at, vec![said(device, at, Value::Bay { occupied })])
}

#[test]
fn a_bay_that_chatters_is_unknown_until_it_has_been_calm_and_speaks_again() {
    let mut b = Builder::default();
    b.facility(Counting::Bays, 4, 0, 0);
    let (mut parking, meters) = parking(b.city);
    let mut steps = vec![Step::Clock(NOON)];
    steps.extend((0..4).map(|device| bay(device, NOON + 1, false)));
    steps.extend((0..20).map(|i| bay(0, NOON + 10 + i, i % 2 == 0)));
    let updates = play(&mut parking, &steps);
    let found = healths(&updates);
    let first = found[0];
    assert_eq!(
        (first.device.0, first.health, first.rule, first.life),
        (0, HealthState::Failed, Some(SensorRule::Chattering), Life::InService)
    );
    assert!(first.seen > first.limit && first.limit == Some(8.0), "{first:?}");
    assert_eq!(found.len(), 1, "said once");
    let zone = facility(&updates);
    assert_eq!(zone.sensors, Share { reporting: 3, total: 4 });
    assert_eq!(meters.readings_absorbed.get(), 24, "withheld ones were heard");

    // Six hours on it is believed again, and unknown until it speaks.
    let (mut calm, mut at) = (Vec::new(), NOON + 30);
    while at < NOON + 6 * 3_600 + 60 {
        at += 300;
        calm.extend((1..4).map(|device| bay(device, at, false)));
        calm.push(Step::Clock(at));
    }
    let updates = play(&mut parking, &calm);
    assert_eq!(healths(&updates)[0].rule, Some(SensorRule::Silent), "it said nothing meanwhile");
    let updates = play(&mut parking, &[bay(0, at + 1, true)]);
    assert_eq!(healths(&updates)[0].health, HealthState::Healthy);
    assert_eq!(facility(&updates).sensors, Share { reporting: 4, total: 4 });
    assert_eq!(facility(&updates).occupied, Some(1));
}

#[test]
fn codes_in_place_of_figures_are_withheld_and_fail_the_counter() {
    let mut b = Builder::default();
    b.facility(Counting::Absolute, 0, 0, 1);
    let (mut parking, _) = parking(b.city);
    let says = |at: i64, spaces| Step::Batch(at, vec![said(0, at, Value::Occupied { spaces })]);
    let good = [Step::Clock(NOON), says(NOON + 1, 7), says(NOON + 60, 8)];
    assert_eq!(facility(&play(&mut parking, &good)).occupied, Some(8));
    let codes: Vec<Step> = (1..6).map(|i| says(NOON + 60 + i, 9_999)).collect();
    let updates = play(&mut parking, &codes);
    assert_eq!(healths(&updates)[0].rule, Some(SensorRule::Sentinel));
    let state = facility(&updates);
    assert_eq!((state.quality, state.sensors.reporting), (Quality::Degraded, 0), "{state:?}");
    let updates = play(&mut parking, &[says(NOON + 90, 9)]);
    assert_eq!(healths(&updates)[0].health, HealthState::Healthy);
    assert_eq!((facility(&updates).quality, facility(&updates).occupied), (Quality::Good, Some(9)));
}

#[test]
fn a_city_sets_the_bounds_of_its_own() {
    let mut b = Builder::default();
    b.facility(Counting::Absolute, 0, 0, 1);
    b.city.health.rules.figure.sentinels = 5;
    let (mut parking, _) = parking(b.city);
    let code = |at: i64| Step::Batch(at, vec![said(0, at, Value::Occupied { spaces: 9_999 })]);
    let updates = play(&mut parking, &[Step::Clock(NOON), code(NOON + 1), code(NOON + 2), code(NOON + 3)]);
    assert_eq!(healths(&updates), Vec::<&SensorHealth>::new(), "three are the default");
    let updates = play(&mut parking, &[code(NOON + 4), code(NOON + 5)]);
    assert_eq!(healths(&updates)[0].rule, Some(SensorRule::Sentinel));
    assert_eq!(healths(&updates)[0].limit, Some(5.0));
}

/// Withheld, they would be missing from the count for ever.
#[test]
fn passages_of_a_barrier_that_is_not_believed_are_counted_and_make_the_count_less_sure() {
    let mut b = Builder::default();
    let car_park = b.facility(Counting::Barriers, 0, 1, 0);
    car_park.capacity = 1_000;
    car_park.estimate = vlot_model::Reliability::of(1_000);
    let (mut parking, _) = parking(b.city);
    let passes = |at, vehicles| {
        Step::Batch(at, vec![said(0, at, Value::Passage { direction: Direction::In, vehicles })])
    };
    let start =
        [Step::Clock(NOON), Step::Batch(NOON + 1, vec![said(0, NOON + 1, Value::Occupied { spaces: 100 })])];
    play(&mut parking, &start);
    let burst: Vec<Step> = (0..30).map(|i| passes(NOON + 10 + i, 5)).collect();
    let updates = play(&mut parking, &burst);
    assert_eq!(healths(&updates)[0].health, HealthState::Failed);
    let state = facility(&updates);
    assert_eq!((state.occupied_uncorrected, state.sensors.reporting), (Some(250), 0), "{state:?}");
    assert_eq!(state.certainty.unwrap().why, SureWhy::SensorsMissing);
    // It is calm again, and believed: the count has gone on, and is as unsure as what was counted in doubt.
    let mut calm = Vec::new();
    for i in 1..400 {
        let at = NOON + 40 + i * 60;
        calm.push(Step::Batch(at, vec![said(0, at, Value::Alive)]));
        if i % 30 == 0 {
            calm.push(passes(at + 1, 1));
        }
        calm.push(Step::Clock(at + 2));
    }
    let updates = play(&mut parking, &calm);
    assert_eq!(healths(&updates).last().map(|h| h.health), Some(HealthState::Healthy));
    let state = facility(&updates);
    let c = state.certainty.unwrap();
    assert_eq!((state.occupied_uncorrected, state.sensors.reporting), (Some(263), 1), "{state:?}");
    assert!(c.occupied_high - c.occupied_low >= 100, "{c:?}");
}

#[test]
fn what_was_never_heard_is_silent_and_what_the_engine_could_not_hear_is_not() {
    let mut b = Builder::default();
    b.facility(Counting::Bays, 2, 0, 0);
    b.facility(Counting::Barriers, 0, 1, 0);
    let (mut parking, _) = parking(b.city);
    let mut out = Vec::new();
    for (tick, at) in [(1, 0), (2, 299), (3, 420), (4, 500), (5, 660), (6, 661)] {
        parking.on_clock(tick, s(NOON + at), &mut out);
    }
    let found: Vec<_> = healths(&out).iter().map(|h| (h.device.0, h.rule, h.since)).collect();
    let silent = Some(SensorRule::Silent);
    assert_eq!(found, [(2, silent, s(NOON)), (0, silent, s(NOON)), (1, silent, s(NOON))]);
    out.clear();
    let heard = [bay(0, NOON + 700, true), bay(1, NOON + 700, true)];
    assert_eq!(healths(&play(&mut parking, &heard)).len(), 2);
    // The engine was away for an hour.
    let restarted = 7 + TICKS_SKIPPED + 1;
    parking.on_clock(restarted, s(NOON + 4_300), &mut out);
    assert_eq!(healths(&out), Vec::<&SensorHealth>::new());
    parking.on_clock(restarted + 1, s(NOON + 4_920), &mut out);
    assert_eq!(healths(&out).len(), 2);
}

#[test]
fn a_life_has_dates() {
    let mut b = Builder::default();
    b.facility(Counting::Bays, 4, 0, 0);
    b.city.devices[0].service =
        Service { in_service_from: Some(s(NOON + 100)), retired_from: Some(s(NOON + 200)) };
    let (mut parking, _) = parking(b.city);
    let all = |at| (0..4).map(move |device| bay(device, at, true));
    let mut steps = vec![Step::Clock(NOON)];
    steps.extend(all(NOON + 1));
    let updates = play(&mut parking, &steps);
    assert_eq!(healths(&updates)[0].life, Life::Commissioning);
    assert_eq!(facility(&updates).sensors, Share { reporting: 3, total: 4 }, "heard, and not believed");

    let updates = play(&mut parking, &[Step::Clock(NOON + 100), bay(0, NOON + 101, true)]);
    assert_eq!(healths(&updates)[0].life, Life::InService);
    assert_eq!(facility(&updates).sensors, Share { reporting: 4, total: 4 });

    let updates = play(&mut parking, &[Step::Clock(NOON + 201), bay(0, NOON + 202, false)]);
    assert_eq!(healths(&updates)[0].life, Life::Retired);
    assert_eq!(facility(&updates).sensors, Share { reporting: 3, total: 3 }, "neither heard nor missed");
    let updates = play(&mut parking, &[Step::Clock(NOON + 3_000)]);
    assert!(healths(&updates).iter().all(|h| h.device.0 != 0), "nobody misses it");
}

#[test]
fn a_clock_an_hour_behind_is_told() {
    let mut b = Builder::default();
    b.facility(Counting::Absolute, 0, 0, 1);
    let (mut parking, _) = parking(b.city);
    let step = |i: i64| {
        let mut reading = said(0, NOON + i * 120, Value::Occupied { spaces: 5 });
        reading.observed_at = s(NOON + i * 120 - 3_600);
        Step::Batch(NOON + i * 120, vec![reading])
    };
    let steps: Vec<Step> = std::iter::once(Step::Clock(NOON)).chain((1..20).map(step)).collect();
    let updates = play(&mut parking, &steps);
    let found: Vec<_> = healths(&updates).iter().map(|h| (h.health, h.rule, h.seen)).collect();
    let wrong = Some(SensorRule::ClockWrong);
    assert_eq!(
        found,
        [(HealthState::Suspect, wrong, Some(3_600.0)), (HealthState::Failed, wrong, Some(3_600.0))]
    );
}
