//! What a device's own message counter says of messages that never came.

use vlot_model::Timestamp;

/// A jump forward of this much is a device that started its counter elsewhere, not that many lost messages.
const RESTART_JUMP: u32 = 1 << 20;

/// The newest 64 sequence numbers of one device, of which each comes once at most (admission removed repeats).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    newest: u32,
    /// When the newest was said.
    newest_at: Timestamp,
    /// Bit `i`: number `newest - i` is here, or nobody waits for it.
    here: u64,
    lost: u32,
    /// When the message was said that showed the last gap.
    gap_at: Timestamp,
}

impl Window {
    /// From the first message on: nothing before it is missed.
    pub(crate) fn starting(sequence: u32, at: Timestamp) -> Self {
        Window { newest: sequence, newest_at: at, here: u64::MAX, lost: 0, gap_at: at }
    }

    /// Messages that have not come.
    pub(crate) fn lost(&self) -> u32 {
        self.lost
    }

    /// Takes a message's number, said at `at`.
    pub(crate) fn take(&mut self, sequence: u32, at: Timestamp) {
        let ahead = sequence.wrapping_sub(self.newest);
        let behind = self.newest.wrapping_sub(sequence);
        if ahead == 0 {
            // One message may hold several readings.
        } else if ahead < RESTART_JUMP {
            self.here = self.here.checked_shl(ahead).unwrap_or(0) | 1;
            self.newest = sequence;
            self.newest_at = at;
            if ahead > 1 {
                self.lost = self.lost.saturating_add(ahead - 1);
                self.gap_at = at;
            }
        } else if behind < u64::BITS && self.here & (1 << behind) == 0 {
            self.here |= 1 << behind;
            self.lost = self.lost.saturating_sub(1);
        } else if at > self.newest_at {
            // Said later, with a number that is taken or from elsewhere: the counter began anew. What was lost before
            // stays lost.
            *self = Window { lost: self.lost, gap_at: self.gap_at, ..Window::starting(sequence, at) };
        }
        // Else a straggler from before the window, or before the first message: what was counted stays so.
    }

    /// Gaps no longer matter that were shown at or before `at`: a later figure covers them.
    pub(crate) fn cover(&mut self, at: Timestamp) {
        if self.gap_at <= at {
            self.lost = 0;
            self.here = u64::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u32) -> Timestamp {
        Timestamp::from_secs(i64::from(s))
    }

    fn lost(numbers: &[u32]) -> u32 {
        let mut w = Window::starting(numbers[0], at(0));
        for (i, n) in numbers.iter().enumerate().skip(1) {
            w.take(*n, at(u32::try_from(i).unwrap()));
        }
        w.lost()
    }

    #[test]
    fn gaps_are_lost_until_stragglers_fill_them() {
        let cases: &[(&[u32], u32)] = &[
            (&[5], 0),
            (&[5, 6, 7], 0),
            (&[5, 7], 1),
            (&[5, 7, 6], 0),
            (&[5, 10, 6, 8], 2),
            // Before the first message nothing is missed.
            (&[5, 4, 3], 0),
            // The counter wraps.
            (&[u32::MAX, 0, 1], 0),
            (&[u32::MAX, 2, 0, 1], 0),
            (&[u32::MAX - 1, 1], 2),
            // Beyond the window a gap stays.
            (&[0, 100, 1], 99),
            (&[0, 64, 1], 62),
            (&[0, 65, 1], 64),
            // The counter began anew: no loss by itself, and a loss from before stays.
            (&[5_000, 0, 1], 0),
            (&[5_000, 5_002, 0, 1, 3], 2),
            (&[5, 3_000_000_000, 3_000_000_001], 0),
            (&[7, 8, 0, 1, 3], 1),
            (&[9, 9, 9], 0),
        ];
        for (numbers, expected) in cases {
            assert_eq!(lost(numbers), *expected, "{numbers:?}");
        }
    }

    #[test]
    fn a_later_figure_covers_gaps_but_not_those_after_it() {
        let mut w = Window::starting(0, at(0));
        w.take(5, at(50));
        w.cover(at(49));
        assert_eq!(w.lost(), 4);
        w.cover(at(50));
        assert_eq!(w.lost(), 0);
        w.take(3, at(51));
        assert_eq!(w.lost(), 0, "a covered gap is not filled twice");
    }
}
