use std::time::Duration;

use serde_json::{Value as Json, json};
use vlot_model::{Device, DeviceIx, Role};

use super::*;

const PLATE: &str = "1-ABC-123";

/// The identity itself, cut to eight bytes: only a test may see it.
struct Open;

impl Anonymise for Open {
    fn pseudonym(&self, identity: &[u8]) -> Pseudonym {
        let now = identity.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        Pseudonym { now, before: !now }
    }
}

fn city() -> City {
    let mut city = City::default();
    let devices = [
        ("fcd", DeviceKind::ProbeFeed, Role::Probes),
        ("anpr-1", DeviceKind::Reader, Role::Reader),
        ("feed", DeviceKind::Loop, Role::Lane { station: vlot_model::StationIx(0) }),
    ];
    for (i, (id, kind, role)) in devices.into_iter().enumerate() {
        city.directory.insert(id, DeviceIx::from_position(i));
        let silent_after = Duration::from_secs(60);
        city.devices.push(Device {
            id: id.into(),
            kind,
            role,
            silent_after,
            service: vlot_model::Service::default(),
        });
    }
    city
}

fn read(payload: &Json) -> Result<Vec<Sighting>, Refusal> {
    let mut out = Vec::new();
    sightings("a/topic", payload.to_string().as_bytes(), Timestamp::EPOCH, &city(), &Open, &mut out)
        .inspect_err(|_| assert!(out.is_empty(), "a refused message left sightings"))
        .map(|()| out)
}

fn point() -> Json {
    json!({ "observed_at": "2026-03-29T01:30:00Z", "vehicle": PLATE, "lat": 50.88, "lon": 4.7 })
}

fn with(mut of: Json, more: Json) -> Json {
    of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    of
}

#[test]
fn one_point_or_a_batch_of_them_is_read() {
    let more = json!({ "device": "FCD", "speed_kmh": 31.5, "heading_deg": 360 });
    let one = read(&with(point(), more)).unwrap();
    let expected = Sighting {
        device: DeviceIx(0),
        vehicle: Open.pseudonym(PLATE.as_bytes()),
        observed_at: "2026-03-29T01:30:00Z".parse().unwrap(),
        received_at: Timestamp::EPOCH,
        position: Some(LonLat { lon: 4.7, lat: 50.88 }),
        speed_kmh: Some(31.5),
        heading_deg: Some(360.0),
    };
    assert_eq!(one, [expected]);
    let batch =
        read(&json!({ "device": "fcd", "points": [point(), with(point(), json!({ "vehicle": "b" }))] }));
    let batch = batch.unwrap();
    assert_eq!(batch.len(), 2);
    assert_ne!(batch[0].vehicle, batch[1].vehicle);
    assert_eq!(batch[0], Sighting { speed_kmh: None, heading_deg: None, ..expected });
    assert_eq!(read(&json!({ "device": "fcd", "points": [] })), Ok(vec![]));
}

#[test]
fn readers_write_a_plate_as_they_like() {
    let seen = |vehicle: &str| {
        let message =
            json!({ "device": "anpr-1", "observed_at": "2026-03-29T01:30:00Z", "vehicle": vehicle });
        read(&message).unwrap()[0]
    };
    assert_eq!(seen(PLATE).position, None);
    assert_eq!(seen(PLATE).vehicle, seen("1abc123").vehicle);
    assert_eq!(seen("aa:bb:0c").vehicle, seen("AABB.0C").vehicle);
    assert_ne!(seen(PLATE).vehicle, seen("1-ABC-124").vehicle);
    assert_ne!(seen("--").vehicle, seen(":").vehicle);
}

#[test]
fn what_is_wrong_is_said_without_a_word_of_the_message() {
    let fcd = |more| with(with(point(), json!({ "device": "fcd" })), more);
    let anpr = json!({ "device": "anpr-1", "observed_at": "2026-03-29T01:30:00Z", "vehicle": PLATE });
    let wrong = [
        (fcd(json!({ "lat": 91 })), "lat: outside -90..=90"),
        (fcd(json!({ "lat": null })), "lat, lon: both are needed"),
        (fcd(json!({ "speed_kmh": 252 })), "speed_kmh: outside 0..=250"),
        (fcd(json!({ "heading_deg": -1 })), "heading_deg: outside"),
        (fcd(json!({ "vehicle": "" })), "vehicle: its length"),
        (fcd(json!({ "vehicle": PLATE.repeat(20) })), "vehicle: its length"),
        (fcd(json!({ "vehicle": null })), "missing field `vehicle`"),
        (fcd(json!({ "observed_at": null })), "missing field `observed_at`"),
        (fcd(json!({ "observed_at": PLATE })), "a field that is unknown, given twice or of the wrong type"),
        (fcd(json!({ "vehicle": [PLATE] })), "a field that is unknown"),
        (fcd(json!({ PLATE: 1 })), "a field that is unknown"),
        (fcd(json!({ "points": [point()] })), "points: beside them"),
        (fcd(json!({ "device": PLATE })), "device: the configuration has none"),
        (fcd(json!({ "device": "feed" })), "device: it is of kind Loop"),
        (with(anpr, json!({ "lat": 50.88, "lon": 4.7 })), "lat: a reader stands"),
        (
            json!({ "device": "fcd", "points": [point(), with(point(), json!({ "lon": 999 }))] }),
            "points[1].lon: outside",
        ),
        (
            json!({ "device": "fcd", "points": [{ "observed_at": "2026-03-29T01:30:00Z" }] }),
            "missing field `vehicle`",
        ),
        (json!([PLATE]), "a field that is unknown"),
        (point(), "missing field `device`"),
    ];
    for (message, expected) in wrong {
        let refusal = read(&message).unwrap_err();
        assert!(refusal.detail.starts_with(expected), "{message}: {refusal}");
        assert!(!refusal.detail.contains("ABC"), "{refusal}");
    }
    for bytes in [format!("{{\"vehicle\":\"{PLATE}\"").into_bytes(), b"{\"device\":\"1-ABC\xff\"}".to_vec()] {
        let refusal = sightings("t", &bytes, Timestamp::EPOCH, &city(), &Open, &mut Vec::new()).unwrap_err();
        assert!(refusal.kind == RefusalKind::Malformed && !refusal.detail.contains("ABC"), "{refusal}");
    }
    let large = vec![b' '; max_payload_bytes(vlot_model::Format::VlotSightings) + 1];
    let refusal = sightings("t", &large, Timestamp::EPOCH, &city(), &Open, &mut Vec::new()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Oversized);
}

#[test]
fn on_a_device_s_topic_only_that_device_speaks() {
    let message = with(point(), json!({ "device": "fcd" })).to_string();
    let on = |topic| {
        sightings(topic, message.as_bytes(), Timestamp::EPOCH, &city(), &Open, &mut Vec::new())
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(on("vlot/v1/fcd/sightings"), Ok(()));
    assert_eq!(on("vlot/v1/anpr-1/sightings"), Err(RefusalKind::Malformed));
}
