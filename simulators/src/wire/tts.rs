//! The Things Stack v3 uplink messages. Fields that are empty, 0 or false are left out, as its encoder does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::{Statement, Uplink};
use crate::time::text;

/// The application that simulated devices belong to.
pub(super) const APPLICATION: &str = "vlot-sim";

pub(super) fn encode(statement: &Statement<'_>, uplink: &Uplink) -> Vec<u8> {
    let at = text(statement.observed_at);
    let mut message = json!({
        "end_device_ids": {
            "device_id": device_id(&statement.from.device, &statement.from.eui),
            "application_ids": { "application_id": APPLICATION },
            "dev_eui": statement.from.eui.to_ascii_uppercase(),
        },
        "correlation_ids": [format!("vlot-sim:{}", statement.sequence.unwrap_or(0))],
        "received_at": at,
        "uplink_message": {
            "f_port": uplink.f_port,
            "f_cnt": statement.sequence.unwrap_or(0),
            "frm_payload": STANDARD.encode(&uplink.bytes),
            "rx_metadata": [{
                "gateway_ids": { "gateway_id": "vlot-sim-gateway", "eui": "0016C001F1000001" },
                "time": at,
                "rssi": -87,
                "snr": 9.5,
            }],
            "settings": {
                "data_rate": { "lora": { "bandwidth": 125_000, "spreading_factor": 7, "coding_rate": "4/5" } },
                "frequency": "868100000",
                "time": at,
            },
            "received_at": at,
            "consumed_airtime": "0.051456s",
        },
    });
    leave_out_defaults(&mut message);
    message.to_string().into_bytes()
}

/// An id as The Things Stack allows it: small letters, digits and single hyphens; else the address.
fn device_id(device: &str, eui: &str) -> String {
    let allowed = device.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if allowed && !device.is_empty() {
        device.to_owned()
    } else {
        format!("eui-{}", eui.to_ascii_lowercase())
    }
}

fn leave_out_defaults(json: &mut Json) {
    if let Json::Object(map) = json {
        let kept: Map<String, Json> = std::mem::take(map)
            .into_iter()
            .filter_map(|(key, mut value)| {
                leave_out_defaults(&mut value);
                (!is_default(&value)).then_some((key, value))
            })
            .collect();
        *map = kept;
    }
}

fn is_default(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Bool(b) => !b,
        Json::Number(n) => n.as_f64() == Some(0.0),
        Json::String(s) => s.is_empty(),
        Json::Array(a) => a.is_empty(),
        Json::Object(o) => o.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_lose_their_defaults() {
        let mut json = json!({ "a": 0, "b": [0, ""], "c": { "d": false }, "e": "x", "f": null });
        leave_out_defaults(&mut json);
        assert_eq!(json, json!({ "b": [0, ""], "e": "x" }));
    }

    #[test]
    fn an_id_that_the_network_does_not_allow_gives_way_to_the_address() {
        assert_eq!(device_id("bay-1", "AB"), "bay-1");
        assert_eq!(device_id("Bay/1", "AB"), "eui-ab");
    }
}
