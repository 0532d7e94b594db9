//! Libelium Smart Parking (Plug & Sense!), frames of the second protocol. Every frame has eleven bytes, on any port.
//!
//! Byte 0: bit 7 occupied, bit 6 battery low, bit 4 calibrating, bits 3 to 0 type. Byte 1 counts frames. In the two
//! types that carry the state, byte 2 is an error of the sensor (0 is none) and byte 3 the temperature.

use vlot_model::Refusal;

use super::{Decoded, Message, wrong_length};
use crate::refuse::unsupported;

pub(super) fn decode(f_port: u8, bytes: &[u8]) -> Result<Decoded, Refusal> {
    let &[head, _counter, error, temperature, _, _, _, _, _, _, _] = bytes else {
        return Err(wrong_length("a frame", f_port, "11", bytes));
    };
    let frame = Decoded { battery_low: Some(head & 0x40 != 0), ..Decoded::default() };
    let stated = |message| {
        let unsure = head & 0x10 != 0 || error != 0;
        Decoded {
            message,
            occupied: (!unsure).then_some(head & 0x80 != 0),
            unsure,
            temperature_c: Some(f32::from(temperature.cast_signed())),
            hardware_health: Some(error),
            ..frame.clone()
        }
    };
    match head & 0x0f {
        0 => Ok(stated(Message::Status)),
        1 => Ok(stated(Message::Heartbeat)),
        // The state bit of these frames is left from before, or from before the first detection.
        2 | 3 | 6 | 7 | 8 => Ok(Decoded { message: Message::Information, ..frame }),
        4 | 5 => Ok(Decoded { message: Message::StartUp, ..frame }),
        other => Err(unsupported(format!("payload byte 0: frame type {other}"))),
    }
}
