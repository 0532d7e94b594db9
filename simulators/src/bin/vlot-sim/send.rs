//! `vlot-sim send`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use vlot_simulators::layout::Layout;
use vlot_simulators::mqtt::{Counters, Publisher};
use vlot_simulators::wire::{Address, DeviceKind, Format, Statement, Topics, Value, encode};

use crate::common::{BrokerArgs, Outcome, layout, say, wall};

/// Publish one message of one device.
#[derive(Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// The device's id.
    #[arg(long)]
    device: String,
    /// Folder with the configuration, which knows the device's kind and address, and the topics.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// The device's kind, where no configuration says it: bay, bosch-tps110, nwave, netvox-r719a, libelium-parking, ...
    #[arg(long, value_parser = kind)]
    kind: Option<DeviceKind>,
    /// A LoRaWAN sensor's address in hexadecimal.
    #[arg(long)]
    eui: Option<String>,
    /// vlot-json, vlot-protobuf, tts-v3 or chirpstack-v4; without it, as devices of its kind usually speak.
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// The device's message counter.
    #[arg(long)]
    sequence: Option<u32>,
    /// When it was true, such as 2026-11-24T17:00:00Z; without it, now.
    #[arg(long, value_name = "INSTANT")]
    at: Option<jiff::Timestamp>,
    /// Print the topic and the payload instead of publishing.
    #[arg(long)]
    dry_run: bool,
    #[command(subcommand)]
    value: ValueArg,
}

#[derive(Clone, Copy, ValueEnum)]
enum Way {
    In,
    Out,
}

#[derive(Clone, Copy, ValueEnum)]
enum BayState {
    Occupied,
    Free,
}

#[derive(Clone, Copy, ValueEnum)]
enum Door {
    Open,
    Closed,
}

#[derive(Subcommand)]
enum ValueArg {
    /// A bay is taken or free.
    Bay {
        state: BayState,
        /// A repetition, not a change.
        #[arg(long)]
        heartbeat: bool,
    },
    /// Vehicles passed a barrier.
    Passage {
        way: Way,
        #[arg(default_value_t = 1)]
        vehicles: u32,
    },
    /// A barrier's running totals.
    Totals { entries: u32, exits: u32 },
    /// Occupied spaces of a facility.
    #[command(allow_negative_numbers = true)]
    Occupancy { spaces: i32 },
    /// A facility opens or closes.
    Opening { door: Door },
    /// Motor traffic of an interval.
    Traffic {
        vehicles: u32,
        #[arg(long)]
        speed_kmh: Option<f32>,
        #[arg(long)]
        detector_occupancy_pct: Option<f32>,
        #[arg(long, default_value_t = 60)]
        interval_s: u32,
    },
    /// Bicycles of an interval; a direction that is left out is a gap.
    Bicycles {
        #[arg(long)]
        inbound: Option<u32>,
        #[arg(long)]
        outbound: Option<u32>,
        #[arg(long, default_value_t = 900)]
        interval_s: u32,
    },
    /// Free places of a garage section.
    #[command(allow_negative_numbers = true)]
    Places { free: i32 },
    /// The device lives.
    Alive,
}

impl ValueArg {
    fn value(&self) -> Value {
        match *self {
            ValueArg::Bay { state, heartbeat } => {
                Value::Bay { occupied: matches!(state, BayState::Occupied), heartbeat, previous_minutes: 0 }
            }
            ValueArg::Passage { way, vehicles } => {
                Value::Passage { inward: matches!(way, Way::In), vehicles }
            }
            ValueArg::Totals { entries, exits } => Value::Totals { entries, exits },
            ValueArg::Occupancy { spaces } => Value::Occupancy { occupied_spaces: spaces },
            ValueArg::Opening { door } => Value::Opening { open: matches!(door, Door::Open) },
            ValueArg::Traffic { vehicles, speed_kmh, detector_occupancy_pct, interval_s } => {
                Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct }
            }
            ValueArg::Bicycles { inbound, outbound, interval_s } => {
                Value::Bicycles { interval_s, inbound, outbound }
            }
            ValueArg::Places { free } => Value::Places { free_places: free },
            ValueArg::Alive => Value::Alive,
        }
    }
}

fn kind(name: &str) -> Result<DeviceKind, String> {
    DeviceKind::from_name(name).ok_or_else(|| "no such kind".into())
}

pub(crate) fn format(name: &str) -> Result<Format, String> {
    let names = Format::ALL.map(Format::name).join(", ");
    Format::from_name(name).ok_or_else(|| format!("expected one of {names}"))
}

pub(crate) async fn run(args: SendArgs) -> Outcome {
    let layout = args.config.as_deref().map(layout).transpose()?;
    let value = args.value.value();
    let known = layout.as_ref().and_then(|l| l.address(&args.device));
    if layout.is_some() && known.is_none() {
        say(format_args!("the configuration has no device {:?}; sent all the same", args.device));
    }
    let usual = match value {
        Value::Bay { .. } if args.eui.is_some() => DeviceKind::BoschTps110,
        Value::Bay { .. } => DeviceKind::Bay,
        Value::Traffic { .. } => DeviceKind::Loop,
        Value::Bicycles { .. } => DeviceKind::BicycleCounter,
        Value::Places { .. } => DeviceKind::SectionSensor,
        _ => DeviceKind::Barrier,
    };
    let known = known.unwrap_or(Address { device: args.device.clone(), eui: String::new(), kind: usual });
    let from = Address {
        device: known.device,
        eui: args.eui.unwrap_or(known.eui),
        kind: args.kind.unwrap_or(known.kind),
    };
    let format = args.format.unwrap_or(from.kind.usual_format());
    let topic = layout.map_or_else(Topics::default, |l: Layout| Topics::new(&l.filters)).of(format, &from);
    let observed_at = args.at.map_or_else(|| wall()(), jiff::Timestamp::as_microsecond);
    let payload = encode(format, &Statement { from: &from, sequence: args.sequence, observed_at, value })?;
    if args.dry_run {
        say(&topic);
        let hex = || payload.iter().map(|b| format!("{b:02x}")).collect::<String>();
        say(if format == Format::VlotProtobuf {
            hex()
        } else {
            String::from_utf8_lossy(&payload).into_owned()
        });
        return Ok(());
    }
    let counters = Arc::new(Counters::default());
    let client_id = format!("vlot-sim-send-{:08x}", rand::random::<u32>());
    let mut publisher = Publisher::start(&args.broker.broker()?, &client_id, counters);
    let bytes = payload.len();
    publisher.publish(topic.clone(), payload).await?;
    if !publisher.finish(Duration::from_secs(10)).await {
        return Err("the broker did not acknowledge the message within 10 s".into());
    }
    say(format_args!("{topic}: {bytes} bytes, acknowledged"));
    Ok(())
}
