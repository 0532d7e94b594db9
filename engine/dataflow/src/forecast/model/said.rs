//! What was said, until it can be judged and learned from.

use super::features::{Features, LIMIT, LONGEST, WIDTH};
use super::forecaster::EXPERTS;

/// So many wait at most: one a slot, up to the longest horizon.
pub(crate) const PENDING: usize = 12;
const _: () = assert!(PENDING as i64 == LONGEST, "one a slot");
/// Steps per unit of a feature, and of an increment of the occupied share, which lies within 1.6 either way.
const STEPS: [f32; 2] = [32_000.0 / LIMIT, 20_000.0];

/// What is expected at the three horizons, as increments of the occupied share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outlook {
    pub(crate) experts: [[f32; EXPERTS]; 3],
    pub(crate) mixed: [f32; 3],
    /// Bounds around `mixed`.
    pub(crate) bounds: [(f32, f32); 3],
}

/// What was said at a slot. Features and experts are quantised: twelve of these wait in every facility.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    slot: u32,
    pub(crate) now: f32,
    pub(crate) mixed: [f32; 3],
    pub(crate) bounds: [(f32, f32); 3],
    features: [i16; WIDTH],
    experts: [[i16; EXPERTS]; 3],
    pub(crate) bin: u8,
    /// Horizons that were judged, the shortest first.
    pub(crate) judged: u8,
}

const _: () = assert!(size_of::<Said>() * PENDING <= 2_048, "ten thousand facilities have twelve each");

impl Said {
    pub(crate) fn new(slot: i64, bin: usize, now: f32, x: &Features, outlook: &Outlook) -> Self {
        let [of_features, of_experts] = STEPS;
        Said {
            // Before 1970 and after the year 40,000 nothing is said.
            slot: u32::try_from(slot).unwrap_or(0),
            now,
            mixed: outlook.mixed,
            bounds: outlook.bounds,
            features: x.map(|x| quantise(x * of_features)),
            experts: outlook.experts.map(|row| row.map(|x| quantise(x * of_experts))),
            bin: u8::try_from(bin).unwrap_or(u8::MAX),
            judged: 0,
        }
    }

    /// When it was said.
    pub(crate) fn slot(&self) -> i64 {
        i64::from(self.slot)
    }

    /// The row of features, within 1/16,000 of what it was.
    pub(crate) fn features(&self) -> Features {
        let [step, _] = STEPS;
        self.features.map(|x| f32::from(x) / step)
    }

    /// What each expert expected, within 1/40,000 of it.
    pub(crate) fn experts(&self) -> [[f32; EXPERTS]; 3] {
        let [_, step] = STEPS;
        self.experts.map(|row| row.map(|x| f32::from(x) / step))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "beyond the ends it stays at them")]
fn quantise(x: f32) -> i16 {
    x.round() as i16
}
