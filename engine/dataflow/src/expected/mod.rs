//! Who is on the way to a facility, by what apps announce.
//!
//! Counts by the minute of arrival and nothing else: whoever announces a vehicle is not in the reading. A minute that is over is
//! forgotten: then the vehicle is counted where it stands, or it never came. All minutes of a facility together are bounded by
//! its capacity, so that nobody fills it more than once on paper.

use std::sync::Arc;

use vlot_model::{Admitted, City, Meters, Role};

use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod logic;
#[cfg(test)]
mod tests;

/// What is announced of each facility, whenever it changes.
pub(crate) fn expected<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let facility = |role| if let Role::Apps { facility } = role { u64::from(facility.0) } else { 0 };
    let facility: Vec<u64> = city.devices.iter().map(|d| facility(d.role)).collect();
    let route = move |input: &Admitted| facility.get(input.reading.device.at()).copied().unwrap_or(0);
    per_tick("Expected", readings, clock, route, |_| logic::Expected::new(city, meters))
}
