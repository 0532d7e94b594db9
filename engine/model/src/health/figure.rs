//! Bounds for figures.

use super::{DAY, HOUR, MINUTE, Micros};

/// Bounds for figures (free or occupied spaces).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureRules {
    /// No reading for so long: failed. With change-only sources: the source said nothing at all.
    pub silent_after: Micros,
    /// Nothing but silence, sentinels and bounds is judged before the first reading is so old.
    pub learn_for: Micros,
    /// Between two readings further apart nothing is concluded (the feed was away).
    pub gap: Micros,
    /// Surprise (nats) of a run without change from which it is a fault; e^-14 is once in a million.
    pub stuck_nats: f32,
    /// The limit is at least this many times the longest healthy run ...
    pub stuck_margin: f32,
    /// ... but never above this, so that no past can make a sensor blind.
    pub stuck_nats_most: f32,
    /// On a public holiday the limits of runs are so many times higher: it may be quieter than any Sunday.
    pub holiday_times: f32,
    /// A run of fewer hours is never a fault.
    pub stuck_least: Micros,
    /// At 0 or at capacity all limits of runs are so many times higher: full is full.
    pub bound_times: f32,
    /// So near to 0 or to capacity, as a share of the capacity, is as good as there: hardly anybody is left to leave.
    pub bound_share: f32,
    /// A step's distance from the hour's mean step is judged against so many times its usual deviation ...
    pub step_times: f32,
    /// ... and so many times the second largest deviation of its past ...
    pub step_margin: f32,
    /// ... and never below this share of the capacity in 5 minutes (with the root of time in longer spans), nor below
    /// [`Self::step_spaces`].
    pub step_share: f32,
    /// See [`Self::step_share`], spaces.
    pub step_spaces: f32,
    /// ... nor above this share of the capacity, so that no past can make a sensor blind.
    pub step_share_most: f32,
    /// ... or this many vehicles a minute, which can really pass.
    pub vehicles_a_minute: f32,
    /// The first reading after a gap is judged against so many times the usual deviation from the hour's level.
    pub gap_times: f32,
    /// Steps that its past must have before one is judged.
    pub learnt_steps: u32,
    /// Large steps to or from 0 or capacity are a habit of the source (it says 0 of a closed facility) and no fault from so
    /// many on, at that hour of the day, of which half are forgotten in four weeks.
    pub bound_habit: f32,
    /// Back within so many readings, and [`Self::spike_for`], it was a spike.
    pub spike_readings: u8,
    /// See [`Self::spike_readings`].
    pub spike_for: Micros,
    /// Back means so near to where it was, as a share of the step.
    pub spike_back: f32,
    /// A spike is suspect for so long; the third within it fails the sensor.
    pub spike_hold: Micros,
    /// After a jump the figure is not believed for so long; then the daily level judges it.
    pub reset_hold: Micros,
    /// A jump within so long of local midnight is a midnight jump.
    pub midnight: Micros,
    /// The same daily extreme again and again: surprise from which it is a clamp, nats.
    pub repeat_nats: f32,
    /// A dwell at the same extreme of so many times the usual is a clamp on its second repeat.
    pub dwell_times: f32,
    /// Extremes held for less do not count as repeated, hours.
    pub dwell_least_h: f32,
    /// Cumulative sum of the daily level's deviation: slack a day, in usual deviations.
    pub drift_slack: f32,
    /// Cumulative sum from which it is a drift, in usual deviations.
    pub drift_limit: f32,
    /// Usual deviations are never taken below this share of the capacity.
    pub spread_least_share: f32,
    /// Above this share of the capacity there is no level that it returns to.
    pub spread_most_share: f32,
    /// Days that its past must have before levels are judged.
    pub learnt_days: u32,
    /// Outside 0..=capacity by more than this share of the capacity (and 3 spaces) for an hour: suspect.
    pub outside_share: f32,
    /// So many sentinels in a row: failed.
    pub sentinels: u32,
}

impl Default for FigureRules {
    fn default() -> Self {
        FigureRules {
            silent_after: HOUR,
            learn_for: 14 * DAY,
            gap: 2 * HOUR,
            stuck_nats: 14.0,
            stuck_margin: 1.5,
            stuck_nats_most: 150.0,
            holiday_times: 3.0,
            stuck_least: HOUR,
            bound_times: 2.0,
            bound_share: 0.02,
            step_times: 10.0,
            step_margin: 1.3,
            step_share: 0.14,
            step_spaces: 12.0,
            step_share_most: 0.5,
            vehicles_a_minute: 15.0,
            gap_times: 8.0,
            learnt_steps: 200,
            bound_habit: 3.0,
            spike_readings: 3,
            spike_for: 2 * HOUR,
            spike_back: 0.35,
            spike_hold: 12 * HOUR,
            reset_hold: DAY,
            midnight: 20 * MINUTE,
            repeat_nats: 8.0,
            dwell_times: 3.0,
            dwell_least_h: 1.0,
            drift_slack: 1.2,
            drift_limit: 20.0,
            spread_least_share: 0.01,
            spread_most_share: 0.1,
            learnt_days: 14,
            outside_share: 0.02,
            sentinels: 3,
        }
    }
}

impl FigureRules {
    /// As they are on a public holiday.
    #[must_use]
    pub fn on_holiday(self) -> Self {
        let times = self.holiday_times;
        FigureRules {
            stuck_nats: self.stuck_nats * times,
            stuck_margin: self.stuck_margin * times,
            stuck_nats_most: self.stuck_nats_most * times,
            ..self
        }
    }
}
