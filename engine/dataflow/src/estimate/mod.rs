//! How many vehicles stand in a facility, as an estimate: low, best, high.
//!
//! The count of the barriers is kept as it is, and beside it a distribution of its *drift*: true occupied minus
//! counted. Passages widen it, anchors (a verified count, closed and empty) end it, the physical bounds cut it. What
//! holds as a level and errs for long (bays, a third party's figure) is weighed in when the estimate is read, and never
//! folded in: the same wrong bay said a thousand times is one piece of evidence.
//!
//! What a person's count shows of such a level is how far it is off: that is carried on, and fades (`offset`).
//!
//! `best` moves only by evidence: without an anchor, a bound or a source that disagrees it is the count itself, so that
//! without faults it is exact whatever the configured rates. Low and high come from the distribution.
//!
//! Pure, no clock, no randomness, no maths library: the same calls give the same bits on every machine.

mod bays;
mod bias;
mod count;
mod drift;
mod estimator;
mod figure;
mod fuse;
mod maths;
mod model;
mod offset;
mod sign;
mod weigh;

#[cfg(test)]
mod tests;

pub use bays::{BayState, Bays};
pub use estimator::{Anchor, Estimator, Found, Passed};
pub use figure::Heard;
pub use fuse::Estimate;
pub use model::{Instant, Model};
pub use sign::{Decider, Policy, Says, Shows, Why};
pub use weigh::{Weighed, weigh};
