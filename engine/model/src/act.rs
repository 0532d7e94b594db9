//! What an operator did to a facility, by name and with a reason, and where that is kept.

use serde::{Deserialize, Serialize};

use crate::{FacilityState, FacilityStatus, Opening, Quality, Tick, Timestamp, Value};

/// Where acts on the roads are written down, in the place of a facility.
pub const ROADS: &str = "roads";

/// An operator's act that is to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Chosen by the client, unique: said twice, it is the same act.
    pub id: String,
    /// The facility's id, or [`ROADS`].
    pub facility: String,
    /// One of [`Value::Verified`], [`Value::Corrected`], [`Value::CounterReplaced`] and [`Value::Closure`]; on the roads
    /// [`Value::Situation`] and [`Value::IncidentVerdict`].
    pub value: Value,
    /// Who.
    pub actor: String,
    /// How that is known.
    pub actor_known_by: ActorKnownBy,
    /// Why, in the operator's own words.
    pub reason: String,
    /// When it was ordered, by the engine's clock.
    pub asked_at: Timestamp,
    /// When it was true: when the vehicles were counted; else the same as `asked_at`.
    pub observed_at: Timestamp,
}

/// How an actor's name is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKnownBy {
    /// The client said it, and nothing bears it out.
    #[default]
    Stated,
    /// It is the name in the certificate that the client has shown.
    Certificate,
}

/// An act as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What was ordered.
    pub order: Order,
    /// Its number among the acts on its facility, from 1: admission knows it by that.
    pub sequence: u32,
    /// What became of it.
    pub end: Option<End>,
}

/// What became of an act.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// It is in the journal.
    Done {
        /// With this tick.
        tick: Tick,
        /// The facility before; `None`: nothing was known of it.
        before: Option<Glance>,
        /// The facility after; `None`: nothing was known of it, or the engine was behind.
        after: Option<Glance>,
    },
    /// Admission did not take it, and it changed nothing.
    Refused {
        /// The reason, by its stable name.
        why: String,
    },
}

/// A facility's state in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glance {
    /// Taken spaces; `None`: not known.
    pub occupied: Option<u32>,
    /// Before the physical bounds.
    pub occupied_uncorrected: Option<i64>,
    /// Free spaces; `None`: not known.
    pub free: Option<u32>,
    /// Whether it lets vehicles in.
    pub opening: Opening,
    /// In one word.
    pub status: FacilityStatus,
    /// How far to trust the figures.
    pub quality: Quality,
}

impl From<&FacilityState> for Glance {
    fn from(state: &FacilityState) -> Self {
        Glance {
            occupied: state.occupied,
            occupied_uncorrected: state.occupied_uncorrected,
            free: state.free,
            opening: state.opening,
            status: state.status,
            quality: state.quality,
        }
    }
}

/// Where acts are written down before they count, and read again. Its calls may wait for the disk.
pub trait ActLog: Send + Sync {
    /// Writes an order down; when this returns, it is on disk.
    ///
    /// # Errors
    /// What the disk says; nothing was written then.
    fn ask(&self, order: Order) -> Result<Act, String>;

    /// Writes down what became of the act of that id.
    ///
    /// # Errors
    /// What the disk says. The act then counts as under way, and is handed in again at the next start.
    fn end(&self, id: &str, end: End) -> Result<(), String>;

    /// The act of that id, if it is still kept.
    fn find(&self, id: &str) -> Option<Act>;

    /// Acts on a facility, or on all, newest first; at most `limit`.
    fn newest(&self, facility: Option<&str>, limit: usize) -> Vec<Act>;

    /// Acts whose end is not known, oldest first.
    fn under_way(&self) -> Vec<Act>;
}
