//! A bridge from SUMO: what a run of it has seen becomes what a city's own devices would have said over MQTT.

mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

pub use read::{Row, e1, fcd};

use crate::SimError;
use crate::mqtt::{Broker, Counters, Publisher};
use crate::time::{NowMicros, SimClock};
use crate::wire::{Address, DeviceKind, Format, Statement, Topics, encode};

/// How long the broker's last acknowledgements are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the followed vehicles of a run go.
const FCD: &str = "vlot-fcd.xml";

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The folder; nothing is written there.
    pub folder: PathBuf,
    /// Share of the vehicles that are followed, 0..=1.
    pub followed: f64,
    /// From one sighting of a vehicle to the next, seconds.
    pub every_s: f64,
    /// SUMO's own chance.
    pub seed: u64,
}

fn wrong(file: &Path, what: impl ToString) -> SimError {
    SimError::Recording { file: file.display().to_string(), what: what.to_string() }
}

/// Runs SUMO on a copy of the scenario's folder (its one `.sumocfg`) and reads what it has written.
///
/// # Errors
/// When SUMO is not there, does not end well, or what it wrote cannot be read.
pub async fn simulate(scenario: &Scenario) -> Result<Vec<Row>, SimError> {
    let folder = &scenario.folder;
    let copy = std::env::temp_dir().join(format!("vlot-sumo-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&copy).map_err(|e| wrong(&copy, e))?;
    let rows = simulated(scenario, &copy).await;
    if let Err(error) = std::fs::remove_dir_all(&copy) {
        tracing::warn!(folder = %copy.display(), %error, "a copy of the scenario stays");
    }
    let mut rows = rows?;
    if rows.is_empty() {
        return Err(wrong(folder, "SUMO has seen nothing: no vehicle was followed, and there are no loops"));
    }
    rows.sort_by_key(|row| row.known_at);
    Ok(rows)
}

async fn simulated(scenario: &Scenario, copy: &Path) -> Result<Vec<Row>, SimError> {
    let folder = &scenario.folder;
    let mut configuration = None;
    for entry in std::fs::read_dir(folder).map_err(|e| wrong(folder, e))? {
        let path = entry.map_err(|e| wrong(folder, e))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        // Reading and writing: what was read-only there must not be here.
        let bytes = std::fs::read(&path).map_err(|e| wrong(&path, e))?;
        std::fs::write(copy.join(name), bytes).map_err(|e| wrong(&path, e))?;
        if path.extension().is_some_and(|e| e == "sumocfg")
            && configuration.replace(name.to_owned()).is_some()
        {
            return Err(wrong(folder, "has more than one .sumocfg"));
        }
    }
    let configuration = configuration
        .ok_or_else(|| wrong(folder, "has no .sumocfg (hint: give SUMO's files by --fcd and --e1)"))?;
    let before = detectors(copy)?;
    let output = tokio::process::Command::new("sumo")
        .current_dir(copy)
        .arg("-c")
        .arg(configuration)
        .args(["--fcd-output", FCD, "--fcd-output.geo", "--no-step-log", "--seed"])
        .arg(scenario.seed.to_string())
        .args(["--device.fcd.probability", &scenario.followed.to_string()])
        .args(["--device.fcd.period", &scenario.every_s.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| wrong(folder, format!("sumo cannot be run: {e} (hint: apt-get install sumo)")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.chars().take(600).collect();
        return Err(wrong(folder, format!("sumo failed: {}", said.trim())));
    }
    let mut rows = fcd(&copy.join(FCD))?;
    for path in detectors(copy)? {
        if !before.contains(&path) {
            rows.append(&mut e1(&path)?);
        }
    }
    Ok(rows)
}

/// Files of a folder with what loops have counted.
fn detectors(folder: &Path) -> Result<Vec<PathBuf>, SimError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| wrong(folder, e))? {
        let path = entry.map_err(|e| wrong(folder, e))?.path();
        if path.extension().is_some_and(|e| e == "xml") {
            let text = std::fs::read(&path).map_err(|e| wrong(&path, e))?;
            // Its root is behind SUMO's own remarks.
            let head = String::from_utf8_lossy(&text[..text.len().min(64 * 1_024)]).into_owned();
            if head.contains("<detector") && head.contains("det_e1_file.xsd") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// How rows are published.
pub struct PlayOptions {
    /// Where to.
    pub broker: Broker,
    /// Topics by format.
    pub topics: Topics,
    /// The device that followed vehicles are told by.
    pub feed: String,
    /// Loops of ours by SUMO's id; others speak under SUMO's own id if `all`, else not.
    pub loops: BTreeMap<String, String>,
    /// Whether loops that are not named speak too.
    pub all: bool,
    /// When the run's second 0 was, microseconds.
    pub began_at: i64,
    /// The present instant, which runs as fast as the run is to pass.
    pub now_micros: NowMicros,
    /// How much faster that is than the wall's.
    pub speed: f64,
}

/// What was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayReport {
    /// Messages handed to the MQTT client.
    pub published: u64,
    /// Messages that the broker acknowledged.
    pub acknowledged: u64,
    /// Sightings among them.
    pub sightings: u64,
    /// Intervals of loops among them.
    pub intervals: u64,
    /// Intervals of loops that nobody was named for.
    pub unnamed: u64,
}

/// Publishes rows, each when it is known, until their end or until `stop` completes.
///
/// # Errors
/// When the broker refuses the client for good.
pub async fn play(
    rows: &[Row],
    options: PlayOptions,
    stop: impl Future<Output = ()>,
) -> Result<PlayReport, SimError> {
    let PlayOptions { broker, topics, feed, loops, all, began_at, now_micros, speed } = options;
    let clock = SimClock::new(now_micros, speed);
    let counters = Arc::new(Counters::default());
    let client_id = format!("vlot-sim-sumo-{:08x}", rand::random::<u32>());
    let mut publisher = Publisher::start(&broker, &client_id, Arc::clone(&counters));
    let mut report = PlayReport::default();
    let address = |device: &str, kind| Address { device: device.to_owned(), eui: String::new(), kind };
    tokio::pin!(stop);
    for row in rows {
        let (from, format) = match &row.of {
            None => (address(&feed, DeviceKind::ProbeFeed), Format::VlotSightings),
            Some(id) => match loops.get(id).or(all.then_some(id)) {
                Some(device) => (address(device, DeviceKind::Loop), Format::VlotProtobuf),
                None => {
                    report.unnamed += 1;
                    continue;
                }
            },
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = clock.sleep_until(began_at.saturating_add(row.known_at)) => {}
        }
        let observed_at = began_at.saturating_add(row.observed_at);
        let statement = Statement { from: &from, sequence: None, observed_at, value: row.value };
        let payload = encode(format, &statement)
            .map_err(|e| SimError::Recording { file: "sumo".to_owned(), what: e.to_string() })?;
        tokio::select! {
            biased;
            sent = publisher.publish(topics.of(format, &from), payload) => sent?,
            () = &mut stop => break,
        }
        *if row.of.is_none() { &mut report.sightings } else { &mut report.intervals } += 1;
    }
    publisher.finish(PATIENCE).await;
    report.published = counters.published();
    report.acknowledged = counters.acknowledged();
    Ok(report)
}
