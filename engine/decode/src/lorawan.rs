//! What the envelopes of LoRaWAN networks share: who sent, when, and the way to the payload codec.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vlot_model::{City, Reading, Refusal, Timestamp, Value};

use crate::json::Whole;
use crate::payload;
use crate::refuse::{malformed, out_of_range, unknown_device, unsupported};
use crate::statement::find;

/// The largest application payload of LoRaWAN in bytes, over all regions and data rates.
const FRAME_BYTES: usize = 242;
/// A frame in whole groups of three bytes, as base64 has them.
const BUFFER_BYTES: usize = FRAME_BYTES.next_multiple_of(3);
/// A gateway that lost its network hands over what it heard this much later at most.
const BUFFERED: Duration = Duration::from_secs(600);
/// A gateway's clock may be this much ahead of the network's.
const AHEAD: Duration = Duration::from_secs(1);

/// An uplink, out of its envelope.
pub(crate) struct Uplink<'a> {
    /// Names of the device, the best first.
    pub(crate) names: [Option<&'a str>; 2],
    pub(crate) f_port: Option<Whole>,
    pub(crate) f_cnt: Option<Whole>,
    /// Base64, and the field that holds it.
    pub(crate) data: &'a str,
    pub(crate) data_field: &'static str,
    pub(crate) observed_at: Timestamp,
}

impl Uplink<'_> {
    pub(crate) fn read(self, received_at: Timestamp, city: &City) -> Result<Reading, Refusal> {
        let names = || self.names.iter().flatten();
        let (ix, device) = names()
            .find_map(|name| find(city, name))
            .ok_or_else(|| unknown_device(&names().copied().collect::<Vec<_>>()))?;
        let f_port: u8 = bounded("f_port", self.f_port)?;
        let f_cnt: u32 = bounded("f_cnt", self.f_cnt)?;
        let mut buffer = [0; BUFFER_BYTES];
        let bytes = self.bytes(&mut buffer)?;
        let value = match (f_port, bytes) {
            // An empty frame, or one of MAC commands alone: the network keeps them to itself or strips them.
            (0, []) => Value::Alive,
            (0, _) => return Err(unsupported("f_port 0: MAC commands, not a sensor's message")),
            (port, bytes) => {
                let decoded = payload::decode(device.kind, port, bytes)?;
                match decoded.occupied {
                    _ if decoded.unsure => Value::BayUnsure,
                    Some(occupied) => Value::Bay { occupied },
                    None => Value::Alive,
                }
            }
        };
        Ok(Reading { device: ix, sequence: Some(f_cnt), observed_at: self.observed_at, received_at, value })
    }

    fn bytes<'b>(&self, buffer: &'b mut [u8; BUFFER_BYTES]) -> Result<&'b [u8], Refusal> {
        let too_long = || {
            malformed(format!("{}: more than the {FRAME_BYTES} bytes of a LoRaWAN frame", self.data_field))
        };
        if self.data.len() > BUFFER_BYTES / 3 * 4 {
            return Err(too_long());
        }
        let length = STANDARD
            .decode_slice(self.data, buffer)
            .map_err(|e| malformed(format!("{}: no base64: {e}", self.data_field)))?;
        if length > FRAME_BYTES { Err(too_long()) } else { Ok(&buffer[..length]) }
    }
}

/// When the device sent: by a gateway's clock where one is credible, else by the network's.
///
/// All gateways hear a device at the same moment, so those that differ differ by their clocks: the one nearest to the
/// network's own time is taken, and never a later one than that.
pub(crate) fn observed_at(network: Timestamp, gateways: impl Iterator<Item = Timestamp>) -> Timestamp {
    gateways
        .filter(|t| network.since(*t) <= BUFFERED && t.since(network) <= AHEAD)
        .max()
        .map_or(network, |t| t.min(network))
}

fn bounded<T: TryFrom<i64> + Default>(field: &str, n: Option<Whole>) -> Result<T, Refusal> {
    let Some(Whole(n)) = n else { return Ok(T::default()) };
    T::try_from(n).map_err(|_| out_of_range(format!("{field}: {n} is no such number in LoRaWAN")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_believed_only_near_the_networks_time() {
        let s = Timestamp::from_secs;
        let at = |gateways: &[i64]| observed_at(s(10_000), gateways.iter().map(|g| s(*g)));
        assert_eq!(at(&[]), s(10_000));
        assert_eq!(at(&[9_999]), s(9_999));
        assert_eq!(at(&[9_400, 9_998]), s(9_998), "the nearest");
        assert_eq!(at(&[9_400]), s(9_400), "buffered");
        assert_eq!(at(&[9_399]), s(10_000), "too long ago");
        assert_eq!(at(&[10_001]), s(10_000), "never later than the network");
        assert_eq!(at(&[10_002, 0]), s(10_000), "clocks that are wrong");
    }
}
