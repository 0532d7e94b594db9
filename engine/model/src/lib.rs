//! The vocabulary that every room of Vlot shares.
//!
//! Pure data: no I/O, no clock, no async. Wire formats have types of their own, in `decode` and `proto`;
//! a type here never derives its shape from one of them.

mod act;
mod advice;
mod board;
mod city;
mod expected;
mod face;
mod gate;
mod guidance;
mod health;
mod history;
mod id;
mod intake;
mod meters;
mod product;
mod reading;
mod refusal;
mod road;
mod signs;
mod site;
mod situation;
mod streets;
mod time;
mod traffic;
mod transit;
mod trust;

pub use act::{Act, ActLog, ActorKnownBy, End, Glance, Order, ROADS};
pub use advice::{
    Leg, LegBasis, LegKind, ParkedAt, RuledOut, RuledOutBy, SpaceBasis, SpaceOnArrival, Span, TripKind,
    TripOption,
};
pub use board::{Board, Change, Cursor, Entry, Key};
pub use city::{
    Bay, City, CountMode, Counting, Device, DeviceKind, Directory, Facility, FacilityKind, Garage, LonLat,
    RackKind, Role, Section, Station,
};
pub use expected::{ANNOUNCED_AHEAD_MAX_S, ExpectedArrivals, ExpectedMinute};
pub use face::{Choice, Face, FaceRow, Figure, RowReason, Sight, closed_by_dates};
pub use gate::{Dropped, GateMeters};
pub use guidance::{
    AdviceReason, Arrival, ArrivalBasis, Compliance, EdgeOrIn, FacilityLoad, GuidanceMode, GuidanceRules,
    GuidanceState, LinePlan, LineWay, LiveWay, RefusedSet, SignPlan,
};
pub use health::{
    AirRules, BarrierRules, BayRules, ClockRules, CountRules, FigureRules, HealthRules, HealthSettings,
    PairRules, ProbeRules, Reporting, SignalRules,
};
pub use history::{
    Cell, Column, History, HistoryKind, HistoryQuery, HistoryRecord, HistoryTable, Holds, Resolution,
};
pub use id::{
    AirIx, ControllerIx, CorridorIx, DeviceIx, FacilityIx, GarageIx, LinkIx, NodeIx, PairIx, PlaceIx,
    SectionIx, SignIx, SituationIx, StationIx,
};
pub use intake::{Acknowledge, Anonymise, Format, Pseudonym, Receipt, Settled, Sighting, Submission};
pub use meters::{Meter, Meters, Quarantine, Quarantined};
pub use product::{
    BicycleCount, Closed, ClosedBy, FacilityState, FacilityStatus, GarageState, GroupState, Opening, Product,
    Quality, SectionState, Share, SignState, TrafficCount, Trigger, Unmoved, UnmovedPlace, Update,
};
pub use reading::{Admitted, ClockTick, Direction, Reading, SignFault, TICKS_SKIPPED, Tick, Value};
pub use refusal::{Refusal, RefusalKind};
pub use road::{
    Access, AccessRule, Link, LinkId, Mode, Modes, OnLink, Permission, RoadClass, RoadNetwork, Turn,
};
pub use signs::{Arrow, Matrix, NamedPlace, Placement, Sign, SignLine, SignTexts, Target, Template};
pub use site::{
    Calendar, Camera, CapacityFrom, Event, GarageKind, GarageSite, Group, Onward, Part, Place, Reliability,
    SectionSources, Service, Shows, Site, StreetRules, UserGroup,
};
pub use situation::{Detour, Effect, Location, Phase, Situation, SituationKind, SituationState};
pub use streets::{AirStation, Controller, Corridor, Pair, Placed, TrafficRules};
pub use time::{Clock, Timestamp};
pub use traffic::{
    AirQuantity, AirState, AirValue, ControllerState, CorridorState, Incident, IncidentRule, Jam, Jams,
    LevelOfService, LinkSources, LinkState, SignalState, Verdict,
};
pub use transit::{Departure, Run, ServiceDay, Timetable};
pub use trust::{
    AnchorKind, Anchored, Balance, Certainty, FacilityForecast, ForecastBasis, ForecastPoint, HealthState,
    Life, Overstay, SensorHealth, SensorRule, SureWhy, ZonePressure,
};
