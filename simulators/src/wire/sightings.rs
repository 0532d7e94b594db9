//! Sightings of vehicles: one a message, with neither counter nor what is not known.

use serde_json::{Map, Value as Json};

use super::{Position, Statement};
use crate::time::text;

pub(super) fn encode(statement: &Statement<'_>, vehicle: u64, position: Option<&Position>) -> Vec<u8> {
    let mut message = Map::new();
    message.insert("device".into(), statement.from.device.as_str().into());
    message.insert("observed_at".into(), text(statement.observed_at).into());
    // A fleet names its vehicles, a reader reads their plates.
    let name = if position.is_some() { format!("fleet-{vehicle}") } else { plate(vehicle) };
    message.insert("vehicle".into(), name.into());
    if let Some(position) = position {
        let mut add = |name: &str, x: f64, scale: f64| {
            message.insert(name.into(), Json::from((x * scale).round() / scale));
        };
        add("lat", position.lat, 1e6);
        add("lon", position.lon, 1e6);
        add("speed_kmh", position.speed_kmh, 10.0);
        // A compass has no 360.
        if let Some(heading) = position.heading_deg {
            add("heading_deg", heading.round().rem_euclid(360.0), 1.0);
        }
    }
    Json::Object(message).to_string().into_bytes()
}

/// A Belgian plate.
fn plate(vehicle: u64) -> String {
    let letters: String = [17_576 / 26, 26, 1]
        .into_iter()
        .map(|step| char::from(b'A' + u8::try_from(vehicle / 1_000 / step % 26).unwrap_or(0)))
        .collect();
    format!("{}-{letters}-{:03}", 1 + vehicle / 17_576_000 % 2, vehicle % 1_000)
}
