//! The Things Stack v3: uplinks as its MQTT server publishes them, `v3/{application}@{tenant}/devices/{device}/up`.
//!
//! A field that is empty, 0 or false is left out.

use serde::Deserialize;
use serde::de::IgnoredAny;
use vlot_model::{City, Reading, Refusal, Timestamp};

use crate::json::{self, Instant, MaybeInstant, Text, Whole};
use crate::lorawan::{self, Uplink};
use crate::refuse::{malformed, quote, unsupported};

pub(crate) fn decode(
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
    city: &City,
) -> Result<Reading, Refusal> {
    if let Some(event) = event_of(topic)
        && event != "up"
    {
        return Err(unsupported(format!("topic: {} is no uplink", quote(event))));
    }
    let message: Message<'_> = json::parse(payload)?;
    if message.simulated {
        return Err(unsupported("simulated: the network made this message up, no device sent it"));
    }
    let uplink = message.uplink_message.ok_or_else(|| malformed("uplink_message: missing"))?;
    if uplink.app_s_key.is_some() {
        return Err(unsupported(
            "uplink_message.app_s_key: the payload is still encrypted (skip_payload_crypto)",
        ));
    }
    let network = uplink
        .received_at
        .or(message.received_at)
        .ok_or_else(|| malformed("uplink_message.received_at: missing"))?;
    let gateways = uplink.rx_metadata.iter().flatten().filter_map(|gateway| gateway.time.0);
    Uplink {
        names: [
            message.end_device_ids.dev_eui.as_ref().map(|t| &*t.0),
            message.end_device_ids.device_id.as_ref().map(|t| &*t.0),
        ],
        f_port: uplink.f_port,
        f_cnt: uplink.f_cnt,
        data: uplink.frm_payload.as_ref().map_or("", |t| &*t.0),
        data_field: "uplink_message.frm_payload",
        observed_at: lorawan::observed_at(network.0, gateways),
    }
    .read(received_at, city)
}

/// What follows the device in the topic.
fn event_of(topic: &str) -> Option<&str> {
    Some(topic.split_once("/devices/")?.1.split_once('/')?.1)
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    end_device_ids: Ids<'a>,
    received_at: Option<Instant>,
    #[serde(borrow)]
    uplink_message: Option<UplinkMessage<'a>>,
    #[serde(default)]
    simulated: bool,
}

#[derive(Deserialize)]
struct Ids<'a> {
    #[serde(borrow)]
    device_id: Option<Text<'a>>,
    #[serde(borrow)]
    dev_eui: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct UplinkMessage<'a> {
    f_port: Option<Whole>,
    f_cnt: Option<Whole>,
    #[serde(borrow)]
    frm_payload: Option<Text<'a>>,
    rx_metadata: Option<Vec<Gateway>>,
    received_at: Option<Instant>,
    app_s_key: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Gateway {
    #[serde(default)]
    time: MaybeInstant,
}
