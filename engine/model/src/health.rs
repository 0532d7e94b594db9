//! Sensor health as a city sets it: the bounds of all rules, with defaults that hold for every city (what differs between
//! sensors is learnt), and how each feed tells its figures.

use crate::DeviceIx;

mod figure;
mod roadside;

pub use figure::FigureRules;
pub use roadside::{AirRules, PairRules, ProbeRules, SignalRules};

/// Microseconds.
type Micros = i64;
const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;

/// How a source tells its figures: a property of the feed, not of the city.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reporting {
    /// It repeats the figure regularly, changed or not.
    #[default]
    Repeated,
    /// It tells changes alone: silence means unchanged, until it has been silent for longer than it may.
    ChangesOnly,
}

/// How sensors are judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HealthSettings {
    /// The bounds.
    pub rules: HealthRules,
    /// Devices whose feed tells changes alone; rising.
    pub changes_only: Vec<DeviceIx>,
}

impl HealthSettings {
    /// How a device tells its figures.
    #[must_use]
    pub fn reporting(&self, device: DeviceIx) -> Reporting {
        match self.changes_only.binary_search(&device) {
            Ok(_) => Reporting::ChangesOnly,
            Err(_) => Reporting::Repeated,
        }
    }
}

/// The bounds of every kind. A device's own `silent_after` takes the place of its kind's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HealthRules {
    /// Bay sensors.
    pub bay: BayRules,
    /// Figures: facilities as a whole, garage sections.
    pub figure: FigureRules,
    /// Barrier counters.
    pub barrier: BarrierRules,
    /// Loops and tubes.
    pub motor: CountRules,
    /// Bicycle counters.
    pub bicycle: CountRules,
    /// Feeds of followed vehicles.
    pub probes: ProbeRules,
    /// Pairs of readers.
    pub pair: PairRules,
    /// Traffic-light controllers.
    pub signal: SignalRules,
    /// Air and noise stations.
    pub air: AirRules,
    /// Clocks of any device.
    pub clock: ClockRules,
}

/// Bounds for bay sensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BayRules {
    /// No message for so long: failed. Devices send heartbeats at least daily; the configuration's own limit goes here.
    pub silent_after: Micros,
    /// More changes than this within [`Self::chatter_window`]: failed. A car needs about a minute to enter or leave.
    pub chatter_changes: f32,
    /// The window in which changes leak away.
    pub chatter_window: Micros,
    /// Chattering recovers after so long without breaking the limit.
    pub chatter_calm: Micros,
    /// Unchanged for less is never a fault: three days can be true of a bay.
    pub stuck_least: Micros,
    /// Suspect when unchanged for so many changes of its own past rate; failed at twice that and twice `stuck_least`.
    pub stuck_changes: f32,
    /// Changes that its past must have before it is judged.
    pub learnt_changes: u32,
}

impl Default for BayRules {
    fn default() -> Self {
        BayRules {
            silent_after: 25 * HOUR,
            chatter_changes: 8.0,
            chatter_window: 10 * MINUTE,
            chatter_calm: 6 * HOUR,
            stuck_least: 7 * DAY,
            stuck_changes: 40.0,
            learnt_changes: 50,
        }
    }
}

/// Bounds for barrier counters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarrierRules {
    /// No message for so long: failed.
    pub silent_after: Micros,
    /// More vehicles a minute through one lane than this: a barrier lets about 10 a minute pass, an open one 25.
    pub vehicles_a_minute: f32,
    /// Surprise (nats) of no passage from which it is a fault.
    pub stuck_nats: f32,
    /// See [`FigureRules::stuck_margin`].
    pub stuck_margin: f32,
    /// See [`FigureRules::stuck_nats_most`].
    pub stuck_nats_most: f32,
    /// Nothing is concluded of quiet before its first message is so old.
    pub learn_for: Micros,
    /// A standing fault of rate recovers after so long without a new one.
    pub calm: Micros,
}

impl Default for BarrierRules {
    fn default() -> Self {
        BarrierRules {
            silent_after: HOUR,
            vehicles_a_minute: 30.0,
            stuck_nats: 25.0,
            stuck_margin: 1.5,
            stuck_nats_most: 150.0,
            learn_for: 14 * DAY,
            calm: 6 * HOUR,
        }
    }
}

/// Bounds for interval counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountRules {
    /// No interval for so long: failed.
    pub silent_after: Micros,
    /// Surprise (nats) of intervals with 0 from which the detector is dead.
    pub stuck_nats: f32,
    /// See [`FigureRules::stuck_margin`].
    pub stuck_margin: f32,
    /// See [`FigureRules::stuck_nats_most`].
    pub stuck_nats_most: f32,
    /// Nothing is concluded of zeros before its first interval is so old.
    pub learn_for: Micros,
    /// So many intervals in a row exactly alike (with vehicles): stuck.
    pub alike: u32,
    /// More an hour than one lane can carry.
    pub vehicles_an_hour: f32,
    /// More an hour than one bicycle counter can see.
    pub bicycles_an_hour: f32,
    /// Faster is a code, km/h.
    pub speed_kmh_most: f32,
    /// Detector covered, without a vehicle counted, for so long: locked on. A jam moves within that time.
    pub locked_on: Micros,
    /// So many gaps (or refused values) in a row: failed.
    pub gaps: u32,
    /// So many well intervals in a row recover it.
    pub recover: u32,
}

impl Default for CountRules {
    fn default() -> Self {
        CountRules {
            silent_after: HOUR,
            stuck_nats: 25.0,
            stuck_margin: 1.5,
            stuck_nats_most: 150.0,
            learn_for: 14 * DAY,
            alike: 12,
            vehicles_an_hour: 3_000.0,
            bicycles_an_hour: 6_000.0,
            speed_kmh_most: 250.0,
            locked_on: 30 * MINUTE,
            gaps: 8,
            recover: 4,
        }
    }
}

/// Bounds for clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockRules {
    /// Every one of the last 8 readings dated later than its arrival by more than this: the clock is ahead.
    pub ahead: Micros,
    /// Every one of the last 8 readings older on arrival than this: behind (late delivery is not steady).
    pub behind: Micros,
    /// Offsets within so much of a whole hour, and of each other, are a wrong time zone or summer time.
    pub near_hour: Micros,
    /// What is off for so long is no queue that empties.
    pub lasting: Micros,
}

impl Default for ClockRules {
    fn default() -> Self {
        ClockRules { ahead: 30 * SECOND, behind: 20 * MINUTE, near_hour: 10 * MINUTE, lasting: 10 * MINUTE }
    }
}
