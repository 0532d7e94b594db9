//! A car park: vehicles come and go after its habit; barriers or a counter say so.
//!
//! Who wants in, and when, is the same whatever signs say. Of these, drivers who heed a sign may be parked elsewhere, and in their
//! places others are here whom signs have sent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::actor::{Actor, Said};
use super::calendar::{Calendar, Local};
use super::chance::Chance;
use super::demand::Habit;
use super::guided::Guided;
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
    signs: Option<Signs>,
    state: Option<State>,
}

/// Drivers who read signs, with a chance of their own: what they do changes nothing of what others would.
struct Signs {
    guided: Arc<Guided>,
    chance: Chance,
}

/// A barrier's running totals.
#[derive(Clone, Copy, Default)]
struct Totals {
    entries: u32,
    exits: u32,
}

struct State {
    /// Vehicles that would be inside if nobody heeded signs.
    usual: u32,
    /// Of these, the ones that are not: their drivers went elsewhere, or found it full.
    absent: u32,
    /// When those leave who are inside beside them.
    guests: BinaryHeap<Reverse<i64>>,
    /// When the usual ones act next.
    usual_next: i64,
    open: bool,
    /// The next passage's instant, and whether it is an entry.
    passage: Option<(i64, bool)>,
    next_report: i64,
    next_totals: i64,
}

impl State {
    fn occupied(&self) -> u32 {
        let guests = u32::try_from(self.guests.len()).unwrap_or(u32::MAX);
        (self.usual - self.absent.min(self.usual)).saturating_add(guests)
    }
}

impl CarPark {
    pub(crate) fn new(setup: Setup, mut chance: Chance) -> CarPark {
        let totals = vec![Totals::default(); setup.barriers.len()];
        let liking = chance.between(0.94, 1.04);
        CarPark { setup, totals, liking, chance, signs: None, state: None }
    }

    /// The same with drivers who read signs.
    pub(crate) fn with_signs(mut self, guided: Arc<Guided>, chance: Chance) -> CarPark {
        self.signs = Some(Signs { guided, chance });
        self
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
            usual: u32::try_from(wanted).unwrap_or(0),
            absent: 0,
            guests: BinaryHeap::new(),
            usual_next: at,
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
        let occupied_spaces = i32::try_from(state.occupied()).unwrap_or(i32::MAX);
        said.push(Said::now(self.setup.counter, Value::Occupancy { occupied_spaces }));
    }

    /// Somebody wants in.
    fn comes(&mut self, state: &mut State, at: i64, said: &mut Vec<Said>) {
        if !state.open {
            return;
        }
        let goes_on = !self
            .signs
            .as_mut()
            .is_some_and(|signs| signs.guided.drives_elsewhere(&self.setup.id, at, &mut signs.chance));
        let enters = goes_on && state.occupied() < self.setup.capacity;
        if state.usual < self.setup.capacity {
            state.usual += 1;
            let lane = self.chance.pick(self.totals.len());
            if enters {
                self.passes(lane, true, said);
            } else {
                state.absent += 1;
            }
        } else if enters {
            // Somebody has left the space to this one.
            self.enters_as_guest(state, at, said);
        }
    }

    /// Somebody's stay is over.
    fn goes(&mut self, state: &mut State, said: &mut Vec<Said>) {
        if state.usual == 0 {
            return;
        }
        let lane = self.chance.pick(self.totals.len());
        // One of those who are parked elsewhere as likely as any other.
        let absent = f64::from(state.absent) / f64::from(state.usual);
        let is_absent = self.signs.as_mut().is_some_and(|signs| signs.chance.happens(absent));
        state.usual -= 1;
        if is_absent {
            state.absent -= 1;
        } else {
            self.passes(lane, false, said);
        }
    }

    /// Whom signs have sent comes and goes.
    fn guests(&mut self, state: &mut State, at: i64, said: &mut Vec<Said>) {
        while state.guests.peek().is_some_and(|Reverse(leaves)| *leaves <= at) {
            state.guests.pop();
            let lane = self.lane_of_guest();
            self.passes(lane, false, said);
        }
        let arrived = self.signs.as_ref().map_or(0, |signs| signs.guided.arrived(&self.setup.id, at));
        for _ in 0..arrived {
            if state.open && state.occupied() < self.setup.capacity {
                self.enters_as_guest(state, at, said);
            } else if let Some(signs) = &self.signs {
                signs.guided.in_vain();
            }
        }
    }

    fn enters_as_guest(&mut self, state: &mut State, at: i64, said: &mut Vec<Said>) {
        let stay = self.signs.as_mut().and_then(|signs| signs.chance.wait(1.0 / self.setup.mean_stay_s));
        state.guests.push(Reverse(at.saturating_add(stay.unwrap_or(MINUTE))));
        let lane = self.lane_of_guest();
        self.passes(lane, true, said);
    }

    fn lane_of_guest(&mut self) -> usize {
        let lanes = self.totals.len();
        self.signs.as_mut().map_or(0, |signs| signs.chance.pick(lanes))
    }

    /// One vehicle passes a barrier; a counter does not tell it.
    fn passes(&mut self, lane: usize, inward: bool, said: &mut Vec<Said>) {
        if let (Some(device), Some(totals)) = (self.setup.barriers.get(lane), self.totals.get_mut(lane)) {
            let total = if inward { &mut totals.entries } else { &mut totals.exits };
            *total = total.wrapping_add(1);
            said.push(Said::now(*device, Value::Passage { inward, vehicles: 1 }));
        }
    }

    /// Draws the next passage from the present rates: turnover at the habit's level, and what leads back to it.
    fn draw(&mut self, state: &State, at: i64, local: Local) -> Option<(i64, bool)> {
        let wanted = self.wanted(local);
        let occupied = f64::from(state.usual);
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
        self.guests(&mut state, at, said);
        if state.usual_next <= at {
            state.usual_next = self.act_as_usual(&mut state, at, local, said);
        }
        let leaves = state.guests.peek().map_or(i64::MAX, |Reverse(leaves)| *leaves);
        let comes = self.signs.as_ref().and_then(|signs| signs.guided.next(&self.setup.id));
        let next = state.usual_next.min(leaves).min(comes.unwrap_or(i64::MAX));
        self.state = Some(state);
        next
    }

    fn truth(&self, truth: &mut BTreeMap<String, u32>) {
        if let Some(state) = &self.state {
            truth.insert(self.setup.id.clone(), state.occupied());
        }
    }
}

impl CarPark {
    /// What happens whether or not signs send anybody; returns when it goes on.
    fn act_as_usual(&mut self, state: &mut State, at: i64, local: Local, said: &mut Vec<Said>) -> i64 {
        let open = self.is_open_at(local);
        if open != state.open {
            state.open = open;
            said.push(Said::now(self.setup.counter, Value::Opening { open }));
        }
        match state.passage {
            Some((due, true)) if due <= at => self.comes(state, at, said),
            Some((due, false)) if due <= at => self.goes(state, said),
            _ => {}
        }
        if state.next_totals <= at || (state.next_report <= at && !self.totals.is_empty()) {
            state.next_totals = at + self.setup.totals_every;
            self.say_totals(said);
        }
        if state.next_report <= at {
            state.next_report = next_multiple(at, self.report_every());
            self.say_state(state, said);
        }
        state.passage = self.draw(state, at, local);
        let passage = state.passage.map_or(i64::MAX, |(due, _)| due);
        passage.min(state.next_report).min(state.next_totals).min(at + LOOK)
    }
}

/// The next multiple of `step` after `at`.
pub(crate) fn next_multiple(at: i64, step: i64) -> i64 {
    (at.div_euclid(step) + 1) * step
}
