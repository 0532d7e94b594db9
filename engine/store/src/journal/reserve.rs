//! The next segment's file, made and filled with zeros ahead of time: writing into it needs no new space and no new
//! metadata (faster to sync), and a full disk shows one segment early.

use std::path::{Path, PathBuf};
use std::time::Duration;

use vlot_model::Timestamp;

use super::disk::{Disk, DiskFile, write_all};
use super::error::JournalError;

const STEP_BYTES: usize = 256 << 10;
const RETRY_EVERY: Duration = Duration::from_secs(1);
const NAME: &str = "next.reserve";

static ZEROS: [u8; STEP_BYTES] = [0; STEP_BYTES];

pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    file: Option<Box<dyn DiskFile>>,
    filled: u64,
    trouble: Option<Trouble>,
}

/// What keeps the reserve from being made, and since when.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) what: String,
    pub(super) since: Timestamp,
    tried_at: Timestamp,
}

impl Reserve {
    pub(super) fn new(dir: &Path, bytes: u64) -> Self {
        Reserve { path: dir.join(NAME), bytes, file: None, filled: 0, trouble: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn filled(&self) -> u64 {
        self.filled
    }

    pub(super) fn ready(&self) -> bool {
        self.file.is_some() && self.filled >= self.bytes
    }

    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// One small step towards a ready reserve, synced, so that no later sync has much to do.
    pub(super) fn step(&mut self, disk: &dyn Disk, now: Timestamp) {
        let failed_at = self.trouble.as_ref().filter(|_| self.file.is_none()).map(|t| t.tried_at);
        let waits = failed_at.is_some_and(|at| now >= at && now.since(at) < RETRY_EVERY);
        if self.ready() || waits {
            return;
        }
        match self.fill(disk, STEP_BYTES as u64).and_then(|()| self.sync()) {
            Ok(()) if self.ready() => self.trouble = None,
            Ok(()) => {}
            Err(e) => {
                self.discard(disk);
                let since = self.trouble.as_ref().map_or(now, |t| t.since);
                let what = e.to_string();
                if self.trouble.is_none() {
                    tracing::warn!(%what, "the journal's next segment cannot be prepared");
                }
                self.trouble = Some(Trouble { what, since, tried_at: now });
            }
        }
    }

    /// All steps at once.
    pub(super) fn make_ready(&mut self, disk: &dyn Disk) -> Result<(), JournalError> {
        if self.ready() {
            return Ok(());
        }
        self.fill(disk, self.bytes).and_then(|()| self.sync()).inspect_err(|_| self.discard(disk))
    }

    /// The file, blank, durable and of full size. It keeps the reserve's name until it is renamed.
    pub(super) fn take(&mut self, disk: &dyn Disk) -> Result<Box<dyn DiskFile>, JournalError> {
        self.make_ready(disk)?;
        self.trouble = None;
        self.filled = 0;
        match self.file.take() {
            Some(file) => Ok(file),
            None => disk.create(&self.path).map_err(|e| JournalError::io("create", &self.path, e)),
        }
    }

    /// Starts over: after an error nothing in the file is to be trusted, and what it took of a full disk is given back.
    fn discard(&mut self, disk: &dyn Disk) {
        self.file = None;
        self.filled = 0;
        if let Err(error) = disk.remove(&self.path) {
            tracing::debug!(%error, "the unfinished reserve stays until it is made again");
        }
    }

    fn fill(&mut self, disk: &dyn Disk, bytes: u64) -> Result<(), JournalError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                none.insert(disk.create(&self.path).map_err(|e| JournalError::io("create", &self.path, e))?)
            }
        };
        let until = self.filled.saturating_add(bytes).min(self.bytes);
        while self.filled < until {
            let step = usize::try_from(until - self.filled).unwrap_or(usize::MAX).min(STEP_BYTES);
            write_all(&**file, &ZEROS[..step], self.filled)
                .map_err(|e| JournalError::io("write", &self.path, e))?;
            self.filled += step as u64;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), JournalError> {
        match &self.file {
            Some(file) => file.sync_data().map_err(|e| JournalError::io("sync", &self.path, e)),
            None => Ok(()),
        }
    }
}
