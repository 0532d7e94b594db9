//! Operators' desks stand beside the facilities, behind every configured device.

use std::path::PathBuf;

use vlot_model::{DeviceIx, DeviceKind, FacilityIx, Role};
use vlot_settings::{Acts, Source, check};

#[test]
fn each_facility_has_a_desk_behind_all_devices() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/leuven");
    let settings = Source::read_dir(&directory).and_then(|source| check(&source)).unwrap();
    let city = settings.city;
    let first = city.devices.iter().position(|d| d.kind == DeviceKind::Operator).unwrap();
    assert_eq!(first, city.field_devices() + city.pairs.len());
    // And the apps' desks, and the one for situations.
    assert_eq!(city.devices.len() - first, 2 * city.facilities.len() + 1);
    let last = city.devices.last().expect("devices");
    assert_eq!((&*last.id, last.role), ("roads/operator", Role::Situations));
    assert_eq!(city.directory.find("roads/operator").map(DeviceIx::at), Some(city.devices.len() - 1));
    for (at, facility) in city.facilities.iter().enumerate() {
        let (ix, desk) = (FacilityIx::from_position(at), DeviceIx::from_position(first + at));
        assert_eq!(city.desk(ix), Some(desk));
        assert_eq!(city.directory.find(&format!("{}/operator", facility.id)), Some(desk));
        assert_eq!(city.devices[desk.at()].role, Role::Operator { facility: ix });
        let apps = DeviceIx::from_position(first + city.facilities.len() + at);
        assert_eq!(city.apps_desk(ix), Some(apps));
        assert_eq!(city.devices[apps.at()].role, Role::Apps { facility: ix });
        assert!(facility.bays.iter().all(|bay| bay.device.at() < first));
    }
    assert_eq!(settings.serve.acts, Acts::Loopback, "the default takes acts from this machine alone");
}
