//! Segment files: their names, and how each begins.
//!
//! `[magic 8][format version u32][crc32c of both u32]`, then frames; the first frame is the [`Head`]. A segment gets
//! its final name only after all of that is durable, so a named segment always has a whole head.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use vlot_model::{Tick, Timestamp};

use super::disk::{Disk, DiskFile, read_full};
use super::error::JournalError;
use super::frame::{self, Scanner, Step};
use super::record::Era;
use super::wire::{self, Entry, Head, Said};

/// The bytes before the first frame.
const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 8] = *b"VLOTJRNL";
/// Grows when a reader of the former version would misread the file.
const FORMAT_VERSION: u32 = 1;
const EXTENSION: &str = ".vlotj";

/// Which segment comes before, and where its contents end: whatever stands after that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Previous {
    pub(super) first_tick: Tick,
    pub(super) end: u64,
}

/// How far a journal has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    /// 0 before the first batch.
    pub(super) last_tick: Tick,
    pub(super) last_at: Option<Timestamp>,
    pub(super) era: Option<Arc<Era>>,
}

/// An open segment, its head read.
pub(super) struct Opened {
    /// Stands after the head.
    pub(super) scanner: Scanner,
    pub(super) previous: Option<Previous>,
    /// How far the journal had come when the segment began.
    pub(super) progress: Progress,
}

/// The file of the segment whose first tick is, or can be, this one.
pub(super) fn path(dir: &Path, first_tick: Tick) -> PathBuf {
    dir.join(format!("{first_tick:020}{EXTENSION}"))
}

/// The segments of a directory by first tick, in order. Other files are none of the journal's business.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<Tick>, JournalError> {
    let names = disk.list(dir).map_err(|e| JournalError::io("list", dir, e))?;
    let mut ticks: Vec<Tick> = names.iter().filter_map(|name| first_tick(name)).collect();
    ticks.sort_unstable();
    Ok(ticks)
}

fn first_tick(name: &str) -> Option<Tick> {
    let digits = name.strip_suffix(EXTENSION)?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// What a new segment begins with.
pub(super) fn beginning(previous: Option<Previous>, progress: &Progress) -> Vec<u8> {
    let head = Head {
        previous_first_tick: previous.map_or(0, |p| p.first_tick),
        previous_end: previous.map_or(0, |p| p.end),
        last_tick: progress.last_tick,
        last_at_us: progress.last_at.map(Timestamp::micros),
        era: progress.era.as_deref().map(wire::Era::from),
    };
    let mut bytes = header(FORMAT_VERSION).to_vec();
    frame::push(&mut bytes, true, &Entry { head: Some(head), ..Entry::default() }.encode_to_vec());
    bytes
}

fn header(version: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    let crc = crc32c::crc32c(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Opens a segment and reads its head.
pub(super) fn open(disk: &dyn Disk, file: &Path, write: bool) -> Result<Opened, JournalError> {
    let opened = disk.open(file, write).map_err(|e| JournalError::io("open", file, e))?;
    check_header(&*opened, file)?;
    let mut scanner = Scanner::new(opened, HEADER_BYTES as u64);
    let said = match scanner.next().map_err(|e| JournalError::io("read", file, e))? {
        Step::Frame { payload, offset } => {
            Entry::default().read(payload).map_err(|what| JournalError::damaged(file, offset, what))?
        }
        Step::Stop { offset, what } => {
            return Err(JournalError::damaged(file, offset, what.unwrap_or("the segment's head is blank")));
        }
    };
    let Said::Head(head) = said else {
        return Err(JournalError::damaged(
            file,
            HEADER_BYTES as u64,
            "the segment does not begin with its head",
        ));
    };
    let previous = Previous { first_tick: head.previous_first_tick, end: head.previous_end };
    Ok(Opened {
        scanner,
        previous: (previous.first_tick > 0).then_some(previous),
        progress: Progress {
            last_tick: head.last_tick,
            last_at: head.last_at_us.map(Timestamp::from_micros),
            era: head.era.map(|era| Arc::new(era.into())),
        },
    })
}

fn check_header(file: &dyn DiskFile, path: &Path) -> Result<(), JournalError> {
    let mut found = [0; HEADER_BYTES];
    let read = read_full(file, &mut found, 0).map_err(|e| JournalError::io("read", path, e))?;
    let foreign = |what: String| Err(JournalError::Foreign { file: path.to_owned(), what });
    if read < HEADER_BYTES || found[..8] != MAGIC {
        return foreign(
            "it does not begin as a segment of a Vlot journal does (move it elsewhere)".to_owned(),
        );
    }
    let version = u32::from_le_bytes([found[8], found[9], found[10], found[11]]);
    if found != header(version) {
        return Err(JournalError::damaged(path, 8, "the checksum of the segment's header does not fit"));
    }
    if version != FORMAT_VERSION {
        return foreign(format!(
            "it has format {version}, and this software knows format {FORMAT_VERSION} (use the software that wrote it)"
        ));
    }
    Ok(())
}

/// Whether an error says that the file is not there.
pub(super) fn is_missing(error: &JournalError) -> bool {
    matches!(error, JournalError::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_twenty_digits_and_nothing_else() {
        assert_eq!(path(Path::new("j"), 42), Path::new("j/00000000000000000042.vlotj"));
        assert_eq!(first_tick("00000000000000000042.vlotj"), Some(42));
        for other in [
            "lock",
            "next.reserve",
            "42.vlotj",
            "0000000000000000004x.vlotj",
            "00000000000000000042.vlotj.bad",
        ] {
            assert_eq!(first_tick(other), None, "{other}");
        }
        assert_eq!(first_tick("99999999999999999999.vlotj"), None, "larger than any tick");
    }
}
