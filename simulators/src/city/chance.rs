//! Seeded chance: each device draws from a stream of its own, so that one more device changes no other.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::time::{SECOND, round};

/// A stream of chance.
#[derive(Clone, Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of that name under that seed.
    pub(crate) fn new(seed: u64, name: &str) -> Chance {
        // FNV-1a: stable over releases and machines, which the standard library's hashers do not promise.
        let hash = name
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3));
        Chance(ChaCha8Rng::seed_from_u64(seed ^ hash))
    }

    /// Evenly within 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    /// Evenly between the two.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with that probability.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of so many, evenly; 0 of none.
    pub(crate) fn pick(&mut self, of: usize) -> usize {
        if of == 0 { 0 } else { self.0.random_range(0..of) }
    }

    /// Time to the next event of a Poisson process, in microseconds; `None` where nothing ever happens.
    pub(crate) fn wait(&mut self, per_second: f64) -> Option<i64> {
        (per_second > 1e-12).then(|| round(-(1.0 - self.unit()).ln() / per_second * SECOND as f64).max(1))
    }

    /// A standard normal variate.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A log-normal variate of that mean; `spread` is the standard deviation of its logarithm.
    pub(crate) fn log_normal(&mut self, mean: f64, spread: f64) -> f64 {
        mean * (self.normal() * spread - spread * spread / 2.0).exp()
    }

    /// A Poisson variate.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            let drawn = round(mean + mean.sqrt() * self.normal()).max(0);
            return u32::try_from(drawn).unwrap_or(u32::MAX);
        }
        let limit = (-mean).exp();
        let mut product = self.unit();
        let mut n = 0;
        while product > limit {
            n += 1;
            product *= self.unit();
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_and_name_alone() {
        let draw = |seed, name| Chance::new(seed, name).unit();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }

    #[test]
    fn variates_have_their_means() {
        let mut c = Chance::new(7, "means");
        let n = 20_000;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        for m in [0.5, 20.0, 200.0] {
            let got = mean(&mut || f64::from(c.poisson(m)));
            assert!((got / m - 1.0).abs() < 0.05, "poisson {m}: {got}");
        }
        let got = mean(&mut || c.log_normal(20.0, 0.8));
        assert!((got / 20.0 - 1.0).abs() < 0.05, "log-normal: {got}");
        let got = mean(&mut || c.wait(0.1).unwrap() as f64 / 1e6);
        assert!((got / 10.0 - 1.0).abs() < 0.05, "wait: {got}");
        assert_eq!(c.poisson(0.0), 0);
        assert_eq!(c.wait(0.0), None);
    }
}
