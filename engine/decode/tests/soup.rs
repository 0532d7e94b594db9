//! What is read beside messages: sightings, the Flemish minute data, files of situations. Damaged copies of good ones, the same on
//! every machine: no panic, nothing invented, a refusal that stays short, and time that grows with the bytes alone.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::Dice;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use vlot_decode::situations::{About, MAX_FILE_BYTES, Said, datex2_situations, geojson_situations};
use vlot_model::{
    Anonymise, City, Device, DeviceIx, DeviceKind, Location, Pseudonym, Refusal, RefusalKind, Role, Service,
    Timestamp,
};

/// Damaged copies of each sample.
const COPIES: usize = 3_000;
/// A large file; in a build for tests, twice as large takes twice as long and tells no more.
const BULK_BYTES: usize = MAX_FILE_BYTES / 8;
/// The slowest machine reads it within this.
const LIMIT: Duration = Duration::from_secs(20);

impl Dice {
    /// A copy cut short, with a part cut out, said again elsewhere, or said so often that it grows, or with a byte of another kind.
    fn damaged(&mut self, sample: &[u8]) -> Vec<u8> {
        let mut copy = sample.to_vec();
        for _ in 0..=self.below(4) {
            let (at, len) = (self.below(copy.len()), self.below(40));
            let end = (at + len).min(copy.len());
            match self.below(6) {
                0 => copy.truncate(at),
                1 => drop(copy.drain(at..end)),
                2 => {
                    let part = copy[at..end].to_vec();
                    let to = self.below(copy.len() + 1);
                    copy.splice(to..to, part);
                }
                3 => {
                    let part = copy[at..end].repeat(self.below(50));
                    copy.splice(at..at, part);
                }
                4 => {
                    let odd: &[u8] =
                        [&b"-1e999"[..], b"\0", b"\xff", b"<", b"]]>", b"&#0;", b"9999999999999999999"]
                            [self.below(7)];
                    copy.splice(at..at, odd.iter().copied());
                }
                _ => {
                    if let Some(byte) = copy.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        copy
    }
}

/// Reads a sample and damaged copies of it; so many of these were read, and so many refused.
fn soup(samples: &[&[u8]], read: impl Fn(&[u8]) -> Result<(), Refusal>) -> (usize, usize) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut refused) = (0, 0);
    for sample in samples {
        read(sample).unwrap_or_else(|e| panic!("a sample: {e}"));
        for _ in 0..COPIES {
            let copy = dice.damaged(sample);
            let begun = Instant::now();
            let held = catch_unwind(AssertUnwindSafe(|| read(&copy)));
            assert!(begun.elapsed() < LIMIT, "{:?}", String::from_utf8_lossy(&copy));
            match held {
                Ok(Ok(())) => taken += 1,
                Ok(Err(refusal)) => {
                    refused += 1;
                    assert!(!refusal.detail.is_empty(), "{refusal:?}");
                    assert!(refusal.detail.chars().count() <= 400, "{}", refusal.detail);
                    assert!(!refusal.detail.contains('\n'), "{}", refusal.detail);
                }
                Err(_) => panic!("panics on {:?}", String::from_utf8_lossy(&copy)),
            }
        }
    }
    (taken, refused)
}

fn sample(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn about(read: impl FnOnce(&About<'_>) -> Result<Said, Refusal>) -> Result<(), Refusal> {
    let wrong_hours = |hours: &str| vlot_hours::wrong_hours(hours).map(|(what, _)| what);
    let written_at = Timestamp::from_secs(1_774_747_802);
    let about =
        About { source: "folder/a", written_at, timezone: "Europe/Brussels", wrong_hours: &wrong_hours };
    let said = read(&about)?;
    for situation in &said.situations {
        assert!(!situation.id.is_empty() && !situation.headline.contains('\n'), "{situation:?}");
        assert!(situation.until.is_none_or(|until| until > situation.from), "{situation:?}");
        let hours = situation.hours.as_deref();
        assert!(hours.is_none_or(|hours| vlot_hours::wrong_hours(hours).is_none()), "{situation:?}");
        let points = match &situation.location {
            Location::Point(point) => std::slice::from_ref(point),
            Location::Line(points) => points,
            Location::Links(_) => &[],
        };
        assert!(points.iter().all(|p| p.lat.abs() <= 90.0 && p.lon.abs() <= 180.0), "{situation:?}");
    }
    for wrong in &said.wrong {
        assert!(!wrong.what.contains('\n') && wrong.what.chars().count() <= 503, "{wrong:?}");
    }
    Ok(())
}

#[test]
fn files_of_situations_hold() {
    let datex = ["v2", "v3", "periods"]
        .map(|name| sample(&format!("src/situations/datex2_situations/samples/{name}.xml")));
    let counts = soup(&datex.each_ref().map(Vec::as_slice), |bytes| {
        about(|about| datex2_situations::read(bytes, about))
    });
    assert!(counts.0 > 500 && counts.1 > 500, "{counts:?}");
    let geojson = br#"{"type":"FeatureCollection","features":[
        {"type":"Feature","id":"a","geometry":{"type":"Point","coordinates":[4.7,50.88]},"properties":{"kind":"works",
         "headline":"Works","effect":"speed-limit","speed_kmh":30,"modes":["car"],"from":"2026-05-04T06:00:00+02:00",
         "until":"2026-05-08T18:00:00+02:00","hours":"Mo-Fr 08:00-18:00","both_directions":true}},
        {"type":"Feature","id":"b","geometry":{"type":"LineString","coordinates":[[4.696,50.887],[4.701,50.8885]]},
         "properties":{"kind":"closure","headline":"Closed"}},
        {"type":"Feature","id":"c","properties":{"kind":"event","headline":"Market","links":["00000000000000ab"]}}]}"#;
    let counts = soup(&[geojson], |bytes| about(|about| geojson_situations::read(bytes, about)));
    assert!(counts.0 > 100 && counts.1 > 500, "{counts:?}");
}

/// As deep, as long and as often as fits in a file: read or refused, in time and without a stack that ends.
#[test]
fn files_of_situations_at_their_bounds_hold() {
    let fill = |part: &str, around: [&str; 2]| {
        let times = BULK_BYTES / part.len();
        format!("{}{}{}", around[0], part.repeat(times), around[1])
    };
    let record = "<situationRecord id='a'><validity/></situationRecord>";
    let line = "<situation><situationRecord id='a'><validity/><posList>";
    let ends = "</posList></situationRecord></situation>";
    let attributes: String = (0..BULK_BYTES / 12).map(|n| format!(" a{n}='b'")).collect();
    for (what, text, refused) in [
        ("deep", fill("<a>", ["<payload>", ""]), true),
        ("wide", fill(record, ["<payload><situation>", "</situation></payload>"]), false),
        ("long", fill("50.8 4.7 ", [&format!("<payload>{line}"), &format!("{ends}</payload>")]), false),
        ("attributes", fill(" a='b'", ["<payload", "/>"]), true),
        ("other attributes", format!("<payload{attributes}/>"), true),
        ("text", fill("&amp;", ["<payload>", "</payload>"]), false),
    ] {
        let begun = Instant::now();
        let read = about(|about| datex2_situations::read(text.as_bytes(), about));
        assert_eq!(read.is_err(), refused, "{what}: {read:?}");
        assert!(begun.elapsed() < LIMIT, "{what}: {:?}", begun.elapsed());
    }
    let features = ["{\"type\":\"FeatureCollection\",\"features\":[", "{}]}"];
    for (what, text, refused) in [
        ("deep", fill("[", ["", ""]), true),
        ("deep in a feature", fill("[", ["{\"type\":\"Feature\",\"properties\":", ""]), true),
        ("wide", fill("{\"type\":\"Feature\"},", features), false),
    ] {
        let begun = Instant::now();
        let read = about(|about| geojson_situations::read(text.as_bytes(), about));
        assert_eq!(read.is_err(), refused, "{what}: {read:?}");
        assert!(begun.elapsed() < LIMIT, "{what}: {:?}", begun.elapsed());
    }
    let larger = vec![b' '; MAX_FILE_BYTES + 1];
    let refused = about(|about| datex2_situations::read(&larger, about)).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Oversized);
    assert_eq!(
        about(|about| geojson_situations::read(&larger, about)).unwrap_err().kind,
        RefusalKind::Oversized
    );
}

/// Says who it was as a number that a test can tell from others; a real one is random.
struct Open;

impl Anonymise for Open {
    fn pseudonym(&self, identity: &[u8]) -> Pseudonym {
        let now = identity.iter().fold(0, |n: u64, b| n.wrapping_mul(31) ^ u64::from(*b));
        Pseudonym { now, before: !now }
    }
}

#[test]
fn sightings_hold_and_a_refusal_names_no_vehicle() {
    let mut city = City::default();
    for (id, kind, role) in
        [("fcd", DeviceKind::ProbeFeed, Role::Probes), ("anpr-1", DeviceKind::Reader, Role::Reader)]
    {
        city.directory.insert(id, DeviceIx::from_position(city.devices.len()));
        let silent_after = Duration::from_secs(60);
        city.devices.push(Device { id: id.into(), kind, role, silent_after, service: Service::default() });
    }
    let samples: [&[u8]; 3] = [
        br#"{"device":"fcd","observed_at":"2026-03-29T01:30:00Z","vehicle":"KQX-777","lat":50.88,"lon":4.7,"speed_kmh":31.5}"#,
        br#"{"device":"fcd","points":[{"observed_at":"2026-03-29T01:30:00Z","vehicle":"KQX-777","lat":50.88,"lon":4.7},
            {"observed_at":"2026-03-29T01:30:05Z","vehicle":"KQX-777","lat":50.881,"lon":4.701,"heading_deg":90}]}"#,
        br#"{"device":"anpr-1","observed_at":"2026-03-29T01:30:00Z","vehicle":"KQX-777"}"#,
    ];
    let counts = soup(&samples, |bytes| {
        let mut out = Vec::new();
        let read = vlot_decode::sightings("a/topic", bytes, common::received_at(), &city, &Open, &mut out);
        for seen in &out {
            assert!(seen.device.at() < 2 && seen.received_at == common::received_at());
            assert!(seen.position.is_none_or(|p| p.lat.abs() <= 90.0 && p.lon.abs() <= 180.0));
            assert!(seen.speed_kmh.is_none_or(f32::is_finite) && seen.heading_deg.is_none_or(f32::is_finite));
        }
        read.inspect_err(|refusal| {
            assert!(out.is_empty(), "a refused message left sightings");
            assert!(!refusal.detail.contains("KQX") && !refusal.detail.contains("777"), "{refusal:?}");
        })
    });
    assert!(counts.0 > 100 && counts.1 > 1_000, "{counts:?}");
}

#[test]
fn the_minute_data_holds() {
    let mut city = City::default();
    for name in ["miv-29", "miv-30"] {
        common::add(&mut city, name, None, DeviceKind::Loop);
    }
    let attributes: String = (0..100_000).map(|n| format!(" a{n}='b'")).collect();
    let begun = Instant::now();
    let crowded = format!("<miv{attributes}></miv>");
    let refused = vlot_decode::miv::decode(crowded.as_bytes(), common::received_at(), &city).unwrap_err();
    assert!(refused.detail.contains("more than 100 attributes"), "{refused}");
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    let samples = [sample("src/miv/samples/two_lanes.xml")];
    let counts = soup(&samples.each_ref().map(Vec::as_slice), |bytes| {
        let publication = vlot_decode::miv::decode(bytes, common::received_at(), &city)?;
        assert!(publication.points.known <= publication.points.all);
        assert!(publication.readings.iter().all(|reading| reading.device.at() < 2));
        Ok(())
    });
    assert!(counts.0 > 50 && counts.1 > 500, "{counts:?}");
}
