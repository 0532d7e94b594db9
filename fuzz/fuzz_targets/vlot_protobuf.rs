//! Vlot's own protobuf.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vlot_model::Format;

fuzz_target!(|payload: &[u8]| vlot_fuzz::message(Format::VlotProtobuf, payload));
