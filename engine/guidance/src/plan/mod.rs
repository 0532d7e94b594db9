//! The planner: what every sign advises, decided for all of them together, and proven before it is published.
//!
//! One key of the dataflow. It remembers the newest state of facilities, garages, forecasts, links and situations; it looks again
//! every [`GuidanceRules::every`](vlot_model::GuidanceRules), and at once when something that a sign may say has become untrue.

mod advise;
mod assign;
mod compliance;
mod decide;
mod demand;
mod edge;
mod judge;
mod passing;
mod publish;
mod set;
mod shell;
mod space;
mod ways;

#[cfg(test)]
mod bad_day_tests;
#[cfg(test)]
pub(crate) use decide::Planner;
pub(crate) use shell::plans;
#[cfg(test)]
mod destination_tests;
#[cfg(test)]
mod tests;
