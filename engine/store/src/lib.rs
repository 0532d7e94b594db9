//! What was admitted, on disk: the [`journal`]; and who acted on it, by name: the [`audit`] log.

pub mod audit;
pub mod journal;
