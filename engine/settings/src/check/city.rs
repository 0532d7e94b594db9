//! city.toml: the city itself, where it lies and what its signs say.

use vlot_model::{City, LonLat, SignTexts};

use crate::read::{Degrees, Rgb, Table, Text, TimeZone};

/// The box that everything of the city stands in.
#[derive(Clone, Copy)]
pub(super) struct Area {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
}

pub(super) fn read(root: &mut Table<'_>, city: &mut City) -> Area {
    city.name = root.required("name", Text(80));
    city.timezone = root.required("timezone", TimeZone);
    city.texts = texts(&mut root.section("texts"));
    if !root.has("area") {
        root.problem("area", "is missing", "give the city's box as [area] south, north, west, east");
        return Area::UNKNOWN;
    }
    area(&mut root.section("area"))
}

fn area(table: &mut Table<'_>) -> Area {
    let south = table.required("south", Degrees(90.0));
    let north = table.required("north", Degrees(90.0));
    let west = table.required("west", Degrees(180.0));
    let east = table.required("east", Degrees(180.0));
    if south >= north {
        table.problem("north", format!("{north} is not north of {south}"), "south is the smaller of the two");
    }
    if west >= east {
        table.problem("east", format!("{east} is not east of {west}"), "west is the smaller of the two");
    }
    if south < north && west < east { Area { south, north, west, east } } else { Area::UNKNOWN }
}

fn texts(table: &mut Table<'_>) -> SignTexts {
    SignTexts {
        full: table.or("full", Text(24), "\"VOL\""),
        closed: table.or("closed", Text(24), "\"GESLOTEN\""),
        minutes: table.or("minutes", Text(8), "\"min\""),
        label_rgb: table.or("label_rgb", Rgb, "[255, 255, 255]"),
        free_rgb: table.or("free_rgb", Rgb, "[0, 255, 64]"),
        filling_rgb: table.or("filling_rgb", Rgb, "[255, 160, 0]"),
        full_rgb: table.or("full_rgb", Rgb, "[255, 32, 0]"),
        arrow_rgb: table.or("arrow_rgb", Rgb, "[255, 200, 0]"),
        advice_rgb: table.or("advice_rgb", Rgb, "[0, 255, 64]"),
    }
}

impl Default for Area {
    fn default() -> Self {
        Area::UNKNOWN
    }
}

impl Area {
    /// Nothing lies outside it: no comparison with these holds.
    const UNKNOWN: Area = Area { south: f64::NAN, north: f64::NAN, west: f64::NAN, east: f64::NAN };

    /// Whether a point is in it; a point that is none is not.
    pub(super) fn has(&self, point: LonLat) -> bool {
        let outside = |value: f64, from: f64, to: f64| value < from || value > to;
        point.lat.is_finite()
            && point.lon.is_finite()
            && !outside(point.lat, self.south, self.north)
            && !outside(point.lon, self.west, self.east)
    }

    /// Reads `lat` and `lon` of something that stands in the city.
    pub(super) fn position(&self, table: &mut Table<'_>) -> LonLat {
        let lat = table.required("lat", Degrees(90.0));
        let lon = table.required("lon", Degrees(180.0));
        let outside = |value: f64, from: f64, to: f64| value < from || value > to;
        let (north_south, west_east) =
            (outside(lat, self.south, self.north), outside(lon, self.west, self.east));
        let swapped = !outside(lon, self.south, self.north) && !outside(lat, self.west, self.east);
        let hint = if swapped {
            "lat and lon look swapped"
        } else {
            "a digit may have slipped; else widen [area] in city.toml"
        };
        if north_south {
            table.problem(
                "lat",
                format!("{lat} lies outside the city, {} to {}", self.south, self.north),
                hint,
            );
        }
        if west_east {
            table.problem(
                "lon",
                format!("{lon} lies outside the city, {} to {}", self.west, self.east),
                hint,
            );
        }
        LonLat { lon, lat }
    }
}
