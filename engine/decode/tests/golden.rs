//! Golden samples: every `samples/NAME.json` or `samples/NAME.hex` of a format beside what it has to give,
//! `samples/NAME.expected.json`.
//!
//! `VLOT_BLESS=1 cargo test -p vlot-decode --test golden` writes the expectations anew; read the difference.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{city, decode, readable, unhex};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use vlot_model::{Anonymise, City, DeviceKind, Format, Pseudonym, RefusalKind};

/// Samples of a folder, in order of name; a sample without expectation and an expectation without sample are errors.
fn samples(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder).join("samples");
    let (mut inputs, mut expected) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(name) = name.strip_suffix(".expected.json") {
            expected.insert(folder.join(name));
        } else {
            inputs.insert(path);
        }
    }
    let stems: BTreeSet<PathBuf> = inputs.iter().map(|path| path.with_extension("")).collect();
    if !blessing() {
        assert_eq!(stems, expected, "samples against expectations of {}", folder.display());
    }
    inputs.into_iter().collect()
}

fn blessing() -> bool {
    std::env::var_os("VLOT_BLESS").is_some()
}

/// Compares with the expectation and returns what differs.
fn check(input: &Path, actual: &Json) -> Option<String> {
    let path = input.with_extension("expected.json");
    if blessing() {
        fs::write(&path, format!("{actual:#}\n")).unwrap();
        return None;
    }
    let expected: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    (expected != *actual).then(|| format!("{}\nexpected {expected:#}\nactual {actual:#}", input.display()))
}

fn check_all(folder: &str, at_least: usize, actual: impl Fn(&Path) -> Json) {
    let samples = samples(folder);
    assert!(samples.len() >= at_least, "{folder}: {} samples", samples.len());
    let wrong: Vec<String> = samples.iter().filter_map(|input| check(input, &actual(input))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn check_format(folder: &str, at_least: usize, format: Format, topic: &str) {
    let city = city();
    check_all(folder, at_least, |input| {
        let payload = match input.extension().and_then(|e| e.to_str()) {
            Some("hex") => unhex(&fs::read_to_string(input).unwrap()),
            _ => fs::read(input).unwrap(),
        };
        readable(&decode(format, topic, &payload), &city)
    });
}

#[test]
fn vlot_json() {
    check_format("vlot_json", 20, Format::VlotJson, "city/leuven");
}

#[test]
fn vlot_protobuf() {
    check_format("vlot_protobuf", 10, Format::VlotProtobuf, "city/leuven");
}

#[test]
fn tts_v3() {
    check_format("tts_v3", 8, Format::TtsV3, "v3/parking@leuven/devices/a/up");
}

#[test]
fn chirpstack_v4() {
    check_format("chirpstack_v4", 6, Format::ChirpstackV4, "application/1/device/70b3d57ed0000001/event/up");
}

#[test]
fn miv() {
    let mut city = city();
    for name in ["miv-29", "miv-30"] {
        common::add(&mut city, name, None, DeviceKind::Loop);
    }
    common::add(&mut city, "miv-31", None, DeviceKind::BicycleCounter);
    check_all("miv", 12, |input| {
        match vlot_decode::miv::decode(&fs::read(input).unwrap(), common::received_at(), &city) {
            Err(refusal) => readable(&Err(refusal), &city),
            Ok(publication) => {
                let points = publication.points;
                let refused: Vec<String> = publication
                    .refused
                    .iter()
                    .map(|(point, refusal)| format!("{point}: {refusal}"))
                    .collect();
                let mut json = readable(&Ok(publication.readings), &city);
                json["published_at"] = json!(publication.published_at.map(|at| at.to_string()));
                json["points"] = json!({
                    "all": points.all, "known": points.known, "ghosts": points.ghosts,
                    "unwell": points.unwell, "old": points.old, "refused": points.refused,
                });
                json["refused_points"] = json!(refused);
                json
            }
        }
    });
}

/// A payload as a LoRaWAN network hands it over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    f_port: u8,
    hex: String,
}

fn check_payload(folder: &str, at_least: usize, kind: DeviceKind) {
    check_all(&format!("payload/{folder}"), at_least, |input| {
        let frame: Frame = serde_json::from_str(&fs::read_to_string(input).unwrap()).unwrap();
        match vlot_decode::payload::decode(kind, frame.f_port, &unhex(&frame.hex)) {
            Ok(decoded) => serde_json::to_value(decoded).unwrap(),
            Err(refusal) => json!({ "refused": refusal.kind.name(), "detail": refusal.detail }),
        }
    });
}

#[test]
fn bosch_tps110() {
    check_payload("bosch_tps110", 8, DeviceKind::BoschTps110);
}

#[test]
fn nwave() {
    check_payload("nwave", 8, DeviceKind::Nwave);
}

#[test]
fn netvox_r719a() {
    check_payload("netvox_r719a", 6, DeviceKind::NetvoxR719a);
}

#[test]
fn libelium_parking() {
    check_payload("libelium_parking", 6, DeviceKind::LibeliumParking);
}

#[test]
fn only_uplinks_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let tts = fs::read(folder.join("tts_v3/samples/bosch_occupied.json")).unwrap();
    let chirpstack = fs::read(folder.join("chirpstack_v4/samples/bosch_occupied.json")).unwrap();
    for (format, payload, up, others) in [
        (
            Format::TtsV3,
            tts,
            "leuven/v3/parking@leuven/devices/a/up",
            ["v3/p@l/devices/a/join", "v3/p@l/devices/a/down/sent", "v3/p@l/devices/a/up/normalized"],
        ),
        (
            Format::ChirpstackV4,
            chirpstack,
            "leuven/application/1/device/a/event/up",
            ["application/1/device/a/event/join", "application/1/device/a/event/status", "x/event/log"],
        ),
    ] {
        assert_eq!(decode(format, up, &payload).unwrap().len(), 1);
        assert_eq!(decode(format, "a/topic/of/its/own", &payload).unwrap().len(), 1);
        for topic in others {
            assert_eq!(
                decode(format, topic, &payload).unwrap_err().kind,
                RefusalKind::Unsupported,
                "{topic}"
            );
        }
    }
}

#[test]
fn a_topic_of_a_device_speaks_of_that_device_alone() {
    let message = br#"{"device":"bay-1","observed_at":"2026-03-29T01:30:00Z","bay":{"occupied":true}}"#;
    for (topic, accepted) in [
        ("vlot/v1/bay-1/json", true),
        ("vlot/v1/BAY-1/json", true),
        ("vlot/v1/bosch-1/json", false),
        ("vlot/v1/bay-1/elsewhere/json", true),
        ("gateway/7", true),
    ] {
        let result = decode(Format::VlotJson, topic, message);
        assert_eq!(result.is_ok(), accepted, "{topic}: {result:?}");
    }
}

#[test]
fn a_message_over_the_bound_is_refused_unread() {
    for format in [Format::VlotJson, Format::VlotProtobuf, Format::TtsV3, Format::ChirpstackV4] {
        let limit = vlot_decode::max_payload_bytes(format);
        assert!(limit <= vlot_decode::MAX_PAYLOAD_BYTES);
        let kind = |length| decode(format, "t", &vec![b' '; length]).unwrap_err().kind;
        assert_eq!(
            (kind(limit), kind(limit + 1)),
            (RefusalKind::Malformed, RefusalKind::Oversized),
            "{format:?}"
        );
    }
}

/// The text of every fenced block of that language in the documentation.
fn documented(language: &str) -> Vec<&'static str> {
    const PAGE: &str = include_str!("../../../docs/formats.md");
    let fence = format!("```{language}\n");
    PAGE.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Names every vehicle alike.
struct Nobody;

impl Anonymise for Nobody {
    fn pseudonym(&self, _identity: &[u8]) -> Pseudonym {
        Pseudonym { now: 0, before: 0 }
    }
}

#[test]
fn the_examples_of_the_documentation_are_accepted() {
    let mut city = City::default();
    for (id, kind) in [
        ("barrier-ladeuze-1", DeviceKind::Barrier),
        ("bay-0012", DeviceKind::Bay),
        ("bay-1", DeviceKind::Bay),
        ("pgs-ladeuze", DeviceKind::Counter),
        ("loop-e314-1", DeviceKind::Loop),
        ("cycle-vaart", DeviceKind::BicycleCounter),
        ("section-a1", DeviceKind::SectionSensor),
        ("fcd", DeviceKind::ProbeFeed),
        ("anpr-1", DeviceKind::Reader),
        ("lights-naamsepoort", DeviceKind::SignalController),
        ("air-bondgenotenlaan", DeviceKind::AirStation),
    ] {
        common::add(&mut city, id, None, kind);
    }
    let mut examples = Vec::new();
    for block in documented("json") {
        for example in serde_json::Deserializer::from_str(block).into_iter::<Json>() {
            let example = example.unwrap();
            let sighting = example.get("vehicle").or(example.get("points")).is_some();
            let format = if sighting { Format::VlotSightings } else { Format::VlotJson };
            examples.push((format, example.to_string().into_bytes()));
        }
    }
    for block in documented("text") {
        let hex: Vec<&str> = block.lines().map(|line| line.split("  ").next().unwrap()).collect();
        examples.push((Format::VlotProtobuf, unhex(&hex.join("\n"))));
    }
    assert_eq!(examples.len(), 14);
    for (format, payload) in examples {
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        let (topic, now) = ("a/topic", common::received_at());
        match format {
            Format::VlotSightings => vlot_decode::sightings(topic, &payload, now, &city, &Nobody, &mut seen),
            _ => vlot_decode::decode(format, topic, &payload, now, &city, &mut out),
        }
        .unwrap_or_else(|e| panic!("{}: {e}", String::from_utf8_lossy(&payload)));
    }
}
