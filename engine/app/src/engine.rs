//! The engine assembled: journal, workers, pump, sources and server, started in one order and stopped in the other.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use vlot_bridge::{Admission, Limits, Log, LogBatch, Pump, PumpOptions, Running, WorkersOptions};
use vlot_ingest::{gate, mqtt, situations};
use vlot_model::{
    Board, City, Clock, History, Key, Meters, Product, Quarantine, Reading, Sign, SignIx, Submission,
    TICKS_SKIPPED, Timestamp, Value,
};
use vlot_publish::FaceRenderer;
use vlot_serve::{Context, Problem, Server};
use vlot_settings::{Settings, Source};
use vlot_store::history::{HistoryHealth, HistoryReader, Recorder, Seen};
use vlot_store::journal::{self, Era, Journal, OnDamage, Record, State};

use crate::feeds::Feeds;
use crate::home::Home;
use crate::past::OwnPast;
use crate::recovery::{Recovered, feed_journal, open_reader};

/// Batches that may wait for a worker.
pub(crate) const LANE_DEPTH: usize = 64;

/// What the history has left may take so long at a stop.
const HISTORY_STOP: std::time::Duration = std::time::Duration::from_secs(2);

/// The gate is looked at this often, by the wall.
const GATE_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Sources by name; empty once the engine stops.
type Sources = Arc<Mutex<Vec<(String, mqtt::Source)>>>;

/// Asks for the parts that do not work as they should.
type Problems = Arc<dyn Fn() -> Vec<Problem> + Send + Sync>;

/// What an engine is made from.
pub(crate) struct Parts {
    pub(crate) source: Source,
    pub(crate) settings: Settings,
    pub(crate) data: PathBuf,
    pub(crate) workers: NonZeroUsize,
    pub(crate) on_damage: OnDamage,
}

/// A running engine.
pub(crate) struct Engine {
    pub(crate) city: Arc<City>,
    pub(crate) board: Arc<Board>,
    pub(crate) meters: Arc<Meters>,
    /// Where gRPC listens.
    pub(crate) grpc: std::net::SocketAddr,
    /// Parts that do not work as they should.
    pub(crate) problems: Problems,
    /// What was rebuilt from the journal.
    pub(crate) recovered: Recovered,
    home: Home,
    inbox: mpsc::Sender<Submission>,
    sources: Sources,
    feeds: Feeds,
    gate_timer: gate::Timer,
    stopping: watch::Sender<bool>,
    stop_server: oneshot::Sender<()>,
    server: JoinHandle<Result<()>>,
    pump: JoinHandle<Result<JournalLog, vlot_bridge::BridgeError>>,
    join: vlot_bridge::Join,
    history: Option<Recorder>,
    folder: Arc<Mutex<Option<situations::Folder>>>,
}

impl Engine {
    /// Reads the journal back, then opens the server and the sources. `read_back` hears of the journal's last instant
    /// before time goes on.
    pub(crate) async fn start(
        parts: Parts,
        clock: Arc<dyn Clock>,
        read_back: impl FnOnce(vlot_model::Timestamp),
    ) -> Result<Engine> {
        let Parts { source, settings, data, workers, on_damage } = parts;
        let city = settings.city.clone();
        let home = Home::make(&data)?;
        home.keep(&source)?;
        let (board, meters) = (Arc::new(Board::new()), Arc::new(Meters::default()));
        let quarantine = Arc::new(Quarantine::default());
        let renderer = Arc::new(FaceRenderer::new(&city).context("the signs' fonts cannot be used")?);

        let options = crate::wiring::journal_options(&settings.journal, clock.clone());
        let (mut journal, last) = Journal::open(&home.journal(), journal::Options { on_damage, ..options })?;
        let Running { mut feeder, changed, completed, join } = vlot_bridge::start(WorkersOptions {
            workers,
            lane_depth: LANE_DEPTH,
            city: city.clone(),
            board: board.clone(),
            meters: meters.clone(),
        })?;
        let limits = Limits {
            clock_ahead: settings.admission.clock_ahead,
            clock_behind: settings.admission.clock_behind,
        };
        let mut admission = Admission::new(&city, limits);
        let reader = open_reader(&home.journal(), on_damage)?;
        let (city_, meters_) = (city.clone(), meters.clone());
        let (recovered, admission, feeder) = tokio::task::spawn_blocking(move || {
            let recovered = feed_journal(reader, None, &city_, &meters_, &mut admission, &mut feeder)?;
            anyhow::Ok((recovered, admission, feeder))
        })
        .await??;
        anyhow::ensure!(
            recovered.tick == last.last_tick,
            "the journal ends at tick {} and was read to {}",
            last.last_tick,
            recovered.tick
        );
        // Before anything new comes in, all that was known is on the board again.
        let mut caught_up = completed.clone();
        caught_up
            .wait_for(|tick| *tick >= recovered.tick)
            .await
            .context("the dataflow ended during recovery")?;

        read_back(recovered.at);
        let last_tick = if recovered.tick == 0 { 0 } else { recovered.tick + TICKS_SKIPPED };
        board.begin(last_tick);
        let journal_state = journal.state().clone();
        let devices = city.devices.iter().map(|d| d.id.to_string()).collect();
        let software = env!("CARGO_PKG_VERSION").to_owned();
        let era = Era { fingerprint: source.fingerprint(), software, at: clock.now(), devices };
        journal.append(Record::Era(era), Vec::new()).await?;

        // Only now: what the journal brought back was recorded when it was new.
        let file = home.history(&settings.history.file);
        let start = |seen| {
            let seed = clock.now().micros().unsigned_abs();
            Recorder::start(crate::wiring::history_options(&settings.history, &file, seed), seen)
        };
        let recorder = settings
            .history
            .enabled
            .then(|| {
                start(Seen {
                    city: city.clone(),
                    board: board.clone(),
                    changed: changed.clone(),
                    clock: clock.clone(),
                    meters: meters.clone(),
                })
            })
            .transpose()
            .context("the history has no threads")?;
        let history = recorder.as_ref().map(|_| {
            let reader: Arc<dyn History> = Arc::new(HistoryReader::new(&file));
            reader
        });
        let history_health = recorder.as_ref().map(Recorder::health);

        let (inbox, arrivals) = mpsc::channel(settings.admission.queue);
        let options = PumpOptions {
            clock: clock.clone(),
            meters: meters.clone(),
            batch_max: settings.admission.batch_max,
            last_tick,
            last_at: recovered.at,
        };
        let (stopping, log) = JournalLog::new(journal);
        let pump = Pump::new(options, admission, feeder, log);
        let pump = tokio::spawn(pump.run(arrivals));
        // Before the server opens, so that no sign is back already.
        let ended = ended_connections(&board, &city, clock.now().max(recovered.at));
        inbox.send(ended).await.context("the pump ended at once")?;

        let intake = mqtt::Intake {
            city: city.clone(),
            clock: clock.clone(),
            meters: meters.clone(),
            quarantine: quarantine.clone(),
            gate: crate::wiring::gate(&city, &meters),
            out: inbox.clone(),
        };
        let start = |source| {
            let options = crate::wiring::mqtt_options(source);
            (source.name.clone(), mqtt::start(options, intake.clone()))
        };
        let sources = Sources::default();
        let feeds = Feeds::default();
        let (watched, polled) = (sources.clone(), feeds.clone());
        let folder: Arc<Mutex<Option<situations::Folder>>> = Arc::default();
        let (warned, of_city) = (clock.clone(), city.clone());
        for warning in vlot_settings::warnings(&city, clock.now()) {
            tracing::warn!("{}", warning.text);
        }
        let (watched_folder, guided) = (folder.clone(), board.clone());
        let problems: Problems = Arc::new(move || {
            let mut problems = problems(&journal_state, &watched);
            problems.extend(timetable_problems(&of_city, warned.now()));
            problems.extend(polled.problems());
            problems.extend(history_problems(history_health.as_ref()));
            problems.extend(crate::situation_folder::problems(&watched_folder));
            problems.extend(refused_set(&guided));
            problems
        });
        let past = OwnPast::new(home.clone(), source.fingerprint(), city.clone(), on_damage);
        let of_folder = crate::situation_folder::parts(&settings, &board, clock.clone(), &inbox);
        let context = Context {
            city: city.clone(),
            board: board.clone(),
            clock,
            meters: meters.clone(),
            quarantine,
            renderer,
            changed,
            inbox: inbox.clone(),
            problems: problems.clone(),
            acts: home.acts(),
            history,
            past: Some(Arc::new(past)),
        };
        let server = Server::bind(
            crate::wiring::serve_options(&settings.serve, &settings.admission),
            context,
        )
        .context(
            "gRPC cannot be served (hint: see [serve] in city.toml; another engine may have the port)",
        )?;
        // Only now: an engine that cannot serve must not take over another's session at the broker.
        *sources.lock().unwrap_or_else(PoisonError::into_inner) = settings.mqtt.iter().map(start).collect();
        feeds.start(&settings.http, &intake);
        let gate_timer = gate::Timer::start(intake, GATE_EVERY);
        *folder.lock().unwrap_or_else(PoisonError::into_inner) =
            of_folder.map(|(options, intake)| situations::Folder::start(options, intake));
        let grpc = server.addr();
        let (stop_server, server) = serve_apart(server)?;
        Ok(Engine {
            city,
            board,
            meters,
            grpc,
            problems,
            recovered,
            home,
            inbox,
            sources,
            feeds,
            gate_timer,
            stopping,
            stop_server,
            server,
            pump,
            join,
            history: recorder,
            folder,
        })
    }

    /// Whether every broker holds for us what is published there.
    pub(crate) fn listens(&self) -> bool {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().all(|(_, source)| source.state().connected)
    }

    /// Whether a part has ended that should not have.
    pub(crate) fn failed(&self) -> bool {
        self.pump.is_finished() || self.server.is_finished()
    }

    /// Stops taking in, works off what is there, makes it durable, and writes the last board.
    pub(crate) async fn stop(self) -> Result<Vec<u8>> {
        let sources = std::mem::take(&mut *self.sources.lock().unwrap_or_else(PoisonError::into_inner));
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.stopping.send_replace(true);
        if let Some(folder) = folder {
            folder.stop().await;
        }
        let mut stopped = JoinSet::new();
        for (_, source) in sources {
            stopped.spawn(source.stop());
        }
        while stopped.join_next().await.is_some() {}
        self.feeds.stop().await;
        self.gate_timer.stop().await;
        // Nobody waits for it when the server has ended by itself.
        let _ended = self.stop_server.send(());
        let served = self.server.await;
        drop(self.inbox);
        let log = self.pump.await?.context("the dataflow ended before its input")?;
        self.join.join().await?;
        let history = self.history.map(|history| tokio::task::spawn_blocking(move || history.close()));
        log.journal.close().await?;
        served??;
        if let Some(history) = history
            && tokio::time::timeout(HISTORY_STOP, history).await.is_err()
        {
            tracing::warn!("the history was not written to its end: its last records are lost");
        }
        let board = vlot_publish::board_json(&self.board, &self.city);
        std::fs::write(self.home.board(), &board).with_context(|| {
            format!("cannot write {} (hint: is the disk full?)", self.home.board().display())
        })?;
        Ok(board)
    }
}

/// Runs the server on a thread of its own: fan-out is smoothest there (docs/performance.md), and a burst of
/// subscribers takes nothing from the intake.
fn serve_apart(server: Server) -> Result<(oneshot::Sender<()>, JoinHandle<Result<()>>)> {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ended, end) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("vlot-serve".into()).spawn(move || {
        let served = runtime.block_on(server.run(async move {
            // A dropped sender is a stop too.
            let _dropped = stopped.await;
        }));
        // Nobody waits any more when the engine has given up.
        let _given_up = ended.send(served);
    })?;
    let server = tokio::spawn(async move {
        end.await.context("the gRPC server's thread ended")?.context("the gRPC server failed")
    });
    Ok((stop, server))
}

fn problems(journal: &watch::Receiver<State>, sources: &Sources) -> Vec<Problem> {
    let mut problems = Vec::new();
    let part = || "journal".to_owned();
    match journal.borrow().clone() {
        State::Ok => {}
        State::NoReserve { what, since } => {
            problems.push(Problem { part: part(), what, since, halts: false })
        }
        State::Failing { what, since } => problems.push(Problem { part: part(), what, since, halts: true }),
    }
    let sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
    problems.extend(sources.iter().filter_map(|(name, source)| source_problem(name, source.state())));
    problems
}

/// A broker that is away, or that is there and refuses what we subscribe to: either way nothing comes in.
fn source_problem(name: &str, state: mqtt::State) -> Option<Problem> {
    let what = match (state.connected, state.error) {
        (true, None) => return None,
        (_, Some(error)) => error,
        (false, None) => "not connected".to_owned(),
    };
    Some(Problem { part: name.to_owned(), what, since: state.since, halts: false })
}

/// Timetables that have ended or not begun; the engine goes on by headways.
fn timetable_problems(city: &City, now: Timestamp) -> impl Iterator<Item = Problem> {
    vlot_settings::warnings(city, now).into_iter().map(|warning| Problem {
        part: "timetable".to_owned(),
        what: warning.text,
        since: warning.since,
        halts: false,
    })
}

/// What the history does not do as it should; the engine goes on without it.
fn history_problems(health: Option<&HistoryHealth>) -> Vec<Problem> {
    let troubles = health.map(HistoryHealth::troubles).unwrap_or_default().into_iter();
    troubles
        .map(|(part, trouble)| Problem {
            part: part.to_owned(),
            what: trouble.what,
            since: trouble.since,
            halts: false,
        })
        .collect()
}

/// Signs that are not given the newest advice, because it broke a rule; the engine goes on with what still holds.
fn refused_set(board: &Board) -> Option<Problem> {
    let entry = board.get(Key::Guidance)?;
    let Product::Guidance(state) = &*entry.product else { return None };
    let (since, what) = vlot_publish::refused_set(state)?;
    Some(Problem { part: "guidance".to_owned(), what, since, halts: false })
}

/// The journal as the pump's log.
pub(crate) struct JournalLog {
    journal: Journal,
    state: watch::Receiver<State>,
    stopping: watch::Receiver<bool>,
}

impl JournalLog {
    /// The log, and where to say that the engine is to stop.
    fn new(journal: Journal) -> (watch::Sender<bool>, JournalLog) {
        let (stop, stopping) = watch::channel(false);
        (stop, JournalLog { state: journal.state().clone(), journal, stopping })
    }
}

impl Log for JournalLog {
    async fn append(&mut self, batch: LogBatch) -> bool {
        let LogBatch { tick, at, readings, receipts } = batch;
        let JournalLog { journal, state, stopping } = self;
        // A stop does not wait for a disk that fails: what is not on it was not acknowledged, and comes again.
        let hopeless = async {
            // A dropped sender is a stop too, and so is a journal that has ended.
            let _dropped = stopping.wait_for(|stopping| *stopping).await.is_err();
            let _ended = state.wait_for(|state| matches!(state, State::Failing { .. })).await.is_err();
        };
        tokio::select! {
            biased;
            appended = journal.append(Record::Batch { tick, at, readings }, receipts) => {
                if let Err(error) = &appended {
                    tracing::error!(tick, %error, "the journal does not take a batch");
                }
                appended.is_ok()
            }
            () = hopeless => false,
        }
    }
}

/// Whatever connections signs had, they ended with the engine that held them; one that was killed could not say so.
fn ended_connections(board: &Board, city: &City, at: Timestamp) -> Submission {
    let was_connected = |(i, _): &(usize, &Sign)| {
        let entry = board.get(Key::Sign(SignIx::from_position(*i)));
        entry.is_some_and(|e| matches!(&*e.product, Product::Sign(state) if state.connected == Some(true)))
    };
    let ended = |(_, sign): (usize, &Sign)| Reading {
        device: sign.device,
        sequence: None,
        observed_at: at,
        received_at: at,
        value: Value::SignLink { connected: false },
    };
    let readings = city.signs.iter().enumerate().filter(was_connected).map(ended).collect();
    Submission { readings, receipt: None }
}

#[cfg(test)]
mod situation_tests;
#[cfg(test)]
mod tests;
