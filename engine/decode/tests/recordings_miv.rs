//! The published sample of the Flemish minute data (Verkeerscentrum, through the OSLO Flanders pages), which is written there
//! as JSON: turned into the XML that it stands for, and read.
//!
//! It is looked for in `../shared/data` beside the repository, or where `VLOT_TEST_DATA` points. Without it this test fails.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use vlot_model::{City, DeviceKind, Value};

fn sample() -> String {
    let folder = match std::env::var_os("VLOT_TEST_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let file = folder.join("feeds/oslo_flanders/miv_fields_sample.md");
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The form of `xml2js`: attributes under `$`, every element a list.
fn to_xml(name: &str, json: &Json, out: &mut String) {
    match json {
        Json::Array(all) => all.iter().for_each(|one| to_xml(name, one, out)),
        Json::Object(fields) => {
            write!(out, "<{name}").unwrap();
            for (key, value) in fields.get("$").and_then(Json::as_object).into_iter().flatten() {
                write!(out, " {key}=\"{}\"", value.as_str().unwrap()).unwrap();
            }
            out.push('>');
            for (key, value) in fields.iter().filter(|(key, _)| *key != "$") {
                to_xml(key, value, out);
            }
            write!(out, "</{name}>").unwrap();
        }
        text => write!(out, "<{name}>{}</{name}>", text.as_str().unwrap()).unwrap(),
    }
}

#[test]
fn the_published_sample_is_read_as_it_is_described() {
    let page = sample();
    let block = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let points: Json = serde_json::from_str(&format!("{{{}}}", block.trim())).unwrap();
    let mut inner = String::new();
    to_xml("meetpunt", &points["meetpunt"], &mut inner);
    let mut city = City::default();
    common::add(&mut city, "miv-29", None, DeviceKind::Loop);
    let read = |inner: &str| {
        let document =
            format!("<miv><tijd_publicatie>2023-08-01T11:11:20+02:00</tijd_publicatie>{inner}</miv>");
        vlot_decode::miv::decode(document.as_bytes(), common::received_at(), &city).unwrap()
    };

    // The sample says of itself that it is not of the present.
    let publication = read(&inner);
    assert_eq!((publication.points.known, publication.points.old, publication.points.refused), (1, 1, 0));
    assert!(publication.readings.is_empty());

    let current = inner.replace("<actueel_publicatie>0<", "<actueel_publicatie>1<");
    assert_ne!(current, inner);
    let publication = read(&current);
    let [reading] = &publication.readings[..] else { panic!("{publication:?}") };
    // Local winter time all the year: 10:10 at +01:00. It was changed 72 seconds later, as a minute that starts then.
    assert_eq!(reading.observed_at.to_string(), "2023-08-01T09:10:00Z");
    let expected =
        Value::Traffic { interval_s: 60, vehicles: 0, speed_kmh: None, detector_occupancy_pct: Some(0.0) };
    assert_eq!(reading.value, expected, "no vehicle has no speed: neither 0 nor 252");
}
