//! The road network: made from drafts, kept in a file, looked up by place, routed over and matched against.
//!
//! Pure: no I/O of its own (bytes in, bytes out), no clock, no async. The data itself is [`vlot_model::RoadNetwork`].

pub mod detour;
mod draft;
pub mod effects;
mod file;
pub mod geo;
mod index;
pub mod locate;
pub mod matching;
pub mod path;
mod permits;
pub mod polyline;
pub mod reach;
pub mod route;
pub mod trip;

pub use draft::{Draft, DraftLink, DraftTurn, Made, Refused};
pub use file::{FileError, read, write};
pub use index::Index;
pub use permits::Permits;
