//! Free places of bicycle garages, section by section.
//!
//! A section with one sensor: its figure is the newest that the sensor observed, and ages from when it was said; other
//! messages keep the sensor reporting but do not renew the figure. `Degraded`: the sensor is silent, or it states more free
//! places than the section has. A section with gates, cameras, or sensors in its places: see [`weighed`]. A garage's sum
//! exists only while every section's figure is fresh.

use std::sync::Arc;

use vlot_model::{Admitted, City, GarageIx, Meters, Role};

use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod logic;
mod room;
#[cfg(test)]
mod several_tests;
#[cfg(test)]
mod tests;
mod unmoved;
#[cfg(test)]
mod unmoved_tests;
mod weighed;
mod witness;

/// The state of each garage, whenever it changes.
pub(crate) fn garages<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let garage: Arc<[u64]> =
        city.devices.iter().map(|d| garage_of(d.role, city).map_or(0, |g| u64::from(g.0))).collect();
    let of_device = Arc::clone(&garage);
    let route = move |input: &Admitted| garage[input.reading.device.at()];
    per_tick("Garages", readings, clock, route, |part| {
        let mine = |device: &vlot_model::Device| garage_of(device.role, city).is_some();
        let keeper = Keeper::new(city, part, |device| of_device[device.at()], mine);
        Judged::new(logic::Garages::new(city, meters), keeper, meters)
    })
}

fn garage_of(role: Role, city: &City) -> Option<GarageIx> {
    match role {
        Role::Section { section } | Role::Place { section, .. } => Some(city.sections[section.at()].garage),
        _ => None,
    }
}
