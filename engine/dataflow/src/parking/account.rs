//! A facility that is counted as a whole: by its barriers since the last absolute count, or by absolute counts alone.

use std::time::Duration;

use vlot_model::{Direction, Reading, Share, Timestamp, Value};

use super::movements::{Moved, Movement, Movements};
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

/// What a reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing new of the account.
    Nothing,
    /// Vehicles that nobody had told of.
    Moved(Moved),
    /// The same, and a counter began anew: what passed meanwhile, nobody counted.
    Restarted(Moved),
    /// The account starts over from an absolute count; `since` passed after it.
    Started { spaces: u32, at: Timestamp, since: Moved },
    /// A figure beside the account, as it would be by now.
    Figure { spaces: u32, at: Timestamp },
}

/// A barrier's counted passages, until its totals tell of them.
#[derive(Debug, Default)]
struct Untold {
    passages: Movements,
    /// The sum of older ones, which are no longer remembered one by one.
    older: Option<Moved>,
}

impl Untold {
    fn push(&mut self, passage: Movement) {
        if self.passages.len() == UNTOLD_MAX
            && let Some(oldest) = self.passages.pop_front()
        {
            self.older = Some(self.older.unwrap_or_default().and(oldest.moved));
        }
        self.passages.push_back(passage);
    }

    /// Totals of that instant tell of all up to it: forgets those, and returns their sum, `None` when there were none.
    fn tell(&mut self, at: Timestamp) -> Option<Moved> {
        let mut sum = self.older.take();
        self.passages.retain(|p| {
            let told = p.at <= at;
            if told {
                sum = Some(sum.unwrap_or_default().and(p.moved));
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
    /// Every stated figure is an absolute count; else the first alone, and later ones stand beside the account.
    stated_is_exact: bool,
    baseline: Option<Baseline>,
    since: Moved,
    movements: Movements,
    /// Of the movements that are no longer remembered, the newest.
    forgotten: Option<Timestamp>,
    heard_at: Option<Timestamp>,
    counted_at: Option<Timestamp>,
}

impl Account {
    /// An account that rests on those `members` (silence limit, whether it is a sensor).
    pub(crate) fn new(
        by_barriers: bool,
        stated_is_exact: bool,
        members: impl IntoIterator<Item = (Duration, bool)>,
    ) -> Self {
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
            stated_is_exact,
            baseline: None,
            since: Moved::default(),
            movements: Movements::default(),
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
        self.baseline.map(|b| i64::from(b.spaces) + self.since.net())
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

    /// Whether a barrier or counter is not believed.
    pub(crate) fn any_doubted(&self) -> bool {
        self.members.iter().any(|m| m.is_sensor && m.standing == Standing::Doubted)
    }

    /// From now on the member at `position` is believed or not.
    pub(crate) fn stand(&mut self, position: usize, standing: Standing) {
        if let Some(member) = self.members.get_mut(position) {
            member.standing = standing;
        }
    }

    /// Takes a reading of the member at `position`.
    pub(crate) fn take(&mut self, position: usize, reading: &Reading) -> Told {
        let Some(member) = self.members.get_mut(position) else { return Told::Nothing };
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
                let moved = match direction {
                    Direction::In => Moved { entries: vehicles, exits: 0 },
                    Direction::Out => Moved { entries: 0, exits: vehicles },
                };
                let movement = Movement { at, moved };
                member.untold.push(movement);
                self.move_by(movement).map_or(Told::Nothing, Told::Moved)
            }
            Value::Totals { entries, exits } => self.take_totals(position, Totals { entries, exits, at }),
            // A barrier's controller makes its figure of the passages that were counted here: where there is a count it knows
            // nothing more, and taken as a second witness it would bear out every error of the first.
            Value::Occupied { .. }
                if self.by_barriers
                    && member.is_sensor
                    && self.baseline.is_some()
                    && !self.stated_is_exact =>
            {
                Told::Nothing
            }
            Value::Occupied { spaces } => self.take_figure(Baseline { spaces, at }, said_at),
            _ => Told::Nothing,
        }
    }

    fn take_totals(&mut self, position: usize, new: Totals) -> Told {
        let Some(member) = self.members.get_mut(position) else { return Told::Nothing };
        let Totals { entries, exits, at } = new;
        if member.totals.is_some_and(|old| at < old.at) {
            return Told::Nothing;
        }
        let told = member.untold.tell(at);
        let (moved, restarted) = match member.totals {
            // The first totals are what later ones are compared with.
            None => (Moved::default(), false),
            // Restarted. Which of the passages came before it, nobody can tell: they stand as they were counted.
            Some(old) if entries < old.entries || exits < old.exits => {
                let anew = Moved { entries: i64::from(entries), exits: i64::from(exits) };
                (if told.is_some() { Moved::default() } else { anew }, true)
            }
            Some(old) => {
                // Totals hold what lost messages between them would have said.
                if let Some(window) = &mut member.window {
                    window.cover(at);
                }
                let moved =
                    Moved { entries: i64::from(entries - old.entries), exits: i64::from(exits - old.exits) };
                (moved.less(told.unwrap_or_default()), false)
            }
        };
        member.totals = Some(new);
        let counted = self.move_by(Movement { at, moved });
        match (restarted, counted) {
            (true, moved) => Told::Restarted(moved.unwrap_or_default()),
            (false, Some(moved)) => Told::Moved(moved),
            (false, None) => Told::Nothing,
        }
    }

    fn take_figure(&mut self, new: Baseline, said_at: Timestamp) -> Told {
        if !self.by_barriers {
            return match self.start_over(new, said_at) {
                Some(_) => Told::Figure { spaces: new.spaces, at: new.at },
                None => Told::Nothing,
            };
        }
        if self.baseline.is_none() || self.stated_is_exact {
            let since = self.start_over(new, said_at);
            return since.map_or(Told::Nothing, |since| Told::Started {
                spaces: new.spaces,
                at: new.at,
                since,
            });
        }
        if self.forgotten.is_some_and(|forgotten| new.at < forgotten) {
            return Told::Nothing;
        }
        self.counted_at = self.counted_at.max(Some(said_at));
        let by_now = i64::from(new.spaces) + self.moved_after(new.at).net();
        Told::Figure { spaces: u32::try_from(by_now.max(0)).unwrap_or(u32::MAX), at: new.at }
    }

    /// The movement, if it counts.
    fn move_by(&mut self, movement: Movement) -> Option<Moved> {
        let counted_already = self.baseline.is_some_and(|b| movement.at <= b.at);
        if !self.by_barriers || movement.moved == Moved::default() || counted_already {
            return None;
        }
        if self.baseline.is_some() {
            self.since = self.since.and(movement.moved);
        }
        if self.movements.len() == MOVEMENTS_MAX
            && let Some(oldest) = self.movements.pop_front()
        {
            self.forgotten = self.forgotten.max(Some(oldest.at));
        }
        self.movements.push_back(movement);
        Some(movement.moved)
    }

    pub(crate) fn moved_after(&self, at: Timestamp) -> Moved {
        self.movements.iter().filter(|m| at < m.at).fold(Moved::default(), |sum, m| sum.and(m.moved))
    }

    /// Somebody or something knows that so many were inside at `at`: what passed since, or `None` if that is too long ago
    /// for the account to know.
    pub(crate) fn anchor(&mut self, spaces: u32, at: Timestamp, said_at: Timestamp) -> Option<Moved> {
        self.heard_at = self.heard_at.max(Some(said_at));
        self.start_over(Baseline { spaces, at }, said_at)
    }

    fn start_over(&mut self, new: Baseline, said_at: Timestamp) -> Option<Moved> {
        let older = self.baseline.is_some_and(|old| new.at < old.at);
        // Movements after it are no longer all known: the count that there is stays nearer to the truth.
        let too_old = self.forgotten.is_some_and(|forgotten| new.at < forgotten);
        if older || too_old {
            return None;
        }
        self.baseline = Some(new);
        self.counted_at = self.counted_at.max(Some(said_at));
        self.movements.retain(|m| new.at < m.at);
        self.since = self.moved_after(new.at);
        for window in self.members.iter_mut().filter_map(|m| m.window.as_mut()) {
            window.cover(new.at);
        }
        Some(self.since)
    }

    /// Another counter begins: its totals and its message numbers have nothing to do with the old one's.
    pub(crate) fn replace_counters(&mut self) {
        for member in &mut self.members {
            member.totals = None;
            member.window = None;
            member.untold = Untold::default();
        }
    }
}
