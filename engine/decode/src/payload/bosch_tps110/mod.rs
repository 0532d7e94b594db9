//! Bosch TPS110 Parking Lot Sensor (magnetometer and radar), firmware 0.23 to 0.29.

use vlot_model::Refusal;

use super::{Decoded, Message, ResetCause, unknown_port, wrong_length};

/// The debug code of a detection that is being calibrated.
const RECALIBRATING: u16 = 404;

pub(super) fn decode(f_port: u8, bytes: &[u8]) -> Result<Decoded, Refusal> {
    match (f_port, bytes) {
        (1, &[state]) => Ok(Decoded { occupied: Some(occupied(state)), ..Decoded::default() }),
        (1, _) => Err(wrong_length("a parking status", f_port, "1", bytes)),

        (2, &[state]) => Ok(heartbeat(state, None)),
        (2, &[state, temperature]) => Ok(heartbeat(state, Some(temperature))),
        (2, _) => Err(wrong_length("a heartbeat", f_port, "1 or 2", bytes)),

        (3, &[ref debug @ .., major, minor, patch, cause, state]) => {
            let debug_info = <[u8; 12]>::try_from(debug)
                .map_err(|_| wrong_length("a start-up message", f_port, "17", bytes))?;
            let unsure = recalibrating(&debug_info);
            Ok(Decoded {
                message: Message::StartUp,
                occupied: (!unsure).then_some(occupied(state)),
                unsure,
                firmware: Some([major, minor, patch]),
                reset_cause: match cause {
                    0 => None,
                    1 => Some(ResetCause::Watchdog),
                    2 => Some(ResetCause::PowerOn),
                    3 => Some(ResetCause::Request),
                    _ => Some(ResetCause::Other),
                },
                debug_info: Some(debug_info),
                ..Decoded::default()
            })
        }
        (3, _) => Err(wrong_length("a start-up message", f_port, "17", bytes)),

        // Answers to commands and reports for the maker, in several lengths: they say nothing of the bay.
        (4 | 5, _) => Ok(Decoded { message: Message::Information, ..Decoded::default() }),
        (6, _) => Ok(Decoded { message: Message::Debug, ..Decoded::default() }),
        (7, &[temperature]) => Ok(Decoded {
            message: Message::Information,
            temperature_c: Some(celsius(temperature)),
            ..Decoded::default()
        }),
        (7, _) => Err(wrong_length("a temperature alert", f_port, "1", bytes)),
        _ => Err(unknown_port("a Bosch TPS110", f_port, "1 to 7")),
    }
}

fn heartbeat(state: u8, temperature: Option<u8>) -> Decoded {
    Decoded {
        message: Message::Heartbeat,
        occupied: Some(occupied(state)),
        temperature_c: temperature.map(celsius),
        ..Decoded::default()
    }
}

fn occupied(state: u8) -> bool {
    state & 1 == 1
}

fn celsius(byte: u8) -> f32 {
    f32::from(byte.cast_signed())
}

/// Firmwares differ in how they pack the 12-bit codes: three of them with the low byte first, or one with the high
/// byte first after a clock. A state that is taken for unsure waits for the next heartbeat; the reverse would be a lie.
fn recalibrating(info: &[u8; 12]) -> bool {
    let code = |low: u8, high: u8| u16::from(high & 0xf) << 8 | u16::from(low);
    let low_first = info.chunks_exact(4).any(|c| code(c[0], c[1]) == RECALIBRATING);
    low_first || code(info[7], info[6]) == RECALIBRATING
}
