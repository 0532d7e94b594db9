//! Count stations: loops say each minute, bicycle counters each quarter of an hour or oftener, what passed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::{Actor, Said};
use super::calendar::Calendar;
use super::car_park::next_multiple;
use super::chance::Chance;
use super::demand::{BICYCLES_IN, BICYCLES_OUT, Habit, MOTOR_IN, MOTOR_OUT};
use super::traffic::{LANE_CAPACITY_VPH, Traffic, fundamental};
use crate::time::{MINUTE, SECOND, round};
use crate::wire::Value;

/// A vehicle and the loop, in metres: how long the loop is covered.
const COVERED_M: f64 = 6.3;

/// Steps through intervals: acts a little after each one's end.
struct Intervals {
    length: i64,
    delay: i64,
    end: Option<i64>,
}

impl Intervals {
    fn new(length: i64, delay: i64) -> Intervals {
        Intervals { length, delay, end: None }
    }

    /// The start of the interval that has just ended, if one has.
    fn ended(&mut self, at: i64) -> Option<i64> {
        let end = *self.end.get_or_insert_with(|| next_multiple(at, self.length));
        (end + self.delay <= at).then(|| {
            self.end = Some(end + self.length);
            end - self.length
        })
    }

    fn next(&self, at: i64) -> i64 {
        self.end.unwrap_or(at) + self.delay
    }
}

/// One lane with a loop or tube.
pub(crate) struct Lane {
    device: usize,
    habit: Habit,
    peak_vph: f64,
    free_speed_kmh: f64,
    /// The street that it counts, where it is known.
    street: Option<(Arc<Traffic>, usize)>,
    intervals: Intervals,
    chance: Chance,
}

impl Lane {
    /// `inbound` lanes have their peak in the morning; `free_speed_kmh` is the station's.
    pub(crate) fn new(
        device: usize,
        inbound: bool,
        free_speed_kmh: f64,
        street: Option<(Arc<Traffic>, usize)>,
        mut chance: Chance,
    ) -> Lane {
        let delay = round(chance.between(0.2, 1.5) * SECOND as f64);
        Lane {
            device,
            habit: if inbound { MOTOR_IN } else { MOTOR_OUT },
            peak_vph: chance.between(0.7, 1.15) * LANE_CAPACITY_VPH,
            free_speed_kmh,
            street,
            intervals: Intervals::new(MINUTE, delay),
            chance,
        }
    }

    fn minute(&mut self, start: i64, calendar: &Calendar) -> Value {
        let (flow_vph, speed) = match &self.street {
            // Of the minute's middle, as all others see it.
            Some((traffic, link)) => {
                let flow = traffic.at(*link, start + MINUTE / 2, calendar);
                (flow.flow_vph, flow.speed_kmh)
            }
            None => {
                let wanted_vph = self.habit.at(calendar.local(start)) * self.peak_vph;
                fundamental(wanted_vph / LANE_CAPACITY_VPH, self.free_speed_kmh)
            }
        };
        let vehicles = self.chance.poisson(flow_vph / 60.0);
        let speed = (speed * (1.0 + 0.06 * self.chance.normal())).clamp(4.0, 180.0);
        let covered_s = f64::from(vehicles) * COVERED_M / (speed / 3.6);
        Value::Traffic {
            interval_s: 60,
            vehicles,
            speed_kmh: (vehicles > 0).then(|| tenths(speed)),
            detector_occupancy_pct: Some(tenths((covered_s / 60.0 * 100.0).min(100.0))),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a speed or a percentage, well within f32")]
fn tenths(x: f64) -> f32 {
    ((x * 10.0).round() / 10.0) as f32
}

impl Actor for Lane {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        if let Some(start) = self.intervals.ended(at) {
            let value = self.minute(start, calendar);
            said.push(Said { device: self.device, value, interval_start: Some(start) });
        }
        self.intervals.next(at)
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}

/// One bicycle counter.
pub(crate) struct BicycleCounter {
    device: usize,
    peak_per_hour: f64,
    intervals: Intervals,
    chance: Chance,
}

impl BicycleCounter {
    /// Reports every `interval`, which divides an hour.
    pub(crate) fn new(device: usize, interval: i64, mut chance: Chance) -> BicycleCounter {
        let delay = round(chance.between(1.0, 5.0) * SECOND as f64);
        let peak_per_hour = chance.between(150.0, 900.0);
        BicycleCounter { device, peak_per_hour, intervals: Intervals::new(interval, delay), chance }
    }
}

impl Actor for BicycleCounter {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        if let Some(start) = self.intervals.ended(at) {
            let local = calendar.local(start);
            let hours = self.intervals.length as f64 / crate::time::HOUR as f64;
            let inbound = self.chance.poisson(BICYCLES_IN.at(local) * self.peak_per_hour * hours);
            let outbound = self.chance.poisson(BICYCLES_OUT.at(local) * self.peak_per_hour * hours);
            let interval_s = u32::try_from(self.intervals.length / SECOND).unwrap_or(900);
            let value = Value::Bicycles { interval_s, inbound: Some(inbound), outbound: Some(outbound) };
            said.push(Said { device: self.device, value, interval_start: Some(start) });
        }
        self.intervals.next(at)
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}
