//! A weighted mean of experts whose weights follow who was right.

/// Bernstein online aggregation (Wintenberger, Machine Learning 106, 2017) of `K` experts under absolute loss, with
/// the gradient trick; regrets fade so that the weights can follow a change.
#[derive(Clone, Debug)]
pub(crate) struct Mixture<const K: usize> {
    regret: [f32; K],
    square: [f32; K],
    largest: f32,
    keep: f32,
}

impl<const K: usize> Mixture<K> {
    pub(crate) fn new(keep: f32) -> Self {
        Mixture { regret: [0.0; K], square: [0.0; K], largest: 1e-6, keep }
    }

    /// The weights, which sum to one.
    pub(crate) fn weights(&self) -> [f32; K] {
        let count = f32::from(u16::try_from(K).unwrap_or(u16::MAX)).max(2.0);
        let mut log = [0.0_f32; K];
        for ((l, r), s) in log.iter_mut().zip(&self.regret).zip(&self.square) {
            let rate = (1.0 / (2.0 * self.largest)).min((count.ln() / s.max(1e-12)).sqrt());
            *l = rate * r - rate * rate * s + rate.ln();
        }
        let top = log.iter().copied().fold(f32::MIN, f32::max);
        let mut weights = log.map(|l| (l - top).exp());
        let sum: f32 = weights.iter().sum();
        for w in &mut weights {
            *w /= sum;
        }
        weights
    }

    /// The mean of the experts.
    pub(crate) fn predict(&self, experts: &[f32; K]) -> f32 {
        self.weights().iter().zip(experts).map(|(w, e)| w * e).sum()
    }

    /// Learns what came; `mixed` is what was said.
    pub(crate) fn learn(&mut self, experts: &[f32; K], mixed: f32, came: f32) {
        let slope = if mixed > came {
            1.0
        } else if mixed < came {
            -1.0
        } else {
            0.0
        };
        for ((expert, regret), square) in experts.iter().zip(&mut self.regret).zip(&mut self.square) {
            let gain = slope * (mixed - expert);
            self.largest = self.largest.max(gain.abs());
            *regret = *regret * self.keep + gain;
            *square = *square * self.keep + gain * gain;
        }
    }
}
