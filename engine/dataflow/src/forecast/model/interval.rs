//! Intervals that hold as often as they claim.

/// Bins per day and kind of day (workday, weekend).
pub(crate) const BINS: usize = 48;
/// Pseudo-count by which a bin's scale leans on the scale of all.
const POOL: f32 = 6.0;
/// Steps of the common bounds while new and later, and of a bin's own.
const STEPS: [f32; 3] = [0.08, 0.03, 0.1];
/// Residuals that must be seen before an interval is announced.
const READY: u16 = 100;

/// Steps per unit of a bin's scale, which lies within 1.3, and of its corrections, which lie within 8.
const PARTS: [f32; 2] = [50_000.0, 4_000.0];

/// What an hour of a kind of day has learned.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    /// Mean absolute residual and how often it was seen.
    scale: f32,
    count: f32,
    /// Correction of the common bounds.
    low: f32,
    high: f32,
}

/// The same in eight bytes: a facility has 144 of them.
#[derive(Clone, Copy, Debug, Default)]
struct Packed {
    scale: u16,
    count: u16,
    low: i16,
    high: i16,
}

impl From<Bin> for Packed {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "beyond the ends it stays at them"
    )]
    fn from(bin: Bin) -> Self {
        let [of_scale, of_bounds] = PARTS;
        Packed {
            scale: (bin.scale * of_scale).round() as u16,
            count: bin.count as u16,
            low: (bin.low * of_bounds).round() as i16,
            high: (bin.high * of_bounds).round() as i16,
        }
    }
}

impl From<Packed> for Bin {
    fn from(packed: Packed) -> Self {
        let [of_scale, of_bounds] = PARTS;
        Bin {
            scale: f32::from(packed.scale) / of_scale,
            count: f32::from(packed.count),
            low: f32::from(packed.low) / of_bounds,
            high: f32::from(packed.high) / of_bounds,
        }
    }
}

/// Lower and upper bounds of the residual at one horizon, per hour of workday or weekend.
///
/// Each bound moves out when it is broken and in otherwise, which draws the long-run share of misses to its target
/// (adaptive conformal inference: Gibbs and Candès 2021; conformal PID control: Angelopoulos, Candès and Tibshirani
/// 2023). The pooling, leaks and limits here are outside the papers' guarantee. Bounds multiply a width: half the
/// local scale of residuals, half the network's quantiles (conformalised quantile regression: Romano, Patterson and
/// Candès 2019). Residuals are ratios of capacity.
#[derive(Clone, Debug)]
pub(crate) struct Interval {
    bins: [Packed; BINS],
    low: f32,
    high: f32,
    /// Mean absolute residual of about 12, and of about 1,000.
    recent: f32,
    mean: f32,
    /// The share that each side may miss.
    miss: f32,
    seen: u16,
}

impl Interval {
    /// `miss` is the share that each side may miss: 0.1 for an interval of 80 %.
    pub(crate) fn new(miss: f32) -> Self {
        Interval {
            bins: [Packed::default(); BINS],
            low: -1.6,
            high: 1.6,
            recent: 0.0,
            mean: 0.0,
            miss,
            seen: 0,
        }
    }

    /// Whether enough residuals were seen.
    pub(crate) const fn is_ready(&self) -> bool {
        self.seen >= READY
    }

    /// Bounds of the residual, around zero; `guess` are the network's quantiles, as residuals.
    pub(crate) fn bounds(&self, bin: usize, guess: (f32, f32)) -> (f32, f32) {
        let own = Bin::from(self.bins.get(bin).copied().unwrap_or_default());
        let base = (own.scale * own.count + self.mean * POOL) / (own.count + POOL);
        let heat = if self.mean > 0.0 { (self.recent / self.mean.max(1e-6)).clamp(0.2, 5.0) } else { 1.0 };
        let unit = base * heat.powf(0.4) + 2e-4;
        (
            (self.low + own.low).min(0.0) * (unit + (-guess.0).max(0.0)) * 0.5,
            (self.high + own.high).max(0.0) * (unit + guess.1.max(0.0)) * 0.5,
        )
    }

    /// Learns a residual, the outcome minus the forecast, for which `low` and `high` were announced.
    pub(crate) fn learn(&mut self, bin: usize, residual: f32, (low, high): (f32, f32)) {
        self.seen = self.seen.saturating_add(1);
        let part = |broken: bool| if broken { 1.0 - self.miss } else { -self.miss };
        let (down, up) = (part(residual < low), part(residual > high));
        let [early, late, own_step] = STEPS;
        let step = if self.seen < 500 { early } else { late };
        self.low -= step * down;
        self.high += step * up;
        let size = residual.abs();
        if let Some(packed) = self.bins.get_mut(bin) {
            let mut own = Bin::from(*packed);
            own.low = (own.low - own_step * down).clamp(-8.0, 8.0) * 0.999;
            own.high = (own.high + own_step * up).clamp(-8.0, 8.0) * 0.999;
            own.count = (own.count + 1.0).min(400.0);
            own.scale += (size - own.scale) / own.count;
            *packed = own.into();
        }
        self.mean += (size - self.mean) / f32::from(self.seen.min(1000));
        self.recent += (size - self.recent) * 0.08;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the shape and the drift of the residuals, each side is missed as often as agreed.
    #[test]
    fn misses_are_as_many_as_agreed_under_drift() {
        let mut interval = Interval::new(0.1);
        let (mut state, mut below, mut above) = (9_u64, 0, 0);
        for i in 0_u16..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let u = f32::from(u16::try_from(state >> 48).unwrap_or(0)) / 65_536.0;
            let residual = u * u * (0.02 + f32::from(i) / 400_000.0) - 0.01;
            let bin = usize::from(i / 12) % BINS;
            let bounds = interval.bounds(bin, (-0.02, 0.02));
            below += u32::from(residual < bounds.0);
            above += u32::from(residual > bounds.1);
            interval.learn(bin, residual, bounds);
        }
        assert!((1_700..=2_300).contains(&below), "{below}");
        assert!((1_700..=2_300).contains(&above), "{above}");
    }
}
