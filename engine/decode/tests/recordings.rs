//! Every uplink of real bay sensors that was recorded, and every vector of the makers' own codecs, against what each
//! is known to say.
//!
//! The recordings (thingsboard/data-converters and TheThingsNetwork/lorawan-devices, Apache-2.0) are not part of the
//! repository: they are looked for in `../shared/data` beside it, or where `VLOT_TEST_DATA` points. Without them
//! these tests fail.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use vlot_decode::payload::{self, Decoded, Message, ResetCause};
use vlot_model::{City, DeviceKind, Format, Reading, Value};

fn data() -> PathBuf {
    let folder = match std::env::var_os("VLOT_TEST_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    }
    .join("lorawan");
    assert!(folder.is_dir(), "no recordings in {}: set VLOT_TEST_DATA", folder.display());
    folder
}

fn read(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every `payload*.json` below a folder, in order.
fn payloads(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            payloads(&path, found);
        } else if path.file_name().unwrap().to_str().unwrap().starts_with("payload") {
            found.push(path);
        }
    }
}

fn kind_of(maker: &str, model: &str) -> DeviceKind {
    match (maker, model) {
        ("Bosch", "Parking_Lot_Sensor") => DeviceKind::BoschTps110,
        ("Netvox", "R719A") => DeviceKind::NetvoxR719a,
        ("Nwave", _) => DeviceKind::Nwave,
        other => panic!("no codec for {other:?}"),
    }
}

#[test]
fn every_recorded_uplink_says_what_is_expected() {
    let root = data().join("VENDORS");
    let mut recordings = Vec::new();
    payloads(&root, &mut recordings);
    assert!(recordings.len() >= 39, "{} recordings", recordings.len());
    for path in recordings {
        let place: Vec<&str> =
            path.strip_prefix(&root).unwrap().iter().map(|c| c.to_str().unwrap()).collect();
        let kind = kind_of(place[0], place[1]);
        let network = place[2];
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = read(&path.with_file_name(name.replace("payload", "result")));
        let values = &expected["telemetry"][0]["values"];
        let message = read(&path);
        let at = path.display();

        let mut city = City::default();
        common::add(&mut city, "sensor", expected["attributes"]["eui"].as_str(), kind);
        let (format, topic, f_port, f_cnt, data) = match network {
            "ChirpStack" => (
                Format::ChirpstackV4,
                "application/1/device/1/event/up",
                &message["fPort"],
                &message["fCnt"],
                &message["data"],
            ),
            "ThingsStackCommunity" | "ThingsStackIndustries" => {
                let uplink = &message["uplink_message"];
                (
                    Format::TtsV3,
                    "v3/a@b/devices/c/up",
                    &uplink["f_port"],
                    &uplink["f_cnt"],
                    &uplink["frm_payload"],
                )
            }
            other => panic!("{at}: network {other}"),
        };

        // The whole message, as it came over MQTT.
        let mut out: Vec<Reading> = Vec::new();
        let bytes = fs::read(&path).unwrap();
        vlot_decode::decode(format, topic, &bytes, common::received_at(), &city, &mut out)
            .unwrap_or_else(|refusal| panic!("{at}: {refusal}"));
        let [reading] = out.as_slice() else { panic!("{at}: {out:?}") };
        assert_eq!(reading.sequence.map(u64::from), f_cnt.as_u64(), "{at}");
        assert_eq!(reading.received_at, common::received_at(), "{at}");
        let state = occupied(values).map_or(Value::Alive, |occupied| Value::Bay { occupied });
        assert_eq!(reading.value, state, "{at}");
        // The expected instant is the network's, in milliseconds; a gateway heard the device just before.
        let network_ms = expected["telemetry"][0]["ts"].as_i64().unwrap();
        let lag_ms = network_ms - reading.observed_at.micros() / 1_000;
        assert!((0..1_000).contains(&lag_ms), "{at}: {} is {lag_ms} ms before", reading.observed_at);

        // The payload, field by field.
        let f_port = u8::try_from(f_port.as_u64().unwrap()).unwrap();
        assert_eq!(Some(u64::from(f_port)), expected["attributes"]["fPort"].as_u64(), "{at}");
        let payload = STANDARD.decode(data.as_str().unwrap()).unwrap();
        let decoded = payload::decode(kind, f_port, &payload).unwrap();
        compare(&decoded, values, Source::Converter, &at.to_string());
    }
}

#[test]
fn every_vector_of_the_makers_codecs_decodes() {
    let path = data().join("ttn_lorawan-devices_codec_examples.yaml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut kind = None;
    let mut vectors = 0;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        match line {
            "bosch_tps110:" => kind = Some(DeviceKind::BoschTps110),
            "nwave_nps405:" => kind = Some(DeviceKind::Nwave),
            line => {
                let flow = line.trim().strip_prefix("- ").unwrap_or_else(|| panic!("{line}"));
                let vector = Flow(flow).value();
                let f_port = u8::try_from(vector["fPort"].as_u64().unwrap()).unwrap();
                let bytes: Vec<u8> = vector["bytes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|b| u8::try_from(b.as_u64().unwrap()).unwrap())
                    .collect();
                let decoded =
                    payload::decode(kind.unwrap(), f_port, &bytes).unwrap_or_else(|e| panic!("{line}: {e}"));
                compare(&decoded, &vector["data"], Source::Maker, line);
                vectors += 1;
            }
        }
    }
    assert_eq!(vectors, 7);
}

/// Where an expectation comes from. The two contradict each other in three fields of the same bytes, so one of them is
/// wrong; the makers' own are taken for right.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Maker,
    Converter,
}

fn occupied(values: &Json) -> Option<bool> {
    match &values["occupied"] {
        Json::Bool(occupied) => Some(*occupied),
        Json::String(text) if text == "on" => Some(true),
        Json::String(text) if text == "off" => Some(false),
        Json::Null => None,
        other => panic!("occupied: {other}"),
    }
}

/// Every field of the expectation, by name; a field that this does not know is an error.
fn compare(decoded: &Decoded, values: &Json, source: Source, at: &str) {
    assert_eq!(decoded.occupied, occupied(values), "{at}");
    let volts = |mv: Option<u16>| mv.map(|mv| f64::from(mv) / 1_000.0);
    let previous = decoded.previous_state;
    for (field, expected) in values.as_object().unwrap() {
        let ours = match field.as_str() {
            "occupied" => continue,
            "type" => json!(match decoded.message {
                Message::Status if expected == "parking status" => "parking status",
                Message::Status => "parking_status",
                Message::Heartbeat => "heartbeat",
                Message::StartUp => "startup",
                Message::Registration => "user_registration",
                other => panic!("{at}: {other:?}"),
            }),
            "temperature" => json!(decoded.temperature_c),
            // The converter takes the byte for a signed one, which makes a lithium cell at 3.344 V one at 2.32 V.
            "battery_voltage" if source == Source::Converter && expected == 2.32 => {
                json!(volts(decoded.battery_mv.map(|mv| mv - 256 * 4)))
            }
            "battery_voltage" => json!(volts(decoded.battery_mv)),
            "battery_health" if source == Source::Converter && expected == "critical" => continue,
            "battery_health" => json!(decoded.battery_low.map(|low| if low { "low" } else { "normal" })),
            "battery_voltage_mean_24h" => json!(volts(decoded.battery_mean_mv)),
            "tag_battery_voltage" => json!(volts(decoded.tag_battery_mv)),
            "tag_id" => {
                // It identifies a person, and leaves no trace.
                let tag = expected.as_str().unwrap();
                let number = u32::from_str_radix(tag, 16).unwrap();
                let shown = format!("{decoded:?} {decoded:x?}").to_uppercase();
                assert!(!shown.contains(tag) && !shown.contains(&number.to_string()), "{at}: {shown}");
                continue;
            }
            "hw_health_status" => json!(decoded.hardware_health),
            "previous_state_duration" => json!(previous.map(|p| p.minutes)),
            "previous_state_duration_error" => json!(previous.and_then(|p| p.error_minutes)),
            "previous_state_duration_overflow" => json!(previous.map(|p| p.error_minutes.is_none())),
            // The converter has the numbers in reverse: the firmware of these sensors is 0.29.2.
            "firmwareVersion" if source == Source::Converter => {
                json!(decoded.firmware.map(|[a, b, c]| format!("{c}.{b}.{a}")))
            }
            "firmwareVersion" | "firmware_version" => {
                json!(decoded.firmware.map(|[a, b, c]| format!("{a}.{b}.{c}")))
            }
            "resetCause" | "reset_cause" => json!(match (decoded.reset_cause, source) {
                (Some(ResetCause::PowerOn), _) if expected == "Power On Reset" => "Power On Reset",
                (Some(ResetCause::PowerOn), _) => "power_on",
                (Some(ResetCause::Request), _) => "system request",
                other => panic!("{at}: {:?}", other.0),
            }),
            "debugInfo" => json!(
                decoded.debug_info.map(|info| info
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect::<Vec<_>>()
                    .join(" "))
            ),
            "debugCodes" => {
                let codes: Vec<u16> = decoded
                    .debug_info
                    .iter()
                    .flat_map(|info| info.chunks_exact(4))
                    .map(|c| u16::from_le_bytes([c[0], c[1] & 0xf]))
                    .filter(|code| *code != 0)
                    .collect();
                json!(codes)
            }
            "cmd" => json!(decoded.reporting.map(|_| "readConfigReportRsp")),
            "minTime" => json!(decoded.reporting.map(|r| r.min_interval_s)),
            "maxTime" => json!(decoded.reporting.map(|r| r.max_interval_s)),
            "batteryChange" => json!(decoded.reporting.map(|r| f64::from(r.battery_change_mv) / 1_000.0)),
            other => panic!("{at}: nothing compares {other}"),
        };
        let same = match (ours.as_f64(), expected.as_f64()) {
            (Some(ours), Some(expected)) => (ours - expected).abs() < 1e-6,
            _ => ours == *expected,
        };
        assert!(same, "{at}: {field}: {ours}, expected {expected}");
    }
}

/// Flow-style YAML as the vectors use it: maps, lists, bare and quoted words, numbers in decimal and hexadecimal.
struct Flow<'a>(&'a str);

impl Flow<'_> {
    fn value(&mut self) -> Json {
        self.0 = self.0.trim_start();
        match self.0.chars().next() {
            Some('{') => {
                let mut fields = BTreeMap::new();
                self.list('}', |flow| {
                    let name = flow.word(&[':']);
                    flow.0 = &flow.0[1..];
                    fields.insert(name, flow.value());
                });
                json!(fields)
            }
            Some('[') => {
                let mut items = Vec::new();
                self.list(']', |flow| items.push(flow.value()));
                json!(items)
            }
            Some(quote @ ('\'' | '"')) => {
                let (text, rest) = self.0[1..].split_once(quote).unwrap();
                self.0 = rest;
                json!(text)
            }
            _ => {
                let word = self.word(&[',', '}', ']']);
                match word.strip_prefix("0x").map(|hex| u64::from_str_radix(hex, 16)) {
                    Some(number) => json!(number.unwrap()),
                    None => serde_json::from_str(&word).unwrap_or(json!(word)),
                }
            }
        }
    }

    fn list(&mut self, end: char, mut item: impl FnMut(&mut Self)) {
        loop {
            self.0 = self.0[1..].trim_start();
            if self.0.starts_with(end) {
                break;
            }
            item(self);
            self.0 = self.0.trim_start();
            if self.0.starts_with(end) {
                break;
            }
            assert!(self.0.starts_with(','), "{}", self.0);
        }
        self.0 = &self.0[1..];
    }

    fn word(&mut self, ends: &[char]) -> String {
        self.0 = self.0.trim_start();
        let (word, rest) = self.0.split_at(self.0.find(ends).unwrap_or(self.0.len()));
        self.0 = rest;
        word.trim().to_owned()
    }
}
