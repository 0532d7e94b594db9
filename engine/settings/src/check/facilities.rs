//! facilities.toml: car parks, edge car parks and on-street zones.

use std::time::Duration;

use vlot_model::{City, Counting, DeviceKind, Facility, FacilityIx, FacilityKind, Role, Site};

use super::bays::{self, Zone};
use super::city::Area;
use super::registry::Registry;
use super::roads::Thing;
use super::{WHILE, estimate, health, service, site, thresholds};
use crate::read::{Among, Id, Named, Report, Share, Span, Table, Text, Whole};

const KINDS: [(&str, DeviceKind); 2] = [("barrier", DeviceKind::Barrier), ("counter", DeviceKind::Counter)];

/// Reads the facilities, then the bays of `bays_csv`, then checks that the two fit.
pub(super) fn read(
    mut root: Table<'_>,
    bays_csv: &str,
    area: &Area,
    city: &mut City,
    registry: &mut Registry,
    report: &Report,
) {
    let mut tables = Vec::new();
    let mut zones = Vec::new();
    for mut table in root.tables("facility") {
        let index = FacilityIx::from_position(city.facilities.len());
        let mut facility = facility(&mut table, area);
        facility.site = site::read(&mut table, &facility, &city.timezone);
        let spot = registry.roads.spot(&mut table);
        if registry.roads.known().is_some() {
            let on = registry.roads.place(&table, Thing::Entrance, facility.position, &spot);
            city.placed.facilities.push(on);
        }
        let own_id = registry.facilities.take(&facility.id, index);
        if !own_id {
            table.problem("id", format!("{:?} is taken", facility.id), "every facility has an id of its own");
        }
        let silent_after = table.or("bay_silent_after", Span(WHILE), "\"26h\"");
        city.facilities.push(facility);
        let kinds = devices(&mut table, index, city, registry);
        fits(&table, city.facilities[index.at()].counting, &kinds);
        zones.push(Zone::new(silent_after));
        tables.push((table, own_id));
    }
    bays::read(bays_csv, &mut zones, city, registry, report);
    for ((table, own_id), facility) in tables.iter().zip(&city.facilities) {
        // Where a row could not be counted to its facility, numbers say nothing.
        if registry.bays_complete && *own_id {
            bays_fit(table, facility);
            site::bays_fit(table, facility);
        }
    }
}

fn facility(table: &mut Table<'_>, area: &Area) -> Facility {
    let id = table.required("id", Id);
    let name = table.required("name", Text(80));
    let kind = table.required("kind", Named::or_stand_in(FacilityKind::OffStreet));
    let position = area.position(table);
    let capacity = table.required("capacity", Whole(1..=100_000));
    let counting = table.required("counting", Named::or_stand_in(Counting::Barriers));
    let valid_for = table.required("valid_for", Span(WHILE));
    let min_share = table.or("min_share", Share, "0.75");
    let (full_at, reopen_at) = thresholds(table, capacity);
    let estimate = estimate::read(table, capacity);
    Facility {
        id: id.into(),
        name,
        kind,
        position,
        capacity,
        counting,
        bays: Vec::new(),
        valid_for,
        min_share,
        full_at,
        reopen_at,
        estimate,
        site: Site::default(),
    }
}

/// Barriers and counters of a facility.
fn devices(
    table: &mut Table<'_>,
    facility: FacilityIx,
    city: &mut City,
    registry: &mut Registry,
) -> Vec<DeviceKind> {
    let mut kinds = Vec::new();
    for mut entry in table.tables("device") {
        let id = entry.required("id", Id);
        let kind = entry.required("kind", Among(&KINDS));
        let silent_after: Duration = entry.or("silent_after", Span(WHILE), "\"10m\"");
        let role = match kind {
            DeviceKind::Barrier => Role::Barrier { facility },
            _ => Role::Counter { facility },
        };
        let device = registry.device_of(city, &entry, ("id", &id), (kind, role), silent_after);
        service::of_table(&mut entry, city, device);
        health::reports(&mut entry, city, device);
        if kind == DeviceKind::Barrier && entry.has("reports") {
            entry.problem(
                "reports",
                "is written of a barrier",
                "it is said of figures: a barrier tells passages",
            );
        }
        kinds.push(kind);
    }
    kinds
}

/// Whether the devices can give what the facility counts by.
fn fits(table: &Table<'_>, counting: Counting, kinds: &[DeviceKind]) {
    if !table.is_sound("counting") {
        return;
    }
    let (barrier, counter) = (kinds.contains(&DeviceKind::Barrier), kinds.contains(&DeviceKind::Counter));
    let (what, hint) = match counting {
        Counting::Barriers if !barrier => (
            "counts by barriers and has none",
            "add a [[facility.device]] of kind \"barrier\" for every lane",
        ),
        Counting::Absolute if !counter => {
            ("counts by a parking system and has none", "add a [[facility.device]] of kind \"counter\"")
        }
        Counting::Absolute if barrier => (
            "counts by a parking system: its barriers would not be heard",
            "count by \"barriers\", or remove them",
        ),
        Counting::Bays if barrier => (
            "counts by bays: its barriers would not be heard",
            "count by \"barriers\", which hears its bays as well, or remove them",
        ),
        _ => return,
    };
    table.problem("counting", what, hint);
}

/// Whether the bays are as many as the facility says.
fn bays_fit(table: &Table<'_>, facility: &Facility) {
    let bays = facility.bays.len();
    if facility.counting == Counting::Bays && table.is_sound("counting") && bays == 0 {
        table.problem("counting", "counts by bays and has none", "add its rows to bays.csv, one a bay");
    } else if !table.is_sound("capacity") {
    } else if facility.counting == Counting::Bays && bays != facility.capacity as usize {
        let what = format!("is {}, but bays.csv has {bays} bays of it", facility.capacity);
        table.problem("capacity", what, "a facility that counts by bays has a sensor in every bay");
    } else if bays > facility.capacity as usize {
        let what = format!("is {}, but bays.csv has {bays} bays in it", facility.capacity);
        table.problem("capacity", what, "bays are part of the capacity");
    }
}
