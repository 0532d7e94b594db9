//! A folder of files that state situations: `*.geojson` and `*.json`, and DATEX II as `*.xml`. Looked at now and again.
//!
//! What a file states stands until the file states something else or goes. A file that is damaged, or caught in the middle of
//! being written, changes nothing and is reported; so does a folder that cannot be read.

mod shelf;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use vlot_decode::situations::{About, MAX_FILE_BYTES, Said, datex2_situations, geojson_situations};
use vlot_model::{Clock, DeviceIx, Reading, Situation, Submission, Timestamp, Value};

use shelf::{PREFIX, Shelf};

/// Files that are looked at, in order of their names.
const MOST_FILES: usize = 1_000;
/// Readings that travel together.
const TOGETHER: usize = 256;
/// Problems that are told of one file.
const TOLD: usize = 3;

/// What is wrong with opening hours; `None`: nothing.
pub type WrongHours = fn(&str) -> Option<String>;

/// Where to look, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder.
    pub folder: PathBuf,
    /// How often.
    pub every: Duration,
    /// Whose clock opening hours mean, by its name in the time zone database.
    pub timezone: Arc<str>,
    /// Checks opening hours.
    pub wrong_hours: WrongHours,
}

/// Where what is stated goes.
#[derive(Clone)]
pub struct Intake {
    /// In whose name.
    pub device: DeviceIx,
    /// The engine's time.
    pub clock: Arc<dyn Clock>,
    /// What stands already: of a run before.
    pub standing: Vec<Arc<Situation>>,
    /// Takes readings; while it is full, nothing is read.
    pub out: mpsc::Sender<Submission>,
}

/// Something that is wrong with the folder or a file of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What, where, and what to do.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

/// A folder that is watched.
pub struct Folder {
    troubles: Arc<Mutex<BTreeMap<String, Trouble>>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Folder {
    /// Begins to look.
    #[must_use]
    pub fn start(options: Options, intake: Intake) -> Folder {
        let troubles = Arc::new(Mutex::new(BTreeMap::new()));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(look(options, intake, Arc::clone(&troubles), stopped));
        Folder { troubles, stop, task }
    }

    /// What is wrong now, in the order of file names.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        self.troubles.lock().values().cloned().collect()
    }

    /// Ends; what was handed on stays.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.task.await.is_err() {
            tracing::warn!("the watch on the folder of situations had ended before");
        }
    }
}

async fn look(
    options: Options,
    intake: Intake,
    troubles: Arc<Mutex<BTreeMap<String, Trouble>>>,
    mut stopped: watch::Receiver<bool>,
) {
    let Intake { device, clock, standing, out } = intake;
    let mut eyes = Eyes { shelf: Shelf::new(standing), seen: BTreeMap::new(), wrong: BTreeMap::new() };
    loop {
        let options_ = options.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let stated = eyes.look(&options_);
            (eyes, stated)
        });
        let Ok((back, stated)) = looked.await else { return };
        eyes = back;
        report(&eyes.wrong, &troubles, clock.now());
        for together in stated.chunks(TOGETHER) {
            let now = clock.now();
            let said = |situation: &Arc<Situation>| Reading {
                device,
                sequence: None,
                observed_at: now,
                received_at: now,
                value: Value::Situation(Arc::clone(situation)),
            };
            let readings = together.iter().map(said).collect();
            if out.send(Submission { readings, receipt: None }).await.is_err() {
                return;
            }
        }
        let paused = tokio::time::timeout(options.every, stopped.wait_for(|stopped| *stopped)).await;
        if paused.is_ok() {
            return;
        }
    }
}

/// Keeps since when a trouble is one, and logs each once.
fn report(wrong: &BTreeMap<String, String>, troubles: &Mutex<BTreeMap<String, Trouble>>, now: Timestamp) {
    let mut troubles = troubles.lock();
    troubles.retain(|name, _| wrong.contains_key(name));
    for (name, what) in wrong {
        if troubles.get(name).is_none_or(|trouble| trouble.what != *what) {
            tracing::warn!(file = name, what, "situations could not be read");
            troubles.insert(name.clone(), Trouble { what: what.clone(), since: now });
        }
    }
}

/// What was seen of the folder.
struct Eyes {
    shelf: Shelf,
    /// When each file was written, and how long it was, when it was last read.
    seen: BTreeMap<String, (SystemTime, u64)>,
    /// What is wrong, by the name of the file; of the folder itself under no name.
    wrong: BTreeMap<String, String>,
}

impl Eyes {
    /// What has to be stated now.
    fn look(&mut self, options: &Options) -> Vec<Arc<Situation>> {
        let folder = options.folder.as_path();
        let names = match names(folder) {
            Ok(names) => names,
            Err(error) => {
                let hint = "is it there, and may the engine read it? what its files said stands meanwhile";
                self.wrong.insert(
                    String::new(),
                    format!("{} cannot be read: {error} (hint: {hint})", folder.display()),
                );
                return Vec::new();
            }
        };
        self.wrong.remove("");
        self.wrong.retain(|name, _| names.contains(name));
        self.seen.retain(|name, _| names.contains(name));
        let mut stated = Vec::new();
        for name in &names {
            let path = folder.join(name);
            match self.read(&path, name, options) {
                Ok(None) => {}
                Ok(Some(said)) => {
                    self.wrong.remove(name);
                    if !said.wrong.is_empty() {
                        let told: Vec<_> =
                            said.wrong.iter().take(TOLD).map(|wrong| wrong.what.as_str()).collect();
                        let more = said.wrong.len().saturating_sub(TOLD);
                        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                        self.wrong
                            .insert(name.clone(), format!("{}: {}{more}", path.display(), told.join("; ")));
                    }
                    stated.extend(self.shelf.take(&format!("{PREFIX}{name}"), said));
                }
                Err(what) => {
                    let hint = "what it said before stands";
                    self.wrong.insert(name.clone(), format!("{}: {what} (hint: {hint})", path.display()));
                }
            }
        }
        let there = names.iter().map(|name| format!("{PREFIX}{name}").into()).collect();
        stated.extend(self.shelf.keep(&there));
        stated
    }

    /// What a file says, if it has changed since it was read.
    fn read(&mut self, path: &Path, name: &str, options: &Options) -> Result<Option<Said>, String> {
        let plain = |e: std::io::Error| e.to_string();
        let file = std::fs::File::open(path).map_err(plain)?;
        let meta = file.metadata().map_err(plain)?;
        let written = meta.modified().map_err(plain)?;
        if self.seen.get(name) == Some(&(written, meta.len())) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(plain)?;
        self.seen.insert(name.to_owned(), (written, meta.len()));
        let since = written.duration_since(UNIX_EPOCH).unwrap_or_default();
        let written_at = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let source = format!("{PREFIX}{name}");
        let timezone = &options.timezone;
        let about = About { source: &source, written_at, timezone, wrong_hours: &options.wrong_hours };
        let said = match is_datex(name) {
            true => datex2_situations::read(&bytes, &about),
            false => geojson_situations::read(&bytes, &about),
        };
        said.map(Some).map_err(|refusal| refusal.to_string())
    }
}

fn is_datex(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xml"))
}

/// Names of the files that state situations; hidden ones, which programs write before they rename them, are none.
fn names(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let ending = Path::new(&name).extension().map(|ending| ending.to_ascii_lowercase());
        let ours =
            ending.is_some_and(|ending| ["geojson", "json", "xml"].iter().any(|known| ending == *known));
        if ours && !name.starts_with('.') && folder.join(&name).is_file() {
            names.insert(name);
        }
    }
    Ok(names.into_iter().take(MOST_FILES).collect())
}
