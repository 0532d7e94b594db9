use std::sync::Arc;

use vlot_model::{City, CountMode, Meters, Product, Quality, Reading, Share, TrafficCount, Value};

use super::MotorLane;
use crate::intervals::Stations;
use crate::testing::{Builder, Step, play, s, said};

/// The start of a minute.
const M: i64 = 1_700_000_040;

fn published(city: &City, steps: &[Step]) -> (Vec<(u64, TrafficCount)>, Arc<Meters>) {
    let meters = Arc::new(Meters::default());
    let updates = play(&mut Stations::<MotorLane>::new(city, &meters), steps);
    let counts = updates.into_iter().map(|update| match Arc::unwrap_or_clone(update.product) {
        Product::Traffic(count) => (update.tick, count),
        other => panic!("{other:?}"),
    });
    (counts.collect(), meters)
}

/// Two lanes, a minute, 30 s late at most.
fn street() -> Builder {
    let mut b = Builder::default();
    b.station(CountMode::Motor, 2, 60, 30);
    b
}

fn traffic(device: u32, start: i64, interval_s: u16, vehicles: u32, speed_kmh: Option<f32>) -> Reading {
    let value = Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct: None };
    said(device, start, value)
}

#[test]
fn a_minute_closes_as_soon_as_every_lane_has_covered_it() {
    let b = street();
    let steps = [
        Step::Batch(M + 61, vec![traffic(0, M, 60, 10, Some(30.0))]),
        Step::Batch(M + 62, vec![traffic(1, M, 30, 20, Some(60.0))]),
        Step::Batch(M + 63, vec![traffic(1, M + 30, 30, 10, Some(50.0))]),
        Step::Clock(M + 90),
    ];
    let (counts, _) = published(&b.city, &steps);
    assert_eq!(counts.len(), 1);
    let (tick, count) = &counts[0];
    assert_eq!((*tick, count.observed_at, count.vehicles, count.flow_vph), (3, s(M), Some(40), Some(2_400)));
    assert_eq!(count.speed_kmh, Some(50.0));
    assert_eq!((count.quality, count.sensors), (Quality::Good, Share { reporting: 2, total: 2 }));
    assert_eq!((count.detector_occupancy_pct, count.valid_until), (None, s(M + 152)));
}

#[test]
fn speed_without_vehicles_is_no_speed_and_none_is_not_zero() {
    let b = street();
    let steps = [
        Step::Batch(M + 61, vec![traffic(0, M, 60, 0, Some(0.0)), traffic(1, M, 60, 0, Some(88.0))]),
        Step::Batch(M + 121, vec![traffic(0, M + 60, 60, 3, Some(0.0)), traffic(1, M + 60, 60, 5, None)]),
        Step::Clock(M + 210),
    ];
    let (counts, _) = published(&b.city, &steps);
    let seen: Vec<_> = counts.iter().map(|(_, c)| (c.vehicles, c.speed_kmh, c.quality)).collect();
    assert_eq!(
        seen,
        [
            (Some(0), None, Quality::Good),
            // They stood.
            (Some(8), Some(0.0), Quality::Good),
            // Nobody said anything: a gap.
            (None, None, Quality::Missing),
        ]
    );
    assert_eq!((counts[2].1.flow_vph, counts[2].1.sensors.reporting), (None, 0));
}

#[test]
fn a_missing_lane_is_waited_for_until_the_lateness_and_corrects_afterwards() {
    let b = street();
    let steps = [
        Step::Batch(M + 61, vec![traffic(0, M, 60, 10, None)]),
        Step::Clock(M + 89),
        Step::Clock(M + 90),
        Step::Batch(M + 95, vec![traffic(1, M, 60, 7, None)]),
        Step::Batch(M + 121, vec![traffic(0, M + 60, 60, 1, None), traffic(1, M + 60, 60, 1, None)]),
        // Too late to be published: a newer minute stands there.
        Step::Batch(M + 122, vec![traffic(0, M - 60, 60, 1, None)]),
    ];
    let (counts, meters) = published(&b.city, &steps);
    let seen: Vec<_> = counts.iter().map(|(t, c)| (*t, c.vehicles, c.quality, c.late_readings)).collect();
    assert_eq!(
        seen,
        [
            (3, Some(10), Quality::Degraded, 0),
            (4, Some(17), Quality::Good, 1),
            (5, Some(2), Quality::Good, 0),
        ]
    );
    assert_eq!((meters.readings_late.get(), meters.readings_unusable.get()), (1, 0));
}

#[test]
fn readings_that_fit_no_interval_are_metered_and_change_nothing() {
    let b = street();
    let whole = traffic(0, M, 60, 10, None);
    let cases = [
        ("longer than the interval", traffic(1, M, 61, 9, None)),
        ("of no length", traffic(1, M, 0, 9, None)),
        ("said twice", whole.clone()),
        ("overlapping", traffic(0, M + 20, 20, 9, None)),
        ("far ahead", traffic(1, M + 180, 60, 9, None)),
        ("far behind", traffic(1, M - 62 * 60, 60, 9, None)),
    ];
    for (what, reading) in cases {
        let steps = [Step::Batch(M + 61, vec![whole.clone(), reading]), Step::Clock(M + 90)];
        let (counts, meters) = published(&b.city, &steps);
        assert_eq!(counts.len(), 1, "{what}");
        assert_eq!((counts[0].1.vehicles, counts[0].1.sensors.reporting), (Some(10), 1), "{what}");
        assert_eq!((meters.readings_unusable.get(), meters.readings_absorbed.get()), (1, 2), "{what}");
    }
}

#[test]
fn a_clock_a_little_off_counts_in_the_minute_that_was_meant() {
    let b = street();
    let steps = [
        Step::Batch(M + 61, vec![traffic(0, M - 1, 60, 1, None), traffic(1, M + 1, 60, 2, None)]),
        Step::Batch(M + 121, vec![traffic(0, M + 59, 60, 4, None), traffic(1, M + 60, 60, 8, None)]),
    ];
    let (counts, _) = published(&b.city, &steps);
    assert_eq!(counts.iter().map(|(_, c)| c.vehicles).collect::<Vec<_>>(), [Some(3), Some(12)]);
}

#[test]
fn a_long_silence_leaves_one_gap_not_thousands() {
    let b = street();
    let steps = [Step::Batch(M + 61, vec![traffic(0, M, 60, 1, None)]), Step::Clock(M + 60 * 1_000_000)];
    let (counts, _) = published(&b.city, &steps);
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].1.vehicles, counts[0].1.observed_at), (None, s(M + 60 * 999_998)));
}
