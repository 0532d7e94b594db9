//! The topic that a message goes to: the engine's own subscription filter with its wildcards filled in.

use std::collections::BTreeMap;

use super::{Address, Format, chirpstack, tts};

/// Topic filters by format.
#[derive(Clone, Debug)]
pub struct Topics {
    filters: BTreeMap<Format, String>,
}

impl Default for Topics {
    fn default() -> Self {
        let filters = [
            (Format::VlotJson, "vlot/v1/+/json"),
            (Format::VlotProtobuf, "vlot/v1/+/pb"),
            (Format::TtsV3, "v3/+/devices/+/up"),
            (Format::ChirpstackV4, "application/+/device/+/event/up"),
            (Format::VlotSightings, "vlot/v1/+/sightings"),
        ];
        Topics { filters: filters.into_iter().map(|(f, t)| (f, t.to_owned())).collect() }
    }
}

impl Topics {
    /// The usual filters, except where `configured` has others.
    #[must_use]
    pub fn new(configured: &BTreeMap<Format, String>) -> Self {
        let mut topics = Topics::default();
        for (format, filter) in configured {
            // A shared subscription's group is the subscribers' own matter.
            let filter = match filter.strip_prefix("$share/") {
                Some(rest) => rest.split_once('/').map_or(rest, |(_, topic)| topic),
                None => filter,
            };
            topics.filters.insert(*format, filter.to_owned());
        }
        topics
    }

    /// The topic of a device's messages in that format: the last `+` is the device, one before it the application.
    #[must_use]
    pub fn of(&self, format: Format, from: &Address) -> String {
        let filter = self.filters.get(&format).map_or("", String::as_str);
        let wildcards = filter.split('/').filter(|level| *level == "+").count();
        let device =
            if format == Format::ChirpstackV4 { from.eui.to_ascii_lowercase() } else { from.device.clone() };
        let application = match format {
            Format::TtsV3 => format!("{}@ttn", tts::APPLICATION),
            Format::ChirpstackV4 => chirpstack::APPLICATION.to_owned(),
            Format::VlotJson | Format::VlotProtobuf | Format::VlotSightings => "sim".to_owned(),
        };
        let mut seen = 0;
        let levels: Vec<&str> = filter
            .split('/')
            .map(|level| match level {
                "+" => {
                    seen += 1;
                    if seen == wildcards { device.as_str() } else { application.as_str() }
                }
                "#" => device.as_str(),
                other => other,
            })
            .collect();
        levels.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::super::DeviceKind;
    use super::*;

    #[test]
    fn wildcards_are_filled_from_the_right() {
        let from = Address { device: "bay-7".into(), eui: "70B3D5".into(), kind: DeviceKind::BoschTps110 };
        let topics = Topics::default();
        assert_eq!(topics.of(Format::VlotJson, &from), "vlot/v1/bay-7/json");
        assert_eq!(topics.of(Format::TtsV3, &from), "v3/vlot-sim@ttn/devices/bay-7/up");
        assert_eq!(
            topics.of(Format::ChirpstackV4, &from),
            "application/52f14cd4-c6f1-4fbd-8f87-4025e1d49242/device/70b3d5/event/up"
        );
        let shared = [(Format::VlotJson, "$share/engines/leuven/+/#".to_owned())].into_iter().collect();
        assert_eq!(Topics::new(&shared).of(Format::VlotJson, &from), "leuven/bay-7/bay-7");
    }
}
