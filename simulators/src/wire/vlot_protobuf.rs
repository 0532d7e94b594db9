//! Vlot's own protobuf: one `vlot.device.v1.Envelope` a message.

use prost::Message;
use vlot_proto::device::v1 as device;
use vlot_proto::device::v1::envelope;

use super::{Statement, Value};
use crate::time::proto;

pub(super) fn encode(statement: &Statement<'_>) -> Vec<u8> {
    device::Envelope {
        device: statement.from.device.clone(),
        sequence: statement.sequence,
        observed_at: Some(proto(statement.observed_at)),
        value: Some(value(&statement.value)),
    }
    .encode_to_vec()
}

fn value(value: &Value) -> envelope::Value {
    match *value {
        Value::Bay { occupied, .. } => envelope::Value::Bay(device::Bay { occupied }),
        Value::Passage { inward, vehicles } => {
            let direction = if inward { device::Direction::In } else { device::Direction::Out };
            envelope::Value::Passage(device::Passage { direction: direction.into(), vehicles })
        }
        Value::Totals { entries, exits } => envelope::Value::Totals(device::Totals { entries, exits }),
        Value::Occupancy { occupied_spaces } => {
            envelope::Value::Occupancy(device::Occupancy { occupied_spaces })
        }
        Value::Opening { open } => envelope::Value::Opening(device::Opening { open }),
        Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
            envelope::Value::Traffic(device::Traffic {
                interval_s,
                vehicles,
                speed_kmh,
                detector_occupancy_pct,
            })
        }
        Value::Bicycles { interval_s, inbound, outbound } => {
            envelope::Value::Bicycles(device::Bicycles { interval_s, inbound, outbound })
        }
        Value::Places { free_places } => envelope::Value::Places(device::Places { free_places }),
        Value::Alive => envelope::Value::Alive(device::Alive {}),
    }
}
