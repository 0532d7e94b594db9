//! What is known of traffic on links, corridors and at the devices beside the road.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AirIx, ControllerIx, CorridorIx, LinkIx, Mode, Quality, Situation, Timestamp};

/// Traffic on a link, from all sources together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkState {
    /// Which.
    pub link: LinkIx,
    /// Of the newest fact that it rests on.
    pub observed_at: Timestamp,
    /// Free flow is assumed again from then on.
    pub valid_until: Timestamp,
    /// Space mean speed, km/h, above 0.
    pub speed_kmh: f32,
    /// Low end of the 80 % interval of the speed.
    pub speed_low_kmh: f32,
    /// High end.
    pub speed_high_kmh: f32,
    /// Seconds over the whole link at that speed.
    pub travel_time_s: f32,
    /// Vehicles an hour, where something counts them.
    pub flow_vph: Option<u32>,
    /// Speed against free flow, in one letter.
    pub level: LevelOfService,
    /// What it rests on.
    pub sources: LinkSources,
    /// Distinct vehicles that were followed in the last window; 0 where fewer than the least number that is published.
    pub probes: u16,
    /// How far to trust it; `Missing` where cars are kept out, whatever is measured.
    pub quality: Quality,
    /// Closures, closed lanes and speed limits in force on it, by their places in the list.
    pub situations: Vec<Arc<Situation>>,
}

impl LinkState {
    /// Whether a situation keeps cars out: then there is no speed and no travel time, and the figures are those of an open street.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.situations.iter().any(|situation| situation.closes(Mode::Car))
    }

    /// The lowest speed limit of situations for cars, km/h.
    #[must_use]
    pub fn limit_kmh(&self) -> Option<f32> {
        self.situations.iter().filter_map(|s| s.limit_kmh(Mode::Car)).min_by(f32::total_cmp)
    }
}

/// What a link's figure rests on; nothing: free flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkSources {
    /// Detectors in the street.
    pub detectors: bool,
    /// Vehicles that were followed.
    pub probes: bool,
    /// Vehicles seen at both ends of a stretch.
    pub pairs: bool,
    /// A situation that keeps cars out or limits their speed: what is assumed where nothing is measured.
    pub situations: bool,
}

/// Quality of traffic flow by share of the free-flow speed (HCM urban streets): A above 85 %, B 67, C 50, D 40, E 30, F below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LevelOfService {
    /// Free flow.
    A,
    /// Nearly free.
    B,
    /// Stable.
    C,
    /// Nearly unstable.
    D,
    /// At capacity.
    E,
    /// Broken down.
    F,
}

impl LevelOfService {
    /// Of a speed and the free-flow speed.
    #[must_use]
    pub fn of(speed_kmh: f32, free_flow_kmh: f32) -> Self {
        match speed_kmh / free_flow_kmh {
            share if share > 0.85 => LevelOfService::A,
            share if share > 0.67 => LevelOfService::B,
            share if share > 0.5 => LevelOfService::C,
            share if share > 0.4 => LevelOfService::D,
            share if share > 0.3 => LevelOfService::E,
            _ => LevelOfService::F,
        }
    }
}

/// Travel time along a corridor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorridorState {
    /// Which.
    pub corridor: CorridorIx,
    /// Oldest of the measured links' newest facts; `None` when nothing is measured.
    pub observed_at: Option<Timestamp>,
    /// Stale from then on; `None` when nothing is measured.
    pub valid_until: Option<Timestamp>,
    /// Seconds for the whole of it, free flow or a situation's speed limit assumed where nothing is known; `None` while it is closed.
    pub travel_time_s: Option<f32>,
    /// Low end of the 80 % interval.
    pub travel_time_low_s: Option<f32>,
    /// High end.
    pub travel_time_high_s: Option<f32>,
    /// Seconds at free flow.
    pub free_flow_s: f32,
    /// Share of its length that is measured, 0..=100.
    pub measured_pct: f32,
    /// Some of its links are closed to cars.
    pub closed: bool,
    /// How far to trust it.
    pub quality: Quality,
}

/// Queues that stand on the network now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Jams {
    /// In order of their heads.
    pub jams: Vec<Jam>,
}

/// Links in a row at level of service E or F.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jam {
    /// Its most downstream link, where it begins to flow again.
    pub head: LinkIx,
    /// Its most upstream link, which a driver reaches first.
    pub tail: LinkIx,
    /// All of its links, in order of travel from tail to head.
    pub links: Vec<LinkIx>,
    /// Metres.
    pub length_m: f32,
    /// Seconds lost in it against free flow.
    pub delay_s: f32,
    /// Since when its head stands.
    pub since: Timestamp,
}

/// What looks like an incident, until an operator says what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Where.
    pub link: LinkIx,
    /// The rule that fired.
    pub rule: IncidentRule,
    /// Suspected, or what an operator made of it.
    pub verdict: Verdict,
    /// Since when the rule holds.
    pub since: Timestamp,
    /// Since when it no longer holds.
    pub ended: Option<Timestamp>,
    /// What the rule saw, and where its limit lies, in the rule's own unit.
    pub seen: f32,
    /// See `seen`.
    pub limit: f32,
}

/// Rules that suspect an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentRule {
    /// Speed fell within minutes to a small share of what it was, with flow below what the street carried: km/h.
    SuddenDrop,
    /// The link is slow while the next one downstream flows freely: difference of shares of free flow.
    Bottleneck,
    /// A detector is covered while nothing passes: percent.
    StandingVehicle,
}

/// An operator's word on a suspected incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nobody has looked.
    Suspected,
    /// It is one.
    Confirmed,
    /// It is none.
    Dismissed,
}

/// A traffic-light controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControllerState {
    /// Which.
    pub controller: ControllerIx,
    /// What it does.
    pub state: SignalState,
    /// The plan that runs, by the controller's own number.
    pub plan: Option<u16>,
    /// When that was so.
    pub observed_at: Timestamp,
    /// Stale from then on.
    pub valid_until: Timestamp,
    /// How far to trust it.
    pub quality: Quality,
}

/// What a controller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalState {
    /// Runs a plan.
    Running,
    /// Flashes amber.
    Flashing,
    /// Dark.
    Dark,
    /// All red.
    AllRed,
    /// Steered by hand.
    Manual,
    /// Reports a fault.
    Fault,
}

/// An air-quality or noise station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AirState {
    /// Which.
    pub station: AirIx,
    /// Newest of each quantity, in order of the quantity.
    pub values: Vec<AirValue>,
    /// How far to trust it.
    pub quality: Quality,
}

/// One quantity at an air station.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AirValue {
    /// Which.
    pub quantity: AirQuantity,
    /// In the quantity's unit.
    pub value: f32,
    /// When it was measured.
    pub observed_at: Timestamp,
}

/// Quantities of air-quality stations, with their units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AirQuantity {
    /// Nitrogen dioxide, micrograms a cubic metre.
    No2,
    /// Particles up to 10 micrometres, micrograms a cubic metre.
    Pm10,
    /// Particles up to 2.5 micrometres, micrograms a cubic metre.
    Pm25,
    /// Ozone, micrograms a cubic metre.
    O3,
    /// Sound, dB(A).
    Noise,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_service_follow_the_share_of_free_flow() {
        let level = |speed| LevelOfService::of(speed, 50.0);
        let got = [50.0, 43.0, 42.0, 34.0, 33.0, 26.0, 24.0, 21.0, 19.0, 16.0, 15.0, 1.0].map(level);
        use LevelOfService::{A, B, C, D, E, F};
        assert_eq!(got, [A, A, B, B, C, C, D, D, E, E, F, F]);
    }
}
