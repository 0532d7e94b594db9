//! The end of a local day: levels, repeated extremes, and what is forgotten.

use super::*;
use crate::health::DAY;
use crate::health::levels::{DayVerdict, LevelBounds};
use crate::health::rates::day_class;

impl FigureHealth {
    /// Ends the day when the local one has turned.
    pub(super) fn turn_day(&mut self, at: Micros, hour_of_week: u8, rules: &FigureRules) {
        let today = hour_of_week / 24;
        let Some(yesterday) = self.day.replace(today).filter(|day| *day != today) else { return };
        let class = day_class(yesterday * 24);
        self.run.forget();
        self.bound_run.forget();
        self.steps.forget();
        let capacity = self.capacity as f32;
        let bounds = LevelBounds {
            repeat_nats: rules.repeat_nats,
            dwell_times: rules.dwell_times,
            dwell_least_h: rules.dwell_least_h,
            drift_slack: rules.drift_slack,
            drift_limit: rules.drift_limit,
            spread_least: (capacity * rules.spread_least_share).max(2.0),
            spread_most: (capacity * rules.spread_most_share).max(4.0),
            days_least: rules.learnt_days,
        };
        let judge = std::mem::take(&mut self.seen_h) >= 6.0;
        let high = self.high.close_day(class, judge, &bounds);
        let low = self.low.close_day(class, judge, &bounds);
        if judge {
            self.judge_day(at, high, low);
        }
    }

    fn judge_day(&mut self, at: Micros, high: DayVerdict, low: DayVerdict) {
        if let Some((seen, limit)) = high.clamped.or(low.clamped) {
            self.moved_days = 0;
            self.clamp_daily = true;
            self.alarms.raise(Rule::Clamped, State::Suspect, at.saturating_sub(DAY), seen, limit);
        }
        if let Some((seen, limit)) = high.drifted.or(low.drifted) {
            self.level_days = 0;
            self.alarms.raise(Rule::Drift, State::Suspect, at, seen, limit);
        } else if high.level || low.level {
            self.level_days = self.level_days.saturating_add(1);
            if self.level_days >= 3 {
                self.alarms.clear(Rule::Drift, at);
            }
        }
        if high.moved && low.moved {
            self.moved_days = self.moved_days.saturating_add(1);
            if self.clamp_daily && self.moved_days >= 2 {
                self.clamp_daily = false;
                self.alarms.clear(Rule::Clamped, at);
            }
        }
    }
}
