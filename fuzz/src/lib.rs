//! What the fuzz targets share: a city with a device of every kind, and what has to hold of every message.

use std::sync::OnceLock;
use std::time::Duration;

use vlot_model::{
    City, Device, DeviceIx, DeviceKind, FacilityIx, Format, Role, SectionIx, SignIx, StationIx, Timestamp,
};

/// Short names, so that a fuzzer finds them; an EUI where the kind has one.
const DEVICES: &[(&str, &str, DeviceKind)] = &[
    ("b", "b0", DeviceKind::Bay),
    ("t", "01", DeviceKind::BoschTps110),
    ("n", "02", DeviceKind::Nwave),
    ("x", "03", DeviceKind::NetvoxR719a),
    ("l", "04", DeviceKind::LibeliumParking),
    ("g", "b5", DeviceKind::Barrier),
    ("c", "b6", DeviceKind::Counter),
    ("o", "b7", DeviceKind::Loop),
    ("y", "b8", DeviceKind::BicycleCounter),
    ("p", "b9", DeviceKind::SectionSensor),
    ("s", "ba", DeviceKind::Sign),
    ("v", "bb", DeviceKind::SignalController),
    ("a", "bc", DeviceKind::AirStation),
];

fn city() -> &'static City {
    static CITY: OnceLock<City> = OnceLock::new();
    CITY.get_or_init(|| {
        let mut city = City::default();
        for (id, eui, kind) in DEVICES {
            let ix = DeviceIx::from_position(city.devices.len());
            let facility = FacilityIx(0);
            let role = match kind {
                DeviceKind::Barrier => Role::Barrier { facility },
                DeviceKind::Counter => Role::Counter { facility },
                DeviceKind::Loop | DeviceKind::BicycleCounter => Role::Lane { station: StationIx(0) },
                DeviceKind::SectionSensor => Role::Section { section: SectionIx(0) },
                DeviceKind::Sign => Role::Sign { sign: SignIx(0) },
                _ => Role::Bay { facility, bay: ix.0 },
            };
            city.devices.push(Device {
                id: (*id).into(),
                kind: *kind,
                role,
                silent_after: Duration::from_secs(3_600),
                service: vlot_model::Service::default(),
            });
            city.directory.insert(id, ix);
            city.directory.insert(eui, ix);
        }
        city
    })
}

/// A message yields one reading of a device of the city, or a refusal that stays short and leaves nothing behind.
pub fn message(format: Format, payload: &[u8]) {
    let mut out = Vec::new();
    let received_at = Timestamp::from_secs(1_774_747_802);
    match vlot_decode::decode(format, "a/topic", payload, received_at, city(), &mut out) {
        Ok(()) => {
            assert_eq!(out.len(), 1);
            assert!(out[0].device.at() < DEVICES.len() - 1, "a sign says nothing over MQTT");
            assert_eq!(out[0].received_at, received_at);
        }
        Err(refusal) => {
            assert!(out.is_empty());
            assert!(refusal.detail.chars().count() <= 250, "{}", refusal.detail);
        }
    }
}

/// A payload is decoded or refused; a sensor that is unsure states nothing.
pub fn payload(kind: DeviceKind, f_port: u8, bytes: &[u8]) {
    match vlot_decode::payload::decode(kind, f_port, bytes) {
        Ok(decoded) => assert!(!(decoded.unsure && decoded.occupied.is_some())),
        Err(refusal) => assert!(refusal.detail.chars().count() <= 250, "{}", refusal.detail),
    }
}
