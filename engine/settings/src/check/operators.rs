//! The desks that no file configures: the operators', one beside each facility and one for the streets, and the apps', one beside
//! each facility.

use std::time::Duration;

use vlot_model::{City, Device, DeviceIx, DeviceKind, FacilityIx, Role, Service};

/// Never looked at: a desk is no sensor.
const SILENT_AFTER: Duration = Duration::from_hours(7 * 24);

/// The operators' desk for situations.
const ROADS: &str = "roads/operator";

/// Adds the device `<facility>/operator` of each facility behind all others, and behind them, where there are streets, the one for
/// situations, `roads/operator`. No configured id holds a slash, so the name
/// is free.
pub(super) fn add(city: &mut City) {
    for (at, facility) in city.facilities.iter().enumerate() {
        let id = format!("{}/operator", facility.id);
        city.directory.insert(&id, DeviceIx::from_position(city.devices.len()));
        city.devices.push(Device {
            id: id.into(),
            kind: DeviceKind::Operator,
            role: Role::Operator { facility: FacilityIx::from_position(at) },
            silent_after: SILENT_AFTER,
            service: Service::default(),
        });
    }
    for (at, facility) in city.facilities.iter().enumerate() {
        let id = format!("{}/apps", facility.id);
        city.directory.insert(&id, DeviceIx::from_position(city.devices.len()));
        city.devices.push(Device {
            id: id.into(),
            kind: DeviceKind::Apps,
            role: Role::Apps { facility: FacilityIx::from_position(at) },
            silent_after: SILENT_AFTER,
            service: Service::default(),
        });
    }
    if city.network.is_some() {
        city.directory.insert(ROADS, DeviceIx::from_position(city.devices.len()));
        city.devices.push(Device {
            id: ROADS.into(),
            kind: DeviceKind::SituationFeed,
            role: Role::Situations,
            silent_after: SILENT_AFTER,
            service: Service::default(),
        });
    }
}
