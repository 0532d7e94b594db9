//! How long to wait before another try.

use std::time::Duration;

use rand::Rng;

/// Doubles from `min` to `max`; each wait is drawn from its upper half, so that many clients do not come at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        let min = min.max(Duration::from_millis(1));
        Backoff { min, max: max.max(min), next: min }
    }

    /// The next wait.
    pub(crate) fn next(&mut self, rng: &mut impl Rng) -> Duration {
        let wait = self.next.min(self.max);
        self.next = self.next.saturating_mul(2).min(self.max);
        wait / 2 + (wait / 2).mul_f64(rng.random::<f64>())
    }

    /// The connection held: start over.
    pub(crate) fn reset(&mut self) {
        self.next = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    #[test]
    fn it_doubles_to_its_end_and_jitters_in_the_upper_half() {
        let mut rng = SmallRng::seed_from_u64(1);
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(min, max);
        for expected_ms in [100, 200, 400, 800, 1_000, 1_000] {
            let wait = backoff.next(&mut rng);
            let expected = Duration::from_millis(expected_ms);
            assert!(wait >= expected / 2 && wait <= expected, "{wait:?} of {expected:?}");
        }
        backoff.reset();
        assert!(backoff.next(&mut rng) <= min);
        let waits: std::collections::BTreeSet<_> =
            (0..10).map(|_| Backoff::new(max, max).next(&mut rng)).collect();
        assert!(waits.len() > 5, "no jitter: {waits:?}");
    }

    #[test]
    fn strange_bounds_are_made_usable() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
        assert!(backoff.next(&mut rng) > Duration::ZERO);
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
        backoff.next(&mut rng);
        backoff.next(&mut rng);
    }
}
