//! How long an extract takes and how much memory, from file to network:
//! `cargo run --release -p vlot-import --example import_rate -- FILE...`; with `--report` before them, what came of it too.

#![allow(clippy::print_stdout, reason = "this is its output")]

use std::path::Path;
use std::time::Instant;

use vlot_import::{Options, read::Source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (options, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word == "--report");
    for path in paths {
        let started = Instant::now();
        let imported = vlot_import::osm(&Source::from(Path::new(&path)), &Options::default())?;
        let import_s = started.elapsed().as_secs_f64();
        let bytes = vlot_network::write(&imported.network)?;
        let written_s = started.elapsed().as_secs_f64() - import_s;
        let again = Instant::now();
        vlot_network::read(&bytes)?;
        let read_s = again.elapsed().as_secs_f64();
        println!(
            "{path}: import {import_s:.2} s, write {written_s:.2} s, read {read_s:.2} s; {} links, {} junctions, {} turns, {} \
             rules of access; file {:.1} MB; peak memory {} MB",
            imported.network.links.len(),
            imported.network.nodes.len(),
            imported.network.turns.len(),
            imported.network.access.len(),
            bytes.len() as f64 / 1e6,
            peak_mb().unwrap_or_default()
        );
        if !options.is_empty() {
            println!("{}", imported.report);
        }
    }
    Ok(())
}

/// The most memory that this process has held, megabytes.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1_000)
}
