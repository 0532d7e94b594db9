//! A section of a bicycle garage: commuters come and go; its sensor says how many places are free.

use std::collections::BTreeMap;

use super::actor::{Actor, Said};
use super::calendar::{Calendar, Local};
use super::chance::Chance;
use super::demand::BICYCLE_GARAGE;
use crate::time::{SECOND, round};
use crate::wire::Value;

/// Its sensor speaks at most this often when places change.
const CHANGES: i64 = 10 * SECOND;
/// A difference to the habit's level is made up for in about this long.
const FOLLOW_S: f64 = 10.0 * 60.0;
/// Mean stay of a bicycle.
const STAY_S: f64 = 7.5 * 3600.0;

/// Who speaks of a section.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices {
    pub(crate) sensor: Option<usize>,
    pub(crate) gates: Vec<usize>,
    /// With how far each is off, usually, places.
    pub(crate) cameras: Vec<(usize, f64)>,
    /// The sensor speaks at least this often.
    pub(crate) sensor_every: i64,
    /// The others do.
    pub(crate) every: i64,
}

impl Devices {
    pub(crate) fn is_empty(&self) -> bool {
        self.sensor.is_none() && self.gates.is_empty() && self.cameras.is_empty()
    }
}

pub(crate) struct Section {
    id: String,
    devices: Devices,
    capacity: u32,
    liking: f64,
    chance: Chance,
    /// Through its gates since the beginning.
    came: u32,
    left: u32,
    state: Option<State>,
}

struct State {
    taken: u32,
    said: u32,
    next_report: i64,
    /// Of gates and cameras.
    next_others: i64,
}

impl Section {
    /// `order`: 0 is the section that a cyclist passes first, hence the fullest.
    pub(crate) fn new(
        id: String,
        devices: Devices,
        capacity: u32,
        order: usize,
        mut chance: Chance,
    ) -> Section {
        let liking = (1.06 - 0.1 * order.min(4) as f64) * chance.between(0.97, 1.02);
        Section { id, devices, capacity, liking, chance, came: 0, left: 0, state: None }
    }

    fn wanted(&self, local: Local) -> f64 {
        (BICYCLE_GARAGE.at(local) * self.liking).min(1.0) * f64::from(self.capacity)
    }

    /// How many come and go in one step.
    fn step(&mut self, taken: u32, local: Local) -> u32 {
        let wanted = self.wanted(local);
        let seconds = CHANGES as f64 / 1e6;
        let turnover = wanted / STAY_S;
        let correction = (wanted - f64::from(taken)) / FOLLOW_S;
        let came = self.chance.poisson((turnover + correction.max(0.0)) * seconds);
        let left = self.chance.poisson((turnover + (-correction).max(0.0)) * seconds);
        let inside = taken.saturating_add(came).min(self.capacity);
        let after = inside.saturating_sub(left);
        self.came = self.came.wrapping_add(inside - taken.min(inside));
        self.left = self.left.wrapping_add(inside - after);
        after
    }

    /// The sensor states free places: when they change, or, where gates tell of changes, now and then.
    fn say(&self, state: &mut State, at: i64, said: &mut Vec<Said>) {
        let Some(sensor) = self.devices.sensor else { return };
        let changed = self.devices.gates.is_empty() && state.taken != state.said;
        if changed || state.next_report <= at {
            state.said = state.taken;
            state.next_report = at + self.devices.sensor_every;
            let free_places = i32::try_from(self.capacity.saturating_sub(state.taken)).unwrap_or(i32::MAX);
            said.push(Said::now(sensor, Value::Places { free_places }));
        }
    }

    /// Gates state their totals when somebody passed and now and then, cameras now and then what they see.
    fn say_others(&mut self, passed: bool, state: &mut State, at: i64, said: &mut Vec<Said>) {
        let due = state.next_others <= at;
        if due {
            state.next_others = at + self.devices.every;
        }
        if passed || due {
            let count = u32::try_from(self.devices.gates.len()).unwrap_or(u32::MAX).max(1);
            for (i, gate) in (0..count).zip(&self.devices.gates) {
                // In turn, so that no total ever falls.
                let part = |n: u32| n.saturating_add(count - 1 - i) / count;
                let value = Value::Totals { entries: part(self.came), exits: part(self.left) };
                said.push(Said::now(*gate, value));
            }
        }
        for (camera, sd) in self.devices.cameras.iter().filter(|_| due) {
            // Never further off than it claims to be at most.
            let seen = f64::from(state.taken) + self.chance.normal().clamp(-2.5, 2.5) * sd;
            let occupied_spaces = i32::try_from(round(seen).clamp(0, i64::from(self.capacity))).unwrap_or(0);
            said.push(Said::now(*camera, Value::Occupancy { occupied_spaces }));
        }
    }
}

impl Actor for Section {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let local = calendar.local(at);
        let before = (self.came, self.left);
        let mut state = match self.state.take() {
            Some(state) => State { taken: self.step(state.taken, local), ..state },
            None => {
                let taken = u32::try_from(round(self.wanted(local))).unwrap_or(0).min(self.capacity);
                State { taken, said: u32::MAX, next_report: at, next_others: at }
            }
        };
        self.say(&mut state, at, said);
        let passed = before != (self.came, self.left);
        self.say_others(passed, &mut state, at, said);
        let next = at + CHANGES;
        self.state = Some(state);
        next
    }

    fn truth(&self, truth: &mut BTreeMap<String, u32>) {
        if let Some(state) = &self.state {
            truth.insert(self.id.clone(), state.taken);
        }
    }
}
