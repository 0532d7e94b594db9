//! What an engine finds when it starts: how far the journal has come, and what a crash tore.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vlot_model::{Tick, Timestamp};

use super::disk::{Disk, DiskFile, read_full, write_all};
use super::error::JournalError;
use super::frame::{self, Scanner, Step};
use super::record::{Era, Record};
use super::segment::{self, Opened, Previous, Progress};
use super::shelf::{Current, Sealed};
use super::wire::{Entry, Said};

/// What to do where the journal's bytes are not what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// Stop with an error.
    #[default]
    Refuse,
    /// Pass over the damaged part, and report it.
    SkipOver,
}

/// A part that was passed over because it is damaged or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The segment.
    pub file: PathBuf,
    /// The first byte that was left out.
    pub from: u64,
    /// The first byte that was read again.
    pub to: u64,
    /// What is wrong there.
    pub what: String,
}

/// How far a journal had come when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The newest tick; 0 in an empty journal. Ticks go on from there.
    pub last_tick: Tick,
    /// The newest tick's instant.
    pub last_at: Option<Timestamp>,
    /// The era in force.
    pub era: Option<Era>,
    /// Bytes of a write that a crash tore; none of them had been acknowledged.
    pub torn_bytes: u64,
    /// What was passed over; empty unless [`OnDamage::SkipOver`] was asked for.
    pub skipped: Vec<Skipped>,
}

pub(super) struct Found {
    pub(super) recovered: Recovered,
    pub(super) progress: Progress,
    pub(super) current: Option<Current>,
    pub(super) previous: Option<Previous>,
}

/// Reads the newest segment, makes all of it durable and blanks what was torn off its end.
pub(super) fn recover(disk: &dyn Disk, dir: &Path, on_damage: OnDamage) -> Result<Found, JournalError> {
    let Some(&first_tick) = segment::list(disk, dir)?.last() else {
        return Ok(Found {
            recovered: Recovered::default(),
            progress: Progress::default(),
            current: None,
            previous: None,
        });
    };
    let path = segment::path(dir, first_tick);
    let opened = segment::open(disk, &path, true)?;
    let previous = opened.previous;
    let mut scan = Scan::new(&path, opened);
    scan.run(on_damage)?;
    let Scan { scanner, mut progress, has_batches, skipped, torn, .. } = scan;
    let end = scanner.offset();
    let file = scanner.into_file();
    // A damaged file is left as it is, to whoever can mend it.
    if skipped.is_empty() {
        rewrite(&*file, end, torn).map_err(|e| JournalError::io("write", &path, e))?;
    }
    file.sync_data().map_err(|e| JournalError::io("sync", &path, e))?;
    disk.sync_dir(dir).map_err(|e| JournalError::io("sync", dir, e))?;
    if torn > 0 {
        tracing::warn!(file = %path.display(), end, torn, "cut off a write that had not been finished");
    }
    let mut found = Found {
        recovered: Recovered { torn_bytes: torn, ..Recovered::default() },
        progress: Progress::default(),
        current: None,
        previous: None,
    };
    if skipped.is_empty() {
        found.current = Some(Current { file, first_tick, previous, end, has_batches, trusted: true });
    } else {
        // Writing goes on in a new segment, which needs a name of its own.
        progress.last_tick = progress.last_tick.max(first_tick);
        found.previous = Some(Previous { first_tick, end });
    }
    found.recovered.last_tick = progress.last_tick;
    found.recovered.last_at = progress.last_at;
    found.recovered.era = progress.era.as_deref().cloned();
    found.recovered.skipped = skipped;
    found.progress = progress;
    Ok(found)
}

/// What a write that was never synced left in the page cache can look durable without being so, after a failed
/// fdatasync even past the next one. Written again, it is.
fn rewrite(file: &dyn DiskFile, end: u64, torn: u64) -> std::io::Result<()> {
    let mut chunk = vec![0; 1 << 20];
    let mut at = 0;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(chunk.len());
        let read = read_full(file, &mut chunk[..wanted], at)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        write_all(file, &chunk[..read], at)?;
        at += read as u64;
    }
    chunk.fill(0);
    while at < end + torn {
        let wanted = usize::try_from(end + torn - at).unwrap_or(usize::MAX).min(chunk.len());
        write_all(file, &chunk[..wanted], at)?;
        at += wanted as u64;
    }
    Ok(())
}

/// Reads the newest segment to its end.
struct Scan<'a> {
    path: &'a Path,
    scanner: Scanner,
    progress: Progress,
    entry: Entry,
    has_batches: bool,
    skipped: Vec<Skipped>,
    torn: u64,
}

impl<'a> Scan<'a> {
    fn new(path: &'a Path, opened: Opened) -> Self {
        Scan {
            path,
            scanner: opened.scanner,
            progress: opened.progress,
            entry: Entry::default(),
            has_batches: false,
            skipped: Vec::new(),
            torn: 0,
        }
    }

    fn run(&mut self, on_damage: OnDamage) -> Result<(), JournalError> {
        loop {
            let (offset, what) =
                match self.scanner.next().map_err(|e| JournalError::io("read", self.path, e))? {
                    Step::Frame { offset, payload } => match self.entry.read(payload) {
                        Ok(Said::Record(record)) => match self.progress.advance(record) {
                            Ok(batch) => {
                                self.has_batches |= batch;
                                continue;
                            }
                            Err(what) => return Err(JournalError::damaged(self.path, offset, what)),
                        },
                        Ok(Said::Head(_)) => {
                            return Err(JournalError::damaged(self.path, offset, "a second head"));
                        }
                        Err(what) => return Err(JournalError::damaged(self.path, offset, what)),
                    },
                    Step::Stop { offset, what } => (offset, what),
                };
            let rest = self.scanner.rest(offset).map_err(|e| JournalError::io("read", self.path, e))?;
            if frame::find(&rest, true, self.progress.last_tick).is_none() {
                // Nothing was written after this: at most a torn write, of which nothing was acknowledged.
                self.torn = rest.len() as u64;
                return Ok(());
            }
            let what = what.unwrap_or("blank bytes before later records").to_owned();
            if on_damage == OnDamage::Refuse {
                return Err(JournalError::damaged(self.path, offset, what));
            }
            let next = frame::find(&rest, false, self.progress.last_tick).unwrap_or(rest.len());
            let to = offset + next as u64;
            tracing::warn!(file = %self.path.display(), from = offset, to, %what, "passed over damaged records");
            self.skipped.push(Skipped { file: self.path.to_owned(), from: offset, to, what });
            self.scanner.seek(to);
        }
    }
}

impl Progress {
    /// Takes a record into account; says whether it was a batch.
    fn advance(&mut self, record: Record) -> Result<bool, String> {
        match record {
            Record::Era(era) => {
                self.era = Some(Arc::new(era));
                Ok(false)
            }
            Record::Batch { tick, .. } if tick <= self.last_tick => {
                Err(format!("tick {tick} does not come after tick {}", self.last_tick))
            }
            Record::Batch { tick, at, .. } => {
                self.last_tick = tick;
                self.last_at = Some(at);
                Ok(true)
            }
        }
    }
}

/// The segments that are written to no more, with what a retention needs to know of them.
pub(super) fn sealed(disk: &dyn Disk, dir: &Path, found: &Found) -> Result<VecDeque<Sealed>, JournalError> {
    let mut sealed = VecDeque::new();
    let current = found.current.as_ref().map(|c| c.first_tick);
    let mut last_at = found.progress.last_at;
    for first_tick in segment::list(disk, dir)?.into_iter().rev() {
        let path = segment::path(dir, first_tick);
        let opened = segment::open(disk, &path, false)?;
        if Some(first_tick) != current {
            let bytes = opened.scanner.file().size().map_err(|e| JournalError::io("read", &path, e))?;
            sealed.push_front(Sealed { first_tick, bytes, last_at });
        }
        // Where a segment began, the one before it had ended.
        last_at = opened.progress.last_at;
    }
    Ok(sealed)
}
