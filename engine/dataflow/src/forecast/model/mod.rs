//! Free spaces of a facility up to an hour ahead, learned online from its own history.
//!
//! **Each five minutes** the newest ratio (occupied share of the capacity) becomes a row of 40 features: lags and
//! slopes, the weekly profile now and ahead, yesterday's and last week's course, the time of day. Seven experts
//! forecast from it: four simple ones, two linear regressions, and a small network. A mixture per horizon (15, 30,
//! 60 minutes) follows whoever was right; an interval per horizon follows how wrong the mixture was.
//!
//! **Holidays** are expected and learned as Sundays. **Events** stay out of the weekly profile; what was unusual about one
//! is remembered under its name, and expected of the next one of that name.
//!
//! **Only the past teaches.** A forecast is kept until its outcome is seen, then judged, then learned from.
//!
//! **Absent on purpose:** the wall clock, the time zone and the calendar (the caller says them with each
//! [`Moment`]), randomness beyond a seed, memory that grows, anything shared between facilities.
//!
//! Within one build and platform the same observations give the same bits; `exp`, `ln` and `sin` come from the
//! platform's libm, so bits may differ between platforms.

mod event;
mod features;
mod forecaster;
mod interval;
mod mixture;
mod moment;
mod network;
mod profile;
mod regression;
mod said;
mod series;
mod symmetric;
#[cfg(test)]
mod tests;

pub use forecaster::{EXPERTS, Forecast, Forecaster, LONGEST_S};
pub use moment::{DayKind, InEvent, Moment, SLOT_S};
