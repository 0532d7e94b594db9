//! A seeded, repeatable city: its field devices publish over MQTT as such devices do.
//!
//! The same configuration, seed and first instant give the same messages, whatever the speed; where drivers heed signs, with the
//! same faces at the same instants. Time is given from outside; messages about the present are dated with the instant at which they are handed to the broker.

mod actor;
mod bay;
mod calendar;
mod car_park;
mod chance;
mod counts;
mod demand;
mod faults;
mod guided;
mod roadside;
mod section;
mod town;
mod traffic;
mod trouble;
mod vehicles;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use faults::Faults;
pub use guided::{DriverCounts, Drivers, Shown};
pub use trouble::{Drift, Silence, Trouble};

use actor::{Fleet, Said};
use faults::{FaultyWay, Message};
use town::Town;

use crate::SimError;
use crate::layout::Layout;
use crate::mqtt::{Broker, Counters, Publisher};
use crate::time::{NowMicros, SimClock};
use crate::wire::{Statement, Topics, encode, format_of};

/// Everything speaks for the first time within this time of the wall's.
const WARM_UP: Duration = Duration::from_millis(1_500);
/// A device that could not send in time dates its message back to when it was true.
const LATE: Duration = Duration::from_secs(1);
/// How long the end takes at most, with what was held back and the broker's last acknowledgements.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same while the broker answers.
const PATIENCE_CONNECTED: Duration = Duration::from_secs(20);

/// What to simulate.
pub struct Options {
    /// The configuration: texts by file name.
    pub files: BTreeMap<String, String>,
    /// Where to publish.
    pub broker: Broker,
    /// Decides everything that chance decides.
    pub seed: u64,
    /// The present simulated instant.
    pub now_micros: NowMicros,
    /// Simulated seconds in one of the wall's.
    pub speed: f64,
    /// What goes wrong on the way.
    pub faults: Faults,
    /// What goes wrong at the sensors.
    pub trouble: Trouble,
    /// Who heeds what signs show.
    pub drivers: Drivers,
    /// Counters to read while it runs.
    pub live: Arc<Live>,
}

/// What the city has done so far; may be read at any time.
#[derive(Debug, Default)]
pub struct Live {
    mqtt: Arc<Counters>,
    state: Mutex<LiveState>,
}

#[derive(Debug, Default)]
struct LiveState {
    readings: BTreeMap<&'static str, u64>,
    truth: BTreeMap<String, u32>,
}

impl Live {
    /// Messages published, acknowledged, and whether the broker is connected.
    pub fn mqtt(&self) -> &Counters {
        &self.mqtt
    }

    /// Published messages by what they say.
    pub fn readings_by_kind(&self) -> BTreeMap<String, u64> {
        self.state().readings.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect()
    }

    /// Spaces and places really taken, by the id of a facility or "garage/section"; at most a second old.
    pub fn taken(&self) -> BTreeMap<String, u32> {
        self.state().truth.clone()
    }

    fn state(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the city did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CityReport {
    /// Devices.
    pub devices: usize,
    /// Messages handed to the MQTT client.
    pub published: u64,
    /// Messages that the broker acknowledged; fewer than published only when it was away at the end.
    pub acknowledged: u64,
    /// Published messages by what they say.
    pub readings_by_kind: BTreeMap<String, u64>,
    /// Faults by name, as often as they struck.
    pub faults: BTreeMap<String, u64>,
    /// Spaces and places really taken at the end, by the id of a facility or "garage/section".
    pub taken: BTreeMap<String, u32>,
    /// What drivers made of signs.
    pub drivers: DriverCounts,
}

/// Runs the city until `stop` completes; then waits a bounded time for what is not yet acknowledged.
///
/// # Errors
/// When the configuration cannot be simulated, or the broker refuses the client for good.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> Result<CityReport, SimError> {
    let Options { files, broker, seed, now_micros, speed, faults, trouble, drivers, live } = options;
    let layout = Layout::parse(&files)?;
    let clock = SimClock::new(now_micros, speed);
    let mut town = Town::new(&layout, seed, clock.now(), clock.sim(WARM_UP), trouble, &drivers)?;
    let mut speaker = Speaker::new(Topics::new(&layout.filters), FaultyWay::new(faults, seed), &town.fleet);
    let client_id = format!("vlot-sim-city-{:08x}", rand::random::<u32>());
    let mut publisher = Publisher::start(&broker, &client_id, Arc::clone(&live.mqtt));

    tokio::pin!(stop);
    let (mut said, mut waiting) = (Vec::new(), VecDeque::new());
    let mut truth_at = i64::MIN;
    let outcome = loop {
        let Some(at) = town.next_at() else {
            (&mut stop).await;
            break Ok(());
        };
        tokio::select! {
            biased;
            () = &mut stop => break Ok(()),
            () = clock.sleep_until(at) => {}
        }
        let Some(planned) = town.step(&mut said) else { continue };
        let now = clock.now();
        // After a wait for the broker a device's message is older than the present, and says so.
        let present = if now - planned <= clock.sim(LATE) { now } else { planned };
        waiting.extend(speaker.say(&town.fleet, present, &mut said));
        let sent = tokio::select! {
            biased;
            sent = send(&mut publisher, &mut waiting, &live) => sent,
            () = &mut stop => break Ok(()),
        };
        if let Err(e) = sent {
            break Err(e);
        }
        if now >= truth_at {
            truth_at = now + clock.sim(Duration::from_secs(1));
            live.state().truth = town.truth();
        }
    };
    let patience = if live.mqtt.connected() { PATIENCE_CONNECTED } else { PATIENCE };
    let end = tokio::time::Instant::now() + patience;
    // What has happened in the city is told, also when its end came in the middle of a step.
    waiting.extend(speaker.way.drain());
    if outcome.is_ok() {
        // Bounded, because without a broker the queue may be full.
        let sent = tokio::time::timeout_at(end, send(&mut publisher, &mut waiting, &live)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::warn!(messages = waiting.len(), "not sent at the end");
        }
    }
    let all = publisher.finish(end.saturating_duration_since(tokio::time::Instant::now())).await;
    if !all {
        tracing::warn!("the broker did not acknowledge everything in time");
    }
    live.state().truth = town.truth();
    outcome.map(|()| CityReport {
        devices: town.fleet.len(),
        published: live.mqtt.published(),
        acknowledged: live.mqtt.acknowledged(),
        readings_by_kind: live.readings_by_kind(),
        faults: speaker.way.counts().into_iter().map(|(k, n)| (k.to_owned(), n)).collect(),
        taken: live.taken(),
        drivers: town.drivers(),
    })
}

/// Sends what waits. May be ended at any await: what was not sent still waits.
async fn send(
    publisher: &mut Publisher,
    waiting: &mut VecDeque<Message>,
    live: &Live,
) -> Result<(), SimError> {
    while let Some(message) = waiting.front() {
        publisher.publish(message.topic.clone(), message.payload.clone()).await?;
        *live.state().readings.entry(message.kind).or_insert(0) += 1;
        waiting.pop_front();
    }
    Ok(())
}

/// Gives each device its counter and its dates, and packs what it says.
struct Speaker {
    topics: Topics,
    way: FaultyWay,
    sequences: Vec<u32>,
    /// A device's newest date: its messages never go back in time by themselves.
    newest: Vec<i64>,
}

impl Speaker {
    fn new(topics: Topics, way: FaultyWay, fleet: &Fleet) -> Speaker {
        Speaker { topics, way, sequences: vec![0; fleet.len()], newest: vec![i64::MIN; fleet.len()] }
    }

    fn say(&mut self, fleet: &Fleet, present: i64, said: &mut Vec<Said>) -> Vec<Message> {
        let mut messages = Vec::new();
        for said in said.drain(..) {
            let (Some(from), Some(sequence), Some(newest)) = (
                fleet.get(said.device),
                self.sequences.get_mut(said.device),
                self.newest.get_mut(said.device),
            ) else {
                continue;
            };
            let observed_at = match said.interval_start {
                Some(start) => start,
                None => {
                    *newest = present.max(newest.saturating_add(1));
                    *newest
                }
            };
            let counted = *sequence;
            *sequence = sequence.wrapping_add(1);
            let statement = Statement {
                from,
                sequence: Some(counted),
                observed_at: self.way.clock(observed_at),
                value: said.value,
            };
            let format = format_of(from.kind, &said.value);
            match encode(format, &statement) {
                Ok(payload) => {
                    let message =
                        Message { topic: self.topics.of(format, from), payload, kind: said.value.name() };
                    messages.extend(self.way.pass(message));
                }
                Err(e) => tracing::error!(error = %e, "not sent"),
            }
        }
        messages
    }
}

#[cfg(test)]
mod guided_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traffic_tests;
