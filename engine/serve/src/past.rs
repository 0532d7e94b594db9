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

    /// What devices said last, up to `until`, of the newest that is kept. On a thread that may wait; ends early when `given_up` becomes true.
    ///
    /// # Errors
    /// Why that cannot be told, or not now.
    fn said_last(&self, until: Tick, given_up: &Arc<AtomicBool>) -> Result<Said, NoPast>;
}

/// What devices said last.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Since when: who spoke before is not in it.
    pub begins: Timestamp,
    /// Up to and with this tick, where the journal had come so far.
    pub ends: Tick,
    /// A few readings of each device, oldest first, in the order of their arrival.
    pub readings: BTreeMap<DeviceIx, Vec<Reading>>,
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
    /// What devices had said; it begins with the oldest instant that all of this was made from.
    pub said: Said,
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
