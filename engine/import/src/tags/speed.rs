//! Limits of speed, and how fast an undisturbed car is.

use vlot_model::RoadClass;

use super::class::Class;
use super::{Direction, size};
use crate::read::Tags;
use crate::report::{Gap, Notes};

/// No limit is above this; what says so is no speed of cars.
const FASTEST_KMH: f64 = 160.0;
const MPH: f64 = 1.609_344;

/// Limits where no sign stands, km/h; those of the Flemish Region by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// In built-up areas.
    pub urban_kmh: f32,
    /// Outside.
    pub rural_kmh: f32,
    /// On motorways.
    pub motorway_kmh: f32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { urban_kmh: 50.0, rural_kmh: 70.0, motorway_kmh: 120.0 }
    }
}

/// What a way says of its limit in a direction, km/h.
pub(crate) fn tagged(tags: Tags<'_>, direction: Direction, notes: &mut Notes<'_>) -> Option<f32> {
    let directed = format!("maxspeed:{}", direction.suffix());
    for key in [directed.as_str(), "maxspeed"] {
        let Some(text) = tags.get(key) else { continue };
        match limit(text) {
            Some(kmh) => return Some(kmh),
            None if matches!(text, "none" | "signals" | "variable" | "unknown") => {}
            None => notes.gap(Gap::Speed, || format!("{key}={text}")),
        }
    }
    let zone = ["zone:maxspeed", "maxspeed:type", "source:maxspeed", "zone:traffic"];
    zone.into_iter().find_map(|key| tags.get(key).and_then(of_zone))
}

/// Whether a way says that it is in a built-up area, or that it is not.
pub(crate) fn built_up(tags: Tags<'_>) -> Option<bool> {
    let keys = ["maxspeed", "zone:traffic", "maxspeed:type", "source:maxspeed"];
    keys.into_iter().filter_map(|key| tags.get(key)).find_map(|value| {
        let zone = value.split_once(':')?.1;
        match zone {
            "urban" => Some(true),
            "rural" => Some(false),
            _ => None,
        }
    })
}

#[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
fn limit(text: &str) -> Option<f32> {
    let parts = text.split([';', '|']).map(str::trim).filter(|part| !part.is_empty());
    let mut lowest: Option<f64> = None;
    for part in parts {
        let kmh = if part == "walk" {
            5.0
        } else if let Some(zone) = of_zone(part) {
            f64::from(zone)
        } else {
            let (number, unit) = size::number(part)?;
            match unit {
                "" | "km/h" | "kmh" | "kph" => number,
                "mph" => number * MPH,
                _ => return None,
            }
        };
        if !(kmh > 0.0 && kmh <= FASTEST_KMH) {
            return None;
        }
        lowest = Some(lowest.map_or(kmh, |low| low.min(kmh)));
    }
    lowest.map(|kmh| kmh as f32)
}

/// `BE:urban`, `BE-VLG:rural`, `BE:zone30`, `PT:motorway`.
fn of_zone(text: &str) -> Option<f32> {
    let (country, zone) = text.split_once(':')?;
    let digits = zone.trim_start_matches("zone").trim_start_matches(':');
    if let Some(kmh) = digits.parse::<f32>().ok().filter(|kmh| (5.0..=130.0).contains(kmh)) {
        return Some(kmh);
    }
    Some(match (country, zone) {
        (_, "walk" | "living_street" | "pedestrian_zone") if country == "DE" => 7.0,
        (_, "living_street" | "pedestrian_zone") => 20.0,
        (_, "bicycle_road" | "cyclestreet") => 30.0,
        ("BE-BRU", "urban") => 30.0,
        ("BE-VLG" | "BE", "rural") => 70.0,
        ("BE-WAL", "rural") => 90.0,
        ("BE" | "BE-VLG" | "BE-WAL", "motorway" | "trunk") => 120.0,
        ("PT", "rural") => 90.0,
        ("PT", "trunk") => 100.0,
        ("PT", "motorway") => 120.0,
        ("NL", "rural") => 80.0,
        ("NL", "motorway") => 100.0,
        ("FR", "rural") => 80.0,
        ("FR", "motorway") => 130.0,
        ("DE", "rural") => 100.0,
        ("GB" | "UK" | "US", _) => return None,
        (_, "urban") => 50.0,
        _ => return None,
    })
}

/// The limit where a way says none.
fn default_limit(class: Class, urban: bool, limits: Limits) -> f32 {
    let open_kmh = if urban { limits.urban_kmh } else { limits.rural_kmh };
    match class.class {
        RoadClass::Motorway if class.link => limits.rural_kmh,
        RoadClass::Motorway => limits.motorway_kmh,
        RoadClass::Trunk if urban || class.link => limits.rural_kmh,
        RoadClass::Trunk => limits.rural_kmh.max(90.0),
        RoadClass::Primary | RoadClass::Secondary | RoadClass::Tertiary | RoadClass::Unclassified => open_kmh,
        RoadClass::Residential | RoadClass::Busway => limits.urban_kmh,
        RoadClass::LivingStreet | RoadClass::Service => 20.0,
        RoadClass::Track | RoadClass::Cycleway => 15.0,
        RoadClass::Pedestrian | RoadClass::Path | RoadClass::Steps => 5.0,
    }
}

/// Share of the limit at which undisturbed cars drive, junctions and bends included.
fn share(class: Class, urban: bool) -> f32 {
    match class.class {
        RoadClass::Motorway | RoadClass::Trunk if class.link => 0.80,
        RoadClass::Motorway => 0.95,
        RoadClass::Trunk => 0.90,
        RoadClass::Primary | RoadClass::Secondary => {
            if urban {
                0.80
            } else {
                0.90
            }
        }
        RoadClass::Tertiary | RoadClass::Unclassified => {
            if urban {
                0.75
            } else {
                0.85
            }
        }
        RoadClass::Residential | RoadClass::Busway => 0.65,
        _ => 0.75,
    }
}

/// Speed of an undisturbed car, km/h.
pub(crate) fn free_flow_kmh(
    class: Class,
    tagged_kmh: Option<f32>,
    urban: bool,
    roundabout: bool,
    limits: Limits,
) -> f32 {
    let limit = tagged_kmh.unwrap_or_else(|| default_limit(class, urban, limits));
    let fastest = if roundabout { 30.0 } else { 130.0 };
    (limit * share(class, urban)).clamp(3.0, fastest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::class::{self, Kind};
    use crate::tags::tests::with;

    #[test]
    fn limits_come_in_many_forms() {
        for (text, expected, gaps) in [
            ("maxspeed=50", Some(50), 0),
            ("maxspeed=30_mph", Some(48), 0),
            ("maxspeed=70_km/h", Some(70), 0),
            ("maxspeed=walk", Some(5), 0),
            ("maxspeed=BE:urban", Some(50), 0),
            ("maxspeed=BE-VLG:rural", Some(70), 0),
            ("maxspeed=BE:zone30", Some(30), 0),
            ("maxspeed=BE:zone:30", Some(30), 0),
            ("maxspeed=PT:motorway", Some(120), 0),
            ("maxspeed=50;30", Some(30), 0),
            ("maxspeed=50 maxspeed:forward=30", Some(30), 0),
            ("maxspeed=50 maxspeed:backward=30", Some(50), 0),
            ("zone:maxspeed=BE:30", Some(30), 0),
            ("source:maxspeed=BE:urban", Some(50), 0),
            ("maxspeed=none", None, 0),
            ("maxspeed=signals", None, 0),
            ("maxspeed=fast", None, 1),
            ("maxspeed=0", None, 1),
            ("maxspeed=5000", None, 1),
            ("maxspeed=50_furlongs", None, 1),
        ] {
            let (got, report) = with(text, |tags, notes| {
                let backward = tagged(tags, Direction::Backward, notes);
                assert!(backward.is_none_or(|kmh| kmh > 0.0));
                tagged(tags, Direction::Forward, notes)
            });
            assert_eq!(got.map(|kmh| kmh.round()), expected.map(|kmh: i16| f32::from(kmh)), "{text}");
            assert_eq!(report.gaps.get(&Gap::Speed).map_or(0, |e| e.count), gaps, "{text}");
        }
    }

    #[test]
    fn a_way_without_a_limit_has_that_of_its_kind() {
        for (text, urban, tagged_kmh, expected) in [
            ("highway=motorway", false, None, 114.0),
            ("highway=secondary", true, None, 40.0),
            ("highway=secondary", false, None, 63.0),
            ("highway=residential", true, None, 32.5),
            ("highway=residential", true, Some(30.0), 19.5),
            ("highway=living~street", true, None, 15.0),
            ("highway=steps", true, None, 3.75),
        ] {
            let (kind, _) = with(text, |tags, _| class::of(tags));
            let Some(Kind::Street(class)) = kind else { panic!("{text}") };
            let got = free_flow_kmh(class, tagged_kmh, urban, false, Limits::default());
            assert!((got - expected).abs() < 1e-3, "{text}: {got}");
            assert!(free_flow_kmh(class, Some(120.0), urban, true, Limits::default()) <= 30.0);
        }
    }
}
