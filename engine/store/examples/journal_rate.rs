//! How fast this machine's disk takes a journal, and how fast the journal is read again.
//!
//! `cargo run --release -p vlot-store --example journal_rate [DIR] [READINGS]`

#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use vlot_model::{Acknowledge, Clock, DeviceIx, Reading, Receipt, Timestamp, Value};
use vlot_store::journal::{Era, Journal, Options, Reader, Record};

const DEVICES: u32 = 5_000;
const START: Timestamp = Timestamp::from_secs(1_780_000_000);

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        START
    }
}

#[derive(Default)]
struct Count(AtomicU64);

impl Acknowledge for Count {
    fn acknowledge(&self, readings: u64) {
        self.0.fetch_add(readings, Ordering::Relaxed);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(|| std::env::temp_dir().join("vlot-journal-rate"), PathBuf::from);
    let readings: u64 = args.next().map_or(Ok(5_000_000), |n| n.parse())?;
    measure(&dir.join("hundred"), 100, readings)?;
    measure(&dir.join("one"), 1, readings.div_ceil(5))?;
    latency(&dir.join("latency"), 5_000)
}

/// One record at a time: from append to acknowledgement, beside what the disk alone takes.
fn latency(dir: &Path, records: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(dir)?;
    let file = File::create(dir.join("bare"))?;
    file.write_all_at(&vec![0; 4 << 20], 0)?;
    file.sync_all()?;
    let mut bare = Vec::new();
    for n in 0..records {
        let started = Instant::now();
        file.write_all_at(&[1; 50], n * 50)?;
        file.sync_data()?;
        bare.push(started.elapsed());
    }
    report("a bare write and fdatasync", &mut bare);

    let (mut journal, _) = Journal::open(dir, Options::new(Arc::new(Standing)))?;
    journal.append_blocking(Record::Era(era()), Vec::new())?;
    let (tell, told) = mpsc::channel();
    let tell: Arc<dyn Acknowledge> = Arc::new(Tell(tell));
    let mut took = Vec::new();
    for tick in 1..=records {
        let readings = vec![reading(START, tick)?];
        let started = Instant::now();
        let receipt = Receipt::new(Arc::clone(&tell), tick);
        journal.append_blocking(Record::Batch { tick, at: START, readings }, vec![receipt])?;
        told.recv()?;
        took.push(started.elapsed());
    }
    journal.close_blocking()?;
    report("append to acknowledgement", &mut took);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

fn report(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    println!("{what}: p50 {:.0?}, p99 {:.0?}", took[took.len() / 2], took[took.len() * 99 / 100]);
}

struct Tell(mpsc::Sender<u64>);

impl Acknowledge for Tell {
    fn acknowledge(&self, token: u64) {
        let _nobody_listens = self.0.send(token);
    }
}

fn era() -> Era {
    let devices = (0..DEVICES).map(|d| format!("bay-{d:05}")).collect();
    Era { fingerprint: "rate".into(), software: "example".into(), at: START, devices }
}

fn measure(dir: &Path, batch: u64, readings: u64) -> Result<(), Box<dyn Error>> {
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    let opening = Instant::now();
    let (mut journal, _) = Journal::open(dir, Options::new(Arc::new(Standing)))?;
    println!("batches of {batch}: a new journal opens in {:.1?}", opening.elapsed());
    journal.append_blocking(Record::Era(era()), Vec::new())?;

    let done = Arc::new(Count::default());
    let writing = Instant::now();
    for tick in 1..=readings / batch {
        let at = Timestamp::from_micros(START.micros() + i64::try_from(tick)? * 1_500);
        let readings = (0..batch).map(|i| reading(at, tick * batch + i)).collect::<Result<_, _>>()?;
        let receipt = Receipt::new(Arc::<Count>::clone(&done), batch);
        journal.append_blocking(Record::Batch { tick, at, readings }, vec![receipt])?;
    }
    journal.close_blocking()?;
    let written = done.0.load(Ordering::Relaxed);
    let seconds = writing.elapsed().as_secs_f64();
    println!("  written and synced {written} readings: {:.2} million/s", written as f64 / seconds / 1e6);

    let reading = Instant::now();
    let mut read = 0;
    for record in Reader::open(dir)? {
        if let Record::Batch { readings, .. } = record? {
            read += readings.len();
        }
    }
    let seconds = reading.elapsed().as_secs_f64();
    println!("  read {read} readings: {:.2} million/s on one core", read as f64 / seconds / 1e6);

    let opening = Instant::now();
    let (journal, recovered) = Journal::open(dir, Options::new(Arc::new(Standing)))?;
    println!("  opens again at tick {} in {:.1?}", recovered.last_tick, opening.elapsed());
    journal.close_blocking()?;
    println!("  {:.1} bytes a reading", occupied(dir)? as f64 / read as f64);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// Mostly bays, some motor traffic, as a city sends them: dated by the device to the millisecond, received shortly before.
fn reading(at: Timestamp, n: u64) -> Result<Reading, Box<dyn Error>> {
    let received = at.micros() - i64::try_from(n % 900)?;
    let observed = (received - 40_000 - i64::try_from(n * 7_919 % 400_000)?) / 1_000 * 1_000;
    let value = match n % 8 {
        0 => Value::Traffic {
            interval_s: 60,
            vehicles: u32::try_from(n % 40)?,
            speed_kmh: Some(47.5),
            detector_occupancy_pct: Some(12.25),
        },
        _ => Value::Bay { occupied: n % 2 == 1 },
    };
    Ok(Reading {
        device: DeviceIx(u32::try_from(n * 31 % u64::from(DEVICES))?),
        sequence: Some(u32::try_from(n / 1_000 % 65_536)?),
        observed_at: Timestamp::from_micros(observed),
        received_at: Timestamp::from_micros(received),
        value,
    })
}

/// What was written in the segments, without the blank rest of the newest.
fn occupied(dir: &Path) -> Result<usize, Box<dyn Error>> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "vlotj") {
            bytes += std::fs::read(path)?.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
        }
    }
    Ok(bytes)
}
