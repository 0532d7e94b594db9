//! Travel time along each corridor, from the states of its links; free flow where nothing is known of one.
//!
//! Over a link that is closed to cars there is none: then the corridor is closed.
//!
//! The interval takes the errors of links for partly alike ([`logic`]), and those of links that nobody measures for as large as
//! traffic makes them.

use std::sync::Arc;

use vlot_model::City;

use crate::shell::per_tick;
use crate::{Clocks, Updates};

mod logic;
#[cfg(test)]
mod tests;

/// The state of each corridor, at the first tick of the clock and whenever a link of it changes. On one worker: a link may be
/// part of several.
pub(crate) fn corridors<'s>(links: Updates<'s>, clock: Clocks<'s>, city: &Arc<City>) -> Updates<'s> {
    let city = Arc::clone(city);
    per_tick("Corridors", links, clock, |_| 0, move |part| logic::Corridors::new(&city, part))
}
