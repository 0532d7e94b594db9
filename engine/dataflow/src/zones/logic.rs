//! From bays' words and parking's figures to the use of zones.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use vlot_model::{
    City, Counting, Facility, FacilityIx, Product, Role, Tick, Timestamp, Trigger, Update, ZonePressure,
};

use super::hours::{Hours, tenths};
use super::stays::Stays;
use super::{Heard, What};
use crate::shell::Logic;

const MINUTE: Duration = Duration::from_mins(1);
const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// The facility and bay of each device; `None` where zones do not listen to it.
pub(super) fn seats(city: &City) -> Vec<Option<(FacilityIx, u32)>> {
    let seat = |role: Role| match role {
        Role::Bay { facility, bay } => {
            let by_bays = city.facilities.get(facility.at()).is_some_and(|f| f.counting == Counting::Bays);
            by_bays.then_some((facility, bay))
        }
        _ => None,
    };
    city.devices.iter().map(|device| seat(device.role)).collect()
}

struct Zone {
    facility: FacilityIx,
    alarm_at: f64,
    hours: Hours,
    stays: Stays,
    /// Something was ever known of it.
    known: bool,
    /// It is published then, if it changed.
    minute: Option<Timestamp>,
    published: Option<ZonePressure>,
}

impl Zone {
    fn new(facility: FacilityIx, of: &Facility, city: &City) -> Self {
        Zone {
            facility,
            // As f32 widens it, 0.85 is a little more than 85 %.
            alarm_at: f64::from(of.site.street.pressure_alarm) - 1e-6,
            hours: Hours::new(),
            stays: Stays::new(of, city),
            known: false,
            minute: None,
            published: None,
        }
    }

    /// Time alone changes nothing before.
    fn due(&self) -> Timestamp {
        if self.known {
            self.minute.map_or(Timestamp::from_micros(i64::MIN), |minute| minute.min(self.stays.due()))
        } else {
            NEVER
        }
    }

    /// Lets time pass; true where an overstay began or ended.
    fn advance(&mut self, now: Timestamp, zone: &TimeZone) -> bool {
        self.hours.advance(now, zone);
        self.stays.advance(now)
    }

    /// Takes what was heard at `now`, to which it was advanced; true where an overstay began or ended.
    fn take(&mut self, what: &What, now: Timestamp) -> bool {
        match what {
            What::Figure(figure) => {
                self.known |= figure.is_some();
                self.hours.set(*figure);
                false
            }
            What::Bay { position, reading } => {
                self.known = true;
                let (left, changed) = self.stays.take(*position as usize, reading, now);
                if let Some(at) = left {
                    self.hours.departed(at);
                }
                changed
            }
        }
    }

    /// The product, if its time has come and it is another than the last.
    fn publish(&mut self, now: Timestamp, at_once: bool) -> Option<ZonePressure> {
        if !self.known {
            return None;
        }
        // Its first minute is the next one: nothing is known of the one under way.
        let minute = *self.minute.get_or_insert(now.floor(MINUTE) + MINUTE);
        if minute <= now {
            self.minute = Some(now.floor(MINUTE) + MINUTE);
        } else if !at_once {
            return None;
        }
        let state = self.state()?;
        if self.published.as_ref() == Some(&state) {
            return None;
        }
        self.published = Some(state.clone());
        Some(state)
    }

    fn state(&self) -> Option<ZonePressure> {
        let hours = &self.hours;
        let last = hours.last_pressure();
        let departures = hours.last.filter(|_| last.is_some() && self.stays.any()).map(|l| l.departures);
        Some(ZonePressure {
            facility: self.facility,
            hour: hours.start?,
            pressure_pct: hours.pressure_pct(),
            last_hour_pct: last.map(|p| tenths(p * 100.0)),
            departures,
            alarm: last.is_some_and(|p| self.alarm_at <= p),
            balance: hours.last.and_then(|last| last.balance()),
            overstays: self.stays.overstays(),
            overstays_begun: self.stays.begun,
        })
    }
}

/// All zones of a worker.
pub(crate) struct Zones {
    zone: TimeZone,
    zones: Vec<Zone>,
    /// When each is due, beside them: looking through 10,000 zones every second must not touch each of them.
    due: Vec<Timestamp>,
}

impl Zones {
    pub(crate) fn new(city: &City) -> Self {
        let zone = |(i, of)| Zone::new(FacilityIx::from_position(i), of, city);
        Zones {
            zone: TimeZone::get(&city.timezone).unwrap_or(TimeZone::UTC),
            zones: city.facilities.iter().enumerate().map(zone).collect(),
            due: vec![NEVER; city.facilities.len()],
        }
    }
}

impl Logic for Zones {
    type In = Heard;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for (zone, due) in self.zones.iter_mut().zip(&mut self.due).filter(|(_, due)| **due <= at) {
            let changed = zone.advance(at, &self.zone);
            if let Some(state) = zone.publish(at, changed) {
                out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Zone(state)) });
            }
            *due = zone.due();
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Heard], out: &mut Vec<Update>) {
        // By facility, each in the order of the tick.
        let mut inputs: Vec<&Heard> = inputs.iter().collect();
        inputs.sort_by_key(|heard| heard.facility);
        for heard in inputs.chunk_by(|a, b| a.facility == b.facility) {
            let Some(facility) = heard.first().map(|h| h.facility) else { continue };
            let Some(zone) = self.zones.get_mut(facility.at()) else { continue };
            let mut changed = zone.advance(at, &self.zone);
            let mut trigger = None;
            for heard in heard {
                if zone.take(&heard.what, at)
                    && let What::Bay { reading: r, .. } = &heard.what
                {
                    changed = true;
                    trigger =
                        Some(Trigger { device: r.device, sequence: r.sequence, observed_at: r.observed_at });
                }
            }
            if let Some(state) = zone.publish(at, changed) {
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Zone(state)) });
            }
            self.due[facility.at()] = zone.due();
        }
    }
}
