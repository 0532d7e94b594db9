//! Several figures of one number of places, weighed together.

use super::fuse::{Estimate, Evidence, Fused};

/// A figure with its standard deviation, places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    /// Taken places.
    pub occupied: f64,
    /// Give or take; 0 is certain.
    pub sd: f64,
}

impl Weighed {
    /// An estimate as one figure: its 95 % interval tells how sure it is.
    #[must_use]
    pub fn of(estimate: &Estimate) -> Self {
        /// Standard deviations on both sides of a normal's mean that hold 95 %.
        const SDS: f64 = 2.0 * 1.96;
        let width = f64::from(estimate.high.saturating_sub(estimate.low));
        Weighed { occupied: f64::from(estimate.best), sd: width / SDS }
    }
}

/// All figures together, within 0..=`ceiling`; `tail` is the chance of the truth beyond either sure end. `None` without
/// any. Figures that contradict each other widen the interval until it holds both, and say so.
#[must_use]
pub fn weigh(figures: impl IntoIterator<Item = Weighed>, tail: f64, ceiling: u32) -> Option<Estimate> {
    let mut known = None;
    for Weighed { occupied, sd } in figures {
        let evidence = Evidence { plain: occupied, fair: occupied, variance: sd * sd };
        known = Some(Fused::with(known, evidence));
    }
    known.map(|known| known.estimate(tail, ceiling, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(figures: &[(f64, f64)]) -> Option<(u32, u32, u32, bool)> {
        let figures = figures.iter().map(|(occupied, sd)| Weighed { occupied: *occupied, sd: *sd });
        weigh(figures, 0.01, 100).map(|e| (e.low, e.best, e.high, e.conflict))
    }

    #[test]
    fn figures_that_agree_are_surer_together_and_those_that_do_not_say_so() {
        assert_eq!(weighed(&[]), None);
        assert_eq!(weighed(&[(40.0, 0.0)]), Some((40, 40, 40, false)));
        let (low, best, high, conflict) = weighed(&[(40.0, 5.0)]).unwrap();
        assert!(best == 40 && (30..=31).contains(&low) && (49..=50).contains(&high) && !conflict);
        let both = weighed(&[(40.0, 5.0), (44.0, 5.0)]).unwrap();
        assert!(both.1 == 42 && both.2 - both.0 < high - low && !both.3, "{both:?}");
        for order in [[(20.0, 3.0), (70.0, 3.0)], [(70.0, 3.0), (20.0, 3.0)], [(20.0, 0.0), (70.0, 5.0)]] {
            let apart = weighed(&order).unwrap();
            assert!(apart.3, "{order:?}: {apart:?}");
        }
        // Nothing is outside of what there is.
        let edge = weighed(&[(99.0, 6.0)]).unwrap();
        assert!(edge.2 <= 100 && edge.0 >= 80, "{edge:?}");
    }
}
