//! Bicycles per station and interval, by direction.
//!
//! A direction that no counter gave is `None`: a gap, never 0. Counters that are missing, or that leave a part of the
//! interval out, make the quality `Degraded`; the sums then hold what was counted and no more.

mod logic;
#[cfg(test)]
mod tests;

pub(crate) use logic::BicycleLane;
