//! Files of OpenStreetMap to elements, one after another: what a file holds, not what it means.

mod pbf;
mod source;
mod xml;

pub use source::Source;

use crate::ImportError;

/// What is wanted of a file: the rest is passed over, unread as far as its form allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Ways and relations.
    WaysAndRelations,
    /// Nodes.
    Nodes,
}

/// Tags as they stand, keys and values.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a>(pub &'a [(&'a str, &'a str)]);

impl<'a> Tags<'a> {
    /// The value of a key; the first, should it stand there twice.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    /// Whether a key has that value.
    #[must_use]
    pub fn is(&self, key: &str, value: &str) -> bool {
        self.get(key) == Some(value)
    }
}

/// What a relation's member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A node.
    Node,
    /// A way.
    Way,
    /// A relation.
    Relation,
}

/// A member of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// What it is.
    pub kind: MemberKind,
    /// Its number.
    pub id: i64,
    /// What it is there for.
    pub role: &'a str,
}

/// One element of a file.
#[derive(Clone, Copy, Debug)]
pub enum Element<'a> {
    /// A point; 10^-7 degrees, `None` when it is not on the earth.
    Node {
        /// Its number.
        id: i64,
        /// Where it is.
        place: Option<Place>,
        /// What it is.
        tags: Tags<'a>,
    },
    /// A line.
    Way {
        /// Its number.
        id: i64,
        /// Its nodes, in order.
        nodes: &'a [i64],
        /// What it is.
        tags: Tags<'a>,
    },
    /// Elements that belong together.
    Relation {
        /// Its number.
        id: i64,
        /// Them.
        members: &'a [Member<'a>],
        /// What it is.
        tags: Tags<'a>,
    },
}

/// Where a node is, 10^-7 degrees: OpenStreetMap's own measure, so that every file format gives the same points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Longitude.
    pub lon_e7: i32,
    /// Latitude.
    pub lat_e7: i32,
}

impl Place {
    /// If that is on the earth.
    #[must_use]
    pub fn new(lon_e7: i64, lat_e7: i64) -> Option<Self> {
        let on_earth = lon_e7.abs() <= 1_800_000_000 && lat_e7.abs() <= 900_000_000;
        let place = Place { lon_e7: i32::try_from(lon_e7).ok()?, lat_e7: i32::try_from(lat_e7).ok()? };
        on_earth.then_some(place)
    }
}

/// Hands every wanted element to `take`, in the file's order.
///
/// # Errors
/// When the file cannot be read, is damaged or something else, and whatever `take` fails with.
pub fn elements(
    source: &Source,
    wanted: Wanted,
    take: &mut dyn FnMut(Element<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    match source.open()? {
        source::Opened::Pbf(input) => pbf::elements(input, wanted, take),
        source::Opened::Xml(input) => xml::elements(input, wanted, take),
    }
}
