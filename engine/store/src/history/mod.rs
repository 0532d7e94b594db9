//! The history: what was known each minute, counted, forecast and found out about sensors, in one SQLite file and, where
//! it is configured, in InfluxDB. `docs/history.md` describes both.
//!
//! Three threads, so that nothing here can hold the engine up: one looks at the board (`sampler`), one writes the file
//! (`writer`), one sends to InfluxDB (`influx`). Between them stand bounded queues (`queue`); what they have no room for
//! is counted, and told of (`trouble`).

#[cfg(test)]
mod dashboard;
mod file;
mod influx;
mod line;
mod queue;
mod read;
mod sampler;
mod schema;
#[cfg(test)]
mod tests;
mod trouble;
mod usage;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use vlot_model::{Board, City, Clock, HistoryRecord, Meters, Tick};

pub use file::Retention;
pub use influx::InfluxOptions;
pub use read::HistoryReader;
pub use sampler::Sampler;
pub use trouble::Trouble;

use influx::Exporter;
use queue::Queue;
use trouble::Fares;
use writer::Writer;

/// How the history is kept.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// The SQLite file.
    pub file: PathBuf,
    /// How long records are kept.
    pub retention: Retention,
    /// Records that may wait for the disk; beyond them the newest are lost, and counted.
    pub queue: usize,
    /// Time between two attempts while the disk fails.
    pub retry_every: Duration,
    /// Where else they go.
    pub influx: Option<InfluxOptions>,
}

impl HistoryOptions {
    /// Minutes for 30 days, 15 minutes for five years, 200,000 records waiting at most.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        let days = |n: u64| Some(Duration::from_hours(24 * n));
        HistoryOptions {
            file: file.to_owned(),
            retention: Retention { minutes: days(30), quarters: days(5 * 365) },
            queue: 200_000,
            retry_every: Duration::from_secs(1),
            influx: None,
        }
    }
}

/// What the history sees of the engine.
pub struct Seen {
    /// The configuration.
    pub city: Arc<City>,
    /// All that is published.
    pub board: Arc<Board>,
    /// Says that the board has changed, after it has; when its sender is gone, the history ends.
    pub changed: watch::Receiver<Tick>,
    /// For the instants in [`Trouble`].
    pub clock: Arc<dyn Clock>,
    /// Counts what is written and what is lost.
    pub meters: Arc<Meters>,
}

/// Says what is wrong, also after the recorder has ended.
#[derive(Clone)]
pub struct HistoryHealth {
    file: Arc<Fares>,
    influx: Option<Arc<Fares>>,
}

impl HistoryHealth {
    /// What does not work, by part: "history" or "influx".
    #[must_use]
    pub fn troubles(&self) -> Vec<(&'static str, Trouble)> {
        let of = |part, fares: &Arc<Fares>| fares.troubles().into_iter().map(move |t| (part, t));
        let influx = self.influx.iter().flat_map(|fares| of("influx", fares));
        of("history", &self.file).chain(influx).collect()
    }
}

/// A running recorder. Dropped, it ends by itself, and nobody waits for it.
pub struct Recorder {
    health: HistoryHealth,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the threads. A file that cannot be opened is a [`Trouble`], not an error: the engine goes on without.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(options: HistoryOptions, seen: Seen) -> std::io::Result<Recorder> {
        let fares = Fares::new(Arc::clone(&seen.clock));
        let queue = Queue::new(options.queue);
        let writer = Writer {
            path: options.file,
            retention: options.retention,
            retry_every: options.retry_every,
            queue: Arc::clone(&queue),
            fares: Arc::clone(&fares),
            meters: Arc::clone(&seen.meters),
        };
        let mut ways = vec![Way { queue, fares: Arc::clone(&fares), to: To::File }];
        let mut threads = vec![spawn("vlot-history", move || writer.run())?];
        let mut influx = None;
        if let Some(options) = options.influx {
            let fares = Fares::new(Arc::clone(&seen.clock));
            let queue = Queue::new(options.queue);
            ways.push(Way { queue: Arc::clone(&queue), fares: Arc::clone(&fares), to: To::Influx });
            influx = Some(Arc::clone(&fares));
            let exporter = Exporter { options, queue, fares, meters: Arc::clone(&seen.meters) };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            threads.push(spawn("vlot-influx", move || exporter.run(&runtime))?);
        }
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        threads.push(spawn("vlot-sampler", move || runtime.block_on(sample(seen, ways, stopped)))?);
        Ok(Recorder { health: HistoryHealth { file: fares, influx }, stop, threads })
    }

    /// What is wrong, for whoever asks.
    #[must_use]
    pub fn health(&self) -> HistoryHealth {
        self.health.clone()
    }

    /// Takes a last look, and waits until all of it is written or given up. Blocks.
    pub fn close(self) {
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the history ended by a panic");
            }
        }
    }
}

enum To {
    File,
    Influx,
}

/// A way out.
struct Way {
    queue: Arc<Queue>,
    fares: Arc<Fares>,
    to: To,
}

async fn sample(seen: Seen, ways: Vec<Way>, mut stopped: watch::Receiver<bool>) {
    let Seen { city, board, mut changed, meters, .. } = seen;
    let mut sampler = Sampler::new(city);
    loop {
        let ended = tokio::select! {
            changed = changed.changed() => changed.is_err(),
            // A dropped sender is a stop too.
            _ = stopped.changed() => true,
        };
        offer(sampler.look(&board), &ways, &meters);
        if ended {
            break;
        }
    }
    for way in ways {
        way.queue.close();
    }
}

fn offer(records: Vec<HistoryRecord>, ways: &[Way], meters: &Meters) {
    if records.is_empty() {
        return;
    }
    let batch: Arc<[HistoryRecord]> = records.into();
    for way in ways {
        if way.queue.offer(&batch) {
            continue;
        }
        let (lost, part) = match way.to {
            To::File => (&meters.history_lost, "history"),
            To::Influx => (&meters.influx_lost, "influx"),
        };
        lost.add(batch.len() as u64);
        if way.fares.lost(batch.len() as u64) {
            tracing::error!(part, "the queue is full: records are lost");
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}
