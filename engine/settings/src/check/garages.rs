//! garages.toml: bicycle garages and their sections.

use std::time::Duration;

use vlot_model::{
    City, DeviceKind, Garage, GarageIx, GarageKind, GarageSite, RackKind, Role, Section, SectionIx,
};

use super::city::Area;
use super::registry::Registry;
use super::roads::Thing;
use super::{WHILE, health, sections, service, thresholds};
use crate::read::{Id, Level, Local, Named, Span, Table, Text, Whole};

/// How long a bicycle may stand before it is listed as unmoved.
const UNMOVED: std::ops::RangeInclusive<Duration> = Duration::from_hours(24)..=Duration::from_hours(24 * 730);

/// Reads the garages of a city whose journal keeps what was said for so long (`None`: for ever).
pub(super) fn read(
    mut root: Table<'_>,
    (area, keep): (&Area, Option<Duration>),
    city: &mut City,
    registry: &mut Registry,
) {
    for mut table in root.tables("garage") {
        let index = GarageIx::from_position(city.garages.len());
        let id = table.required("id", Id);
        let name = table.required("name", Text(80));
        let position = area.position(&mut table);
        let spot = registry.roads.spot(&mut table);
        if registry.roads.known().is_some() {
            let on = registry.roads.place(&table, Thing::ForBicycles, position, &spot);
            city.placed.garages.push(on);
        }
        let valid_for = table.required("valid_for", Span(WHILE));
        let mut site = site(&mut table, &city.timezone);
        site.unmoved_after = unmoved_after(&mut table, keep);
        if !registry.garages.take(&id, index) {
            table.problem("id", format!("{id:?} is taken"), "every garage has an id of its own");
        }
        let entries = table.tables("section");
        if !table.has("section") {
            table.wrong("has no [[garage.section]]", "a garage without inner division has one section");
        }
        let sections =
            entries.into_iter().map(|entry| section(entry, (index, &id), city, registry)).collect();
        let watched = |s: &SectionIx| city.sections.get(s.at()).is_some_and(|s| !s.sources.places.is_empty());
        let sections: Vec<SectionIx> = sections;
        if site.unmoved_after.is_some() && !sections.iter().any(watched) {
            table.problem(
                "unmoved_after",
                "is given, and no place has a sensor",
                "add a [[garage.section.place]] for each place that is watched",
            );
        }
        city.garages.push(Garage { id: id.into(), name, position, sections, valid_for, site });
    }
}

/// What it is, and from when to when it stands.
fn site(table: &mut Table<'_>, zone: &str) -> GarageSite {
    let kind = table.or("kind", Named::or_stand_in(GarageKind::Garage), "\"garage\"");
    let from = table.optional("from", Local(zone));
    let until = table.optional("until", Local(zone));
    let stands = match (from, until) {
        (Some(from), Some(until)) if until <= from => {
            table.problem("until", "is not after \"from\"", "it would never stand there");
            None
        }
        (Some(from), Some(until)) => Some((from, until)),
        (None, None) => {
            if kind == GarageKind::Event && table.is_sound("from") && table.is_sound("until") {
                table.wrong("is of kind \"event\" and has no dates", "give \"from\" and \"until\"");
            }
            None
        }
        (one, _) => {
            if table.is_sound("from") && table.is_sound("until") {
                let (has, lacks) = if one.is_some() { ("from", "until") } else { ("until", "from") };
                table.problem(has, format!("stands without {lacks:?}"), "give both, or neither");
            }
            None
        }
    };
    GarageSite { kind, stands, unmoved_after: None }
}

fn unmoved_after(table: &mut Table<'_>, keep: Option<Duration>) -> Option<Duration> {
    let after = table.optional("unmoved_after", Span(UNMOVED))?;
    if keep.is_some_and(|keep| keep <= after) {
        table.problem(
            "unmoved_after",
            "is no shorter than the journal keeps what was said",
            "after a restart no bicycle would be listed: give more to \"keep\" of [journal] in city.toml",
        );
    }
    Some(after)
}

fn section(
    mut table: Table<'_>,
    (garage, garage_id): (GarageIx, &str),
    city: &mut City,
    registry: &mut Registry,
) -> SectionIx {
    let index = SectionIx::from_position(city.sections.len());
    let id = table.required("id", Id);
    let name = table.required("name", Text(24));
    let rack = table.required("rack", Named::or_stand_in(RackKind::Single));
    let level = table.or("level", Level, "0");
    let capacity = table.required("capacity", Whole(1..=100_000));
    let (full_at, reopen_at) = thresholds(&mut table, capacity);
    let device = table.optional("device", Id);
    let silent_after = table.or("silent_after", Span(WHILE), "\"10m\"");
    if !id.is_empty() && !registry.sections.take(&format!("{garage_id}/{id}"), index) {
        table.problem(
            "id",
            format!("{id:?} is taken in {garage_id:?}"),
            "every section has an id of its own in its garage",
        );
    }
    let role = Role::Section { section: index };
    let sensor = (DeviceKind::SectionSensor, role);
    if let Some(device) = &device {
        let device = registry.device_of(city, &table, ("device", device), sensor, silent_after);
        service::of_table(&mut table, city, device);
        health::reports(&mut table, city, device);
    } else {
        for key in ["silent_after", "reports", "in_service_from", "retired_from"] {
            table.forbidden(key, "it is the sensor's, and the section has no \"device\"");
        }
    }
    let (sources, others) = sections::read(&mut table, (index, capacity), city, registry);
    if device.is_none() && others == 0 && table.is_sound("device") {
        table.wrong(
            "has neither \"device\" nor a gate, a camera or a place with a sensor",
            "without one of them nothing is known of it",
        );
    }
    city.sections.push(Section {
        id: id.into(),
        name,
        garage,
        capacity,
        rack,
        level,
        full_at,
        reopen_at,
        sources,
    });
    index
}
