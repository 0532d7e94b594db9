//! Plays a recording through a broker at a chosen speed.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Recording, What};
use crate::SimError;
use crate::layout::Layout;
use crate::mqtt::{Broker, Counters, Publisher};
use crate::time::{NowMicros, SECOND, SimClock};
use crate::wire::{Address, DeviceKind, Format, Statement, Topics, Value, encode};

/// How long the end waits for the last acknowledgements.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who of the recording speaks for which device.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    named: BTreeMap<String, String>,
    /// Devices that speak for a facility's or a station's id.
    owners: BTreeMap<String, Owner>,
    kinds: BTreeMap<String, DeviceKind>,
}

#[derive(Clone, Debug, Default)]
struct Owner {
    counter: Option<String>,
    barrier: Option<String>,
    bicycles: Option<String>,
}

impl Targets {
    /// `named`: the recording's names to ids of the configuration, of a device, a facility or a station. With a
    /// `layout` a facility or station stands for its first device that can say the thing.
    #[must_use]
    pub fn new(named: BTreeMap<String, String>, layout: Option<&Layout>) -> Targets {
        let mut targets = Targets { named, ..Targets::default() };
        let Some(layout) = layout else { return targets };
        let tables = layout.facilities.iter().map(|f| (&f.id, &f.devices));
        for (id, devices) in tables.chain(layout.stations.iter().map(|s| (&s.id, &s.devices))) {
            let first = |kind: &str| devices.iter().find(|d| d.kind == kind).map(|d| d.id.clone());
            let owner = Owner {
                counter: first("counter"),
                barrier: first("barrier"),
                bicycles: first("bicycle-counter"),
            };
            targets.owners.insert(id.clone(), owner);
            for device in devices {
                if let Some(kind) = DeviceKind::from_name(&device.kind) {
                    targets.kinds.insert(device.id.clone(), kind);
                }
            }
        }
        targets
    }

    /// The device that says `value` for that name of the recording; `None`: nobody does.
    fn device(&self, source: &str, value: &Value) -> Option<Address> {
        let id = self.named.get(source)?;
        let device = match (self.owners.get(id), value) {
            (None, _) => Some(id.clone()),
            (Some(owner), Value::Passage { .. } | Value::Totals { .. }) => owner.barrier.clone(),
            (Some(owner), Value::Bicycles { .. }) => owner.bicycles.clone(),
            (Some(owner), _) => owner.counter.clone().or_else(|| owner.barrier.clone()),
        }?;
        let kind = self.kinds.get(&device).copied().unwrap_or(match value {
            Value::Bicycles { .. } => DeviceKind::BicycleCounter,
            _ => DeviceKind::Barrier,
        });
        Some(Address { device, eui: String::new(), kind })
    }
}

/// How to play.
pub struct PlayOptions {
    /// Where to.
    pub broker: Broker,
    /// For whom.
    pub targets: Targets,
    /// Topics by format.
    pub topics: Topics,
    /// In which of Vlot's own formats.
    pub format: Format,
    /// Seconds of the recording in one of the wall's; none: without waiting.
    pub speed: Option<f64>,
    /// Date each message with the present instead of the recording's own dates.
    pub shift_to_now: bool,
    /// The present instant.
    pub now_micros: NowMicros,
    /// Counters to read while it plays.
    pub live: Arc<Counters>,
}

/// What was played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayReport {
    /// Messages handed to the MQTT client.
    pub published: u64,
    /// Messages that the broker acknowledged.
    pub acknowledged: u64,
    /// Rows that nobody was named for, by the recording's name.
    pub unnamed: BTreeMap<String, u64>,
}

/// Plays until the recording's end or until `stop` completes.
///
/// # Errors
/// When the broker refuses the client for good, or the format cannot say what was recorded.
pub async fn play(
    recording: &Recording,
    options: PlayOptions,
    stop: impl Future<Output = ()>,
) -> Result<PlayReport, SimError> {
    let PlayOptions { broker, targets, topics, format, speed, shift_to_now, now_micros, live } = options;
    let client_id = format!("vlot-sim-replay-{:08x}", rand::random::<u32>());
    let mut publisher = Publisher::start(&broker, &client_id, Arc::clone(&live));
    let mut sequences: BTreeMap<String, u32> = BTreeMap::new();
    let mut report = PlayReport::default();
    let began_at = recording.rows.first().map_or(0, |row| row.sent_at);
    let clock = SimClock::new(Arc::clone(&now_micros), 1.0);
    let wall_began = clock.now();

    tokio::pin!(stop);
    for row in &recording.rows {
        if let Some(speed) = speed {
            let elapsed = crate::time::round((row.sent_at - began_at) as f64 / speed.max(1e-6));
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = clock.sleep_until(wall_began.saturating_add(elapsed)) => {}
            }
        }
        let (topic, payload) = match &row.said {
            What::Raw { topic, payload } => (topic.clone(), payload.clone()),
            What::Value(value) => {
                let Some(from) = targets.device(&row.source, value) else {
                    *report.unnamed.entry(row.source.to_string()).or_insert(0) += 1;
                    continue;
                };
                let sequence = sequences.entry(from.device.clone()).or_insert(0);
                let observed_at = if shift_to_now { clock.now() - interval(value) } else { row.observed_at };
                let statement =
                    Statement { from: &from, sequence: Some(*sequence), observed_at, value: *value };
                let payload = encode(format, &statement)
                    .map_err(|e| SimError::Recording { file: row.source.to_string(), what: e.to_string() })?;
                *sequence = sequence.wrapping_add(1);
                (topics.of(format, &from), payload)
            }
        };
        tokio::select! {
            biased;
            sent = publisher.publish(topic, payload) => sent?,
            () = &mut stop => break,
        }
    }
    publisher.finish(PATIENCE).await;
    report.published = live.published();
    report.acknowledged = live.acknowledged();
    Ok(report)
}

/// The length of what a statement is about; 0 for an instant.
fn interval(value: &Value) -> i64 {
    match value {
        Value::Traffic { interval_s, .. } | Value::Bicycles { interval_s, .. } => {
            i64::from(*interval_s) * SECOND
        }
        _ => 0,
    }
}
