//! A real Mosquitto, in a directory of its own.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Ends with the test, whatever becomes of it.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    dir: TempDir,
    process: Option<Child>,
}

impl Mosquitto {
    /// A directory for a broker that is not started yet. Mosquitto, started by root, becomes another user: all may enter.
    pub(crate) fn prepare() -> Mosquitto {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        Mosquitto { port: free_port(), dir, process: None }
    }

    /// A started broker with these lines of configuration beside its listener's.
    pub(crate) fn start(lines: &str) -> Mosquitto {
        let mut broker = Mosquitto::prepare();
        let port = broker.port;
        let location = broker.dir().display().to_string();
        broker.run(&format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\npersistence_location {location}/\n{lines}\n"
        ));
        broker
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file that the broker may read.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.dir().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        path.display().to_string()
    }

    /// Starts it with a whole configuration; returns when it listens.
    pub(crate) fn run(&mut self, config: &str) {
        let file = self.file("mosquitto.conf", config);
        self.again(&file);
    }

    fn again(&mut self, config: &str) {
        let mut child = Command::new("/usr/sbin/mosquitto")
            .args(["-c", config])
            .stderr(Stdio::piped())
            .spawn()
            .expect("mosquitto is installed");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let running = lines.by_ref().map_while(Result::ok).any(|line| {
            said += &format!("{line}\n");
            line.ends_with(" running")
        });
        self.process = Some(child);
        assert!(running, "Mosquitto does not start:\n{said}");
        // It would stop at a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    }

    /// Stops it as an operator would; it writes what it holds to disk first.
    pub(crate) fn stop(&mut self) {
        let mut child = self.process.take().expect("it runs");
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        child.wait().unwrap();
    }

    /// Starts it again, with the same configuration at the same port.
    pub(crate) fn restart(&mut self) {
        let config = self.dir().join("mosquitto.conf").display().to_string();
        self.again(&config);
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _already_gone = child.kill().and_then(|()| child.wait());
        }
    }
}

/// Below the range from which clients get theirs; which test gets which depends on its process.
pub(crate) fn free_port() -> u16 {
    let start = u16::try_from(std::process::id() % 9_000).unwrap();
    (0..9_000)
        .map(|n| 20_000 + (start + n * 7) % 9_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}
