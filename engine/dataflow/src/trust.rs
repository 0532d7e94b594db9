//! When a reading was said, and what may be said of a figure in one word: the same for every operator.

use vlot_model::{Admitted, FacilityStatus, Quality, Reading, Timestamp, Trigger};

/// The instant from which a reading ages: the device's time, but never later than its arrival.
///
/// A device whose clock runs ahead cannot keep a figure fresh for longer than its own arrival would; one whose clock
/// runs behind, like a message that was held up on its way, is old at once. Both err towards a dark sign.
pub(crate) fn said_at(reading: &Reading) -> Timestamp {
    reading.observed_at.min(reading.received_at)
}

/// The trace from a product back to the reading that touched it.
pub(crate) fn trigger(input: &Admitted) -> Trigger {
    let reading = &input.reading;
    Trigger { device: reading.device, sequence: reading.sequence, observed_at: reading.observed_at }
}

/// FULL with hysteresis: from `full_at` downwards, until `reopen_at` upwards.
///
/// Only trusted figures move it: a spell of silence neither ends FULL nor begins it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fullness {
    full: bool,
}

impl Fullness {
    /// The status of an open facility: figures that are not good give none. `silent` spaces are neither free nor taken as
    /// far as is known: where the word depends on them there is none, for a wrong FULL is worse than a dark sign.
    pub(crate) fn status(
        &mut self,
        free: Option<u32>,
        silent: u32,
        quality: Quality,
        full_at: u32,
        reopen_at: u32,
    ) -> FacilityStatus {
        match free {
            Some(free) if quality == Quality::Good => {
                let full = |free: u32| free <= full_at || (self.full && free < reopen_at);
                match (full(free), full(free.saturating_add(silent))) {
                    (true, false) => return FacilityStatus::Unknown,
                    (low, _) => self.full = low,
                }
                if self.full { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable }
            }
            _ => FacilityStatus::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_model::FacilityStatus::{Full, SpacesAvailable, Unknown};

    #[test]
    fn full_holds_until_reopen_and_only_good_figures_move_it() {
        let mut f = Fullness::default();
        let good = Quality::Good;
        let steps = [
            (Some(11), good, SpacesAvailable),
            (Some(10), good, Full),
            (Some(19), good, Full),
            (Some(90), Quality::Degraded, Unknown),
            (None, Quality::Missing, Unknown),
            (Some(19), good, Full),
            (Some(20), good, SpacesAvailable),
            (Some(2), Quality::Stale, Unknown),
            (Some(11), good, SpacesAvailable),
        ];
        for (i, (free, quality, expected)) in steps.into_iter().enumerate() {
            assert_eq!(f.status(free, 0, quality, 10, 20), expected, "step {i}");
        }
    }
}
