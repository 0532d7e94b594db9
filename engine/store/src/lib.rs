//! What was admitted, on disk: the [`journal`]; and who acted on it, by name: the [`audit`] log. What was known of it over
//! time: the [`history`].

pub mod audit;
pub mod history;
pub mod journal;
