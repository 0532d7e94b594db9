//! The distribution of a count's drift (true minus counted vehicles): a histogram, a Bayesian filter on a grid.
//!
//! A histogram and not a Kalman filter: the first errors after an anchor are few and whole, the physical bounds cut
//! one side off and cutting twice must be cutting once (a truncated normal that is matched again by a normal leaks
//! over the bound and is cut again and again), and a sign asks for tails of one in a thousand.

mod read;

use super::maths::{exp_of_negative, float, rounded, single};

/// Bins of the grid; 512 bytes.
const BINS: usize = 128;
const BINS_I: i64 = 128;
/// Beyond that many bins of support the grid is made coarser.
const WIDE: i64 = 96;
/// Less than this in a bin is nothing: it keeps denormal numbers, which are slow, and the far tails out.
const NOTHING: f32 = 1e-9;
/// Standard deviations from the mean at which a normal is cut off.
const SDS: f64 = 6.5;
/// Evidence of less variance than this is sure of a whole number.
const SURE: f64 = 0.02;
/// Variance, in bins, that one step of spreading adds at most.
const SPREAD_MAX: f64 = 0.5;
/// More variance than this at once, in bins, hides a coarser grid and needs fewer steps there.
const COARSE_AT: f64 = 16.0;

/// Bin `i` holds the drifts `origin + i * step ..` of `step` whole vehicles.
#[derive(Clone, Debug)]
pub(super) struct Drift {
    bins: [f32; BINS],
    origin: i64,
    step: i64,
}

impl Drift {
    /// Surely that drift.
    pub(super) fn exactly(drift: i64) -> Self {
        let mut bins = [0.0; BINS];
        if let Some(bin) = bins.get_mut(BINS / 2) {
            *bin = 1.0;
        }
        Drift { bins, origin: drift - BINS_I / 2, step: 1 }
    }

    /// The normal distribution; exactly the nearest whole number where the variance is 0.
    pub(super) fn normal(mean: f64, variance: f64) -> Self {
        let centre = rounded(mean);
        if variance <= 1e-9 {
            return Drift::exactly(centre);
        }
        let width = 2.0 * SDS * variance.sqrt();
        let mut step = 1;
        while width > float(WIDE * step) && step < 1 << 40 {
            step *= 2;
        }
        let mut drift = Drift { bins: [1.0; BINS], origin: centre - step * (BINS_I / 2), step };
        drift.weigh(mean, variance);
        drift
    }

    fn centre(&self, bin: i64) -> f64 {
        float(self.origin + bin * self.step) + float(self.step - 1) / 2.0
    }

    /// Every bin with its number.
    fn each(&mut self) -> impl Iterator<Item = (i64, &mut f32)> {
        (0..BINS_I).zip(&mut self.bins)
    }

    /// Passages whose errors number `errors` on average (at least `net` in size) and sum up to `net`: vehicles by which the
    /// drift grows.
    pub(super) fn passage(&mut self, errors: f64, net: f64) {
        let part = |x: f64| single((x * 0.5).max(0.0));
        // Nearly always so, and divisions are slow.
        if self.step == 1 && errors <= SPREAD_MAX {
            return self.smear(part(errors + net), part(errors - net));
        }
        // Of many, the whole part of what they sum up to moves the grid itself.
        let (errors, whole) = (errors.min(1e12), rounded(net.clamp(-1e12, 1e12)));
        let net = net - float(whole);
        self.origin += whole;
        while errors / float(self.step * self.step) > COARSE_AT {
            self.coarsen();
        }
        let step = float(self.step);
        let (mut variance, mut shift, mut times) = (errors / (step * step), net / step, 1);
        while variance > SPREAD_MAX {
            (variance, shift, times) = (variance * 0.5, shift * 0.5, times * 2);
        }
        for _ in 0..times {
            self.smear(part(variance + shift), part(variance - shift));
        }
    }

    /// Adds variance, in vehicles squared.
    pub(super) fn spread(&mut self, variance: f64) {
        if variance > 0.0 {
            self.passage(variance, 0.0);
        }
    }

    fn smear(&mut self, up: f32, down: f32) {
        let mut old = [0.0_f32; BINS + 2];
        if let Some(middle) = old.get_mut(1..=BINS) {
            middle.copy_from_slice(&self.bins);
        }
        let stay = 1.0 - up - down;
        let (Some(below), Some(here), Some(above)) = (old.get(..BINS), old.get(1..=BINS), old.get(2..))
        else {
            return;
        };
        for (((bin, below), here), above) in self.bins.iter_mut().zip(below).zip(here).zip(above) {
            let mass = stay * here + up * below + down * above;
            *bin = if mass < NOTHING { 0.0 } else { mass };
        }
        let edge = |bin: Option<&f32>| bin.is_some_and(|mass| *mass > 0.0);
        if edge(self.bins.first()) || edge(self.bins.last()) {
            self.make_room();
        }
    }

    /// Brings the support to the middle, on a coarser grid if it is wide.
    fn make_room(&mut self) {
        let support = |bins: &[f32; BINS]| {
            let first = bins.iter().position(|mass| *mass > 0.0).unwrap_or(0);
            let last = bins.iter().rposition(|mass| *mass > 0.0).unwrap_or(0);
            (first, last)
        };
        let (first, last) = support(&self.bins);
        if last - first >= usize::try_from(WIDE).unwrap_or(BINS) {
            self.coarsen();
        }
        let (first, last) = support(&self.bins);
        let target = (BINS - (last - first + 1)) / 2;
        let old = self.bins;
        self.bins = [0.0; BINS];
        for (new, old) in self.bins.iter_mut().skip(target).zip(old.iter().take(last + 1).skip(first)) {
            *new = *old;
        }
        let moved = i64::try_from(first).unwrap_or(0) - i64::try_from(target).unwrap_or(0);
        self.origin += moved * self.step;
    }

    /// Two bins become one.
    fn coarsen(&mut self) {
        let old = self.bins;
        self.bins = [0.0; BINS];
        let quarter = BINS / 4;
        for (new, pair) in self.bins.iter_mut().skip(quarter).zip(old.chunks_exact(2)) {
            *new = pair.iter().sum();
        }
        self.step *= 2;
        self.origin -= self.step * (BINS_I / 4);
    }

    /// Evidence that is normal about `mean`: Bayes' rule, without the norm.
    pub(super) fn weigh(&mut self, mean: f64, variance: f64) {
        let within_bin = float(self.step * self.step - 1) / 12.0;
        let twice = 2.0 * (variance.max(SURE) + within_bin);
        // Weights relative to the best that a bin of the support gets, so that far evidence does not vanish.
        let mut exponents = [0.0; BINS];
        let mut least = f64::INFINITY;
        for ((bin, mass), exponent) in (0..BINS_I).zip(&self.bins).zip(&mut exponents) {
            if *mass > 0.0 {
                let off = self.centre(bin) - mean;
                *exponent = off * off / twice;
                least = least.min(*exponent);
            }
        }
        for (mass, exponent) in self.bins.iter_mut().zip(exponents).filter(|(mass, _)| **mass > 0.0) {
            *mass *= single(exp_of_negative((least - exponent).min(0.0)));
        }
        self.settle();
    }

    /// Scales to a sum of 1; `false` if there is nothing.
    fn settle(&mut self) -> bool {
        let sum: f32 = self.bins.iter().sum();
        if sum > 0.0 {
            let scale = 1.0 / sum;
            for bin in &mut self.bins {
                let mass = *bin * scale;
                *bin = if mass < NOTHING { 0.0 } else { mass };
            }
        }
        sum > 0.0
    }

    /// The drift is in those bounds for sure. `false` if that was thought impossible: then it is at the bound, as far as is
    /// known, and `doubt` (variance) inwards of it.
    pub(super) fn bound(&mut self, least: i64, most: i64, doubt: f64) -> bool {
        let most = most.max(least);
        let (origin, step) = (self.origin, self.step);
        let mut cut = false;
        for (bin, mass) in self.each().filter(|(_, mass)| **mass > 0.0) {
            let (from, to) = (origin + bin * step, origin + (bin + 1) * step);
            let inside = (to.min(most + 1) - from.max(least)).max(0);
            if inside < step {
                cut = true;
                *mass *= single(float(inside) / float(step));
            }
        }
        if !cut || self.settle() {
            return true;
        }
        // Nothing was left: the weights are gone, but the grid's middle tells on which side they were.
        let above = origin + step * (BINS_I / 2) > most;
        let at = if above { most } else { least };
        *self = Drift::exactly(at);
        self.spread(doubt.max(1.0));
        self.bound(least, most, doubt);
        false
    }

    /// The same drift of a count that is `by` higher.
    pub(super) fn shift(&mut self, by: i64) {
        self.origin -= by;
    }
}
