//! A facility that is counted as a whole: by its barriers since the last absolute count, or by absolute counts alone.

use std::collections::VecDeque;
use std::time::Duration;

use vlot_model::{Direction, Reading, Share, Timestamp, Value};

use super::sequence::Window;
use crate::shell::Standing;
use crate::trust::said_at;

/// Movements that are remembered so that an absolute count that arrives late still starts from the right ones.
const MOVEMENTS_MAX: usize = 2_048;
/// Passages of one barrier that are remembered one by one until its totals have told of them too.
const UNTOLD_MAX: usize = 256;

/// A device of the facility that is no bay.
#[derive(Debug)]
struct Member {
    silent_after: Duration,
    heard_at: Option<Timestamp>,
    /// The figure rests on it, so that its silence matters.
    is_sensor: bool,
    standing: Standing,
    window: Option<Window>,
    totals: Option<Totals>,
    /// Passages that were counted and that no totals have told of yet.
    untold: Untold,
}

impl Member {
    fn silent_from(&self) -> Option<Timestamp> {
        self.heard_at.map(|heard_at| heard_at + self.silent_after)
    }
}

#[derive(Clone, Copy, Debug)]
struct Totals {
    entries: u32,
    exits: u32,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Baseline {
    spaces: u32,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Movement {
    at: Timestamp,
    net: i64,
}

/// A barrier's counted passages, until its totals tell of them.
#[derive(Debug, Default)]
struct Untold {
    passages: VecDeque<Movement>,
    /// The sum of older ones, which are no longer remembered one by one.
    older: Option<i64>,
}

impl Untold {
    fn push(&mut self, passage: Movement) {
        if self.passages.len() == UNTOLD_MAX
            && let Some(oldest) = self.passages.pop_front()
        {
            *self.older.get_or_insert(0) += oldest.net;
        }
        self.passages.push_back(passage);
    }

    /// Totals of that instant tell of all up to it: forgets those, and returns their sum, `None` when there were none.
    fn tell(&mut self, at: Timestamp) -> Option<i64> {
        let mut sum = self.older.take();
        self.passages.retain(|p| {
            let told = p.at <= at;
            if told {
                *sum.get_or_insert(0) += p.net;
            }
            !told
        });
        sum
    }
}

/// The account: the newest absolute count, and the vehicles in and out that were observed after it.
#[derive(Debug)]
pub(crate) struct Account {
    members: Vec<Member>,
    /// Movements count; without, absolute counts alone do.
    by_barriers: bool,
    baseline: Option<Baseline>,
    since: i64,
    movements: VecDeque<Movement>,
    /// Of the movements that are no longer remembered, the newest.
    forgotten: Option<Timestamp>,
    heard_at: Option<Timestamp>,
    counted_at: Option<Timestamp>,
}

impl Account {
    /// An account that rests on those `members` (silence limit, whether it is a sensor).
    pub(crate) fn new(by_barriers: bool, members: impl IntoIterator<Item = (Duration, bool)>) -> Self {
        let member = |(silent_after, is_sensor)| Member {
            silent_after,
            heard_at: None,
            is_sensor,
            standing: Standing::Believed,
            window: None,
            totals: None,
            untold: Untold::default(),
        };
        Account {
            members: members.into_iter().map(member).collect(),
            by_barriers,
            baseline: None,
            since: 0,
            movements: VecDeque::new(),
            forgotten: None,
            heard_at: None,
            counted_at: None,
        }
    }

    pub(crate) fn by_barriers(&self) -> bool {
        self.by_barriers
    }

    /// Occupied spaces before any bound; `None` before the first absolute count.
    pub(crate) fn occupied(&self) -> Option<i64> {
        self.baseline.map(|b| i64::from(b.spaces) + self.since)
    }

    /// The newest message that the figure rests on: any message tells that a barrier had nothing to count, but only
    /// a new absolute count renews an absolute count.
    pub(crate) fn rests_on(&self) -> Option<Timestamp> {
        if self.by_barriers { self.heard_at } else { self.counted_at }
    }

    /// Messages whose loss may make the figure wrong.
    pub(crate) fn lost(&self) -> u32 {
        self.members.iter().filter_map(|m| m.window).fold(0, |sum, w| sum.saturating_add(w.lost()))
    }

    pub(crate) fn share(&self, now: Timestamp) -> Share {
        let mut share = Share::default();
        for member in self.members.iter().filter(|m| m.is_sensor) {
            if member.standing == Standing::Absent {
                continue;
            }
            share.total += 1;
            let believed = member.standing == Standing::Believed;
            share.reporting += u32::from(believed && member.silent_from().is_some_and(|from| now < from));
        }
        share
    }

    /// The next instant after `now` at which a sensor falls silent.
    pub(crate) fn next_silence(&self, now: Timestamp) -> Option<Timestamp> {
        let sensors = self.members.iter().filter(|m| m.is_sensor);
        sensors.filter_map(Member::silent_from).filter(|from| now < *from).min()
    }

    /// From now on the member at `position` is believed or not.
    pub(crate) fn stand(&mut self, position: usize, standing: Standing) {
        if let Some(member) = self.members.get_mut(position) {
            member.standing = standing;
        }
    }

    /// Takes a reading of the member at `position`.
    pub(crate) fn take(&mut self, position: usize, reading: &Reading) {
        let Some(member) = self.members.get_mut(position) else { return };
        let said_at = said_at(reading);
        let at = reading.observed_at;
        member.heard_at = member.heard_at.max(Some(said_at));
        self.heard_at = self.heard_at.max(Some(said_at));
        if let Some(sequence) = reading.sequence {
            match &mut member.window {
                Some(window) => window.take(sequence, at),
                None => member.window = Some(Window::starting(sequence, at)),
            }
        }
        match reading.value {
            // A passage counts at once; one that the totals have told of already does not count again.
            Value::Passage { direction, vehicles } if member.totals.is_none_or(|totals| totals.at < at) => {
                let vehicles = i64::from(vehicles);
                let net = if direction == Direction::In { vehicles } else { -vehicles };
                let movement = Movement { at, net };
                member.untold.push(movement);
                self.move_by(movement);
            }
            Value::Totals { entries, exits } => {
                if member.totals.is_some_and(|old| at < old.at) {
                    return;
                }
                let told = member.untold.tell(at);
                let net = match member.totals {
                    // The first totals are what later ones are compared with.
                    None => 0,
                    // Restarted. Which of the passages came before it, nobody can tell: they stand as they were counted.
                    Some(old) if entries < old.entries || exits < old.exits => {
                        told.map_or(i64::from(entries) - i64::from(exits), |_| 0)
                    }
                    Some(old) => {
                        // Totals hold what lost messages between them would have said.
                        if let Some(window) = &mut member.window {
                            window.cover(at);
                        }
                        let moved = i64::from(entries - old.entries) - i64::from(exits - old.exits);
                        moved - told.unwrap_or(0)
                    }
                };
                member.totals = Some(Totals { entries, exits, at });
                self.move_by(Movement { at, net });
            }
            Value::Occupied { spaces } => self.start_over(Baseline { spaces, at }, said_at),
            _ => {}
        }
    }

    fn move_by(&mut self, movement: Movement) {
        let counted_already = self.baseline.is_some_and(|b| movement.at <= b.at);
        if !self.by_barriers || movement.net == 0 || counted_already {
            return;
        }
        if self.baseline.is_some() {
            self.since += movement.net;
        }
        if self.movements.len() == MOVEMENTS_MAX
            && let Some(oldest) = self.movements.pop_front()
        {
            self.forgotten = self.forgotten.max(Some(oldest.at));
        }
        self.movements.push_back(movement);
    }

    fn start_over(&mut self, new: Baseline, said_at: Timestamp) {
        let older = self.baseline.is_some_and(|old| new.at < old.at);
        // Movements after it are no longer all known: the count that there is stays nearer to the truth.
        let too_old = self.forgotten.is_some_and(|forgotten| new.at < forgotten);
        if older || too_old {
            return;
        }
        self.baseline = Some(new);
        self.counted_at = self.counted_at.max(Some(said_at));
        self.movements.retain(|m| new.at < m.at);
        self.since = self.movements.iter().map(|m| m.net).sum();
        for window in self.members.iter_mut().filter_map(|m| m.window.as_mut()) {
            window.cover(new.at);
        }
    }
}
