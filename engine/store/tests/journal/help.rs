//! What the tests write, and how they hear of it.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use vlot_model::{Acknowledge, Clock, DeviceIx, Reading, Receipt, Tick, Timestamp, Value};
use vlot_store::journal::{Disk, Era, Journal, OnDamage, Options, Reader, Record, Recovered, State};

pub(crate) const DIR: &str = "/journal";
/// A test that waits longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn set(&self, at: Timestamp) {
        self.0.store(at.micros(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Hears of every acknowledgement, in order.
#[derive(Default)]
pub(crate) struct Acks {
    tokens: Mutex<Vec<u64>>,
    more: Condvar,
}

impl Acknowledge for Acks {
    fn acknowledge(&self, token: u64) {
        self.tokens.lock().unwrap().push(token);
        self.more.notify_all();
    }
}

impl Acks {
    pub(crate) fn receipts(self: &Arc<Self>, token: u64) -> Vec<Receipt> {
        vec![Receipt::new(Arc::<Acks>::clone(self), token)]
    }

    pub(crate) fn so_far(&self) -> Vec<u64> {
        self.tokens.lock().unwrap().clone()
    }

    /// Waits until so many have come.
    pub(crate) fn wait(&self, n: usize) -> Vec<u64> {
        let tokens = self.tokens.lock().unwrap();
        let (tokens, late) =
            self.more.wait_timeout_while(tokens, PATIENCE, |tokens| tokens.len() < n).unwrap();
        assert!(!late.timed_out(), "{} of {n} acknowledgements came", tokens.len());
        tokens.clone()
    }
}

pub(crate) fn options(disk: &(impl Disk + Clone + 'static)) -> Options {
    Options {
        segment_bytes: 4 << 10,
        retry_every: Duration::from_millis(1),
        disk: Arc::new(disk.clone()),
        ..Options::new(Arc::new(Hand::default()))
    }
}

pub(crate) fn open(disk: &(impl Disk + Clone + 'static)) -> (Journal, Recovered) {
    Journal::open(Path::new(DIR), options(disk)).unwrap()
}

pub(crate) fn era(n: u64) -> Era {
    Era {
        fingerprint: format!("{n:016x}"),
        software: "0.1.0".into(),
        at: at(n),
        devices: (0..100).map(|d| format!("d{d}")).collect(),
    }
}

pub(crate) fn at(tick: Tick) -> Timestamp {
    Timestamp::from_secs(1_700_000_000) + Duration::from_secs(tick)
}

pub(crate) fn bay(tick: Tick, device: u32) -> Reading {
    Reading {
        device: DeviceIx(device),
        sequence: u32::try_from(tick).ok(),
        observed_at: at(tick) - Duration::from_millis(1_500),
        received_at: at(tick) - Duration::from_micros(250),
        value: Value::Bay { occupied: tick.is_multiple_of(2) },
    }
}

/// A batch that is known by its tick; readings make it as large as wanted.
pub(crate) fn batch(tick: Tick, readings: u32) -> Record {
    Record::Batch { tick, at: at(tick), readings: (0..readings).map(|i| bay(tick, i % 100)).collect() }
}

pub(crate) fn read(disk: &(impl Disk + Clone + 'static)) -> Vec<Record> {
    let disk = Arc::new(disk.clone());
    Reader::open_with(Path::new(DIR), disk, OnDamage::Refuse).unwrap().collect::<Result<_, _>>().unwrap()
}

pub(crate) fn ticks(records: &[Record]) -> Vec<Tick> {
    let tick = |r: &Record| match r {
        Record::Batch { tick, .. } => Some(*tick),
        Record::Era(_) => None,
    };
    records.iter().filter_map(tick).collect()
}

/// Waits for a state of that kind.
pub(crate) fn wait_state(state: &watch::Receiver<State>, wanted: impl Fn(&State) -> bool) -> State {
    let mut state = state.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let came = tokio::time::timeout(PATIENCE, state.wait_for(|s| wanted(s))).await;
        came.expect("the state never came").unwrap().clone()
    })
}
