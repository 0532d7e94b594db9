//! What happens on the roads beside traffic itself: works, closures, incidents, events.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{LinkId, LinkIx, LonLat, Mode, Modes, SituationIx, Timestamp};

/// A situation as an operator or a feed states it (DATEX II: SituationRecord). A later statement of the same
/// `source` and `id` takes the place of the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    /// Unique at its source.
    pub id: Box<str>,
    /// Who keeps it: `operator`, or a feed's name.
    pub source: Box<str>,
    /// What it is.
    pub kind: SituationKind,
    /// As people read it.
    pub headline: Box<str>,
    /// What it does to the streets.
    pub effect: Effect,
    /// Whom that hits.
    pub modes: Modes,
    /// Where.
    pub location: Location,
    /// Both directions of a line or point; `Location::Links` names its directions itself.
    pub both_directions: bool,
    /// From when on.
    pub from: Timestamp,
    /// Until when; `None`: until further notice.
    pub until: Option<Timestamp>,
    /// When within that time, in OpenStreetMap's syntax of opening hours, checked; `None`: all of it.
    pub hours: Option<Box<str>>,
    /// Taken back by its source: it never holds again.
    pub withdrawn: bool,
}

impl Situation {
    /// Whether nobody of that mode may use its links while it is active.
    #[must_use]
    pub fn closes(&self, mode: Mode) -> bool {
        self.effect == Effect::Closed && self.modes.has(mode)
    }

    /// What nobody of that mode is faster than on its links while it is active, km/h, at least 1.
    #[must_use]
    pub fn limit_kmh(&self, mode: Mode) -> Option<f32> {
        match self.effect {
            Effect::SpeedLimit { kmh } if self.modes.has(mode) && kmh.is_finite() => Some(kmh.max(1.0)),
            _ => None,
        }
    }
}

/// Kinds of situations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SituationKind {
    /// A street is closed, for whatever reason.
    Closure,
    /// Works.
    Works,
    /// An accident, a breakdown, an obstacle.
    Incident,
    /// A market, a match, a march.
    Event,
    /// Anything else that drivers should know.
    Notice,
}

/// What a situation does to its links.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// They cannot be used.
    Closed,
    /// They lose lanes.
    LanesClosed {
        /// So many.
        lanes: u8,
    },
    /// They are slower.
    SpeedLimit {
        /// km/h.
        kmh: f32,
    },
    /// Nothing that routing could use.
    None,
}

/// Where a situation is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Location {
    /// At a point: the link nearest to it.
    Point(LonLat),
    /// Along a line, in its direction: the links that it follows.
    Line(Vec<LonLat>),
    /// These links.
    Links(Vec<LinkId>),
}

/// A situation as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SituationState {
    /// Its place in the list; given to another one after its end.
    pub slot: SituationIx,
    /// What was stated last.
    pub situation: Arc<Situation>,
    /// Where it stands in its life.
    pub phase: Phase,
    /// Since when it is in that phase.
    pub since: Timestamp,
    /// The links that it was found on; empty where its place is not near any link.
    pub links: Vec<LinkIx>,
    /// Ways around it, for each mode that it keeps out.
    pub detours: Vec<Detour>,
}

/// The life of a situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It has not begun.
    Planned,
    /// It holds now.
    Active,
    /// Within its time, outside its hours.
    Paused,
    /// It is over, or was taken back.
    Ended,
}

/// A way around a situation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detour {
    /// For whom.
    pub mode: Mode,
    /// The closed links in a row that it leads around, in order of travel, which tell the direction that it stands for; empty:
    /// all that the situation is on.
    pub around: Vec<LinkIx>,
    /// In order of travel; empty: there is none.
    pub links: Vec<LinkIx>,
    /// Seconds along it.
    pub travel_time_s: f32,
    /// Seconds that it takes more than the way through.
    pub extra_s: f32,
}
