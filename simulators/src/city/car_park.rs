//! A car park: vehicles come and go after its habit; barriers or a counter say so.

use std::collections::BTreeMap;

use super::actor::{Actor, Said};
use super::calendar::{Calendar, Local};
use super::chance::Chance;
use super::demand::Habit;
use crate::time::{MINUTE, SECOND, round};
use crate::wire::Value;

/// Rates are looked at again at least this often.
const LOOK: i64 = MINUTE;
/// Absolute counts of barriers come every quarter of an hour.
const REPORT: i64 = 15 * MINUTE;
/// A parking system's own figure comes every half minute.
const COUNTER_REPORT: i64 = 30 * SECOND;
/// A difference to the habit's level is made up for in about this long.
const FOLLOW_S: f64 = 20.0 * 60.0;

/// What a car park is.
pub(crate) struct Setup {
    pub(crate) id: String,
    pub(crate) capacity: u32,
    pub(crate) habit: Habit,
    pub(crate) mean_stay_s: f64,
    /// Its barriers' devices.
    pub(crate) barriers: Vec<usize>,
    /// The device that states the occupancy, and whether it is open.
    pub(crate) counter: usize,
    /// Opens and closes at these local hours; `None`: always open.
    pub(crate) hours: Option<(f64, f64)>,
    /// Barriers state their totals this often, so that a quiet one does not count as silent.
    pub(crate) totals_every: i64,
}

pub(crate) struct CarPark {
    setup: Setup,
    totals: Vec<Totals>,
    /// A local peculiarity, as a factor on the habit's level.
    liking: f64,
    chance: Chance,
    state: Option<State>,
}

/// A barrier's running totals.
#[derive(Clone, Copy, Default)]
struct Totals {
    entries: u32,
    exits: u32,
}

struct State {
    occupied: u32,
    open: bool,
    /// The next passage's instant, and whether it is an entry.
    passage: Option<(i64, bool)>,
    next_report: i64,
    next_totals: i64,
}

impl CarPark {
    pub(crate) fn new(setup: Setup, mut chance: Chance) -> CarPark {
        let totals = vec![Totals::default(); setup.barriers.len()];
        let liking = chance.between(0.94, 1.04);
        CarPark { setup, totals, liking, chance, state: None }
    }

    fn wanted(&self, local: Local) -> f64 {
        self.setup.habit.at(local) * self.liking * f64::from(self.setup.capacity)
    }

    fn is_open_at(&self, local: Local) -> bool {
        self.setup.hours.is_none_or(|(opens, closes)| (opens..closes).contains(&local.hour))
    }

    fn report_every(&self) -> i64 {
        if self.setup.barriers.is_empty() { COUNTER_REPORT } else { REPORT }
    }

    fn begin(&self, at: i64, local: Local) -> State {
        let wanted = round(self.wanted(local)).clamp(0, i64::from(self.setup.capacity));
        State {
            occupied: u32::try_from(wanted).unwrap_or(0),
            open: self.is_open_at(local),
            passage: None,
            next_report: at,
            next_totals: at,
        }
    }

    fn say_totals(&self, said: &mut Vec<Said>) {
        for (device, totals) in self.setup.barriers.iter().zip(&self.totals) {
            let value = Value::Totals { entries: totals.entries, exits: totals.exits };
            said.push(Said::now(*device, value));
        }
    }

    fn say_state(&self, state: &State, said: &mut Vec<Said>) {
        if self.setup.hours.is_some() {
            said.push(Said::now(self.setup.counter, Value::Opening { open: state.open }));
        }
        let occupied_spaces = i32::try_from(state.occupied).unwrap_or(i32::MAX);
        said.push(Said::now(self.setup.counter, Value::Occupancy { occupied_spaces }));
    }

    /// One vehicle passes, unless there is no space, no vehicle or no way in.
    fn pass(&mut self, state: &mut State, inward: bool, said: &mut Vec<Said>) {
        if inward {
            if !state.open || state.occupied >= self.setup.capacity {
                return;
            }
            state.occupied += 1;
        } else {
            if state.occupied == 0 {
                return;
            }
            state.occupied -= 1;
        }
        let lane = self.chance.pick(self.totals.len());
        if let (Some(device), Some(totals)) = (self.setup.barriers.get(lane), self.totals.get_mut(lane)) {
            let total = if inward { &mut totals.entries } else { &mut totals.exits };
            *total = total.wrapping_add(1);
            said.push(Said::now(*device, Value::Passage { inward, vehicles: 1 }));
        }
    }

    /// Draws the next passage from the present rates: turnover at the habit's level, and what leads back to it.
    fn draw(&mut self, state: &State, at: i64, local: Local) -> Option<(i64, bool)> {
        let wanted = self.wanted(local);
        let occupied = f64::from(state.occupied);
        let turnover = wanted.min(occupied.max(wanted * 0.2)) / self.setup.mean_stay_s;
        let correction = (wanted - occupied) / FOLLOW_S;
        let entries = if state.open { turnover + correction.max(0.0) } else { 0.0 };
        let exits = turnover + (-correction).max(0.0);
        let wait = self.chance.wait(entries + exits);
        let inward = self.chance.happens(entries / (entries + exits).max(1e-12));
        wait.filter(|w| *w <= LOOK).map(|w| (at + w, inward))
    }
}

impl Actor for CarPark {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let local = calendar.local(at);
        let mut state = self.state.take().unwrap_or_else(|| self.begin(at, local));
        let open = self.is_open_at(local);
        if open != state.open {
            state.open = open;
            said.push(Said::now(self.setup.counter, Value::Opening { open }));
        }
        if let Some((due, inward)) = state.passage
            && due <= at
        {
            self.pass(&mut state, inward, said);
        }
        if state.next_totals <= at || (state.next_report <= at && !self.totals.is_empty()) {
            state.next_totals = at + self.setup.totals_every;
            self.say_totals(said);
        }
        if state.next_report <= at {
            state.next_report = next_multiple(at, self.report_every());
            self.say_state(&state, said);
        }
        state.passage = self.draw(&state, at, local);
        let passage = state.passage.map_or(i64::MAX, |(due, _)| due);
        let next = passage.min(state.next_report).min(state.next_totals).min(at + LOOK);
        self.state = Some(state);
        next
    }

    fn truth(&self, truth: &mut BTreeMap<String, u32>) {
        if let Some(state) = &self.state {
            truth.insert(self.setup.id.clone(), state.occupied);
        }
    }
}

/// The next multiple of `step` after `at`.
pub(crate) fn next_multiple(at: i64, step: i64) -> i64 {
    (at.div_euclid(step) + 1) * step
}
