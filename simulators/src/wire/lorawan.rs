//! Payloads of LoRaWAN bay sensors, byte by byte as their makers describe them.

use super::{DeviceKind, Statement, Value};

/// What a sensor sends through its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// LoRaWAN port.
    pub f_port: u8,
    /// The payload.
    pub bytes: Vec<u8>,
}

/// The temperature that every simulated sensor reports, in degrees Celsius.
const TEMPERATURE_C: i8 = 12;

/// A statement as its sensor packs it; `None` where it is not a LoRaWAN sensor or cannot say such a thing.
#[must_use]
pub fn uplink(statement: &Statement<'_>) -> Option<Uplink> {
    let counter = statement.sequence.unwrap_or(0);
    match (statement.from.kind, statement.value) {
        (kind, Value::Bay { occupied, heartbeat, previous_minutes }) => match kind {
            DeviceKind::BoschTps110 => Some(bosch(occupied, heartbeat)),
            DeviceKind::Nwave => Some(nwave(occupied, heartbeat, previous_minutes)),
            DeviceKind::NetvoxR719a => Some(netvox(occupied)),
            DeviceKind::LibeliumParking => Some(libelium(occupied, heartbeat, counter)),
            _ => None,
        },
        _ => None,
    }
}

fn bosch(occupied: bool, heartbeat: bool) -> Uplink {
    if heartbeat {
        Uplink { f_port: 2, bytes: vec![occupied.into(), TEMPERATURE_C.to_le_bytes()[0]] }
    } else {
        Uplink { f_port: 1, bytes: vec![occupied.into()] }
    }
}

fn nwave(occupied: bool, heartbeat: bool, previous_minutes: u32) -> Uplink {
    if heartbeat {
        // Battery 3.344 V as (mV - 2500) / 4, temperature as (C - 10) * 2; then two bytes that the maker leaves open.
        let temperature = ((TEMPERATURE_C - 10) * 2).to_le_bytes()[0];
        Uplink { f_port: 2, bytes: vec![occupied.into(), 211, temperature, 0, 0x59, 0x0B] }
    } else {
        Uplink { f_port: 1, bytes: vec![u8::from(occupied) | (nwave_duration(previous_minutes) << 1)] }
    }
}

/// The maker's seven-bit scale: minutes up to 89, then steps of five minutes, then hours, then "longer".
fn nwave_duration(minutes: u32) -> u8 {
    let code = match minutes {
        0..90 => minutes,
        90..240 => 90 + (minutes - 90) / 5,
        240..660 => 120 + (minutes - 240) / 60,
        _ => 127,
    };
    u8::try_from(code).unwrap_or(127)
}

fn netvox(occupied: bool) -> Uplink {
    // Version 1, device type 0x59, report type 1, battery 3.6 V in tenths, state, reserved.
    Uplink { f_port: 6, bytes: vec![0x01, 0x59, 0x01, 0x24, occupied.into(), 0, 0, 0, 0, 0, 0] }
}

fn libelium(occupied: bool, heartbeat: bool, counter: u32) -> Uplink {
    let frame_type = u8::from(heartbeat); // 0 info (a change), 1 keep alive
    let mut bytes = vec![0; 11];
    bytes[0] = (u8::from(occupied) << 7) | frame_type;
    bytes[1] = counter.to_le_bytes()[0];
    bytes[3] = TEMPERATURE_C.to_le_bytes()[0];
    Uplink { f_port: 3, bytes }
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::*;

    fn said(kind: DeviceKind, occupied: bool, heartbeat: bool, previous_minutes: u32) -> (u8, Vec<u8>) {
        let from = Address { device: "d".into(), eui: "00".into(), kind };
        let value = Value::Bay { occupied, heartbeat, previous_minutes };
        let uplink =
            uplink(&Statement { from: &from, sequence: Some(0x16E), observed_at: 0, value }).unwrap();
        (uplink.f_port, uplink.bytes)
    }

    /// Vectors as the makers and the networks' device repositories publish them.
    #[test]
    fn payloads_are_those_of_the_makers() {
        use DeviceKind::*;
        assert_eq!(said(BoschTps110, true, false, 0), (1, vec![0x01]));
        assert_eq!(said(BoschTps110, true, true, 0), (2, vec![0x01, 12]));
        assert_eq!(said(Nwave, true, false, 74), (1, vec![0x95]));
        assert_eq!(said(Nwave, true, false, 160), (1, vec![0xD1]));
        assert_eq!(said(Nwave, false, true, 0), (2, vec![0x00, 0xD3, 4, 0, 0x59, 0x0B]));
        assert_eq!(said(NetvoxR719a, true, false, 0), (6, vec![1, 0x59, 1, 0x24, 1, 0, 0, 0, 0, 0, 0]));
        assert_eq!(said(LibeliumParking, true, true, 0), (3, vec![0x81, 0x6E, 0, 12, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(said(LibeliumParking, false, false, 0), (3, vec![0x00, 0x6E, 0, 12, 0, 0, 0, 0, 0, 0, 0]));
    }

    #[test]
    fn nwave_durations_keep_to_seven_bits() {
        for (minutes, code) in
            [(0, 0), (89, 89), (90, 90), (239, 119), (240, 120), (659, 126), (660, 127), (u32::MAX, 127)]
        {
            assert_eq!(nwave_duration(minutes), code, "{minutes}");
        }
    }

    #[test]
    fn a_bay_sensor_counts_no_vehicles() {
        let from = Address { device: "d".into(), eui: "00".into(), kind: DeviceKind::BoschTps110 };
        let value = Value::Passage { inward: true, vehicles: 1 };
        assert_eq!(uplink(&Statement { from: &from, sequence: None, observed_at: 0, value }), None);
    }
}
