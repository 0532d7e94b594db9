//! The operators' desks: one beside each facility, which no file configures.

use std::time::Duration;

use vlot_model::{City, Device, DeviceIx, DeviceKind, FacilityIx, Role, Service};

/// Never looked at: a desk is no sensor.
const SILENT_AFTER: Duration = Duration::from_hours(7 * 24);

/// Adds the device `<facility>/operator` of each facility behind all others. No configured id holds a slash, so the name
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
}
