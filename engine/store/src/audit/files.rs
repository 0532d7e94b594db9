//! The files of the audit log: `acts.jsonl`, and `acts.1.jsonl` (the newest of the older ones) and so on.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The name of the `n`th file; 0 is the one that is written to.
pub(super) fn path(dir: &Path, n: usize) -> PathBuf {
    match n {
        0 => dir.join("acts.jsonl"),
        n => dir.join(format!("acts.{n}.jsonl")),
    }
}

/// The file that is written to.
pub(super) struct Current {
    file: File,
    /// All before is whole lines, and on disk.
    pub(super) bytes: u64,
    /// False after an error: what the file holds beyond `bytes`, and whether that is on disk, is not known.
    pub(super) trusted: bool,
}

impl Current {
    /// Opens the file, or makes an empty one. `whole` bytes of it are whole lines; what follows is cut off.
    pub(super) fn open(dir: &Path, whole: u64) -> io::Result<Current> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path(dir, 0))?;
        file.set_len(whole)?;
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(Current { file, bytes: whole, trusted: true })
    }

    /// Writes a line and returns when it is on disk.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let write = |file: &mut File| {
            file.seek(SeekFrom::Start(self.bytes))?;
            file.write_all(line)?;
            file.sync_data()
        };
        if let Err(error) = write(&mut self.file) {
            self.trusted = false;
            // What was not promised is not to be found at the next start, if the disk lets us.
            if let Err(error) = self.file.set_len(self.bytes).and_then(|()| self.file.sync_all()) {
                tracing::warn!(%error, "half a line may stay in the audit log");
            }
            return Err(error);
        }
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Begins a new file with `head`; of the older ones `keep` stay. The old file is untouched until the new one is
    /// on disk.
    pub(super) fn succeed(&mut self, dir: &Path, head: &[u8], keep: usize) -> io::Result<()> {
        let aside = dir.join("acts.new");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&aside)?;
        file.write_all(head)?;
        file.sync_all()?;
        for n in (0..keep).rev() {
            if path(dir, n).exists() {
                std::fs::rename(path(dir, n), path(dir, n + 1))?;
            }
        }
        std::fs::rename(&aside, path(dir, 0))?;
        File::open(dir)?.sync_all()?;
        *self = Current { file, bytes: head.len() as u64, trusted: true };
        Ok(())
    }
}

/// A file's bytes; empty when it is not there.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
