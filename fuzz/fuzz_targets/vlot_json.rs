//! Vlot's own JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vlot_model::Format;

fuzz_target!(|payload: &[u8]| vlot_fuzz::message(Format::VlotJson, payload));
