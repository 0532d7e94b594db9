//! The journal: everything that was admitted, in the order of its ticks, durable before it is acknowledged.
//!
//! A directory of segment files, each beginning with the era in force, so that old ones can be removed and each can be
//! read by itself. One thread writes: it takes all that has arrived, writes it at once, syncs, and acknowledges it
//! (group commit). `docs/journal.md` describes the bytes.

mod disk;
mod error;
mod frame;
mod reader;
mod record;
mod recover;
mod reserve;
mod segment;
mod shelf;
mod wire;
mod wire_roads;
mod writer;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use prost::Message;
use tokio::sync::{mpsc, oneshot, watch};
use vlot_model::{Clock, Receipt, Tick};

pub use disk::{Disk, DiskFile, RealDisk};
pub use error::{AppendError, JournalError};
pub use reader::Reader;
pub use record::{Era, Record};
pub use recover::{OnDamage, Recovered, Skipped};
pub use writer::State;

use shelf::{Retention, Shelf};
use writer::{Closing, Item, Means, Writer};

/// How a journal is kept.
#[derive(Clone)]
pub struct Options {
    /// A segment is closed at this size; a single record may make it larger.
    pub segment_bytes: u64,
    /// Records that may wait for the disk; then appenders wait too.
    pub queue: usize,
    /// Waits this long for more before each commit; acknowledgements wait as long. Zero never waits.
    pub commit_every: Duration,
    /// Time between two attempts while the disk fails.
    pub retry_every: Duration,
    /// Segments whose newest record is older than this are removed; `None` keeps all.
    pub keep: Option<Duration>,
    /// The oldest segments are removed when all take more than this; `None` keeps all.
    pub max_bytes: Option<u64>,
    /// What to do when the newest segment is damaged.
    pub on_damage: OnDamage,
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The engine's clock, for the instants in [`State`].
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// Segments of 64 MiB, all kept; no waiting.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Options {
            segment_bytes: 64 << 20,
            queue: 1_024,
            commit_every: Duration::ZERO,
            retry_every: Duration::from_secs(1),
            keep: None,
            max_bytes: None,
            on_damage: OnDamage::Refuse,
            disk: Arc::new(RealDisk),
            clock,
        }
    }
}

/// An open journal, for the one that admits. Dropping it is closing it, with the errors lost.
pub struct Journal {
    queue: Option<mpsc::Sender<Item>>,
    closing: Arc<Closing>,
    state: watch::Receiver<State>,
    ended: Option<oneshot::Receiver<Result<(), JournalError>>>,
    thread: Option<JoinHandle<()>>,
    scratch: wire::Entry,
    last_tick: Tick,
    /// How many devices the era names.
    devices: Option<usize>,
}

impl Journal {
    /// Opens the journal in `dir`, or begins one, and starts its thread. What a crash left half written is removed.
    ///
    /// # Errors
    /// When the directory cannot be written to, is in use by another engine, or its newest segment is damaged.
    pub fn open(dir: &Path, options: Options) -> Result<(Journal, Recovered), JournalError> {
        let disk = options.disk;
        disk.create_dir(dir).map_err(|e| JournalError::io("create", dir, e))?;
        let lock_file = dir.join("lock");
        let lock = disk.lock(&lock_file).map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => JournalError::Locked { dir: dir.to_owned() },
            _ => JournalError::io("lock", &lock_file, e),
        })?;
        let found = recover::recover(&*disk, dir, options.on_damage)?;
        let retention = Retention { keep: options.keep, max_bytes: options.max_bytes };
        let sealed =
            if retention.keeps_all() { VecDeque::new() } else { recover::sealed(&*disk, dir, &found)? };
        let mut shelf = Shelf::new(Arc::clone(&disk), dir, options.segment_bytes, retention);
        shelf.resume(sealed, found.current, found.previous, found.progress);
        shelf.prepare()?;
        shelf.retire();

        let (queue, items) = mpsc::channel(options.queue.max(1));
        let (state, fares) = watch::channel(State::Ok);
        let (ended, end) = oneshot::channel();
        let closing = Arc::new(Closing::default());
        let writer = Writer {
            queue: items,
            shelf,
            closing: Arc::clone(&closing),
            state,
            clock: options.clock,
            commit_every: options.commit_every,
            retry_every: options.retry_every,
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("vlot-journal".to_owned())
            .spawn(move || {
                // Nobody listens after a drop.
                drop(ended.send(writer.run()));
            })
            .map_err(|e| JournalError::Thread { what: e.to_string() })?;
        let recovered = found.recovered;
        let journal = Journal {
            queue: Some(queue),
            closing,
            state: fares,
            ended: Some(end),
            thread: Some(thread),
            scratch: wire::Entry::default(),
            last_tick: recovered.last_tick,
            devices: recovered.era.as_ref().map(|era| era.devices.len()),
        };
        Ok((journal, recovered))
    }

    /// Appends a record. Waits while the queue is full: that holds back the intake. The receipts are acknowledged once
    /// the record is on disk. Cancelled while it waits, it has done nothing.
    ///
    /// # Errors
    /// When the record cannot follow those before it, or the journal has ended. Its receipts are dropped.
    pub async fn append(&mut self, record: Record, receipts: Vec<Receipt>) -> Result<(), AppendError> {
        let queue = self.queue.clone().ok_or(AppendError::Closed)?;
        let place = queue.reserve().await.map_err(|_| AppendError::Closed)?;
        place.send(self.item(record, receipts)?);
        Ok(())
    }

    /// The same for a thread outside of any async runtime.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_blocking(&mut self, record: Record, receipts: Vec<Receipt>) -> Result<(), AppendError> {
        let queue = self.queue.clone().ok_or(AppendError::Closed)?;
        let item = self.item(record, receipts)?;
        queue.blocking_send(item).map_err(|_| AppendError::Closed)
    }

    /// How it fares; the receiver can be cloned and waited on.
    #[must_use]
    pub fn state(&self) -> &watch::Receiver<State> {
        &self.state
    }

    /// Writes what was appended, and ends. While the disk fails there is one more attempt and then an error: the
    /// receipts of what is unwritten are dropped, so that their messages come again.
    ///
    /// # Errors
    /// When records stay unwritten.
    pub async fn close(mut self) -> Result<(), JournalError> {
        let ended = self.end();
        let result = match ended {
            Some(ended) => ended.await.unwrap_or_else(|_| Err(panicked())),
            None => Ok(()),
        };
        self.join();
        result
    }

    /// The same for a thread outside of any async runtime.
    ///
    /// # Errors
    /// As [`Journal::close`].
    pub fn close_blocking(mut self) -> Result<(), JournalError> {
        match self.end() {
            Some(ended) => ended.blocking_recv().unwrap_or_else(|_| Err(panicked())),
            None => Ok(()),
        }
    }

    fn item(&mut self, record: Record, receipts: Vec<Receipt>) -> Result<Item, AppendError> {
        let (payload, means) = match record {
            Record::Era(era) => {
                let entry = wire::Entry { era: Some((&era).into()), ..wire::Entry::default() };
                (entry.encode_to_vec(), Means::Era(Arc::new(era)))
            }
            Record::Batch { tick, at, readings } => {
                // The last tick of all could have no successor.
                if tick <= self.last_tick || tick == Tick::MAX {
                    return Err(AppendError::OutOfOrder { tick, last: self.last_tick });
                }
                let devices = self.devices.ok_or(AppendError::NoEra)?;
                if let Some(unknown) = readings.iter().find(|r| r.device.at() >= devices) {
                    return Err(AppendError::UnknownDevice { device: unknown.device.0, devices });
                }
                self.scratch.set_batch(tick, at, &readings);
                (self.scratch.encode_to_vec(), Means::Batch { tick, at })
            }
        };
        // A segment's head holds the era too, and a little more.
        let max = frame::PAYLOAD_BYTES_MAX - 1_024;
        if payload.len() > max {
            return Err(AppendError::TooLarge { bytes: payload.len(), max });
        }
        match &means {
            Means::Era(era) => self.devices = Some(era.devices.len()),
            Means::Batch { tick, .. } => self.last_tick = *tick,
        }
        Ok(Item { payload, means, receipts })
    }

    /// Lets the writer run out.
    fn end(&mut self) -> Option<oneshot::Receiver<Result<(), JournalError>>> {
        self.queue = None;
        self.closing.close();
        self.ended.take()
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's thread panicked");
        }
    }
}

fn panicked() -> JournalError {
    JournalError::Thread { what: "it panicked".to_owned() }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end();
        self.join();
    }
}
