//! The segments on disk: where the next bytes go, when a new segment begins, which old ones leave.
//!
//! After a failed fdatasync the page cache cannot be trusted: the kernel has marked the pages clean and the next
//! fdatasync reports success without having written them (Rebello et al., "Can Applications Recover from fsync
//! Failures?", USENIX ATC 2020). So the bytes go into a new segment, whose head says where the old one ends.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{Tick, Timestamp};

use super::disk::{Disk, DiskFile, write_all};
use super::error::JournalError;
use super::reserve::{Reserve, Trouble};
use super::segment::{self, Previous, Progress};

/// What may stay on disk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retention {
    pub(super) keep: Option<Duration>,
    pub(super) max_bytes: Option<u64>,
}

impl Retention {
    pub(super) fn keeps_all(self) -> bool {
        self.keep.is_none() && self.max_bytes.is_none()
    }
}

/// The segment that is written to.
pub(super) struct Current {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) first_tick: Tick,
    pub(super) previous: Option<Previous>,
    /// Everything before is durable.
    pub(super) end: u64,
    /// A segment without a batch is never succeeded, only replaced: its successor would have its name.
    pub(super) has_batches: bool,
    /// False after an error that leaves open what the file holds.
    pub(super) trusted: bool,
}

/// A segment that is written to no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) first_tick: Tick,
    pub(super) bytes: u64,
    /// The instant of its last batch.
    pub(super) last_at: Option<Timestamp>,
}

pub(super) struct Shelf {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment_bytes: u64,
    retention: Retention,
    sealed: VecDeque<Sealed>,
    current: Option<Current>,
    /// What stands before the next segment while there is no current one.
    previous: Option<Previous>,
    progress: Progress,
    reserve: Reserve,
}

impl Shelf {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, segment_bytes: u64, retention: Retention) -> Self {
        Shelf {
            reserve: Reserve::new(dir, segment_bytes),
            disk,
            dir: dir.to_owned(),
            segment_bytes,
            retention,
            sealed: VecDeque::new(),
            current: None,
            previous: None,
            progress: Progress::default(),
        }
    }

    /// Goes on from what a recovery found.
    pub(super) fn resume(
        &mut self,
        sealed: VecDeque<Sealed>,
        current: Option<Current>,
        previous: Option<Previous>,
        progress: Progress,
    ) {
        self.sealed = sealed;
        self.current = current;
        self.previous = previous;
        self.progress = progress;
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Makes the first segment's file, so that a disk that is too full is seen before anything is admitted.
    pub(super) fn prepare(&mut self) -> Result<(), JournalError> {
        if self.current.is_none() { self.reserve.make_ready(&*self.disk) } else { Ok(()) }
    }

    /// Makes `bytes` durable. After an error nothing has happened, and the same bytes may be tried again.
    pub(super) fn commit(&mut self, bytes: &[u8], after: &Progress) -> Result<(), JournalError> {
        let room = self.segment_bytes.saturating_sub(bytes.len() as u64);
        let current = match &mut self.current {
            Some(c) if c.trusted && (c.end <= room || !c.has_batches) => c,
            _ => {
                let new = self.begin_segment()?;
                self.seal();
                self.current.insert(new)
            }
        };
        let path = segment::path(&self.dir, current.first_tick);
        if let Err(e) = write_all(&*current.file, bytes, current.end) {
            // What keeps the disk from taking bytes now need not keep it later: the same place again. Any other
            // error may be this file's own.
            current.trusted = matches!(
                e.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem
            );
            return Err(JournalError::io("write", &path, e));
        }
        if let Err(e) = current.file.sync_data() {
            current.trusted = false;
            return Err(JournalError::io("sync", &path, e));
        }
        current.end += bytes.len() as u64;
        current.has_batches |= after.last_tick > self.progress.last_tick;
        self.progress.clone_from(after);
        Ok(())
    }

    /// Makes the next segment, durably; after an error the current one is as it was.
    fn begin_segment(&mut self) -> Result<Current, JournalError> {
        let next = |last_tick: Tick| last_tick.saturating_add(1);
        let (first_tick, previous) = match &self.current {
            Some(c) if c.has_batches => {
                (next(self.progress.last_tick), Some(Previous { first_tick: c.first_tick, end: c.end }))
            }
            Some(c) => (c.first_tick, c.previous),
            None => (next(self.progress.last_tick), self.previous),
        };
        let file = self.reserve.take(&*self.disk)?;
        let beginning = segment::beginning(previous, &self.progress);
        let (from, to) = (self.reserve.path(), segment::path(&self.dir, first_tick));
        write_all(&*file, &beginning, 0).map_err(|e| JournalError::io("write", from, e))?;
        file.sync_data().map_err(|e| JournalError::io("sync", from, e))?;
        self.disk.rename(from, &to).map_err(|e| JournalError::io("rename", from, e))?;
        self.disk.sync_dir(&self.dir).map_err(|e| JournalError::io("sync", &self.dir, e))?;
        let end = beginning.len() as u64;
        Ok(Current { file, first_tick, previous, end, has_batches: false, trusted: true })
    }

    /// The current segment has a successor. One without batches was replaced, and is no more.
    fn seal(&mut self) {
        if let Some(c) = self.current.take().filter(|c| c.has_batches) {
            let bytes = self.segment_bytes.max(c.end);
            self.sealed.push_back(Sealed { first_tick: c.first_tick, bytes, last_at: self.progress.last_at });
        }
    }

    /// Prepares a piece of the next segment: while there is nothing else to do, or when it would come too late.
    pub(super) fn step_reserve(&mut self, idle: bool, now: Timestamp) {
        let written = self.current.as_ref().map_or(0, |c| c.end);
        if idle || self.reserve.filled() < written.saturating_mul(2) {
            self.reserve.step(&*self.disk, now);
        }
    }

    /// What keeps the next segment from being prepared.
    pub(super) fn reserve_trouble(&self) -> Option<&Trouble> {
        self.reserve.trouble()
    }

    /// Removes the oldest segments that nothing asks to keep; never the one that is written to.
    pub(super) fn retire(&mut self) {
        if self.retention.keeps_all() {
            return;
        }
        let Retention { keep, max_bytes } = self.retention;
        let newest = self.progress.last_at.unwrap_or_default();
        let mut bytes = self.sealed.iter().map(|s| s.bytes).sum::<u64>() + 2 * self.segment_bytes;
        while let Some(oldest) = self.sealed.front().copied() {
            let old = keep.is_some_and(|keep| oldest.last_at.is_none_or(|at| newest.since(at) > keep));
            let heavy = max_bytes.is_some_and(|max| bytes > max);
            if !old && !heavy {
                return;
            }
            let path = segment::path(&self.dir, oldest.first_tick);
            match self.disk.remove(&path) {
                Ok(()) => tracing::info!(file = %path.display(), "removed the journal's oldest segment"),
                // It is tried again at the next start; until then it only takes space.
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "cannot remove the journal's oldest segment")
                }
            }
            bytes -= oldest.bytes;
            self.sealed.pop_front();
        }
    }
}
