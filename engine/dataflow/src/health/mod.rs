//! Sensor health: is a sensor well, since when not, and why.
//!
//! Each kind of sensor has rules that fit it: that nothing changes for three days can be true of a bay, and is a fault of
//! a garage whose figure moves every five minutes. What is normal is learnt from the sensor's own past, online, in bounded
//! memory and O(1) a reading. Everything here is a pure fold over readings and the clock: no I/O, no wall clock, no
//! randomness, so a replay decides alike.
//!
//! **Times** are microseconds UTC, given by the caller. The **hour of the week** is local, 0 = Monday 00:00 to 167, given by
//! the caller as well: only it knows the time zone.
//!
//! **Suspect** keeps the sensor in service and tells an operator; **Failed** excludes it from sums (auto-fail). Each rule
//! has its own recovery, and a sensor is as ill as its worst rule.

mod alarms;
mod barrier;
mod bay;
mod clock;
mod counts;
pub(crate) mod feeds;
mod figure;
pub(crate) mod judged;
pub(crate) mod keeper;
mod kept;
mod levels;
mod local;
mod rates;
pub(crate) mod roadside;
mod run;
mod sentinel;
mod steps;
mod subject;
#[cfg(test)]
mod tests;
mod words;

pub use alarms::{Detail, Health, RULES};
pub use barrier::BarrierHealth;
pub use bay::BayHealth;
pub use clock::{ClockHealth, ClockOffset};
pub use counts::{BicycleHealth, Interval, LoopHealth};
pub use figure::{FigureHealth, SourceLife};
pub use sentinel::is_sentinel;
pub use vlot_model::{
    BarrierRules, BayRules, ClockRules, CountRules, FigureRules, HealthRules as Rules, HealthState as State,
    Reporting, SensorRule as Rule,
};

/// Microseconds UTC.
pub type Micros = i64;

/// Microseconds of a second.
pub const SECOND: Micros = 1_000_000;
/// Microseconds of a minute.
pub const MINUTE: Micros = 60 * SECOND;
/// Microseconds of an hour.
pub const HOUR: Micros = 60 * MINUTE;
/// Microseconds of a day.
pub const DAY: Micros = 24 * HOUR;

/// A span in hours; negative spans count as 0. Seconds in `f32` are exact for half a year, and near enough beyond.
pub(crate) fn hours(span: Micros) -> f32 {
    (span.max(0) / SECOND) as f32 / 3_600.0
}
