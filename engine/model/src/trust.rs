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
    /// A barrier or counter is silent or not believed: the bays carry the figure alone, for each space has one.
    pub bays_alone: bool,
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
    /// Rising in `ahead_s`, from the present figure (0) to an hour ahead; empty while there is no history, and when the
    /// facility has closed.
    pub points: Vec<ForecastPoint>,
}

impl FacilityForecast {
    /// What will be free so many seconds after `made_at`, on the line between two points; `None` beyond the last one.
    #[must_use]
    pub fn at(&self, ahead_s: u32) -> Option<ForecastPoint> {
        let after = self.points.iter().position(|point| ahead_s <= point.ahead_s)?;
        let right = *self.points.get(after)?;
        if right.ahead_s == ahead_s {
            return Some(right);
        }
        let left = *self.points.get(after.checked_sub(1)?)?;
        let (part, whole) = (ahead_s - left.ahead_s, right.ahead_s - left.ahead_s);
        Some(ForecastPoint {
            ahead_s,
            // Rounded outwards, so that the interval holds at least as often as it claims.
            free_low: between(left.free_low, right.free_low, part, whole, 0),
            free: between(left.free, right.free, part, whole, whole / 2),
            free_high: between(left.free_high, right.free_high, part, whole, whole.saturating_sub(1)),
        })
    }

    /// What will be free at an instant; `None` before `made_at` and beyond the last point.
    #[must_use]
    pub fn on_arrival(&self, at: Timestamp) -> Option<ForecastPoint> {
        let ahead = at.micros().checked_sub(self.made_at.micros())?.div_euclid(1_000_000);
        self.at(u32::try_from(ahead).ok()?)
    }
}

/// The value at `part` of `whole` between two, with `rounding` parts of `whole` added before the fraction is dropped.
fn between(left: u32, right: u32, part: u32, whole: u32, rounding: u32) -> u32 {
    let [left, right, part, whole] = [left, right, part, whole].map(u64::from);
    let sum = left * (whole - part) + right * part + u64::from(rounding);
    u32::try_from(sum / whole).unwrap_or(u32::MAX)
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
    /// The last whole hour's pressure is at or above the alarm's threshold.
    pub alarm: bool,
    /// Capacity against demand in the last whole hour; `None` where that hour has no pressure.
    pub balance: Option<Balance>,
    /// Vehicles that stand longer than they may, by position of the bay, in that order.
    pub overstays: Vec<Overstay>,
    /// Overstays that have begun since the journal's beginning: a reader that counts them knows what it missed.
    pub overstays_begun: u64,
}

/// Capacity against the demand that was measured: whoever found no space is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Spaces that there were, at the end of the hour.
    pub capacity: u32,
    /// Mean of taken spaces, over the time in which they were known.
    pub demand_mean: f32,
    /// Most that were taken at once.
    pub demand_peak: u32,
    /// Seconds in which none was free: while it is above 0, demand was higher than measured.
    pub full_s: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_lies_on_the_line_between_two_points() {
        let point = |ahead_s, free_low, free, free_high| ForecastPoint { ahead_s, free_low, free, free_high };
        let forecast = FacilityForecast {
            facility: FacilityIx(0),
            made_at: Timestamp::from_secs(10_000),
            valid_until: Timestamp::from_secs(10_600),
            basis: ForecastBasis::OwnHistory { days: 9 },
            points: vec![point(0, 40, 40, 40), point(900, 30, 34, 41), point(1800, 10, 20, 30)],
        };
        assert_eq!(forecast.at(0), Some(point(0, 40, 40, 40)));
        assert_eq!(forecast.at(900), Some(point(900, 30, 34, 41)));
        assert_eq!(forecast.at(1350), Some(point(1350, 20, 27, 36)));
        assert_eq!(forecast.at(1801), None);
        let arrival = |s| forecast.on_arrival(Timestamp::from_secs(s)).map(|p| p.ahead_s);
        assert_eq!((arrival(9_999), arrival(10_000), arrival(11_800)), (None, Some(0), Some(1800)));
        assert_eq!(forecast.on_arrival(Timestamp::from_micros(i64::MAX)), None);
        assert_eq!(FacilityForecast { points: Vec::new(), ..forecast }.at(0), None);
    }
}
