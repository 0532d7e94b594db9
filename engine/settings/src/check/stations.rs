//! stations.toml: where traffic is counted.

use std::time::Duration;

use vlot_model::{City, CountMode, DeviceKind, Role, Station, StationIx};

use super::city::Area;
use super::registry::{Names, Registry};
use super::{STATIONS, WHILE, service};
use crate::read::{Among, Id, Named, Span, Table, Text, Truth, Whole};

/// Readings are waited for at most this long.
const LATENESS_MAX: Duration = Duration::from_hours(1);

const KINDS: [(&str, DeviceKind); 2] =
    [("loop", DeviceKind::Loop), ("bicycle-counter", DeviceKind::BicycleCounter)];

/// Length of one product of motor traffic.
const MOTOR_INTERVAL: Duration = Duration::from_mins(1);
/// Length of one product of bicycles.
const BICYCLE_INTERVAL: Duration = Duration::from_mins(15);

pub(super) fn read(mut root: Table<'_>, area: &Area, city: &mut City, registry: &mut Registry) {
    let mut names = Names::new(STATIONS, "[[station]]");
    for mut table in root.tables("station") {
        let index = StationIx::from_position(city.stations.len());
        let id = table.required("id", Id);
        let name = table.required("name", Text(80));
        let mode = table.required("mode", Named::or_stand_in(CountMode::Motor));
        let position = area.position(&mut table);
        let at = registry.roads.spot(&mut table);
        let lateness = table.or("lateness", Span(Duration::ZERO..=LATENESS_MAX), "\"30s\"");
        let uptime_corrected = table.or("uptime_corrected", Truth, "false");
        if !names.take(&id, index) {
            table.problem("id", format!("{id:?} is taken"), "every station has an id of its own");
        }
        let entries = table.tables("device");
        if !table.has("device") {
            table.wrong("has no [[station.device]]", "a station has a device for each lane or direction");
        }
        let fitting = match mode {
            CountMode::Motor => DeviceKind::Loop,
            CountMode::Bicycle => DeviceKind::BicycleCounter,
        };
        let (mut devices, mut placed) = (Vec::new(), Vec::new());
        for mut entry in entries {
            let id = entry.required("id", Id);
            let kind = entry.required("kind", Among(&KINDS));
            let silent_after = entry.or("silent_after", Span(WHILE), "\"10m\"");
            if entry.is_sound("kind") && table.is_sound("mode") && kind != fitting {
                let (mode, kind) = match mode {
                    CountMode::Motor => ("motor", "loop"),
                    CountMode::Bicycle => ("bicycle", "bicycle-counter"),
                };
                entry.problem(
                    "kind",
                    format!("does not fit a station of mode {mode:?}"),
                    format!("use {kind:?}"),
                );
            }
            let role = Role::Lane { station: index };
            let device = registry.device_of(city, &entry, ("id", &id), (kind, role), silent_after);
            if let Some(point) = entry.optional("miv_id", Whole(1..=999_999_u32)) {
                if mode == CountMode::Bicycle && table.is_sound("mode") {
                    entry.problem("miv_id", "does not fit a station of mode \"bicycle\"", "remove it");
                }
                registry.also_called(city, &entry, ("miv_id", &format!("miv-{point}")), device);
            }
            service::of_table(&mut entry, city, device);
            devices.push(device);
            let spot = registry.roads.spot(&mut entry);
            placed.push((device, entry, spot));
        }
        match mode {
            CountMode::Motor => registry.roads.detectors(city, (&table, position, &at), &placed),
            CountMode::Bicycle => of_motors_alone(std::iter::once(&table).chain(placed.iter().map(|p| &p.1))),
        }
        let interval = match mode {
            CountMode::Motor => MOTOR_INTERVAL,
            CountMode::Bicycle => BICYCLE_INTERVAL,
        };
        city.stations.push(Station {
            id: id.into(),
            name,
            position,
            mode,
            interval,
            lateness,
            uptime_corrected,
            devices,
        });
    }
}

/// Bicycles go both ways past one counter, often beside the street: nothing of them is told by link.
fn of_motors_alone<'t, 'a: 't>(tables: impl Iterator<Item = &'t Table<'a>>) {
    for table in tables {
        for key in ["road", "link", "heading_deg"].into_iter().filter(|key| table.has(key)) {
            table.problem(
                key,
                "is given of a bicycle counter",
                "leave it out: detectors of cars stand on links",
            );
        }
    }
}
