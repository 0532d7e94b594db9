//! The latest state of everything: the only thing that readers see.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::Entry::{Occupied, Vacant};
use parking_lot::RwLock;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use crate::{
    AirIx, ControllerIx, CorridorIx, DeviceIx, FacilityIx, GarageIx, LinkIx, Product, SignIx, SituationIx,
    StationIx, Tick, Timestamp, Update,
};

/// A place on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A car park or zone.
    Facility(FacilityIx),
    /// A bicycle garage.
    Garage(GarageIx),
    /// A count station's newest interval.
    Station(StationIx),
    /// What a sign is to show.
    Face(SignIx),
    /// What a sign does show.
    Sign(SignIx),
    /// What will be free.
    Forecast(FacilityIx),
    /// How a sensor is.
    Health(DeviceIx),
    /// How hard a zone is used.
    Zone(FacilityIx),
    /// Traffic on a link.
    Link(LinkIx),
    /// Travel time along a corridor.
    Corridor(CorridorIx),
    /// Queues on the whole network.
    Jams,
    /// What looks like an incident.
    Incident(LinkIx),
    /// A situation.
    Situation(SituationIx),
    /// A traffic-light controller.
    Controller(ControllerIx),
    /// An air station.
    Air(AirIx),
    /// What is decided for a sign.
    Plan(SignIx),
    /// Guidance as a whole.
    Guidance,
    /// Who is on the way to a facility.
    Expected(FacilityIx),
}

/// A product on the board.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The tick that it was last published with; only grows.
    pub version: Tick,
    /// That tick's instant.
    pub at: Timestamp,
    /// The product.
    pub product: Arc<Product>,
}

/// A reader's place in the order of changes (tick, key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    tick: Tick,
    /// The last key that was seen of that tick; `None` when all of it was.
    key: Option<Key>,
}

impl Cursor {
    /// Behind everything up to and with `tick`; 0 is before everything.
    #[must_use]
    pub fn after(tick: Tick) -> Self {
        Cursor { tick, key: None }
    }
}

/// A key's newest state, as a reader comes to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its place on the board.
    pub key: Key,
    /// Its newest state.
    pub entry: Entry,
    /// Whether it is the last that the reader wants of its tick: a reader that has seen it has seen all up to there.
    pub ends_tick: bool,
}

/// Immutable products by key, many readers, one writer.
///
/// A subscriber keeps a cursor (the tick that it has seen all of) and asks for what changed after it: it gets
/// the newest state of each key once, however many states it missed. Whole ticks appear at once, and ticks
/// come from the journal, so a cursor stays good over a reconnect; after a restart of the engine a
/// reader starts over (see [`Board::resumes_from`]).
#[derive(Default)]
pub struct Board {
    entries: DashMap<Key, Entry, FxBuildHasher>,
    /// Keys by the tick of their newest state; the lock also makes a tick appear whole.
    by_tick: RwLock<BTreeMap<(Tick, Key), ()>>,
    completed: AtomicU64,
    /// The first tick of this process: what came before was rebuilt, perhaps under another configuration.
    begun: AtomicU64,
    completed_at: std::sync::atomic::AtomicI64,
}

impl Board {
    /// An empty board at tick 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes everything of the ticks up to `completed`, at once. For the one writer.
    ///
    /// `updates` come in order of tick; of several for one key the last one stays.
    /// Returns how many products were published.
    pub fn publish<U>(&self, completed: Tick, at: Timestamp, updates: U) -> u64
    where
        U: IntoIterator<Item = Update, IntoIter: DoubleEndedIterator>,
    {
        let mut published = 0;
        let mut by_tick = self.by_tick.write();
        // Backwards, so that each key finds its last state first and its others need not be put anywhere.
        for update in updates.into_iter().rev() {
            published += 1;
            let key = update.product.key();
            let (version, new) =
                (update.tick, Entry { version: update.tick, at: update.at, product: update.product });
            match self.entries.entry(key) {
                Occupied(old) if old.get().version >= version => continue,
                Occupied(mut old) => {
                    by_tick.remove(&(old.insert(new).version, key));
                }
                Vacant(place) => {
                    place.insert(new);
                }
            }
            by_tick.insert((version, key), ());
        }
        self.completed.fetch_max(completed, Ordering::Release);
        self.completed_at.fetch_max(at.micros(), Ordering::Release);
        published
    }

    /// From now on, positions before `tick` are of a former process: see [`Board::resumes_from`].
    pub fn begin(&self, tick: Tick) {
        self.begun.store(tick, Ordering::Release);
    }

    /// A reader that resumes after `position` continues there if this process made it, and starts over otherwise: a
    /// crash may have taken states that it has seen, and a new configuration may have changed what it has.
    #[must_use]
    pub fn resumes_from(&self, position: Tick) -> Tick {
        let known = self.begun.load(Ordering::Acquire)..=self.completed();
        if known.contains(&position) { position } else { 0 }
    }

    /// The newest state of one key.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<Entry> {
        self.entries.get(&key).map(|e| e.clone())
    }

    /// All that was admitted up to this tick is on the board.
    #[must_use]
    pub fn completed(&self) -> Tick {
        self.completed.load(Ordering::Acquire)
    }

    /// The engine's time at the completed tick: a reader that sees it stand still sees an engine that stands still.
    #[must_use]
    pub fn completed_at(&self) -> Timestamp {
        Timestamp::from_micros(self.completed_at.load(Ordering::Acquire))
    }

    /// The newest state of every key that changed after `cursor` and that `wanted` lets through, in order of
    /// (tick, key), and the cursor to ask with next.
    pub fn changed_since(&self, cursor: Tick, wanted: impl Fn(Key) -> bool) -> (Tick, Vec<(Key, Entry)>) {
        let by_tick = self.by_tick.read();
        let completed = self.completed();
        let Some(first) = cursor.checked_add(1) else { return (cursor, Vec::new()) };
        let changed = by_tick
            .range((first, Key::Facility(FacilityIx(0)))..)
            .filter(|((_, key), ())| wanted(*key))
            .filter_map(|((_, key), ())| self.get(*key).map(|entry| (*key, entry)))
            .collect();
        (completed.max(cursor), changed)
    }

    /// The first change after `cursor` that `wanted` lets through, and moves the cursor behind it; without one, behind
    /// all that is published. One by one, a reader that pauses between two changes never comes to an outdated state.
    pub fn next(&self, cursor: &mut Cursor, wanted: impl Fn(Key) -> bool) -> Option<Change> {
        let by_tick = self.by_tick.read();
        let from = match cursor.key {
            Some(key) => Bound::Excluded((cursor.tick, key)),
            None => Bound::Included((cursor.tick.checked_add(1)?, Key::Facility(FacilityIx(0)))),
        };
        let mut changes = by_tick.range((from, Bound::Unbounded)).map(|(place, ())| *place);
        let Some((tick, key)) = changes.find(|(_, key)| wanted(*key)) else {
            *cursor = Cursor::after(self.completed().max(cursor.tick));
            return None;
        };
        *cursor = Cursor { tick, key: Some(key) };
        let entry = self.get(key)?;
        let ends_tick = !changes.take_while(|(t, _)| *t == tick).any(|(_, key)| wanted(key));
        Some(Change { key, entry, ends_tick })
    }

    /// Everything, in order of key.
    #[must_use]
    pub fn all(&self) -> BTreeMap<Key, Entry> {
        let _whole_ticks = self.by_tick.read();
        self.entries.iter().map(|e| (*e.key(), e.value().clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignState;

    fn update(tick: Tick, sign: u32) -> Update {
        Update {
            tick,
            at: Timestamp::from_secs(i64::try_from(tick).unwrap()),
            trigger: None,
            product: Arc::new(Product::Sign(SignState {
                sign: SignIx(sign),
                connected: Some(true),
                displayed_version: Some(tick),
                displayed_at: None,
                fault: None,
                heard_at: None,
            })),
        }
    }

    fn signs(changed: &[(Key, Entry)]) -> Vec<(Tick, u32)> {
        changed
            .iter()
            .map(|(key, e)| match key {
                Key::Sign(s) => (e.version, s.0),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_slow_reader_gets_the_newest_state_once() {
        let board = Board::new();
        board.publish(1, Timestamp::EPOCH, [update(1, 0), update(1, 1)]);
        let (cursor, seen) = board.changed_since(0, |_| true);
        assert_eq!((cursor, signs(&seen)), (1, vec![(1, 0), (1, 1)]));
        for tick in 2..100 {
            board.publish(tick, Timestamp::EPOCH, [update(tick, 1)]);
        }
        let (cursor, seen) = board.changed_since(cursor, |_| true);
        assert_eq!((cursor, signs(&seen)), (99, vec![(99, 1)]));
        assert!(board.changed_since(cursor, |_| true).1.is_empty());
    }

    #[test]
    fn a_filter_lets_the_cursor_pass_what_it_hides() {
        let board = Board::new();
        board.publish(7, Timestamp::EPOCH, [update(5, 0), update(7, 1)]);
        let (cursor, seen) = board.changed_since(0, |key| key == Key::Sign(SignIx(0)));
        assert_eq!((cursor, signs(&seen)), (7, vec![(5, 0)]));
    }

    #[test]
    fn of_several_states_of_one_key_the_last_stays() {
        let board = Board::new();
        assert_eq!(board.publish(3, Timestamp::EPOCH, [update(1, 4), update(2, 4), update(3, 4)]), 3);
        assert_eq!(board.get(Key::Sign(SignIx(4))).unwrap().version, 3);
        assert_eq!(board.all().len(), 1);
        assert_eq!(signs(&board.changed_since(0, |_| true).1), vec![(3, 4)]);
    }

    /// All changes that are left, as (tick, sign, last of its tick).
    fn read(board: &Board, cursor: &mut Cursor) -> Vec<(Tick, u32, bool)> {
        let mut seen = Vec::new();
        while let Some(change) = board.next(cursor, |key| matches!(key, Key::Sign(s) if s.0 != 9)) {
            let Key::Sign(sign) = change.key else { panic!("{change:?}") };
            seen.push((change.entry.version, sign.0, change.ends_tick));
        }
        seen
    }

    #[test]
    fn a_reader_that_goes_one_by_one_sees_where_ticks_end_and_resumes_there() {
        let board = Board::new();
        board.publish(
            3,
            Timestamp::EPOCH,
            [update(1, 0), update(2, 1), update(2, 2), update(2, 9), update(3, 9)],
        );
        let mut cursor = Cursor::after(0);
        assert_eq!(read(&board, &mut cursor), [(1, 0, true), (2, 1, false), (2, 2, true)]);
        assert_eq!(cursor, Cursor::after(3));
        assert_eq!(read(&board, &mut Cursor::after(1)), [(2, 1, false), (2, 2, true)]);
        assert_eq!(read(&board, &mut Cursor::after(2)), []);
        assert_eq!(read(&board, &mut Cursor::after(Tick::MAX)), []);
    }

    #[test]
    fn what_changes_while_a_reader_pauses_comes_once_and_in_its_newest_state() {
        let board = Board::new();
        board.publish(1, Timestamp::EPOCH, [update(1, 0), update(1, 1), update(1, 2)]);
        let mut cursor = Cursor::after(0);
        assert!(
            board.next(&mut cursor, |_| true).is_some_and(|c| c.key == Key::Sign(SignIx(0)) && !c.ends_tick)
        );
        for tick in 2..100 {
            board.publish(tick, Timestamp::EPOCH, [update(tick, 1)]);
        }
        board.publish(100, Timestamp::EPOCH, [update(100, 0), update(100, 1)]);
        assert_eq!(read(&board, &mut cursor), [(1, 2, true), (100, 0, false), (100, 1, true)]);
    }

    #[test]
    fn the_end_of_the_range_is_no_panic() {
        let board = Board::new();
        board.publish(1, Timestamp::EPOCH, [update(1, 0)]);
        assert!(board.changed_since(Tick::MAX, |_| true).1.is_empty());
    }

    #[test]
    fn a_position_of_a_former_process_or_of_another_journal_starts_over() {
        let board = Board::new();
        board.publish(7, Timestamp::EPOCH, [update(7, 0)]);
        assert_eq!([0, 5, 7, 8].map(|p| board.resumes_from(p)), [0, 5, 7, 0]);
        board.begin(100);
        board.publish(103, Timestamp::EPOCH, [update(103, 0)]);
        assert_eq!([0, 7, 50, 99, 100, 103, 104].map(|p| board.resumes_from(p)), [0, 0, 0, 0, 100, 103, 0]);
    }
}
