//! What signs say of themselves: which face they show, whether they are whole, whether they are connected.

use std::sync::Arc;

use vlot_model::{Admitted, City, Meters, Role};

use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

mod logic;
#[cfg(test)]
mod tests;

/// The state of each sign, whenever it changes.
pub(crate) fn signs<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let sign = |role| if let Role::Sign { sign } = role { u64::from(sign.0) } else { 0 };
    let sign: Vec<u64> = city.devices.iter().map(|d| sign(d.role)).collect();
    let route = move |input: &Admitted| sign[input.reading.device.at()];
    per_tick("Signs", readings, clock, route, |_| logic::Signs::new(city, meters))
}
