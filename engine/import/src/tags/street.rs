//! A way's tags to what its links will be, before anything is known of its nodes.

use vlot_model::{Access, Mode, RoadClass};

use super::access::{self, Allowed};
use super::class::{self, Class, Kind};
use super::{Direction, oneway, size, speed};
use crate::read::Tags;
use crate::report::{Gap, Notes};

/// The longest name that is kept, as long as OpenStreetMap lets any be.
const NAME_CHARS: usize = 255;
const MOST_LANES: f64 = 15.0;

/// A way that somebody may use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Street {
    pub(crate) class: Class,
    pub(crate) name: String,
    pub(crate) roundabout: bool,
    /// Whether it says that it is in a built-up area.
    pub(crate) built_up: Option<bool>,
    /// Forward and backward; `None`: nobody may go there that way.
    pub(crate) sides: [Option<Side>; 2],
}

/// A direction of a way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Side {
    pub(crate) access: Access,
    pub(crate) lanes: u8,
    pub(crate) limit_kmh: Option<f32>,
}

/// What the tags of a way come to; `None`: no street that anybody may use.
pub(crate) fn of(tags: Tags<'_>, notes: &mut Notes<'_>) -> Option<Street> {
    let class = match class::of(tags)? {
        Kind::Street(class) => class,
        Kind::NoStreet => return None,
        Kind::Unknown => {
            notes.gap(Gap::Highway, || format!("highway={}", tags.get("highway").unwrap_or_default()));
            return None;
        }
    };
    let (ways, closed) = oneway::of(tags, class, notes);
    let lanes = lanes(tags, class, ways, notes);
    let mut bounds = Access::default();
    size::limits(tags, &mut bounds, notes);
    access::weight(tags, &mut bounds, notes);
    let sides = Direction::BOTH.map(|direction| {
        let allowed = Mode::ALL.map(|mode| {
            if !ways.open(mode, direction) {
                return Allowed { usual: vlot_model::Permission::No, timed: Vec::new() };
            }
            let usual = class.usual[mode as usize];
            let mut allowed = access::allowed(tags, mode, Some(direction), usual, notes);
            let shut = closed.iter().filter(|c| c.direction == direction && mode != Mode::Foot);
            allowed.timed.extend(shut.map(|c| (c.hours.clone(), vlot_model::Permission::No)));
            allowed
        });
        let limit_kmh = speed::tagged(tags, direction, notes);
        if allowed.iter().all(Allowed::never) {
            return None;
        }
        let together = access::together(&allowed);
        let access =
            Access { max_weight_kg: bounds.max_weight_kg, max_height_cm: bounds.max_height_cm, ..together };
        Some(Side { access, lanes: lanes[direction as usize], limit_kmh })
    });
    if sides.iter().all(Option::is_none) {
        notes.gap(Gap::Closed, || {
            let why = tags.get("access").map_or(String::new(), |access| format!(" access={access}"));
            format!("highway={}{why}", tags.get("highway").unwrap_or_default())
        });
        return None;
    }
    let name = tags.get("name").or_else(|| tags.get("ref")).unwrap_or_default();
    Some(Street {
        class,
        name: name.chars().take(NAME_CHARS).collect(),
        roundabout: oneway::roundabout(tags),
        built_up: speed::built_up(tags),
        sides,
    })
}

/// Lanes forward and backward.
fn lanes(tags: Tags<'_>, class: Class, ways: oneway::Ways, notes: &mut Notes<'_>) -> [u8; 2] {
    let mut read = |key: &str| {
        let text = tags.get(key)?;
        let lanes = text.split(';').next().and_then(|first| first.trim().parse::<f64>().ok());
        match lanes.filter(|n| (0.0..=100.0).contains(n)) {
            Some(n) => Some(n.min(MOST_LANES)),
            None => {
                notes.gap(Gap::Lanes, || format!("{key}={text}"));
                None
            }
        }
    };
    let (all, forward, backward) = (read("lanes"), read("lanes:forward"), read("lanes:backward"));
    let shared = read("lanes:both_ways").unwrap_or(0.0);
    let cars =
        Direction::BOTH.map(|direction| ways.open(Mode::Car, direction) || ways.open(Mode::Bus, direction));
    let wide = class.class == RoadClass::Motorway && !class.link;
    let usual = if wide { 2.0 } else { 1.0 };
    let both = match cars {
        [true, false] => [all.or(forward).unwrap_or(usual), 1.0],
        [false, true] => [1.0, all.or(backward).unwrap_or(usual)],
        _ => {
            let other = |one: Option<f64>| Some((all? - one? - shared).max(1.0));
            let half = all.map(|n| ((n - shared) / 2.0).floor());
            [
                forward.or_else(|| other(backward)).or(half).unwrap_or(usual),
                backward.or_else(|| other(forward)).or(half).unwrap_or(usual),
            ]
        }
    };
    both.map(whole)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just here")]
fn whole(lanes: f64) -> u8 {
    lanes.clamp(1.0, MOST_LANES).floor() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::tests::with;

    #[test]
    fn lanes_are_shared_between_directions() {
        for (text, expected, gaps) in [
            ("highway=primary", [1, 1], 0),
            ("highway=primary lanes=4", [2, 2], 0),
            ("highway=primary lanes=3", [1, 1], 0),
            ("highway=primary lanes=3 lanes:forward=2", [2, 1], 0),
            ("highway=primary lanes=3 lanes:backward=2", [1, 2], 0),
            ("highway=primary lanes=3 lanes:both_ways=1", [1, 1], 0),
            ("highway=primary lanes=3 oneway=yes", [3, 1], 0),
            ("highway=motorway", [2, 1], 0),
            ("highway=motorway~link", [1, 1], 0),
            ("highway=primary lanes=1.5", [1, 1], 0),
            ("highway=primary lanes=2;3 oneway=yes", [2, 1], 0),
            ("highway=primary lanes=many", [1, 1], 1),
            ("highway=primary lanes=-2", [1, 1], 1),
            ("highway=primary lanes=99 oneway=yes", [15, 1], 0),
        ] {
            let (street, report) = with(text, of);
            let sides = street.expect("a street").sides.map(|side| side.map_or(1, |side| side.lanes));
            assert_eq!(sides, expected, "{text}");
            assert_eq!(report.gaps.get(&Gap::Lanes).map_or(0, |e| e.count), gaps, "{text}");
        }
    }

    #[test]
    fn a_direction_is_there_when_somebody_may_use_it() {
        for (text, expected) in [
            ("highway=primary", Some([true, true])),
            ("highway=primary oneway=yes", Some([true, true])),
            ("highway=primary oneway=yes foot=no", Some([true, false])),
            ("highway=motorway", Some([true, false])),
            ("highway=primary oneway=-1 foot=no", Some([false, true])),
            ("highway=residential access=private", None),
            ("highway=residential access=no access:conditional=yes_@_(Sa)", Some([true, true])),
            ("highway=construction", None),
            ("highway=moon~road", None),
        ] {
            let (street, _) = with(text, of);
            assert_eq!(street.map(|s| s.sides.map(|side| side.is_some())), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_noted_once() {
        let (_, report) = with("highway=primary maxspeed=fast bicycle=perhaps lanes=some", of);
        let counts: Vec<_> = report.gaps.values().map(|e| e.count).collect();
        assert_eq!(counts, [1, 1, 1], "{:?}", report.gaps);
    }

    #[test]
    fn a_school_street_keeps_its_hours_and_its_name() {
        let text = "highway=residential name=Schoolstraat motor_vehicle:conditional=no_@_(Mo-Fr_08:15-08:45)";
        let (street, _) = with(text, of);
        let street = street.expect("a street");
        let side = street.sides[0].as_ref().expect("a direction");
        assert_eq!(
            (street.name.as_str(), &*side.access.rules[0].hours),
            ("Schoolstraat", "Mo-Fr 08:15-08:45")
        );
        assert_eq!(street.sides[0], street.sides[1]);
    }
}
