//! Where messages meet sessions: one lock, never held while anything is waited for.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, watch};

use crate::message::Message;
use crate::session::{Bounds, Delivery, Session};
use crate::topics::{Subscriptions, shared_filter, valid_filter};
use crate::wire::{Connect, Granted, Wanted, Welcome};
use crate::{Options, Stats};

type Key = u64;

/// All sessions and their subscriptions.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) options: Options,
    state: Mutex<State>,
    /// Changes when a queue that turned a message away has room again.
    room: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    sessions: FxHashMap<Key, Slot>,
    by_client: FxHashMap<ByteString, Key>,
    tree: Subscriptions<Key, Terms>,
    /// Scratch space of `route`.
    targets: Vec<(Key, bool)>,
    next_key: Key,
    next_generation: u64,
    /// All sessions together were at their bound.
    starved: bool,
    stats: Stats,
}

/// What a subscriber subscribed with.
#[derive(Clone, Copy, Debug)]
struct Terms {
    at_least_once: bool,
    no_local: bool,
}

#[derive(Debug)]
struct Slot {
    client_id: ByteString,
    session: Session,
    filters: Vec<Box<str>>,
    /// Which connection owns the session; any other has lost it.
    generation: u64,
    online: bool,
    wake: Arc<Notify>,
    kick: Arc<Notify>,
    /// It turned a QoS 1 message away.
    refused: bool,
}

/// A connection's hold on its session, until another connection takes it.
#[derive(Debug)]
pub(crate) struct Lease {
    key: Key,
    generation: u64,
    /// There may be something to write.
    pub(crate) wake: Arc<Notify>,
    /// The session has another owner now, or is gone.
    pub(crate) kick: Arc<Notify>,
    /// How long the session is to outlive the connection.
    pub(crate) session_expiry: Duration,
}

/// The lease is over.
#[derive(Debug)]
pub(crate) struct Lost;

impl Hub {
    pub(crate) fn new(options: Options) -> Self {
        Hub {
            options,
            state: Mutex::new(State {
                sessions: FxHashMap::default(),
                by_client: FxHashMap::default(),
                tree: Subscriptions::new(),
                targets: Vec::new(),
                next_key: 0,
                next_generation: 0,
                starved: false,
                stats: Stats::default(),
            }),
            room: watch::Sender::new(0),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.state.lock();
        Stats {
            sessions: state.sessions.len(),
            connections: state.sessions.values().filter(|s| s.online).count(),
            subscriptions: state.sessions.values().map(|s| s.filters.len()).sum(),
            queued: state.sessions.values().map(|s| s.session.held()).sum(),
            ..state.stats
        }
    }

    /// Tells when it is worth to offer a message again.
    pub(crate) fn room(&self) -> watch::Receiver<u64> {
        self.room.subscribe()
    }

    /// Gives a client its session, and takes it from whoever had it. `None` when there is no place for one more.
    pub(crate) fn attach(&self, connect: &Connect) -> (Welcome, Option<Lease>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.next_generation += 1;
        let generation = state.next_generation;

        let assigned_id =
            connect.client_id.is_empty().then(|| ByteString::from(format!("vlot-auto-{generation}")));
        let client_id = assigned_id.clone().unwrap_or_else(|| connect.client_id.to_string().into());

        let old = state.by_client.get(&client_id).copied();
        if let Some(slot) = old.and_then(|key| state.sessions.get(&key)) {
            slot.kick.notify_one();
        }
        if connect.clean_start
            && let Some(key) = old
        {
            self.remove_session(state, key);
        }
        let key = match state.by_client.get(&client_id).copied() {
            Some(key) => key,
            None if state.sessions.len() >= self.options.sessions_max => return (Welcome::Full, None),
            None => {
                state.next_key += 1;
                state.by_client.insert(client_id.clone(), state.next_key);
                state.sessions.insert(state.next_key, self.slot(client_id));
                state.next_key
            }
        };
        let session_present = old == Some(key);
        let session_expiry = connect.session_expiry.min(self.options.session_expiry);

        let Some(slot) = state.sessions.get_mut(&key) else { return (Welcome::Full, None) };
        slot.generation = generation;
        slot.online = true;
        slot.wake = Arc::default();
        slot.kick = Arc::default();
        slot.session.connected(connect.receive_max.min(self.options.in_flight_max));
        let (wake, kick) = (Arc::clone(&slot.wake), Arc::clone(&slot.kick));
        let welcome = Welcome::Accepted { session_present, assigned_id, session_expiry };
        (welcome, Some(Lease { key, generation, wake, kick, session_expiry }))
    }

    fn slot(&self, client_id: ByteString) -> Slot {
        let bounds =
            Bounds { messages: self.options.session_messages.max(1), bytes: self.options.session_bytes };
        Slot {
            client_id,
            session: Session::new(bounds),
            filters: Vec::new(),
            generation: 0,
            online: false,
            wake: Arc::default(),
            kick: Arc::default(),
            refused: false,
        }
    }

    /// The connection is gone; the session stays.
    pub(crate) fn detach(&self, lease: &Lease) {
        if let Ok(slot) = owned(&mut self.state.lock().sessions, lease) {
            slot.online = false;
        }
    }

    /// The session ends, unless somebody else has it by now.
    pub(crate) fn remove(&self, lease: &Lease) {
        let mut state = self.state.lock();
        if owned(&mut state.sessions, lease).is_ok() {
            self.remove_session(&mut state, lease.key);
        }
    }

    fn remove_session(&self, state: &mut State, key: Key) {
        let Some(slot) = state.sessions.remove(&key) else { return };
        state.by_client.remove(&slot.client_id);
        for filter in &slot.filters {
            state.tree.remove(filter, key);
        }
        state.stats.queued_bytes -= slot.session.bytes();
        let held = slot.session.held();
        if held > 0 {
            state.stats.expired += held as u64;
            tracing::info!(client = %slot.client_id, messages = held, "a session ended that still held messages");
        }
        // Whoever waited for this session waits for nothing.
        self.room.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Puts a message into every matching session, or into none: `false` asks to wait for room and to offer it again.
    pub(crate) fn route(&self, message: &Arc<Message>, from: &Lease) -> bool {
        let mut state = self.state.lock();
        let State { sessions, tree, targets, starved, stats, .. } = &mut *state;

        targets.clear();
        tree.matching(&message.topic, &mut |key, terms| {
            if !(terms.no_local && key == from.key) {
                targets.push((key, terms.at_least_once && message.at_least_once));
            }
        });
        // A client gets one copy, at the best of its subscriptions.
        targets.sort_unstable_by_key(|&(key, at_least_once)| (key, !at_least_once));
        targets.dedup_by_key(|&mut (key, _)| key);

        let bytes = message.bytes();
        let fits = stats.queued_bytes == 0
            || stats.queued_bytes + bytes * targets.len() <= self.options.memory_bytes;
        for (key, _) in targets.iter().filter(|(_, at_least_once)| *at_least_once) {
            let Some(slot) = sessions.get_mut(key) else { continue };
            let room = slot.session.has_room(bytes);
            slot.refused |= !room;
            *starved |= !fits;
            if !room || !fits {
                stats.held_back += 1;
                return false;
            }
        }

        stats.messages_in += 1;
        for &(key, at_least_once) in targets.iter() {
            let Some(slot) = sessions.get_mut(&key) else { continue };
            let room = slot.online && fits && slot.session.has_room(bytes);
            if !at_least_once && !room {
                stats.dropped_qos0 += 1;
                continue;
            }
            slot.session.push(Arc::clone(message), at_least_once);
            stats.queued_bytes += bytes;
            if slot.online {
                slot.wake.notify_one();
            }
        }
        true
    }

    /// Hands over what the client may get now, until `write` says that it is enough.
    pub(crate) fn deliver(
        &self,
        lease: &Lease,
        mut write: impl FnMut(&Delivery) -> Written,
    ) -> Result<(), Lost> {
        self.with_session(lease, |session, stats| {
            while let Some(delivery) = session.next() {
                let written = write(&delivery);
                match written {
                    Written::TooLarge => {
                        stats.dropped_oversized += 1;
                        delivery.packet_id.and_then(|id| session.acknowledged(id));
                    }
                    Written::Yes | Written::Last => stats.messages_out += 1,
                }
                if written == Written::Last {
                    break;
                }
            }
        })
    }

    /// The client has a message.
    pub(crate) fn acknowledged(&self, lease: &Lease, packet_id: std::num::NonZeroU16) -> Result<(), Lost> {
        self.with_session(lease, |session, _| {
            if session.acknowledged(packet_id).is_none() {
                tracing::debug!(%packet_id, "a client acknowledged what it was not sent");
            }
        })
    }

    /// Works on a session, and tells those who wait when that made room.
    fn with_session(&self, lease: &Lease, work: impl FnOnce(&mut Session, &mut Stats)) -> Result<(), Lost> {
        let mut guard = self.state.lock();
        let State { sessions, stats, starved, .. } = &mut *guard;
        let slot = owned(sessions, lease)?;
        let before = slot.session.bytes();
        work(&mut slot.session, stats);
        stats.queued_bytes = stats.queued_bytes + slot.session.bytes() - before;
        let mut relieved = slot.refused && slot.session.half_empty();
        slot.refused &= !relieved;
        if *starved && stats.queued_bytes <= self.options.memory_bytes / 2 {
            *starved = false;
            relieved = true;
        }
        drop(guard);
        if relieved {
            self.room.send_modify(|n| *n = n.wrapping_add(1));
        }
        Ok(())
    }

    /// Adds subscriptions; each has its own answer.
    pub(crate) fn subscribe(&self, lease: &Lease, wanted: &[Wanted]) -> Result<Vec<Granted>, Lost> {
        let mut state = self.state.lock();
        let mut granted = Vec::with_capacity(wanted.len());
        for w in wanted {
            let State { sessions, tree, .. } = &mut *state;
            let slot = owned(sessions, lease)?;
            let known = slot.filters.iter().any(|f| **f == *w.filter);
            granted.push(match () {
                () if shared_filter(&w.filter) => Granted::NoSharing,
                () if !valid_filter(&w.filter) => Granted::BadFilter,
                () if !known && slot.filters.len() >= self.options.subscriptions_max => Granted::TooMany,
                () if w.at_least_once => Granted::Qos1,
                () => Granted::Qos0,
            });
            if let Some(Granted::Qos0 | Granted::Qos1) = granted.last() {
                if !known {
                    slot.filters.push((*w.filter).into());
                }
                let terms = Terms { at_least_once: w.at_least_once, no_local: w.no_local };
                tree.insert(&w.filter, lease.key, terms);
            }
        }
        Ok(granted)
    }

    /// Removes subscriptions; tells of each whether there was one.
    pub(crate) fn unsubscribe(&self, lease: &Lease, filters: &[ByteString]) -> Result<Vec<bool>, Lost> {
        let mut state = self.state.lock();
        let mut existed = Vec::with_capacity(filters.len());
        for filter in filters {
            owned(&mut state.sessions, lease)?.filters.retain(|f| **f != **filter);
            existed.push(valid_filter(filter) && state.tree.remove(filter, lease.key));
        }
        Ok(existed)
    }
}

/// How the writing of a delivery went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Yes,
    /// Written, and enough for now.
    Last,
    /// The client takes no packet of that size: it can never be delivered.
    TooLarge,
}

fn owned<'a>(sessions: &'a mut FxHashMap<Key, Slot>, lease: &Lease) -> Result<&'a mut Slot, Lost> {
    sessions.get_mut(&lease.key).filter(|slot| slot.generation == lease.generation).ok_or(Lost)
}
