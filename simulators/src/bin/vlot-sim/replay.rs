//! `vlot-sim replay-recording`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use vlot_simulators::mqtt::Counters;
use vlot_simulators::recordings::{self, Known, PlayOptions, Targets};
use vlot_simulators::wire::{Format, Topics};

use crate::common::{BrokerArgs, Outcome, counts, layout, pair, positive, say, stop, wall};
use crate::send::format;

/// Play a real recording to a broker.
#[derive(Args)]
pub(crate) struct ReplayArgs {
    /// What was recorded.
    kind: Kind,
    /// The recording; a name that ends in .gz is unpacked.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    broker: BrokerArgs,
    /// Who speaks for whom: the recording's name and the id of a device, or with --config of a facility or station.
    /// Names that are not mapped are passed over. LoRaWAN uplinks are published as they are.
    #[arg(long = "map", value_parser = pair, value_name = "NAME=ID")]
    map: Vec<(String, String)>,
    /// Folder with the configuration.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Capacity of a car park, where the recording counts free spaces alone.
    #[arg(long = "capacity", value_parser = pair, value_name = "NAME=SPACES")]
    capacities: Vec<(String, String)>,
    /// When a recording in seconds since its own start began, such as 2026-11-24T07:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    began_at: Option<jiff::Timestamp>,
    /// Seconds of the recording in one of the wall's.
    #[arg(long, default_value = "1", value_parser = positive, conflicts_with = "no_wait")]
    speed: f64,
    /// As fast as the broker acknowledges.
    #[arg(long)]
    no_wait: bool,
    /// Date messages with the present, not with the recording's own dates.
    #[arg(long)]
    shift_to_now: bool,
    /// vlot-json or vlot-protobuf.
    #[arg(long, default_value = "vlot-json", value_parser = format)]
    format: Format,
    /// Only tell what is in the recording.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Birmingham,
    Bath,
    Muenster,
    Leuven,
    Awv,
    Telraam,
    Fremont,
    SumoStops,
    Lorawan,
}

impl From<Kind> for recordings::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Birmingham => recordings::Kind::Birmingham,
            Kind::Bath => recordings::Kind::Bath,
            Kind::Muenster => recordings::Kind::Muenster,
            Kind::Leuven => recordings::Kind::Leuven,
            Kind::Awv => recordings::Kind::Awv,
            Kind::Telraam => recordings::Kind::Telraam,
            Kind::Fremont => recordings::Kind::Fremont,
            Kind::SumoStops => recordings::Kind::SumoStops,
            Kind::Lorawan => recordings::Kind::Lorawan,
        }
    }
}

pub(crate) async fn run(args: ReplayArgs) -> Outcome {
    let mut known = Known {
        began_at: args.began_at.map_or(0, jiff::Timestamp::as_microsecond),
        capacities: BTreeMap::new(),
    };
    for (name, spaces) in args.capacities {
        let spaces =
            spaces.parse().map_err(|_| format!("--capacity {name}: {spaces:?} is no number of spaces"))?;
        known.capacities.insert(name, spaces);
    }
    let mut recording = recordings::Recording::default();
    for file in &args.files {
        let mut one = recordings::read(args.kind.into(), file, &known)?;
        recording.rows.append(&mut one.rows);
        for (why, n) in one.passed_over {
            *recording.passed_over.entry(why).or_insert(0) += n;
        }
    }
    recording.rows.sort_by_key(|row| row.sent_at);
    let begin = recording.rows.first().map(|r| vlot_simulators::time::text(r.sent_at)).unwrap_or_default();
    let end = recording.rows.last().map(|r| vlot_simulators::time::text(r.sent_at)).unwrap_or_default();
    say(format_args!(
        "{} rows from {begin} to {end}; passed over: {}",
        recording.rows.len(),
        counts(&recording.passed_over)
    ));
    if args.list {
        for source in recording.sources() {
            say(source);
        }
        return Ok(());
    }
    let layout = args.config.as_deref().map(layout).transpose()?;
    let topics = layout.as_ref().map_or_else(Topics::default, |l| Topics::new(&l.filters));
    let options = PlayOptions {
        broker: args.broker.broker()?,
        targets: Targets::new(args.map.into_iter().collect(), layout.as_ref()),
        topics,
        format: args.format,
        speed: (!args.no_wait).then_some(args.speed),
        shift_to_now: args.shift_to_now,
        now_micros: wall(),
        live: Arc::new(Counters::default()),
    };
    let report = recordings::play(&recording, options, stop(None)).await?;
    say(format_args!("{} published, {} acknowledged", report.published, report.acknowledged));
    if !report.unnamed.is_empty() {
        say(format_args!("nobody named for: {}", counts(&report.unnamed)));
    }
    Ok(())
}
