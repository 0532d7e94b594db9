//! Car parks and zones.

use vlot_model::{City, Counting, Entry, FacilityIx, FacilityKind, FacilityState, Opening, Product, Role};

use super::site::{describe, groups};
use super::{Edge, position, share, silent, status, timestamp};
use crate::wire::common::v1 as common;
use crate::wire::parking::v1 as wire;

/// A facility in its present state.
pub(crate) fn facility(
    city: &City,
    ix: FacilityIx,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::Facility {
    let Some(facility) = city.facilities.get(ix.at()) else { return wire::Facility::default() };
    let state = match entry.map(|e| (e.version, &*e.product)) {
        Some((version, Product::Facility(state))) => known(version, state, edge),
        _ => wire::FacilityState {
            capacity: facility.capacity,
            opening: wire::Opening::Unknown.into(),
            status: common::Status::Unknown.into(),
            quality: common::Quality::Missing.into(),
            sensors: Some(silent(sensors(city, ix))),
            ..wire::FacilityState::default()
        },
    };
    let told = wire::Facility {
        id: facility.id.to_string(),
        name: facility.name.clone(),
        kind: kind(facility.kind).into(),
        position: Some(position(facility.position)),
        state: Some(state),
        ..wire::Facility::default()
    };
    describe(facility, told)
}

fn known(version: u64, state: &FacilityState, edge: &mut Edge) -> wire::FacilityState {
    let quality = edge.quality(state.quality, state.valid_until);
    wire::FacilityState {
        capacity: state.capacity,
        occupied: state.occupied,
        free: state.free,
        occupied_uncorrected: state.occupied_uncorrected,
        opening: opening(state.opening).into(),
        status: status(state.status, state.quality, quality).into(),
        observed_at: state.observed_at.map(timestamp),
        valid_until: state.valid_until.map(timestamp),
        quality: quality.into(),
        sensors: Some(share(state.sensors)),
        lost_messages: state.lost_messages,
        version,
        groups: groups(&state.groups),
    }
}

fn sensors(city: &City, ix: FacilityIx) -> usize {
    let Some(facility) = city.facilities.get(ix.at()) else { return 0 };
    match facility.counting {
        Counting::Bays => facility.bays.len(),
        Counting::Barriers | Counting::Absolute => city
            .devices
            .iter()
            .filter(|d| matches!(d.role, Role::Barrier { facility } | Role::Counter { facility } if facility == ix))
            .count(),
    }
}

/// The kind, as the interface calls it.
pub(crate) fn kind(kind: FacilityKind) -> wire::FacilityKind {
    match kind {
        FacilityKind::OffStreet => wire::FacilityKind::OffStreet,
        FacilityKind::Edge => wire::FacilityKind::Edge,
        FacilityKind::OnStreet => wire::FacilityKind::OnStreet,
    }
}

fn opening(opening: Opening) -> wire::Opening {
    match opening {
        Opening::Open => wire::Opening::Open,
        Opening::Closed => wire::Opening::Closed,
        Opening::Unknown => wire::Opening::Unknown,
    }
}
