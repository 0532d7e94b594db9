//! Nobody speaks as an operator through a broker, in any format and under any statement.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::{DEVICES, add, received_at};
use prost::Message;
use serde_json::{Value as Json, json};
use vlot_model::{City, DeviceKind, Format, RefusalKind};
use vlot_proto::device::v1 as wire;
use vlot_proto::device::v1::envelope::Value;

const DESK: &str = "ladeuze/operator";
/// A desk has no EUI; if one slipped into the directory, it would not help.
const EUI: &str = "70B3D57ED0000099";

fn city() -> City {
    let mut city = common::city();
    add(&mut city, DESK, Some(EUI), DeviceKind::Operator);
    city
}

fn refused(city: &City, format: Format, topic: &str, payload: &[u8]) {
    let mut out = Vec::new();
    let refusal = vlot_decode::decode(format, topic, payload, received_at(), city, &mut out).unwrap_err();
    assert!(out.is_empty());
    let text = String::from_utf8_lossy(payload);
    assert!(
        matches!(refusal.kind, RefusalKind::UnknownDevice | RefusalKind::WrongKind),
        "{refusal}: {format:?} {topic} {text}"
    );
}

#[test]
fn no_vlot_json_names_a_desk() {
    let city = city();
    let statements = [
        json!({"bay": {"occupied": true}}),
        json!({"passage": {"direction": "in", "vehicles": 1}}),
        json!({"totals": {"entries": 1, "exits": 0}}),
        json!({"occupancy": {"occupied_spaces": 3}}),
        json!({"opening": {"open": false}}),
        json!({"traffic": {"interval_s": 60, "vehicles": 1}}),
        json!({"bicycles": {"interval_s": 60}}),
        json!({"places": {"free_places": 3}}),
        json!({"signal": {"state": "dark"}}),
        json!({"air": {"quantity": "no2", "value": 20}}),
        json!({"alive": {}}),
    ];
    for mut message in statements {
        message["observed_at"] = json!("2026-03-29T01:30:00Z");
        for name in [DESK, "Ladeuze/Operator", EUI] {
            message["device"] = json!(name);
            for topic in ["vlot/v1/ladeuze/operator/json", "vlot/v1/ladeuze/json/operator", "elsewhere"] {
                refused(&city, Format::VlotJson, topic, message.to_string().as_bytes());
            }
        }
    }
}

#[test]
fn no_vlot_protobuf_names_a_desk() {
    let city = city();
    let statements = [
        Value::Bay(wire::Bay { occupied: true }),
        Value::Passage(wire::Passage { direction: wire::Direction::In.into(), vehicles: 1 }),
        Value::Totals(wire::Totals { entries: 1, exits: 0 }),
        Value::Occupancy(wire::Occupancy { occupied_spaces: 3 }),
        Value::Opening(wire::Opening { open: false }),
        Value::Places(wire::Places { free_places: 3 }),
        Value::Alive(wire::Alive {}),
    ];
    for value in statements {
        let message = wire::Envelope {
            device: DESK.into(),
            observed_at: Some(prost_types::Timestamp { seconds: 1_774_747_800, nanos: 0 }),
            value: Some(value),
            ..wire::Envelope::default()
        };
        refused(&city, Format::VlotProtobuf, "vlot/v1/ladeuze/operator/pb", &message.encode_to_vec());
    }
}

fn sample(folder: &str) -> Json {
    let path = format!("{}/src/{folder}/samples/bosch_occupied.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn no_uplink_names_a_desk() {
    let city = city();
    for (id, eui) in [(DESK, "70B3D57ED00000FF"), (DESK, EUI), ("another", EUI)] {
        let mut tts = sample("tts_v3");
        tts["end_device_ids"]["device_id"] = json!(id);
        tts["end_device_ids"]["dev_eui"] = json!(eui);
        let mut chirpstack = sample("chirpstack_v4");
        chirpstack["deviceInfo"]["deviceName"] = json!(id);
        chirpstack["deviceInfo"]["devEui"] = json!(eui.to_lowercase());
        // A frame without a payload says that a device lives; a desk does not live.
        for empty in [false, true] {
            if empty {
                tts["uplink_message"]["frm_payload"] = json!("");
                tts["uplink_message"]["f_port"] = json!(0);
                chirpstack["data"] = json!("");
                chirpstack["fPort"] = json!(0);
            }
            refused(&city, Format::TtsV3, "v3/parking/devices/x/up", tts.to_string().as_bytes());
            let topic = "application/a/device/x/event/up";
            refused(&city, Format::ChirpstackV4, topic, chirpstack.to_string().as_bytes());
        }
    }
}

#[test]
fn the_samples_are_read_when_they_name_a_sensor() {
    let city = city();
    for (format, folder) in [(Format::TtsV3, "tts_v3"), (Format::ChirpstackV4, "chirpstack_v4")] {
        let mut out = Vec::new();
        let payload = sample(folder).to_string();
        vlot_decode::decode(format, "t", payload.as_bytes(), received_at(), &city, &mut out).unwrap();
        assert_eq!(out.len(), 1);
    }
    assert!(DEVICES.iter().all(|d| d.2 != DeviceKind::Operator));
}
