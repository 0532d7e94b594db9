//! A bay's sensor: occupied or free, with heartbeats.
//!
//! A city may have 200,000 bays, hence 64 bytes a bay and no table of hours: a bay's own past is one rate of changes.

use super::{BayRules, Detail, Health, Micros, Rule, State, hours};

const NEVER: Micros = i64::MIN;

/// The health of a bay's sensor, in 56 bytes.
#[derive(Clone, Copy, Debug)]
pub struct BayHealth {
    heard_at: Micros,
    changed_at: Micros,
    /// Since when the present state holds.
    since: Micros,
    /// When chattering last broke its limit.
    chattered_at: Micros,
    /// Changes that have not leaked away yet.
    bucket: f32,
    /// Mean time between changes, hours; slow, so that a quiet week is not normal at once.
    mean_h: f32,
    /// Longest time without a change, hours, while it was well; slowly forgotten.
    longest_h: f32,
    /// Changes seen, up to the maximum.
    changes: u16,
    occupied: Option<bool>,
    state: State,
    rule: Option<Rule>,
}

impl Default for BayHealth {
    fn default() -> Self {
        BayHealth {
            heard_at: NEVER,
            changed_at: NEVER,
            since: NEVER,
            chattered_at: NEVER,
            bucket: 0.0,
            mean_h: 0.0,
            longest_h: 0.0,
            changes: 0,
            occupied: None,
            state: State::Healthy,
            rule: None,
        }
    }
}

impl BayHealth {
    /// The bay's state as observed `at`; repeats of the same state are heartbeats. Older than the newest: ignored.
    pub fn observe(&mut self, at: Micros, occupied: bool, rules: &BayRules) {
        if at < self.heard_at {
            return;
        }
        if self.heard_at == NEVER {
            (self.changed_at, self.since) = (at, at);
        }
        self.heard_at = at;
        if self.occupied.replace(occupied).is_some_and(|old| old != occupied) {
            self.change(at, rules);
        }
        self.judge(at, rules);
    }

    /// A message without a state (battery, start-up, `unsure`): the device lives.
    pub fn alive(&mut self, at: Micros, rules: &BayRules) {
        if at < self.heard_at {
            return;
        }
        if self.heard_at == NEVER {
            (self.changed_at, self.since) = (at, at);
        }
        self.heard_at = at;
        self.judge(at, rules);
    }

    /// Time passes.
    pub fn on_clock(&mut self, now: Micros, rules: &BayRules) {
        if self.heard_at != NEVER {
            self.judge(now, rules);
        }
    }

    /// From now on the bay can be heard: silence before is not its own (the engine was not there to hear it).
    pub fn awake(&mut self, at: Micros) {
        if self.heard_at == NEVER {
            (self.changed_at, self.since) = (at, at);
        }
        if self.rule != Some(Rule::Silent) {
            self.heard_at = self.heard_at.max(at);
        }
    }

    /// The next instant at which time alone changes the state, for a queue of due bays.
    #[must_use]
    pub fn due(&self, rules: &BayRules) -> Option<Micros> {
        let silent = (self.heard_at != NEVER && self.rule != Some(Rule::Silent))
            .then(|| self.heard_at.saturating_add(rules.silent_after));
        let calm = (self.rule == Some(Rule::Chattering))
            .then(|| self.chattered_at.saturating_add(rules.chatter_calm));
        match (silent, calm) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }

    fn change(&mut self, at: Micros, rules: &BayRules) {
        let gap = at.saturating_sub(self.changed_at);
        let leak = rules.chatter_changes * gap as f32 / rules.chatter_window.max(1) as f32;
        self.bucket = (self.bucket - leak).max(0.0) + 1.0;
        if self.bucket > rules.chatter_changes {
            self.chattered_at = at;
            self.bucket = self.bucket.min(rules.chatter_changes + 1.0);
        }
        // What chatters teaches nothing of how often cars come.
        if self.rule != Some(Rule::Chattering) && self.bucket <= rules.chatter_changes / 2.0 {
            // Nor does all of a standstill that was a fault: it lifts the limit by half at most.
            let (_, limit_h) = self.stuck(at, rules);
            let gap_h = hours(gap).min(0.75 * limit_h);
            self.longest_h = (self.longest_h * 0.998).max(gap_h);
            self.changes = self.changes.saturating_add(1);
            let weight = 1.0 / f32::from(self.changes.min(200));
            self.mean_h += (gap_h - self.mean_h) * weight;
        }
        self.changed_at = at;
    }

    fn judge(&mut self, now: Micros, rules: &BayRules) {
        let silent = now.saturating_sub(self.heard_at) > rules.silent_after;
        let chattering =
            self.chattered_at != NEVER && now.saturating_sub(self.chattered_at) < rules.chatter_calm;
        let (stuck_h, limit_h) = self.stuck(now, rules);
        let (state, rule, since) = if silent {
            (State::Failed, Some(Rule::Silent), self.heard_at)
        } else if chattering {
            (State::Failed, Some(Rule::Chattering), self.chattered_at)
        } else if stuck_h > 2.0 * limit_h {
            (State::Failed, Some(Rule::Stuck), self.changed_at)
        } else if stuck_h > limit_h {
            (State::Suspect, Some(Rule::Stuck), self.changed_at)
        } else {
            (State::Healthy, None, now)
        };
        if rule != self.rule {
            self.since = since;
        }
        (self.state, self.rule) = (state, rule);
    }

    /// Hours without a change, and how many are a fault: infinite while its past is too short.
    fn stuck(&self, now: Micros, rules: &BayRules) -> (f32, f32) {
        let known = u32::from(self.changes) >= rules.learnt_changes;
        let limit =
            (self.mean_h * rules.stuck_changes).max(self.longest_h * 2.0).max(hours(rules.stuck_least));
        (hours(now.saturating_sub(self.changed_at)), if known { limit } else { f32::INFINITY })
    }

    /// Its state and the rule behind it, as of the last reading or clock.
    pub(crate) fn verdict(&self) -> (State, Option<Rule>) {
        (self.state, self.rule)
    }

    /// Its health at `now`; the state is that of the last reading or clock, the figures are of `now`.
    #[must_use]
    pub fn state(&self, now: Micros, rules: &BayRules) -> Health {
        let (stuck_h, limit_h) = self.stuck(now, rules);
        let (seen, limit) = match self.rule {
            Some(Rule::Silent) => (hours(now.saturating_sub(self.heard_at)), hours(rules.silent_after)),
            Some(Rule::Chattering) => (self.bucket, rules.chatter_changes),
            Some(Rule::Stuck) => (stuck_h, limit_h),
            _ => (0.0, 0.0),
        };
        let since = (self.since != NEVER).then_some(self.since);
        Health { state: self.state, rule: self.rule, since, detail: Detail { seen, limit } }
    }
}

const _: () = assert!(size_of::<BayHealth>() <= 64, "200,000 bays must fit in a few megabytes");
