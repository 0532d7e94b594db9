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

pub(crate) struct Section {
    id: String,
    device: usize,
    capacity: u32,
    liking: f64,
    /// Its sensor speaks at least this often.
    report_every: i64,
    chance: Chance,
    state: Option<State>,
}

struct State {
    taken: u32,
    said: u32,
    next_report: i64,
}

impl Section {
    /// `order`: 0 is the section that a cyclist passes first, hence the fullest.
    pub(crate) fn new(
        id: String,
        device: usize,
        capacity: u32,
        order: usize,
        report_every: i64,
        mut chance: Chance,
    ) -> Section {
        let liking = (1.06 - 0.1 * order.min(4) as f64) * chance.between(0.97, 1.02);
        Section { id, device, capacity, liking, report_every, chance, state: None }
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
        taken.saturating_add(came).min(self.capacity).saturating_sub(left)
    }

    fn say(&self, taken: u32) -> Said {
        let free_places = i32::try_from(self.capacity.saturating_sub(taken)).unwrap_or(i32::MAX);
        Said::now(self.device, Value::Places { free_places })
    }
}

impl Actor for Section {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let local = calendar.local(at);
        let mut state = match self.state.take() {
            Some(state) => State { taken: self.step(state.taken, local), ..state },
            None => {
                let taken = u32::try_from(round(self.wanted(local))).unwrap_or(0).min(self.capacity);
                State { taken, said: u32::MAX, next_report: at }
            }
        };
        if state.taken != state.said || state.next_report <= at {
            state.said = state.taken;
            state.next_report = at + self.report_every;
            said.push(self.say(state.taken));
        }
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
