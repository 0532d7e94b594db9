//! The payload of a Netvox R719A: a port and bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vlot_model::DeviceKind;

fuzz_target!(|frame: (u8, Vec<u8>)| vlot_fuzz::payload(DeviceKind::NetvoxR719a, frame.0, &frame.1));
