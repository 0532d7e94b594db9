//! Real recordings as messages: what was recorded, from when, and by which device of the recording.
//!
//! Nothing is repaired: a count below zero or above the capacity is passed on as it stands, and what was not recorded
//! stays absent.

mod bicycles;
mod car_parks;
mod lorawan;
mod play;
mod sumo;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use play::{PlayOptions, PlayReport, Targets, play};

use crate::SimError;
use crate::wire::Value;

/// Kinds of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Birmingham's car parks, 2016 (UCI 'Parking Birmingham').
    Birmingham,
    /// Bath's car parks, 2015 (`Name,LastUpdate,DateUploaded,Occupancy,Capacity,Status`).
    Bath,
    /// Münster's car parks, 2022 (`timestamp,place_id,free`, capacities in `meta-data.csv` beside it).
    Muenster,
    /// Leuven's vacancy as digitised plots (`parking,utc_time,vacant_min,vacant_max`).
    Leuven,
    /// Flemish bicycle counters (site, direction, mode, begin, end, count).
    Awv,
    /// Telraam's hourly reports.
    Telraam,
    /// Fremont Bridge's hourly bicycle counts.
    Fremont,
    /// Stays in car parks as SUMO writes them (`stopinfo`).
    SumoStops,
    /// One uplink of The Things Stack or ChirpStack as JSON.
    Lorawan,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Birmingham,
        Kind::Bath,
        Kind::Muenster,
        Kind::Leuven,
        Kind::Awv,
        Kind::Telraam,
        Kind::Fremont,
        Kind::SumoStops,
        Kind::Lorawan,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Birmingham => "birmingham",
            Kind::Bath => "bath",
            Kind::Muenster => "muenster",
            Kind::Leuven => "leuven",
            Kind::Awv => "awv",
            Kind::Telraam => "telraam",
            Kind::Fremont => "fremont",
            Kind::SumoStops => "sumo-stops",
            Kind::Lorawan => "lorawan",
        }
    }
}

/// A recording, in order of sending.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What was recorded.
    pub rows: Vec<Row>,
    /// Rows that say nothing that could be sent, by reason.
    pub passed_over: BTreeMap<&'static str, u64>,
}

/// One recorded statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When it was sent, or would have been: for an interval, its end. Microseconds UTC.
    pub sent_at: i64,
    /// When it was true; for an interval, its start.
    pub observed_at: i64,
    /// The recording's own name of who said it.
    pub source: Arc<str>,
    /// What was said.
    pub said: What,
}

/// What was said.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// In the terms of the project.
    Value(Value),
    /// A message as it is.
    Raw {
        /// Its topic.
        topic: String,
        /// Its payload.
        payload: Vec<u8>,
    },
}

/// What a recording does not say of itself.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Capacities by the recording's own names, where it counts free spaces alone.
    pub capacities: BTreeMap<String, u32>,
    /// The instant that a recording in seconds since its own start began, in microseconds UTC.
    pub began_at: i64,
}

/// Reads a recording; a file whose name ends in `.gz` is unpacked.
///
/// # Errors
/// When the file cannot be read or is not of its kind; the error names the line.
pub fn read(kind: Kind, path: &Path, known: &Known) -> Result<Recording, SimError> {
    let mut recording = match kind {
        Kind::Birmingham => car_parks::birmingham(path),
        Kind::Bath => car_parks::bath(path),
        Kind::Muenster => car_parks::muenster(path, known),
        Kind::Leuven => car_parks::leuven(path, known),
        Kind::Awv => bicycles::awv(path),
        Kind::Telraam => bicycles::telraam(path),
        Kind::Fremont => bicycles::fremont(path),
        Kind::SumoStops => sumo::stops(path, known),
        Kind::Lorawan => lorawan::uplink(path),
    }?;
    recording.rows.sort_by_key(|row| row.sent_at);
    Ok(recording)
}

impl Recording {
    fn add(&mut self, observed_at: i64, sent_at: i64, source: &Arc<str>, value: Value) {
        self.rows.push(Row { sent_at, observed_at, source: Arc::clone(source), said: What::Value(value) });
    }

    fn pass_over(&mut self, why: &'static str) {
        *self.passed_over.entry(why).or_insert(0) += 1;
    }

    /// The names of who speaks in it.
    #[must_use]
    pub fn sources(&self) -> Vec<Arc<str>> {
        let sources: std::collections::BTreeSet<_> = self.rows.iter().map(|row| &row.source).collect();
        sources.into_iter().cloned().collect()
    }
}
