//! Why a message was not admitted. One bad message costs one message.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A message that was refused: what, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason that it is counted under.
    pub kind: RefusalKind,
    /// What exactly, for the operator; never holds more than 200 characters of the payload.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its detail.
    pub fn new(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Refusal { kind, detail: detail.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.detail)
    }
}

impl std::error::Error for Refusal {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// The reasons that refusals are counted under.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum RefusalKind { $($(#[$doc])* $name),* }

        impl RefusalKind {
            /// Every reason, in order of declaration.
            pub const ALL: &'static [RefusalKind] = &[$(RefusalKind::$name),*];

            /// The reason's stable name in metrics, summaries and interfaces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(RefusalKind::$name => $text),* }
            }
        }
    };
}

kinds! {
    /// The bytes are not of the topic's format.
    Malformed = "malformed",
    /// Larger than the topic's format allows.
    Oversized = "oversized",
    /// The configuration has no such device.
    UnknownDevice = "unknown_device",
    /// No source of the configuration matches the topic.
    UnknownTopic = "unknown_topic",
    /// A message of a kind that this format does not define (a new port, a new type).
    Unsupported = "unsupported",
    /// A value outside what is physically possible, a sentinel included.
    OutOfRange = "out_of_range",
    /// The device exists but cannot say such a thing.
    WrongKind = "wrong_kind",
    /// Said before: a redelivery, a retained message, a repeat.
    Duplicate = "duplicate",
    /// An older state than the one that is known.
    Superseded = "superseded",
    /// Dated later than our clock allows.
    ClockAhead = "clock_ahead",
    /// Dated too long ago to be of use.
    ClockBehind = "clock_behind",
    /// Came at QoS 0 while the engine was at its bound, or from a sign that says more a second than it may.
    Overload = "overload",
}
