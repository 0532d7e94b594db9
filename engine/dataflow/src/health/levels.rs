//! The level that a figure returns to each day: is it the same extreme again and again, does it walk away?

use super::{Micros, hours};

/// One side of the day: its highest or its lowest figure.
#[derive(Clone, Debug)]
pub(crate) struct Extreme {
    /// +1 the highest, -1 the lowest.
    sign: i32,
    /// Of the day under way.
    today: Option<i32>,
    /// Hours of the day under way at exactly that value.
    dwell_h: f32,
    yesterday: Option<i32>,
    /// Days in a row with the same extreme and a long dwell there, the first not counted.
    repeats: u32,
    /// Learnt probability that a day's extreme is that of the day before.
    repeat_share: f32,
    /// Learnt mean dwell, hours.
    dwell_mean_h: f32,
    /// By class of days: reference level, mean deviation from it, days seen.
    reference: [(f32, f32, u32); 3],
    /// Sum of deviations, in mean deviations: upwards, downwards.
    up: f32,
    down: f32,
    /// Learnt days.
    days: u32,
}

/// What a day's extreme says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DayVerdict {
    /// Hours at the same extreme, and the limit that it broke.
    pub(crate) clamped: Option<(f32, f32)>,
    /// The day's extreme was another than the last, or was left soon: a clamp would be over.
    pub(crate) moved: bool,
    /// Spaces away from the level of weeks, and the usual deviation.
    pub(crate) drifted: Option<(f32, f32)>,
    /// Within the usual of the level of weeks.
    pub(crate) level: bool,
}

/// Bounds of the day's rules, from [`super::FigureRules`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct LevelBounds {
    pub(crate) repeat_nats: f32,
    pub(crate) dwell_times: f32,
    pub(crate) dwell_least_h: f32,
    pub(crate) drift_slack: f32,
    pub(crate) drift_limit: f32,
    /// Deviations below this many spaces are noise.
    pub(crate) spread_least: f32,
    /// With a usual deviation above this many spaces there is no level to drift from.
    pub(crate) spread_most: f32,
    pub(crate) days_least: u32,
}

impl Extreme {
    pub(crate) fn new(sign: i32) -> Self {
        Extreme {
            sign,
            today: None,
            dwell_h: 0.0,
            yesterday: None,
            repeats: 0,
            repeat_share: 0.1,
            dwell_mean_h: 2.0,
            reference: [(0.0, 0.0, 0); 3],
            up: 0.0,
            down: 0.0,
            days: 0,
        }
    }

    /// Whether `value` is the extreme so far today and was yesterday's.
    pub(crate) fn is_at(&self, value: i32) -> bool {
        self.today == Some(value) && self.yesterday == Some(value)
    }

    /// `value` held for `span` before now.
    pub(crate) fn observe(&mut self, value: i32, span: Micros) {
        match self.today {
            Some(today) if today == value => self.dwell_h += hours(span),
            Some(today) if (value - today).signum() != self.sign => {}
            _ => {
                self.today = Some(value);
                self.dwell_h = 0.0;
            }
        }
    }

    /// Ends the day. `judge` is false for days of which too little was seen.
    pub(crate) fn close_day(&mut self, class: usize, judge: bool, bounds: &LevelBounds) -> DayVerdict {
        let mut verdict = DayVerdict::default();
        let (today, dwell_h) = (self.today.take(), std::mem::take(&mut self.dwell_h));
        let Some(today) = today.filter(|_| judge) else { return verdict };
        let same = self.yesterday == Some(today) && dwell_h >= bounds.dwell_least_h;
        self.repeats = if same { self.repeats + 1 } else { 0 };
        verdict.moved = !same;
        let nats = -self.repeat_share.clamp(0.02, 0.98).ln() * self.repeats as f32;
        let dwell_limit_h = (self.dwell_mean_h * bounds.dwell_times).max(bounds.dwell_least_h);
        if self.repeats >= 1 && self.days >= bounds.days_least {
            let long = dwell_h > dwell_limit_h && self.repeats >= 2 && nats > bounds.repeat_nats / 3.0;
            if nats > bounds.repeat_nats || long {
                verdict.clamped = Some((dwell_h, dwell_limit_h));
            }
        }
        // Slowly, so that a clamp of a week does not become normal within it.
        let weight = 1.0 / (self.days as f32 + 4.0).min(40.0);
        self.repeat_share += (f32::from(u8::from(same)) - self.repeat_share) * weight;
        self.dwell_mean_h += (dwell_h.min(dwell_limit_h * 1.5) - self.dwell_mean_h) * weight;
        self.yesterday = Some(today);
        self.days = self.days.saturating_add(1);
        self.drift(class, today as f32, bounds, &mut verdict);
        verdict
    }

    /// A two-sided cumulative sum of the day's deviations from the level of weeks.
    fn drift(&mut self, class: usize, today: f32, bounds: &LevelBounds, verdict: &mut DayVerdict) {
        let Some((level, spread, days)) = self.reference.get_mut(class) else { return };
        let least = if class == 0 { 5 } else { 2 };
        if *days == 0 {
            *level = today;
        }
        let off = today - *level;
        let usual = spread.max(bounds.spread_least);
        let known = *days >= least && self.days >= bounds.days_least;
        if known && usual <= bounds.spread_most {
            let z = (off / usual).clamp(-4.0, 4.0);
            self.up = (self.up + z - bounds.drift_slack).clamp(0.0, bounds.drift_limit * 1.5);
            self.down = (self.down - z - bounds.drift_slack).clamp(0.0, bounds.drift_limit * 1.5);
            if self.up.max(self.down) > bounds.drift_limit {
                verdict.drifted = Some((off, usual));
            }
            verdict.level = off.abs() <= 2.0 * usual;
        }
        // While it is young it averages; later it follows over about a month, slower than a drift that matters.
        let weight = (1.0 / (*days as f32 + 1.0)).max(if class == 0 { 0.03 } else { 0.1 });
        *level += off * weight;
        if *days > 0 {
            *spread +=
                (off.abs().min(4.0 * usual) - *spread) * weight.min(0.1).max(1.0 / (*days as f32 + 1.0));
        }
        *days = days.saturating_add(1);
    }

    /// Somebody recounted: what was summed up no longer holds.
    pub(crate) fn recounted(&mut self) {
        (self.up, self.down) = (0.0, 0.0);
    }
}
