//! `[[garage.section.gate]]`, `[[garage.section.camera]]` and `[[garage.section.place]]`: what watches a section besides a
//! sensor of its own.

use std::collections::BTreeSet;

use vlot_model::{Camera, City, DeviceKind, Place, Role, SectionIx, SectionSources};

use super::bays::KINDS;
use super::registry::{NewDevice, Registry};
use super::{WHILE, service};
use crate::read::{Among, Eui, Id, Number, Span, Table};

/// A camera that may be off by more says nothing of the largest section.
const SD: std::ops::RangeInclusive<f64> = 0.1..=10_000.0;

/// Reads the three tables of a section with that capacity; how many devices it has by them is told too.
pub(super) fn read(
    section: &mut Table<'_>,
    (ix, capacity): (SectionIx, u32),
    city: &mut City,
    registry: &mut Registry,
) -> (SectionSources, usize) {
    let mut sources = SectionSources::default();
    let role = Role::Section { section: ix };
    let mut devices = 0;
    for mut table in section.tables("gate") {
        let id = table.required("id", Id);
        let silent_after = table.or("silent_after", Span(WHILE), "\"10m\"");
        let device = registry.device_of(city, &table, ("id", &id), (DeviceKind::Barrier, role), silent_after);
        service::of_table(&mut table, city, device);
        devices += 1;
    }
    for mut table in section.tables("camera") {
        let id = table.required("id", Id);
        let sd = table.required("sd", Number(SD));
        let silent_after = table.or("silent_after", Span(WHILE), "\"10m\"");
        let device = registry.device_of(city, &table, ("id", &id), (DeviceKind::Camera, role), silent_after);
        service::of_table(&mut table, city, device);
        sources.cameras.push(Camera { device, sd });
        devices += 1;
    }
    let mut taken = BTreeSet::new();
    for mut table in section.tables("place") {
        let place = place(&mut table, ix, sources.places.len(), city, registry);
        if !place.id.is_empty() && !taken.insert(place.id.clone()) {
            let what = format!("{:?} is taken in this section", place.id);
            table.problem("id", what, "every place has a name of its own in its section");
        }
        sources.places.push(place);
        devices += 1;
    }
    if sources.places.len() > capacity as usize && section.is_sound("capacity") {
        let what = format!("is {capacity}, but there are {} places in it", sources.places.len());
        section.problem("capacity", what, "places with a sensor are part of the capacity");
    }
    (sources, devices)
}

fn place(
    table: &mut Table<'_>,
    section: SectionIx,
    position: usize,
    city: &mut City,
    registry: &mut Registry,
) -> Place {
    let id = table.required("id", Id);
    let device = table.required("device", Id);
    let kind = table.or("kind", Among(&KINDS), "\"bay\"");
    let eui = table.optional("eui", Eui);
    if table.is_sound("kind") && table.is_sound("eui") {
        match (kind, &eui) {
            (DeviceKind::Bay, Some(_)) => {
                table.problem("eui", "is given, but kind \"bay\" does not speak LoRaWAN", "leave it out");
            }
            (DeviceKind::Bay, None) | (_, Some(_)) => {}
            (_, None) => table.problem("eui", "is missing", "a LoRaWAN sensor is known by its EUI"),
        }
    }
    let silent_after = table.or("silent_after", Span(WHILE), "\"26h\"");
    let new = NewDevice {
        key: "device",
        id: &device,
        eui: eui.as_deref(),
        kind,
        role: Role::Place { section, place: u32::try_from(position).unwrap_or(u32::MAX) },
        silent_after,
        file: table.file_name(),
        line: table.line(),
    };
    let device = registry.device(city, &new, |key, what, hint| table.problem(key, what, hint));
    service::of_table(table, city, device);
    Place { id: id.into(), device }
}
