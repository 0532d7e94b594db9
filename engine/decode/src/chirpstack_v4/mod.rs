//! ChirpStack v4: uplinks of its MQTT integration in JSON, `application/{id}/device/{eui}/event/up`.
//!
//! Fields with their default are present.

use serde::Deserialize;
use serde::de::IgnoredAny;
use vlot_model::{City, Reading, Refusal, Timestamp};

use crate::json::{self, Instant, MaybeInstant, Text, Whole};
use crate::lorawan::{self, Uplink};
use crate::refuse::{quote, unsupported};

pub(crate) fn decode(
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
    city: &City,
) -> Result<Reading, Refusal> {
    if let Some((_, event)) = topic.rsplit_once("/event/")
        && event != "up"
    {
        return Err(unsupported(format!("topic: event {} is no uplink", quote(event))));
    }
    let event: Event<'_> = json::parse(payload)?;
    if event.join_server_context.is_some() {
        return Err(unsupported("joinServerContext: the payload is still encrypted"));
    }
    let gateways = || event.rx_info.iter().flatten();
    // `time` is a gateway's own where it has one, right or wrong; newer servers add their own to each gateway's entry.
    let network = gateways().filter_map(|gateway| gateway.ns_time.0).min().unwrap_or(event.time.0);
    let heard = gateways().filter_map(|gateway| gateway.gw_time.0.or(gateway.time.0));
    Uplink {
        names: [
            event.device_info.dev_eui.as_ref().map(|t| &*t.0),
            event.device_info.device_name.as_ref().map(|t| &*t.0),
        ],
        f_port: event.f_port,
        f_cnt: event.f_cnt,
        data: event.data.as_ref().map_or("", |t| &*t.0),
        data_field: "data",
        observed_at: lorawan::observed_at(network, heard),
    }
    .read(received_at, city)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    time: Instant,
    #[serde(borrow)]
    device_info: DeviceInfo<'a>,
    f_cnt: Option<Whole>,
    f_port: Option<Whole>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    rx_info: Option<Vec<Gateway>>,
    join_server_context: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceInfo<'a> {
    #[serde(borrow)]
    device_name: Option<Text<'a>>,
    #[serde(borrow)]
    dev_eui: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gateway {
    #[serde(default)]
    time: MaybeInstant,
    #[serde(default)]
    gw_time: MaybeInstant,
    #[serde(default)]
    ns_time: MaybeInstant,
}
