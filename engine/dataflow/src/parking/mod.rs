//! Occupancy of car parks and zones.
//!
//! **Where figures come from** ([`Counting`](vlot_model::Counting)): the sum of bays; or the vehicles in and out
//! since the newest absolute count; or absolute counts alone. Without bays that report, or before the first absolute
//! count, there are no figures and the quality is `Missing`.
//!
//! **What quality means.** `Good`: show it. `Degraded`: fresh, but it may be wrong (fewer than `min_share` of the
//! sensors report; a barrier is silent or its messages were lost since the absolute count; the count left
//! 0..=capacity). `Stale`: nothing that it rests on was said within `valid_for`. Figures are published with each of
//! these, for people who can judge them; the *status* is `Unknown` unless the quality is `Good`, and a sign shows
//! figures of `Good` alone. `Closed` is the exception: it rests on the facility's own word, and holds, whatever the
//! figures, while any of its devices was heard within `valid_for`.
//!
//! **Age** counts from when a reading was said: the device's time, but never later than its arrival. Levels (a bay's
//! state, an absolute count, the opening) follow the newest *observation*, whatever arrives last.

use std::sync::Arc;

use vlot_model::{City, Meters};

use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod account;
mod bays;
mod groups;
mod logic;
mod lot;
mod sequence;
#[cfg(test)]
mod tests;

/// The state of each facility, whenever it changes.
pub(crate) fn facilities<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let facility: Vec<u64> =
        city.devices.iter().map(|d| logic::facility_of(d.role).map_or(0, |f| u64::from(f.0))).collect();
    let route = move |input: &vlot_model::Admitted| facility[input.reading.device.at()];
    per_tick("Parking", readings, clock, route, |_| logic::Parking::new(city, meters))
}
