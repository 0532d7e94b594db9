//! What the subcommands share: where the broker is, which configuration, what time it is, and when to stop.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::Instant;
use vlot_simulators::layout::Layout;
use vlot_simulators::mqtt::Broker;
use vlot_simulators::time::NowMicros;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Where to publish.
#[derive(Args)]
pub(crate) struct BrokerArgs {
    /// The broker.
    #[arg(long, default_value = "127.0.0.1:1883", value_name = "HOST:PORT", value_parser = host_and_port)]
    broker: (String, u16),
    /// Name at the broker.
    #[arg(long, requires = "password_file")]
    username: Option<String>,
    /// File with the password; its last line end does not count.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

impl BrokerArgs {
    pub(crate) fn broker(&self) -> Result<Broker, Box<dyn std::error::Error + Send + Sync>> {
        let mut broker = Broker::new(self.broker.0.clone(), self.broker.1);
        if let (Some(name), Some(file)) = (&self.username, &self.password_file) {
            let password = read(file)?;
            broker.login = Some((name.clone(), password.trim_end_matches(['\r', '\n']).to_owned()));
        }
        Ok(broker)
    }
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text.rsplit_once(':').ok_or("expected HOST:PORT")?;
    let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
    Ok((host.trim_matches(['[', ']']).to_owned(), port))
}

/// How much to log.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    pub(crate) fn start(self) {
        let level = match self {
            Level::Error => tracing::Level::ERROR,
            Level::Warn => tracing::Level::WARN,
            Level::Info => tracing::Level::INFO,
            Level::Debug => tracing::Level::DEBUG,
            Level::Trace => tracing::Level::TRACE,
        };
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    }
}

/// Prints a line; a reader that has gone away is no error.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads the output");
    }
}

/// Says why it failed.
pub(crate) fn failed(e: &dyn std::error::Error) -> ExitCode {
    let mut err = std::io::stderr().lock();
    match writeln!(err, "vlot-sim: {e}") {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

/// A text file, with an error that names it.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The files of a configuration by name.
pub(crate) fn files(dir: &Path) -> Result<BTreeMap<String, String>, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", dir.display()))?.path();
        let wanted = path.extension().is_some_and(|e| e == "toml" || e == "csv");
        if let (true, Some(name)) = (wanted, path.file_name()) {
            files.insert(name.to_string_lossy().into_owned(), read(&path)?);
        }
    }
    Ok(files)
}

/// The layout of a configuration.
pub(crate) fn layout(dir: &Path) -> Result<Layout, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Layout::parse(&files(dir)?)?)
}

/// The wall's time.
pub(crate) fn wall() -> NowMicros {
    Arc::new(|| jiff::Timestamp::now().as_microsecond())
}

/// Time from `start` on (none: from now on), `speed` times as fast as the wall's.
pub(crate) fn simulated(start: Option<jiff::Timestamp>, speed: f64) -> NowMicros {
    let start = start.unwrap_or_else(jiff::Timestamp::now).as_microsecond();
    let began = Instant::now();
    Arc::new(move || start + vlot_simulators::time::round(began.elapsed().as_secs_f64() * 1e6 * speed))
}

/// Completes at Ctrl-C, at SIGTERM, or after `duration`.
pub(crate) async fn stop(duration: Option<Duration>) {
    let over = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => {}
        () = interrupted() => {}
    }
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// "90s", "10m" and so on.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    vlot_simulators::time::parse_duration(text)
        .and_then(|micros| u64::try_from(micros).ok())
        .map(Duration::from_micros)
        .ok_or_else(|| format!("{text:?} is no duration such as 90s, 10m or 1h30m"))
}

/// A positive number.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|x: &f64| x.is_finite() && *x > 0.0)
        .ok_or_else(|| "expected a positive number".into())
}

/// A share, 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|x: &f64| (0.0..=1.0).contains(x))
        .ok_or_else(|| "expected a number from 0 to 1".into())
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.rsplit_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A map as a line: `a 1, b 2`.
pub(crate) fn counts<K: std::fmt::Display, V: std::fmt::Display>(map: &BTreeMap<K, V>) -> String {
    if map.is_empty() {
        return "none".to_owned();
    }
    map.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ")
}
