//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vlot_model::Timestamp;

/// Vlot: a real-time traffic and parking management engine.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do; without a command: demo
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// What to log to standard error, e.g. info, debug, vlot_ingest=debug
    #[arg(long, global = true, env = "VLOT_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,

    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole city on this machine: broker, engine, simulated devices and signs (the default)
    Demo(Demo),
    /// Run the engine against an external broker
    Run(Run),
    /// Check a configuration and print every problem at once
    Check(Check),
    /// Rebuild the board from a journal
    Replay(Replay),
    /// Watch an engine from the terminal
    Watch(Watch),
    /// Verify, correct, reset, close and open car parks, and see who did
    Facility(crate::facility::Facility),
    /// Look back: what an engine keeps of each minute
    History(HistoryOf),
    /// Make a road network of a map
    Import(crate::import_cmd::Import),
    /// State works, closures, incidents and events, list and withdraw them
    Situation(crate::situation::SituationCommand),
    /// A way between two places, with traffic as it is now
    Route(RouteOf),
    /// Where to park for a trip: ways from door to door, ranked
    Advise(crate::advise_cmd::AdviseOf),
    /// Why a sign says what it says, now or at any moment of the journal
    Why(crate::why_cmd::Why),
}

/// Run a whole city on this machine.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Configuration directory; without it, the embedded Leuven
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,

    /// Keep the journal here; without it, a temporary directory that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// End by itself after this long, e.g. 60s, 10m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,

    /// How many times faster than real time the city runs; without it: 1, with --faults 120
    #[arg(long, value_name = "TIMES", value_parser = speed)]
    pub(crate) speed: Option<f64>,

    /// Let sensors go wrong: barriers miscount, a zone falls silent; a sign says less, somebody counts, it recovers
    #[arg(long)]
    pub(crate) faults: bool,

    /// When the city's clock starts (RFC 3339), e.g. 2026-05-08T16:30:00+02:00; without it: now. A journal in --data that
    /// ends later is continued from its end
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) start: Option<Timestamp>,

    /// Seed of the simulated city: the same seed and start, the same city
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Share of the simulated drivers who heed the signs that they pass, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.4", value_parser = share)]
    pub(crate) obey: f64,

    /// Write a summary (JSON) at the end
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,

    /// Write the last board (JSON) at the end
    #[arg(long, value_name = "FILE")]
    pub(crate) board: Option<PathBuf>,

    /// Where gRPC listens; a port that is taken is replaced by a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7101")]
    pub(crate) listen: SocketAddr,

    /// Where the embedded broker listens; a port that is taken is replaced by a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1883")]
    pub(crate) mqtt: SocketAddr,

    /// Threads of the dataflow; one is enough for a city
    #[arg(long, default_value = "1")]
    pub(crate) workers: NonZeroUsize,
}

/// Run the engine against an external broker.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Configuration directory
    #[arg(long, value_name = "DIR")]
    pub(crate) config: PathBuf,

    /// Directory of the journal; made when it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,

    /// Threads of the dataflow; one is enough for a city
    #[arg(long, default_value = "1")]
    pub(crate) workers: NonZeroUsize,

    /// Pass over damaged parts of the journal instead of refusing it; what is left out is logged
    #[arg(long)]
    pub(crate) skip_damage: bool,
}

/// Check a configuration.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Configuration directory
    pub(crate) config: PathBuf,
}

/// Rebuild the board from a journal.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The data directory of an engine, which need not be stopped
    pub(crate) data: PathBuf,

    /// Stop after this tick (a number) or instant (RFC 3339)
    #[arg(long, value_name = "TICK|TIME")]
    pub(crate) until: Option<Until>,

    /// Threads of the dataflow: the board is the same with any number
    #[arg(long, default_value = "1")]
    pub(crate) workers: NonZeroUsize,

    /// Write the board here; without it, to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) board: Option<PathBuf>,

    /// Use this configuration instead of the one that the journal was written with
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,

    /// Pass over damaged parts of the journal instead of refusing it; what is left out is logged
    #[arg(long)]
    pub(crate) skip_damage: bool,
}

/// Where a replay stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// After this tick.
    Tick(u64),
    /// After the last tick at or before this instant.
    At(Timestamp),
}

impl std::str::FromStr for Until {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if let Ok(tick) = s.parse() {
            return Ok(Until::Tick(tick));
        }
        s.parse()
            .map(Until::At)
            .map_err(|_| "neither a tick (a number) nor an instant (2026-05-08T16:30:00Z)".into())
    }
}

/// An engine, and how to trust it and be trusted.
#[derive(Debug, Args)]
pub(crate) struct Engine {
    /// The engine's gRPC address
    #[arg(
        long,
        global = true,
        env = "VLOT_ENGINE",
        value_name = "ADDRESS",
        default_value = "http://127.0.0.1:7101"
    )]
    pub(crate) engine: String,

    /// Trust servers whose certificate this authority (PEM) issued
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Our own certificate (PEM), for an engine that asks clients for one
    #[arg(long, global = true, value_name = "FILE", requires = "key", requires = "ca")]
    pub(crate) cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

/// Watch an engine from the terminal. A broken connection is made again, and the watch goes on where it was.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Which engine
    #[command(flatten)]
    pub(crate) engine: Engine,

    /// End after this many changes; the present states, which come first, count
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// What to watch
    #[command(subcommand)]
    pub(crate) what: What,
}

/// A way between two places.
#[derive(Debug, Args)]
pub(crate) struct RouteOf {
    /// From here: latitude,longitude
    #[arg(allow_hyphen_values = true, value_parser = crate::route_cmd::spot)]
    pub(crate) from: vlot_model::LonLat,

    /// To here: latitude,longitude
    #[arg(allow_hyphen_values = true, value_parser = crate::route_cmd::spot)]
    pub(crate) to: vlot_model::LonLat,

    /// How
    #[arg(long, value_enum, default_value_t)]
    pub(crate) mode: RouteMode,

    /// So many ways at most
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=3))]
    pub(crate) alternatives: u32,

    /// Over this network alone, without an engine: usual speeds, no closures, no rules in time
    #[arg(long, value_name = "FILE")]
    pub(crate) network: Option<PathBuf>,

    /// As JSON, with courses
    #[arg(long)]
    pub(crate) json: bool,

    /// Which engine
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// How to travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RouteMode {
    /// By car
    #[default]
    Car,
    /// By bicycle
    Bicycle,
    /// On foot
    Foot,
}

/// A level of service, from free flow to broken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Free flow
    A,
    /// Nearly free
    B,
    /// Stable
    C,
    /// Nearly unstable
    D,
    /// At capacity
    E,
    /// Broken down
    F,
}

/// Look back.
#[derive(Debug, Args)]
pub(crate) struct HistoryOf {
    /// The id of the facility, section (garage/section), station, sensor, group (facility/group) or bay (facility/bay)
    pub(crate) id: String,

    /// What the id names
    #[arg(long, value_enum, default_value_t)]
    pub(crate) of: PastOf,

    /// From then on (RFC 3339), e.g. 2026-05-08T16:30:00+02:00; without it, from the oldest
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) from: Option<Timestamp>,

    /// Before then (RFC 3339); without it, to the newest
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<Timestamp>,

    /// Records of 15 minutes instead of the finest that there are
    #[arg(long)]
    pub(crate) quarter: bool,

    /// Of bicycles alone: with gaps filled from the station's own weeks, each such figure behind a tilde
    #[arg(long)]
    pub(crate) filled: bool,

    /// Comma-separated, with units in the header
    #[arg(long)]
    pub(crate) csv: bool,

    /// Which engine
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// What a record of the past is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PastOf {
    /// A car park or zone
    #[default]
    Facility,
    /// A section of a bicycle garage
    Section,
    /// Motor traffic at a station
    Traffic,
    /// Bicycles at a station
    Bicycle,
    /// What was forecast of a facility
    Forecast,
    /// A sensor's health
    Sensor,
    /// Spaces of a group of users (facility/group)
    Group,
    /// How hard a facility's spaces were used, hour by hour
    Zone,
    /// Vehicles that stood longer than they may (facility/bay)
    Overstay,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Car parks and on-street zones
    Facilities,
    /// One sign: its face, why, and what it displays
    Sign {
        /// The sign's id
        id: String,
    },
    /// One bicycle garage: its sections and its signs
    Garage {
        /// The garage's id
        id: String,
    },
    /// Count stations
    Stations,
    /// How hard the spaces of zones and car parks are used: pressure, departures, overstays
    Zones,
    /// Sensors that are not well, and why
    Sensors,
    /// Free spaces of car parks and zones up to an hour ahead
    Forecasts,
    /// Works, closures, incidents, events, and the ways around them
    Situations,
    /// Traffic on streets
    Links {
        /// Those alone that are at this level of service or worse
        #[arg(long, value_enum, ignore_case = true)]
        level: Option<Level>,
    },
    /// Travel times along corridors
    Corridors,
    /// Queues
    Jams,
    /// Suspected incidents
    Incidents,
    /// What signs advise as a whole: refused sets, compliance, what is sent where
    Guidance,
}

pub(crate) fn duration(s: &str) -> Result<Duration, String> {
    let wrong = || "not a time such as 90s, 10m or 2h".to_owned();
    let (number, unit) = s.split_at(s.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?);
    let number: u32 = number.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number.into())),
        "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(60 * u64::from(number))),
        "h" => Ok(Duration::from_secs(3_600 * u64::from(number))),
        _ => Err(wrong()),
    }
}

pub(crate) fn instant(s: &str) -> Result<Timestamp, String> {
    s.parse().map_err(|_| "not an instant with its offset such as 2026-05-08T16:30:00+02:00".to_owned())
}

fn speed(s: &str) -> Result<f64, String> {
    let speed: f64 = s.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=1_000.0).contains(&speed) { Ok(speed) } else { Err("must be 0.1 to 1000".into()) }
}

fn share(s: &str) -> Result<f64, String> {
    let share: f64 = s.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be 0 to 1".into()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_route_is_asked_for_by_coordinates_wherever_on_the_earth() {
        let parse = |args: &[&str]| Cli::try_parse_from(["vlot", "route"].iter().chain(args));
        let Ok(Cli { command: Some(Command::Route(route)), .. }) =
            parse(&["50.88,4.7", "-33.9,-70.6", "--mode", "bicycle", "--json"])
        else {
            panic!("no route")
        };
        assert_eq!((route.from.lat, route.to.lon, route.mode), (50.88, -70.6, RouteMode::Bicycle));
        for wrong in
            [&["50.88,4.7"][..], &["50.88", "4.7"], &["50.88,4.7", "50.9,4.7", "--alternatives", "4"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["90", "s", "", "-1s", "1.5h", "1d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_replay_stops_at_a_tick_or_at_an_instant() {
        assert_eq!("17".parse(), Ok(Until::Tick(17)));
        assert_eq!("1970-01-01T00:00:02Z".parse(), Ok(Until::At(Timestamp::from_secs(2))));
        assert!("tomorrow".parse::<Until>().is_err());
    }
}
