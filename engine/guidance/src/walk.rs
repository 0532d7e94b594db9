//! On foot from where one parks to where most people want to be.

use vlot_model::{City, FacilityIx};
use vlot_network::geo;

/// Metres a second on foot, and how much longer streets are than the bird's way.
const WALK_M_S: f64 = 1.3;
const WALK_DETOUR: f64 = 1.3;

/// Seconds; `None`: the configuration names no place where people want to be, and the walk counts for nothing.
#[must_use]
pub fn walk_s(city: &City, from: FacilityIx) -> Option<f64> {
    let from = city.facilities.get(from.at())?.position;
    let metres = geo::distance_m(from, city.guidance.centre?);
    Some(metres * WALK_DETOUR / WALK_M_S)
}
