//! `vlot demo`: a whole city in one process: broker, engine, devices, signs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::sync::watch;
use vlot_broker::Broker;
use vlot_model::{Board, City, Clock, Counting, Meters, Product, Quality, RefusalKind};
use vlot_settings::Source;
use vlot_simulators::{city, mqtt, signs};
use vlot_store::journal::OnDamage;

use crate::check::{checked, load};
use crate::cli::Demo;
use crate::clock::DemoClock;
use crate::engine::{Engine, Parts};
use crate::faults::{self, Keeper, Plan};
use crate::run::{Stop, within_limit};
use crate::summary::{Latency, Summary, refused, rss_mb};
use crate::table::{Screen, Vitals};

/// `config/leuven`, so that the demo needs nothing beside the binary.
const LEUVEN: &[(&str, &str)] = &[
    ("bays.csv", include_str!("../../../config/leuven/bays.csv")),
    ("calendar.toml", include_str!("../../../config/leuven/calendar.toml")),
    ("city.toml", include_str!("../../../config/leuven/city.toml")),
    ("facilities.toml", include_str!("../../../config/leuven/facilities.toml")),
    ("garages.toml", include_str!("../../../config/leuven/garages.toml")),
    ("mqtt.toml", include_str!("../../../config/leuven/mqtt.toml")),
    ("roads.toml", include_str!("../../../config/leuven/roads.toml")),
    ("signs.toml", include_str!("../../../config/leuven/signs.toml")),
    ("stations.toml", include_str!("../../../config/leuven/stations.toml")),
    ("traffic.toml", include_str!("../../../config/leuven/traffic.toml")),
];

/// How often the picture is drawn on a terminal, and a line written elsewhere.
const REDRAW: Duration = Duration::from_millis(500);
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Counts take hours to drift.
const SPEED_WITH_FAULTS: f64 = 120.0;
/// How long the end waits for what is still on its way; a machine that is busy with other things needs more than a moment.
const DRAIN: Duration = Duration::from_secs(40);

/// Runs until its duration is over or it is told to stop.
pub(crate) async fn demo(options: Demo) -> Result<()> {
    let mut stop = Stop::new()?;
    let speed = options.speed.unwrap_or(if options.faults { SPEED_WITH_FAULTS } else { 1.0 });
    let (source, mut settings) = match &options.config {
        Some(directory) => load(directory).map_err(|problems| anyhow!("{problems}"))?,
        None => {
            let source = Source::from_files(LEUVEN.iter().copied());
            let settings = checked(&source).map_err(|problems| anyhow!("{problems}"))?;
            (source, settings)
        }
    };
    for file in [&options.summary, &options.board].into_iter().flatten() {
        // Better known now than after the city has run.
        std::fs::File::options()
            .create(true)
            .append(true)
            .open(file)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let broker = start_broker(options.mqtt)?;
    let Some(mqtt_source) = settings.mqtt.first_mut() else {
        bail!("the configuration names no MQTT source")
    };
    // Whatever broker the configuration names, the demo's devices and its engine meet at its own.
    mqtt_source.host = broker.addr().ip().to_string();
    mqtt_source.port = broker.addr().port();
    mqtt_source.tls = None;
    mqtt_source.username = None;
    mqtt_source.password_file = None;
    settings.mqtt.truncate(1);
    // A demo has its own time, and its own traffic.
    settings.http.clear();
    settings.serve.listen = free(options.listen)?;
    settings.serve.tls = None;
    settings.serve.acts = vlot_settings::Acts::Loopback;

    let files: BTreeMap<String, String> = source.files().map(|(n, t)| (n.to_owned(), t.to_owned())).collect();
    let data = Data::of(&options)?;
    let clock = Arc::new(DemoClock::start(options.start, speed));
    let parts = Parts {
        source,
        settings,
        data: data.dir.clone(),
        workers: options.workers,
        on_damage: OnDamage::Refuse,
    };
    let engine = Engine::start(parts, clock.clone(), |at| clock.not_before(at)).await?;
    // A broker keeps nothing for who has not subscribed yet.
    let listening = async {
        while !engine.listens() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    ensure!(
        tokio::time::timeout(DRAIN, listening).await.is_ok(),
        "the engine did not reach the demo's own broker within {DRAIN:?} (hint: is the machine very busy?)"
    );

    let plan = options.faults.then(|| Plan::of(&engine.city, clock.now(), speed)).transpose()?;
    let spoiled = plan.as_ref().map(Plan::spoiled).unwrap_or_default();
    let now_micros: Arc<dyn Fn() -> i64 + Send + Sync> = {
        let clock = clock.clone();
        Arc::new(move || clock.now().micros())
    };
    let (stop_city, stop_signs) = (watch::Sender::new(false), watch::Sender::new(false));
    let (city_live, signs_live) = (Arc::new(city::Live::default()), Arc::new(signs::Live::default()));
    let mut city = tokio::spawn(city::run(
        city::Options {
            files,
            broker: mqtt::Broker::new(broker.addr().ip().to_string(), broker.addr().port()),
            seed: options.seed,
            now_micros: now_micros.clone(),
            speed,
            faults: city::Faults::default(),
            trouble: plan.as_ref().map(|plan| plan.trouble.clone()).unwrap_or_default(),
            drivers: city::Drivers {
                obey: options.obey,
                shown: Some(Arc::new({
                    let signs = signs_live.clone();
                    move |sign: &str| signs.reading(sign)
                })),
            },
            live: city_live.clone(),
        },
        told(stop_city.subscribe()),
    ));
    let specs = engine.city.signs.iter().map(|s| signs::SignSpec {
        id: s.id.to_string(),
        width_px: s.matrix.width_px.into(),
        height_px: s.matrix.height_px.into(),
    });
    let mut signs = tokio::spawn(signs::run(
        signs::Options {
            endpoint: format!("http://{}", engine.grpc),
            ca_pem: None,
            signs: specs.collect(),
            garages: engine.city.garages.iter().map(|g| g.id.to_string()).collect(),
            now_micros,
            speed,
            encoding: signs::Encoding::Multi,
            live: signs_live.clone(),
        },
        told(stop_signs.subscribe()),
    ));

    let story = Arc::new(Mutex::new(faults::Report::default()));
    let keeper = plan.map(|plan| {
        let keeper = Keeper {
            grpc: engine.grpc,
            clock: clock.clone(),
            city: city_live.clone(),
            report: story.clone(),
        };
        tokio::spawn(keeper.run(plan))
    });
    let scene = Scene { signs: &signs_live, story: &story };
    let mut screen = Screen::new(&engine.city);
    screen.announce(&engine, &broker, &data.dir, speed);
    let ended_early = live(&options, &engine, &mut stop, &clock, &screen, scene, || {
        city.is_finished() || signs.is_finished()
    })
    .await;

    if let Some(keeper) = &keeper {
        keeper.abort();
    }
    // From the source downwards: nobody stops before what feeds him has.
    stop_city.send_replace(true);
    let city_report = (&mut city).await?.context("the simulated city stopped")?;
    let drained = drain(&engine.meters, &broker, city_report.acknowledged).await;
    stop_signs.send_replace(true);
    let signs_report = (&mut signs).await?.context("the simulated signs stopped")?;
    let (meters, model, products) = (engine.meters.clone(), engine.city.clone(), engine.board.clone());
    let board = within_limit(engine.stop()).await?;
    let broker_stats = broker.stop();

    let summary = Summary {
        messages_in: meters.messages_in.get(),
        refused: refused(&meters),
        lost: lost(&meters, city_report.acknowledged),
        untrue: untrue(&model, &products, &city_report.taken, &spoiled),
        duplicates: meters.refused(RefusalKind::Duplicate),
        products_out: meters.products_out.get(),
        faces_shown: signs_report.faces_shown,
        drivers: city_report.drivers.into(),
        signs_connected: signs_report.connected_max as u64,
        latency_ms: Latency {
            p50: (signs_report.latency.count > 0).then_some(signs_report.latency.p50_ms),
            p99: (signs_report.latency.count > 0).then_some(signs_report.latency.p99_ms),
        },
        rss_mb_max: rss_mb().map_or(0.0, |(_, most)| most),
        faults: keeper.map(|_| scene.story()),
    };
    if let Some(file) = &options.board {
        std::fs::write(file, &board).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let text = serde_json::to_string_pretty(&summary)?;
    if let Some(file) = &options.summary {
        std::fs::write(file, format!("{text}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    screen.conclude(&text);
    drop(data);
    if ended_early {
        bail!("a part of the demo ended by itself");
    }
    if !drained {
        bail!(
            "the last messages were not worked off within {DRAIN:?} ({} still at the broker)",
            broker_stats.queued
        );
    }
    if signs_report.shown_past_end > 0 {
        bail!("{} faces were on display after their end", signs_report.shown_past_end);
    }
    Ok(())
}

/// What the picture is of, beside the engine.
#[derive(Clone, Copy)]
struct Scene<'a> {
    signs: &'a signs::Live,
    story: &'a Mutex<faults::Report>,
}

impl Scene<'_> {
    fn story(&self) -> faults::Report {
        self.story.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Draws until the end; true when a part ended that should not have.
async fn live(
    options: &Demo,
    engine: &Engine,
    stop: &mut Stop,
    clock: &DemoClock,
    screen: &Screen,
    scene: Scene<'_>,
    ended: impl Fn() -> bool,
) -> bool {
    let started = Instant::now();
    let mut redraw = tokio::time::interval(if screen.is_terminal() { REDRAW } else { LINE_EVERY });
    redraw.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    redraw.tick().await;
    let over = async {
        match options.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let (mut before, mut at) = (0, started);
    loop {
        tokio::select! {
            () = &mut over => return false,
            () = stop.told() => return false,
            _ = redraw.tick() => {
                if engine.failed() || ended() {
                    return true;
                }
                let report = scene.signs.report();
                let messages_in = engine.meters.messages_in.get();
                let elapsed = at.elapsed().as_secs_f64().max(f64::EPSILON);
                let vitals = Vitals {
                    now: clock.now(),
                    messages_in,
                    messages_per_s: (messages_in - before) as f64 / elapsed,
                    refused: engine.meters.refused_total(),
                    signs_connected: engine.meters.signs_connected.get(),
                    faces_shown: report.faces_shown,
                    latency_ms: (report.latency.count > 0).then_some((report.latency.p50_ms, report.latency.p99_ms)),
                    rss_mb: rss_mb().map_or(0.0, |(now, _)| now),
                    problems: (engine.problems)(),
                    story: scene.story().lines(),
                };
                (before, at) = (messages_in, Instant::now());
                screen.draw(&engine.city, &engine.board, &vitals);
            }
        }
    }
}

/// Waits until all that the broker acknowledged has passed through the engine; false when it has not in time.
async fn drain(meters: &Meters, broker: &Broker, acknowledged: u64) -> bool {
    let through = async {
        while lost(meters, acknowledged) > 0 || broker.stats().queued > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DRAIN, through).await.is_ok()
}

/// Facilities whose figure is called good and differs from what is really taken. Only where every change is told at once
/// can the two be compared: a counter, and a garage's sensor, say what is so at intervals.
/// Those whose sensors were spoiled on purpose are left out.
fn untrue(city: &City, board: &Board, taken: &BTreeMap<String, u32>, spoiled: &[String]) -> u64 {
    let mut untrue = 0;
    for entry in board.all().into_values() {
        let Product::Facility(state) = entry.product.as_ref() else { continue };
        let facility = &city.facilities[state.facility.at()];
        let truth = taken.get(&*facility.id).copied();
        if facility.counting != Counting::Absolute
            && state.quality == Quality::Good
            && state.occupied.is_some()
            && state.occupied != truth
            && spoiled.iter().all(|id| **id != *facility.id)
        {
            tracing::warn!(id = %facility.id, said = ?state.occupied, ?truth, "a figure differs from the simulated city");
            untrue += 1;
        }
    }
    untrue
}

/// Messages that the broker acknowledged to a device and that never came in, and readings that are in no product.
fn lost(meters: &Meters, acknowledged: u64) -> u64 {
    let on_the_way = acknowledged.saturating_sub(meters.messages_in.get());
    let in_no_product = meters.readings_admitted.get().saturating_sub(meters.readings_absorbed.get());
    on_the_way + in_no_product
}

async fn told(mut stop: watch::Receiver<bool>) {
    // A dropped sender is a stop too.
    while !*stop.borrow_and_update() && stop.changed().await.is_ok() {}
}

fn start_broker(listen: SocketAddr) -> Result<Broker> {
    let start = |listen| Broker::start(vlot_broker::Options { listen, ..vlot_broker::Options::default() });
    match start(listen) {
        Err(vlot_broker::BrokerError::Listen { .. }) => Ok(start(SocketAddr::new(listen.ip(), 0))?),
        other => Ok(other?),
    }
}

/// The address, or the same with a free port where it is taken.
fn free(listen: SocketAddr) -> Result<SocketAddr> {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Ok(listen),
        Err(_) => Ok(SocketAddr::new(listen.ip(), 0)),
    }
}

/// Where the demo keeps its journal.
struct Data {
    dir: PathBuf,
    temporary: bool,
}

impl Data {
    fn of(options: &Demo) -> Result<Data> {
        if let Some(dir) = &options.data {
            return Ok(Data { dir: dir.clone(), temporary: false });
        }
        let dir = std::env::temp_dir().join(format!("vlot-demo-{}", std::process::id()));
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Data { dir, temporary: true })
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            tracing::warn!(dir = %self.dir.display(), %error, "the demo's journal stays behind");
        }
    }
}
