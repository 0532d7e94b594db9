//! The processes under test, on the loopback, stopped by process id.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A child that ends with its owner.
pub struct Process(pub Child);

impl Process {
    /// Starts a program whose output nobody reads.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Process> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Process(child.with_context(|| format!("cannot start {:?}", command.get_program()))?))
    }

    /// Resident memory in kB.
    #[must_use]
    pub fn rss_kb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").trim().parse().ok()
    }

    /// Processor time used so far, in seconds.
    #[must_use]
    pub fn cpu_s(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        // Linux counts in hundredths of a second for user space on every platform.
        Some(ticks / 100.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A port that is free now, below the clients' own range.
///
/// # Errors
/// When none is.
pub fn free_port() -> Result<u16> {
    let start = 11_000 + u16::try_from(std::process::id() % 9_000)?;
    for port in (start..start + 2_000).step_by(7) {
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

/// Waits until somebody listens.
///
/// # Errors
/// When nobody does in time.
pub async fn open(port: u16) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if Instant::now() > end {
            bail!("nobody listens on port {port}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// A broker to measure through.
pub enum Broker {
    /// A real Mosquitto, with the queue settings that production needs.
    Mosquitto(Process, u16),
    /// Vlot's embedded one, in this process.
    Embedded(vlot_broker::Broker),
}

impl Broker {
    /// Starts one; `name` is "mosquitto" or "embedded".
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(name: &str, dir: &Path) -> Result<Broker> {
        if name == "embedded" {
            let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
            let options = vlot_broker::Options { listen, ..vlot_broker::Options::default() };
            return Ok(Broker::Embedded(vlot_broker::Broker::start(options)?));
        }
        let port = free_port()?;
        let conf = dir.join("mosquitto.conf");
        std::fs::write(
            &conf,
            format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\n\
                 set_tcp_nodelay true\nlog_type none\n"
            ),
        )?;
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].into_iter().find(|p| Path::new(p).exists());
        let program = program.context("mosquitto is not installed (hint: scripts/test installs it)")?;
        let process = Process::start(Command::new(program).arg("-c").arg(conf).stderr(Stdio::null()))?;
        open(port).await?;
        Ok(Broker::Mosquitto(process, port))
    }

    /// Where it listens on the loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Broker::Mosquitto(_, port) => *port,
            Broker::Embedded(broker) => broker.addr().port(),
        }
    }
}

/// The `vlot` binary beside this one.
///
/// # Errors
/// When it was not built.
pub fn vlot() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("vlot");
    if !path.exists() {
        bail!("{} is not built (hint: cargo build --release -p vlot)", path.display());
    }
    Ok(path)
}
