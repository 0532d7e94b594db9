//! Bicycle garages.

use vlot_model::{City, Entry, GarageIx, GarageKind, Product, RackKind, SectionIx, SectionState};

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
            sensors: Some(silent(garage.sections.len())),
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
