//! From announcements to counts by minute.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    ANNOUNCED_AHEAD_MAX_S, Admitted, City, ExpectedArrivals, ExpectedMinute, FacilityIx, Meters, Product,
    Reading, Role, Tick, Timestamp, Trigger, Update, Value,
};

use crate::shell::Logic;
use crate::trust::{said_at, trigger};

const MINUTE: Duration = Duration::from_secs(60);

/// All facilities of a worker.
pub(super) struct Expected {
    /// By device.
    of_device: Vec<Option<FacilityIx>>,
    /// Spaces, by facility.
    capacity: Vec<u32>,
    /// Vehicles by minute; a facility of which nothing is announced is not among them.
    minutes: BTreeMap<FacilityIx, BTreeMap<Timestamp, u32>>,
    meters: Arc<Meters>,
}

impl Expected {
    pub(super) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let facility = |role| if let Role::Apps { facility } = role { Some(facility) } else { None };
        Expected {
            of_device: city.devices.iter().map(|d| facility(d.role)).collect(),
            capacity: city.facilities.iter().map(|f| f.capacity).collect(),
            minutes: BTreeMap::new(),
            meters: Arc::clone(meters),
        }
    }

    /// The facility that a reading changes.
    fn take(&mut self, reading: &Reading, now: Timestamp) -> Option<FacilityIx> {
        let facility = (*self.of_device.get(reading.device.at())?)?;
        let Value::Guided { vehicles, arrive_after_s } = reading.value else { return None };
        let arrival = said_at(reading) + Duration::from_secs(arrive_after_s.into());
        let minute = arrival.floor(MINUTE);
        let ahead = arrival.since(now) <= Duration::from_secs(ANNOUNCED_AHEAD_MAX_S.into());
        if !ahead || minute + MINUTE <= now {
            return None;
        }
        let minutes = self.minutes.entry(facility).or_default();
        let announced: u32 = minutes.values().sum();
        let room = self.capacity.get(facility.at()).copied().unwrap_or(0).saturating_sub(announced);
        let more = u32::from(vehicles).min(room);
        if more == 0 {
            return None;
        }
        *minutes.entry(minute).or_default() += more;
        Some(facility)
    }

    fn state(&self, facility: FacilityIx) -> Arc<Product> {
        let minutes = self.minutes.get(&facility).into_iter().flatten();
        let arrivals =
            minutes.map(|(minute, vehicles)| ExpectedMinute { minute: *minute, vehicles: *vehicles });
        Arc::new(Product::Expected(ExpectedArrivals { facility, arrivals: arrivals.collect() }))
    }
}

impl Logic for Expected {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        let mut changed = Vec::new();
        for (facility, minutes) in &mut self.minutes {
            let before = minutes.len();
            minutes.retain(|minute, _| at < *minute + MINUTE);
            if minutes.len() < before {
                changed.push(*facility);
            }
        }
        out.extend(changed.iter().map(|facility| Update {
            tick,
            at,
            trigger: None,
            product: self.state(*facility),
        }));
        self.minutes.retain(|_, minutes| !minutes.is_empty());
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        let mut touched: BTreeMap<FacilityIx, Trigger> = BTreeMap::new();
        for input in inputs {
            match self.take(&input.reading, at) {
                Some(facility) => drop(touched.insert(facility, trigger(input))),
                None => self.meters.readings_unusable.add(1),
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        out.extend(touched.into_iter().map(|(facility, trigger)| Update {
            tick,
            at,
            trigger: Some(trigger),
            product: self.state(facility),
        }));
    }
}
