//! The row of features that the learners read.

use super::event::Events;
use super::moment::Moment;
use super::profile::{Profile, Usual};
use super::series::Series;

/// Horizons that are learned, in slots of five minutes.
pub(crate) const HORIZONS: [i64; 3] = [3, 6, 12];
/// The longest horizon, in slots.
pub(crate) const LONGEST: i64 = 12;
/// Features per row; a multiple of eight.
pub(crate) const WIDTH: usize = 40;
/// No entry is farther from zero.
pub(crate) const LIMIT: f32 = 4.0;
/// One row; every entry is of the order of one.
pub(crate) type Features = [f32; WIDTH];

/// Simple forecasts that the row is built from, per horizon.
pub(crate) type Naive = [Simple; 3];

/// Increments of the ratio until a horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Simple {
    /// The profile's increment.
    pub(crate) profile: f32,
    /// The same time's a week ago.
    pub(crate) week: f32,
    /// The same time's yesterday.
    pub(crate) day: f32,
}

/// Builds the row for a slot whose ratio is `now`.
///
/// In an event of which one before was seen, what was unusual then is part of what is usual now.
pub(crate) fn build(
    series: &Series,
    profile: &Profile,
    events: &Events,
    moment: Moment,
    now: f32,
) -> (Features, Naive) {
    let slot = moment.slot();
    let mut x: Features = [0.0; WIDTH];
    let mut cells = x.iter_mut();
    let mut push = |v: f32| {
        if let Some(cell) = cells.next() {
            *cell = v.clamp(-LIMIT, LIMIT);
        }
    };
    let lag = |slots: i64| series.at(slot - slots);
    push(1.0);
    push(now - 0.5);
    push((now - 0.5).abs());
    let mut before = now;
    for (slots, gain) in [(1, 20.0), (2, 20.0), (3, 20.0), (6, 10.0), (12, 6.0), (24, 4.0)] {
        let then = lag(slots).unwrap_or(before);
        push((before - then) * gain);
        before = then;
    }
    let mut naive = Naive::default();
    // The profiles: their increments and the distance from them.
    let at = |ahead_min: i64| {
        let usual = profile.at(moment.profile_minute(ahead_min))?;
        let excess = events.excess(moment, ahead_min).unwrap_or(0.0);
        Some(Usual { slow: usual.slow + excess, fast: usual.fast + excess })
    };
    let (usual_now, fast_now) = at(0).map_or((now, now), |u| (u.slow, u.fast));
    push((now - usual_now) * 2.0);
    push((now - fast_now) * 2.0);
    let week_now = series.days_before(slot, 7).unwrap_or(usual_now);
    let day_now = series.days_before(slot, 1).unwrap_or(usual_now);
    push((now - week_now) * 2.0);
    push((now - day_now) * 2.0);
    for (simple, h) in naive.iter_mut().zip(HORIZONS) {
        let (usual, lately) = at(h * 5).map_or((0.0, 0.0), |u| (u.slow - usual_now, u.fast - fast_now));
        let week = series.days_before(slot + h, 7).map_or(usual, |v| v - week_now);
        let day = series.days_before(slot + h, 1).map_or(usual, |v| v - day_now);
        for v in [usual, lately, week, day] {
            push(v * 8.0);
        }
        *simple = Simple { profile: usual, week, day };
        if h == LONGEST {
            // A deviation moves with what comes: interactions of the hour's increment with the state.
            push(usual * (now - usual_now) * 20.0);
            push(usual * (now - 0.5) * 12.0);
        }
    }
    // How the last hour went against what is usual for it.
    let hour_ago = at(-60).map_or(usual_now, |u| u.slow);
    push((lag(12).map_or(0.0, |v| (now - v) - (usual_now - hour_ago))) * 6.0);
    let angle = f32::from(u16::try_from(moment.day_minute(0)).unwrap_or(0)) / 1440.0 * core::f32::consts::TAU;
    for k in [1.0, 2.0, 3.0, 4.0] {
        let (sin, cos) = (angle * k).sin_cos();
        push(sin);
        push(cos);
    }
    let day = moment.profile_minute(0) / 1440;
    push(if day == 5 { 1.0 } else { 0.0 });
    push(if day == 6 { 1.0 } else { 0.0 });
    // Nearness of the ends, where counts saturate.
    push((1.0 - now * 10.0).max(0.0));
    push((now * 10.0 - 9.0).max(0.0));
    (x, naive)
}
