//! What was admitted, on disk: the [`journal`]. What was known of it over time: the [`history`].

pub mod history;
pub mod journal;
