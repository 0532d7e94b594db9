//! The little mathematics that is needed, from operations that IEEE 754 rounds alike everywhere: a platform's own
//! `exp` may differ in the last bit, and then a replay on another machine would not give the same board.

/// ln 2, split so that `n * LN2_HIGH` is exact for every exponent (W. J. Cody, W. Waite, *Software Manual for the
/// Elementary Functions*, 1980).
const LN2_HIGH: f64 = 0.693_359_375;
const LN2_LOW: f64 = -2.121_944_400_546_905_8e-4;

/// e to the `x` for `x` at most 0; 0 below -80. Relative error below 1e-9.
pub(super) fn exp_of_negative(x: f64) -> f64 {
    if x < -80.0 {
        return 0.0;
    }
    // At most 116 halvings.
    let n = rounded_positive(-x * std::f64::consts::LOG2_E);
    let power = f64::from_bits(u64::try_from(1_023 - n).unwrap_or(0) << 52);
    let r = (x + float(n) * LN2_HIGH) + float(n) * LN2_LOW;
    // Taylor's series; |r| is at most 0.35. Divisions are slow, and by powers of two they are multiplications to the bit.
    let (third, fifth, seventh, ninth) = (r / 3.0, r / 5.0, r / 7.0, r / 9.0);
    let terms = [ninth, r * 0.125, seventh, third * 0.5, fifth, r * 0.25, third, r * 0.5, r];
    power * terms.into_iter().fold(1.0, |sum, term| 1.0 + term * sum)
}

/// The same as [`rounded`] of what is neither negative nor large, without a call.
#[expect(clippy::cast_possible_truncation, reason = "whole parts of small numbers")]
fn rounded_positive(x: f64) -> i64 {
    let whole = x as i64;
    whole + i64::from(x - float(whole) >= 0.5)
}

/// To the nearest whole number, halves away from 0; the bounds of `i64` at and beyond them, 0 for what is no number.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and that is what is wanted")]
pub(super) fn rounded(x: f64) -> i64 {
    x.round() as i64
}

/// As a float; exact up to 2^53, which no count of vehicles reaches.
#[expect(clippy::cast_precision_loss, reason = "counts of vehicles")]
pub(super) fn float(n: i64) -> f64 {
    n as f64
}

/// As a single float, for weights whose error does not matter.
#[expect(clippy::cast_possible_truncation, reason = "a weight")]
pub(super) fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_near_the_platforms() {
        for i in 0..80_000 {
            let x = -f64::from(i) / 1_000.0;
            let (ours, theirs) = (exp_of_negative(x), x.exp());
            assert!((ours - theirs).abs() <= 1e-9 * theirs, "{x}: {ours} {theirs}");
        }
        assert!(exp_of_negative(-81.0) == 0.0);
        assert!((exp_of_negative(0.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn exp_is_its_series_to_the_bit() {
        let plain = |x: f64| {
            let n = rounded(-x * std::f64::consts::LOG2_E);
            let power = f64::from_bits(u64::try_from(1_023 - n).unwrap() << 52);
            let r = (x + float(n) * LN2_HIGH) + float(n) * LN2_LOW;
            power * (1..=9_u32).rev().fold(1.0, |sum, k| 1.0 + r / f64::from(k) * sum)
        };
        let halves = (0..116).map(|n| -(float(n) + 0.5) / std::f64::consts::LOG2_E);
        let edges = halves.flat_map(|x| [x.next_down(), x, x.next_up()]);
        let many = (0..800_000).map(|i| -f64::from(i) * 0.000_099_7).chain([-1e-300, -5e-17]);
        for x in edges.chain(many).filter(|x| *x >= -80.0) {
            assert_eq!(exp_of_negative(x).to_bits(), plain(x).to_bits(), "{x}");
        }
    }

    #[test]
    fn rounding_saturates() {
        for (x, n) in [(0.5, 1), (-0.5, -1), (2.4, 2), (f64::NAN, 0), (f64::INFINITY, i64::MAX)] {
            assert_eq!(rounded(x), n);
        }
    }
}
