//! Steps: spikes, resets, midnight jumps.

use super::*;
use crate::health::MINUTE;
use crate::health::steps::StepBounds;

impl FigureHealth {
    pub(super) fn watch_step(
        &mut self,
        at: Micros,
        hour_of_week: u8,
        (last_at, last): (Micros, i32),
        value: i32,
        (judged, gap): (bool, bool),
        rules: &FigureRules,
    ) {
        self.recover(at, rules);
        let step = value.saturating_sub(last) as f32;
        if self.returned(at, value, rules) {
            return;
        }
        let capacity = self.capacity as f32;
        // Noise of arrivals grows like the root of time; vehicles that really come, like time.
        let spans = match self.reporting {
            Reporting::Repeated => {
                ((at.saturating_sub(last_at)) as f32 / (5.0 * MINUTE as f32)).clamp(1.0, 12.0)
            }
            // Up to just now it stood where it was.
            Reporting::ChangesOnly => 1.0,
        };
        let least = (capacity * rules.step_share).max(rules.step_spaces);
        let floor = least * spans.powf(0.3);
        let possible = rules.vehicles_a_minute * spans * 5.0;
        let bounds = StepBounds {
            floor,
            most: (capacity * rules.step_share_most).max(possible).max(floor),
            times: rules.step_times,
            margin: rules.step_margin,
            least: rules.learnt_steps,
            habit: rules.bound_habit,
        };
        let beyond = if judged {
            self.steps
                .take(hour_of_week, step, self.bound_of(last, value), &bounds)
                .map(|limit| (step.abs(), limit))
        } else if gap {
            self.steps.after_gap(hour_of_week, value as f32, rules.gap_times, 2.0 * least)
        } else {
            None
        };
        self.steps.learn_level(hour_of_week, value as f32);
        let Some((step, limit)) = beyond.filter(|_| self.learnt(at, rules)) else { return };
        // Away again from the bound that it had jumped to, or back to where it was: that jump is over.
        if let Some(from) = self.jumped_from
            && (self.at_bound(last)
                || (i64::from(value) - i64::from(from)).unsigned_abs() as f32 <= step * rules.spike_back)
            && (self.alarms.stands(Rule::Reset) || self.alarms.stands(Rule::MidnightJump))
        {
            self.alarms.clear(Rule::Reset, at);
            self.alarms.clear(Rule::MidnightJump, at);
            (self.jump, self.jumped_from) = (None, None);
            return;
        }
        self.jumped_from = Some(last);
        let into_hour = at.rem_euclid(HOUR);
        let midnight = match hour_of_week % 24 {
            0 => into_hour <= rules.midnight,
            23 => into_hour >= HOUR - rules.midnight,
            _ => false,
        };
        let rule = if midnight { Rule::MidnightJump } else { Rule::Reset };
        self.jump = Some(Jump { from: last, to: value, at, readings: 0, rule, limit });
        self.alarms.raise(rule, State::Suspect, at, step, limit);
    }

    /// Which of the four: to 0, from 0, to the capacity, from it.
    fn bound_of(&self, last: i32, value: i32) -> Option<usize> {
        let full = |v: i32| i64::from(v) >= i64::from(self.capacity);
        match () {
            () if value <= 0 => Some(0),
            () if last <= 0 => Some(1),
            () if full(value) => Some(2),
            () if full(last) => Some(3),
            () => None,
        }
    }

    /// Whether this reading ends a jump as a spike. A jump that stays fails the sensor.
    fn returned(&mut self, at: Micros, value: i32, rules: &FigureRules) -> bool {
        let Some(mut jump) = self.jump else { return false };
        jump.readings = jump.readings.saturating_add(1);
        let size = (i64::from(jump.to) - i64::from(jump.from)).unsigned_abs() as f32;
        let away = (i64::from(value) - i64::from(jump.from)).unsigned_abs() as f32;
        let in_time = jump.readings <= rules.spike_readings && at.saturating_sub(jump.at) <= rules.spike_for;
        if in_time && away <= size * rules.spike_back {
            self.jump = None;
            self.alarms.clear(jump.rule, at);
            self.spikes = self.spikes.saturating_add(1);
            self.spiked_at = at;
            let state = if self.spikes >= 3 { State::Failed } else { State::Suspect };
            self.alarms.raise(Rule::Spiking, state, jump.at, size, jump.limit);
            return true;
        }
        if in_time {
            self.jump = Some(jump);
        } else {
            self.jump = None;
            if self.alarms.stands(jump.rule) {
                self.alarms.raise(jump.rule, State::Failed, jump.at, size, jump.limit);
            }
        }
        false
    }
}
