//! Motor traffic per station and interval: vehicles, flow, mean speed, detector occupancy.
//!
//! Lanes that are missing are not made up for: `vehicles` is the sum of those that reported, `sensors` says how many
//! covered the interval, and the quality is `Degraded`. Without any there is no figure, and the quality is `Missing`.

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

pub(crate) use logic::MotorLane;

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
    per_tick("Traffic", readings, clock, route, |part| {
        let mine = |device: &Device| crate::intervals::counts(device.role, MotorLane::MODE, city);
        let keeper = Keeper::new(city, part, |device| of_device[device.at()], mine);
        Judged::new(Stations::<MotorLane>::new(city, meters), keeper, meters)
    })
}
