//! How far a source that tells a level (bays, a third party's figure) is off the truth, as a person's count showed.
//!
//! What is wrong with such a source lasts for a while: the bays that lie today lie tomorrow, but of other vehicles. So
//! the offset is a wandering about 0 that forgets (G. E. Uhlenbeck, L. S. Ornstein, *Phys. Rev.* 36, 1930): known at the count, it
//! fades to what is configured of the source, in its mean and in its doubt alike.

use super::maths::exp_of_negative;

/// Less than this share left is nothing.
const NOTHING_LEFT: f64 = 0.01;

/// Truth minus what the source said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offset {
    /// Of its plain figure, and of its fair one, at the count.
    plain: f64,
    fair: f64,
    /// Variance at the count.
    variance: f64,
    /// Share of it that is left: 1 at the count, 0 before any.
    left: f64,
}

/// An offset as it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Off {
    pub(super) plain: f64,
    pub(super) fair: f64,
    /// Of the source, its offset being taken off.
    pub(super) variance: f64,
}

impl Offset {
    pub(super) fn is_known(&self) -> bool {
        self.left > 0.0
    }

    /// For a source that has `own` variance by itself, after a share `kept` of what is left.
    pub(super) fn now(&self, own: f64, kept: f64) -> Off {
        let left = self.left * kept;
        if left < NOTHING_LEFT {
            return Off { plain: 0.0, fair: 0.0, variance: own };
        }
        // A source that was further off than it ought to be is not to be believed again before that is forgotten.
        let wide = own.max(left * self.fair * self.fair + (1.0 - left) * own);
        Off {
            plain: left * self.plain,
            fair: left * self.fair,
            variance: wide * (1.0 - left * left) + left * left * self.variance,
        }
    }

    /// A count that is sure to `noise` (variance) found the source off by so much; `kept` as in [`Offset::now`].
    pub(super) fn learn(&mut self, plain: f64, fair: f64, noise: f64, own: f64, kept: f64) {
        let before = self.now(own, kept);
        let off = fair - before.fair;
        let doubt = before.variance.max(off * off);
        let all = doubt + noise;
        let gain = if all > 0.0 { doubt / all } else { 1.0 };
        *self = Offset {
            plain: before.plain + gain * (plain - before.plain),
            fair: before.fair + gain * off,
            variance: doubt * (1.0 - gain),
            left: 1.0,
        };
    }

    /// Time, or whatever counts as it, goes on by so many spans of remembering.
    pub(super) fn fade(&mut self, spans: f64) {
        if self.is_known() {
            self.left *= exp_of_negative(-spans.max(0.0));
            if self.left < NOTHING_LEFT {
                *self = Offset::default();
            }
        }
    }
}
