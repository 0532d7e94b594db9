//! Who did what to a facility or on the roads, when and why: an append-only file of JSON lines in the data directory.
//!
//! An act is written down, and on disk, before it is handed to admission; what became of it is written after. An act
//! without an end was under way when the engine ended: it is handed in again, and its number among its facility's acts
//! lets admission know it if it has come through after all. So an act that was answered is in both, and none counts
//! twice.
//!
//! Files are bounded: beyond [`Options::file_bytes`] a new one begins, whose first line carries the numbers on, and the
//! oldest goes. The half line of a crash is cut off at the next start and reported; a line that cannot be read is
//! reported and passed over, for a trail with a hole is better than none.

mod book;
mod files;
mod line;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use vlot_model::{Act, ActLog, End, Order};

use book::Book;
use files::Current;
use line::Line;

/// Bounds of an audit log.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A file is closed at this size.
    pub file_bytes: u64,
    /// So many closed files are kept.
    pub keep: usize,
}

impl Default for Options {
    fn default() -> Self {
        // About 25,000 acts: decades of a city, and little enough to hold in memory.
        Options { file_bytes: 1 << 20, keep: 9 }
    }
}

/// Why an audit log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the audit log {} cannot be used: {error} (hint: acts are refused without it; are the rights of the data directory right?)", path.display())]
pub struct AuditError {
    path: PathBuf,
    error: io::Error,
}

/// The audit log of one data directory; whoever opens it holds the journal's lock.
pub struct AuditLog {
    dir: PathBuf,
    options: Options,
    inner: Mutex<Inner>,
}

struct Inner {
    book: Book,
    current: Current,
    /// The number of the file that is written to, counted on over all files.
    file: u64,
}

impl AuditLog {
    /// Reads what is kept, and says what of it could not be read, one sentence each.
    ///
    /// # Errors
    /// When the files cannot be read or written at all.
    pub fn open(dir: &Path, options: Options) -> Result<(AuditLog, Vec<String>), AuditError> {
        let mut book = Book::default();
        let mut damage = Vec::new();
        let mut whole = 0;
        let newest = options.keep as u64;
        for n in (0..=options.keep).rev() {
            let path = files::path(dir, n);
            let failed = |error| AuditError { path: path.clone(), error };
            let Some(bytes) = files::read(&path).map_err(failed)? else { continue };
            let read = take_all(&mut book, newest - n as u64, &path, &bytes, &mut damage);
            if n == 0 {
                whole = read;
            }
        }
        let current =
            Current::open(dir, whole).map_err(|error| AuditError { path: files::path(dir, 0), error })?;
        let inner = Mutex::new(Inner { book, current, file: newest });
        Ok((AuditLog { dir: dir.to_owned(), options, inner }, damage))
    }
}

/// Takes the lines of a file; returns how many bytes are whole lines.
fn take_all(book: &mut Book, file: u64, path: &Path, bytes: &[u8], damage: &mut Vec<String>) -> u64 {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let (lines, torn) = bytes.split_at(whole);
    for (number, line) in (1..).zip(lines.split(|b| *b == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let taken = serde_json::from_slice::<Line>(line).map_err(|e| e.to_string());
        if let Err(what) = taken.and_then(|line| book.take(file, line)) {
            damage.push(format!("{}:{number} is passed over: {what}", path.display()));
        }
    }
    if !torn.is_empty() {
        let what =
            format!("{} ends in half a line of {} bytes, which is cut off", path.display(), torn.len());
        damage.push(what);
    }
    whole as u64
}

impl AuditLog {
    /// Appends a line, in a new file where the present one is full or in doubt.
    fn append(&self, inner: &mut Inner, line: &Line) -> Result<(), String> {
        let bytes = line.bytes()?;
        let full =
            inner.current.bytes > 0 && inner.current.bytes + bytes.len() as u64 > self.options.file_bytes;
        let failed = |error: io::Error| format!("the audit log cannot be written: {error}");
        if full || !inner.current.trusted {
            let head = Line::WentBefore { sequences: inner.book.sequences.clone() };
            inner.current.succeed(&self.dir, &head.bytes()?, self.options.keep).map_err(failed)?;
            inner.file += 1;
            inner.book.forget_before(inner.file.saturating_sub(self.options.keep as u64));
        }
        inner.current.append(&bytes).map_err(failed)
    }
}

impl ActLog for AuditLog {
    fn ask(&self, order: Order) -> Result<Act, String> {
        let mut inner = self.inner.lock();
        let sequence = inner.book.next_sequence(&order.facility);
        let act = Act { order, sequence, end: None };
        let line = Line::asked(&act).ok_or_else(|| format!("{:?} is no operator's act", act.order.value))?;
        self.append(&mut inner, &line)?;
        let file = inner.file;
        inner.book.add(file, act.clone());
        Ok(act)
    }

    fn end(&self, id: &str, end: End) -> Result<(), String> {
        let mut inner = self.inner.lock();
        self.append(&mut inner, &Line::end(id, &end))?;
        inner.book.end(id, end);
        Ok(())
    }

    fn find(&self, id: &str) -> Option<Act> {
        self.inner.lock().book.find(id).cloned()
    }

    fn newest(&self, facility: Option<&str>, limit: usize) -> Vec<Act> {
        let inner = self.inner.lock();
        let wanted = |act: &&Act| facility.is_none_or(|id| act.order.facility == id);
        inner.book.newest().filter(wanted).take(limit).cloned().collect()
    }

    fn under_way(&self) -> Vec<Act> {
        self.inner.lock().book.oldest().filter(|act| act.end.is_none()).cloned().collect()
    }
}
