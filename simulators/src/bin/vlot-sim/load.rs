//! `vlot-sim load`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use vlot_simulators::load::{self, Options, numbered_devices};
use vlot_simulators::mqtt::Counters;
use vlot_simulators::wire::{DeviceKind, Format, Topics};

use crate::common::{BrokerArgs, Outcome, duration, layout, positive, say, stop, wall};
use crate::send::format;

/// Publish at an even high rate and count the acknowledgements.
#[derive(Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Messages a second; without it, as fast as the broker acknowledges.
    #[arg(long, value_parser = positive)]
    rate: Option<f64>,
    /// Stop after this time.
    #[arg(long, value_parser = duration)]
    duration: Option<Duration>,
    /// Stop after this many messages.
    #[arg(long)]
    messages: Option<u64>,
    /// Send for this configuration's bay sensors and barriers instead of numbered ones.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Numbered bay sensors: load-bay-00000 and so on.
    #[arg(long, default_value_t = 1_000)]
    bays: usize,
    /// Numbered barriers: load-barrier-00000 and so on.
    #[arg(long, default_value_t = 10)]
    barriers: usize,
    /// vlot-json, vlot-protobuf, tts-v3 or chirpstack-v4; without it, as devices of their kinds usually speak.
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// Connections.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Messages under way on one connection.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=60_000))]
    in_flight: u16,
    /// Decides what the devices say.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) async fn run(args: LoadArgs) -> Outcome {
    let layout = args.config.as_deref().map(layout).transpose()?;
    let devices = match &layout {
        None => numbered_devices(args.bays, args.barriers),
        Some(layout) => layout
            .addresses()
            .into_iter()
            .filter(|a| a.kind.is_lorawan() || matches!(a.kind, DeviceKind::Bay | DeviceKind::Barrier))
            .collect(),
    };
    let options = Options {
        broker: args.broker.broker()?,
        devices,
        topics: layout.map_or_else(Topics::default, |l| Topics::new(&l.filters)),
        format: args.format,
        per_second: args.rate,
        messages_max: args.messages,
        connections: args.connections,
        in_flight: args.in_flight,
        seed: args.seed,
        now_micros: wall(),
        live: Arc::new(Counters::default()),
    };
    let report = load::run(options, stop(args.duration)).await?;
    say(format_args!(
        "{} published, {} acknowledged in {:.3} s: {:.0}/s, behind the rate by {:.2} ms at most",
        report.published,
        report.acknowledged,
        report.elapsed_s,
        report.acknowledged_per_second,
        report.behind_ms_max
    ));
    if report.acknowledged < report.published {
        return Err(
            format!("{} messages were not acknowledged", report.published - report.acknowledged).into()
        );
    }
    Ok(())
}
