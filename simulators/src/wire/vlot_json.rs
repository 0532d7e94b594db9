//! Vlot's own JSON: the fields of `vlot.device.v1.Envelope` by the same names, instants as RFC 3339.

use serde_json::{Map, Value as Json, json};

use super::{Statement, Value};
use crate::time::text;

pub(super) fn encode(statement: &Statement<'_>) -> Vec<u8> {
    let mut envelope = Map::new();
    envelope.insert("device".into(), statement.from.device.as_str().into());
    if let Some(sequence) = statement.sequence {
        envelope.insert("sequence".into(), sequence.into());
    }
    envelope.insert("observed_at".into(), text(statement.observed_at).into());
    let (name, body) = body(&statement.value);
    envelope.insert(name.into(), body);
    Json::Object(envelope).to_string().into_bytes()
}

fn body(value: &Value) -> (&'static str, Json) {
    let body = match *value {
        Value::Bay { occupied, .. } => json!({ "occupied": occupied }),
        Value::Passage { inward, vehicles } => {
            json!({ "direction": if inward { "in" } else { "out" }, "vehicles": vehicles })
        }
        Value::Totals { entries, exits } => json!({ "entries": entries, "exits": exits }),
        Value::Occupancy { occupied_spaces } => json!({ "occupied_spaces": occupied_spaces }),
        Value::Opening { open } => json!({ "open": open }),
        Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => with(
            json!({ "interval_s": interval_s, "vehicles": vehicles }),
            [
                ("speed_kmh", speed_kmh.map(decimal)),
                ("detector_occupancy_pct", detector_occupancy_pct.map(decimal)),
            ],
        ),
        Value::Bicycles { interval_s, inbound, outbound } => with(
            json!({ "interval_s": interval_s }),
            [("inbound", inbound.map(Json::from)), ("outbound", outbound.map(Json::from))],
        ),
        Value::Places { free_places } => json!({ "free_places": free_places }),
        Value::Signal { state, plan } => with(json!({ "state": state }), [("plan", plan.map(Json::from))]),
        Value::Air { quantity, value } => {
            json!({ "quantity": quantity, "value": (value * 10.0).round() / 10.0 })
        }
        // It has a format of its own.
        Value::Sighting { .. } | Value::Alive => json!({}),
    };
    (value.name(), body)
}

/// Adds the fields that are there: what is not known is left out, never null and never 0.
fn with<const N: usize>(mut object: Json, fields: [(&str, Option<Json>); N]) -> Json {
    if let Json::Object(map) = &mut object {
        for (name, value) in fields {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        }
    }
    object
}

/// One decimal, as a device prints it.
fn decimal(x: f32) -> Json {
    Json::from((f64::from(x) * 10.0).round() / 10.0)
}
