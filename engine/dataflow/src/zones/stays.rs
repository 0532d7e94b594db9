//! Who stands on a bay since when, and who left.

use std::time::Duration;

use vlot_model::{City, Facility, Opening, Overstay, Reading, Timestamp, UserGroup, Value};

use crate::silence::Silences;
use crate::trust::said_at;
use vlot_hours::Schedule;

/// A city may have 200,000.
#[derive(Clone, Copy, Debug)]
struct Bay {
    heard_at: Timestamp,
    level_at: Timestamp,
    /// A vehicle stands there since; [`NOBODY`]: it is free, or that is not known.
    stands_since: Timestamp,
    sequence: u32,
    /// There is a sequence number.
    numbered: bool,
    short_stay: bool,
    /// It is known whether one does.
    known: bool,
    over: bool,
}

const _: () = assert!(size_of::<Bay>() <= 32, "200,000 bays must fit in a few megabytes");

impl Bay {
    fn since(&self) -> Option<Timestamp> {
        (self.stands_since != NOBODY).then_some(self.stands_since)
    }

    fn sequence(&self) -> Option<u32> {
        self.numbered.then_some(self.sequence)
    }
}

/// The bays of a facility.
#[derive(Clone, Debug)]
pub(super) struct Stays {
    bays: Box<[Bay]>,
    silences: Silences,
    max_stay: Duration,
    limit_s: u32,
    /// When `max_stay` holds; `None`: always.
    hours: Option<Box<Schedule>>,
    /// `max_stay` holds since; `None`: it does not, or nobody knows whether.
    holds_since: Option<Timestamp>,
    /// The hours are asked again then.
    asked_until: Timestamp,
    /// No overstay begins or ends by time alone before.
    next: Timestamp,
    /// Overstays that have begun.
    pub(super) begun: u64,
}

const BEFORE_ALL: Timestamp = Timestamp::from_micros(i64::MIN);
const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);
/// In place of the instant at which a vehicle came.
const NOBODY: Timestamp = NEVER;

impl Stays {
    /// The facility's bays; none where it does not count by them.
    pub(super) fn new(facility: &Facility, city: &City) -> Self {
        let bay = |bay: &vlot_model::Bay| Bay {
            heard_at: BEFORE_ALL,
            level_at: BEFORE_ALL,
            stands_since: NOBODY,
            sequence: 0,
            numbered: false,
            short_stay: bay.bay_use == UserGroup::ShortStay,
            known: false,
            over: false,
        };
        let street = &facility.site.street;
        let hours = street.max_stay_hours.as_deref().map(|hours| Box::new(Schedule::new(hours, city)));
        let by_bays = facility.counting == vlot_model::Counting::Bays;
        Stays {
            bays: if by_bays { facility.bays.iter().map(bay).collect() } else { Box::default() },
            silences: Silences::of(facility, city),
            max_stay: street.max_stay,
            limit_s: u32::try_from(street.max_stay.as_secs()).unwrap_or(u32::MAX),
            holds_since: hours.is_none().then_some(BEFORE_ALL),
            asked_until: if hours.is_none() { NEVER } else { BEFORE_ALL },
            hours,
            next: NEVER,
            begun: 0,
        }
    }

    /// Whether there is anything to watch.
    pub(super) fn any(&self) -> bool {
        !self.bays.is_empty()
    }

    /// Time alone changes nothing before.
    pub(super) fn due(&self) -> Timestamp {
        if self.next == NEVER { NEVER } else { self.next.min(self.asked_until) }
    }

    /// Takes a bay's word; returns when a vehicle left, if one did, and whether an overstay began or ended.
    pub(super) fn take(
        &mut self,
        position: usize,
        reading: &Reading,
        now: Timestamp,
    ) -> (Option<Timestamp>, bool) {
        let Some(bay) = self.bays.get_mut(position) else { return (None, false) };
        let said_at = said_at(reading);
        let lost = matches!((bay.sequence(), reading.sequence), (Some(a), Some(b)) if b != a && b != a.wrapping_add(1));
        let silent = bay.known && bay.heard_at + self.silences.after(position) <= said_at;
        if bay.level_at <= reading.observed_at
            && let Some(sequence) = reading.sequence
        {
            (bay.sequence, bay.numbered) = (sequence, true);
        }
        bay.heard_at = bay.heard_at.max(said_at);
        let mut left = None;
        if bay.level_at <= reading.observed_at {
            match reading.value {
                Value::Bay { occupied } => {
                    bay.level_at = reading.observed_at;
                    let sure = bay.known && !lost && !silent;
                    if !occupied {
                        left = bay.since().filter(|_| sure).map(|_| said_at);
                        bay.stands_since = NOBODY;
                    } else if bay.since().is_none() || !sure {
                        bay.stands_since = said_at;
                    }
                    bay.known = true;
                }
                Value::BayUnsure => {
                    bay.level_at = reading.observed_at;
                    (bay.stands_since, bay.known) = (NOBODY, false);
                }
                // It lives, but what it said while it was not heard is gone.
                _ if lost || silent => (bay.stands_since, bay.known) = (NOBODY, false),
                _ => {}
            }
        }
        (left, self.judge(position, now))
    }

    /// Lets time pass; true where an overstay began or ended.
    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        let asked = self.ask(now);
        if !asked && now < self.next {
            return false;
        }
        self.next = NEVER;
        let mut changed = false;
        for position in 0..self.bays.len() {
            changed |= self.judge(position, now);
        }
        changed
    }

    /// Those that stand too long, by position.
    pub(super) fn overstays(&self) -> Vec<Overstay> {
        let over = |(bay, position): (&Bay, u32)| {
            let since = bay.since().filter(|_| bay.over)?;
            Some(Overstay { bay: position, since, limit_s: self.limit_s })
        };
        self.bays.iter().zip(0..).filter_map(over).collect()
    }

    /// Whether the limit holds; true where that changed.
    fn ask(&mut self, now: Timestamp) -> bool {
        let Some(hours) = self.hours.as_ref().filter(|_| self.asked_until <= now) else { return false };
        let (opening, until) = hours.at(now);
        let held = self.holds_since;
        self.holds_since = (opening == Opening::Open).then(|| held.unwrap_or(now));
        self.asked_until = until;
        held != self.holds_since
    }

    /// Whether the vehicle on a bay stands too long; true where that changed.
    fn judge(&mut self, position: usize, now: Timestamp) -> bool {
        let Some(bay) = self.bays.get_mut(position).filter(|bay| bay.short_stay) else { return false };
        let silent_from = bay.heard_at + self.silences.after(position);
        let ends = match (bay.since(), self.holds_since) {
            (Some(since), Some(holds)) if now < silent_from => Some(since.max(holds) + self.max_stay),
            _ => None,
        };
        let over = ends.is_some_and(|ends| ends <= now);
        if let Some(ends) = ends {
            self.next = self.next.min(if over { silent_from } else { ends.min(silent_from) });
        } else if bay.since().is_some() && self.hours.is_some() {
            // Not now: when the limit holds again.
            self.next = self.next.min(self.asked_until);
        }
        let changed = over != bay.over;
        self.begun += u64::from(changed && over);
        bay.over = over;
        changed
    }
}
