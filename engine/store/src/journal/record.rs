//! What a journal is made of.

use vlot_model::{Reading, Tick, Timestamp};

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// From here on, device indices and behaviour are those of this configuration and software.
    Era(Era),
    /// What was admitted together; without readings, a tick of the engine's clock.
    Batch {
        /// Strictly growing over the life of the journal, from 1.
        tick: Tick,
        /// The batch's instant, by the engine's clock.
        at: Timestamp,
        /// In the order of admission.
        readings: Vec<Reading>,
    },
}

/// What gives the batches after it their meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Era {
    /// The configuration's fingerprint.
    pub fingerprint: String,
    /// The version of the software that wrote it.
    pub software: String,
    /// When it began, by the engine's clock.
    pub at: Timestamp,
    /// Device ids, by [`vlot_model::DeviceIx`].
    pub devices: Vec<String>,
}
