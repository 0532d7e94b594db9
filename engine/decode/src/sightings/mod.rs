//! Sightings of vehicles: the one thing read here that does not become a reading. A vehicle's identity is turned into a pseudonym
//! on the spot, and no word of the message, the vehicle's least of all, gets into a refusal.

use std::borrow::Cow;

use vlot_model::{Anonymise, City, DeviceKind, LonLat, Pseudonym, Refusal, RefusalKind, Sighting, Timestamp};

use crate::json::{Instant, Object, Text};
use crate::max_payload_bytes;
use crate::refuse::{malformed, out_of_range, wrong_kind};
use crate::statement::{find, owner_of};

/// An identity's length, bytes.
const VEHICLE_BYTES: std::ops::RangeInclusive<usize> = 1..=128;
const LAT: std::ops::RangeInclusive<f64> = -90.0..=90.0;
const LON: std::ops::RangeInclusive<f64> = -180.0..=180.0;
const SPEED_KMH: std::ops::RangeInclusive<f64> = 0.0..=250.0;
const HEADING_DEG: std::ops::RangeInclusive<f64> = 0.0..=360.0;

/// The fields that have to be there: of what a message lacks no word is the message's.
const REQUIRED: [&str; 3] = ["device", "observed_at", "vehicle"];

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    #[serde(borrow)]
    device: Cow<'a, str>,
    observed_at: Option<Instant>,
    #[serde(borrow)]
    vehicle: Option<Text<'a>>,
    lat: Option<f64>,
    lon: Option<f64>,
    speed_kmh: Option<f64>,
    heading_deg: Option<f64>,
    #[serde(borrow)]
    points: Option<Vec<Object<Seen<'a>>>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen<'a> {
    observed_at: Instant,
    #[serde(borrow)]
    vehicle: Cow<'a, str>,
    lat: Option<f64>,
    lon: Option<f64>,
    speed_kmh: Option<f64>,
    heading_deg: Option<f64>,
}

/// Reads one message of [`vlot_model::Format::VlotSightings`] and appends what it says to `out`, which stays as it was when the
/// message is refused.
///
/// # Errors
/// The reason to refuse the message, with the place in it and without a word of it.
pub fn sightings(
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
    city: &City,
    names: &dyn Anonymise,
    out: &mut Vec<Sighting>,
) -> Result<(), Refusal> {
    let limit = max_payload_bytes(vlot_model::Format::VlotSightings);
    if payload.len() > limit {
        let detail = format!("{} bytes; this format allows {limit}", payload.len());
        return Err(Refusal::new(RefusalKind::Oversized, detail));
    }
    let Object(message) = serde_json::from_slice::<Object<Message<'_>>>(payload).map_err(|e| nameless(&e))?;
    if owner_of(topic).is_some_and(|owner| !owner.eq_ignore_ascii_case(&message.device)) {
        return Err(malformed("device: not the one of the topic"));
    }
    let (device, known) = find(city, &message.device).ok_or_else(|| {
        Refusal::new(RefusalKind::UnknownDevice, "device: the configuration has none of that name")
    })?;
    let reader = match known.kind {
        DeviceKind::Reader => true,
        DeviceKind::ProbeFeed => false,
        kind => return Err(wrong_kind(format!("device: it is of kind {kind:?}, which sees no vehicles"))),
    };
    let Message { observed_at, vehicle, lat, lon, speed_kmh, heading_deg, points, .. } = message;
    let listed = points.is_some();
    let seen = match (points, observed_at, vehicle) {
        (Some(points), None, None) if [lat, lon, speed_kmh, heading_deg] == [None; 4] => {
            points.into_iter().map(|Object(seen)| seen).collect()
        }
        (Some(_), ..) => return Err(malformed("points: beside them only `device` may stand")),
        (None, Some(observed_at), Some(vehicle)) => {
            vec![Seen { observed_at, vehicle: vehicle.0, lat, lon, speed_kmh, heading_deg }]
        }
        (None, None, _) => return Err(malformed("missing field `observed_at`, or `points`")),
        (None, Some(_), None) => return Err(malformed("missing field `vehicle`")),
    };
    let before = out.len();
    for (i, seen) in seen.iter().enumerate() {
        match seen.judge(reader) {
            Ok(position) => out.push(Sighting {
                device,
                vehicle: seen.name(reader, names),
                observed_at: seen.observed_at.0,
                received_at,
                position,
                speed_kmh: short(seen.speed_kmh),
                heading_deg: short(seen.heading_deg),
            }),
            Err(refusal) => {
                out.truncate(before);
                let detail = if listed { format!("points[{i}].{}", refusal.detail) } else { refusal.detail };
                return Err(Refusal::new(refusal.kind, detail));
            }
        }
    }
    Ok(())
}

impl Seen<'_> {
    /// Where the vehicle was, if what is said is within its bounds and fits who says it.
    fn judge(&self, reader: bool) -> Result<Option<LonLat>, Refusal> {
        if !VEHICLE_BYTES.contains(&self.vehicle.len()) {
            return Err(out_of_range("vehicle: its length is outside 1..=128 bytes"));
        }
        let bounds = [
            ("lat", self.lat, LAT),
            ("lon", self.lon, LON),
            ("speed_kmh", self.speed_kmh, SPEED_KMH),
            ("heading_deg", self.heading_deg, HEADING_DEG),
        ];
        for (field, x, bounds) in bounds {
            if x.is_some_and(|x| !bounds.contains(&x)) {
                return Err(out_of_range(format!("{field}: outside {}..={}", bounds.start(), bounds.end())));
            }
        }
        match (self.lat, self.lon) {
            (None, None) if reader => Ok(None),
            (Some(_), Some(_)) if reader => {
                Err(wrong_kind("lat: a reader stands where the configuration says"))
            }
            (Some(lat), Some(lon)) => Ok(Some(LonLat { lon, lat })),
            _ => Err(malformed("lat, lon: both are needed of a followed vehicle, neither of a reader")),
        }
    }

    /// The vehicle's pseudonym. Readers of different makes write a plate or an address with other dashes, colons and letters.
    fn name(&self, reader: bool, names: &dyn Anonymise) -> Pseudonym {
        let vehicle = self.vehicle.as_bytes();
        if !reader {
            return names.pseudonym(vehicle);
        }
        let plain: Vec<u8> = vehicle
            .iter()
            .filter(|b| !matches!(b, b'-' | b':' | b'.' | b' '))
            .map(u8::to_ascii_uppercase)
            .collect();
        names.pseudonym(if plain.is_empty() { vehicle } else { &plain })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "within its bounds, with fewer digits than an f32")]
fn short(x: Option<f64>) -> Option<f32> {
    x.map(|x| x as f32)
}

/// What is wrong with the text, in words of our own alone: serde's would quote it.
fn nameless(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let lacks = REQUIRED.into_iter().find(|field| text.starts_with(&format!("missing field `{field}`")));
    let what = match (error.classify(), lacks) {
        (_, Some(field)) => format!("missing field `{field}`"),
        (serde_json::error::Category::Data, None) => {
            "a field that is unknown, given twice or of the wrong type".to_owned()
        }
        _ => "no JSON".to_owned(),
    };
    malformed(format!("{what} at line {} column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests;
