//! The processes under test, on the loopback, stopped by process id.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
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
        status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))?
            .trim()
            .trim_end_matches(" kB")
            .trim()
            .parse()
            .ok()
    }

    /// Processor time used so far, by threads that have ended too, in seconds.
    #[must_use]
    pub fn cpu_s(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        // Linux counts in hundredths of a second for user space on every platform.
        Some(ticks / 100.0)
    }
}

/// What a process has used of the processor since it was last asked, a message.
pub struct Used {
    name: &'static str,
    before_s: Option<f64>,
}

impl Used {
    /// From now on.
    #[must_use]
    pub fn by(name: &'static str, process: &Process) -> Used {
        Used { name, before_s: process.cpu_s() }
    }

    /// `vlot 12.3 us`.
    #[must_use]
    pub fn a_message(&self, process: &Process, messages: u64) -> String {
        match (self.before_s, process.cpu_s()) {
            (Some(before), Some(after)) => {
                format!("{} {:.1} us", self.name, (after - before) * 1e6 / messages.max(1) as f64)
            }
            _ => format!("{} ?", self.name),
        }
    }
}

/// This program once more, in another part: it is told by a line and answers by a line, and ends with its owner.
pub struct Part {
    /// The process.
    pub process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Part {
    /// Starts it, and returns its first line: it is ready.
    ///
    /// # Errors
    /// When it cannot be started, or ends at once.
    pub fn start(arguments: &[&str]) -> Result<(Part, String)> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) =
            (child.stdin.take().context("no input")?, child.stdout.take().context("no output")?);
        let mut part = Part { process: Process(child), input, output: BufReader::new(output) };
        let first = part.line().with_context(|| format!("{arguments:?}"))?;
        Ok((part, first))
    }

    /// Tells it something and waits for the answer.
    ///
    /// # Errors
    /// When it has ended.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        writeln!(self.input, "{line}")?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("a part of the measurement ended early");
        }
        Ok(line.trim().to_owned())
    }
}

/// Ends this process when its owner is gone, and meanwhile answers each line that it is told.
///
/// # Errors
/// When nobody reads the answers.
pub fn answer(ready: &str, mut answer: impl FnMut(&str) -> Result<String>) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{ready}")?;
    for line in std::io::stdin().lock().lines() {
        writeln!(output, "{}", answer(line?.trim())?)?;
    }
    Ok(())
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
        let program =
            ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].into_iter().find(|p| Path::new(p).exists());
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

/// A directory for journals, beside this program: on a disk, so that fsync means something. Removed when dropped.
///
/// # Errors
/// When that is no disk.
pub fn disk_dir() -> Result<tempfile::TempDir> {
    let beside = std::env::current_exe()?;
    let beside = beside.parent().context("this program has no directory")?;
    let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let kind = file_system(dir.path())?;
    if ["tmpfs", "ramfs"].contains(&kind.as_str()) {
        bail!(
            "{} is in memory ({kind}): a journal there says nothing (hint: CARGO_TARGET_DIR)",
            dir.path().display()
        );
    }
    Ok(dir)
}

/// What a path lies on, as "ext4".
fn file_system(path: &Path) -> Result<String> {
    let path = path.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").context("cannot see what is mounted")?;
    let on = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind) = (words.next()?, words.next()?);
        path.starts_with(at).then_some((at.len(), kind))
    });
    // Of two on the same place the later one covers the earlier.
    on.max_by_key(|(length, _)| *length).map(|(_, kind)| kind.to_owned()).context("nothing is mounted there")
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
