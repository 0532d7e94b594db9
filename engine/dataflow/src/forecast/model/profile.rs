//! What a facility usually holds at a time of the week.

use super::moment::WEEK_MIN;

/// Minutes per bin.
const BIN_MIN: i64 = 15;
/// Bins per week.
const BINS: usize = 672;
/// Bins per day.
const DAY: usize = 96;
/// Pseudo-count, in weeks, by which a bin leans on its kind of day.
const POOL: f32 = 1.5;
/// Longest memories of the slow and the fast mean, in weeks.
const MEMORY: [f32; 2] = [20.0, 3.0];
/// Steps per unit of occupancy.
const SCALE: f32 = 60_000.0;

/// A slow and a fast mean, quantised, and how many thirds of a bin were seen. As bytes, so that none is left empty.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    means: [[u8; 2]; 2],
    thirds: u8,
}

impl Bin {
    fn learn(&mut self, ratio: f32, thirds: u8, longer: f32) {
        self.thirds = self.thirds.saturating_add(thirds);
        for (mean, memory) in self.means.iter_mut().zip(MEMORY) {
            let rate = f32::from(thirds) / f32::from(self.thirds).min(memory * longer * 3.0);
            let old = ratio_of(*mean);
            *mean = quantise(old + (ratio - old) * rate.min(1.0));
        }
    }
}

/// The usual occupancy ratio over a long and a short memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Usual {
    /// Mean of about twenty weeks.
    pub(crate) slow: f32,
    /// Mean of about three weeks.
    pub(crate) fast: f32,
}

/// Exponentially weighted means per quarter of an hour of the week; workdays lean on the mean of the same time over
/// all workdays, Saturday and Sunday stand alone. 3.8 kB.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    week: Vec<Bin>,
    workday: Vec<Bin>,
}

impl Profile {
    pub(crate) fn new() -> Self {
        Profile { week: vec![Bin::default(); BINS], workday: vec![Bin::default(); DAY] }
    }

    /// Learns a ratio that stands for `thirds` of a quarter of an hour, at least 1.
    pub(crate) fn learn(&mut self, minute: i64, ratio: f32, thirds: u8) {
        let bin = bin_of(minute);
        if let Some(cell) = self.week.get_mut(bin) {
            cell.learn(ratio, thirds.max(1), 1.0);
        }
        if bin < 5 * DAY
            && let Some(cell) = self.workday.get_mut(bin % DAY)
        {
            cell.learn(ratio, thirds.max(1), 3.0);
        }
    }

    /// The usual ratio at a minute of the week, drawn as a line between the centres of bins.
    pub(crate) fn at(&self, minute: i64) -> Option<Usual> {
        let start = minute - BIN_MIN / 2;
        let (left, right) = (self.bin(bin_of(start)), self.bin(bin_of(start + BIN_MIN)));
        let share = f32::from(u8::try_from(start.rem_euclid(BIN_MIN)).unwrap_or(0)) / 15.0;
        let (Some(l), Some(r)) = (left, right) else { return left.or(right) };
        Some(Usual { slow: l.slow + (r.slow - l.slow) * share, fast: l.fast + (r.fast - l.fast) * share })
    }

    fn bin(&self, at: usize) -> Option<Usual> {
        let own = self.week.get(at)?;
        let pool = if at < 5 * DAY { self.workday.get(at % DAY).filter(|w| w.thirds > 0) } else { None };
        if own.thirds == 0 && pool.is_none() {
            return None;
        }
        let mut means = own.means.map(ratio_of);
        if let Some(pool) = pool {
            for ((mean, memory), other) in means.iter_mut().zip(MEMORY).zip(pool.means) {
                let count = (f32::from(own.thirds) / 3.0).min(memory);
                *mean = (*mean * count + ratio_of(other) * POOL) / (count + POOL);
            }
        }
        let [slow, fast] = means;
        Some(Usual { slow, fast })
    }
}

fn bin_of(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(WEEK_MIN) / BIN_MIN).unwrap_or(0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
fn quantise(ratio: f32) -> [u8; 2] {
    ((ratio.clamp(0.0, 1.0) * SCALE).round() as u16).to_ne_bytes()
}

fn ratio_of(mean: [u8; 2]) -> f32 {
    f32::from(u16::from_ne_bytes(mean)) / SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_its_own_usual_and_workdays_lend_to_each_other() {
        let mut profile = Profile::new();
        assert_eq!(profile.at(600), None);
        for _ in 0..30 {
            profile.learn(600, 0.5, 3);
            profile.learn(615, 0.5, 3);
        }
        for minute in [605, 610, 1440 + 610, 4 * 1440 + 610] {
            assert!((profile.at(minute).map_or(0.0, |u| u.slow) - 0.5).abs() < 1e-3, "{minute}");
        }
        assert_eq!(profile.at(5 * 1440 + 610), None);
    }
}
