//! What stands beside the road and says something of itself: traffic-light controllers, air and noise stations, readers.
//!
//! The newest observation counts, whatever arrives last, and is stale after the `valid_for` of its controller or station. Readers say that
//! they live, and no more. What a station measures outside of what a street can have is none, and what rules of health do not believe
//! is withheld.

use std::sync::Arc;

use vlot_model::{Admitted, City, Device, DeviceIx, Meters, Role};

use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod logic;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use logic::Roadside;

/// The state of each controller and air station, and their health, whenever it changes.
pub(crate) fn roadside<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let (city, meters) = (Arc::clone(city), Arc::clone(meters));
    let route = |input: &Admitted| u64::from(input.reading.device.0);
    per_tick("Roadside", readings, clock, route, move |part| {
        let mine = |device: &Device| matches!(device.role, Role::Controller { .. } | Role::Air { .. });
        let keeper = Keeper::new(&city, part, |device: DeviceIx| u64::from(device.0), mine);
        Judged::new(logic::Roadside::new(&city, &meters), keeper, &meters)
    })
}
