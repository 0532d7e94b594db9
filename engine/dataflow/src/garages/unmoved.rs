//! Bicycles that have not moved for long, by the sensors of single places.
//!
//! A place counts while its sensor reports and says that it is taken, from the first word of an unbroken run of such
//! words. Whatever leaves a doubt begins the run anew: a word of another state, even one that arrives late, a spell of
//! silence beyond the sensor's bound, a sensor that was not believed. So the list may lack a bicycle, and never holds one
//! that somebody uses.

use std::time::Duration;

use vlot_model::{Reading, SectionIx, Share, Timestamp, Unmoved, UnmovedPlace, Value};

use crate::shell::Standing;
use crate::trust::said_at;

#[derive(Debug)]
struct Stay {
    section: SectionIx,
    place: u32,
    silent_after: Duration,
    heard_at: Option<Timestamp>,
    /// Heard without a spell of silence since then.
    watched_from: Option<Timestamp>,
    /// The newest word of its state: when it was observed and said, and whether it was "taken".
    level: Option<(Timestamp, Timestamp, Option<bool>)>,
    /// Taken without a break since then.
    since: Option<Timestamp>,
    /// When the first word of that run was observed.
    begun: Timestamp,
    standing: Standing,
}

impl Stay {
    fn silent_from(&self) -> Option<Timestamp> {
        self.heard_at.map(|heard_at| heard_at + self.silent_after)
    }

    fn reports(&self, now: Timestamp) -> bool {
        let known = self.level.is_some_and(|(.., taken)| taken.is_some());
        known && self.standing == Standing::Believed && self.silent_from().is_some_and(|from| now < from)
    }

    fn take(&mut self, reading: &Reading) {
        let said_at = said_at(reading);
        if self.silent_from().is_some_and(|from| from <= said_at) {
            // Nobody watched meanwhile; what was said before arrives too late.
            let newest =
                self.level.map_or(reading.observed_at, |(newest, ..)| newest.max(reading.observed_at));
            self.level = Some((newest, said_at, None));
            (self.since, self.watched_from) = (None, Some(said_at));
        }
        let watched_from = *self.watched_from.get_or_insert(said_at);
        self.heard_at = self.heard_at.max(Some(said_at));
        let taken = match reading.value {
            // Held up from before a silence in which the bicycle may have gone.
            Value::Bay { occupied: true } if said_at < watched_from => None,
            Value::Bay { occupied } => Some(occupied),
            Value::BayUnsure => None,
            _ => return,
        };
        let observed_at = reading.observed_at;
        match self.level {
            Some((newest, newest_said, _)) if observed_at < newest => {
                // Late news of a moment at which it was not taken: only what was said after it counts.
                let within = |since: Timestamp| self.begun <= observed_at || since <= said_at;
                if taken != Some(true) && self.since.is_some_and(within) {
                    (self.since, self.begun) = (Some(newest_said), newest);
                }
            }
            _ => {
                self.level = Some((observed_at, said_at, taken));
                // A word that was held up begins no run before what was heard meanwhile.
                if taken != Some(true) {
                    self.since = None;
                } else if self.since.is_none() {
                    (self.since, self.begun) = (self.heard_at, observed_at);
                }
            }
        }
    }
}

/// The watched places of a garage.
#[derive(Debug)]
pub(super) struct Stays {
    after: Duration,
    stays: Vec<Stay>,
    /// As of the last look; looked at anew when something changed, or at that instant.
    seen: Option<(Unmoved, Option<Timestamp>)>,
}

impl Stays {
    pub(super) fn new(after: Duration) -> Self {
        Stays { after, stays: Vec::new(), seen: None }
    }

    pub(super) fn watch(&mut self, section: SectionIx, place: u32, silent_after: Duration) -> usize {
        let standing = Standing::Believed;
        let (heard_at, watched_from, level, since) = (None, None, None, None);
        self.stays.push(Stay {
            section,
            place,
            silent_after,
            heard_at,
            watched_from,
            level,
            since,
            begun: Timestamp::EPOCH,
            standing,
        });
        self.stays.len() - 1
    }

    pub(super) fn stand(&mut self, position: usize, standing: Standing) {
        let Some(stay) = self.stays.get_mut(position) else { return };
        // What it said before is not to be relied on.
        stay.level = stay.level.map(|(observed_at, said_at, _)| (observed_at, said_at, None));
        (stay.since, stay.standing) = (None, standing);
        self.seen = None;
    }

    pub(super) fn take(&mut self, position: usize, reading: &Reading, now: Timestamp) {
        let Some(stay) = self.stays.get_mut(position) else { return };
        let before = (stay.since, stay.reports(now));
        stay.take(reading);
        // Heartbeats change nothing: that it will be silent later than was thought is found when that time comes.
        if before != (stay.since, stay.reports(now)) {
            self.seen = None;
        }
    }

    /// The list at `now`, and when time alone changes it.
    pub(super) fn state(&mut self, now: Timestamp) -> (Unmoved, Option<Timestamp>) {
        if let Some((unmoved, due)) = &self.seen
            && due.is_none_or(|due| now < due)
        {
            return (unmoved.clone(), *due);
        }
        let seen = self.look(now);
        self.seen = Some(seen.clone());
        seen
    }

    fn look(&self, now: Timestamp) -> (Unmoved, Option<Timestamp>) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let watched = self.stays.iter().filter(|stay| stay.standing != Standing::Absent).count();
        let mut unmoved = Unmoved {
            after_s: u32::try_from(self.after.as_secs()).unwrap_or(u32::MAX),
            watched: Share { reporting: 0, total: count(watched) },
            places: Vec::new(),
        };
        let mut due: Option<Timestamp> = None;
        for stay in self.stays.iter().filter(|stay| stay.reports(now)) {
            unmoved.watched.reporting += 1;
            let listed_from = stay.since.map(|since| since + self.after);
            let ahead = stay.silent_from().into_iter().chain(listed_from).filter(|at| now < *at).min();
            due = due.into_iter().chain(ahead).min();
            if let Some(since) = stay.since.filter(|since| *since + self.after <= now) {
                unmoved.places.push(UnmovedPlace { section: stay.section, place: stay.place, since });
            }
        }
        (unmoved, due)
    }
}
