//! Properties over all input: nothing panics, nothing is read out of garbage, what was said comes back, and half a
//! message is none.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::{DEVICES, city, decode};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;
use vlot_model::{
    AirQuantity, DeviceIx, DeviceKind, Direction, Format, Reading, RefusalKind, SignalState, Timestamp, Value,
};
use vlot_proto::device::v1::{self as wire, envelope};

const FORMATS: [Format; 4] = [Format::VlotJson, Format::VlotProtobuf, Format::TtsV3, Format::ChirpstackV4];
const LORAWAN: [DeviceKind; 4] =
    [DeviceKind::BoschTps110, DeviceKind::Nwave, DeviceKind::NetvoxR719a, DeviceKind::LibeliumParking];

/// Kinds that no message can name.
const UNHEARD: [DeviceKind; 2] = [DeviceKind::Pair, DeviceKind::SituationFeed];

/// What the documentation allows a kind to say, written down a second time.
fn allowed(kind: DeviceKind, value: &Value) -> bool {
    use DeviceKind as K;
    match *value {
        Value::Bay { .. } => LORAWAN.contains(&kind) || kind == K::Bay,
        Value::BayUnsure => LORAWAN.contains(&kind),
        Value::Passage { vehicles, .. } => kind == K::Barrier && (1..=1_000).contains(&vehicles),
        Value::Totals { .. } => kind == K::Barrier,
        Value::Occupied { spaces } => matches!(kind, K::Barrier | K::Counter | K::Camera) && spaces <= 50_000,
        Value::Opening { .. } => matches!(kind, K::Barrier | K::Counter),
        Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
            kind == K::Loop
                && (1..=3_600).contains(&interval_s)
                && vehicles <= 10_000
                && speed_kmh.is_none_or(|v| (0.0..=250.0).contains(&v) && vehicles > 0)
                && detector_occupancy_pct.is_none_or(|v| (0.0..=100.0).contains(&v))
        }
        Value::Bicycles { interval_s, inbound, outbound } => {
            kind == K::BicycleCounter
                && (1..=3_600).contains(&interval_s)
                && inbound.is_none_or(|n| n <= 10_000)
                && outbound.is_none_or(|n| n <= 10_000)
        }
        Value::Places { free } => matches!(kind, K::SectionSensor | K::Camera) && free <= 50_000,
        Value::Alive => !UNHEARD.contains(&kind) && kind != K::Sign,
        Value::Verified { .. } | Value::Corrected { .. } | Value::CounterReplaced | Value::Closure { .. } => {
            false
        }
        Value::SignShown { .. } | Value::SignFault { .. } | Value::SignLink { .. } => false,
        Value::Signal { .. } => kind == K::SignalController,
        Value::Air { quantity, value } => {
            let most = match quantity {
                AirQuantity::No2 | AirQuantity::Pm25 => 1_000.0,
                AirQuantity::Pm10 => 2_000.0,
                AirQuantity::O3 => 600.0,
                AirQuantity::Noise => 140.0,
            };
            kind == K::AirStation && (0.0..=most).contains(&value)
        }
        Value::Situation(_)
        | Value::IncidentVerdict { .. }
        | Value::Traversal { .. }
        | Value::PairTime { .. }
        | Value::Guided { .. } => false,
    }
}

/// Whatever came in: either one reading that its device may say, or a refusal of bounded length.
fn sound(format: Format, payload: &[u8]) -> Result<(), TestCaseError> {
    match decode(format, "a/topic", payload) {
        Ok(readings) => {
            prop_assert_eq!(readings.len(), 1);
            let kind = DEVICES[readings[0].device.at()].2;
            prop_assert!(allowed(kind, &readings[0].value), "{:?} of {:?}", readings[0].value, kind);
            prop_assert_eq!(readings[0].received_at, common::received_at());
        }
        Err(refusal) => prop_assert!(refusal.detail.chars().count() <= 220, "{}", refusal.detail),
    }
    Ok(())
}

fn device(kind: DeviceKind) -> (DeviceIx, &'static str) {
    let at = DEVICES.iter().position(|d| d.2 == kind).unwrap();
    (DeviceIx::from_position(at), DEVICES[at].0)
}

/// Any reading that a device can make, within the bounds and at their ends.
fn readings() -> impl Strategy<Value = Reading> {
    use DeviceKind as K;
    let interval = 1_u16..=3_600;
    let way = prop_oneof![Just(Direction::In), Just(Direction::Out)];
    let said = prop_oneof![
        any::<bool>().prop_map(|occupied| (K::Bay, Value::Bay { occupied })),
        (way, 1_u16..=1_000)
            .prop_map(|(direction, vehicles)| (K::Barrier, Value::Passage { direction, vehicles })),
        any::<(u32, u32)>().prop_map(|(entries, exits)| (K::Barrier, Value::Totals { entries, exits })),
        (0_u32..=50_000).prop_map(|spaces| (K::Counter, Value::Occupied { spaces })),
        any::<bool>().prop_map(|open| (K::Counter, Value::Opening { open })),
        (
            interval.clone(),
            0_u32..=10_000,
            proptest::option::of(0.0_f32..=250.0),
            proptest::option::of(0.0_f32..=100.0)
        )
            .prop_map(|(interval_s, vehicles, speed_kmh, detector_occupancy_pct)| {
                let speed_kmh = speed_kmh.filter(|_| vehicles > 0);
                (K::Loop, Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct })
            }),
        (interval, proptest::option::of(0_u32..=10_000), proptest::option::of(0_u32..=10_000)).prop_map(
            |(interval_s, inbound, outbound)| (
                K::BicycleCounter,
                Value::Bicycles { interval_s, inbound, outbound }
            )
        ),
        (0_u32..=50_000).prop_map(|free| (K::SectionSensor, Value::Places { free })),
        (prop::sample::select(&SIGNALS[..]), proptest::option::of(any::<u16>()))
            .prop_map(|((state, ..), plan)| (K::SignalController, Value::Signal { state, plan })),
        (prop::sample::select(&AIR[..]), 10.0_f32..=140.0)
            .prop_map(|((quantity, ..), value)| (K::AirStation, Value::Air { quantity, value })),
        prop::sample::select(&[K::Loop, K::Reader, K::ProbeFeed, K::AirStation][..])
            .prop_map(|kind| (kind, Value::Alive)),
    ];
    // The years 1 to 9999, in microseconds.
    let at = -62_135_596_800_000_000_i64..=253_402_300_799_999_999;
    (said, proptest::option::of(any::<u32>()), at).prop_map(|((kind, value), sequence, at)| Reading {
        device: device(kind).0,
        sequence,
        observed_at: Timestamp::from_micros(at),
        received_at: common::received_at(),
        value,
    })
}

/// States of controllers, as JSON and protobuf write them.
const SIGNALS: [(SignalState, &str, wire::SignalState); 6] = [
    (SignalState::Running, "running", wire::SignalState::Running),
    (SignalState::Flashing, "flashing", wire::SignalState::Flashing),
    (SignalState::Dark, "dark", wire::SignalState::Dark),
    (SignalState::AllRed, "all-red", wire::SignalState::AllRed),
    (SignalState::Manual, "manual", wire::SignalState::Manual),
    (SignalState::Fault, "fault", wire::SignalState::Fault),
];

/// Quantities of air stations, likewise.
const AIR: [(AirQuantity, &str, wire::AirQuantity); 5] = [
    (AirQuantity::No2, "no2", wire::AirQuantity::No2),
    (AirQuantity::Pm10, "pm10", wire::AirQuantity::Pm10),
    (AirQuantity::Pm25, "pm25", wire::AirQuantity::Pm25),
    (AirQuantity::O3, "o3", wire::AirQuantity::O3),
    (AirQuantity::Noise, "noise", wire::AirQuantity::Noise),
];

/// Vlot's JSON, by a hand of its own.
fn to_json(reading: &Reading) -> Vec<u8> {
    let value = match reading.value {
        Value::Bay { occupied } => json!({"bay": {"occupied": occupied}}),
        Value::Passage { direction, vehicles } => {
            let direction = if direction == Direction::In { "in" } else { "out" };
            json!({"passage": {"direction": direction, "vehicles": vehicles}})
        }
        Value::Totals { entries, exits } => json!({"totals": {"entries": entries, "exits": exits}}),
        Value::Occupied { spaces } => json!({"occupancy": {"occupied_spaces": spaces}}),
        Value::Opening { open } => json!({"opening": {"open": open}}),
        Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => json!({"traffic": {
            "interval_s": interval_s, "vehicles": vehicles,
            "speed_kmh": speed_kmh, "detector_occupancy_pct": detector_occupancy_pct,
        }}),
        Value::Bicycles { interval_s, inbound, outbound } => {
            json!({"bicycles": {"interval_s": interval_s, "inbound": inbound, "outbound": outbound}})
        }
        Value::Places { free } => json!({"places": {"free_places": free}}),
        Value::Signal { state, plan } => {
            let (_, word, _) = SIGNALS.iter().find(|s| s.0 == state).unwrap();
            json!({"signal": {"state": word, "plan": plan}})
        }
        Value::Air { quantity, value } => {
            let (_, word, _) = AIR.iter().find(|q| q.0 == quantity).unwrap();
            json!({"air": {"quantity": word, "value": value}})
        }
        Value::Alive => json!({"alive": {}}),
        _ => unreachable!(),
    };
    let mut message = value;
    message["device"] = json!(DEVICES[reading.device.at()].0);
    message["sequence"] = json!(reading.sequence);
    message["observed_at"] = json!(reading.observed_at.to_string());
    serde_json::to_vec(&message).unwrap()
}

/// Vlot's protobuf.
fn to_protobuf(reading: &Reading) -> Vec<u8> {
    use envelope::Value as V;
    let value = match reading.value {
        Value::Bay { occupied } => V::Bay(wire::Bay { occupied }),
        Value::Passage { direction, vehicles } => V::Passage(wire::Passage {
            direction: match direction {
                Direction::In => wire::Direction::In.into(),
                Direction::Out => wire::Direction::Out.into(),
            },
            vehicles: vehicles.into(),
        }),
        Value::Totals { entries, exits } => V::Totals(wire::Totals { entries, exits }),
        Value::Occupied { spaces } => {
            V::Occupancy(wire::Occupancy { occupied_spaces: i32::try_from(spaces).unwrap() })
        }
        Value::Opening { open } => V::Opening(wire::Opening { open }),
        Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
            V::Traffic(wire::Traffic {
                interval_s: interval_s.into(),
                vehicles,
                speed_kmh,
                detector_occupancy_pct,
            })
        }
        Value::Bicycles { interval_s, inbound, outbound } => {
            V::Bicycles(wire::Bicycles { interval_s: interval_s.into(), inbound, outbound })
        }
        Value::Places { free } => V::Places(wire::Places { free_places: i32::try_from(free).unwrap() }),
        Value::Signal { state, plan } => V::Signal(wire::Signal {
            state: SIGNALS.iter().find(|s| s.0 == state).unwrap().2.into(),
            plan: plan.map(u32::from),
        }),
        Value::Air { quantity, value } => {
            V::Air(wire::Air { quantity: AIR.iter().find(|q| q.0 == quantity).unwrap().2.into(), value })
        }
        Value::Alive => V::Alive(wire::Alive {}),
        _ => unreachable!(),
    };
    let micros = reading.observed_at.micros();
    wire::Envelope {
        device: DEVICES[reading.device.at()].0.into(),
        sequence: reading.sequence,
        observed_at: Some(prost_types::Timestamp {
            seconds: micros.div_euclid(1_000_000),
            nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap(),
        }),
        value: Some(value),
    }
    .encode_to_vec()
}

/// One good message of every format.
fn good_messages() -> Vec<(Format, Vec<u8>)> {
    let sample = |path: &str| {
        std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)).unwrap()
    };
    let trim = |bytes: Vec<u8>| bytes.trim_ascii().to_vec();
    vec![
        (Format::VlotJson, trim(sample("vlot_json/samples/traffic.json"))),
        (Format::VlotJson, trim(sample("vlot_json/samples/bay_occupied.json"))),
        (
            Format::VlotProtobuf,
            common::unhex(&String::from_utf8(sample("vlot_protobuf/samples/traffic.hex")).unwrap()),
        ),
        (
            Format::VlotProtobuf,
            common::unhex(&String::from_utf8(sample("vlot_protobuf/samples/bay_free.hex")).unwrap()),
        ),
        (Format::TtsV3, trim(sample("tts_v3/samples/bosch_occupied.json"))),
        (Format::ChirpstackV4, trim(sample("chirpstack_v4/samples/bosch_occupied.json"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn arbitrary_bytes_are_refused(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in FORMATS {
            sound(format, &payload)?;
            // A reading needs the name of a device, which chance does not hit.
            prop_assert!(decode(format, "a/topic", &payload).is_err());
        }
    }

    #[test]
    fn json_of_any_shape_is_refused(text in "[\\[\\]{}:,\"a-z0-9._ \\\\-]{0,120}") {
        for format in [Format::VlotJson, Format::TtsV3, Format::ChirpstackV4] {
            prop_assert!(decode(format, "a/topic", text.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_damaged_message_says_nothing_that_its_device_cannot(
        which in 0_usize..6,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (format, mut payload) = good_messages().swap_remove(which);
        for (place, byte) in damage {
            let place = place.index(payload.len());
            payload[place] = byte;
        }
        sound(format, &payload)?;
    }

    #[test]
    fn what_was_said_comes_back(reading in readings()) {
        prop_assert_eq!(decode(Format::VlotJson, "a/topic", &to_json(&reading)), Ok(vec![reading.clone()]));
        prop_assert_eq!(decode(Format::VlotProtobuf, "a/topic", &to_protobuf(&reading)), Ok(vec![reading]));
    }

    #[test]
    fn half_a_message_is_none(reading in readings(), cut in any::<prop::sample::Index>()) {
        for (format, whole) in [(Format::VlotJson, to_json(&reading)), (Format::VlotProtobuf, to_protobuf(&reading))] {
            let half = &whole[..cut.index(whole.len())];
            prop_assert!(decode(format, "a/topic", half).is_err(), "{}", String::from_utf8_lossy(half));
        }
    }

    #[test]
    fn a_message_and_more_is_none(reading in readings(), more in 0_u8..=255) {
        let mut json = to_json(&reading);
        json.push(more);
        let blank = more.is_ascii_whitespace() && more != 0x0c;
        prop_assert_eq!(decode(Format::VlotJson, "a/topic", &json).is_ok(), blank);
        let mut protobuf = to_protobuf(&reading);
        protobuf.push(more);
        // A lone byte is a field without its value, whatever its number.
        prop_assert!(decode(Format::VlotProtobuf, "a/topic", &protobuf).is_err());
    }

    #[test]
    fn another_devices_words_are_refused(reading in readings(), other in 0_usize..DEVICES.len()) {
        let kind = DEVICES[other].2;
        let misattributed = Reading { device: DeviceIx::from_position(other), ..reading.clone() };
        for (format, payload) in
            [(Format::VlotJson, to_json(&misattributed)), (Format::VlotProtobuf, to_protobuf(&misattributed))]
        {
            match decode(format, "a/topic", &payload) {
                Ok(readings) => {
                    prop_assert!(allowed(kind, &reading.value));
                    prop_assert_eq!(readings, vec![misattributed.clone()]);
                }
                Err(refusal) => {
                    prop_assert!(!allowed(kind, &reading.value));
                    let unheard = UNHEARD.contains(&kind);
                    let expected = if unheard { RefusalKind::UnknownDevice } else { RefusalKind::WrongKind };
                    prop_assert_eq!(refusal.kind, expected);
                }
            }
        }
    }

    #[test]
    fn a_sensors_payload_never_panics(
        kind in 0_usize..DEVICES.len(),
        f_port in any::<u8>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..32),
    ) {
        let kind = DEVICES[kind].2;
        match vlot_decode::payload::decode(kind, f_port, &bytes) {
            Ok(decoded) => {
                prop_assert!(LORAWAN.contains(&kind));
                prop_assert!(!(decoded.unsure && decoded.occupied.is_some()));
            }
            Err(refusal) => prop_assert_eq!(refusal.kind == RefusalKind::WrongKind, !LORAWAN.contains(&kind)),
        }
    }
}

#[test]
fn every_beginning_of_a_message_is_refused() {
    for (format, whole) in good_messages() {
        assert_eq!(decode(format, "a/topic", &whole).unwrap().len(), 1);
        for end in 0..whole.len() {
            assert!(decode(format, "a/topic", &whole[..end]).is_err(), "{format:?} {end}");
        }
    }
}

#[test]
fn every_short_payload_of_every_port_is_read_or_refused() {
    for kind in LORAWAN {
        for f_port in 0..=u8::MAX {
            for bytes in (0..=u8::MAX).map(|b| vec![b]).chain([vec![]]).chain((2..=20).map(|n| vec![0xff; n]))
            {
                let decoded = vlot_decode::payload::decode(kind, f_port, &bytes);
                let stated = decoded.as_ref().is_ok_and(|d| d.occupied.is_some());
                // The ports and lengths that carry a state, and no other.
                let carries = match kind {
                    DeviceKind::BoschTps110 => matches!((f_port, bytes.len()), (1 | 2, 1) | (2, 2) | (3, 17)),
                    DeviceKind::Nwave => {
                        matches!((f_port, bytes.len()), (1 | 2, 1) | (3, 5))
                            || (f_port, bytes.len()) == (10, 6)
                    }
                    // Of these bytes no message has a state: the device type and the frame type do not fit.
                    _ => false,
                };
                assert_eq!(stated, carries, "{kind:?} {f_port} {bytes:x?}: {decoded:?}");
            }
        }
    }
}

#[test]
fn the_city_of_the_tests_has_every_kind() {
    let city = city();
    assert_eq!(city.devices.len(), DEVICES.len());
    for kind in LORAWAN {
        assert_eq!(city.devices[device(kind).0.at()].kind, kind);
    }
}
