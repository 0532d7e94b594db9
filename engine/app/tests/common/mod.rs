//! What the tests of the whole engine share: real processes on the loopback, stopped by process id.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The binary under test.
pub(crate) fn vlot() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vlot"));
    command.env("VLOT_LOG", "info").stdin(Stdio::null());
    command
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A port that was free just now, below the range that clients draw their own ports from.
pub(crate) fn free_port() -> u16 {
    let seed = std::process::id().wrapping_mul(31) ^ Instant::now().elapsed().subsec_nanos();
    (0..500)
        .filter_map(|i| u16::try_from(12_000 + seed.wrapping_add(i * 37) % 18_000).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// A child that is killed when the test ends, however it ends, with its output at hand.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let out: Box<dyn std::io::Read + Send> = Box::new(child.stdout.take().unwrap());
        let err: Box<dyn std::io::Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [out, err] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    lines.lock().unwrap().push(line);
                }
            });
        }
        Running { child, lines }
    }

    pub(crate) fn output(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits for a line that holds `text`.
    pub(crate) fn wait_for(&mut self, text: &str, limit: Duration) -> String {
        wait(
            limit,
            || format!("{text:?} in\n{}", self.output()),
            || self.lines.lock().unwrap().iter().find(|l| l.contains(text)).cloned(),
        )
    }

    /// Waits for its end and returns the exit code.
    pub(crate) fn wait_exit(&mut self, limit: Duration) -> Option<i32> {
        let child = &mut self.child;
        let lines = self.lines.clone();
        wait(
            limit,
            || format!("its end; so far:\n{}", lines.lock().unwrap().join("\n")),
            || child.try_wait().unwrap().map(|status| status.code()),
        )
    }

    /// `kill -9`.
    pub(crate) fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A signal by its name, as `kill -TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is fine.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Polls until there is something, or fails with what was awaited.
pub(crate) fn wait<T>(limit: Duration, what: impl Fn() -> String, mut there: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} for {}", what());
        #[expect(clippy::disallowed_methods, reason = "polls another process, within a limit")]
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A real Mosquitto with the queue settings that production needs.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    running: Running,
    dir: tempfile::TempDir,
}

impl Mosquitto {
    pub(crate) fn start() -> Mosquitto {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let running = Self::spawn(dir.path(), port);
        let mut mosquitto = Mosquitto { port, running, dir };
        mosquitto.wait_open();
        mosquitto
    }

    fn spawn(dir: &Path, port: u16) -> Running {
        let conf = dir.join("mosquitto.conf");
        std::fs::write(
            &conf,
            format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\n\
                 set_tcp_nodelay true\n"
            ),
        )
        .unwrap();
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
            .into_iter()
            .find(|p| Path::new(p).exists())
            .unwrap_or("mosquitto");
        Running::start(Command::new(program).arg("-c").arg(conf).stdin(Stdio::null()))
    }

    fn wait_open(&mut self) {
        let port = self.port;
        wait(
            Duration::from_secs(10),
            || "Mosquitto".into(),
            || std::net::TcpStream::connect(("127.0.0.1", port)).ok(),
        );
    }

    /// Kills the broker and starts it again: sessions are gone, as after a power cut without persistence.
    pub(crate) fn restart(&mut self) {
        self.running.kill_9();
        self.running = Self::spawn(self.dir.path(), self.port);
        self.wait_open();
    }
}

/// A configuration of one car park with barriers, in `dir`.
pub(crate) fn small_config(dir: &Path, mqtt_port: u16, grpc_port: u16, barriers: usize) {
    let write = |name: &str, text: String| std::fs::write(dir.join(name), text).unwrap();
    write(
        "city.toml",
        format!(
            "name = \"Test\"\ntimezone = \"Europe/Brussels\"\n[area]\nsouth = 50.0\nnorth = 51.0\nwest = 4.0\neast = 5.0\n\
             [serve]\nlisten = \"127.0.0.1:{grpc_port}\"\n"
        ),
    );
    write(
        "mqtt.toml",
        format!(
            "[[source]]\nname = \"field\"\nhost = \"127.0.0.1\"\nport = {mqtt_port}\nprotocol = \"3.1.1\"\n\
             client_id = \"vlot-test\"\n[[source.subscription]]\nfilter = \"vlot/v1/+/json\"\nformat = \"vlot-json\"\nqos = 1\n"
        ),
    );
    let mut facility = "[[facility]]\nid = \"p\"\nname = \"P\"\nkind = \"off-street\"\nlat = 50.5\nlon = 4.5\n\
         capacity = 50000\ncounting = \"barriers\"\nvalid_for = \"15m\"\nmin_share = 1.0\nfull_at = 8\nreopen_at = 16\n"
        .to_owned();
    for i in 0..barriers {
        facility +=
            &format!("[[facility.device]]\nid = \"b{i}\"\nkind = \"barrier\"\nsilent_after = \"10m\"\n");
    }
    write("facilities.toml", facility);
    write(
        "signs.toml",
        "[[template]]\nname = \"one\"\nmulti = \"[tr1,1,96,32][fo12]{label.1}[jl4]{figure.1}\"\n\
         [[sign]]\nid = \"s\"\nname = \"S\"\nlat = 50.5\nlon = 4.5\nwidth_px = 96\nheight_px = 32\ntemplate = \"one\"\n\
         time_to_live = \"30s\"\nmin_dwell = \"5s\"\n\
         [[sign.line]]\nfacility = \"p\"\nlabel = \"P\"\narrow = \"ahead\"\ntravel_time = \"1m\"\n"
            .to_owned(),
    );
}
