use std::sync::Arc;

use vlot_model::{BicycleCount, City, CountMode, Meters, Product, Quality, Reading, Value};

use super::BicycleLane;
use crate::intervals::Stations;
use crate::testing::{Builder, Step, play, said};

/// The start of a quarter of an hour.
const Q: i64 = 1_700_000_100;

fn published(city: &City, steps: &[Step]) -> Vec<BicycleCount> {
    let updates = play(&mut Stations::<BicycleLane>::new(city, &Arc::new(Meters::default())), steps);
    let counts = updates.into_iter().map(|update| match Arc::unwrap_or_clone(update.product) {
        Product::Bicycle(count) => count,
        other => panic!("{other:?}"),
    });
    counts.collect()
}

fn bicycles(
    device: u32,
    start: i64,
    interval_s: u16,
    inbound: Option<u32>,
    outbound: Option<u32>,
) -> Reading {
    said(device, start, Value::Bicycles { interval_s, inbound, outbound })
}

#[test]
fn a_direction_that_nobody_gave_is_a_gap_and_a_part_that_is_missing_degrades() {
    let mut b = Builder::default();
    b.station(CountMode::Bicycle, 2, 900, 60);
    let q = |n: i64| Q + n * 900;
    let steps = [
        // One counter knows one direction alone: that is all there is of it.
        Step::Batch(q(1), vec![bicycles(0, Q, 900, Some(5), Some(0)), bicycles(1, Q, 900, Some(2), None)]),
        // Nothing was counted, and that is said: no waiting, no zero.
        Step::Batch(q(2), vec![bicycles(0, q(1), 900, None, None), bicycles(1, q(1), 900, None, None)]),
        // Five minutes of the second are a gap of one direction.
        Step::Batch(
            q(3),
            vec![
                bicycles(0, q(2), 900, None, Some(7)),
                bicycles(1, q(2), 300, Some(1), Some(1)),
                bicycles(1, q(2) + 300, 300, None, Some(1)),
                bicycles(1, q(2) + 600, 300, Some(1), Some(1)),
            ],
        ),
        // One is missing.
        Step::Batch(q(4), vec![bicycles(0, q(3), 900, Some(3), None)]),
        Step::Clock(q(4) + 60),
    ];
    let counts = published(&b.city, &steps);
    let seen: Vec<_> =
        counts.iter().map(|c| (c.inbound, c.outbound, c.quality, c.sensors.reporting)).collect();
    assert_eq!(
        seen,
        [
            (Some(7), Some(0), Quality::Good, 2),
            (None, None, Quality::Missing, 0),
            (Some(2), Some(10), Quality::Degraded, 1),
            (Some(3), None, Quality::Degraded, 1),
        ]
    );
}
