//! What stands beside the road and says something of itself: traffic-light controllers, air and noise stations, readers.
//!
//! The newest observation counts, whatever arrives last, and is stale after the `valid_for` of its controller or station. Readers say that
//! they live, and no more.

use std::sync::Arc;

use vlot_model::{Admitted, City, Meters};

use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod logic;
#[cfg(test)]
mod tests;

/// The state of each controller and air station, whenever it changes.
pub(crate) fn roadside<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let (city, meters) = (Arc::clone(city), Arc::clone(meters));
    let route = |input: &Admitted| u64::from(input.reading.device.0);
    per_tick("Roadside", readings, clock, route, move |_| logic::Roadside::new(&city, &meters))
}
