//! Jams: links in a row that stand.
//!
//! A link joins a jam at level E or F (40 % of free flow or less) and leaves it above 50 %, so that none flickers. Free flow that is
//! only assumed is no jam and ends one. A row goes from link to link that begins where the one before ends, not back
//! along the same street; where several come together the one with the greatest delay goes on, and the others are jams of
//! their own. A row shorter than 50 m or 15 s of delay is a light, not a jam.

use std::sync::Arc;

use vlot_model::City;

use crate::shell::per_tick;
use crate::{Clocks, Updates};

mod logic;
#[cfg(test)]
mod tests;

/// All jams, whenever they change, every ten seconds at most. On one worker: a jam goes over many links.
pub(crate) fn jams<'s>(links: Updates<'s>, clock: Clocks<'s>, city: &Arc<City>) -> Updates<'s> {
    let city = Arc::clone(city);
    per_tick("Jams", links, clock, |_| 0, move |_| logic::Queues::new(&city))
}
