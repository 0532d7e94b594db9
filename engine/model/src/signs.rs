//! Signs: where they stand, what they announce, and how that is laid out.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{City, DeviceIx, FacilityIx, GarageIx, LonLat, Mode, PlaceIx, SectionIx, UserGroup};

/// A named place that signs lead to: the centre, the station, a way out. Nothing fills there.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPlace {
    /// Unique among places.
    pub id: Box<str>,
    /// As people call it.
    pub name: String,
    /// Where it is.
    pub position: LonLat,
    /// Who is led there.
    pub mode: Mode,
}

/// A sign (DATEX II: VmsUnit).
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// Unique in the city.
    pub id: Box<str>,
    /// Where it stands, in words.
    pub name: String,
    /// Where it stands.
    pub position: LonLat,
    /// The pixels.
    pub matrix: Matrix,
    /// On a street, or inside a bicycle garage.
    pub placement: Placement,
    /// What it announces, from top to bottom.
    pub lines: Vec<SignLine>,
    /// Position in [`City::templates`].
    pub template: usize,
    /// A face that is not renewed for this long ends by itself.
    pub time_to_live: Duration,
    /// A face stays at least this long, unless it would be untrue.
    pub min_dwell: Duration,
    /// How many of those who look for a space pass it, relative to other signs, above 0; 1: as many as pass any other.
    pub demand: f32,
    /// The controller.
    pub device: DeviceIx,
}

/// A full-colour LED matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Pixels across.
    pub width_px: u16,
    /// Pixels down.
    pub height_px: u16,
}

/// Where a sign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// Along a street.
    Street,
    /// In or at the entrance of a bicycle garage.
    Garage(GarageIx),
}

/// One line of a sign.
#[derive(Clone, Debug, PartialEq)]
pub struct SignLine {
    /// What it announces.
    pub target: Target,
    /// The destination's name as it fits the matrix.
    pub label: Arc<str>,
    /// The way there from where the sign stands.
    pub arrow: Arrow,
    /// Travel time from the sign to the target, until live travel times replace it; decides the advice.
    pub travel_time: Duration,
}

/// What a line announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Target {
    /// A car park or zone.
    Facility(FacilityIx),
    /// A bicycle garage as a whole.
    Garage(GarageIx),
    /// One section of a bicycle garage.
    Section(SectionIx),
    /// A named place: there is a way, and nothing to count.
    Place(PlaceIx),
    /// The spaces of one group of users at a car park or zone.
    Group {
        /// Where.
        facility: FacilityIx,
        /// Whose.
        group: UserGroup,
    },
}

impl Target {
    /// Who goes there.
    #[must_use]
    pub fn mode(self, city: &City) -> Mode {
        match self {
            Target::Facility(_) | Target::Group { .. } => Mode::Car,
            Target::Garage(_) | Target::Section(_) => Mode::Bicycle,
            Target::Place(place) => city.places.get(place.at()).map_or(Mode::Car, |place| place.mode),
        }
    }
}

/// The way from a sign, seen by who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrow {
    /// No arrow.
    None,
    /// Straight on.
    Ahead,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Half left.
    AheadLeft,
    /// Half right.
    AheadRight,
    /// Turn round.
    Back,
    /// Down the ramp or the stairs.
    Down,
}

/// A layout: MULTI (NTCIP 1203) with placeholders, which `guidance` documents and fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Unique in the city.
    pub name: Box<str>,
    /// MULTI with placeholders.
    pub multi: String,
}

/// Words and colours (red, green, blue) on signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignTexts {
    /// No free space.
    pub full: String,
    /// Lets nobody in.
    pub closed: String,
    /// Behind a travel time.
    pub minutes: String,
    /// Colour of labels.
    pub label_rgb: [u8; 3],
    /// Colour of a figure.
    pub free_rgb: [u8; 3],
    /// Colour of a figure that will probably be 0 on arrival.
    pub filling_rgb: [u8; 3],
    /// Colour of the words for full and closed.
    pub full_rgb: [u8; 3],
    /// Colour of an arrow.
    pub arrow_rgb: [u8; 3],
    /// Colour of the advised line's arrow.
    pub advice_rgb: [u8; 3],
}

impl Default for SignTexts {
    fn default() -> Self {
        SignTexts {
            full: "VOL".into(),
            closed: "GESLOTEN".into(),
            minutes: "min".into(),
            label_rgb: [255, 255, 255],
            free_rgb: [0, 255, 64],
            filling_rgb: [255, 160, 0],
            full_rgb: [255, 32, 0],
            arrow_rgb: [255, 200, 0],
            advice_rgb: [0, 255, 64],
        }
    }
}
