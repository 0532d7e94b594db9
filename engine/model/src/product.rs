//! What the dataflow concludes. Each product says how old and how sure it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    AirState, Certainty, ControllerState, CorridorState, DeviceIx, ExpectedArrivals, Face, FacilityForecast,
    FacilityIx, GarageIx, GuidanceState, Incident, Jams, Key, LinkState, SectionIx, SensorHealth, SignFault,
    SignIx, SignPlan, SituationState, StationIx, Tick, Timestamp, UserGroup, ZonePressure,
};

/// How far a product can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Fresh, and enough of its sensors report.
    Good,
    /// Fresh, but fewer sensors report than it asks for, or its sources contradict each other, or it is not sure enough.
    Degraded,
    /// Older than it may be: not to be shown as present.
    Stale,
    /// Nothing is known.
    Missing,
}

/// How many of a product's sensors report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Heard from within their silence limit.
    pub reporting: u32,
    /// All of them.
    pub total: u32,
}

impl Share {
    /// 0..=1; 0 without sensors.
    #[must_use]
    pub fn ratio(self) -> f32 {
        if self.total == 0 { 0.0 } else { self.reporting as f32 / self.total as f32 }
    }
}

/// The reading that made a product change, so that a face can be traced to it and its latency measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Who said it.
    pub device: DeviceIx,
    /// Its message counter.
    pub sequence: Option<u32>,
    /// The device's time.
    pub observed_at: Timestamp,
}

/// A product on its way to the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The batch after which it holds.
    pub tick: Tick,
    /// That batch's instant.
    pub at: Timestamp,
    /// The last reading of the batch that touched it; `None` when time alone did.
    pub trigger: Option<Trigger>,
    /// The product.
    pub product: Arc<Product>,
}

/// Everything that the engine publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Product {
    /// A car park or zone.
    Facility(FacilityState),
    /// A bicycle garage with its sections.
    Garage(GarageState),
    /// Motor traffic at a station.
    Traffic(TrafficCount),
    /// Bicycles at a station.
    Bicycle(BicycleCount),
    /// What a sign is to show.
    Face(Arc<Face>),
    /// What a sign does show.
    Sign(SignState),
    /// What will be free.
    Forecast(FacilityForecast),
    /// How a sensor is.
    Health(SensorHealth),
    /// How hard a zone is used.
    Zone(ZonePressure),
    /// Traffic on a link.
    Link(LinkState),
    /// Travel time along a corridor.
    Corridor(CorridorState),
    /// Queues on the whole network.
    Jams(Jams),
    /// What looks like an incident.
    Incident(Incident),
    /// Works, a closure, an incident, an event.
    Situation(SituationState),
    /// A traffic-light controller.
    Controller(ControllerState),
    /// An air station.
    Air(AirState),
    /// What is decided for a sign.
    Plan(Arc<SignPlan>),
    /// How guidance does as a whole.
    Guidance(GuidanceState),
    /// Who is on the way to a facility, by what apps announce.
    Expected(ExpectedArrivals),
}

impl Product {
    /// Its place on the board.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Product::Facility(p) => Key::Facility(p.facility),
            Product::Garage(p) => Key::Garage(p.garage),
            Product::Traffic(p) => Key::Station(p.station),
            Product::Bicycle(p) => Key::Station(p.station),
            Product::Face(p) => Key::Face(p.sign),
            Product::Sign(p) => Key::Sign(p.sign),
            Product::Forecast(p) => Key::Forecast(p.facility),
            Product::Health(p) => Key::Health(p.device),
            Product::Zone(p) => Key::Zone(p.facility),
            Product::Link(p) => Key::Link(p.link),
            Product::Corridor(p) => Key::Corridor(p.corridor),
            Product::Jams(_) => Key::Jams,
            Product::Incident(p) => Key::Incident(p.link),
            Product::Situation(p) => Key::Situation(p.slot),
            Product::Controller(p) => Key::Controller(p.controller),
            Product::Air(p) => Key::Air(p.station),
            Product::Plan(p) => Key::Plan(p.sign),
            Product::Guidance(_) => Key::Guidance,
            Product::Expected(p) => Key::Expected(p.facility),
        }
    }
}

/// Whether a facility lets vehicles in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Nobody said.
    Unknown,
}

/// A facility in one word, with hysteresis (DATEX II `parkingSiteStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FacilityStatus {
    /// Has free spaces.
    SpacesAvailable,
    /// Has none, or so few that sending a driver there is a gamble.
    Full,
    /// Lets nobody in.
    Closed,
    /// Not known well enough to say.
    Unknown,
}

/// What it rests on that a facility lets nobody in. It is known without a figure, and holds however old those are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Who says so.
    pub by: ClosedBy,
    /// It is known no further; `None`: until another thing is said, or for longer than can be foreseen.
    pub until: Option<Timestamp>,
}

/// Who says that a facility is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBy {
    /// An operator.
    Operator,
    /// Its opening hours.
    Hours,
    /// One of its own devices.
    OwnWord,
    /// It stands there between two dates alone, and this is outside them.
    Dates,
}

/// Occupancy of a car park or zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacilityState {
    /// Which.
    pub facility: FacilityIx,
    /// Spaces.
    pub capacity: u32,
    /// Taken spaces by the best estimate of all sources, 0..=capacity; `None` when not known.
    pub occupied: Option<u32>,
    /// Free spaces, 0..=capacity; `None` when not known.
    pub free: Option<u32>,
    /// The plain count since the last anchor (or sum of bays, or stated figure): what differs from `occupied` is drift, and is
    /// never hidden.
    pub occupied_uncorrected: Option<i64>,
    /// Whether it lets vehicles in.
    pub opening: Opening,
    /// Why it is closed; `None` while it is not.
    pub closed: Option<Closed>,
    /// In one word.
    pub status: FacilityStatus,
    /// Of the newest reading that it rests on.
    pub observed_at: Option<Timestamp>,
    /// Stale from then on.
    pub valid_until: Option<Timestamp>,
    /// How far to trust it.
    pub quality: Quality,
    /// Its sensors.
    pub sensors: Share,
    /// Messages that its devices' counters show to be lost since the last absolute count.
    pub lost_messages: u32,
    /// How sure the figures are; `None` where nothing is known, or what was known is stale.
    pub certainty: Option<Certainty>,
    /// By group of users, in the configured order.
    pub groups: Vec<GroupState>,
}

/// Spaces of one group of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupState {
    /// Whom they are for.
    pub group: UserGroup,
    /// Spaces, as they are now.
    pub capacity: u32,
    /// Free ones that are known to be; `None` where this group is not counted on its own.
    pub free: Option<u32>,
}

/// Free places of a bicycle garage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GarageState {
    /// Which.
    pub garage: GarageIx,
    /// Its sections, in the configured order.
    pub sections: Vec<SectionState>,
    /// Sum over its sections; `None` unless every section is known.
    pub free: Option<u32>,
    /// Places of all sections.
    pub capacity: u32,
    /// Oldest of its sections' newest readings.
    pub observed_at: Option<Timestamp>,
    /// Earliest of its sections' ends of validity.
    pub valid_until: Option<Timestamp>,
    /// The worst of its sections'.
    pub quality: Quality,
    /// Its section sensors.
    pub sensors: Share,
    /// Bicycles that have not moved; `None`: nobody watches single places, or for how long is not configured.
    pub unmoved: Option<Unmoved>,
}

/// Free places of one section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SectionState {
    /// Which.
    pub section: SectionIx,
    /// Places.
    pub capacity: u32,
    /// Free places, 0..=capacity; `None` when not known.
    pub free: Option<u32>,
    /// In one word, with hysteresis.
    pub status: FacilityStatus,
    /// Of the newest reading.
    pub observed_at: Option<Timestamp>,
    /// Stale from then on.
    pub valid_until: Option<Timestamp>,
    /// How far to trust it.
    pub quality: Quality,
    /// How sure the figure is, where it is weighed of several sources, gates or single places; `None` where a sensor's word
    /// is taken as it is.
    pub certainty: Option<Certainty>,
}

/// Bicycles of a garage that have not moved for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmoved {
    /// For at least so long.
    pub after_s: u32,
    /// Places with a sensor, and how many of these report: of the others nothing is said.
    pub watched: Share,
    /// In the order of sections and places.
    pub places: Vec<UnmovedPlace>,
}

/// A place whose bicycle has not moved for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmovedPlace {
    /// In this section.
    pub section: SectionIx,
    /// Position among the section's watched places.
    pub place: u32,
    /// Taken without a break at least since then.
    pub since: Timestamp,
}

/// Motor traffic at a station over one interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrafficCount {
    /// Which.
    pub station: StationIx,
    /// Start of the interval.
    pub observed_at: Timestamp,
    /// Length of the interval.
    pub interval_s: u32,
    /// Stale from then on.
    pub valid_until: Timestamp,
    /// Vehicles of all lanes that reported; `None` when none did.
    pub vehicles: Option<u32>,
    /// The same as an hourly rate.
    pub flow_vph: Option<u32>,
    /// Mean over the vehicles that have a speed; `None` without any.
    pub speed_kmh: Option<f32>,
    /// Mean over the lanes that gave it, 0..=100.
    pub detector_occupancy_pct: Option<f32>,
    /// How far to trust it.
    pub quality: Quality,
    /// Its lanes.
    pub sensors: Share,
    /// Readings that arrived after the interval had been published and corrected it.
    pub late_readings: u32,
}

/// Bicycles at a station over one interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BicycleCount {
    /// Which.
    pub station: StationIx,
    /// Start of the interval.
    pub observed_at: Timestamp,
    /// Length of the interval.
    pub interval_s: u32,
    /// Stale from then on.
    pub valid_until: Timestamp,
    /// Towards the centre; `None` is a gap, never 0.
    pub inbound: Option<u32>,
    /// Away from it; `None` is a gap, never 0.
    pub outbound: Option<u32>,
    /// How far to trust it.
    pub quality: Quality,
    /// Its counters.
    pub sensors: Share,
    /// Readings that arrived after the interval had been published and corrected it.
    pub late_readings: u32,
}

/// What a sign does show: commanded and displayed are two things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignState {
    /// Which.
    pub sign: SignIx,
    /// Whether its connection is open; `None` before it was ever heard of.
    pub connected: Option<bool>,
    /// The face that it says it displays; 0 is its own fallback.
    pub displayed_version: Option<u64>,
    /// When it said so, by its own clock.
    pub displayed_at: Option<Timestamp>,
    /// Its last self-diagnosis.
    pub fault: Option<SignFault>,
    /// When its last message reached us.
    pub heard_at: Option<Timestamp>,
}
