//! Count stations.

use vlot_model::{City, CountMode, Entry, Product, StationIx};

use super::{Edge, position, share, timestamp};
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::count::Figures;

/// A station with its newest interval.
pub(crate) fn station(city: &City, ix: StationIx, entry: Option<&Entry>, edge: &mut Edge) -> wire::Station {
    let Some(station) = city.stations.get(ix.at()) else { return wire::Station::default() };
    wire::Station {
        id: station.id.to_string(),
        name: station.name.clone(),
        mode: mode(station.mode).into(),
        position: Some(position(station.position)),
        count: entry.and_then(|e| count(e, edge)),
        uptime_corrected: station.uptime_corrected,
    }
}

fn count(entry: &Entry, edge: &mut Edge) -> Option<wire::Count> {
    match &*entry.product {
        Product::Traffic(c) => Some(wire::Count {
            observed_at: Some(timestamp(c.observed_at)),
            interval_s: c.interval_s,
            valid_until: Some(timestamp(c.valid_until)),
            quality: edge.quality(c.quality, Some(c.valid_until)).into(),
            sensors: Some(share(c.sensors)),
            late_readings: c.late_readings,
            version: entry.version,
            figures: Some(Figures::Motor(wire::MotorFigures {
                vehicles: c.vehicles,
                flow_vph: c.flow_vph,
                speed_kmh: c.speed_kmh,
                detector_occupancy_pct: c.detector_occupancy_pct,
            })),
        }),
        Product::Bicycle(c) => Some(wire::Count {
            observed_at: Some(timestamp(c.observed_at)),
            interval_s: c.interval_s,
            valid_until: Some(timestamp(c.valid_until)),
            quality: edge.quality(c.quality, Some(c.valid_until)).into(),
            sensors: Some(share(c.sensors)),
            late_readings: c.late_readings,
            version: entry.version,
            figures: Some(Figures::Bicycle(wire::BicycleFigures {
                inbound: c.inbound,
                outbound: c.outbound,
            })),
        }),
        _ => None,
    }
}

/// The mode, as the interface calls it.
pub(crate) fn mode(mode: CountMode) -> wire::CountMode {
    match mode {
        CountMode::Motor => wire::CountMode::Motor,
        CountMode::Bicycle => wire::CountMode::Bicycle,
    }
}
