//! One lane's motor traffic, and the sum over lanes.

use vlot_model::{CountMode, Product, Quality, TrafficCount, Value};

use crate::intervals::{Interval, Lane, quality};

/// Sums over one lane's readings of an interval.
#[derive(Clone, Debug, Default)]
pub(crate) struct MotorLane {
    vehicles: u32,
    /// Vehicles that have a speed, and the sum of their speeds.
    with_speed: u32,
    speed_sum_kmh: f64,
    /// Seconds that have a detector occupancy, and its sum over them.
    with_occupancy_s: u32,
    occupancy_sum_pct_s: f64,
}

impl Lane for MotorLane {
    const MODE: CountMode = CountMode::Motor;

    fn length_s(value: &Value) -> Option<u32> {
        match value {
            Value::Traffic { interval_s, .. } => Some(u32::from(*interval_s)),
            _ => None,
        }
    }

    fn add(&mut self, value: &Value) {
        let Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } = *value else {
            return;
        };
        self.vehicles = self.vehicles.saturating_add(vehicles);
        // Without vehicles there is no speed, whatever the device says (many say 0).
        if let Some(speed_kmh) = speed_kmh.filter(|v| v.is_finite() && vehicles > 0) {
            self.with_speed = self.with_speed.saturating_add(vehicles);
            self.speed_sum_kmh += f64::from(speed_kmh) * f64::from(vehicles);
        }
        if let Some(pct) = detector_occupancy_pct.filter(|v| v.is_finite()) {
            self.with_occupancy_s += u32::from(interval_s);
            self.occupancy_sum_pct_s += f64::from(pct) * f64::from(interval_s);
        }
    }

    fn reports(&self, covered_s: u32, interval_s: u32) -> bool {
        covered_s >= interval_s
    }

    fn product(interval: &Interval, lanes: &mut dyn Iterator<Item = &Self>) -> Product {
        let mut vehicles = None;
        let mut sum = MotorLane::default();
        let (mut lanes_with_occupancy, mut occupancy_pct) = (0_u32, 0.0);
        for lane in lanes {
            vehicles = Some(vehicles.unwrap_or(0_u32).saturating_add(lane.vehicles));
            sum.with_speed = sum.with_speed.saturating_add(lane.with_speed);
            sum.speed_sum_kmh += lane.speed_sum_kmh;
            if lane.with_occupancy_s > 0 {
                lanes_with_occupancy += 1;
                occupancy_pct += lane.occupancy_sum_pct_s / f64::from(lane.with_occupancy_s);
            }
        }
        let hourly =
            |n: u32| u32::try_from(u64::from(n) * 3_600 / u64::from(interval.interval_s)).unwrap_or(u32::MAX);
        Product::Traffic(TrafficCount {
            station: interval.station,
            observed_at: interval.start,
            interval_s: interval.interval_s,
            valid_until: interval.valid_until,
            vehicles,
            flow_vph: vehicles.map(hourly),
            speed_kmh: mean(sum.speed_sum_kmh, sum.with_speed),
            detector_occupancy_pct: mean(occupancy_pct, lanes_with_occupancy),
            quality: if vehicles.is_none() { Quality::Missing } else { quality(interval.sensors) },
            sensors: interval.sensors,
            late_readings: interval.late_readings,
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a mean of f32 figures is within their range")]
fn mean(sum: f64, n: u32) -> Option<f32> {
    (n > 0).then(|| (sum / f64::from(n)) as f32)
}
