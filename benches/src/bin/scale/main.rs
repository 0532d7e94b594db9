//! A large city in the dataflow, with all operators and the board: resident memory, and readings a second on one worker.
//!
//! `cargo run --release -p vlot-benches --bin scale -- [--facilities 10000] [--bays 200000] [--hours 26]`
//!
//! The city first lives for a day and more, so that everything is allocated and every facility has forecasts. Then some
//! of its minutes at full pace are made, which is not timed, and worked off as fast as one worker can.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

mod load;
mod town;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use timely::dataflow::InputHandle;
use timely::dataflow::operators::{Inspect, Probe};
use vlot_benches::row;
use vlot_bridge::{Admission, Batch, Limits, Running, WorkersOptions};
use vlot_model::{Admitted, Board, Key, Meters, Tick, Timestamp};

use load::{Load, Pace};
use town::{Devices, Town};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Options {
    /// Facilities: four in five are zones of bays, the others car parks with barriers and a system
    #[arg(long, default_value_t = 10_000)]
    facilities: u32,
    /// Bays, spread over the zones
    #[arg(long, default_value_t = 200_000)]
    bays: u32,
    /// Hours that it lives before its speed is taken
    #[arg(long, default_value_t = 26)]
    hours: i64,
    /// Minutes a round at full pace
    #[arg(long, default_value_t = 20)]
    minutes: i64,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How many times as often as a city's its devices speak, at full pace
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    density: Vec<f64>,
    /// Threads of the dataflow
    #[arg(long, default_value = "1")]
    workers: NonZeroUsize,
}

/// 1 June 2026, a Monday.
const START_S: i64 = 1_780_272_000;

struct Run {
    devices: Devices,
    load: Load,
    admission: Admission,
    running: Running,
    waiting: tokio::runtime::Runtime,
    now_s: i64,
    tick: Tick,
    said: Vec<vlot_model::Reading>,
    admitted: u64,
    judging: Duration,
}

impl Run {
    /// The next seconds, a clock's tick and a tick of readings each.
    fn batch(&mut self, seconds: i64, pace: Pace, density: f64) -> Result<Batch> {
        let mut batch = Batch::default();
        for _ in 0..seconds {
            self.now_s += 1;
            let at = Timestamp::from_secs(self.now_s);
            self.tick += 1;
            batch.push(self.tick, at, []);
            self.said.clear();
            self.load.second(&self.devices, at, pace, density, &mut self.said);
            let started = Instant::now();
            let mut refused = 0;
            for reading in &self.said {
                self.admission.judge(std::slice::from_ref(reading), |_, verdict| {
                    refused += u32::from(verdict.is_err());
                });
            }
            self.judging += started.elapsed();
            ensure!(refused == 0, "{refused} readings refused");
            self.admitted += self.said.len() as u64;
            if !self.said.is_empty() {
                self.tick += 1;
                batch.push(self.tick, at, self.said.iter().cloned());
            }
        }
        Ok(batch)
    }

    /// Works a batch off, and waits until all of it is on the board.
    fn work_off(&mut self, batches: Vec<Batch>) -> Result<()> {
        for batch in batches {
            self.running.feeder.feed_blocking(batch)?;
        }
        let (completed, tick) = (&mut self.running.completed, self.tick);
        self.waiting.block_on(completed.wait_for(|completed| tick <= *completed))?;
        Ok(())
    }

    fn live(&mut self, hours: i64) -> Result<()> {
        for _ in 0..hours * 60 {
            let batch = self.batch(60, Pace::SPARSE, 1.0)?;
            self.work_off(vec![batch])?;
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut rss = Resident::new()?;
    let Town { city, bays, parks } = Town::new(options.facilities, options.bays);
    let (city, devices) = (Arc::new(city), Devices { bays, parks });
    rss.say("the city's configuration")?;
    let (board, meters) = (Arc::new(Board::new()), Arc::new(Meters::default()));
    let running = vlot_bridge::start(WorkersOptions {
        workers: options.workers,
        lane_depth: 64,
        city: city.clone(),
        board: board.clone(),
        meters: meters.clone(),
    })?;
    let mut run = Run {
        load: Load::new(&devices, city.devices.len()),
        admission: Admission::new(&city, Limits::default()),
        devices,
        running,
        waiting: tokio::runtime::Builder::new_current_thread().build()?,
        now_s: START_S,
        tick: 0,
        said: Vec::new(),
        admitted: 0,
        judging: Duration::ZERO,
    };
    let started = Instant::now();
    run.live(1)?;
    rss.say("its first hour")?;
    run.live(options.hours - 1)?;
    rss.say("the other hours")?;
    let now_kb = rss.kb;
    let known = Known::of(&board);
    println!(
        "{} facilities, {} bays: {} readings in {} h of the city and {:.0} s, forecasts of {} facilities, {} withheld or unusable",
        options.facilities,
        run.devices.bays.len(),
        run.admitted,
        options.hours,
        started.elapsed().as_secs_f64(),
        known.forecasts,
        known.ill,
    );
    ensure!(
        known.forecasts > known.facilities * 9 / 10 || options.hours < 26,
        "facilities without forecasts"
    );
    println!("resident: {:.0} MB, {:.0} MB at most", now_kb as f64 / 1e3, rss.peak_kb()? as f64 / 1e3);
    row(
        "resident memory of 10,000 facilities and 200,000 bays",
        &format!("{} MB", now_kb / 1_000),
        "under 500 MB",
        now_kb < 500_000,
    )?;
    for density in &options.density {
        speed(&mut run, &options, *density)?;
    }
    drop(run.running.feeder);
    run.running.join.join_blocking()?;
    Ok(())
}

/// Readings a second from ticks to the board, beside a bare keyed count of the same readings.
fn speed(run: &mut Run, options: &Options, density: f64) -> Result<()> {
    let (mut took, mut bare_took, mut count, mut best) = (Duration::ZERO, Duration::ZERO, 0, 0.0_f64);
    let admitted = run.admitted;
    run.judging = Duration::ZERO;
    for _ in 0..options.rounds {
        let batches =
            (0..options.minutes).map(|_| run.batch(60, Pace::USUAL, density)).collect::<Result<Vec<_>>>()?;
        bare_took += bare_count(&batches);
        let readings: usize = batches.iter().map(|batch| batch.readings.len()).sum();
        let started = Instant::now();
        run.work_off(batches)?;
        let elapsed = started.elapsed();
        best = best.max(readings as f64 / elapsed.as_secs_f64() / 1e6);
        took += elapsed;
        count += readings;
    }
    let rate = |took: Duration| count as f64 / took.as_secs_f64() / 1e6;
    let simulated_s = (options.minutes * 60 * i64::from(options.rounds)) as f64;
    let what = format!("{:.0} readings a second of the city", count as f64 / simulated_s);
    println!(
        "{what}: {:.2} million/s on {} worker(s) (best round {best:.2}), {:.0} times real time; \
         bare keyed count {:.0}; admission alone {:.1}",
        rate(took),
        options.workers,
        simulated_s / took.as_secs_f64(),
        rate(bare_took),
        (run.admitted - admitted) as f64 / run.judging.as_secs_f64() / 1e6,
    );
    row(
        &format!("10,000 facilities and 200,000 bays in the dataflow, {what}"),
        &format!("{:.2} million/s", rate(took)),
        "1 million/s",
        rate(took) >= 1.0,
    )?;
    Ok(())
}

/// How long a bare keyed count in timely takes for the same readings; copying them is not timed.
fn bare_count(batches: &[Batch]) -> Duration {
    let copies: Vec<(Tick, Vec<Admitted>)> =
        batches.iter().map(|batch| (batch.upto, batch.readings.clone())).collect();
    timely::execute_directly(move |worker| {
        let mut input = InputHandle::new();
        let mut counts: Vec<u32> = Vec::new();
        let probe = worker.dataflow::<Tick, _, _>(|scope| {
            use timely::dataflow::operators::Exchange as _;
            let stream = input.to_stream(scope).container::<Vec<Admitted>>();
            stream
                .exchange(|r: &Admitted| u64::from(r.reading.device.0))
                .inspect(move |r| {
                    let at = r.reading.device.at();
                    if counts.len() <= at {
                        counts.resize(at + 1, 0);
                    }
                    counts[at] += 1;
                })
                .probe()
                .0
        });
        let started = Instant::now();
        for (upto, mut readings) in copies {
            input.send_batch(&mut readings);
            input.advance_to(upto + 1);
            worker.step();
        }
        while probe.less_than(input.time()) {
            worker.step();
        }
        started.elapsed()
    })
}

/// What stands on the board.
#[derive(Default)]
struct Known {
    facilities: usize,
    forecasts: usize,
    ill: usize,
}

impl Known {
    fn of(board: &Board) -> Known {
        let mut known = Known::default();
        for (key, entry) in board.all() {
            match (key, &*entry.product) {
                (Key::Facility(_), _) => known.facilities += 1,
                (_, vlot_model::Product::Forecast(f)) => known.forecasts += usize::from(!f.points.is_empty()),
                (_, vlot_model::Product::Health(h)) => {
                    known.ill += usize::from(h.health != vlot_model::HealthState::Healthy);
                }
                _ => {}
            }
        }
        known
    }
}

/// Resident memory, and what each step added.
struct Resident {
    kb: u64,
}

impl Resident {
    fn new() -> Result<Self> {
        Ok(Resident { kb: field("VmRSS:")? })
    }

    fn say(&mut self, what: &str) -> Result<()> {
        let before = std::mem::replace(&mut self.kb, field("VmRSS:")?);
        let more = self.kb.saturating_sub(before) as f64 / 1e3;
        println!("{:>6.0} MB resident, {more:>6.1} more, after {what}", self.kb as f64 / 1e3);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "it is the peak of the same process")]
    fn peak_kb(&self) -> Result<u64> {
        field("VmHWM:")
    }
}

fn field(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such field")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
