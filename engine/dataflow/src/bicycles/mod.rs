//! Bicycles per station and interval, by direction.
//!
//! A direction that no counter gave is `None`: a gap, never 0. Counters that are missing, or that leave a part of the
//! interval out, make the quality `Degraded`; the sums then hold what was counted and no more.

use std::sync::Arc;

use vlot_model::{Admitted, City, Meters};

use crate::intervals::Stations;
use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod logic;
#[cfg(test)]
mod tests;

pub(crate) use logic::BicycleLane;

/// The count of each interval, once it is closed and whenever a late reading corrects it.
pub(crate) fn counts<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let station = crate::intervals::station_of_device(city);
    let route = move |input: &Admitted| station[input.reading.device.at()];
    per_tick("Bicycles", readings, clock, route, |_| Stations::<BicycleLane>::new(city, meters))
}
