//! Several sources' evidence of one number, weighed when it is read.

use super::drift::Drift;
use super::maths::{float, rounded};

/// Sources that are further apart than so many standard deviations contradict each other.
const CONFLICT_SDS: f64 = 3.0;

/// The truth is between `low` and `high` with at least this chance.
const LIKELY: f64 = 0.95;

/// Occupied spaces, `sure_low <= low <= best <= high <= sure_high <=` the ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The figure that the evidence asks for: the count, where nothing speaks against it.
    pub best: u32,
    /// With `high`: the shortest interval that holds the truth with 95 %.
    pub low: u32,
    /// See `low`.
    pub high: u32,
    /// The truth is below with at most the chance that was asked for.
    pub sure_low: u32,
    /// The truth is above with at most the chance that was asked for.
    pub sure_high: u32,
    /// The count since the last anchor as it is, whatever its sense; `None` without barriers, or before any anchor.
    pub uncorrected: Option<i64>,
    /// Sources contradict each other: the interval was widened until it holds both.
    pub conflict: bool,
}

/// One source: normal about its figure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// As it stands, for the best figure.
    pub(super) plain: f64,
    /// Freed of what its errors add on average, for the interval.
    pub(super) fair: f64,
    pub(super) variance: f64,
}

/// What is known so far.
#[derive(Clone, Debug)]
pub(super) struct Fused {
    /// Of the occupied spaces.
    belief: Drift,
    best: f64,
    variance: f64,
    conflict: bool,
}

impl Fused {
    pub(super) fn new(belief: Drift, best: f64, variance: f64) -> Self {
        Fused { belief, best, variance, conflict: false }
    }

    /// Mean and variance of the best figure.
    pub(super) fn best(&self) -> (f64, f64) {
        (self.best, self.variance)
    }

    /// Takes one more source into `so_far`.
    ///
    /// Sources that contradict each other are all trusted less, by Birge's ratio (R. T. Birge, *Phys. Rev.* 40, 1932; the
    /// scale factor of the Particle Data Group): both then lie within the result.
    pub(super) fn with(so_far: Option<Self>, evidence: Evidence) -> Self {
        let Evidence { plain, fair, variance } = evidence;
        let Some(mut fused) = so_far else {
            return Fused::new(Drift::normal(fair, variance), plain, variance);
        };
        let (mean, spread) = fused.belief.moments();
        let (off, sum) = (fair - mean, (spread + variance).max(0.25));
        let ratio = off * off / sum;
        let mut scale = 1.0;
        if ratio > CONFLICT_SDS * CONFLICT_SDS {
            fused.conflict = true;
            scale = ratio;
            fused.belief.spread((scale - 1.0) * spread.max(0.25));
        }
        fused.belief.weigh(fair, variance * scale);
        let all = fused.variance + variance;
        if all > 0.0 {
            let gain = fused.variance / all;
            fused.best += gain * (plain - fused.best);
            fused.variance *= 1.0 - gain;
        }
        fused
    }

    /// As whole spaces in 0..=`ceiling`; `tail` is the chance of the truth beyond either sure end.
    pub(super) fn estimate(mut self, tail: f64, ceiling: u32, uncorrected: Option<i64>) -> Estimate {
        let most = i64::from(ceiling);
        self.belief.bound(0, most, self.variance);
        let spaces = |n: i64| u32::try_from(n.clamp(0, most)).unwrap_or(ceiling);
        let best = spaces(rounded(self.best));
        let (low, high) = self.belief.shortest(LIKELY);
        let (low, high) = (spaces(low).min(best), spaces(high).max(best));
        let (sure_low, sure_high) = self.belief.interval(tail);
        Estimate {
            best,
            low,
            high,
            sure_low: spaces(sure_low).min(low),
            sure_high: spaces(sure_high).max(high),
            uncorrected,
            conflict: self.conflict,
        }
    }

    /// The mean of the distribution within 0..=`ceiling`: for comparisons, not for signs.
    pub(super) fn mean(mut self, ceiling: u32) -> f64 {
        self.belief.bound(0, i64::from(ceiling), self.variance);
        self.belief.moments().0.clamp(0.0, float(i64::from(ceiling)))
    }
}
