//! A journal back to a board: `vlot replay` beside a reader that does nothing with what it reads.
//!
//! `cargo run --release -p vlot-benches --bin replay -- [--readings 5000000] [--per-tick 1,10,100] [--config DIR]`

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use vlot_benches::city::{Kind, Ports};
use vlot_benches::engine::{check, replay};
use vlot_benches::process::disk_dir;
use vlot_benches::{journal, row};

#[derive(Parser)]
struct Options {
    /// Readings in a journal
    #[arg(long, default_value_t = 3_000_000)]
    readings: u64,
    /// Readings a tick
    #[arg(long, value_delimiter = ',', default_value = "1,10,100")]
    per_tick: Vec<u64>,
    /// Readings a second of engine time: decides how many ticks of the clock lie between
    #[arg(long, default_value_t = 2_000)]
    per_second: u64,
    /// Threads of the dataflow
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The city; without it, the benches' own, where every reading changes a sign
    #[arg(long)]
    config: Option<PathBuf>,
    /// Leave the data directories here, for a profiler
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let city = options
        .config
        .as_ref()
        .map_or("a city where every reading changes a sign".to_owned(), |c| c.display().to_string());
    println!(
        "replay of {city}, {} readings/s of engine time, {} worker(s)",
        options.per_second, options.workers
    );
    for per_tick in &options.per_tick {
        let dir = disk_dir()?;
        let config = dir.path().join("written");
        let config = match &options.config {
            Some(config) => config,
            None => {
                Kind::Parks.write_config(&config, 1_000, 1_000, Ports { mqtt: 1_883, grpc: 7_101 })?;
                &config
            }
        };
        check(config)?;
        let data = match &options.keep {
            Some(keep) => keep.join(per_tick.to_string()),
            None => dir.path().join("data"),
        };
        let written = journal::write(&data, config, options.readings, *per_tick, options.per_second)?;
        let started = Instant::now();
        let read = journal::read(&data)?;
        let floor = started.elapsed();
        let replayed = replay(&data, options.workers)?;
        ensure!(
            read == written.readings && replayed.readings == read,
            "not all was read: {written:?} {replayed:?}"
        );
        let rate = |took: Duration| read as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{per_tick:>4} a tick, {:>7} clock ticks: reader alone {:.2}, vlot replay {:.2} (process {:.2}) million readings/s, {:.2} us of processor a reading, {:.1} h of the city a second",
            written.clock_ticks,
            rate(floor),
            rate(replayed.inner),
            rate(replayed.wall),
            replayed.cpu.as_secs_f64() * 1e6 / read as f64,
            written.clock_ticks as f64 / 3_600.0 / replayed.inner.as_secs_f64(),
        );
        let measured =
            format!("{:.2} million/s ({:.2} with start and end)", rate(replayed.inner), rate(replayed.wall));
        let what = format!("replay of {city}, {per_tick} a tick, {} a second", options.per_second);
        row(&what, &measured, "1 million/s", rate(replayed.inner) >= 1.0)?;
    }
    Ok(())
}
