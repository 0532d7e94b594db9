use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vlot_model::{LonLat, Matrix, Placement, SignState, Update};
use vlot_store::journal::{Disk, DiskFile, RealDisk};

use super::*;
use crate::clock::WallClock;

/// A disk that fills up when told to.
#[derive(Clone, Default)]
struct FullDisk(Arc<AtomicBool>);

struct FullFile(Box<dyn DiskFile>, FullDisk);

impl Disk for FullDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.create_dir(dir)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn Any + Send>> {
        RealDisk.lock(file)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FullFile(RealDisk.create(file)?, self.clone())))
    }

    fn open(&self, file: &Path, write: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FullFile(RealDisk.open(file, write)?, self.clone())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        RealDisk.remove(file)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

impl DiskFile for FullFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.1.0.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FullDisk::default();
    let options = vlot_store::journal::Options {
        queue: 1,
        segment_bytes: 64 << 10,
        disk: Arc::new(disk.clone()),
        ..vlot_store::journal::Options::new(Arc::new(WallClock))
    };
    let (mut journal, _) = Journal::open(dir.path(), options).unwrap();
    let era = Era {
        fingerprint: String::new(),
        software: String::new(),
        at: Timestamp::EPOCH,
        devices: Vec::new(),
    };
    journal.append(Record::Era(era), Vec::new()).await.unwrap();
    let mut failing = journal.state().clone();
    let (stop, mut log) = JournalLog::new(journal);
    let batch = |tick| LogBatch { tick, at: Timestamp::EPOCH, readings: Vec::new(), receipts: Vec::new() };
    assert!(log.append(batch(1)).await);
    disk.0.store(true, Ordering::Relaxed);
    // One is in the writer's hands, one waits; the next one finds no room.
    let full = async {
        let mut tick = 2;
        while log.append(batch(tick)).await {
            tick += 1;
        }
    };
    let told = async {
        failing.wait_for(|state| matches!(state, State::Failing { .. })).await.unwrap();
        stop.send_replace(true);
        std::future::pending::<()>().await;
    };
    let ended = async {
        tokio::select! {
            () = full => {}
            () = told => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(4), ended).await.expect("the stop waits for the disk");
    let unwritten = log.journal.close().await.unwrap_err().to_string();
    assert!(unwritten.contains("space"), "{unwritten}");
}

#[test]
fn signs_that_a_killed_engine_left_connected_are_not() {
    let sign = |i: u32| Sign {
        id: format!("s{i}").into(),
        name: String::new(),
        position: LonLat::default(),
        matrix: Matrix { width_px: 8, height_px: 8 },
        placement: Placement::Street,
        lines: Vec::new(),
        template: 0,
        time_to_live: Duration::from_secs(60),
        min_dwell: Duration::ZERO,
        demand: 1.0,
        device: vlot_model::DeviceIx(10 + i),
    };
    let city = City { signs: (0..4).map(sign).collect(), ..City::default() };
    let state = |(sign, connected)| Update {
        tick: 1,
        at: Timestamp::EPOCH,
        trigger: None,
        product: std::sync::Arc::new(Product::Sign(SignState {
            sign: SignIx(sign),
            connected,
            displayed_version: None,
            displayed_at: None,
            fault: None,
            heard_at: None,
        })),
    };
    let board = Board::new();
    let states = [(0, Some(true)), (1, Some(false)), (2, None)];
    board.publish(1, Timestamp::EPOCH, states.map(state));
    let at = Timestamp::from_secs(5);
    let ended = ended_connections(&board, &city, at);
    let said: Vec<_> = ended.readings.iter().map(|r| (r.device.0, r.observed_at, r.value.clone())).collect();
    assert_eq!(said, [(10, at, Value::SignLink { connected: false })]);
}

#[test]
fn a_refused_set_of_advice_is_a_problem_that_operators_see() {
    let board = Board::new();
    assert_eq!(refused_set(&board), None);
    let publish = |tick, refused| {
        let state = vlot_model::GuidanceState { refused, ..Default::default() };
        let product = Arc::new(Product::Guidance(state));
        board.publish(
            tick,
            Timestamp::EPOCH,
            [vlot_model::Update { tick, at: Timestamp::EPOCH, trigger: None, product }],
        );
    };
    publish(1, None);
    assert_eq!(refused_set(&board), None);
    let since = Timestamp::from_secs(5);
    publish(2, Some(vlot_model::RefusedSet { since, faults: vec!["a driver would go round".into()] }));
    let problem = refused_set(&board).unwrap();
    assert_eq!((problem.part.as_str(), problem.since, problem.halts), ("guidance", since, false));
    assert!(problem.what.contains("a driver would go round"), "{}", problem.what);
}

#[test]
fn a_broker_that_refuses_subscriptions_is_a_problem_like_one_that_is_away() {
    let since = Timestamp::from_secs(1_700_000_000);
    let problem = |connected, error: Option<&str>| {
        let state = mqtt::State { connected, since, error: error.map(str::to_owned), connections: 1 };
        source_problem("field", state).map(|problem| (problem.part, problem.what, problem.halts))
    };
    let told = |what: &str| Some(("field".to_owned(), what.to_owned(), false));
    assert_eq!(problem(true, None), None);
    assert_eq!(problem(true, Some("it refuses a/b")), told("it refuses a/b"));
    assert_eq!(problem(false, Some("nobody listens")), told("nobody listens"));
    assert_eq!(problem(false, None), told("not connected"));
}
