//! Bytes to readings: one folder a wire format. No I/O, no clock.
//!
//! What is accepted, field by field, stands in `docs/formats.md`. A message either yields its readings or is refused
//! with a reason; it never panics, and what identifies a person never leaves this crate.
//!
//! To add a LoRaWAN sensor: a folder in `payload/` with its codec and samples, a [`vlot_model::DeviceKind`], and a
//! line in [`payload::decode`]. To add an envelope: a folder here, a [`Format`], and a line in [`decode`].

mod chirpstack_v4;
mod json;
mod lorawan;
pub mod miv;
pub mod payload;
mod refuse;
mod sightings;
pub mod situations;
mod statement;
mod tts_v3;
mod vlot_json;
mod vlot_protobuf;

pub use sightings::sightings;
use vlot_model::{City, Format, Reading, Refusal, RefusalKind, Timestamp};

/// No format takes a larger message: the bound for a transport's packets, in bytes of payload.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// The largest message of a format in bytes; a larger one is refused unread.
///
/// Vlot's own messages stay under 400 bytes. An envelope of a LoRaWAN network grows with the gateways that heard the
/// device, by about 1.5 kB each.
#[must_use]
pub const fn max_payload_bytes(format: Format) -> usize {
    match format {
        Format::VlotJson | Format::VlotProtobuf => 16 * 1024,
        Format::TtsV3 | Format::ChirpstackV4 | Format::VlotSightings => MAX_PAYLOAD_BYTES,
    }
}

/// Reads one message and appends what it says to `out`, which stays as it was when the message is refused.
///
/// `received_at` becomes the readings' own; no other clock is read.
///
/// # Errors
/// The reason to refuse the message, with the place in it.
pub fn decode(
    format: Format,
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
    city: &City,
    out: &mut Vec<Reading>,
) -> Result<(), Refusal> {
    let limit = max_payload_bytes(format);
    if payload.len() > limit {
        let detail = format!("{} bytes; this format allows {limit}", payload.len());
        return Err(Refusal::new(RefusalKind::Oversized, detail));
    }
    let reading = match format {
        Format::VlotJson => vlot_json::decode(topic, payload, received_at, city),
        Format::VlotProtobuf => vlot_protobuf::decode(topic, payload, received_at, city),
        Format::TtsV3 => tts_v3::decode(topic, payload, received_at, city),
        Format::ChirpstackV4 => chirpstack_v4::decode(topic, payload, received_at, city),
        Format::VlotSightings => {
            Err(refuse::unsupported("sightings of vehicles do not become readings here"))
        }
    }?;
    out.push(reading);
    Ok(())
}
