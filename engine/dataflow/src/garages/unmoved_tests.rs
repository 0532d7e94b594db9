//! Bicycles that do not move.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use vlot_model::{DeviceIx, Product, Reading, Timestamp, Unmoved, Value};

use super::logic::Garages;
use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::shell::{Logic, Part, Standing};
use crate::testing::{Builder, Step, arrivals, play, s, said, sent};
use crate::trust::said_at;

const AFTER: i64 = 2_000;
/// Of every place's sensor.
const SILENT: i64 = 300;

/// A garage with a sensor of its own, device 0, and watched places from device 1 on.
fn watched(places: usize) -> Builder {
    let mut b = Builder::default();
    b.garage(1);
    for _ in 0..places {
        b.place(0);
    }
    b.city.garages[0].site.unmoved_after = Some(Duration::from_secs(AFTER as u64));
    b
}

fn unmoved(logic: &mut Garages, steps: &[Step]) -> Option<Unmoved> {
    let state = play(logic, steps).pop().map(|update| Arc::unwrap_or_clone(update.product));
    match state? {
        Product::Garage(state) => state.unmoved,
        other => panic!("{other:?}"),
    }
}

fn listed(b: &Builder, steps: &[Step]) -> Vec<(u32, i64)> {
    let unmoved = unmoved(&mut Garages::new(&b.city, &Arc::default()), steps).unwrap();
    unmoved.places.iter().map(|p| (p.place, p.since.micros() / 1_000_000)).collect()
}

fn taken(at: i64) -> Step {
    Step::Batch(at, vec![said(1, at, Value::Bay { occupied: true })])
}

/// Words that keep the place taken, each within the sensor's bound.
fn stays(from: i64, to: i64) -> Vec<Step> {
    (0..).map(|n| from + n * 200).take_while(|at| *at <= to).map(taken).collect()
}

#[test]
fn a_place_is_listed_from_the_day_on_and_no_longer_than_it_is_taken() {
    let b = watched(1);
    let mut steps = stays(1_000, 2_999);
    steps.push(Step::Clock(2_999));
    assert_eq!(listed(&b, &steps), []);
    steps.push(Step::Clock(3_000));
    assert_eq!(listed(&b, &steps), [(0, 1_000)], "time alone lists it");
    steps.push(Step::Batch(3_010, vec![said(1, 3_010, Value::Bay { occupied: false })]));
    assert_eq!(listed(&b, &steps), []);
    // Another bicycle.
    steps.extend(stays(3_020, 4_900));
    assert_eq!(listed(&b, &steps), []);
}

#[test]
fn a_silent_sensor_makes_no_orphan() {
    let b = watched(1);
    let mut steps = stays(1_000, 3_000);
    steps.push(Step::Clock(3_000 + SILENT - 1));
    assert_eq!(listed(&b, &steps), [(0, 1_000)]);
    steps.push(Step::Clock(3_000 + SILENT));
    assert_eq!(listed(&b, &steps), []);
    // It is heard again: what happened meanwhile, nobody saw.
    steps.extend(stays(3_400, 3_400 + AFTER - 1));
    assert_eq!(listed(&b, &steps), []);
    steps.extend([taken(3_400 + AFTER - 1), Step::Clock(3_400 + AFTER)]);
    assert_eq!(listed(&b, &steps), [(0, 3_400)]);
    // One word, and then nothing for weeks.
    assert_eq!(listed(&b, &[taken(1_000), Step::Clock(1_000_000)]), []);
}

#[test]
fn whatever_leaves_a_doubt_begins_anew() {
    let b = watched(1);
    let long = |word: Reading, at| {
        let mut steps = stays(1_000, 3_000);
        steps.push(Step::Batch(at, vec![word]));
        steps
    };
    let late = |value| Reading { observed_at: s(2_900), received_at: s(3_050), ..said(1, 0, value) };
    assert_eq!(listed(&b, &long(said(1, 3_010, Value::BayUnsure), 3_010)), []);
    // Of a moment between two words that it was taken.
    assert_eq!(listed(&b, &long(late(Value::Bay { occupied: false }), 3_050)), []);
    assert_eq!(listed(&b, &long(late(Value::BayUnsure), 3_050)), []);
    // These leave none.
    assert_eq!(listed(&b, &long(late(Value::Bay { occupied: true }), 3_050)), [(0, 1_000)]);
    assert_eq!(listed(&b, &long(said(1, 3_010, Value::Alive), 3_010)), [(0, 1_000)]);

    let mut logic = Garages::new(&b.city, &Arc::default());
    play(&mut logic, &stays(1_000, 3_000));
    logic.stand(DeviceIx(1), Standing::Doubted);
    logic.stand(DeviceIx(1), Standing::Believed);
    assert_eq!(unmoved(&mut logic, &[taken(3_100)]).unwrap().places, []);
}

#[test]
fn what_nobody_watches_is_not_zero() {
    let mut b = watched(2);
    let one = unmoved(&mut Garages::new(&b.city, &Arc::default()), &[taken(1_000)]).unwrap();
    assert_eq!((one.after_s, one.watched.reporting, one.watched.total), (2_000, 1, 2));
    b.city.garages[0].site.unmoved_after = None;
    assert_eq!(unmoved(&mut Garages::new(&b.city, &Arc::default()), &[taken(1_000)]), None);
}

/// From all words of a place: since when it is surely taken at `now`. Whether somebody watched is a matter of when words were
/// said, whether it was taken one of when they were observed.
fn since(words: &[Reading], now: Timestamp) -> Option<Timestamp> {
    let silent = Duration::from_secs(SILENT as u64);
    let mut said: Vec<_> = words.iter().map(said_at).collect();
    said.sort();
    if *said.last()? + silent <= now {
        return None;
    }
    let watched_from = said.windows(2).rev().find(|w| w[0] + silent <= w[1]).map_or(said[0], |w| w[1]);
    let mut words: Vec<_> = words.iter().filter(|r| watched_from <= said_at(r)).collect();
    words.sort_by_key(|r| r.observed_at);
    let mut since = None;
    for word in words {
        since = match word.value {
            Value::Bay { occupied: true } => {
                Some(since.map_or(said_at(word), |since: Timestamp| since.min(said_at(word))))
            }
            Value::Bay { .. } | Value::BayUnsure => None,
            _ => since,
        };
    }
    since
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In whatever order words arrive, nobody is listed who moved; in their own order, everybody is who did not.
    #[test]
    fn nobody_is_listed_who_moved(sent in prop::collection::vec(sent(), 1..150), in_order in any::<bool>()) {
        let mut b = watched(2);
        b.city.garages[0].site.unmoved_after = Some(Duration::from_secs(100));
        let mut steps = arrivals(&sent, 3, |device, message, now| {
            let value = match (device.0, message.choice) {
                (0, _) => Value::Alive,
                (_, 0..20) => Value::Alive,
                (_, 20..26) => Value::BayUnsure,
                (_, choice) => Value::Bay { occupied: choice < 225 },
            };
            (None, now, value)
        });
        if in_order {
            // As a device speaks whose clock is right and whose words are not held up.
            for step in &mut steps {
                if let Step::Batch(at, readings) = step {
                    readings.iter_mut().for_each(|r| r.observed_at = s(*at));
                }
            }
        }
        let mut logic = Garages::new(&b.city, &Arc::default());
        let mut heard: Vec<Reading> = Vec::new();
        let mut newest = None;
        for step in &steps {
            heard.extend(step.readings().iter().cloned());
            newest = unmoved(&mut logic, std::slice::from_ref(step)).or(newest);
            let Some(newest) = &newest else { continue };
            for place in 0..2 {
                let words: Vec<Reading> =
                    heard.iter().filter(|r| r.device == DeviceIx(place + 1)).cloned().collect();
                let listed = newest.places.iter().find(|p| p.place == place).map(|p| p.since);
                let truth = since(&words, step.at()).filter(|at| *at + Duration::from_secs(100) <= step.at());
                if let Some(listed) = listed {
                    prop_assert!(truth.is_some_and(|truth| truth <= listed), "{listed:?} {truth:?} of {words:?}");
                }
                if in_order {
                    prop_assert_eq!(listed, truth);
                }
            }
        }
    }
}

/// Health, which is judged first, takes no bicycle that stays for a broken sensor, and what it withholds is no word.
#[test]
fn a_sensor_is_not_stuck_because_a_bicycle_is() {
    const HOUR: i64 = 3_600;
    let mut b = watched(1);
    b.city.devices[1].silent_after = Duration::from_secs(3 * 3_600);
    b.city.garages[0].site.unmoved_after = Some(Duration::from_secs(28 * 86_400));
    let (city, meters) = (Arc::new(b.city), Arc::new(vlot_model::Meters::default()));
    let keeper = Keeper::new(&city, Part::WHOLE, |_| 0, |_| true);
    let mut judged = Judged::new(Garages::new(&city, &meters), keeper, &meters);
    let says = |at, occupied| Step::Batch(at, vec![said(1, at, Value::Bay { occupied })]);
    let mut steps = vec![Step::Clock(HOUR)];
    // A place that many use, until one stays.
    steps.extend((1..=100).map(|n| says(n * HOUR, n % 2 == 1)));
    let stays_from = 101 * HOUR;
    steps.extend((0..60 * 24).flat_map(|n| {
        let at = stays_from + n * HOUR;
        [says(at, true), Step::Clock(at + 60)]
    }));
    let updates = play(&mut judged, &steps);
    let failed = |u: &&vlot_model::Update| match &*u.product {
        Product::Health(h) => h.device == DeviceIx(1) && h.health == vlot_model::HealthState::Failed,
        _ => false,
    };
    assert_eq!(updates.iter().find(failed), None);
    let unmoved = updates.iter().rev().find_map(|u| match &*u.product {
        Product::Garage(state) => state.unmoved.clone(),
        _ => None,
    });
    let places: Vec<_> = unmoved.unwrap().places.iter().map(|p| (p.place, p.since)).collect();
    assert_eq!(places, [(0, s(stays_from))]);
}
