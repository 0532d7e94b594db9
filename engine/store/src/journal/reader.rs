//! Reads a journal from its oldest record to its newest, also while an engine writes to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vlot_model::Tick;

use super::disk::{Disk, RealDisk};
use super::error::JournalError;
use super::frame::{self, Scanner, Step};
use super::record::{Era, Record};
use super::recover::{OnDamage, Skipped};
use super::segment::{self, Previous};
use super::wire::{Entry, Said};

/// Records in order, in bounded memory: a chunk of one segment and one record.
///
/// `None` is the end for now: a later call finds what was written since. What an engine is writing at this moment
/// may be seen before it is durable. After an error the reader is at its end for good.
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    on_damage: OnDamage,
    /// Segments that begin before this tick are left out.
    from: Tick,
    segment: Option<Segment>,
    /// Said, so that a segment's copy of it is not said again.
    era: Option<Arc<Era>>,
    last_tick: Tick,
    entry: Entry,
    skipped: Vec<Skipped>,
    failed: bool,
}

struct Segment {
    scanner: Scanner,
    path: PathBuf,
    first_tick: Tick,
    /// The segment after this one, once there is one.
    next: Option<Tick>,
    /// Here, records that come after a gap were seen: a second look decides whether the gap is one.
    suspect: Option<u64>,
}

impl Reader {
    /// Reads the journal in `dir`; stops at damage.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        Self::open_with(dir, Arc::new(RealDisk), OnDamage::Refuse)
    }

    /// The same on another file system, or past damage.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn open_with(dir: &Path, disk: Arc<dyn Disk>, on_damage: OnDamage) -> Result<Self, JournalError> {
        segment::list(&*disk, dir)?;
        Ok(Self::from_segment(0, dir, disk, on_damage))
    }

    /// Only what stands in the newest segment and in the one before it: all of a young journal.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn open_end(dir: &Path, disk: Arc<dyn Disk>, on_damage: OnDamage) -> Result<Self, JournalError> {
        let segments = segment::list(&*disk, dir)?;
        let from = segments.iter().rev().nth(1).or(segments.first()).copied().unwrap_or(0);
        Ok(Self::from_segment(from, dir, disk, on_damage))
    }

    fn from_segment(from: Tick, dir: &Path, disk: Arc<dyn Disk>, on_damage: OnDamage) -> Self {
        Reader {
            disk,
            dir: dir.to_owned(),
            on_damage,
            from,
            segment: None,
            era: None,
            last_tick: 0,
            entry: Entry::default(),
            skipped: Vec::new(),
            failed: false,
        }
    }

    /// What was passed over so far; empty unless [`OnDamage::SkipOver`] was asked for.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn advance(&mut self) -> Result<Option<Record>, JournalError> {
        loop {
            let Some(segment) = &mut self.segment else {
                let segments = segment::list(&*self.disk, &self.dir)?;
                let Some(first) = segments.into_iter().find(|tick| *tick >= self.from) else {
                    return Ok(None);
                };
                match self.enter(first, 0) {
                    Ok(None) => {}
                    Ok(era) => return Ok(era),
                    // The oldest segment left in this moment: then another one is the oldest.
                    Err(error) if segment::is_missing(&error) => {}
                    Err(error) => return Err(error),
                }
                continue;
            };
            let step = segment.scanner.next().map_err(|e| JournalError::io("read", &segment.path, e))?;
            let (offset, what) = match step {
                Step::Frame { offset, payload } => match self.entry.read(payload) {
                    Ok(Said::Record(Record::Batch { tick, .. })) if tick <= self.last_tick => {
                        (offset, Some(format!("tick {tick} does not come after tick {}", self.last_tick)))
                    }
                    Ok(Said::Record(record)) => {
                        match &record {
                            Record::Batch { tick, .. } => self.last_tick = *tick,
                            Record::Era(era) => self.era = Some(Arc::new(era.clone())),
                        }
                        return Ok(Some(record));
                    }
                    Ok(Said::Head(_)) => (offset, Some("a second head".to_owned())),
                    Err(what) => (offset, Some(what)),
                },
                Step::Stop { offset, what } => match self.stop(offset, what)? {
                    Stop::Again => continue,
                    Stop::Said(record) => return Ok(Some(record)),
                    Stop::End => return Ok(None),
                    Stop::Damaged(what) => (offset, Some(what)),
                },
            };
            self.pass_over(offset, what.unwrap_or_default())?;
        }
    }

    /// Where no frame follows: the segment's end, the journal's end, or damage.
    fn stop(&mut self, offset: u64, what: Option<&str>) -> Result<Stop, JournalError> {
        let Some(segment) = &mut self.segment else { return Ok(Stop::End) };
        let what = || what.unwrap_or("blank bytes before later records").to_owned();
        match (segment.scanner.limit(), segment.next) {
            (Some(limit), Some(next)) if offset >= limit => {
                return Ok(self.enter(next, offset - limit)?.map_or(Stop::Again, Stop::Said));
            }
            (Some(_), _) => return Ok(Stop::Damaged(what())),
            (None, _) => {}
        }
        if self.bound()? {
            return Ok(Stop::Again);
        }
        // The newest segment. Whatever was read ahead may be older than what was written since, and after an error
        // the writer may have put another file in its place.
        let Some(segment) = &mut self.segment else { return Ok(Stop::End) };
        let io = |e| JournalError::io("read", &segment.path, e);
        segment.scanner.set_file(self.disk.open(&segment.path, false).map_err(io)?);
        let rest = segment.scanner.rest(offset).map_err(io)?;
        if frame::find(&rest, true, self.last_tick).is_none() {
            return Ok(Stop::End);
        }
        // A write after this offset has begun, so everything before it is durable: look once more.
        if segment.suspect.replace(offset) == Some(offset) {
            Ok(Stop::Damaged(what()))
        } else {
            Ok(Stop::Again)
        }
    }

    /// Learns from the next segment, if there is one by now, where the current one ends.
    fn bound(&mut self) -> Result<bool, JournalError> {
        let Some(segment) = &mut self.segment else { return Ok(false) };
        let ticks = segment::list(&*self.disk, &self.dir)?;
        let Some(next) = ticks.into_iter().find(|tick| *tick > segment.first_tick) else { return Ok(false) };
        let path = segment::path(&self.dir, next);
        let previous = segment::open(&*self.disk, &path, false)?.previous;
        segment.next = Some(next);
        match previous {
            Some(Previous { first_tick, end }) if first_tick == segment.first_tick => {
                segment.scanner.set_limit(end)
            }
            _ => {
                let what = format!("the records between {} and it are gone", segment.path.display());
                if self.on_damage == OnDamage::Refuse {
                    return Err(JournalError::damaged(&path, 0, what));
                }
                self.skipped.push(Skipped { file: path, from: 0, to: 0, what });
                // Where it ends nothing says any more: where nothing follows.
                let rest = segment.scanner.rest(0).map_err(|e| JournalError::io("read", &segment.path, e))?;
                segment.scanner.set_limit(rest.len() as u64);
            }
        }
        Ok(true)
    }

    /// Goes on in the segment of that first tick, `seen` bytes behind its head: so much of it was read in the
    /// segment before, from a write that failed there and was done again here. Returns its era if that is news.
    fn enter(&mut self, first_tick: Tick, seen: u64) -> Result<Option<Record>, JournalError> {
        let path = segment::path(&self.dir, first_tick);
        let opened = segment::open(&*self.disk, &path, false)?;
        let mut scanner = opened.scanner;
        if seen > 0 {
            scanner.seek(scanner.offset() + seen);
        }
        // The oldest segment says how far the journal had come when those before it were still there.
        self.last_tick = self.last_tick.max(opened.progress.last_tick);
        self.segment = Some(Segment { scanner, path, first_tick, next: None, suspect: None });
        self.bound()?;
        match opened.progress.era {
            Some(era) if seen == 0 && self.era.as_ref() != Some(&era) => {
                self.era = Some(era.clone());
                Ok(Some(Record::Era(Era::clone(&era))))
            }
            _ => Ok(None),
        }
    }

    fn pass_over(&mut self, offset: u64, what: String) -> Result<(), JournalError> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        if self.on_damage == OnDamage::Refuse {
            return Err(JournalError::damaged(&segment.path, offset, what));
        }
        let rest = segment.scanner.rest(offset).map_err(|e| JournalError::io("read", &segment.path, e))?;
        let to = match (frame::find(&rest, false, self.last_tick), segment.scanner.limit()) {
            (Some(next), _) => offset + next as u64,
            (None, Some(limit)) => limit,
            (None, None) => offset + rest.len() as u64,
        };
        tracing::warn!(file = %segment.path.display(), from = offset, to, %what, "passed over damaged records");
        self.skipped.push(Skipped { file: segment.path.clone(), from: offset, to, what });
        segment.scanner.seek(to);
        Ok(())
    }
}

enum Stop {
    Again,
    Said(Record),
    End,
    Damaged(String),
}

impl Iterator for Reader {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}
