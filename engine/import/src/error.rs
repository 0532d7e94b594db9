//! Why a file could not be imported: what, where, and what to do.

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be opened or read.
    #[error("cannot be read: {0} (hint: is that the path, and may this user read it?)")]
    Unread(#[from] std::io::Error),
    /// It is something else.
    #[error(
        "is no OpenStreetMap extract: it begins with {0} (hint: .osm.pbf, or .osm, plain or packed as .gz or .bz2)"
    )]
    Foreign(String),
    /// It is an extract in a form that is not read.
    #[error("{what}, which is not read here (hint: {hint})")]
    Unsupported {
        /// What it has.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// It ends too early, or was changed.
    #[error("is damaged at {place}: {what} (hint: fetch it again, and compare its checksum)")]
    Damaged {
        /// Where.
        place: String,
        /// What is wrong there.
        what: String,
    },
    /// More than this is made for.
    #[error(
        "is too large: more than {0} (hint: cut the city and its surroundings out, e.g. with `osmium extract`)"
    )]
    TooLarge(String),
    /// Nothing in it is a street.
    #[error("holds no street that anybody may use (hint: it needs ways with a `highway`, and their nodes)")]
    NoStreets,
}

impl ImportError {
    pub(crate) fn damaged(place: impl Into<String>, what: impl Into<String>) -> Self {
        ImportError::Damaged { place: place.into(), what: what.into() }
    }
}
