//! The use of zones.

use vlot_model::{City, Tick, ZonePressure};

use super::timestamp;
use crate::wire::parking::v1 as wire;

/// A zone in its present state.
pub(crate) fn zone(city: &City, version: Tick, state: &ZonePressure) -> wire::Zone {
    let facility = city.facilities.get(state.facility.at());
    let bay = |position: u32| facility.and_then(|f| f.bays.get(position as usize));
    wire::Zone {
        id: facility.map(|f| f.id.to_string()).unwrap_or_default(),
        hour: Some(timestamp(state.hour)),
        pressure_pct: state.pressure_pct,
        last_hour_pct: state.last_hour_pct,
        departures: state.departures,
        alarm: state.alarm,
        balance: state.balance.map(|b| wire::Balance {
            capacity: b.capacity,
            demand_mean: b.demand_mean,
            demand_peak: b.demand_peak,
            full_s: b.full_s,
        }),
        overstays: state
            .overstays
            .iter()
            .map(|o| wire::Overstay {
                bay: bay(o.bay).map(|b| b.id.to_string()).unwrap_or_default(),
                since: Some(timestamp(o.since)),
                limit_s: o.limit_s,
            })
            .collect(),
        overstays_begun: state.overstays_begun,
        version,
    }
}
