//! Bicycle garages.

use vlot_model::{
    City, Entry, GarageIx, GarageKind, Product, RackKind, Role, SectionIx, SectionState, UnmovedPlace,
};

use super::facility::certainty;
use super::{Edge, position, share, silent, status, timestamp};
use crate::wire::bicycle::v1 as wire;
use crate::wire::common::v1 as common;

/// A garage in its present state.
pub(crate) fn garage(city: &City, ix: GarageIx, entry: Option<&Entry>, edge: &mut Edge) -> wire::Garage {
    let Some(garage) = city.garages.get(ix.at()) else { return wire::Garage::default() };
    let identity = wire::Garage {
        id: garage.id.to_string(),
        name: garage.name.clone(),
        position: Some(position(garage.position)),
        kind: kind(garage.site.kind).into(),
        stands_from: garage.site.stands.map(|(from, _)| timestamp(from)),
        stands_until: garage.site.stands.map(|(_, until)| timestamp(until)),
        ..wire::Garage::default()
    };
    let Some((version, Product::Garage(state))) = entry.map(|e| (e.version, &*e.product)) else {
        return wire::Garage {
            capacity: garage
                .sections
                .iter()
                .filter_map(|s| city.sections.get(s.at()))
                .map(|s| s.capacity)
                .sum(),
            sections: garage.sections.iter().map(|s| section(city, *s, None, edge)).collect(),
            quality: common::Quality::Missing.into(),
            sensors: Some(silent(devices(city, ix))),
            ..identity
        };
    };
    wire::Garage {
        capacity: state.capacity,
        free: state.free,
        sections: state.sections.iter().map(|s| section(city, s.section, Some(s), edge)).collect(),
        observed_at: state.observed_at.map(timestamp),
        valid_until: state.valid_until.map(timestamp),
        quality: edge.quality(state.quality, state.valid_until).into(),
        sensors: Some(share(state.sensors)),
        unmoved: state
            .unmoved
            .as_ref()
            .map(|unmoved| u32::try_from(unmoved.places.len()).unwrap_or(u32::MAX)),
        version,
        ..identity
    }
}

fn section(city: &City, ix: SectionIx, state: Option<&SectionState>, edge: &mut Edge) -> wire::Section {
    let Some(section) = city.sections.get(ix.at()) else { return wire::Section::default() };
    let identity = wire::Section {
        id: section.id.to_string(),
        name: section.name.clone(),
        rack: rack(section.rack).into(),
        level: i32::from(section.level),
        ..wire::Section::default()
    };
    let Some(state) = state else {
        return wire::Section {
            capacity: section.capacity,
            status: common::Status::Unknown.into(),
            quality: common::Quality::Missing.into(),
            ..identity
        };
    };
    let quality = edge.quality(state.quality, state.valid_until);
    wire::Section {
        capacity: state.capacity,
        free: state.free,
        status: status(state.status, state.quality, quality).into(),
        observed_at: state.observed_at.map(timestamp),
        valid_until: state.valid_until.map(timestamp),
        quality: quality.into(),
        // What may be said is no older than the figures that it is said of.
        certainty: state
            .certainty
            .filter(|_| quality != common::Quality::Stale)
            .map(|c| certainty(state.capacity, &c)),
        ..identity
    }
}

fn kind(kind: GarageKind) -> wire::GarageKind {
    match kind {
        GarageKind::Garage => wire::GarageKind::Garage,
        GarageKind::Shed => wire::GarageKind::Shed,
        GarageKind::Event => wire::GarageKind::Event,
    }
}

fn rack(rack: RackKind) -> wire::RackKind {
    match rack {
        RackKind::Single => wire::RackKind::Single,
        RackKind::TwoTier => wire::RackKind::TwoTier,
        RackKind::Cargo => wire::RackKind::Cargo,
    }
}

/// The devices of its sections.
fn devices(city: &City, ix: GarageIx) -> usize {
    let mine = |section: SectionIx| city.sections.get(section.at()).is_some_and(|s| s.garage == ix);
    let rests_on = |role: Role| match role {
        Role::Section { section } | Role::Place { section, .. } => mine(section),
        _ => false,
    };
    city.devices.iter().filter(|device| rests_on(device.role)).count()
}

/// Its bicycles that have not moved for long; `None` where nobody watches single places.
pub(crate) fn unmoved(city: &City, ix: GarageIx, entry: Option<&Entry>) -> Option<wire::UnmovedInGarage> {
    let garage = city.garages.get(ix.at())?;
    let after = garage.site.unmoved_after?;
    let nothing = wire::UnmovedInGarage {
        garage_id: garage.id.to_string(),
        after_s: u32::try_from(after.as_secs()).unwrap_or(u32::MAX),
        ..wire::UnmovedInGarage::default()
    };
    let sections = garage.sections.iter().filter_map(|s| city.sections.get(s.at()));
    let watched = sections.map(|s| s.sources.places.len()).sum();
    let state = entry.and_then(|e| match &*e.product {
        Product::Garage(state) => Some((e.version, state)),
        _ => None,
    });
    let Some((version, state)) = state else {
        return Some(wire::UnmovedInGarage { watched: Some(silent(watched)), ..nothing });
    };
    let Some(unmoved) = &state.unmoved else {
        // It does not stand there: nothing is watched, and nothing missed.
        return Some(wire::UnmovedInGarage { watched: Some(silent(0)), version, ..nothing });
    };
    let place = |place: &UnmovedPlace| {
        let section = city.sections.get(place.section.at())?;
        Some(wire::UnmovedPlace {
            section_id: section.id.to_string(),
            place_id: section.sources.places.get(place.place as usize)?.id.to_string(),
            since: Some(timestamp(place.since)),
        })
    };
    Some(wire::UnmovedInGarage {
        watched: Some(share(unmoved.watched)),
        places: unmoved.places.iter().filter_map(place).collect(),
        version,
        ..nothing
    })
}
