//! Runs without change, bounds, and what recovers by time.

use super::*;
use crate::health::DAY;

impl FigureHealth {
    /// Forgets the run under way: what happened meanwhile says nothing of the sensor.
    pub(super) fn restart_run(&mut self, at: Micros) {
        let last = self.last.map_or(at, |l| l.0);
        self.run.restart(last.max(self.run.since));
        self.bound_run.restart(last.max(self.bound_run.since));
        self.advanced_to = self.advanced_to.max(at);
    }

    pub(super) fn at_bound(&self, value: i32) -> bool {
        value <= 0 || i64::from(value) >= i64::from(self.capacity)
    }

    /// At 0 or at capacity, or so near that hardly anybody is left to leave, or hardly a space to take.
    pub(super) fn near_bound(&self, value: i32, rules: &FigureRules) -> bool {
        let near = self.capacity as f32 * rules.bound_share;
        let (value, capacity) = (value as f32, self.capacity as f32);
        value <= near || value >= capacity - near
    }

    fn run_limit(&self, at_bound: bool, rules: &FigureRules) -> f32 {
        let times = if at_bound { rules.bound_times } else { 1.0 };
        let run = if at_bound { &self.bound_run } else { &self.run };
        run.limit(rules.stuck_nats * times, rules.stuck_margin, rules.stuck_nats_most * times)
    }

    /// Sums the run of a source that tells changes alone, up to now.
    pub(super) fn advance_run(&mut self, now: Micros, hour_of_week: u8, alive: bool, rules: &FigureRules) {
        let span = now.saturating_sub(self.advanced_to);
        if span <= 0 {
            return;
        }
        self.advanced_to = now;
        if !alive || !self.open || span > rules.gap {
            return;
        }
        let exposure = hours(span);
        let nats = self.rates.surprise(hour_of_week, exposure);
        let expected = self.rates.rate(hour_of_week) * exposure;
        // Hours of a run that is a fault teach nothing.
        if !self.alarms.stands(Rule::Stuck) && !self.alarms.stands(Rule::Clamped) {
            self.rates.learn(hour_of_week, 0.0, exposure);
        }
        self.lengthen(now, nats, expected, rules);
    }

    fn lengthen(&mut self, now: Micros, nats: f32, expected: f32, rules: &FigureRules) {
        let Some((_, value)) = self.last else { return };
        let at_bound = self.near_bound(value, rules);
        let limit = self.run_limit(at_bound, rules);
        let run = if at_bound { &mut self.bound_run } else { &mut self.run };
        run.lengthen(nats, expected);
        let (nats, since) = (run.nats, run.since);
        if nats > limit && now.saturating_sub(since) >= rules.stuck_least && self.learnt(now, rules) {
            let extreme = at_bound || self.high.is_at(value) || self.low.is_at(value);
            let standing = self.alarms.stands(Rule::Stuck) || self.alarms.stands(Rule::Clamped);
            let rule = if extreme { Rule::Clamped } else { Rule::Stuck };
            if !standing {
                self.alarms.raise(rule, State::Failed, since, nats, limit);
            }
        }
    }

    /// Takes a reading into the run.
    pub(super) fn watch_run(
        &mut self,
        at: Micros,
        hour_of_week: u8,
        last: i32,
        value: i32,
        near: bool,
        rules: &FigureRules,
    ) {
        let changed = value != last;
        let faulty = self.alarms.stands(Rule::Stuck) || self.alarms.stands(Rule::Clamped);
        match self.reporting {
            Reporting::ChangesOnly => {
                self.advance_run(at, hour_of_week, !self.interrupted, rules);
                if changed && self.open {
                    self.rates.learn(hour_of_week, 1.0, 0.0);
                }
            }
            Reporting::Repeated if near && self.open => {
                let (nats, expected) =
                    (self.rates.surprise(hour_of_week, 1.0), self.rates.rate(hour_of_week));
                if changed || !faulty {
                    self.rates.learn(hour_of_week, f32::from(u8::from(changed)), 1.0);
                }
                if !changed {
                    self.lengthen(at, nats, expected, rules);
                }
            }
            Reporting::Repeated => {}
        }
        if changed {
            let (limit, bound_limit) = (self.run_limit(false, rules), self.run_limit(true, rules));
            let expected = match self.reporting {
                Reporting::Repeated => self.rates.rate(hour_of_week),
                Reporting::ChangesOnly => 0.0,
            };
            if self.near_bound(last, rules) {
                self.bound_run.end(at, expected, bound_limit);
                self.run.restart(at);
            } else {
                self.run.end(at, expected, limit);
                self.bound_run.restart(at);
            }
            // One change proves that it is not frozen.
            self.alarms.clear(Rule::Stuck, at);
            if !self.clamp_daily {
                self.alarms.clear(Rule::Clamped, at);
            }
        }
    }

    /// Outside 0..=capacity: a count that has drifted, however it is clipped later.
    pub(super) fn watch_bounds(&mut self, at: Micros, value: i32, rules: &FigureRules) {
        let capacity = i64::from(self.capacity);
        let over = i64::from(value) - i64::from(value).clamp(0, capacity);
        let slack = (self.capacity as f32 * rules.outside_share).max(3.0);
        if over.unsigned_abs() as f32 > slack {
            self.outside_at = at;
            let since = *self.outside_since.get_or_insert(at);
            if at.saturating_sub(since) >= HOUR {
                self.alarms.raise(Rule::OutOfBounds, State::Suspect, since, over as f32, slack);
            }
        } else {
            self.outside_since = None;
            // It goes on hovering there: one alarm, not one an hour.
            if at.saturating_sub(self.outside_at) >= DAY {
                self.alarms.clear(Rule::OutOfBounds, at);
            }
        }
    }

    /// Ends what time alone ends.
    pub(super) fn recover(&mut self, now: Micros, rules: &FigureRules) {
        if now.saturating_sub(self.spiked_at) > rules.spike_hold {
            self.spikes = 0;
            self.alarms.clear(Rule::Spiking, now);
        }
        for rule in [Rule::Reset, Rule::MidnightJump] {
            if self.alarms.since(rule).is_some_and(|since| now.saturating_sub(since) > rules.reset_hold) {
                self.alarms.clear(rule, now);
            }
        }
    }
}
