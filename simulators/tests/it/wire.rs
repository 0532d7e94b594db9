//! The encoders against samples that were written by hand from the formats' descriptions.

use prost::Message as _;
use serde_json::{Value as Json, json};
use vlot_proto::device::v1::{Envelope, Passage, envelope};
use vlot_simulators::wire::{Address, DeviceKind, Format, Statement, Value, encode};

/// 2026-11-24T08:00:00.25Z
const AT: i64 = 1_795_507_200_250_000;

fn said(kind: DeviceKind, format: Format, sequence: Option<u32>, value: Value) -> Vec<u8> {
    let from = Address { device: "device-1".into(), eui: "70B3D5000000000A".into(), kind };
    encode(format, &Statement { from: &from, sequence, observed_at: AT, value }).unwrap()
}

fn json_of(kind: DeviceKind, format: Format, sequence: Option<u32>, value: Value) -> Json {
    serde_json::from_slice(&said(kind, format, sequence, value)).unwrap()
}

const OCCUPIED: Value = Value::Bay { occupied: true, heartbeat: false, previous_minutes: 74 };

#[test]
fn vlot_json_has_the_fields_of_the_envelope_and_leaves_out_what_is_not_known() {
    let traffic =
        |speed_kmh| Value::Traffic { interval_s: 60, vehicles: 3, speed_kmh, detector_occupancy_pct: None };
    for (value, name, body) in [
        (OCCUPIED, "bay", json!({ "occupied": true })),
        (
            Value::Passage { inward: false, vehicles: 2 },
            "passage",
            json!({ "direction": "out", "vehicles": 2 }),
        ),
        (Value::Totals { entries: 7, exits: 5 }, "totals", json!({ "entries": 7, "exits": 5 })),
        (Value::Occupancy { occupied_spaces: -3 }, "occupancy", json!({ "occupied_spaces": -3 })),
        (Value::Opening { open: false }, "opening", json!({ "open": false })),
        (traffic(Some(48.7)), "traffic", json!({ "interval_s": 60, "vehicles": 3, "speed_kmh": 48.7 })),
        (traffic(None), "traffic", json!({ "interval_s": 60, "vehicles": 3 })),
        (
            Value::Bicycles { interval_s: 900, inbound: Some(0), outbound: None },
            "bicycles",
            json!({ "interval_s": 900, "inbound": 0 }),
        ),
        (Value::Places { free_places: 0 }, "places", json!({ "free_places": 0 })),
        (Value::Alive, "alive", json!({})),
    ] {
        let mut expected =
            json!({ "device": "device-1", "sequence": 4, "observed_at": "2026-11-24T08:00:00.25Z" });
        expected[name] = body;
        assert_eq!(json_of(DeviceKind::Bay, Format::VlotJson, Some(4), value), expected);
    }
    let without = json_of(DeviceKind::Bay, Format::VlotJson, None, Value::Alive);
    assert_eq!(without.get("sequence"), None);
}

#[test]
fn vlot_protobuf_is_byte_for_byte_what_the_schema_says() {
    let bytes = said(
        DeviceKind::Barrier,
        Format::VlotProtobuf,
        Some(0),
        Value::Passage { inward: true, vehicles: 1 },
    );
    let mut expected = vec![0x0A, 8]; // device = 1
    expected.extend(b"device-1");
    expected.extend([0x10, 0]); // sequence = 2, present though 0
    expected.extend([0x1A, 11, 0x08]); // observed_at = 3 { seconds = 1
    expected.extend([0x80, 0x88, 0x95, 0xD8, 0x06]);
    expected.extend([0x10, 0x80, 0xE5, 0x9A, 0x77]); // nanos = 2 }
    expected.extend([0x2A, 4, 0x08, 1, 0x10, 1]); // passage = 5 { direction = 1 IN, vehicles = 2 }
    assert_eq!(bytes, expected);
    let envelope = Envelope::decode(bytes.as_slice()).unwrap();
    assert_eq!(envelope.value, Some(envelope::Value::Passage(Passage { direction: 1, vehicles: 1 })));
}

#[test]
fn the_things_stack_leaves_out_what_is_zero() {
    let first = json_of(DeviceKind::BoschTps110, Format::TtsV3, Some(0), OCCUPIED);
    assert_eq!(
        first["end_device_ids"],
        json!({
            "device_id": "device-1",
            "application_ids": { "application_id": "vlot-sim" },
            "dev_eui": "70B3D5000000000A",
        })
    );
    assert_eq!(first["received_at"], "2026-11-24T08:00:00.25Z");
    let uplink = &first["uplink_message"];
    assert_eq!(uplink.get("f_cnt"), None, "a counter of 0 is left out");
    assert_eq!((uplink["f_port"].as_u64(), uplink["frm_payload"].as_str()), (Some(1), Some("AQ==")));
    assert_eq!(uplink["rx_metadata"][0]["time"], "2026-11-24T08:00:00.25Z");
    let later = json_of(DeviceKind::BoschTps110, Format::TtsV3, Some(9), OCCUPIED);
    assert_eq!(later["uplink_message"]["f_cnt"], 9);
}

#[test]
fn chirpstack_has_what_is_zero() {
    let first = json_of(DeviceKind::Nwave, Format::ChirpstackV4, Some(0), OCCUPIED);
    assert_eq!(first["fCnt"], 0);
    assert_eq!(first["confirmed"], false);
    assert_eq!((first["fPort"].as_u64(), first["data"].as_str()), (Some(1), Some("lQ==")));
    assert_eq!(first["time"], "2026-11-24T08:00:00.25Z");
    assert_eq!(first["deviceInfo"]["devEui"], "70b3d5000000000a");
    assert_eq!(first["deviceInfo"]["deviceName"], "device-1");
}

#[test]
fn what_a_format_cannot_carry_is_an_error() {
    let from = Address { device: "gate".into(), eui: String::new(), kind: DeviceKind::Barrier };
    let value = Value::Passage { inward: true, vehicles: 1 };
    let statement = Statement { from: &from, sequence: None, observed_at: AT, value };
    let e = encode(Format::TtsV3, &statement).unwrap_err();
    assert_eq!(e.to_string(), "gate cannot say \"passage\" in tts-v3");
}

#[test]
fn sightings_say_what_is_seen_and_nothing_else() {
    let position = vlot_simulators::wire::Position {
        lat: 50.87654321,
        lon: 4.7,
        speed_kmh: 31.26,
        heading_deg: Some(359.7),
    };
    let seen = |kind, position| {
        json_of(kind, Format::VlotSightings, Some(4), Value::Sighting { vehicle: 17, position })
    };
    let expected = json!({
        "device": "device-1", "observed_at": "2026-11-24T08:00:00.25Z", "vehicle": "fleet-17",
        "lat": 50.876543, "lon": 4.7, "speed_kmh": 31.3, "heading_deg": 0.0,
    });
    assert_eq!(seen(DeviceKind::ProbeFeed, Some(position)), expected);
    let expected =
        json!({ "device": "device-1", "observed_at": "2026-11-24T08:00:00.25Z", "vehicle": "1-AAA-017" });
    assert_eq!(seen(DeviceKind::Reader, None), expected);
    let from = Address { device: "d".into(), eui: String::new(), kind: DeviceKind::Reader };
    let sighting = Value::Sighting { vehicle: 1, position: None };
    for (format, value) in [(Format::VlotJson, sighting), (Format::VlotSightings, Value::Alive)] {
        let statement = Statement { from: &from, sequence: None, observed_at: AT, value };
        assert!(encode(format, &statement).is_err(), "{format:?}");
    }
}

#[test]
fn lights_and_air_are_said_alike_in_both_formats() {
    let lights = Value::Signal { state: "all-red", plan: Some(7) };
    let air = Value::Air { quantity: "pm25", value: 14.26 };
    let said_json = |kind, value| json_of(kind, Format::VlotJson, None, value);
    assert_eq!(
        said_json(DeviceKind::SignalController, lights)["signal"],
        json!({ "state": "all-red", "plan": 7 })
    );
    assert_eq!(said_json(DeviceKind::AirStation, air)["air"], json!({ "quantity": "pm25", "value": 14.3 }));
    let binary =
        |kind, value| Envelope::decode(&said(kind, Format::VlotProtobuf, None, value)[..]).unwrap().value;
    let Some(envelope::Value::Signal(signal)) = binary(DeviceKind::SignalController, lights) else {
        panic!()
    };
    assert_eq!((signal.state, signal.plan), (4, Some(7)));
    let Some(envelope::Value::Air(air)) = binary(DeviceKind::AirStation, air) else { panic!() };
    assert_eq!((air.quantity, air.value), (3, 14.26));
}
