//! bays.csv: one row a bay with a sensor of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use vlot_model::{Bay, City, DeviceKind, Role, UserGroup};

use super::registry::{NewDevice, Registry};
use super::{BAYS, service};
use crate::read::{Among, Eui, Id, Named, Report, Row, Rows};

const COLUMNS: [&str; 6] = ["device", "eui", "kind", "facility", "bay", "use"];

/// Columns that a file may do without.
const OPTIONAL: [&str; 2] = ["in_service_from", "retired_from"];

/// Sensors that can watch a bay; all but the first speak LoRaWAN.
pub(super) const KINDS: [(&str, DeviceKind); 5] = [
    ("bay", DeviceKind::Bay),
    ("bosch-tps110", DeviceKind::BoschTps110),
    ("nwave", DeviceKind::Nwave),
    ("netvox-r719a", DeviceKind::NetvoxR719a),
    ("libelium-parking", DeviceKind::LibeliumParking),
];

/// What a facility knows of its bays while they are read.
pub(super) struct Zone {
    silent_after: Duration,
    bays: BTreeSet<String>,
}

impl Zone {
    pub(super) fn new(silent_after: Duration) -> Zone {
        Zone { silent_after, bays: BTreeSet::new() }
    }
}

/// Reads every row; `zones` stand in the order of the city's facilities.
pub(super) fn read(
    text: &str,
    zones: &mut [Zone],
    city: &mut City,
    registry: &mut Registry,
    report: &Report,
) {
    registry.bays_complete = true;
    if text.is_empty() {
        return;
    }
    let Some(mut rows) = Rows::open(BAYS, text, &COLUMNS, &OPTIONAL, report) else {
        registry.bays_complete = false;
        return;
    };
    while let Some(row) = rows.next(report) {
        bay(&row, zones, city, registry);
    }
    registry.bays_complete &= rows.complete();
}

fn bay(row: &Row<'_>, zones: &mut [Zone], city: &mut City, registry: &mut Registry) {
    let id = row.required("device", Id);
    let eui = row.optional("eui", Eui);
    let kind = row.required("kind", Among(&KINDS));
    let facility = row.required("facility", Id);
    let bay_id = row.required("bay", Id);
    let bay_use = row.required("use", Named::or_stand_in(UserGroup::Everyone));
    match (kind, row.is_empty("eui")) {
        (DeviceKind::Bay, false) if row.is_sound("kind") => {
            row.problem("eui", "is given, but kind \"bay\" does not speak LoRaWAN", "leave it empty");
        }
        (DeviceKind::Bay, _) | (_, false) => {}
        _ => row.problem("eui", "is empty", "a LoRaWAN sensor is known by its EUI"),
    }
    let complain = |what: String, hint: String| row.problem("facility", what, hint);
    let Some(index) = registry.facilities.find(&facility, complain) else {
        // It was meant for some facility: how many bays that one has cannot be told.
        registry.bays_complete = false;
        return;
    };
    let (Some(zone), Some(facility)) = (zones.get_mut(index.at()), city.facilities.get(index.at())) else {
        return;
    };
    if !bay_id.is_empty() && !zone.bays.insert(bay_id.clone()) {
        row.problem(
            "bay",
            format!("{bay_id:?} is taken in {:?}", facility.id),
            "every bay has a name of its own",
        );
    }
    let Ok(position) = u32::try_from(facility.bays.len()) else { return };
    let new = NewDevice {
        key: "device",
        id: &id,
        eui: eui.as_deref(),
        kind,
        role: Role::Bay { facility: index, bay: position },
        silent_after: zone.silent_after,
        file: BAYS,
        line: row.line,
    };
    let device = registry.device(city, &new, |key, what, hint| row.problem(key, what, hint));
    service::of_row(row, city, device);
    if let Some(facility) = city.facilities.get_mut(index.at()) {
        facility.bays.push(Bay { id: bay_id.into(), bay_use, device });
    }
}
