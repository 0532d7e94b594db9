//! Nwave parking sensors NPS310 and NPS405, and the vehicle counter NCC405.
//!
//! A driver's tag that registers in a bay (f_port 10) identifies a person: its number is passed over here and reaches
//! nothing.

use vlot_model::Refusal;

use super::{Decoded, Message, PreviousState, ResetCause, unknown_port, wrong_length};

pub(super) fn decode(f_port: u8, bytes: &[u8]) -> Result<Decoded, Refusal> {
    match (f_port, bytes) {
        (1, &[state]) => Ok(Decoded {
            occupied: Some(occupied(state)),
            previous_state: Some(previous_state(state >> 1)),
            ..Decoded::default()
        }),
        // The counter: vehicles that passed, which is no state of a bay.
        (1, &[high, low]) => Ok(Decoded {
            message: Message::Count,
            count: Some(u16::from_be_bytes([high, low])),
            ..Decoded::default()
        }),
        (1, _) => Err(wrong_length("a status", f_port, "1 (sensor) or 2 (counter)", bytes)),

        // NPS310.
        (2, &[state]) => {
            Ok(Decoded { message: Message::Heartbeat, occupied: Some(occupied(state)), ..Decoded::default() })
        }
        // NCC405.
        (2, &[health, battery, mean]) => Ok(Decoded {
            message: Message::Heartbeat,
            hardware_health: Some(health & 0x7f),
            battery_mv: Some(millivolts(battery)),
            battery_mean_mv: Some(millivolts(mean)),
            ..Decoded::default()
        }),
        // NPS405. Early firmwares kept the state in the top bit: where that is set, one of two bits is the state, and
        // nothing in the message says which.
        (2, &[state, battery, temperature, _, _, _]) => {
            let ambiguous = state & 0x80 != 0;
            let battery_mv = millivolts(battery);
            let temperature_c = f32::from(temperature.cast_signed()) / 2.0 + 10.0;
            Ok(Decoded {
                message: Message::Heartbeat,
                occupied: (!ambiguous).then_some(occupied(state)),
                hardware_health: Some(state >> 1),
                battery_mv: Some(battery_mv),
                // The maker's limits: a cold battery may be lower.
                battery_low: Some(battery_mv < if temperature_c < -5.0 { 2_900 } else { 3_000 }),
                temperature_c: Some(temperature_c),
                ..Decoded::default()
            })
        }
        (2, _) => Err(wrong_length("a heartbeat", f_port, "1, 3 or 6", bytes)),

        (3, &[major, minor, patch, cause]) => Ok(start_up([major, minor, patch], cause, None)),
        (3, &[major, minor, patch, cause, state]) => {
            Ok(start_up([major, minor, patch], cause, Some(occupied(state))))
        }
        (3, _) => Err(wrong_length("a start-up message", f_port, "4 (counter) or 5 (sensor)", bytes)),

        (6, _) => Ok(Decoded { message: Message::Debug, ..Decoded::default() }),

        (10, &[state, tag_battery, _, _, _, _]) => Ok(Decoded {
            message: Message::Registration,
            // A tag registers in an occupied bay; without the bit the message says nothing of the bay.
            occupied: occupied(state).then_some(true),
            previous_state: occupied(state).then(|| previous_state(state >> 1)),
            tag_battery_mv: Some(u16::from(tag_battery) * 100),
            ..Decoded::default()
        }),
        (10, _) => Err(wrong_length("a registration", f_port, "6", bytes)),
        _ => Err(unknown_port("an Nwave sensor", f_port, "1, 2, 3, 6, 10")),
    }
}

fn start_up(firmware: [u8; 3], cause: u8, occupied: Option<bool>) -> Decoded {
    Decoded {
        message: Message::StartUp,
        occupied,
        firmware: Some(firmware),
        reset_cause: Some(match cause {
            0 => ResetCause::Rejoin,
            1 => ResetCause::Watchdog,
            2 => ResetCause::PowerOn,
            3 => ResetCause::Request,
            6 => ResetCause::Brownout,
            _ => ResetCause::Other,
        }),
        ..Decoded::default()
    }
}

fn occupied(state: u8) -> bool {
    state & 1 == 1
}

fn millivolts(byte: u8) -> u16 {
    2_500 + u16::from(byte) * 4
}

/// Seven bits for up to eleven hours: minutes, then steps of five, then hours, then anything longer.
fn previous_state(packed: u8) -> PreviousState {
    let n = u16::from(packed & 0x7f);
    let (minutes, error_minutes) = match n {
        0..90 => (n, Some(0)),
        90..120 => (90 + (n - 90) * 5, Some(4)),
        120..127 => (240 + (n - 120) * 60, Some(59)),
        _ => (660, None),
    };
    PreviousState { minutes, error_minutes }
}
