//! Hours as OpenStreetMap writes them: of car parks, of school streets, of markets. Checked when the configuration is read,
//! asked when it matters. Pure.

mod check;
mod schedule;

pub use check::wrong_hours;
pub use schedule::{ASKED_AGAIN, Schedule};
