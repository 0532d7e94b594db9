//! What the fuzz targets hold every message to, over the samples of all formats and a bounded number of damaged copies: the
//! same on every machine, with the compiler of every day. `fuzz/README.md` says how to look for longer.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::Dice;
use vlot_model::{DeviceKind, Format};

#[path = "../../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own elsewhere")]
mod holds;

/// Damaged copies of each sample, for each target.
const COPIES: usize = 12;
/// A target, as its file in `fuzz/fuzz_targets` is called, and what it runs.
type Target = (&'static str, fn(&Seed));

/// What a message or a frame holds.
struct Seed {
    /// Of a frame; 0 of a message.
    f_port: u8,
    bytes: Vec<u8>,
}

fn targets() -> [Target; 8] {
    [
        ("bosch_tps110", |s| holds::payload(DeviceKind::BoschTps110, s.f_port, &s.bytes)),
        ("chirpstack_v4", |s| holds::message(Format::ChirpstackV4, &s.bytes)),
        ("libelium_parking", |s| holds::payload(DeviceKind::LibeliumParking, s.f_port, &s.bytes)),
        ("netvox_r719a", |s| holds::payload(DeviceKind::NetvoxR719a, s.f_port, &s.bytes)),
        ("nwave", |s| holds::payload(DeviceKind::Nwave, s.f_port, &s.bytes)),
        ("tts_v3", |s| holds::message(Format::TtsV3, &s.bytes)),
        ("vlot_json", |s| holds::message(Format::VlotJson, &s.bytes)),
        ("vlot_protobuf", |s| holds::message(Format::VlotProtobuf, &s.bytes)),
    ]
}

fn unhex(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u32> = lines.flat_map(str::chars).filter_map(|c| c.to_digit(16)).collect();
    digits.chunks_exact(2).map(|d| u8::try_from(d[0] * 16 + d[1]).unwrap()).collect()
}

/// A sample of a format, or a frame of a payload: `{"f_port": 1, "hex": "fe"}`.
fn seed(path: &Path) -> Seed {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|e| e == "hex") {
        return Seed { f_port: 0, bytes: unhex(str::from_utf8(&bytes).unwrap()) };
    }
    if path.components().any(|c| c.as_os_str() == "payload") {
        let frame: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let f_port = u8::try_from(frame["f_port"].as_u64().unwrap()).unwrap();
        return Seed { f_port, bytes: unhex(frame["hex"].as_str().unwrap()) };
    }
    Seed { f_port: 0, bytes }
}

/// Every sample under the formats' folders, in order of name.
fn seeds() -> Vec<Seed> {
    fn files(dir: &Path, out: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() {
                files(&entry, out);
            } else if name.ends_with(".hex") || name.ends_with(".json") && !name.ends_with(".expected.json") {
                out.insert(entry);
            }
        }
    }
    let mut found = BTreeSet::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.iter().map(|path| seed(path)).collect()
}

impl Dice {
    /// A copy with a byte changed, a part cut out, or a part said twice; sometimes all of it.
    fn damaged(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut copy = seed.to_vec();
        for _ in 0..=self.below(3) {
            let (at, len) = (self.below(copy.len()), self.below(9));
            let end = (at + len).min(copy.len());
            match self.below(4) {
                0 => copy.truncate(at),
                1 => drop(copy.drain(at..end)),
                2 => {
                    let part = copy[at..end].to_vec();
                    copy.splice(at..at, part);
                }
                _ => {
                    if let Some(byte) = copy.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        copy
    }
}

#[test]
fn every_target_holds_on_the_samples_and_on_damaged_copies_of_them() {
    let seeds = seeds();
    assert!(seeds.len() >= 150, "only {} samples", seeds.len());
    for (name, run) in targets() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        run(&Seed { f_port: 0, bytes: Vec::new() });
        for seed in &seeds {
            run(seed);
            for _ in 0..COPIES {
                let copy = Seed { f_port: seed.f_port, bytes: dice.damaged(&seed.bytes) };
                let held = std::panic::catch_unwind(|| run(&copy));
                assert!(held.is_ok(), "{name} fails on port {} {:02x?}", copy.f_port, copy.bytes);
            }
        }
    }
}

#[test]
fn each_fuzz_target_is_among_them() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let files: BTreeSet<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(files, targets().iter().map(|(name, _)| (*name).to_owned()).collect());
}
