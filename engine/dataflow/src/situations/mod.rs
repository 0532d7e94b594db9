//! Works, closures, incidents and events: where they are, when they hold, and the ways around them.
//!
//! They are few and each bears on the others' ways around, so all of them are on one worker.

use std::sync::Arc;

use vlot_model::{Admitted, City, Meters};

use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod list;
mod logic;
mod streets;
#[cfg(test)]
pub(crate) mod tests;

/// The state of each situation, whenever it changes.
pub(crate) fn situations<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    per_tick("Situations", readings, clock, |_: &Admitted| 0, |_| logic::Situations::new(city, meters))
}
