//! ChirpStack v4, with the payload codecs behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vlot_model::Format;

fuzz_target!(|payload: &[u8]| vlot_fuzz::message(Format::ChirpstackV4, payload));
