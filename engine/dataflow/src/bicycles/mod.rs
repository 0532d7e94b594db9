//! Bicycles per station and interval, by direction.
//!
//! A direction that no counter gave is `None`: a gap, never 0. Counters that are missing, or that leave a part of the
//! interval out, make the quality `Degraded`; the sums then hold what was counted and no more.

use std::sync::Arc;

use vlot_model::{Admitted, City, Device, Meters};

use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::intervals::{Lane, Stations};
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
    let station: Arc<[u64]> = crate::intervals::station_of_device(city).into();
    let of_device = Arc::clone(&station);
    let route = move |input: &Admitted| station[input.reading.device.at()];
    per_tick("Bicycles", readings, clock, route, |part| {
        let mine = |device: &Device| crate::intervals::counts(device.role, BicycleLane::MODE, city);
        let keeper = Keeper::new(city, part, |device| of_device[device.at()], mine);
        Judged::new(Stations::<BicycleLane>::new(city, meters), keeper, meters)
    })
}
