//! Bounds for what watches the streets without counting: feeds of followed vehicles, pairs of readers, traffic lights, air stations.

use super::{HOUR, MINUTE, Micros};

/// Bounds for feeds of followed vehicles. Links shorter than 50 m are too short to judge a speed by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbeRules {
    /// So many passages in a row are judged together.
    pub passages: u32,
    /// Faster is impossible, km/h.
    pub speed_kmh_most: f32,
    /// More impossible ones among them than this, percent: failed.
    pub impossible_pct: f32,
    /// Slower stands, km/h: nearly all (98 %) standing is a feed that repeats itself.
    pub standing_kmh: f32,
}

impl Default for ProbeRules {
    fn default() -> Self {
        ProbeRules { passages: 200, speed_kmh_most: 200.0, impossible_pct: 20.0, standing_kmh: 2.0 }
    }
}

/// Bounds for pairs of readers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairRules {
    /// No vehicle seen at both ends for so long: one of the readers is deaf, or their clocks differ. Suspect.
    pub quiet_for: Micros,
}

impl Default for PairRules {
    fn default() -> Self {
        PairRules { quiet_for: 12 * HOUR }
    }
}

/// Bounds for traffic-light controllers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalRules {
    /// All red for longer is a controller that hangs: suspect.
    pub all_red_for: Micros,
    /// More changes of state than this within [`Self::changes_window`]: failed.
    pub changes: f32,
    /// The window in which changes leak away.
    pub changes_window: Micros,
}

impl Default for SignalRules {
    fn default() -> Self {
        SignalRules { all_red_for: 10 * MINUTE, changes: 20.0, changes_window: 10 * MINUTE }
    }
}

/// Bounds for air and noise stations; values in the quantity's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AirRules {
    /// The same value to the last digit for so long ...
    pub frozen_for: Micros,
    /// ... and so many times: suspect; failed at twice both.
    pub frozen_values: u32,
    /// A concentration below this is none: instruments say a little less than 0 of clean air.
    pub least: f32,
    /// A concentration above this is none.
    pub most: f32,
    /// Quieter than this is no street, dB(A).
    pub noise_least: f32,
    /// Louder than this is no street, dB(A).
    pub noise_most: f32,
    /// So many such values in a row: failed.
    pub outside: u32,
    /// A value so many times the one before and back within two is a spike: suspect.
    pub spike_times: f32,
    /// Less of a rise is never one.
    pub spike_least: f32,
    /// For so long.
    pub spike_hold: Micros,
}

impl Default for AirRules {
    fn default() -> Self {
        AirRules {
            frozen_for: 12 * HOUR,
            frozen_values: 12,
            least: -10.0,
            most: 2_000.0,
            noise_least: 15.0,
            noise_most: 140.0,
            outside: 3,
            spike_times: 8.0,
            spike_least: 100.0,
            spike_hold: 12 * HOUR,
        }
    }
}
