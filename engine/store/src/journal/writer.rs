//! The one thread that writes: takes all that has arrived, makes it durable, then acknowledges it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{mpsc, watch};
use vlot_model::{Clock, Receipt, Tick, Timestamp};

use super::error::JournalError;
use super::frame;
use super::record::Era;
use super::segment::Progress;
use super::shelf::Shelf;

/// A group that is this long takes no more records in.
const GROUP_BYTES: usize = 1 << 20;

/// How the journal fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Ok,
    /// Records are written and acknowledged, but the next segment cannot be prepared: the disk is nearly full.
    NoReserve {
        /// What the disk says, and what to do.
        what: String,
        /// Since when, by the engine's clock.
        since: Timestamp,
    },
    /// Nothing is written nor acknowledged; it is tried again and again, and appenders wait meanwhile.
    Failing {
        /// What the disk says, and what to do.
        what: String,
        /// Since when, by the engine's clock.
        since: Timestamp,
    },
}

/// A record on its way to the disk.
pub(super) struct Item {
    pub(super) payload: Vec<u8>,
    pub(super) means: Means,
    pub(super) receipts: Vec<Receipt>,
}

/// What a record changes of the journal's progress.
pub(super) enum Means {
    Era(Arc<Era>),
    Batch { tick: Tick, at: Timestamp },
}

/// Tells the writer that it is to end, even in the middle of a wait.
#[derive(Default)]
pub(super) struct Closing {
    closing: Mutex<bool>,
    changed: Condvar,
}

impl Closing {
    pub(super) fn close(&self) {
        *self.closing.lock() = true;
        self.changed.notify_all();
    }

    /// Waits that long, or until it is time to end; says whether it is.
    fn wait(&self, duration: Duration) -> bool {
        let mut closing = self.closing.lock();
        if !duration.is_zero() {
            self.changed.wait_while_for(&mut closing, |closing| !*closing, duration);
        }
        *closing
    }
}

#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    receipts: Vec<Receipt>,
    records: usize,
    after: Progress,
}

impl Group {
    fn take(&mut self, item: Item) {
        // The frame that the group's write begins with says so.
        frame::push(&mut self.bytes, self.records == 0, &item.payload);
        self.receipts.extend(item.receipts);
        self.records += 1;
        match item.means {
            Means::Era(era) => self.after.era = Some(era),
            Means::Batch { tick, at } => {
                self.after.last_tick = tick;
                self.after.last_at = Some(at);
            }
        }
    }
}

pub(super) struct Writer {
    pub(super) queue: mpsc::Receiver<Item>,
    pub(super) shelf: Shelf,
    pub(super) closing: Arc<Closing>,
    pub(super) state: watch::Sender<State>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) commit_every: Duration,
    pub(super) retry_every: Duration,
    /// Nobody else may open the directory while this is held.
    pub(super) _lock: Box<dyn Any + Send>,
}

impl Writer {
    /// Runs until every appender is gone and all that they appended is durable, or until it is told to end while
    /// the disk fails.
    pub(super) fn run(mut self) -> Result<(), JournalError> {
        let mut group = Group { after: self.shelf.progress().clone(), ..Group::default() };
        while let Some(first) = self.queue.blocking_recv() {
            group.take(first);
            if !self.commit_every.is_zero() {
                self.closing.wait(self.commit_every);
            }
            // What comes while these are taken is for the next group: it must not keep these from the disk.
            let mut arrived = self.queue.len();
            while arrived > 0 && group.bytes.len() < GROUP_BYTES {
                let Ok(item) = self.queue.try_recv() else { break };
                group.take(item);
                arrived -= 1;
            }
            self.commit(&mut group)?;
            self.shelf.retire();
            self.shelf.step_reserve(self.queue.is_empty(), self.clock.now());
            self.fares();
        }
        Ok(())
    }

    /// Makes a group durable, however long that takes, and acknowledges it.
    fn commit(&mut self, group: &mut Group) -> Result<(), JournalError> {
        let mut last_attempt = false;
        while let Err(error) = self.shelf.commit(&group.bytes, &group.after) {
            let what = error.to_string();
            if last_attempt {
                return Err(JournalError::Unwritten { records: group.records + self.queue.len(), what });
            }
            self.fails(what);
            last_attempt = self.closing.wait(self.retry_every);
        }
        self.fares();
        for receipt in group.receipts.drain(..) {
            receipt.acknowledge();
        }
        group.bytes.clear();
        group.records = 0;
        Ok(())
    }

    fn fares(&self) {
        let now = match self.shelf.reserve_trouble() {
            None => State::Ok,
            Some(t) => State::NoReserve { what: t.what.clone(), since: t.since },
        };
        self.state.send_if_modified(|state| {
            if matches!(state, State::Failing { .. }) {
                tracing::info!("the journal writes again");
            }
            let changed = *state != now;
            *state = now;
            changed
        });
    }

    fn fails(&self, what: String) {
        self.state.send_modify(|state| {
            let since = match state {
                State::Failing { since, .. } => *since,
                _ => {
                    tracing::error!(%what, "the journal cannot write: nothing is acknowledged until it can");
                    self.clock.now()
                }
            };
            *state = State::Failing { what, since };
        });
    }
}
