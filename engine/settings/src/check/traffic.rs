//! traffic.toml: how traffic on the streets becomes known, and what of it people ask for.

use std::time::Duration;

use vlot_model::{AirIx, AirStation, City, Controller, ControllerIx, DeviceKind, LonLat, Role};

use super::city::Area;
use super::corridors::{self, Readers};
use super::registry::{Names, Registry};
use super::{TRAFFIC, WHILE, service};
use crate::read::{Id, Span, Table, Text, Whole};

/// A link's estimate rests on what is no older than this.
const WINDOW: std::ops::RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(2);

pub(super) fn read(mut root: Table<'_>, area: &Area, city: &mut City, registry: &mut Registry) {
    let mut rules = root.section("traffic");
    city.traffic.probes_min = rules.or("probes_min", Whole(1..=1_000), "3");
    city.traffic.window = rules.or("window", Span(WINDOW), "\"10m\"");
    drop(rules);
    for (key, kind, role) in [
        ("probe_feed", DeviceKind::ProbeFeed, Role::Probes),
        ("situation_feed", DeviceKind::SituationFeed, Role::Situations),
    ] {
        for mut table in root.tables(key) {
            let id = table.required("id", Id);
            let silent_after = table.or("silent_after", Span(WHILE), "\"10m\"");
            let device = registry.device_of(city, &table, ("id", &id), (kind, role), silent_after);
            service::of_table(&mut table, city, device);
        }
    }
    corridors::corridors(&mut root, city, registry);
    let (readers, places) = readers(&mut root, area, city, registry);
    controllers(&mut root, area, city, registry);
    air_stations(&mut root, area, city, registry);
    // Behind all that stands in a street: no message names a pair.
    corridors::pairs(&mut root, (&readers, &places), city, registry);
}

fn readers(
    root: &mut Table<'_>,
    area: &Area,
    city: &mut City,
    registry: &mut Registry,
) -> (Readers, Vec<LonLat>) {
    let (mut names, mut places) = (Names::new(TRAFFIC, "[[reader]]"), Vec::new());
    for mut table in root.tables("reader") {
        let id = table.required("id", Id);
        let position = area.position(&mut table);
        let silent_after = table.or("silent_after", Span(WHILE), "\"10m\"");
        let device =
            registry.device_of(city, &table, ("id", &id), (DeviceKind::Reader, Role::Reader), silent_after);
        service::of_table(&mut table, city, device);
        let known = registry.roads.known().filter(|_| area.has(position));
        if known.is_some_and(|known| corridors::around(&known.network, position).is_empty()) {
            let hint = "correct its place, or add its street to roads.toml";
            table.wrong("stands more than 60 m from every street that cars may use", hint);
        }
        names.take(&id, (device, places.len()));
        places.push(position);
    }
    (names, places)
}

fn controllers(root: &mut Table<'_>, area: &Area, city: &mut City, registry: &mut Registry) {
    for mut table in root.tables("controller") {
        let role = Role::Controller { controller: ControllerIx::from_position(city.controllers.len()) };
        let id = table.required("id", Id);
        let name = table.required("name", Text(80));
        let position = area.position(&mut table);
        let valid_for = table.or("valid_for", Span(WHILE), "\"15m\"");
        let silent_after = table.or("silent_after", Span(WHILE), "\"15m\"");
        let kind = DeviceKind::SignalController;
        let device = registry.device_of(city, &table, ("id", &id), (kind, role), silent_after);
        service::of_table(&mut table, city, device);
        city.controllers.push(Controller { id: id.into(), name, position, valid_for, device });
    }
}

fn air_stations(root: &mut Table<'_>, area: &Area, city: &mut City, registry: &mut Registry) {
    for mut table in root.tables("air_station") {
        let role = Role::Air { station: AirIx::from_position(city.air_stations.len()) };
        let id = table.required("id", Id);
        let name = table.required("name", Text(80));
        let position = area.position(&mut table);
        let valid_for = table.or("valid_for", Span(WHILE), "\"2h\"");
        let silent_after = table.or("silent_after", Span(WHILE), "\"2h\"");
        let kind = DeviceKind::AirStation;
        let device = registry.device_of(city, &table, ("id", &id), (kind, role), silent_after);
        service::of_table(&mut table, city, device);
        city.air_stations.push(AirStation { id: id.into(), name, position, valid_for, device });
    }
}
