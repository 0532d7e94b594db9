//! What states the free places of a section as a whole: its sensor, or a camera.

use std::time::Duration;

use vlot_model::{Reading, Timestamp, Value};

use crate::shell::Standing;
use crate::trust::said_at;

/// What was stated last.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Taken places; beside the gates' count, by how many they are more than that was at the same instant.
    occupied: i64,
    said_at: Timestamp,
}

/// What it said, if that is to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing new of the places.
    Nothing,
    /// So many are taken.
    Occupied(u32),
    /// More are free or taken than there are.
    Beyond,
}

#[derive(Debug)]
pub(super) struct Witness {
    /// Standard deviation of what it states, places; 0: it is taken at its word.
    pub(super) sd: f64,
    silent_after: Duration,
    heard_at: Option<Timestamp>,
    standing: Standing,
    observed_at: Option<Timestamp>,
    level: Option<Level>,
}

impl Witness {
    pub(super) fn new(sd: f64, silent_after: Duration) -> Self {
        let (heard_at, observed_at, level) = (None, None, None);
        Witness { sd, silent_after, heard_at, standing: Standing::Believed, observed_at, level }
    }

    pub(super) fn stand(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// Takes what it says of a section with that capacity; of several, the newest observation holds.
    pub(super) fn take(&mut self, reading: &Reading, capacity: u32) -> Heard {
        self.heard_at = self.heard_at.max(Some(said_at(reading)));
        let occupied = match reading.value {
            Value::Places { free } => capacity.checked_sub(free),
            // A few stand beside the racks; twice as many as there are places is no count.
            Value::Occupied { spaces } => (spaces <= capacity.saturating_mul(2)).then_some(spaces),
            _ => return Heard::Nothing,
        };
        if self.observed_at.is_some_and(|newest| reading.observed_at < newest) {
            return Heard::Nothing;
        }
        self.observed_at = Some(reading.observed_at);
        self.level = None;
        occupied.map_or(Heard::Beyond, |occupied| Heard::Occupied(occupied.min(capacity)))
    }

    /// Holds what it said, as a difference to the gates' count where there is one.
    pub(super) fn hold(&mut self, occupied: i64, reading: &Reading) {
        self.level = Some(Level { occupied, said_at: said_at(reading) });
    }

    /// The gates' count starts over, and is `by` higher at the same instant.
    pub(super) fn rebase(&mut self, by: i64) {
        if let Some(level) = &mut self.level {
            level.occupied -= by;
        }
    }

    fn silent_from(&self) -> Option<Timestamp> {
        self.heard_at.map(|heard_at| heard_at + self.silent_after)
    }

    pub(super) fn counts(&self) -> bool {
        self.standing != Standing::Absent
    }

    pub(super) fn reports(&self, now: Timestamp) -> bool {
        self.standing == Standing::Believed && self.silent_from().is_some_and(|from| now < from)
    }

    /// What it last stated and when it said so, however old that is.
    pub(super) fn stated(&self) -> Option<(i64, Timestamp)> {
        self.level.filter(|_| self.counts()).map(|level| (level.occupied, level.said_at))
    }

    /// The same, while it reports and its word is not too old.
    pub(super) fn says(&self, now: Timestamp, valid_for: Duration) -> Option<(i64, Timestamp)> {
        self.stated().filter(|(_, said_at)| self.reports(now) && now < *said_at + valid_for)
    }

    /// When time alone may change that.
    pub(super) fn due(&self, valid_for: Duration) -> impl Iterator<Item = Timestamp> {
        let stale = self.level.map(|level| level.said_at + valid_for);
        self.silent_from().into_iter().chain(stale)
    }
}
