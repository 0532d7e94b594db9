//! Maps of others to the road network of Vlot: OpenStreetMap extracts, read twice from a file or from memory.
//!
//! `read/` knows file formats, `tags/` what mappers write, `roads/` makes links and turns of it. What is not understood is
//! counted in a [`Report`] with examples; `docs/network.md` says what each tag comes to.

mod error;
mod osm;
pub mod read;
mod report;
mod roads;
mod tags;

pub use error::ImportError;
pub use osm::{Imported, Options, osm};
pub use report::{ClassKm, Examples, Fault, Gap, Island, Report};
pub use tags::speed::Limits;
