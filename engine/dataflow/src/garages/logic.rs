//! From readings of section sensors to the state of garages.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Admitted, City, DeviceIx, FacilityStatus, GarageIx, GarageSite, GarageState, Meters, Product, Quality,
    Reading, Role, SectionIx, SectionState, Share, Tick, Timestamp, Trigger, Update, Value,
};

use crate::shell::{Logic, Standing};
use crate::trust::{Fullness, said_at, trigger};

#[derive(Clone, Copy, Debug)]
struct Sensor {
    silent_after: Duration,
    heard_at: Option<Timestamp>,
    standing: Standing,
}

impl Sensor {
    fn silent_from(&self) -> Option<Timestamp> {
        self.heard_at.map(|heard_at| heard_at + self.silent_after)
    }
}

#[derive(Debug)]
struct Room {
    section: SectionIx,
    capacity: u32,
    full_at: u32,
    reopen_at: u32,
    sensors: Vec<Sensor>,
    /// Free places as stated, and when that was observed and said.
    stated: Option<(u32, Timestamp, Timestamp)>,
    fullness: Fullness,
}

impl Room {
    fn take(&mut self, sensor: usize, reading: &Reading) {
        let said_at = said_at(reading);
        if let Some(sensor) = self.sensors.get_mut(sensor) {
            sensor.heard_at = sensor.heard_at.max(Some(said_at));
        }
        if let Value::Places { free } = reading.value
            && self.stated.is_none_or(|(_, observed_at, _)| observed_at <= reading.observed_at)
        {
            self.stated = Some((free, reading.observed_at, said_at));
        }
    }

    fn share(&self, now: Timestamp) -> Share {
        let counts = |s: &&Sensor| s.standing != Standing::Absent;
        let reports =
            |s: &&Sensor| s.standing == Standing::Believed && s.silent_from().is_some_and(|from| now < from);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Share {
            reporting: count(self.sensors.iter().filter(reports).count()),
            total: count(self.sensors.iter().filter(counts).count()),
        }
    }

    fn state(&mut self, now: Timestamp, valid_for: Duration) -> SectionState {
        let valid_until = self.stated.map(|(_, _, said_at)| said_at + valid_for);
        let share = self.share(now);
        let free = self.stated.map(|(free, _, _)| free.min(self.capacity));
        let quality = match (self.stated, valid_until) {
            (Some(_), Some(until)) if until <= now => Quality::Stale,
            (Some((free, _, _)), _) if share.reporting < share.total || free > self.capacity => {
                Quality::Degraded
            }
            (Some(_), _) => Quality::Good,
            (None, _) => Quality::Missing,
        };
        SectionState {
            section: self.section,
            capacity: self.capacity,
            free,
            status: self.fullness.status(free, 0, quality, self.full_at, self.reopen_at),
            observed_at: self.stated.map(|(_, _, said_at)| said_at),
            valid_until,
            quality,
        }
    }
}

#[derive(Debug)]
struct Garage {
    garage: GarageIx,
    valid_for: Duration,
    site: GarageSite,
    rooms: Vec<Room>,
    published: Option<GarageState>,
    /// Time alone changes nothing before.
    due: Option<Timestamp>,
    trigger: Option<Trigger>,
}

impl Garage {
    fn state_if_changed(&mut self, now: Timestamp) -> Option<GarageState> {
        let state = self.state(now);
        if self.published.as_ref() == Some(&state) {
            return None;
        }
        self.published = Some(state.clone());
        Some(state)
    }

    /// A garage that does not stand there: closed, without places, and its sensors are not missed.
    fn absent(&self) -> GarageState {
        let section = |room: &Room| SectionState {
            section: room.section,
            capacity: room.capacity,
            free: None,
            status: FacilityStatus::Closed,
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
        };
        GarageState {
            garage: self.garage,
            sections: self.rooms.iter().map(section).collect(),
            free: None,
            capacity: self.rooms.iter().map(|room| room.capacity).sum(),
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
            sensors: Share::default(),
        }
    }

    fn state(&mut self, now: Timestamp) -> GarageState {
        let (stands, stands_until) = self.site.stands_at(now);
        if !stands {
            self.due = stands_until;
            return self.absent();
        }
        let valid_for = self.valid_for;
        let sections: Vec<SectionState> = self.rooms.iter_mut().map(|r| r.state(now, valid_for)).collect();
        let mut sensors = Share::default();
        for share in self.rooms.iter().map(|room| room.share(now)) {
            sensors.reporting += share.reporting;
            sensors.total += share.total;
        }
        let silences = self.rooms.iter().flat_map(|r| &r.sensors).filter_map(Sensor::silent_from);
        let ends = sections.iter().filter_map(|s| s.valid_until);
        self.due = silences.chain(ends).chain(stands_until).filter(|t| now < *t).min();
        let fresh = |s: &SectionState| s.free.filter(|_| s.quality <= Quality::Degraded);
        GarageState {
            garage: self.garage,
            free: sections.iter().map(fresh).sum(),
            capacity: sections.iter().map(|s| s.capacity).sum(),
            observed_at: sections.iter().filter_map(|s| s.observed_at).min(),
            valid_until: sections.iter().filter_map(|s| s.valid_until).min(),
            quality: sections.iter().map(|s| s.quality).max().unwrap_or(Quality::Missing),
            sensors,
            sections,
        }
    }
}

/// All garages of a worker.
pub(crate) struct Garages {
    /// Garage, room and sensor of each device.
    seats: Vec<Option<(GarageIx, usize, usize)>>,
    garages: Vec<Garage>,
    touched: Vec<GarageIx>,
    meters: Arc<Meters>,
}

impl Garages {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let room = |ix: &SectionIx| {
            let section = &city.sections[ix.at()];
            Room {
                section: *ix,
                capacity: section.capacity,
                full_at: section.full_at,
                reopen_at: section.reopen_at,
                sensors: Vec::new(),
                stated: None,
                fullness: Fullness::default(),
            }
        };
        let garage = |(i, garage): (usize, &vlot_model::Garage)| Garage {
            garage: GarageIx::from_position(i),
            valid_for: garage.valid_for,
            site: garage.site,
            rooms: garage.sections.iter().map(room).collect(),
            published: None,
            // Whether it stands there is known without a word of any sensor.
            due: garage.site.stands.map(|_| Timestamp::EPOCH),
            trigger: None,
        };
        let mut garages: Vec<Garage> = city.garages.iter().enumerate().map(garage).collect();
        let seat = |device: &vlot_model::Device| {
            let Role::Section { section } = device.role else { return None };
            let ix = city.sections[section.at()].garage;
            let rooms = &mut garages[ix.at()].rooms;
            let room = rooms.iter().position(|room| room.section == section)?;
            rooms[room].sensors.push(Sensor {
                silent_after: device.silent_after,
                heard_at: None,
                standing: Standing::Believed,
            });
            Some((ix, room, rooms[room].sensors.len() - 1))
        };
        let seats = city.devices.iter().map(seat).collect();
        Garages { seats, garages, touched: Vec::new(), meters: Arc::clone(meters) }
    }
}

impl Logic for Garages {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for garage in self.garages.iter_mut().filter(|g| g.due.is_some_and(|due| due <= at)) {
            if let Some(state) = garage.state_if_changed(at) {
                out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Garage(state)) });
            }
        }
    }

    fn stand(&mut self, device: DeviceIx, standing: Standing) {
        let Some(&Some((ix, room, sensor))) = self.seats.get(device.at()) else { return };
        self.garages[ix.at()].rooms[room].sensors[sensor].standing = standing;
        self.touched.push(ix);
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        for input in inputs {
            let Some(&Some((ix, room, sensor))) = self.seats.get(input.reading.device.at()) else { continue };
            let garage = &mut self.garages[ix.at()];
            garage.rooms[room].take(sensor, &input.reading);
            if garage.trigger.replace(trigger(input)).is_none() {
                self.touched.push(ix);
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        for ix in self.touched.drain(..) {
            let garage = &mut self.garages[ix.at()];
            let trigger = garage.trigger.take();
            if let Some(state) = garage.state_if_changed(at) {
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Garage(state)) });
            }
        }
    }
}
