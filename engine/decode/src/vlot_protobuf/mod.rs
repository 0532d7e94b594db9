//! Vlot's own protobuf: one `vlot.device.v1.Envelope` a message.

use prost::Message as _;
use vlot_model::{AirQuantity, City, Direction, Reading, Refusal, SignalState, Timestamp};
use vlot_proto::device::v1::{self as wire, envelope};

use crate::refuse::{malformed, out_of_range, unsupported};
use crate::statement::{Said, Statement};

pub(crate) fn decode(
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
    city: &City,
) -> Result<Reading, Refusal> {
    let message = wire::Envelope::decode(payload).map_err(|e| malformed(e.to_string()))?;
    if message.device.is_empty() {
        return Err(malformed("device: missing"));
    }
    let observed_at = message.observed_at.ok_or_else(|| malformed("observed_at: missing"))?;
    let value = message.value.ok_or_else(|| {
        // A newer device's new value reads as none at all, because protobuf passes over what it does not know.
        unsupported("no value that this version knows: one of the fields 4 to 14 of vlot.device.v1.Envelope")
    })?;
    let said = Said {
        device: &message.device,
        sequence: message.sequence.map(i64::from),
        observed_at: instant(observed_at.seconds, observed_at.nanos)?,
        statement: statement(value)?,
    };
    said.judge(topic, received_at, city)
}

fn statement(value: envelope::Value) -> Result<Statement, Refusal> {
    use envelope::Value as V;
    Ok(match value {
        V::Bay(v) => Statement::Bay { occupied: v.occupied },
        V::Passage(v) => Statement::Passage {
            direction: match wire::Direction::try_from(v.direction) {
                Ok(wire::Direction::In) => Direction::In,
                Ok(wire::Direction::Out) => Direction::Out,
                Ok(wire::Direction::Unspecified) | Err(_) => {
                    return Err(malformed(format!(
                        "passage.direction: {} is neither in (1) nor out (2)",
                        v.direction
                    )));
                }
            },
            vehicles: v.vehicles.into(),
        },
        V::Totals(v) => Statement::Totals { entries: v.entries.into(), exits: v.exits.into() },
        V::Occupancy(v) => Statement::Occupancy { occupied_spaces: v.occupied_spaces.into() },
        V::Opening(v) => Statement::Opening { open: v.open },
        V::Traffic(v) => Statement::Traffic {
            interval_s: v.interval_s.into(),
            vehicles: v.vehicles.into(),
            speed_kmh: v.speed_kmh.map(f64::from),
            detector_occupancy_pct: v.detector_occupancy_pct.map(f64::from),
        },
        V::Bicycles(v) => Statement::Bicycles {
            interval_s: v.interval_s.into(),
            inbound: v.inbound.map(i64::from),
            outbound: v.outbound.map(i64::from),
        },
        V::Places(v) => Statement::Places { free_places: v.free_places.into() },
        V::Signal(v) => Statement::Signal { state: signal_state(v.state)?, plan: v.plan.map(i64::from) },
        V::Air(v) => Statement::Air { quantity: air_quantity(v.quantity)?, value: v.value.into() },
        V::Alive(_) => Statement::Alive,
    })
}

fn signal_state(state: i32) -> Result<SignalState, Refusal> {
    Ok(match wire::SignalState::try_from(state) {
        Ok(wire::SignalState::Running) => SignalState::Running,
        Ok(wire::SignalState::Flashing) => SignalState::Flashing,
        Ok(wire::SignalState::Dark) => SignalState::Dark,
        Ok(wire::SignalState::AllRed) => SignalState::AllRed,
        Ok(wire::SignalState::Manual) => SignalState::Manual,
        Ok(wire::SignalState::Fault) => SignalState::Fault,
        Ok(wire::SignalState::Unspecified) | Err(_) => {
            return Err(malformed(format!("signal.state: {state} is none of running (1) to fault (6)")));
        }
    })
}

fn air_quantity(quantity: i32) -> Result<AirQuantity, Refusal> {
    Ok(match wire::AirQuantity::try_from(quantity) {
        Ok(wire::AirQuantity::No2) => AirQuantity::No2,
        Ok(wire::AirQuantity::Pm10) => AirQuantity::Pm10,
        Ok(wire::AirQuantity::Pm25) => AirQuantity::Pm25,
        Ok(wire::AirQuantity::O3) => AirQuantity::O3,
        Ok(wire::AirQuantity::Noise) => AirQuantity::Noise,
        Ok(wire::AirQuantity::Unspecified) | Err(_) => {
            return Err(malformed(format!("air.quantity: {quantity} is none of NO2 (1) to noise (5)")));
        }
    })
}

/// Protobuf's own bounds of a Timestamp: the years 1 to 9999, nanoseconds counting forward.
fn instant(seconds: i64, nanos: i32) -> Result<Timestamp, Refusal> {
    if !(-62_135_596_800..=253_402_300_799).contains(&seconds) {
        return Err(out_of_range(format!("observed_at.seconds: {seconds} is outside the years 1 to 9999")));
    }
    if !(0..=999_999_999).contains(&nanos) {
        return Err(out_of_range(format!("observed_at.nanos: {nanos} is outside 0..=999999999")));
    }
    Ok(Timestamp::from_micros(seconds * 1_000_000 + i64::from(nanos / 1_000)))
}
