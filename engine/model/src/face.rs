//! What a sign is to show, and what that rests on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Arrow, Certainty, Closed, ClosedBy, FacilityState, FacilityStatus, Quality, SectionState, Share, SignIx,
    Target, Timestamp, Trigger,
};

/// What a sign is to show, for how long, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// The sign.
    pub sign: SignIx,
    /// Grows with each change of content, and when the engine starts anew; a renewal keeps it. 0 is reserved for a sign's own fallback.
    pub version: u64,
    /// The content, line by line.
    pub rows: Vec<FaceRow>,
    /// Position of the advised row.
    pub advice: Option<u32>,
    /// What the advice was chosen from.
    pub choice: Choice,
    /// The content laid out, in MULTI (NTCIP 1203).
    pub multi: String,
    /// When the content was decided.
    pub decided_at: Timestamp,
    /// The face ends by itself then, unless renewed.
    pub valid_until: Timestamp,
    /// The reading behind the change of content; `None` when time alone made it.
    pub trigger: Option<Trigger>,
}

/// One line of a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceRow {
    /// What it announces.
    pub target: Target,
    /// The destination's name.
    pub label: Arc<str>,
    /// The way there.
    pub arrow: Arrow,
    /// What it says of it.
    pub figure: Figure,
    /// Travel time there, whole minutes rounded up; `None`: no way leads there.
    pub minutes: Option<u32>,
    /// It has space now and will probably be full on arrival: the figure is in the colour that says so.
    pub filling: bool,
    /// Why.
    pub why: RowReason,
}

/// What a row rests on: figures, of which sentences are made only where somebody reads them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowReason {
    /// What was known of the target.
    pub sight: Sight,
    /// What it would say were there no calm to keep.
    pub wanted: Figure,
    /// Until when calm may keep it from saying that.
    pub calm_until: Option<Timestamp>,
}

/// What an advice was chosen from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Lines that can be advised at all.
    pub lines: u32,
    /// Those of them with space.
    pub candidates: u32,
}

/// What a sign says of one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Free spaces.
    Free(u32),
    /// No space.
    Full,
    /// Lets nobody in.
    Closed,
    /// Nothing: the figure cannot be trusted.
    Blank,
}

/// The newest product of a line's target, as far as a sign is concerned with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// Free spaces or places; `None` when not known.
    pub free: Option<u32>,
    /// All of them.
    pub capacity: u32,
    /// In one word.
    pub status: FacilityStatus,
    /// Why it is closed; `None` while it is not.
    pub closed: Option<Closed>,
    /// How far to trust it.
    pub quality: Quality,
    /// Of the newest reading that it rests on.
    pub observed_at: Option<Timestamp>,
    /// Stale from then on.
    pub valid_until: Option<Timestamp>,
    /// Its sensors.
    pub sensors: Share,
    /// Messages known to be lost.
    pub lost_messages: u32,
    /// How sure it is, and what may be said of it; `None` where figures are taken as they are.
    pub certainty: Option<Certainty>,
}

/// Sections and garages are closed where they do not stand, and for no other reason.
#[must_use]
pub fn closed_by_dates(status: FacilityStatus) -> Option<Closed> {
    (status == FacilityStatus::Closed).then_some(Closed { by: ClosedBy::Dates, until: None })
}

impl Sight {
    /// Before the first product.
    #[must_use]
    pub fn unseen(capacity: u32) -> Self {
        Sight {
            free: None,
            capacity,
            status: FacilityStatus::Unknown,
            closed: None,
            quality: Quality::Missing,
            observed_at: None,
            valid_until: None,
            sensors: Share::default(),
            lost_messages: 0,
            certainty: None,
        }
    }

    /// Of a car park or zone.
    #[must_use]
    pub fn facility(p: &FacilityState) -> Self {
        Sight {
            free: p.free,
            capacity: p.capacity,
            status: p.status,
            closed: p.closed,
            quality: p.quality,
            observed_at: p.observed_at,
            valid_until: p.valid_until,
            sensors: p.sensors,
            lost_messages: p.lost_messages,
            certainty: p.certainty,
        }
    }

    /// Of one section of a bicycle garage.
    #[must_use]
    pub fn section(p: &SectionState) -> Self {
        Sight {
            free: p.free,
            capacity: p.capacity,
            status: p.status,
            closed: closed_by_dates(p.status),
            quality: p.quality,
            observed_at: p.observed_at,
            valid_until: p.valid_until,
            sensors: Share::default(),
            lost_messages: 0,
            certainty: p.certainty,
        }
    }

    /// Whether it is known at `at` that it lets nobody in, whatever its figures are.
    #[must_use]
    pub fn is_closed(&self, at: Timestamp) -> bool {
        let known = self.closed.is_some_and(|closed| closed.until.is_none_or(|until| at < until));
        known && self.status == FacilityStatus::Closed
    }

    /// Whether a figure of it may be shown at `at`. Where it is known how sure it is, that says what, and being degraded
    /// is no reason to say nothing.
    #[must_use]
    pub fn is_trusted(&self, at: Timestamp) -> bool {
        let good = match self.quality {
            Quality::Good => true,
            Quality::Degraded => self.certainty.is_some(),
            Quality::Stale | Quality::Missing => false,
        };
        good && self.valid_until.is_some_and(|until| at < until)
    }

    /// Free spaces that may be spoken of: what its certainty says, where it has one.
    #[must_use]
    pub fn sayable(&self) -> Option<u32> {
        match self.certainty.map(|c| c.says) {
            None => self.free,
            Some(Figure::Free(free)) => Some(free),
            Some(_) => None,
        }
    }
}
