//! Steps between consecutive readings: what is typical at an hour, and what is far beyond.

use super::rates::class_hour;

/// The mean of an hour, and the mean absolute deviation from it.
#[derive(Clone, Copy, Debug, Default)]
struct Usual {
    mean: f32,
    deviation: f32,
    /// How many it rests on, up to [`MEMORY`].
    n: f32,
}

impl Usual {
    /// Learns `x`, of whose deviation no more than `most` is believed.
    fn learn(&mut self, x: f32, most: f32) {
        self.n = (self.n + 1.0).min(MEMORY);
        let off = (x - self.mean).clamp(-most, most);
        self.mean += off / self.n;
        self.deviation += (off.abs() - self.deviation) / self.n;
    }
}

/// Typical steps and levels by hour of three classes of days, and the largest steps that were no faults. 2.1 kB.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// Signed steps, spaces: a car park that fills every morning steps as a rule.
    usual: [Usual; 72],
    /// Levels, spaces, for the first reading after a gap, which no step leads to.
    level: [Usual; 72],
    /// The two largest deviations of steps, spaces, slowly forgotten. The second counts: one fault, be it in the first
    /// days, spoils nothing.
    /// By three hours of the day: what happens at noon does not excuse midnight.
    largest: [[f32; 2]; 8],
    /// Large steps to 0, from 0, to the capacity, from it, by hour of the day, slowly forgotten: many sources say 0 of a
    /// closed facility.
    bound_habit: [[f32; 24]; 4],
    seen: u32,
}

/// A mean follows its last so many steps.
const MEMORY: f32 = 100.0;
/// Of the largest steps, so much is left after a day: half after about seven weeks.
const KEPT_A_DAY: f32 = 0.986;
/// Of the habit, so much is left after a day: half after four weeks.
const HABIT_KEPT_A_DAY: f32 = 0.976;

/// Which three hours of the day.
fn third(hour_of_week: u8) -> usize {
    usize::from(hour_of_week % 24 / 3)
}

/// How a step is judged, from [`super::FigureRules`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepBounds {
    /// Spaces below which no step is a fault.
    pub(crate) floor: f32,
    /// Spaces beyond which every step is judged, whatever the past.
    pub(crate) most: f32,
    /// See [`super::FigureRules::step_times`].
    pub(crate) times: f32,
    /// See [`super::FigureRules::step_margin`].
    pub(crate) margin: f32,
    /// See [`super::FigureRules::learnt_steps`].
    pub(crate) least: u32,
    /// See [`super::FigureRules::bound_habit`].
    pub(crate) habit: f32,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Steps {
            usual: [Usual::default(); 72],
            level: [Usual::default(); 72],
            largest: [[0.0; 2]; 8],
            bound_habit: [[0.0; 24]; 4],
            seen: 0,
        }
    }

    /// The largest usual deviation of the hour and its neighbours, spaces.
    fn deviation(&self, hour_of_week: u8) -> f32 {
        let before = hour_of_week.checked_sub(1).unwrap_or(167);
        let hours = [before, hour_of_week, (hour_of_week + 1) % 168];
        let of = |h: u8| self.usual.get(class_hour(h)).map_or(0.0, |u| u.deviation);
        hours.into_iter().map(of).fold(0.0, f32::max)
    }

    /// The deviation, spaces, beyond which a step is a fault.
    fn limit(&self, hour_of_week: u8, bounds: &StepBounds) -> f32 {
        let [_, second] = self.largest.get(third(hour_of_week)).copied().unwrap_or_default();
        let habit = bounds.margin * second.max(self.fourth_largest());
        let limit = (bounds.times * self.deviation(hour_of_week)).max(habit);
        limit.min(bounds.most).max(bounds.floor)
    }

    /// The fourth largest deviation of all hours: a source that leaps again and again, now here, now there, does so by
    /// habit.
    fn fourth_largest(&self) -> f32 {
        let mut largest = [0.0_f32; 4];
        for &step in self.largest.iter().flatten() {
            let mut step = step;
            for place in &mut largest {
                if step > *place {
                    std::mem::swap(&mut step, place);
                }
            }
        }
        let [.., fourth] = largest;
        fourth
    }

    /// Learns a step and gives the limit if it is beyond it. One beyond teaches half as much again as the limit, so that a
    /// single fault does not spoil the scale, and what keeps happening becomes normal. `bound`: which of the four it is.
    pub(crate) fn take(
        &mut self,
        hour_of_week: u8,
        step: f32,
        bound: Option<usize>,
        bounds: &StepBounds,
    ) -> Option<f32> {
        let limit = self.limit(hour_of_week, bounds);
        self.seen = self.seen.saturating_add(1);
        let known = self.seen > bounds.least;
        let hour = class_hour(hour_of_week);
        let usual = self.usual.get(hour).copied().unwrap_or_default();
        let off = (step - usual.mean).abs().min(step.abs());
        let beyond = off > limit;
        if beyond && let Some(bound) = bound {
            let habitual = self.is_habit(bound, hour_of_week, bounds.habit);
            if let Some(habit) = self.bound_habit.get_mut(bound).and_then(|h| h.get_mut(hour % 24)) {
                *habit = (*habit + 1.0).min(bounds.habit * 4.0);
            }
            return (known && !habitual).then_some(limit);
        }
        let learnt = if known { off.min(limit * 1.5 / bounds.margin.max(1.0)) } else { off };
        let [first, second] = self.largest.get_mut(third(hour_of_week))?;
        if learnt > *first {
            *second = std::mem::replace(first, learnt);
        } else if learnt > *second {
            *second = learnt;
        }
        if let Some(usual) = self.usual.get_mut(hour) {
            usual.learn(step, limit);
        }
        (known && beyond).then_some(limit)
    }

    /// It is a habit at this hour and its neighbours, or at any hour when it happens all day.
    fn is_habit(&self, bound: usize, hour_of_week: u8, habit: f32) -> bool {
        let Some(hours) = self.bound_habit.get(bound) else { return false };
        let hour = usize::from(hour_of_week % 24);
        let near = [(hour + 23) % 24, hour, (hour + 1) % 24];
        let near: f32 = near.into_iter().filter_map(|h| hours.get(h)).sum();
        near >= habit || hours.iter().sum::<f32>() >= habit * 6.0
    }

    /// The level of an hour: after a gap, how far `value` is from it and the limit, if it is beyond.
    pub(crate) fn after_gap(
        &self,
        hour_of_week: u8,
        value: f32,
        times: f32,
        floor: f32,
    ) -> Option<(f32, f32)> {
        let level = self.level.get(class_hour(hour_of_week)).copied().filter(|l| l.n >= 10.0)?;
        let (off, limit) = ((value - level.mean).abs(), (times * level.deviation).max(floor));
        (off > limit).then_some((off, limit))
    }

    /// Learns the level of an hour.
    pub(crate) fn learn_level(&mut self, hour_of_week: u8, value: f32) {
        if let Some(level) = self.level.get_mut(class_hour(hour_of_week)) {
            let most = if level.n < 10.0 { f32::INFINITY } else { 6.0 * level.deviation.max(2.0) };
            level.learn(value, most);
        }
    }

    /// A day has passed.
    pub(crate) fn forget(&mut self) {
        for step in self.largest.iter_mut().flatten() {
            *step *= KEPT_A_DAY;
        }
        for habit in self.bound_habit.iter_mut().flatten() {
            *habit *= HABIT_KEPT_A_DAY;
        }
    }
}
