//! How sure a figure is, what will be free, and how the sensors are.

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, FacilityIx, Timestamp};

/// How sure a facility's figure is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certainty {
    /// Occupied spaces are no fewer, with the high end at 95 %.
    pub occupied_low: u32,
    /// Occupied spaces are no more.
    pub occupied_high: u32,
    /// What a sign may say, before calm and rounding: [`crate::Figure::Free`] is never 0.
    pub says: crate::Figure,
    /// Why it may say that and no more.
    pub why: SureWhy,
    /// Its sources contradict each other by more than they should.
    pub conflict: bool,
    /// When the count was last tied to the truth, and by what.
    pub anchored: Option<Anchored>,
}

/// Why a sign may say what it may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SureWhy {
    /// The whole interval agrees.
    Sure,
    /// The interval is wider than the policy allows.
    TooWide,
    /// It is nearly full, and FULL would be wrong at the high end of what is free.
    MayNotBeFull,
    /// It is not full, but at the low end nothing is free.
    MayBeFull,
    /// Too few of its sensors report: no interval holds what they do not see.
    SensorsMissing,
}

/// The last time that somebody or something knew how many were inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchored {
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub by: AnchorKind,
    /// True minus counted vehicles since the anchor before; `None` for the first.
    pub drift: Option<i64>,
}

/// What ties a count to the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorKind {
    /// A person counted.
    Verified,
    /// An operator set it.
    Corrected,
    /// The facility's own controller stated it.
    Stated,
    /// It was closed, and empty.
    ClosedAndEmpty,
}

/// A sensor's health.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensorHealth {
    /// Which device.
    pub device: DeviceIx,
    /// In service or not.
    pub life: Life,
    /// Whether it can be believed.
    pub health: HealthState,
    /// The rule that fired, by its stable name; `None` when healthy.
    pub rule: Option<SensorRule>,
    /// Since when.
    pub since: Timestamp,
    /// What the rule saw and where its limit lies, in the rule's own unit.
    pub seen: Option<f32>,
    /// See `seen`.
    pub limit: Option<f32>,
}

/// A device's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// Heard, and not believed.
    Commissioning,
    /// Heard and believed.
    InService,
    /// Neither heard nor missed.
    Retired,
}

/// Whether a sensor can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthState {
    /// Nothing is wrong with it.
    Healthy,
    /// Something may be: it is believed, and reported.
    Suspect,
    /// It is not believed until it recovers.
    Failed,
}

/// Rules that a sensor can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorRule {
    /// No message for longer than it may be silent.
    Silent,
    /// More changes than its subject can make.
    Chattering,
    /// The same figure for longer than its own history allows.
    Stuck,
    /// Away and back within a few readings.
    Spiking,
    /// At a bound for longer than its own history allows.
    Clamped,
    /// A leap between two readings that its subject cannot make.
    Reset,
    /// Such a leap at midnight.
    MidnightJump,
    /// The level to which it returns walks away.
    Drift,
    /// Below zero or above what there is.
    OutOfBounds,
    /// Its clock is wrong.
    ClockWrong,
    /// It keeps saying a value that means nothing.
    Sentinel,
    /// Its figures contradict each other (flow without occupancy, speed without vehicles).
    Implausible,
}

/// What will be free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacilityForecast {
    /// Of which facility.
    pub facility: FacilityIx,
    /// From what was known then.
    pub made_at: Timestamp,
    /// Not to be used from then on.
    pub valid_until: Timestamp,
    /// What it rests on.
    pub basis: ForecastBasis,
    /// Rising in `ahead_s`; empty while there is no history.
    pub points: Vec<ForecastPoint>,
}

/// What a forecast rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForecastBasis {
    /// Too little has been seen: nothing is said.
    NoHistory,
    /// Its own weeks.
    OwnHistory {
        /// Whole days of them.
        days: u32,
    },
}

/// Free spaces so long after `made_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastPoint {
    /// Seconds ahead.
    pub ahead_s: u32,
    /// No fewer are free, at 90 %.
    pub free_low: u32,
    /// As many as not.
    pub free: u32,
    /// No more are free, at 90 %.
    pub free_high: u32,
}

/// How hard a zone's spaces are used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZonePressure {
    /// Which zone or car park.
    pub facility: FacilityIx,
    /// Start of the hour under way, local hours.
    pub hour: Timestamp,
    /// Mean share of taken spaces in the hour under way, percent; `None` without figures.
    pub pressure_pct: Option<f32>,
    /// The same of the last whole hour.
    pub last_hour_pct: Option<f32>,
    /// Vehicles that left in the last whole hour, where bays are watched.
    pub departures: Option<u32>,
    /// Pressure has been at or above the alarm's threshold for a whole hour.
    pub alarm: bool,
    /// Vehicles that stand longer than they may, by position of the bay, in that order.
    pub overstays: Vec<Overstay>,
}

/// A vehicle that stands longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overstay {
    /// Position of the bay in its zone.
    pub bay: u32,
    /// When it came.
    pub since: Timestamp,
    /// Seconds that it may stay.
    pub limit_s: u32,
}
