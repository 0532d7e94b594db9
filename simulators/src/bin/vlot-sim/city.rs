//! `vlot-sim city`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use vlot_simulators::city::{self, Faults, Live, Options};

use crate::common::{BrokerArgs, Outcome, counts, duration, files, positive, say, share, simulated, stop};

/// Let a whole city's devices publish to a broker.
#[derive(Args)]
pub(crate) struct CityArgs {
    /// Folder with the configuration.
    #[arg(long, default_value = "config/leuven", value_name = "DIR")]
    config: PathBuf,
    #[command(flatten)]
    broker: BrokerArgs,
    /// Decides everything that chance decides.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated seconds in one of the wall's.
    #[arg(long, default_value = "1", value_parser = positive)]
    speed: f64,
    /// First simulated instant, such as 2026-11-24T17:00:00Z; without it, now.
    #[arg(long, value_name = "INSTANT")]
    start: Option<jiff::Timestamp>,
    /// Stop after this time of the wall's.
    #[arg(long, value_parser = duration)]
    duration: Option<Duration>,
    /// Share of messages that are sent twice.
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    duplicates: f64,
    /// Share of messages that are overtaken by later ones.
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    reorder: f64,
    /// Share of messages that are counted by their device and never sent.
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    lost: f64,
    /// Share of messages with a date up to two days off.
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    wrong_clock: f64,
    /// Share of messages that are cut or garbled.
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    malformed: f64,
}

pub(crate) async fn run(args: CityArgs) -> Outcome {
    let live = Arc::new(Live::default());
    let options = Options {
        files: files(&args.config)?,
        broker: args.broker.broker()?,
        seed: args.seed,
        now_micros: simulated(args.start, args.speed),
        speed: args.speed,
        faults: Faults {
            duplicates: args.duplicates,
            reorder: args.reorder,
            lost: args.lost,
            wrong_clock: args.wrong_clock,
            malformed: args.malformed,
        },
        trouble: vlot_simulators::city::Trouble::default(),
        // It knows no signs: in one process with them, as in `vlot demo`, drivers can read them.
        drivers: vlot_simulators::city::Drivers::default(),
        live: Arc::clone(&live),
    };
    let watching = tokio::spawn(watch(live));
    let report = city::run(options, stop(args.duration)).await;
    watching.abort();
    let report = report?;
    say(format_args!(
        "{} devices, {} published, {} acknowledged",
        report.devices, report.published, report.acknowledged
    ));
    say(format_args!("by kind: {}", counts(&report.readings_by_kind)));
    say(format_args!("faults: {}", counts(&report.faults)));
    say(format_args!("taken: {}", counts(&report.taken)));
    Ok(())
}

/// A line every five seconds.
async fn watch(live: Arc<Live>) {
    let every = Duration::from_secs(5);
    let mut before = 0;
    loop {
        tokio::time::sleep(every).await;
        let mqtt = live.mqtt();
        let published = mqtt.published();
        let rate = (published - before) as f64 / every.as_secs_f64();
        before = published;
        let connected = if mqtt.connected() { "connected" } else { "no broker" };
        say(format_args!(
            "{connected}, {rate:.1}/s, {published} published, {} acknowledged",
            mqtt.acknowledged()
        ));
    }
}
