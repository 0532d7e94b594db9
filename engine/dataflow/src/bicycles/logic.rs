//! One counter's bicycles, and the sum over counters.

use vlot_model::{BicycleCount, CountMode, Product, Quality, Value};

use crate::intervals::{Interval, Lane, quality};

/// One direction of one counter.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    bicycles: Option<u32>,
    /// Seconds that it holds for: a part may be a gap.
    counted_s: u32,
}

impl Count {
    fn add(&mut self, bicycles: Option<u32>, length_s: u32) {
        if let Some(n) = bicycles {
            self.bicycles = Some(self.bicycles.unwrap_or(0).saturating_add(n));
            self.counted_s += length_s;
        }
    }
}

/// Sums over one counter's readings of an interval.
#[derive(Clone, Debug, Default)]
pub(crate) struct BicycleLane {
    inbound: Count,
    outbound: Count,
}

impl Lane for BicycleLane {
    const MODE: CountMode = CountMode::Bicycle;

    fn length_s(value: &Value) -> Option<u32> {
        match value {
            Value::Bicycles { interval_s, .. } => Some(u32::from(*interval_s)),
            _ => None,
        }
    }

    fn add(&mut self, value: &Value) {
        let Value::Bicycles { interval_s, inbound, outbound } = *value else { return };
        self.inbound.add(inbound, u32::from(interval_s));
        self.outbound.add(outbound, u32::from(interval_s));
    }

    /// A counter may know one direction alone; one that it does know it must know throughout.
    fn reports(&self, _covered_s: u32, interval_s: u32) -> bool {
        let known = [self.inbound, self.outbound].into_iter().filter(|c| c.bicycles.is_some());
        known.clone().next().is_some() && known.into_iter().all(|c| c.counted_s >= interval_s)
    }

    fn product(interval: &Interval, lanes: &mut dyn Iterator<Item = &Self>) -> Product {
        let (mut inbound, mut outbound) = (None, None);
        let add = |sum: &mut Option<u32>, n: Option<u32>| {
            if let Some(n) = n {
                *sum = Some(sum.unwrap_or(0).saturating_add(n));
            }
        };
        for lane in lanes {
            add(&mut inbound, lane.inbound.bicycles);
            add(&mut outbound, lane.outbound.bicycles);
        }
        let nothing = inbound.is_none() && outbound.is_none();
        Product::Bicycle(BicycleCount {
            station: interval.station,
            observed_at: interval.start,
            interval_s: interval.interval_s,
            valid_until: interval.valid_until,
            inbound,
            outbound,
            quality: if nothing { Quality::Missing } else { quality(interval.sensors) },
            sensors: interval.sensors,
            late_readings: interval.late_readings,
        })
    }
}
