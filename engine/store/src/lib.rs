//! What was admitted, on disk: the [`journal`].

pub mod journal;
