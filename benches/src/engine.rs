//! A `vlot run` under measurement.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tonic::transport::Channel;
use vlot_proto::admin::v1::admin_service_client::AdminServiceClient;
use vlot_proto::admin::v1::{GetStatusRequest, GetStatusResponse};
use vlot_store::journal::{Reader, Record};

use crate::city::{Kind, Ports};
use crate::process::{Process, disk_dir, free_port, open, vlot};

/// A running engine with a configuration and a data directory of its own.
pub struct Engine {
    /// The process.
    pub process: Process,
    /// Where gRPC listens.
    pub grpc: u16,
    dir: tempfile::TempDir,
    admin: AdminServiceClient<Channel>,
}

impl Engine {
    /// Starts one on the disk, for a city of so many devices and signs; returns when it is connected to the broker.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(kind: Kind, devices: usize, signs: usize, mqtt_port: u16) -> Result<Engine> {
        Engine::start_with(mqtt_port, |config, ports| kind.write_config(config, devices, signs, ports)).await
    }

    /// The same with a configuration that is written by `write`, into a directory that is there.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_with(
        mqtt_port: u16,
        write: impl FnOnce(&Path, Ports) -> Result<()>,
    ) -> Result<Engine> {
        let dir = disk_dir()?;
        let grpc = free_port()?;
        let config = dir.path().join("config");
        std::fs::create_dir_all(&config)?;
        write(&config, Ports { mqtt: mqtt_port, grpc })?;
        check(&config)?;
        let mut command = Command::new(vlot()?);
        command.args(["run", "--log", "warn", "--config"]).arg(&config);
        let process = Process::start(command.arg("--data").arg(dir.path().join("data")))?;
        open(grpc).await?;
        let admin = AdminServiceClient::connect(format!("http://127.0.0.1:{grpc}")).await?;
        let mut engine = Engine { process, grpc, dir, admin };
        let end = Instant::now() + Duration::from_secs(30);
        // A source that is not connected is a problem of the engine.
        while !engine.status().await?.problems.is_empty() {
            ensure!(Instant::now() < end, "the engine does not connect to the broker");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(engine)
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&mut self) -> Result<GetStatusResponse> {
        Ok(self.admin.get_status(GetStatusRequest {}).await?.into_inner())
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Stops it in order, and leaves its data.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop(mut self) -> Result<Stopped> {
        let pid = self.process.0.id().to_string();
        ensure!(Command::new("kill").args(["-TERM", &pid]).status()?.success(), "kill -TERM {pid}");
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.process.0.try_wait()? {
                ensure!(status.success(), "vlot run ended with {status}");
                return Ok(Stopped { data: self.data(), _dir: self.dir });
            }
            ensure!(Instant::now() < end, "vlot run does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Says in a line what is wrong with a configuration, by `vlot check`.
///
/// # Errors
/// When something is.
pub fn check(config: &Path) -> Result<()> {
    let output = Command::new(vlot()?).arg("check").arg(config).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "vlot check: {}", said.lines().next().unwrap_or("no reason given"));
    Ok(())
}

/// What a stopped engine has left.
pub struct Stopped {
    data: PathBuf,
    _dir: tempfile::TempDir,
}

impl Stopped {
    /// Proves that its journal holds `messages` readings, each message once, and that a replay takes in as many.
    ///
    /// # Errors
    /// When it does not.
    pub fn prove(&self, messages: u64) -> Result<()> {
        let mut seen = HashSet::new();
        for record in Reader::open(&self.data.join("journal"))? {
            let Record::Batch { readings, .. } = record? else { continue };
            for reading in readings {
                ensure!(seen.insert((reading.device, reading.sequence)), "journalled twice: {reading:?}");
            }
        }
        ensure!(seen.len() as u64 == messages, "{messages} acknowledged, {} in the journal", seen.len());
        let replayed = replay(&self.data, 1)?.readings;
        ensure!(replayed == messages, "{messages} acknowledged, {replayed} replayed");
        Ok(())
    }
}

/// How a replay went.
#[derive(Clone, Copy, Debug)]
pub struct Replayed {
    /// Readings that went through the dataflow.
    pub readings: u64,
    /// From the start of the process to its end.
    pub wall: Duration,
    /// What it says of itself: without starting, finding the configuration and writing the board.
    pub inner: Duration,
    /// Processor time of all its threads.
    pub cpu: Duration,
}

/// Runs `vlot replay`.
///
/// # Errors
/// When it fails.
pub fn replay(data: &Path, workers: usize) -> Result<Replayed> {
    let mut command = Command::new(vlot()?);
    command.args([
        "replay",
        "--log",
        "info",
        "--log-format",
        "json",
        "--workers",
        &workers.to_string(),
        "--board",
    ]);
    command.arg(data.join("bench-board.json")).arg(data).stdin(Stdio::null());
    let started = Instant::now();
    let before = children_cpu()?;
    let output = command.output()?;
    let wall = started.elapsed();
    let cpu = children_cpu()?.saturating_sub(before);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("vlot replay: {log}");
    }
    let said = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|line| line["fields"]["message"] == "replayed")
        .with_context(|| format!("vlot replay does not say what it did: {log}"))?;
    let number = |name: &str| said["fields"][name].as_u64().with_context(|| format!("no {name} in {said}"));
    Ok(Replayed {
        readings: number("readings")?,
        wall,
        inner: Duration::from_millis(number("took_ms")?),
        cpu,
    })
}

/// Processor time of all children that have ended.
fn children_cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').context("/proc/self/stat")?.1.split_whitespace().collect::<Vec<_>>();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    Ok(Duration::from_millis(10 * (ticks(13) + ticks(14))))
}
