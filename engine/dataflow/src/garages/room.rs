//! A section: one sensor that is taken at its word, or several sources that are weighed.

use std::time::Duration;

use vlot_model::{
    City, DeviceIx, DeviceKind, FacilityStatus, Quality, Reading, Role, SectionIx, SectionState, Share,
    Timestamp, Value,
};

use super::weighed::{Devices, Seen, Several};
use crate::shell::Standing;
use crate::trust::{Fullness, said_at};

/// Where a device's readings belong in its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// Its sensor, or a camera, by position among both.
    Witness(usize),
    /// A gate, by position.
    Gate(usize),
    /// A single place, by position.
    Place(usize),
}

#[derive(Debug)]
enum Sources {
    One(One),
    Several(Box<Several>),
}

#[derive(Debug)]
pub(super) struct Room {
    section: SectionIx,
    capacity: u32,
    sources: Sources,
}

impl Room {
    /// The room of a section, and the seats of its devices.
    pub(super) fn new(ix: SectionIx, devices: &Devices, city: &City) -> (Self, Vec<(DeviceIx, Seat)>) {
        let section = &city.sections[ix.at()];
        let witnesses = devices.witnesses.iter().map(|(device, _)| *device).enumerate();
        let seats = witnesses
            .map(|(i, device)| (device, Seat::Witness(i)))
            .chain(devices.gates.iter().enumerate().map(|(i, device)| (*device, Seat::Gate(i))))
            .chain(devices.places.iter().enumerate().map(|(i, device)| (*device, Seat::Place(i))))
            .collect();
        let sources = match devices.witnesses.as_slice() {
            [(device, sd)] if *sd <= 0.0 && devices.gates.is_empty() && devices.places.is_empty() => {
                Sources::One(One {
                    full_at: section.full_at,
                    reopen_at: section.reopen_at,
                    silent_after: city.devices[device.at()].silent_after,
                    heard_at: None,
                    standing: Standing::Believed,
                    stated: None,
                    fullness: Fullness::default(),
                })
            }
            _ => Sources::Several(Box::new(Several::new(ix, section, devices, city))),
        };
        (Room { section: ix, capacity: section.capacity, sources }, seats)
    }

    pub(super) fn capacity(&self) -> u32 {
        self.capacity
    }

    pub(super) fn take(&mut self, seat: Seat, reading: &Reading, now: Timestamp) {
        match (&mut self.sources, seat) {
            (Sources::One(one), _) => one.take(reading),
            (Sources::Several(several), Seat::Witness(i)) => several.take_witness(i, reading, now),
            (Sources::Several(several), Seat::Gate(i)) => several.take_gate(i, reading),
            (Sources::Several(several), Seat::Place(i)) => several.take_place(i, reading, now),
        }
    }

    pub(super) fn stand(&mut self, seat: Seat, standing: Standing) {
        match (&mut self.sources, seat) {
            (Sources::One(one), _) => one.standing = standing,
            (Sources::Several(several), Seat::Witness(i)) => several.witness_stands(i, standing),
            (Sources::Several(several), Seat::Gate(i)) => several.gate_stands(i, standing),
            (Sources::Several(several), Seat::Place(i)) => several.place_stands(i, standing),
        }
    }

    pub(super) fn state(&mut self, now: Timestamp, valid_for: Duration) -> Seen {
        match &mut self.sources {
            Sources::One(one) => one.state(self.section, self.capacity, now, valid_for),
            Sources::Several(several) => several.state(now, valid_for),
        }
    }

    /// Of a garage that does not stand there.
    pub(super) fn absent(&self) -> SectionState {
        SectionState {
            section: self.section,
            capacity: self.capacity,
            free: None,
            status: FacilityStatus::Closed,
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
            certainty: None,
        }
    }
}

/// The devices of every section, by section.
pub(super) fn devices(city: &City) -> Vec<Devices> {
    let places = |section: &vlot_model::Section| section.sources.places.iter().map(|p| p.device).collect();
    let of = |section| Devices { places: places(section), ..Devices::default() };
    let mut all: Vec<Devices> = city.sections.iter().map(of).collect();
    for (i, device) in city.devices.iter().enumerate() {
        let Role::Section { section } = device.role else { continue };
        let at = DeviceIx::from_position(i);
        let devices = &mut all[section.at()];
        if device.kind == DeviceKind::Barrier {
            devices.gates.push(at);
        } else {
            let cameras = &city.sections[section.at()].sources.cameras;
            let sd = cameras.iter().find(|camera| camera.device == at).map_or(0.0, |camera| camera.sd);
            devices.witnesses.push((at, sd));
        }
    }
    all
}

/// A sensor that is taken at its word.
#[derive(Debug)]
struct One {
    full_at: u32,
    reopen_at: u32,
    silent_after: Duration,
    heard_at: Option<Timestamp>,
    standing: Standing,
    /// Free places as stated, and when that was observed and said.
    stated: Option<(u32, Timestamp, Timestamp)>,
    fullness: Fullness,
}

impl One {
    fn take(&mut self, reading: &Reading) {
        let said_at = said_at(reading);
        self.heard_at = self.heard_at.max(Some(said_at));
        if let Value::Places { free } = reading.value
            && self.stated.is_none_or(|(_, observed_at, _)| observed_at <= reading.observed_at)
        {
            self.stated = Some((free, reading.observed_at, said_at));
        }
    }

    fn state(&mut self, section: SectionIx, capacity: u32, now: Timestamp, valid_for: Duration) -> Seen {
        let silent_from = self.heard_at.map(|heard_at| heard_at + self.silent_after);
        let reports = self.standing == Standing::Believed && silent_from.is_some_and(|from| now < from);
        let counts = self.standing != Standing::Absent;
        let share = Share { reporting: u32::from(reports), total: u32::from(counts) };
        let valid_until = self.stated.map(|(_, _, said_at)| said_at + valid_for);
        let free = self.stated.map(|(free, _, _)| free.min(capacity));
        let quality = match (self.stated, valid_until) {
            (Some(_), Some(until)) if until <= now => Quality::Stale,
            (Some((free, _, _)), _) if share.reporting < share.total || free > capacity => Quality::Degraded,
            (Some(_), _) => Quality::Good,
            (None, _) => Quality::Missing,
        };
        let state = SectionState {
            section,
            capacity,
            free,
            status: self.fullness.status(free, 0, quality, self.full_at, self.reopen_at),
            observed_at: self.stated.map(|(_, _, said_at)| said_at),
            valid_until,
            quality,
            certainty: None,
        };
        let due = silent_from.into_iter().chain(valid_until).filter(|at| now < *at).min();
        Seen { state, share, due }
    }
}
