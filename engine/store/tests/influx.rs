//! Against a real server that takes InfluxDB 2's writes: VictoriaMetrics.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use vlot_model::*;
use vlot_store::history::{HistoryOptions, InfluxOptions, Recorder, Seen};

const MINUTE: Duration = Duration::from_mins(1);

/// The server, stopped by its process id when dropped.
struct Victoria {
    process: Child,
    port: u16,
}

impl Victoria {
    fn start(data: &Path, port: u16) -> Victoria {
        let process = Command::new("victoria-metrics")
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg(format!("-storageDataPath={}", data.display()))
            .args(["-retentionPeriod=100y", "-search.latencyOffset=0s", "-memory.allowedPercent=10"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("victoria-metrics is installed (scripts/test installs it)");
        let server = Victoria { process, port };
        until("the server answers", || server.ask("/health").is_some_and(|answer| answer.contains("OK")));
        server
    }

    fn ask(&self, path: &str) -> Option<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        connection.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(connection, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// All series whose name begins with `vlot_`, one JSON object a line.
    fn export(&self) -> String {
        self.ask("/internal/force_flush");
        self.ask("/api/v1/export?match%5B%5D=%7B__name__=~%22vlot_.%2A%22%7D").unwrap_or_default()
    }
}

impl Drop for Victoria {
    fn drop(&mut self) {
        // It keeps what it was just told in memory for a second: asked to end, it writes that down.
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            drop(self.process.kill());
        }
        drop(self.process.wait());
    }
}

/// Waits for what another process or thread does.
fn until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(40), "{what}");
        std::thread::yield_now();
    }
}

/// A port below those that clients take.
fn free_port() -> u16 {
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (start..32_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

struct Hand(Timestamp);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn city() -> City {
    let mut city = City::default();
    city.facilities.push(Facility {
        id: "ladeuze".into(),
        name: "Ladeuze".into(),
        kind: FacilityKind::OffStreet,
        position: LonLat::default(),
        capacity: 100,
        counting: Counting::Barriers,
        bays: Vec::new(),
        valid_for: MINUTE,
        min_share: 0.8,
        full_at: 2,
        reopen_at: 4,
        estimate: Reliability::of(100),
        site: Site::default(),
    });
    city
}

fn state(free: u32, at: Timestamp) -> Product {
    Product::Facility(FacilityState {
        facility: FacilityIx(0),
        capacity: 100,
        occupied: Some(100 - free),
        free: Some(free),
        occupied_uncorrected: None,
        opening: Opening::Open,
        closed: None,
        status: FacilityStatus::SpacesAvailable,
        observed_at: Some(at),
        valid_until: Some(at + MINUTE),
        quality: Quality::Degraded,
        sensors: Share { reporting: 1, total: 2 },
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    })
}

/// A recorder, and the board that it looks at.
struct Bench {
    board: Arc<Board>,
    meters: Arc<Meters>,
    changed: watch::Sender<Tick>,
    recorder: Recorder,
    noon: Timestamp,
}

impl Bench {
    fn start(dir: &Path, influx: InfluxOptions) -> Bench {
        let noon = Timestamp::from_secs(1_767_268_800);
        let (changed, seen) = watch::channel(0);
        let (board, meters) = (Arc::new(Board::new()), Arc::new(Meters::default()));
        let seen = Seen {
            city: Arc::new(city()),
            board: Arc::clone(&board),
            changed: seen,
            clock: Arc::new(Hand(noon)),
            meters: Arc::clone(&meters),
        };
        let options =
            HistoryOptions { influx: Some(influx), ..HistoryOptions::new(&dir.join("history.sqlite")) };
        Bench { recorder: Recorder::start(options, seen).unwrap(), board, meters, changed, noon }
    }

    /// Publishes a minute, and waits until it is in SQLite: so the sampler has seen it.
    fn minute(&self, minute: u32) {
        let at = self.noon + minute * MINUTE;
        let product = Arc::new(state(minute, at));
        let tick = u64::from(minute);
        self.board.publish(tick, at, [Update { tick, at, trigger: None, product }]);
        self.changed.send_replace(tick);
        until("the minute is on disk", || self.meters.history_written.get() >= tick);
    }

    fn troubles(&self) -> String {
        format!("{:?}", self.recorder.health().troubles())
    }
}

fn options(port: u16) -> InfluxOptions {
    InfluxOptions {
        retry_first: Duration::from_millis(50),
        retry_last: Duration::from_millis(200),
        ..InfluxOptions::new(&format!("http://127.0.0.1:{port}"), "leuven", "parking")
    }
}

#[test]
fn records_arrive_also_those_that_were_made_while_the_server_was_away() {
    let dir = tempfile::tempdir().unwrap();
    let (data, port) = (dir.path().join("victoria"), free_port());
    let server = Victoria::start(&data, port);
    let bench = Bench::start(dir.path(), options(port));
    bench.minute(1);
    until("the first minute is taken", || bench.meters.influx_written.get() == 1);

    drop(server);
    bench.minute(2);
    bench.minute(3);
    until("it is told", || bench.troubles().contains("influx"));
    assert_eq!((bench.meters.influx_written.get(), bench.meters.influx_lost.get()), (1, 0));

    let server = Victoria::start(&data, port);
    until("the others are taken", || bench.meters.influx_written.get() == 3);
    until("all is well", || bench.troubles() == "[]");
    until("all three minutes can be read back", || server.export().contains("[1,2,3]"));
    let series = server.export();
    let line = |name: &str| {
        series
            .lines()
            .find(|l| l.contains(&format!("\"__name__\":\"{name}\"")))
            .unwrap_or_else(|| panic!("no {name} in {series}"))
    };
    let free = line("vlot_facility_free");
    assert!(free.contains("\"id\":\"ladeuze\"") && free.contains("\"values\":[1,2,3]"), "{free}");
    assert!(free.contains("[1767268860000,1767268920000,1767268980000]"), "{free}");
    assert!(line("vlot_facility_quality_code").contains("\"values\":[1,1,1]"));
    assert!(!series.contains("free_low"), "what is not known is not written: {series}");
    bench.recorder.close();
}

/// A server that answers every request with the same.
fn answers(status: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 65_536];
            let read = connection.read(&mut request).unwrap();
            assert!(read > 0);
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno\r\n");
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

#[test]
fn what_the_server_refuses_for_good_is_counted_and_does_not_hold_up_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), options(answers("400 Bad Request")));
    bench.minute(1);
    until("it is given up", || bench.meters.influx_lost.get() == 1);
    assert!(bench.troubles().contains("1 records are lost"), "{}", bench.troubles());
    bench.recorder.close();
}

#[test]
fn a_server_that_never_takes_anything_does_not_keep_the_engine_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(answers("503 Service Unavailable"));
    (options.retry_first, options.retry_last) = (Duration::from_hours(1), Duration::from_hours(1));
    let bench = Bench::start(dir.path(), options);
    bench.minute(1);
    until("it is told", || bench.troubles().contains("503"));
    let meters = Arc::clone(&bench.meters);
    bench.recorder.close();
    assert_eq!((meters.influx_written.get(), meters.influx_lost.get()), (0, 1));
}
