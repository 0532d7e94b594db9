//! One uplink as a LoRaWAN network sent it: published as it is, on the topic that it came on.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::table::{broken, open};
use super::{Recording, Row, What};
use crate::SimError;

pub(super) fn uplink(path: &Path) -> Result<Recording, SimError> {
    let mut payload = Vec::new();
    open(path)?.read_to_end(&mut payload).map_err(|e| broken(path, e))?;
    let json: Json = serde_json::from_slice(&payload).map_err(|e| broken(path, e))?;
    let text = |pointer: &str| json.pointer(pointer).and_then(Json::as_str);
    let (topic, source, at) = if let Some(device) = text("/end_device_ids/device_id") {
        let application = text("/end_device_ids/application_ids/application_id").unwrap_or("application");
        let tenant = text("/uplink_message/network_ids/tenant_id").unwrap_or("ttn");
        (format!("v3/{application}@{tenant}/devices/{device}/up"), device, text("/received_at"))
    } else if let Some(eui) = text("/deviceInfo/devEui") {
        let application = text("/deviceInfo/applicationId").unwrap_or("application");
        (format!("application/{application}/device/{eui}/event/up"), eui, text("/time"))
    } else {
        return Err(broken(path, "neither an uplink of The Things Stack nor one of ChirpStack"));
    };
    let at = at.and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let at = at.ok_or_else(|| broken(path, "no instant"))?.as_microsecond();
    let source = Arc::from(source);
    let row = Row { sent_at: at, observed_at: at, source, said: What::Raw { topic, payload } };
    Ok(Recording { rows: vec![row], ..Recording::default() })
}
