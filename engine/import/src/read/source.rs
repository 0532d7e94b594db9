//! Where bytes come from, and what they are: found by how they begin, not by the file's name.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

use crate::ImportError;

const BUFFER_BYTES: usize = 256 * 1024;

/// A file, or bytes in memory; opened as often as it takes.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
}

pub(super) enum Opened {
    Pbf(Box<dyn Read>),
    Xml(Box<dyn BufRead>),
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Source::File(path.to_owned())
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Source::Bytes(bytes.into())
    }
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        Source::Bytes(text.as_bytes().into())
    }
}

impl Source {
    pub(super) fn open(&self) -> Result<Opened, ImportError> {
        let mut input: Box<dyn BufRead> = match self {
            Source::File(path) => Box::new(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?)),
            Source::Bytes(bytes) => Box::new(std::io::Cursor::new(Arc::clone(bytes))),
        };
        let head = input.fill_buf()?;
        if head.starts_with(&[0x1f, 0x8b]) {
            return xml(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(input))));
        }
        if head.starts_with(b"BZh") {
            return xml(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiBzDecoder::new(input))));
        }
        // A length of four bytes, then a BlobHeader whose first field is its type.
        if head.get(..2) == Some(&[0, 0]) && head.get(4) == Some(&0x0a) {
            return Ok(Opened::Pbf(Box::new(input)));
        }
        xml(input)
    }
}

fn xml(mut input: Box<dyn BufRead>) -> Result<Opened, ImportError> {
    let head = input
        .fill_buf()
        .map_err(|e| ImportError::damaged("its beginning", format!("it cannot be unpacked: {e}")))?;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"<") {
        return Ok(Opened::Xml(input));
    }
    if head.starts_with(&[0xff, 0xe0]) {
        return Err(ImportError::Unsupported {
            what: "is in the format o5m".into(),
            hint: "`osmconvert in.o5m -o=out.osm.pbf` makes one that is",
        });
    }
    let begins = if head.is_empty() {
        "nothing: it is empty".into()
    } else {
        let shown: Vec<_> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("the bytes {}", shown.join(" "))
    };
    Err(ImportError::Foreign(begins))
}
