//! The past, as the server asks for it. Who keeps the journal brings it back; the server knows neither.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use vlot_model::{Board, City, DeviceIx, Reading, Tick, Timestamp};

/// Brings the engine back as it was.
pub trait Past: Send + Sync {
    /// All that was known at `moment`. Takes seconds, on a thread that may wait; ends early when `given_up` becomes true.
    ///
    /// # Errors
    /// Why there is no such past, or not now.
    fn bring_back(&self, moment: Moment, given_up: &Arc<AtomicBool>) -> Result<Then, NoPast>;
}

/// Of which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// With all that was admitted up to this instant.
    At(Timestamp),
    /// With all up to this tick.
    Tick(Tick),
}

/// The engine as it was.
pub struct Then {
    /// The configuration of that time.
    pub city: Arc<City>,
    /// What was published.
    pub board: Arc<Board>,
    /// The oldest instant that it was made from.
    pub begins: Timestamp,
    /// What each device had said last, oldest first: a few readings, in the order of their arrival.
    pub readings: BTreeMap<DeviceIx, Vec<Reading>>,
}

/// Why the past cannot be brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPast {
    /// What is kept begins later: then, or `None` where nothing is kept.
    NotKept(Option<Timestamp>),
    /// Another moment is being brought back.
    Busy,
    /// It would take longer than this.
    TooLong(Duration),
    /// Nobody waits for it any more.
    GivenUp,
    /// What is kept cannot be used: what is wrong, and where.
    Unreadable(String),
}
