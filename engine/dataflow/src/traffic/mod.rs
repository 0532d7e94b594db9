//! Motor traffic per station and interval: vehicles, flow, mean speed, detector occupancy.
//!
//! Lanes that are missing are not made up for: `vehicles` is the sum of those that reported, `sensors` says how many
//! covered the interval, and the quality is `Degraded`. Without any there is no figure, and the quality is `Missing`.

mod logic;
#[cfg(test)]
mod tests;

pub(crate) use logic::MotorLane;
