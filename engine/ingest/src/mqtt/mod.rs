//! MQTT in: one [`Source`] a broker.
//!
//! What is always true here:
//! 1. A QoS 1 message is acknowledged when its [`Receipt`](vlot_model::Receipt) is, or when it is refused for good
//!    (it would come back forever otherwise), and never before.
//! 2. An acknowledgement belongs to the connection that the message came over. One that is late for it is dropped:
//!    the broker sends the message again, and admission knows it.
//! 3. The connection is read, pinged and acknowledged on while the engine is at its bound; what has come
//!    waits in order, within the broker's own window of unacknowledged messages. At QoS 0 it is refused and counted.
//! 4. Every connection starts from nothing but the session at the broker: no state of an older one can leak into it.
//!
//! Acknowledgements go out as the journal settles them, not in the order of arrival that MQTT asks for: one
//! message that waits would hold up all later ones.

mod acks;
mod filter;
mod intake;
mod link;
mod options;
mod run;
mod tls;

use vlot_model::Timestamp;

pub use filter::{matches, valid_filter};
pub use intake::Intake;
pub use options::{ClientCertificate, Credentials, Options, Protocol, Qos, Subscription, Tls};

/// How a source is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether messages can come in: connected, and the broker has answered the subscriptions.
    pub connected: bool,
    /// Since when it is connected, or not.
    pub since: Timestamp,
    /// What is or went wrong last, with a hint; `None` while all has been well since the last connection began.
    pub error: Option<String>,
    /// Connections that were established so far.
    pub connections: u64,
}

/// A running subscription to one broker; stopping it waits at most [`Options::drain`] for the receipts that are out. Dropping it stops it
/// too, in the background.
pub type Source = crate::source::Source<State>;

/// Subscribes, and keeps subscribed until stopped. Call it within a tokio runtime.
#[must_use]
pub fn start(options: Options, intake: Intake) -> Source {
    let since = intake.clock.now();
    let state = State { connected: false, since, error: None, connections: 0 };
    Source::start("an MQTT source", state, |state, stopped| run::run(options, intake, state, stopped))
}
