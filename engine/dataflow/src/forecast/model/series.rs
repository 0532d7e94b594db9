//! The recent past on a 5-minute grid.

use super::moment::SLOT_S;

/// Slots kept: a week, an hour by which local time may shift, and more than an hour and a half besides; 3 kB.
const LEN: i64 = 2_048;
/// Longest gap that is bridged by a line, in slots (45 minutes).
pub(crate) const BRIDGE: i64 = 9;
/// A slot without a value.
const NONE: u16 = 0xfff;
/// Steps per unit of occupancy; ratios up to 1.3 fit in twelve bits.
const SCALE: f32 = 3_140.0;

/// Occupancy ratios of the last week, one per slot, quantised to 1/3,140; two of them in three bytes.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    ring: Box<[[u8; 3]]>,
    /// The newest slot written.
    last: Option<i64>,
    /// The slot at which local time last shifted against UTC, and by how many slots.
    shift: (i64, i64),
    offset: Option<i64>,
}

impl Series {
    pub(crate) fn new() -> Self {
        Series {
            ring: vec![pack([NONE; 2]); usize::try_from(LEN / 2).unwrap_or(0)].into(),
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
        let place = slot.rem_euclid(LEN);
        let [even, odd] = unpack(*self.ring.get(usize::try_from(place / 2).ok()?)?);
        let value = if place % 2 == 0 { even } else { odd };
        (value != NONE).then(|| f32::from(value) / SCALE)
    }

    /// The ratio at the same local time `days` before `slot`.
    pub(crate) fn days_before(&self, slot: i64, days: i64) -> Option<f32> {
        let then = slot - days * 86_400 / SLOT_S;
        self.at(if then < self.shift.0 { then + self.shift.1 } else { then })
    }

    /// Multiplies every ratio: the capacity has changed.
    pub(crate) fn scale(&mut self, by: f32) {
        let scaled = |v: u16| if v == NONE { NONE } else { quantise(f32::from(v) / SCALE * by) };
        for two in &mut self.ring {
            *two = pack(unpack(*two).map(scaled));
        }
    }

    fn put(&mut self, slot: i64, value: u16) {
        let place = slot.rem_euclid(LEN);
        if let Some(two) = usize::try_from(place / 2).ok().and_then(|i| self.ring.get_mut(i)) {
            let [even, odd] = unpack(*two);
            *two = pack(if place % 2 == 0 { [value, odd] } else { [even, value] });
        }
    }
}

/// Two values of twelve bits.
fn pack([even, odd]: [u16; 2]) -> [u8; 3] {
    let ([a, b], [c, d]) = (even.to_be_bytes(), odd.to_be_bytes());
    [b, d, a << 4 | c]
}

fn unpack([even, odd, above]: [u8; 3]) -> [u16; 2] {
    [u16::from_be_bytes([above >> 4, even]), u16::from_be_bytes([above & 0xf, odd])]
}

/// A count below 2^16 as `f32`.
fn small(n: i64) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
fn quantise(ratio: f32) -> u16 {
    (ratio.clamp(0.0, 1.3) * SCALE).round() as u16
}
