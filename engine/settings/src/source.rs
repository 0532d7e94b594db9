//! The files of a configuration, as they were read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::problem::{Problem, Problems};

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// The files of one configuration: names, texts and bytes, nothing checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    files: BTreeMap<String, String>,
    /// What is no text: networks, and feeds of timetables.
    binaries: BTreeMap<String, Arc<[u8]>>,
    directory: Option<PathBuf>,
}

impl Source {
    /// Reads every `.toml`, `.csv`, `.vlotnet` and `.zip` of a directory; other files and directories in it are ignored.
    ///
    /// # Errors
    /// Every file that cannot be read.
    pub fn read_dir(directory: &Path) -> Result<Source, Problems> {
        let mut problems = Vec::new();
        let (mut files, mut binaries) = (BTreeMap::new(), BTreeMap::new());
        let whole = |what: String| Problem {
            file: directory.display().to_string(),
            line: None,
            place: String::new(),
            what,
            hint: "give the directory that holds city.toml".into(),
        };
        match std::fs::read_dir(directory) {
            Err(error) => problems.push(whole(format!("cannot be read: {error}"))),
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Err(error) => problems.push(whole(format!("cannot be read: {error}"))),
                        Ok(entry) => {
                            let path = entry.path();
                            let name = entry.file_name().to_string_lossy().into_owned();
                            if (is_network(&name) || is_feed(&name)) && path.is_file() {
                                match read_bytes(&path) {
                                    Ok(bytes) => drop(binaries.insert(name, bytes.into())),
                                    Err(what) => problems.push(Problem {
                                        file: name,
                                        line: None,
                                        place: String::new(),
                                        what,
                                        hint: "it is a file that the engine may read".into(),
                                    }),
                                }
                            } else if is_ours(&name) && path.is_file() {
                                match read_file(&path) {
                                    Ok(text) => drop(files.insert(name, text)),
                                    Err(what) => problems.push(Problem {
                                        file: name,
                                        line: None,
                                        place: String::new(),
                                        what,
                                        hint: "configuration files are UTF-8 text that the engine may read"
                                            .into(),
                                    }),
                                }
                            }
                        }
                    }
                }
            }
        }
        match Problems::of(problems) {
            Some(problems) => Err(problems),
            None => Ok(Source { files, binaries, directory: Some(directory.to_owned()) }),
        }
    }

    /// From names and texts; relative paths in them stay relative to the working directory.
    pub fn from_files<N: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (N, T)>) -> Source {
        let files = files.into_iter().map(|(name, text)| (name.into(), text.into())).collect();
        Source { files, binaries: BTreeMap::new(), directory: None }
    }

    /// The same with a file that is no text: a network, or a feed of timetables.
    #[must_use]
    pub fn with_binary(mut self, name: &str, bytes: impl Into<Arc<[u8]>>) -> Source {
        self.binaries.insert(name.to_owned(), bytes.into());
        self
    }

    /// Names and bytes of what is no text, in order of name.
    pub fn binaries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.binaries.iter().map(|(name, bytes)| (name.as_str(), &**bytes))
    }

    /// The bytes of a file that is no text.
    #[must_use]
    pub fn binary(&self, name: &str) -> Option<&[u8]> {
        self.binaries.get(name).map(|bytes| &**bytes)
    }

    /// Names and bytes of all files, texts and others, in order of name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let texts = self.files().map(|(name, text)| (name, text.as_bytes()));
        let all: BTreeMap<&str, &[u8]> = texts.chain(self.binaries()).collect();
        all.into_iter()
    }

    /// Names and texts, in order of name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The text of one file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// SHA-256 over names and bytes of all files, in hex: equal configurations have equal fingerprints wherever they lie.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for (name, bytes) in self.all() {
            for part in [name.as_bytes(), bytes] {
                // The length goes first, so that no text can pass for the end of one file and the start of another.
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap_or_default();
            hex
        })
    }

    /// A path of the configuration, seen from the working directory.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        self.directory.as_deref().map_or_else(|| PathBuf::from(written), |directory| directory.join(written))
    }
}

/// What belongs to a configuration by its name.
fn is_ours(name: &str) -> bool {
    matches!(Path::new(name).extension().and_then(|e| e.to_str()), Some("toml" | "csv"))
}

/// What holds a network by its name.
pub(crate) fn is_network(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "vlotnet")
}

/// What holds timetables by its name.
pub(crate) fn is_feed(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "zip")
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(format!("is {bytes} bytes, more than the {MAX_FILE_BYTES} that are read"));
    }
    std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}

fn read_file(path: &Path) -> Result<String, String> {
    let text = String::from_utf8(read_bytes(path)?);
    text.map_err(|_| "cannot be read: stream did not contain valid UTF-8".to_owned())
}
