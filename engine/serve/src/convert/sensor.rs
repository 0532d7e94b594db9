//! Sensors.

use vlot_model::{
    City, CountMode, Device, DeviceIx, DeviceKind, Entry, HealthState, Life, Product, Role, SensorRule,
};
use vlot_publish::sensor_why;

use super::timestamp;
use crate::wire::device::v1 as wire;

/// What kind of sensor a device is; `None`: it is none.
pub(crate) fn kind(device: &Device, city: &City) -> Option<wire::SensorKind> {
    match device.role {
        Role::Bay { .. } => Some(wire::SensorKind::Bay),
        Role::Barrier { .. } => Some(wire::SensorKind::Barrier),
        Role::Counter { .. } => Some(wire::SensorKind::Counter),
        // A gate counts as a barrier does, and a place's sensor is a bay's.
        Role::Section { .. } if device.kind == DeviceKind::Barrier => Some(wire::SensorKind::Barrier),
        Role::Section { .. } => Some(wire::SensorKind::Section),
        Role::Place { .. } => Some(wire::SensorKind::Bay),
        Role::Lane { station } => city.stations.get(station.at()).map(|station| match station.mode {
            CountMode::Motor => wire::SensorKind::Loop,
            CountMode::Bicycle => wire::SensorKind::BicycleCounter,
        }),
        Role::Sign { .. }
        | Role::Operator { .. }
        | Role::Apps { .. }
        | Role::Probes
        | Role::Reader
        | Role::Pair { .. }
        | Role::Controller { .. }
        | Role::Air { .. }
        | Role::Situations => None,
    }
}

/// A sensor with what was said of its health last: without anything it has been well from the start.
pub(crate) fn sensor(city: &City, ix: DeviceIx, entry: Option<&Entry>) -> wire::Sensor {
    let Some(device) = city.devices.get(ix.at()) else { return wire::Sensor::default() };
    let mut sensor = wire::Sensor {
        id: device.id.to_string(),
        kind: kind(device, city).unwrap_or_default().into(),
        life: wire::Life::InService.into(),
        health: wire::Health::Healthy.into(),
        ..wire::Sensor::default()
    };
    place(&mut sensor, device.role, city);
    if let Some(entry) = entry
        && let Product::Health(health) = &*entry.product
    {
        sensor.life = life(health.life).into();
        sensor.health = state(health.health).into();
        sensor.rule = health.rule.map_or(wire::Rule::Unspecified, rule).into();
        sensor.since = Some(timestamp(health.since));
        sensor.why = sensor_why(health, device.role);
        sensor.seen = health.seen;
        sensor.limit = health.limit;
        sensor.version = entry.version;
    }
    sensor
}

fn place(sensor: &mut wire::Sensor, role: Role, city: &City) {
    match role {
        Role::Bay { facility, bay } => {
            let Some(facility) = city.facilities.get(facility.at()) else { return };
            sensor.facility_id = facility.id.to_string();
            sensor.bay_id = facility.bays.get(bay as usize).map_or(String::new(), |bay| bay.id.to_string());
        }
        Role::Barrier { facility } | Role::Counter { facility } => {
            sensor.facility_id =
                city.facilities.get(facility.at()).map_or(String::new(), |f| f.id.to_string());
        }
        Role::Section { section } | Role::Place { section, .. } => {
            let Some(section) = city.sections.get(section.at()) else { return };
            sensor.section_id = section.id.to_string();
            if let Role::Place { place, .. } = role {
                let place = section.sources.places.get(place as usize);
                sensor.bay_id = place.map_or(String::new(), |place| place.id.to_string());
            }
            sensor.garage_id =
                city.garages.get(section.garage.at()).map_or(String::new(), |g| g.id.to_string());
        }
        Role::Lane { station } => {
            sensor.station_id = city.stations.get(station.at()).map_or(String::new(), |s| s.id.to_string());
        }
        Role::Sign { .. }
        | Role::Operator { .. }
        | Role::Apps { .. }
        | Role::Probes
        | Role::Reader
        | Role::Pair { .. }
        | Role::Controller { .. }
        | Role::Air { .. }
        | Role::Situations => {}
    }
}

fn life(life: Life) -> wire::Life {
    match life {
        Life::Commissioning => wire::Life::Commissioning,
        Life::InService => wire::Life::InService,
        Life::Retired => wire::Life::Retired,
    }
}

fn state(state: HealthState) -> wire::Health {
    match state {
        HealthState::Healthy => wire::Health::Healthy,
        HealthState::Suspect => wire::Health::Suspect,
        HealthState::Failed => wire::Health::Failed,
    }
}

fn rule(rule: SensorRule) -> wire::Rule {
    match rule {
        SensorRule::Silent => wire::Rule::Silent,
        SensorRule::Chattering => wire::Rule::Chattering,
        SensorRule::Stuck => wire::Rule::Stuck,
        SensorRule::Spiking => wire::Rule::Spiking,
        SensorRule::Clamped => wire::Rule::Clamped,
        SensorRule::Reset => wire::Rule::Reset,
        SensorRule::MidnightJump => wire::Rule::MidnightJump,
        SensorRule::Drift => wire::Rule::Drift,
        SensorRule::OutOfBounds => wire::Rule::OutOfBounds,
        SensorRule::ClockWrong => wire::Rule::ClockWrong,
        SensorRule::Sentinel => wire::Rule::Sentinel,
        SensorRule::Implausible => wire::Rule::Implausible,
    }
}
