//! What may be said of free spaces that are known to an interval.

use super::fuse::Estimate;

/// Which end of the interval a sign shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    /// The low end: whoever drives there finds at least so many.
    #[default]
    Low,
    /// The best figure.
    Best,
}

/// How a facility's figure is shown, by its owner's choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Which figure.
    pub shows: Shows,
    /// No figure is shown when the 95 % interval is wider than this share of the capacity.
    pub width_max: f64,
    /// Chance, at either sure end, that the truth is beyond it; lower is surer and darker.
    pub tail: f64,
    /// FULL from so many free spaces downwards.
    pub full_at: u32,
    /// After FULL, figures from so many upwards; above `full_at`.
    pub reopen_at: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { shows: Shows::Low, width_max: 0.2, tail: 0.01, full_at: 3, reopen_at: 8 }
    }
}

/// What a sign says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// So many free spaces, never 0.
    Free(u32),
    /// No space worth driving to.
    Full,
    /// Nothing.
    Blank,
}

/// Why it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The whole interval agrees.
    Sure,
    /// The interval is wider than the policy allows.
    TooWide,
    /// It is nearly full, and FULL would be wrong at the high end of free.
    MayNotBeFull,
    /// It is not full, but at the low end of free there is no space.
    MayBeFull,
}

/// An interval of so many spaces is never too wide: in a zone of eight bays one that may lie would make all dark.
const WIDTH_OF_NONE: f64 = 2.0;

/// A sign's word on one facility, with its memory of FULL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decider {
    full: bool,
}

impl Decider {
    /// Decides from what is known of the occupied spaces of a facility of that capacity.
    ///
    /// The best figure and the hysteresis choose the word; the sure ends veto it. FULL must hold with as many free spaces as
    /// there may be, where the band up to `reopen_at`, in which FULL may stand anyhow, is all the play there is. A
    /// figure needs a space even with as few as there may be. Only words that are said move the memory.
    pub fn decide(&mut self, occupied: &Estimate, capacity: u32, policy: &Policy) -> (Says, Why) {
        let free = |occupied: u32| capacity.saturating_sub(occupied);
        let (sure_low, best, sure_high) =
            (free(occupied.sure_high), free(occupied.best), free(occupied.sure_low));
        let reopen_at = policy.reopen_at.max(policy.full_at.saturating_add(1));
        let full_to = if self.full { reopen_at - 1 } else { policy.full_at };
        if best <= full_to {
            if sure_high < reopen_at {
                self.full = true;
                return (Says::Full, Why::Sure);
            }
            return (Says::Blank, Why::MayNotBeFull);
        }
        let width = occupied.high.saturating_sub(occupied.low);
        if f64::from(width) > (policy.width_max * f64::from(capacity)).max(WIDTH_OF_NONE) {
            return (Says::Blank, Why::TooWide);
        }
        if sure_low == 0 {
            return (Says::Blank, Why::MayBeFull);
        }
        self.full = false;
        let shown = if policy.shows == Shows::Low { sure_low } else { best };
        (Says::Free(shown), Why::Sure)
    }
}
