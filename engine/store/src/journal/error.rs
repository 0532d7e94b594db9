//! What can go wrong: what, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use vlot_model::Tick;

/// Why a journal could not be opened, read or closed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot {doing} {}: {error} ({})", path.display(), hint(error))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// Another engine writes there.
    #[error(
        "the journal {} is in use: another engine holds its lock (stop that one, or give this one its own data directory)",
        dir.display()
    )]
    Locked {
        /// The journal's directory.
        dir: PathBuf,
    },
    /// Bytes that were once durable no longer are what they were.
    #[error(
        "{} is damaged at byte {offset}: {what} (restore the file from a backup, or have the damaged part skipped)",
        file.display()
    )]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The file is no segment of a journal, or one of a later format.
    #[error("{} cannot be read: {what}", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Why not.
        what: String,
    },
    /// The writer was closed while the disk failed; nothing of these records was acknowledged.
    #[error("closed with {records} records unwritten and unacknowledged: {what}")]
    Unwritten {
        /// How many.
        records: usize,
        /// The last failure.
        what: String,
    },
    /// The writer's thread could not be started, or ended by a panic.
    #[error("the journal's thread failed: {what}")]
    Thread {
        /// How.
        what: String,
    },
}

impl JournalError {
    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        JournalError::Io { doing, path: path.to_owned(), error }
    }

    pub(super) fn damaged(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        JournalError::Damaged { file: file.to_owned(), offset, what: what.into() }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space on that disk",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: remount it for writing",
        io::ErrorKind::PermissionDenied => {
            "the engine's user may not do this there: change the owner or the mode"
        }
        io::ErrorKind::NotFound => "does the directory exist?",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "the path names a file, not a directory"
        }
        _ => "the kernel's log says more about that disk",
    }
}

/// Why a record was not taken. Its receipts are dropped, so its messages come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Ticks grow strictly over the life of a journal, from 1.
    #[error("tick {tick} does not come after tick {last}")]
    OutOfOrder {
        /// The batch's tick.
        tick: Tick,
        /// The newest tick before it.
        last: Tick,
    },
    /// Device indices mean nothing before an era has named the devices.
    #[error("a batch came before any era")]
    NoEra,
    /// The era names fewer devices.
    #[error("a reading of device {device}, but the era names {devices} devices")]
    UnknownDevice {
        /// The reading's device index.
        device: u32,
        /// How many devices the era names.
        devices: usize,
    },
    /// One record must fit one frame.
    #[error("the record takes {bytes} bytes, more than {max}: split the batch")]
    TooLarge {
        /// Its size, encoded.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The writer has ended.
    #[error("the journal is closed")]
    Closed,
}
