//! The thread that writes the file: takes what has come, in one transaction, and tries again for as long as that fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{HistoryRecord, Meters, Timestamp};

use super::file::{FileError, HistoryFile, Retention, move_aside};
use super::queue::Queue;
use super::trouble::Fares;

/// Records of one transaction; one batch may make it larger.
const TRANSACTION: usize = 20_000;
/// Between two removals of what is too old, by the records' own time.
const RETIRE_EVERY: Duration = Duration::from_hours(1);

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) retention: Retention,
    pub(super) retry_every: Duration,
    pub(super) queue: Arc<Queue>,
    pub(super) fares: Arc<Fares>,
    pub(super) meters: Arc<Meters>,
}

impl Writer {
    /// Runs until the queue is closed and all of it is on disk, or until it is closed while the disk fails.
    pub(super) fn run(self) {
        let mut file = None;
        let mut newest = Timestamp::EPOCH;
        let mut retired = Timestamp::EPOCH;
        // The file is made, and found damaged, before there is anything to write.
        self.attempt(&mut file, &[]);
        while let Some(first) = self.queue.take() {
            let mut batches = vec![first];
            let mut records = batches.iter().map(|b| b.len()).sum::<usize>();
            while records < TRANSACTION {
                let Some(batch) = self.queue.take_within(Duration::ZERO) else { break };
                records += batch.len();
                batches.push(batch);
            }
            while !self.attempt(&mut file, &batches) {
                if !self.queue.pause(self.retry_every) {
                    continue;
                }
                if self.attempt(&mut file, &batches) {
                    break;
                }
                let lost = records as u64 + self.queue.abandon();
                self.meters.history_lost.add(lost);
                tracing::error!(lost, "the history ends with records that could not be written");
                return;
            }
            newest =
                batches.iter().flat_map(|b| b.iter()).map(|r| r.start).max().unwrap_or(newest).max(newest);
            if newest.since(retired) >= RETIRE_EVERY
                && let Some(open) = &mut file
            {
                retired = newest;
                if let Err(error) = open.retire(newest, self.retention) {
                    tracing::warn!(%error, "old records of the history stay");
                }
            }
        }
        if let Some(Err(error)) = file.map(HistoryFile::close) {
            tracing::warn!(%error, "the history's log stays beside it");
        }
    }

    /// Writes, and opens the file first where it is not. A damaged file makes room for a new one.
    fn attempt(&self, file: &mut Option<HistoryFile>, batches: &[Arc<[HistoryRecord]>]) -> bool {
        // A second time, when the first has moved a damaged file aside.
        for _ in 0..2 {
            let written = match file {
                Some(open) => open.write(batches.iter().flat_map(|b| b.iter())),
                None => HistoryFile::open(&self.path)
                    .and_then(|opened| file.insert(opened).write(batches.iter().flat_map(|b| b.iter()))),
            };
            match written {
                Ok(records) => {
                    self.meters.history_written.add(records);
                    if self.fares.works() {
                        tracing::info!("the history is written again");
                    }
                    return true;
                }
                Err(error @ FileError::Damaged { .. }) => {
                    *file = None;
                    if !self.make_room(&error) {
                        return false;
                    }
                }
                Err(error @ FileError::Failing { .. }) => {
                    // What fails may be the hold on the file itself.
                    *file = None;
                    self.fails(error.to_string());
                    return false;
                }
            }
        }
        false
    }

    fn make_room(&self, error: &FileError) -> bool {
        match move_aside(&self.path, self.fares.now()) {
            Ok(aside) => {
                let what = format!("{error}; it is kept as {}, and a new one is begun", aside.display());
                tracing::error!(%what, "the history's past is lost to readers");
                self.fares.damaged(what);
                true
            }
            Err(e) => {
                self.fails(format!("{error}, and cannot be moved aside: {e}"));
                false
            }
        }
    }

    fn fails(&self, what: String) {
        if self.fares.fails(what.clone()) {
            tracing::error!(%what, "the history cannot be written; the engine goes on, and it is tried again");
        }
    }
}
