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
        Value::Signal { state, plan } => {
            envelope::Value::Signal(device::Signal { state: signal_state(state).into(), plan })
        }
        Value::Air { quantity, value } => envelope::Value::Air(device::Air {
            quantity: air_quantity(quantity).into(),
            #[expect(clippy::cast_possible_truncation, reason = "a sensor's figure")]
            value: value as f32,
        }),
        // It has a format of its own.
        Value::Sighting { .. } | Value::Alive => envelope::Value::Alive(device::Alive {}),
    }
}

fn signal_state(name: &str) -> device::SignalState {
    match name {
        "running" => device::SignalState::Running,
        "flashing" => device::SignalState::Flashing,
        "dark" => device::SignalState::Dark,
        "all-red" => device::SignalState::AllRed,
        "manual" => device::SignalState::Manual,
        "fault" => device::SignalState::Fault,
        _ => device::SignalState::Unspecified,
    }
}

fn air_quantity(name: &str) -> device::AirQuantity {
    match name {
        "no2" => device::AirQuantity::No2,
        "pm10" => device::AirQuantity::Pm10,
        "pm25" => device::AirQuantity::Pm25,
        "o3" => device::AirQuantity::O3,
        "noise" => device::AirQuantity::Noise,
        _ => device::AirQuantity::Unspecified,
    }
}
