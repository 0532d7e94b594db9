//! ChirpStack v4 uplink events in JSON. Fields with default values are present.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Statement, Uplink};
use crate::time::text;

/// The application that simulated devices belong to.
pub(super) const APPLICATION: &str = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242";

pub(super) fn encode(statement: &Statement<'_>, uplink: &Uplink) -> Vec<u8> {
    let at = text(statement.observed_at);
    let eui = statement.from.eui.to_ascii_lowercase();
    let sequence = statement.sequence.unwrap_or(0);
    json!({
        "deduplicationId": format!("{sequence:08x}-0000-4000-8000-{eui:0>12.12}"),
        "time": at,
        "deviceInfo": {
            "tenantId": "7a1c2f6e-0000-4000-8000-000000000001",
            "tenantName": "vlot-sim",
            "applicationId": APPLICATION,
            "applicationName": "vlot-sim",
            "deviceProfileId": "7a1c2f6e-0000-4000-8000-000000000002",
            "deviceProfileName": "bay sensor",
            "deviceName": statement.from.device,
            "devEui": eui,
            "deviceClassEnabled": "CLASS_A",
            "tags": {},
        },
        "devAddr": "00000000",
        "adr": false,
        "dr": 0,
        "fCnt": sequence,
        "fPort": uplink.f_port,
        "confirmed": false,
        "data": STANDARD.encode(&uplink.bytes),
        "rxInfo": [{
            "gatewayId": "0016c001f1000001",
            "uplinkId": sequence,
            "gwTime": at,
            "rssi": -87,
            "snr": 9.5,
            "channel": 0,
            "rfChain": 0,
            "location": {},
            "context": "",
            "crcStatus": "CRC_OK",
        }],
        "txInfo": {
            "frequency": 868_100_000,
            "modulation": { "lora": { "bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5" } },
        },
    })
    .to_string()
    .into_bytes()
}
