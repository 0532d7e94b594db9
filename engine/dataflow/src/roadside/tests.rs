use std::sync::Arc;

use vlot_model::{AirQuantity, City, Meters, Product, Quality, SignalState, Value};

use super::logic::Roadside;
use crate::testing::{Builder, Step, play, said};

/// A controller (device 0) and an air station (1), both valid for 300 s, and a reader (2).
fn city() -> Arc<City> {
    let mut b = Builder::default();
    b.controller();
    b.air();
    b.device(vlot_model::DeviceKind::Reader, vlot_model::Role::Reader, 300);
    Arc::new(b.city)
}

fn published(steps: &[Step]) -> (Vec<(u64, Product)>, Arc<Meters>) {
    let meters = Arc::default();
    let updates = play(&mut Roadside::new(&city(), &meters), steps);
    (updates.into_iter().map(|u| (u.tick, Arc::unwrap_or_clone(u.product))).collect(), meters)
}

fn signal(at: i64, state: SignalState) -> vlot_model::Reading {
    said(0, at, Value::Signal { state, plan: Some(3) })
}

fn air(at: i64, quantity: AirQuantity, value: f32) -> vlot_model::Reading {
    said(1, at, Value::Air { quantity, value })
}

#[test]
fn the_newest_word_of_a_controller_counts_until_it_is_stale() {
    let steps = [
        Step::Batch(100, vec![signal(100, SignalState::Running)]),
        Step::Batch(110, vec![signal(90, SignalState::Dark)]),
        Step::Clock(399),
        Step::Clock(400),
        Step::Clock(500),
        Step::Batch(510, vec![signal(510, SignalState::Flashing)]),
    ];
    let (products, _) = published(&steps);
    let seen: Vec<_> = products
        .iter()
        .map(|(tick, p)| match p {
            Product::Controller(c) => (*tick, c.state, c.quality, c.plan),
            other => panic!("{other:?}"),
        })
        .collect();
    let (good, stale, plan) = (Quality::Good, Quality::Stale, Some(3));
    let expected = [
        (1, SignalState::Running, good, plan),
        (4, SignalState::Running, stale, plan),
        (6, SignalState::Flashing, good, plan),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn each_quantity_ages_for_itself() {
    let steps = [
        Step::Batch(100, vec![air(100, AirQuantity::O3, 60.0), air(100, AirQuantity::No2, 21.5)]),
        Step::Batch(200, vec![air(200, AirQuantity::O3, 61.0), air(150, AirQuantity::O3, 9.0)]),
        Step::Clock(400),
        Step::Clock(500),
    ];
    let (products, _) = published(&steps);
    let seen: Vec<_> = products
        .iter()
        .map(|(_, p)| match p {
            Product::Air(a) => (a.quality, a.values.iter().map(|v| v.value).collect::<Vec<_>>()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (Quality::Good, vec![21.5, 60.0]),
        (Quality::Good, vec![21.5, 61.0]),
        (Quality::Degraded, vec![21.5, 61.0]),
        (Quality::Stale, vec![21.5, 61.0]),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_device_that_says_what_it_cannot_know_is_metered_and_shows_nothing() {
    let steps = [Step::Batch(
        100,
        vec![
            said(0, 100, Value::Air { quantity: AirQuantity::O3, value: 1.0 }),
            air(100, AirQuantity::No2, f32::NAN),
            said(2, 100, Value::Alive),
        ],
    )];
    let (products, meters) = published(&steps);
    assert!(products.is_empty());
    assert_eq!((meters.readings_absorbed.get(), meters.readings_unusable.get()), (3, 2));
}
