//! Bays that have a sensor each.

use std::time::Duration;

use vlot_model::{City, Facility, Reading, Share, Timestamp, Value};

use super::groups::{Sum, Tally};
use crate::estimate::{BayState, Estimator};
use crate::shell::Standing;
use crate::silence::Silences;
use crate::trust::said_at;

/// A city may have 200,000.
#[derive(Clone, Copy, Debug)]
struct Bay {
    heard_at: Timestamp,
    level_at: Timestamp,
    occupied: Option<bool>,
    /// Its state is known and it is not silent: it is in the sums.
    reports: bool,
    standing: Standing,
}

impl Bay {
    fn silent_from(&self, silent_after: Duration) -> Timestamp {
        self.heard_at + silent_after
    }

    fn state(&self) -> BayState {
        match self.occupied {
            _ if !self.reports => BayState::Silent,
            Some(true) => BayState::Occupied,
            _ => BayState::Free,
        }
    }
}

const _: () = assert!(size_of::<Bay>() <= 24, "200,000 bays must fit in a few megabytes");

/// The bays' sums: bays that are silent, or never said their state, are in neither.
#[derive(Debug)]
pub(crate) struct Bays {
    bays: Vec<Bay>,
    silences: Silences,
    occupied: u32,
    free: u32,
    /// Bays whose sensor is retired.
    absent: u32,
    /// The same by group of users.
    tally: Tally,
    /// Newest message of any bay.
    heard_at: Option<Timestamp>,
    /// At least one bay has said its state.
    known: bool,
    /// No reporting bay falls silent before.
    next_silence: Timestamp,
}

const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);
const BEFORE_ALL: Timestamp = Timestamp::from_micros(i64::MIN);

impl Bays {
    pub(crate) fn new(facility: &Facility, city: &City) -> Self {
        let bay = Bay {
            heard_at: BEFORE_ALL,
            level_at: BEFORE_ALL,
            occupied: None,
            reports: false,
            standing: Standing::Believed,
        };
        Bays {
            bays: vec![bay; facility.bays.len()],
            silences: Silences::of(facility, city),
            occupied: 0,
            free: 0,
            absent: 0,
            tally: Tally::new(&facility.bays),
            heard_at: None,
            known: false,
            next_silence: NEVER,
        }
    }

    pub(crate) fn occupied(&self) -> u32 {
        self.occupied
    }

    pub(crate) fn sums(&self) -> &[Sum] {
        self.tally.sums()
    }

    pub(crate) fn heard_at(&self) -> Option<Timestamp> {
        self.heard_at
    }

    pub(crate) fn known(&self) -> bool {
        self.known
    }

    pub(crate) fn share(&self) -> Share {
        let total = u32::try_from(self.bays.len()).unwrap_or(u32::MAX);
        Share { reporting: self.occupied + self.free, total: total - self.absent }
    }

    pub(crate) fn next_silence(&self) -> Timestamp {
        self.next_silence
    }

    /// Lets the bays fall silent whose time has come, and tells the estimator; `false` if none did.
    pub(crate) fn advance(&mut self, now: Timestamp, estimator: &mut Estimator) -> bool {
        if now < self.next_silence {
            return false;
        }
        let mut changed = false;
        self.next_silence = NEVER;
        for (position, bay) in self.bays.iter_mut().enumerate() {
            if bay.reports {
                let silent_from = bay.silent_from(self.silences.after(position));
                if now < silent_from {
                    self.next_silence = self.next_silence.min(silent_from);
                } else {
                    bay.reports = false;
                    self.tally.count(position, bay.occupied != Some(true), -1);
                    match bay.occupied {
                        Some(true) => self.occupied -= 1,
                        _ => self.free -= 1,
                    }
                    estimator.bay(position, BayState::Silent);
                    changed = true;
                }
            }
        }
        changed
    }

    /// From now on the bay at `position` is believed or not. What it said before is forgotten: it is unknown until it
    /// speaks again.
    pub(crate) fn stand(&mut self, position: usize, standing: Standing, estimator: &mut Estimator) {
        let Some(bay) = self.bays.get_mut(position) else { return };
        if bay.reports {
            self.tally.count(position, bay.occupied != Some(true), -1);
            match bay.occupied {
                Some(true) => self.occupied -= 1,
                _ => self.free -= 1,
            }
        }
        bay.reports = false;
        bay.occupied = None;
        self.absent -= u32::from(bay.standing == Standing::Absent);
        self.absent += u32::from(standing == Standing::Absent);
        bay.standing = standing;
        estimator.bay(position, BayState::Silent);
    }

    /// Takes a reading of the bay at `position`, and tells the estimator; `false` if the bay is as it was.
    pub(crate) fn take(
        &mut self,
        position: usize,
        reading: &Reading,
        now: Timestamp,
        estimator: &mut Estimator,
    ) -> bool {
        let Some(bay) = self.bays.get_mut(position) else { return false };
        let before = bay.state();
        let said_at = said_at(reading);
        bay.heard_at = bay.heard_at.max(said_at);
        self.heard_at = self.heard_at.max(Some(said_at));
        // Of a level the newest holds, whatever came last.
        let level = match reading.value {
            Value::Bay { occupied } => Some(Some(occupied)),
            Value::BayUnsure => Some(None),
            _ => None,
        };
        if let Some(occupied) = level
            && reading.observed_at >= bay.level_at
        {
            bay.level_at = reading.observed_at;
            bay.occupied = occupied;
        }
        self.known |= matches!(reading.value, Value::Bay { .. });
        let believed = bay.standing == Standing::Believed;
        let silent_from = bay.silent_from(self.silences.after(position));
        bay.reports = believed && now < silent_from && bay.occupied.is_some();
        if bay.reports {
            self.next_silence = self.next_silence.min(silent_from);
        }
        let after = bay.state();
        if before == after {
            return false;
        }
        for (state, entering) in [(before, false), (after, true)] {
            let sum = match state {
                BayState::Silent => continue,
                BayState::Occupied => &mut self.occupied,
                BayState::Free => &mut self.free,
            };
            if entering {
                *sum += 1
            } else {
                *sum -= 1
            }
            self.tally.count(position, state == BayState::Free, if entering { 1 } else { -1 });
        }
        estimator.bay(position, after);
        true
    }
}
