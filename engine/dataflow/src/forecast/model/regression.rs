//! Recursive least squares with one inverse for several targets, bounded against outliers.

use super::features::{Features, WIDTH};
use super::symmetric::Symmetric;

/// Linear forecasts of `N` targets from the same features.
///
/// Recursive least squares with forgetting (Ljung, System Identification, 1999, chapter 11). All targets share the
/// inverse covariance; each bounds its residual as Huber's M-estimator does (Ann. Math. Stat. 35, 1964), which draws
/// the solution from the mean towards the median.
#[derive(Clone, Debug)]
pub(crate) struct Regression<const N: usize> {
    /// Inverse covariance.
    inverse: Symmetric,
    weights: [[f32; WIDTH]; N],
    /// Mean absolute residual.
    spread: [f32; N],
    forget: f32,
    /// How many spreads a residual may weigh.
    bound: [f32; N],
    seen: u32,
}

impl<const N: usize> Regression<N> {
    pub(crate) fn new(forget: f32, ridge: f32, bound: [f32; N]) -> Self {
        let inverse = Symmetric::diagonal(1.0 / ridge);
        Regression { inverse, weights: [[0.0; WIDTH]; N], spread: [0.02; N], forget, bound, seen: 0 }
    }

    /// The forecasts of all targets.
    pub(crate) fn predict(&self, x: &Features) -> [f32; N] {
        self.weights.each_ref().map(|w| dot(w, x))
    }

    /// Learns from a past row of features and what came of it.
    pub(crate) fn learn(&mut self, x: &Features, targets: &[Option<f32>; N]) {
        let gain = self.inverse.times(x);
        let scale = 1.0 / (self.forget + dot(&gain, x));
        if !scale.is_finite() || scale <= 0.0 {
            *self = Self::new(self.forget, 1.0, self.bound);
            return;
        }
        self.inverse.subtract(&gain, scale);
        // Forgetting stops while the inverse is large: directions without news would blow up.
        if self.inverse.trace() < 2000.0 {
            self.inverse.grow(1.0 / self.forget);
        }
        self.seen = self.seen.saturating_add(1);
        for (((weights, spread), target), bound) in
            self.weights.iter_mut().zip(&mut self.spread).zip(targets).zip(&self.bound)
        {
            let Some(target) = target else { continue };
            let residual = target - dot(weights, x);
            let limit = *spread * bound + 1e-4;
            let bounded = if self.seen < 200 { residual } else { residual.clamp(-limit, limit) };
            for (w, g) in weights.iter_mut().zip(&gain) {
                *w += g * scale * bounded;
            }
            *spread += (residual.abs() - *spread) * 0.005;
        }
    }
}

/// Inner product, in eight strands so that it vectorises.
pub(crate) fn dot(a: &[f32; WIDTH], b: &[f32; WIDTH]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}
