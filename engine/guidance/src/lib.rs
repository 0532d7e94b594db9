//! What each sign says, and why.
//!
//! **Truth first, then calm.** A row that would be untrue changes at once: it becomes full, closed or dark, or a
//! figure falls below what is shown. Everything else (a higher figure, a figure after full, a better advice) waits
//! until the row or advice, and the face as a whole, have stood for the sign's `min_dwell`; it rides along when the
//! face changes anyway and its own dwell is over. The first word of a row is never held back.
//!
//! **Low side always.** Figures are exact below 20, steps of 5 below 100, steps of 10 from there, rounded down: a
//! sign never promises a space that is not there, and one car does not make it flicker.
//!
//! **No figure outlives its source.** A face ends with the first of its figures; a figure that is not good or past
//! its validity leaves the face at once.
//!
//! **The advice** of all signs is decided together (`plan`), and [proven](proof) as a whole before any of it is shown; `docs/guidance.md`
//! says how.

use std::sync::Arc;

use vlot_dataflow::{Clocks, Updates};
use vlot_model::{City, Meters};

mod advice;
mod arrow;
pub mod faces;
mod graph;
mod plan;
pub mod proof;
mod sight;
mod sign;
#[cfg(test)]
mod testing;
pub mod trip;

pub use sight::rounded;

/// Decides the face of every sign: takes products of facilities and garages, gives faces alone.
pub fn build<'s>(
    updates: Updates<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    graph::faces(updates, clock, city, meters)
}
