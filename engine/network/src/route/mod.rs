//! Routes with live weights: customizable contraction hierarchies over turns.
//!
//! * [`turns`](self): a state is a directed link that a mode may use (and, within a turn rule over several links, how far one is
//!   in it); an arc is a turn that is allowed. An arc weighs the travel time of the link that it leads to, and the turn.
//! * No through traffic: the links that through traffic may use ([`Through`]) make the hierarchy; all others make
//!   hierarchies of quarters, searched from the origin and the destination as far as the quarter's doors. A route is so many local links, then through links, then local links,
//!   and nothing else can be found, so there is no penalty to tune and none to be wrong.
//! * The order and the structure are the `cch` crate's (pure Rust, no unsafe code on that path). Weights and queries are our own:
//!   the crate has no partial customization, and `routingkit-cch`'s metric and query borrow what they rest on, so that one
//!   struct cannot hold all three without unsafe code. `docs/routing.md` has the figures of both.
//! * Every answer goes through [`check::lawful`] before it leaves.

mod alternatives;
pub mod check;
mod hierarchy;
mod local;
mod metric;
mod order;
mod plain;
mod price;
mod profile;
mod quarters;
mod router;
mod rules;
mod search;
mod table;
mod through;
mod turns;
mod weights;

pub use price::Trace;
pub use profile::{link_ms, turn_ms, undisturbed_s};
pub use router::{NoRoute, Route, Router, Size};
pub use through::Through;
pub(crate) use through::usable;

/// Never: no way, or closed. Two of them still fit `u32`.
pub const NEVER_MS: u32 = (1 << 31) - 1;

/// No such thing, where a number is looked for.
const NONE: u32 = u32::MAX;

/// A position as the number that arrays of a city's size hold.
fn id(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}
