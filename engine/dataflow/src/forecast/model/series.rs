//! The recent past on a 5-minute grid.

use super::moment::SLOT_S;

/// Slots kept: a week, an hour by which local time may shift, and more than an hour and a half besides; 4 kB.
const LEN: i64 = 2_048;
/// Longest gap that is bridged by a line, in slots (45 minutes).
pub(crate) const BRIDGE: i64 = 9;
/// A slot without a value.
const NONE: u16 = u16::MAX;
/// Steps per unit of occupancy; ratios up to 1.3 fit.
const SCALE: f32 = 50_000.0;

/// Occupancy ratios of the last week, one per slot, quantised to 1/50,000.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    ring: Vec<u16>,
    /// The newest slot written.
    last: Option<i64>,
    /// The slot at which local time last shifted against UTC, and by how many slots.
    shift: (i64, i64),
    offset: Option<i64>,
}

impl Series {
    pub(crate) fn new() -> Self {
        Series {
            ring: vec![NONE; usize::try_from(LEN).unwrap_or(0)],
            last: None,
            shift: (i64::MIN, 0),
            offset: None,
        }
    }

    /// The newest slot.
    pub(crate) const fn last(&self) -> Option<i64> {
        self.last
    }

    /// Writes a slot not older than the newest; short gaps are bridged, long ones left empty.
    pub(crate) fn push(&mut self, slot: i64, offset: i64, ratio: f32) {
        if self.offset.is_some_and(|old| old != offset) {
            self.shift = (slot, offset - self.offset.unwrap_or(offset));
        }
        self.offset = Some(offset);
        if let Some(last) = self.last {
            let gap = slot - last;
            let from = self.at(last).filter(|_| gap <= BRIDGE);
            for i in 1..gap.min(LEN) {
                let value = from.map_or(NONE, |f| {
                    let share = small(i) / small(gap);
                    quantise(f + (ratio - f) * share)
                });
                self.put(slot - gap.min(LEN) + i, value);
            }
        }
        self.put(slot, quantise(ratio));
        self.last = Some(slot);
    }

    /// The ratio of a slot, if it is within a week and was seen or bridged.
    pub(crate) fn at(&self, slot: i64) -> Option<f32> {
        let last = self.last?;
        if slot > last || slot <= last - LEN {
            return None;
        }
        let index = usize::try_from(slot.rem_euclid(LEN)).ok()?;
        self.ring.get(index).filter(|v| **v != NONE).map(|v| f32::from(*v) / SCALE)
    }

    /// The ratio at the same local time `days` before `slot`.
    pub(crate) fn days_before(&self, slot: i64, days: i64) -> Option<f32> {
        let then = slot - days * 86_400 / SLOT_S;
        self.at(if then < self.shift.0 { then + self.shift.1 } else { then })
    }

    /// Multiplies every ratio: the capacity has changed.
    pub(crate) fn scale(&mut self, by: f32) {
        for value in self.ring.iter_mut().filter(|v| **v != NONE) {
            *value = quantise(f32::from(*value) / SCALE * by);
        }
    }

    fn put(&mut self, slot: i64, value: u16) {
        if let Some(cell) = usize::try_from(slot.rem_euclid(LEN)).ok().and_then(|i| self.ring.get_mut(i)) {
            *cell = value;
        }
    }
}

/// A count below 2^16 as `f32`.
fn small(n: i64) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
fn quantise(ratio: f32) -> u16 {
    (ratio.clamp(0.0, 1.3) * SCALE).round() as u16
}
