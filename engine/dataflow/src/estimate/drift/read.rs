//! What the distribution says: intervals and moments.

use super::{BINS_I, Drift};
use crate::estimate::maths::float;

impl Drift {
    /// The least and the greatest drift, each with a chance of at most `tail` that the truth is beyond it.
    pub(in crate::estimate) fn interval(&self, tail: f64) -> (i64, i64) {
        let limit = tail * self.whole();
        let low = first_beyond((0..BINS_I).zip(&self.bins), limit);
        let high = first_beyond((0..BINS_I).rev().zip(self.bins.iter().rev()), limit);
        (self.origin + low * self.step, self.origin + (high + 1) * self.step - 1)
    }

    /// The shortest interval that holds the truth with a chance of at least `chance`.
    pub(in crate::estimate) fn shortest(&self, chance: f64) -> (i64, i64) {
        let whole = self.whole();
        let mut spare = whole - chance * whole;
        let mut masses = self.bins.iter().map(|mass| f64::from(*mass));
        let (mut first, mut last) = (0, BINS_I - 1);
        let (mut left, mut right) = (masses.next(), masses.next_back());
        // The lighter end goes, as long as it can be spared.
        while let (Some(at_first), Some(at_last)) = (left, right)
            && at_first.min(at_last) <= spare
        {
            spare -= at_first.min(at_last);
            if at_first <= at_last {
                (first, left) = (first + 1, masses.next());
            } else {
                (last, right) = (last - 1, masses.next_back());
            }
        }
        (self.origin + first * self.step, self.origin + (last + 1) * self.step - 1)
    }

    fn whole(&self) -> f64 {
        self.bins.iter().map(|mass| f64::from(*mass)).sum()
    }

    /// Mean and variance, vehicles.
    pub(in crate::estimate) fn moments(&self) -> (f64, f64) {
        let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
        for (bin, mass) in (0..BINS_I).zip(&self.bins) {
            let (mass, x) = (f64::from(*mass), self.centre(bin));
            sum += mass;
            mean += mass * x;
            square += mass * x * x;
        }
        if sum <= 0.0 {
            return (0.0, 0.0);
        }
        mean /= sum;
        (mean, (square / sum - mean * mean).max(0.0) + float(self.step * self.step - 1) / 12.0)
    }
}

/// The first bin at which the masses so far exceed `limit`.
fn first_beyond<'a>(masses: impl Iterator<Item = (i64, &'a f32)>, limit: f64) -> i64 {
    let mut sum = 0.0;
    for (bin, mass) in masses {
        sum += f64::from(*mass);
        if *mass > 0.0 && sum > limit {
            return bin;
        }
    }
    0
}
