//! A small network that learns quantiles of what comes, one step per observation.

use super::features::{Features, WIDTH};
use super::regression::dot;

/// Hidden units.
const HIDDEN: usize = 16;
/// Quantiles per horizon.
const QUANTILES: [f32; 3] = [0.1, 0.5, 0.9];
/// Outputs: horizons by quantiles.
const OUT: usize = 9;
/// First and last learning rate.
const RATE: (f32, f32) = (0.002, 0.0005);
/// Decay of Adam's first and second moments.
const DECAY: (f32, f32) = (0.9, 0.999);

/// A weight with Adam's two moments (Kingma and Ba, ICLR 2015), by rows so that loops vectorise.
///
/// The moments are kept in the upper half of an `f32`, rounded up as often as what is cut off asks for: so they stay right
/// in the mean, where rounding to the nearest would never let the second one move.
#[derive(Clone, Debug)]
struct Layer<const N: usize> {
    w: Vec<[f32; N]>,
    /// The first moment above, the second below.
    moments: Vec<[u32; N]>,
}

impl<const N: usize> Layer<N> {
    fn new(rows: usize, scale: f32, seed: &mut u64) -> Self {
        let mut w = vec![[0.0; N]; rows];
        for cell in w.iter_mut().flatten() {
            *cell = uniform(seed) * scale;
        }
        Layer { w, moments: vec![[0; N]; rows] }
    }

    /// A step of Adam for one row whose gradient is `error * input`.
    fn step(&mut self, row: usize, error: f32, input: &[f32; N], rate: f32, dice: &mut Dice) {
        let (Some(w), Some(moments)) = (self.w.get_mut(row), self.moments.get_mut(row)) else { return };
        const { assert!(N.is_multiple_of(LANES), "whole lanes") };
        let (w, _) = w.as_chunks_mut::<LANES>();
        let (moments, _) = moments.as_chunks_mut::<LANES>();
        let (input, _) = input.as_chunks::<LANES>();
        for ((w, moments), x) in w.iter_mut().zip(moments).zip(input) {
            let thrown = dice.throw();
            for (((w, moments), x), thrown) in w.iter_mut().zip(moments).zip(x).zip(thrown) {
                // The grain keeps idle moments out of denormal numbers, which are slow.
                let g = error * x + 1e-18;
                let (old_m, old_v) = (f32::from_bits(*moments & UPPER), f32::from_bits(*moments << 16));
                let new_m = old_m + (g - old_m) * (1.0 - DECAY.0);
                let new_v = old_v + (g * g - old_v) * (1.0 - DECAY.1);
                // Rounded up with the chance that the lower half is of a whole.
                let m = new_m.to_bits().wrapping_add(thrown & 0xffff) & UPPER;
                let v = new_v.to_bits().wrapping_add(thrown >> 16) >> 16;
                *moments = m | v;
                *w -= rate * new_m / (new_v.sqrt() + 1e-6);
            }
        }
    }
}

/// The upper half of an `f32`.
const UPPER: u32 = 0xffff_0000;
/// Weights that are worked on at once.
const LANES: usize = 8;

/// Random bits for the rounding, a generator a lane (Marsaglia's xorshift, 2003).
#[derive(Clone, Debug)]
struct Dice([u32; LANES]);

impl Dice {
    fn new(seed: &mut u64) -> Self {
        Dice(core::array::from_fn(|_| uniform(seed).to_bits() | 1))
    }

    fn throw(&mut self) -> [u32; LANES] {
        for s in &mut self.0 {
            *s ^= *s << 13;
            *s ^= *s >> 17;
            *s ^= *s << 5;
        }
        self.0
    }
}

/// One hidden layer of rectifiers; three quantiles for each of three horizons by pinball loss.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    first: Layer<WIDTH>,
    second: Layer<HIDDEN>,
    bias: [f32; OUT],
    dice: Dice,
    seen: f32,
    /// Mean absolute target per horizon: the outputs' unit.
    unit: [f32; 3],
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        let mut seed = seed;
        Network {
            first: Layer::new(HIDDEN, 0.15, &mut seed),
            second: Layer::new(OUT, 0.1, &mut seed),
            bias: [0.0; OUT],
            dice: Dice::new(&mut seed),
            seen: 0.0,
            unit: [0.01, 0.02, 0.04],
        }
    }

    fn hidden(&self, x: &Features) -> [f32; HIDDEN] {
        let mut hidden = [0.0; HIDDEN];
        for (h, row) in hidden.iter_mut().zip(&self.first.w) {
            let z = dot(row, x);
            *h = if z > 0.0 { z } else { z * 0.1 };
        }
        hidden
    }

    fn output(&self, hidden: &[f32; HIDDEN]) -> [f32; OUT] {
        let mut out = self.bias;
        for (o, row) in out.iter_mut().zip(&self.second.w) {
            *o += row.iter().zip(hidden).map(|(a, b)| a * b).sum::<f32>();
        }
        out
    }

    /// Quantiles by horizon, in the unit of the targets.
    pub(crate) fn predict(&self, x: &Features) -> [[f32; 3]; 3] {
        let out = self.output(&self.hidden(x));
        let mut result = [[0.0; 3]; 3];
        for ((row, part), unit) in result.iter_mut().zip(out.chunks_exact(3)).zip(self.unit) {
            for (r, p) in row.iter_mut().zip(part) {
                *r = p * unit;
            }
        }
        result
    }

    /// One step on a past row and what came of it.
    pub(crate) fn learn(&mut self, x: &Features, targets: &[Option<f32>; 3]) {
        self.seen += 1.0;
        let rate = (RATE.0 / (1.0 + self.seen / 500.0).sqrt()).max(RATE.1);
        let hidden = self.hidden(x);
        let out = self.output(&hidden);
        let mut errors = [0.0_f32; OUT];
        for (((errors, out), target), unit) in
            errors.chunks_exact_mut(3).zip(out.chunks_exact(3)).zip(targets).zip(&mut self.unit)
        {
            let Some(target) = target else { continue };
            *unit += (target.abs() + 1e-4 - *unit) * (1.0 / self.seen).max(0.002);
            for ((e, o), tau) in errors.iter_mut().zip(out).zip(QUANTILES) {
                // Pinball loss, smoothed near zero so that plateaus do not chatter.
                let miss = (target / *unit - o) * 10.0;
                *e = if miss > 0.0 { -tau * miss.min(1.0) } else { (1.0 - tau) * (-miss).min(1.0) };
            }
        }
        let mut back = [0.0_f32; HIDDEN];
        for (e, row) in errors.iter().zip(&self.second.w) {
            for (b, w) in back.iter_mut().zip(row) {
                *b += e * w;
            }
        }
        for (i, e) in errors.into_iter().enumerate() {
            self.second.step(i, e, &hidden, rate, &mut self.dice);
            if let Some(b) = self.bias.get_mut(i) {
                *b -= rate * e;
            }
        }
        for (i, (b, h)) in back.into_iter().zip(hidden).enumerate() {
            self.first.step(i, if h > 0.0 { b } else { b * 0.1 }, x, rate, &mut self.dice);
        }
    }
}

/// The next number of `SplitMix64` in `-1..1`.
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / 8_388_608.0 - 1.0
}
