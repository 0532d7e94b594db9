//! The counts of both modes, recomputed from the list of all readings that count; no ring, no running sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    BicycleCount, City, CountMode, Meters, Product, Quality, Reading, Share, StationIx, Timestamp,
    TrafficCount, Value,
};

use super::{Lane, Stations};
use crate::bicycles::BicycleLane;
use crate::testing::{Builder, Step, arrivals, difference, play, sent};
use crate::traffic::MotorLane;

#[derive(Default)]
struct Twin {
    /// What counts, by interval and lane.
    counted: BTreeMap<i64, Vec<(usize, Reading)>>,
    late: BTreeMap<i64, u32>,
    closed_before: Option<i64>,
    meters: (u64, u64),
}

fn length_s(value: &Value) -> i64 {
    match value {
        Value::Traffic { interval_s, .. } | Value::Bicycles { interval_s, .. } => i64::from(*interval_s),
        other => panic!("{other:?}"),
    }
}

impl Twin {
    fn lane(&self, number: i64, lane: usize) -> impl Iterator<Item = &Reading> {
        self.counted.get(&number).into_iter().flatten().filter(move |(l, _)| *l == lane).map(|(_, r)| r)
    }

    fn seconds(&self, number: i64, lane: usize) -> i64 {
        self.lane(number, lane).map(|r| length_s(&r.value)).sum()
    }

    /// Whether something closed.
    fn close(&mut self, now: Timestamp, width_s: i64, lateness_s: i64, lanes: usize) -> bool {
        let mut by_clock = 0;
        // The last interval whose end and lateness are past.
        let now_s = now.micros() / 1_000_000;
        if now_s >= lateness_s {
            by_clock = (now_s - lateness_s) / width_s;
        }
        let Some(before) = self.closed_before else {
            self.closed_before = Some(by_clock);
            return false;
        };
        let mut closed = before.max(by_clock);
        while (0..lanes).all(|lane| self.seconds(closed, lane) == width_s) {
            closed += 1;
        }
        self.closed_before = Some(closed);
        closed != before
    }

    /// Whether it corrects what is published.
    fn take(&mut self, lane: usize, r: &Reading, now: Timestamp, width_s: i64) -> bool {
        if r.value == Value::Alive {
            return false;
        }
        let closed = self.closed_before.unwrap();
        let length = length_s(&r.value);
        // In half seconds, to hold the middle of odd lengths.
        let middle = r.observed_at.micros() / 500_000 + length;
        let number = middle.div_euclid(width_s * 2);
        let part = |r: &Reading| {
            (r.observed_at.micros() / 500_000 + length_s(&r.value)).rem_euclid(width_s * 2) * 32 / width_s
        };
        let fits = length > 0
            && length <= width_s
            && number >= closed - 60
            && number <= now.micros().div_euclid(width_s * 1_000_000) + 1
            && self.seconds(number, lane) + length <= width_s
            && (length * 64 < width_s || self.lane(number, lane).all(|old| part(old) != part(r)));
        if !fits {
            self.meters.1 += 1;
            return false;
        }
        self.counted.entry(number).or_default().push((lane, r.clone()));
        if number < closed {
            *self.late.entry(number).or_default() += 1;
            self.meters.0 += u64::from(number != closed - 1);
        }
        number == closed - 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "means of f32 figures")]
    fn product(&self, city: &City, ix: usize) -> Product {
        let config = &city.stations[ix];
        let (width, lanes) = (config.interval, config.devices.len());
        let number = self.closed_before.unwrap() - 1;
        let interval_s = u32::try_from(width.as_secs()).unwrap();
        let observed_at = Timestamp::from_secs(number * i64::from(interval_s));
        let valid_until = observed_at + width + width + config.lateness + std::time::Duration::from_secs(2);
        let late_readings = self.late.get(&number).copied().unwrap_or(0);
        let station = StationIx::from_position(ix);
        let total = u32::try_from(lanes).unwrap();
        let here: Vec<Vec<&Reading>> = (0..lanes).map(|lane| self.lane(number, lane).collect()).collect();
        let all = || here.iter().flatten();
        let quality = |nothing: bool, reporting| match (nothing, reporting == total) {
            (true, _) => Quality::Missing,
            (false, true) => Quality::Good,
            (false, false) => Quality::Degraded,
        };
        if config.mode == CountMode::Motor {
            let whole = |lane: usize| self.seconds(number, lane) == i64::from(interval_s);
            let reporting = u32::try_from((0..lanes).filter(|l| whole(*l)).count()).unwrap();
            let numbers = all().map(|r| match r.value {
                Value::Traffic { vehicles, .. } => vehicles,
                _ => 0,
            });
            let vehicles = all().next().map(|_| numbers.sum::<u32>());
            let (mut speeds, mut fast) = (0.0, 0);
            for r in all() {
                if let Value::Traffic { vehicles, speed_kmh: Some(v), .. } = r.value
                    && vehicles > 0
                {
                    speeds += f64::from(v) * f64::from(vehicles);
                    fast += vehicles;
                }
            }
            let mut means = Vec::new();
            for lane in &here {
                let given = lane.iter().filter_map(|r| match r.value {
                    Value::Traffic { interval_s, detector_occupancy_pct: Some(pct), .. } => {
                        Some((f64::from(pct), f64::from(interval_s)))
                    }
                    _ => None,
                });
                let given: Vec<(f64, f64)> = given.collect();
                if !given.is_empty() {
                    let weight: f64 = given.iter().map(|(_, s)| s).sum();
                    means.push(given.iter().map(|(pct, s)| pct * s).sum::<f64>() / weight);
                }
            }
            Product::Traffic(TrafficCount {
                station,
                observed_at,
                interval_s,
                valid_until,
                vehicles,
                flow_vph: vehicles.map(|n| n * 3_600 / interval_s),
                speed_kmh: (fast > 0).then(|| (speeds / f64::from(fast)) as f32),
                detector_occupancy_pct: (!means.is_empty())
                    .then(|| (means.iter().sum::<f64>() / means.len() as f64) as f32),
                quality: quality(vehicles.is_none(), reporting),
                sensors: Share { reporting, total },
                late_readings,
            })
        } else {
            let of = |lane: &[&Reading], inwards: bool| -> Vec<(u32, i64)> {
                let direction = |r: &&Reading| match r.value {
                    Value::Bicycles { inbound, outbound, .. } => {
                        (if inwards { inbound } else { outbound }).map(|n| (n, length_s(&r.value)))
                    }
                    _ => None,
                };
                lane.iter().filter_map(direction).collect()
            };
            let sum = |inwards| {
                let given: Vec<u32> = here.iter().flat_map(|l| of(l, inwards)).map(|(n, _)| n).collect();
                (!given.is_empty()).then(|| given.iter().sum::<u32>())
            };
            let whole = |counts: &[(u32, i64)]| {
                counts.is_empty() || counts.iter().map(|(_, s)| s).sum::<i64>() == i64::from(interval_s)
            };
            let reports = |lane: &&Vec<&Reading>| {
                let (inwards, outwards) = (of(lane, true), of(lane, false));
                whole(&inwards) && whole(&outwards) && !(inwards.is_empty() && outwards.is_empty())
            };
            let reporting = u32::try_from(here.iter().filter(reports).count()).unwrap();
            let (inbound, outbound) = (sum(true), sum(false));
            Product::Bicycle(BicycleCount {
                station,
                observed_at,
                interval_s,
                valid_until,
                inbound,
                outbound,
                quality: quality(inbound.is_none() && outbound.is_none(), reporting),
                sensors: Share { reporting, total },
                late_readings,
            })
        }
    }
}

fn expected(city: &City, steps: &[Step]) -> (Vec<(u64, Product)>, (u64, u64)) {
    let mut twins: Vec<Twin> = city.stations.iter().map(|_| Twin::default()).collect();
    let mut out = Vec::new();
    for (tick, step) in (1..).zip(steps) {
        let now = step.at();
        for (ix, twin) in twins.iter_mut().enumerate() {
            let config = &city.stations[ix];
            let lane = |r: &Reading| config.devices.iter().position(|d| *d == r.device);
            let here: Vec<(usize, &Reading)> =
                step.readings().iter().filter_map(|r| lane(r).map(|lane| (lane, r))).collect();
            let known = twin.closed_before.is_some();
            if here.is_empty() && !(known && matches!(step, Step::Clock(_))) {
                continue;
            }
            let (width_s, lateness_s) = (config.interval.as_secs() as i64, config.lateness.as_secs() as i64);
            let lanes = config.devices.len();
            let mut changed = twin.close(now, width_s, lateness_s, lanes);
            for (lane, r) in here {
                changed |= twin.take(lane, r, now, width_s);
            }
            changed |= twin.close(now, width_s, lateness_s, lanes);
            if changed {
                out.push((tick, twin.product(city, ix)));
            }
        }
    }
    let meters = twins.iter().fold((0, 0), |sum, t| (sum.0 + t.meters.0, sum.1 + t.meters.1));
    (out, meters)
}

fn published<L: Lane>(city: &City, steps: &[Step]) -> (Vec<(u64, Product)>, (u64, u64)) {
    let meters = Arc::new(Meters::default());
    let updates = play(&mut Stations::<L>::new(city, &meters), steps);
    let mut out: Vec<_> = updates.into_iter().map(|u| (u.tick, Arc::unwrap_or_clone(u.product))).collect();
    out.sort_by_key(|(tick, product)| (*tick, product.key()));
    (out, (meters.readings_late.get(), meters.readings_unusable.get()))
}

/// When a device says it began to count: mostly on a boundary of its own interval.
fn start(now: i64, length: i64, choice: u8) -> i64 {
    let aligned = (now / length - 1) * length;
    match choice % 8 {
        0 => now - length,
        1 => aligned - length * i64::from(choice / 16),
        _ => aligned,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn motor_counts_are_what_their_readings_say(
        sent in prop::collection::vec(sent(), 1..150),
        lateness_s in prop_oneof![Just(0_u64), Just(20), Just(150)],
    ) {
        let mut b = Builder::default();
        b.station(CountMode::Motor, 1, 60, lateness_s);
        b.station(CountMode::Motor, 2, 60, lateness_s);
        let steps = arrivals(&sent, 3, |device, message, now| {
            let length: u16 = match (device.0, message.choice) {
                (_, 0..4) => 90,
                (1, _) => 20,
                (_, 4..8) => 7,
                _ => 60,
            };
            let vehicles = message.number.saturating_sub(3);
            let value = Value::Traffic {
                interval_s: length,
                vehicles,
                speed_kmh: (message.choice % 5 > 0).then_some(f32::from(message.choice) / 3.0),
                detector_occupancy_pct: (message.choice % 7 > 1).then_some(f32::from(message.choice) / 2.55),
            };
            let value = if message.choice > 245 { Value::Alive } else { value };
            (None, start(now, i64::from(length), message.choice), value)
        });
        let (found, expected) = (published::<MotorLane>(&b.city, &steps), expected(&b.city, &steps));
        prop_assert_eq!(difference(&found.0, &expected.0), None);
        prop_assert_eq!(found.1, expected.1);
    }

    #[test]
    fn bicycle_counts_are_what_their_readings_say(
        sent in prop::collection::vec(sent(), 1..150),
        lateness_s in prop_oneof![Just(0_u64), Just(60), Just(400)],
    ) {
        let mut b = Builder::default();
        b.station(CountMode::Bicycle, 1, 300, lateness_s);
        b.station(CountMode::Bicycle, 2, 300, lateness_s);
        let steps = arrivals(&sent, 3, |device, message, now| {
            let length: u16 = if device.0 == 1 { 100 } else { 300 };
            let value = Value::Bicycles {
                interval_s: length,
                inbound: (message.choice % 5 > 0).then_some(message.number),
                outbound: (message.choice % 9 > 1 && device.0 != 2).then_some(message.number * 2),
            };
            (None, start(now, i64::from(length), message.choice), value)
        });
        let (found, expected) = (published::<BicycleLane>(&b.city, &steps), expected(&b.city, &steps));
        prop_assert_eq!(difference(&found.0, &expected.0), None);
        prop_assert_eq!(found.1, expected.1);
    }
}
