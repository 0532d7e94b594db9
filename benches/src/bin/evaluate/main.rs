//! How true the figures are: tables on recordings, each with one command.
//!
//! `cargo run --release -p vlot-benches --bin evaluate -- {truth|faults|forecast|matching|routing|traveltimes|guidance|plans|all} [FILE...] [--json]`. Without files the
//! recordings are read from `../shared/data`, or from the folder in `VLOT_TEST_DATA`.

mod faults;
mod forecast;
mod guidance;
mod matching;
mod plans;
mod routing;
mod traveltimes;
mod truth;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(about = "How true the figures are")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Occupancy against the true stays of simulated vehicles.
    Truth(Options),
    /// Faults of sensors: found, how late, and false alarms.
    Faults(Options),
    /// Free spaces 15, 30 and 60 minutes ahead.
    Forecast(Options),
    /// Routes with live weights, against a plain Dijkstra and Valhalla. Files: networks as `vlot import` writes them, or OpenStreetMap extracts.
    Routing(Options),
    /// Tracks of vehicles matched to the streets that they went along.
    Matching(Options),
    /// Travel times of trips against those of simulated vehicles, by source.
    #[command(name = "traveltimes")]
    TravelTimes(Options),
    /// Drivers who obey signs and drivers who do not, in a closed loop with SUMO.
    Guidance(guidance::Options),
    /// How long all signs take to decide anew when travel times change.
    Plans(plans::Options),
    /// All of them but guidance, which takes its time, and plans, which is about time alone.
    All(Options),
}

/// What every table takes.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// Files of the same form as the recordings; without any, the recordings.
    files: Vec<PathBuf>,
    /// Capacities by car park, for files that do not have them.
    #[arg(long)]
    capacities: Option<PathBuf>,
    /// Where the car parks stand, as an IANA time zone, when not where the recordings of that form do.
    #[arg(long)]
    timezone: Option<String>,
    /// One JSON object in place of a table.
    #[arg(long)]
    json: bool,
    /// Seeds of the faults that are put in.
    #[arg(long, default_value_t = 12)]
    seeds: u64,
    /// A Python with `pyvalhalla`, to measure that too.
    #[arg(long)]
    valhalla: Option<PathBuf>,
    /// The OpenStreetMap extract of a network file, for Valhalla.
    #[arg(long)]
    extract: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Truth(options) => truth::run(&options),
        What::Faults(options) => faults::run(&options),
        What::Forecast(options) => forecast::run(&options),
        What::Routing(options) => routing::run(&options),
        What::Matching(options) => matching::run(&options),
        What::TravelTimes(options) => traveltimes::run(&options),
        What::Guidance(options) => guidance::run(&options),
        What::Plans(options) => plans::run(&options),
        What::All(options) => {
            truth::run(&options)?;
            faults::run(&options)?;
            forecast::run(&options)?;
            matching::run(&options)?;
            routing::run(&options)?;
            traveltimes::run(&options)
        }
    }
}
