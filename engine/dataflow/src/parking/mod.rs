//! Occupancy of car parks and zones.
//!
//! **Where figures come from.** All sources of a facility are weighed together ([`crate::estimate`]): the vehicles in and
//! out since the count was last tied to the truth, the bays that have sensors, a parking system's own figure, and what
//! operators know. The bookkeeping (what counts once, what was lost, who is silent) is beside it, and makes the
//! *uncorrected* figure: the plain count, sum or statement ([`Counting`](vlot_model::Counting) says which), in which
//! nothing is corrected. A count without any anchor is no figure.
//!
//! **What quality means.** `Good`: show what `certainty` says. `Degraded`: fresh, but it may be wrong: a barrier is silent or
//! fewer than `min_share` of the sensors report (then nothing is said, but where each space has a bay sensor: those carry
//! the figure alone), sources contradict each other, or the
//! interval is too wide. `Stale`: nothing that it rests on was said within `valid_for`. `Missing`: nothing was ever known.
//! A count that leaves its bounds is corrected by the estimator, and shows in the uncorrected figure. The *status* is
//! what the certainty says, in one word; `Closed` is the exception, and needs no figure: an operator's closure holds until it is
//! taken back, opening hours while they say so, the facility's own word while any of its devices was heard within `valid_for`.
//!
//! **Age** counts from when a reading was said: the device's time, but never later than its arrival. Levels (a bay's
//! state, an absolute count, the opening) follow the newest *observation*, whatever arrives last.

use std::sync::Arc;

use vlot_model::{City, Meters};

use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod account;
mod bays;
mod groups;
mod logic;
mod lot;
mod movements;
mod sequence;
pub(crate) mod sources;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use logic::Parking;
pub(crate) use logic::facility_of;

/// The state of each facility, whenever it changes.
pub(crate) fn facilities<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let facility: Arc<[u64]> =
        city.devices.iter().map(|d| logic::facility_of(d.role).map_or(0, |f| u64::from(f.0))).collect();
    let of_device = Arc::clone(&facility);
    let route = move |input: &vlot_model::Admitted| facility[input.reading.device.at()];
    per_tick("Parking", readings, clock, route, |part| {
        let mine = |device: &vlot_model::Device| logic::facility_of(device.role).is_some();
        let keeper = Keeper::new(city, part, |device| of_device[device.at()], mine);
        Judged::new(logic::Parking::new(city, meters), keeper, meters)
    })
}
