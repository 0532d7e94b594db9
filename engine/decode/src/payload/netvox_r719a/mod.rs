//! Netvox R719A and its sibling R719B, surface-mounted parking sensors. Every message has eleven bytes.

use vlot_model::Refusal;

use super::{Decoded, Message, Reporting, unknown_port, wrong_length};
use crate::refuse::{malformed, out_of_range, unsupported};

const R719A: u8 = 0x59;
const R719B: u8 = 0xaf;

pub(super) fn decode(f_port: u8, bytes: &[u8]) -> Result<Decoded, Refusal> {
    if !matches!(f_port, 6 | 7) {
        return Err(unknown_port("a Netvox R719A", f_port, "6, 7"));
    }
    let &[first, device, third, a, b, c, d, _, _, _, _] = bytes else {
        return Err(wrong_length("a message", f_port, "11", bytes));
    };
    if !matches!(device, R719A | R719B) {
        return Err(malformed(format!("payload byte 1: device type {device:#04x} is no R719A (0x59, 0xaf)")));
    }
    match (f_port, first, third) {
        (6, _version, 0) => Ok(Decoded { message: Message::Information, ..Decoded::default() }),
        (6, _version, 1) => Ok(Decoded {
            message: Message::Status,
            battery_low: Some(a & 0x80 != 0),
            battery_mv: Some(u16::from(a & 0x7f) * 100),
            occupied: Some(match b {
                0 => false,
                1 => true,
                _ => {
                    return Err(out_of_range(format!(
                        "payload byte 4: state {b} is neither free (0) nor occupied (1)"
                    )));
                }
            }),
            ..Decoded::default()
        }),
        (6, _version, _) => Err(unsupported(format!("payload byte 2: report type {third} on f_port 6"))),
        // Answers to a change and to a question of the configuration.
        (7, 0x81, _) => Ok(Decoded { message: Message::Information, ..Decoded::default() }),
        (7, 0x82, _) => Ok(Decoded {
            message: Message::Information,
            reporting: Some(Reporting {
                min_interval_s: u16::from_be_bytes([third, a]),
                max_interval_s: u16::from_be_bytes([b, c]),
                battery_change_mv: u16::from(d) * 100,
            }),
            ..Decoded::default()
        }),
        _ => Err(unsupported(format!("payload byte 0: command {first:#04x} on f_port 7"))),
    }
}
