//! Documents polled over HTTP: one [`Source`] a document.
//!
//! What is always true here:
//! 1. A document is asked for on condition that it has changed, no more often than it is told to; after a failure ever less
//!    often, and with a random part, so that many engines do not come at once.
//! 2. No server can make this wait, grow or spin: time and bytes of an answer are bounded, redirects and compressed answers
//!    are not followed, and a body beyond its bound is cut off while it comes.
//! 3. A document is read whole or not at all; one that was made too long ago is refused as a whole.
//! 4. What was read waits for room in the engine; meanwhile nothing more is asked for.

mod options;
mod poll;
mod request;
mod tls;

use vlot_decode::miv::Points;
use vlot_model::Timestamp;

pub use options::{Form, Options};

use crate::mqtt::Intake;

/// How a source is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether the last poll brought a document of the present, or the word that it has not changed.
    pub well: bool,
    /// Since when that is so, or not.
    pub since: Timestamp,
    /// What went wrong last, with a hint; `None` while all is well.
    pub error: Option<String>,
    /// Answers that came, "not changed" included.
    pub answers: u64,
    /// Documents that were read.
    pub documents: u64,
    /// When the newest of them was made, by its own word.
    pub published_at: Option<Timestamp>,
    /// What became of the points of the newest.
    pub points: Points,
}

/// A document that is polled. Dropping it stops the polling in the background.
pub type Source = crate::source::Source<State>;

/// Polls until stopped, beginning now. Call it within a tokio runtime.
#[must_use]
pub fn start(options: Options, intake: Intake) -> Source {
    let state = State {
        well: false,
        since: intake.clock.now(),
        error: None,
        answers: 0,
        documents: 0,
        published_at: None,
        points: Points::default(),
    };
    Source::start("an HTTP source", state, |state, stopped| poll::run(options, intake, state, stopped))
}
