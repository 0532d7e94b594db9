//! A bay with a sensor: it says when it changes, and now and then that it lives.

use std::collections::BTreeMap;

use super::actor::{Actor, Said};
use super::calendar::{Calendar, Local};
use super::chance::Chance;
use super::demand::STREET;
use crate::time::{HOUR, MINUTE, SECOND, round};
use crate::wire::Value;

/// Demand is looked at again at least this often while a bay is free.
const LOOK: i64 = 10 * MINUTE;
/// A sensor reports at least this often, whatever its silence limit.
const HEARTBEAT: i64 = 3 * HOUR;

pub(crate) struct Bay {
    device: usize,
    facility: String,
    mean_stay_s: f64,
    heartbeat: i64,
    chance: Chance,
    state: Option<State>,
}

struct State {
    occupied: bool,
    since: i64,
    /// When a parked vehicle leaves.
    leaves_at: Option<i64>,
    /// When the next vehicle takes the free bay, if before the next look.
    taken_at: Option<i64>,
    next_heartbeat: i64,
}

impl Bay {
    pub(crate) fn new(
        device: usize,
        facility: String,
        bay_use: &str,
        silent_after: i64,
        chance: Chance,
    ) -> Bay {
        let mean_stay_s = 60.0
            * match bay_use {
                "short-stay" => 20.0,
                "loading" => 12.0,
                "accessible" => 95.0,
                "charging" => 130.0,
                _ => 75.0,
            };
        // Two heartbeats may be lost before a sensor counts as silent.
        let heartbeat = (silent_after * 3 / 10).clamp(30 * SECOND, HEARTBEAT);
        Bay { device, facility, mean_stay_s, heartbeat, chance, state: None }
    }

    fn stay(&mut self) -> i64 {
        round(self.chance.log_normal(self.mean_stay_s, 0.7) * 1e6).clamp(90 * SECOND, 36 * HOUR)
    }

    /// When the free bay is taken: the emptier the street, the longer it waits.
    fn wait_for_vehicle(&mut self, local: Local) -> Option<i64> {
        let level = STREET.at(local).clamp(0.02, 0.96);
        let mean_free_s = self.mean_stay_s * (1.0 - level) / level;
        self.chance.wait(1.0 / mean_free_s).filter(|w| *w <= LOOK).map(|w| w.max(20 * SECOND))
    }

    fn say(&self, occupied: bool, heartbeat: bool, previous: i64) -> Said {
        let previous_minutes = u32::try_from(previous / MINUTE).unwrap_or(0);
        Said::now(self.device, Value::Bay { occupied, heartbeat, previous_minutes })
    }

    fn begin(&mut self, at: i64, local: Local) -> State {
        let occupied = self.chance.happens(STREET.at(local));
        let leaves_at = if occupied {
            let stay = self.stay();
            let left = round(stay as f64 * self.chance.unit());
            Some(at + left)
        } else {
            None
        };
        let first_heartbeat = round(self.heartbeat as f64 * self.chance.between(0.5, 1.0));
        State { occupied, since: at, leaves_at, taken_at: None, next_heartbeat: at + first_heartbeat }
    }
}

impl Actor for Bay {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let local = calendar.local(at);
        let mut state = match self.state.take() {
            Some(state) => state,
            None => {
                let state = self.begin(at, local);
                said.push(self.say(state.occupied, true, 0));
                state
            }
        };
        let leaves = state.leaves_at.is_some_and(|t| t <= at);
        let taken = state.taken_at.is_some_and(|t| t <= at);
        if leaves || taken {
            state.occupied = taken;
            state.leaves_at = if taken { Some(at + self.stay()) } else { None };
            state.taken_at = None;
            said.push(self.say(state.occupied, false, at - state.since));
            state.since = at;
        }
        if state.next_heartbeat <= at {
            state.next_heartbeat = at + self.heartbeat;
            said.push(self.say(state.occupied, true, 0));
        }
        if !state.occupied {
            state.taken_at = self.wait_for_vehicle(local).map(|w| at + w);
        }
        let change = state.leaves_at.or(state.taken_at).unwrap_or(at + LOOK);
        let next = change.min(state.next_heartbeat);
        self.state = Some(state);
        next
    }

    fn truth(&self, truth: &mut BTreeMap<String, u32>) {
        if let Some(state) = &self.state {
            *truth.entry(self.facility.clone()).or_insert(0) += u32::from(state.occupied);
        }
    }
}
