//! Resident memory of `vlot demo` over time.
//!
//! `cargo run --release -p vlot-benches --bin memory -- [--minutes 10] [--speed 1]`

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use vlot_benches::process::{Process, disk_dir, vlot};
use vlot_benches::row;

#[derive(Parser)]
struct Options {
    /// How long
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How many times faster than real time the city runs
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let dir = disk_dir()?;
    let mut command = Command::new(vlot()?);
    command.args([
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--mqtt",
        "127.0.0.1:0",
        "--speed",
        &options.speed.to_string(),
    ]);
    let mut process = Process::start(command.arg("--data").arg(dir.path()))?;
    let started = Instant::now();
    let (mut max_kb, mut next_line_s, mut now_kb) = (0, 5, 0);
    while started.elapsed().as_secs_f64() < options.minutes * 60.0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(status) = process.0.try_wait()? {
            anyhow::bail!("vlot demo ended: {status}");
        }
        now_kb = process.rss_kb().context("no VmRSS")?;
        max_kb = max_kb.max(now_kb);
        if started.elapsed().as_secs() >= next_line_s {
            println!("{:>5} s {:>6} MB", started.elapsed().as_secs(), now_kb / 1_000);
            next_line_s = if next_line_s < 60 { next_line_s * 2 } else { next_line_s + 60 };
        }
    }
    println!(
        "resident memory of vlot demo at speed {}: {} MB after {} minutes, {} MB at most, {:.1} % of a processor",
        options.speed,
        now_kb / 1_000,
        options.minutes,
        max_kb / 1_000,
        process.cpu_s().unwrap_or(0.0) * 100.0 / started.elapsed().as_secs_f64(),
    );
    let measured = format!("{} MB, {} MB at most", now_kb / 1_000, max_kb / 1_000);
    let what = format!("resident memory of vlot demo after {} min", options.minutes);
    row(&what, &measured, "under 300 MB after 10 min", max_kb < 300_000)?;
    Ok(())
}
