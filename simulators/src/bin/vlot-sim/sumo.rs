//! `vlot-sim sumo`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use vlot_simulators::sumo::{self, PlayOptions, Scenario};
use vlot_simulators::wire::Topics;

use crate::common::{BrokerArgs, Outcome, duration, layout, pair, positive, say, share, simulated, stop};

/// Let what a run of SUMO has seen speak as a city's devices.
#[derive(Args)]
pub(crate) struct SumoArgs {
    /// Folder with a scenario (one .sumocfg): SUMO is run on it first, on a copy.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["fcd", "e1"])]
    scenario: Option<PathBuf>,
    /// Followed vehicles of a run that has been: SUMO's XML with positions in degrees, or CSV.
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    fcd: Option<PathBuf>,
    /// Induction loops of a run that has been.
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    e1: Vec<PathBuf>,
    #[command(flatten)]
    broker: BrokerArgs,
    /// Folder with the configuration, which knows the topics.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Share of the vehicles that are followed.
    #[arg(long, default_value = "0.2", value_parser = share, value_name = "SHARE")]
    followed: f64,
    /// From one sighting of a vehicle to the next.
    #[arg(long, default_value = "10s", value_parser = duration)]
    every: Duration,
    /// Decides everything that chance decides in SUMO.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The device that followed vehicles are told by.
    #[arg(long, default_value = "fcd", value_name = "ID")]
    feed: String,
    /// Which loop of the configuration a loop of SUMO's is.
    #[arg(long = "map", value_parser = pair, value_name = "NAME=ID")]
    map: Vec<(String, String)>,
    /// Loops that are not named speak under SUMO's own id.
    #[arg(long)]
    all_loops: bool,
    /// When the run's second 0 was; without it, now.
    #[arg(long, value_name = "INSTANT")]
    start: Option<jiff::Timestamp>,
    /// Seconds of the run in one of the wall's.
    #[arg(long, default_value = "1", value_parser = positive)]
    speed: f64,
    /// Stop after this time of the wall's.
    #[arg(long, value_parser = duration)]
    duration: Option<Duration>,
}

pub(crate) async fn run(args: SumoArgs) -> Outcome {
    let rows = match &args.scenario {
        Some(folder) => {
            say("SUMO runs ...");
            let every_s = args.every.as_secs_f64();
            let (folder, followed) = (folder.clone(), args.followed);
            sumo::simulate(&Scenario { folder, followed, every_s, seed: args.seed }).await?
        }
        None => {
            let mut rows = args.fcd.as_deref().map(sumo::fcd).transpose()?.unwrap_or_default();
            for file in &args.e1 {
                rows.append(&mut sumo::e1(file)?);
            }
            rows.sort_by_key(|row| row.known_at);
            rows
        }
    };
    say(format_args!("{} sightings and intervals", rows.len()));
    let layout = args.config.as_deref().map(layout).transpose()?;
    let now_micros = simulated(args.start, args.speed);
    let options = PlayOptions {
        broker: args.broker.broker()?,
        topics: layout.as_ref().map_or_else(Topics::default, |l| Topics::new(&l.filters)),
        feed: args.feed,
        loops: args.map.into_iter().collect(),
        all: args.all_loops,
        began_at: now_micros(),
        now_micros,
        speed: args.speed,
    };
    let report = sumo::play(&rows, options, stop(args.duration)).await?;
    say(format_args!(
        "{} published, {} acknowledged: {} sightings, {} intervals; {} intervals of loops that are not named",
        report.published, report.acknowledged, report.sightings, report.intervals, report.unnamed
    ));
    Ok(())
}
