//! Kinds of values that streets are described by.

use toml::de::DeValue;
use vlot_model::{LinkId, LonLat, Mode, Modes};

use super::kinds::{Degrees, Kind};

/// True or false.
pub(crate) struct Truth;

impl Kind for Truth {
    type Out = bool;
    fn read(&self, value: &DeValue<'_>) -> Option<bool> {
        if let DeValue::Boolean(truth) = value { Some(*truth) } else { None }
    }
    fn wanted(&self) -> String {
        "true or false".to_owned()
    }
    fn stand_in(&self) -> bool {
        false
    }
}

/// Points in order, each with its latitude first, as everywhere in the configuration.
pub(crate) struct Course;

/// The most points of one course.
const POINTS_MAX: usize = 10_000;

impl Kind for Course {
    type Out = Vec<LonLat>;
    fn read(&self, value: &DeValue<'_>) -> Option<Vec<LonLat>> {
        let DeValue::Array(points) = value else { return None };
        if points.len() > POINTS_MAX {
            return None;
        }
        let point = |value: &DeValue<'_>| {
            let DeValue::Array(pair) = value else { return None };
            let [lat, lon] = pair.iter().collect::<Vec<_>>()[..] else { return None };
            let (lat, lon) = (Degrees(90.0).read(lat.get_ref())?, Degrees(180.0).read(lon.get_ref())?);
            Some(LonLat { lon, lat })
        };
        points.iter().map(|value| point(value.get_ref())).collect()
    }
    fn wanted(&self) -> String {
        format!("a list of at most {POINTS_MAX} points, each [latitude, longitude] in degrees")
    }
    fn stand_in(&self) -> Vec<LonLat> {
        Vec::new()
    }
}

/// Some ways to travel.
pub(crate) struct ModeList;

/// The ways to travel, as keys and values call them.
pub(crate) const MODES: [(&str, Mode); 4] =
    [("car", Mode::Car), ("bicycle", Mode::Bicycle), ("foot", Mode::Foot), ("bus", Mode::Bus)];

impl Kind for ModeList {
    type Out = Modes;
    fn read(&self, value: &DeValue<'_>) -> Option<Modes> {
        let DeValue::Array(parts) = value else { return None };
        let mode = |value: &DeValue<'_>| {
            let DeValue::String(name) = value else { return None };
            MODES.iter().find(|(known, _)| known == name).map(|(_, mode)| *mode)
        };
        let modes: Vec<Mode> = parts.iter().map(|part| mode(part.get_ref())).collect::<Option<_>>()?;
        (!modes.is_empty()).then(|| modes.into_iter().fold(Modes::NONE, Modes::with))
    }
    fn wanted(&self) -> String {
        "a list of \"car\", \"bicycle\", \"foot\" and \"bus\", at least one".to_owned()
    }
    fn stand_in(&self) -> Modes {
        Modes::NONE
    }
}

/// The lasting name of a link.
pub(crate) struct LinkName;

impl Kind for LinkName {
    type Out = LinkId;
    fn read(&self, value: &DeValue<'_>) -> Option<LinkId> {
        if let DeValue::String(text) = value { link_id(text) } else { None }
    }
    fn wanted(&self) -> String {
        "the lasting name of a link, 16 hexadecimal digits".to_owned()
    }
    fn stand_in(&self) -> LinkId {
        LinkId::default()
    }
}

/// A link's lasting name from its digits.
pub(crate) fn link_id(text: &str) -> Option<LinkId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| digits).map(LinkId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<K: Kind>(kind: &K, text: &str) -> Option<K::Out> {
        kind.read(DeValue::parse(text).expect("TOML").get_ref())
    }

    #[test]
    fn a_course_is_latitude_first() {
        let course = read(&Course, "[[50.88, 4.7], [51, 4]]").expect("a course");
        assert_eq!(course[0], LonLat { lon: 4.7, lat: 50.88 });
        for wrong in ["[[50.88]]", "[50.88, 4.7]", "[[91, 4]]", "7", "[[1, 2, 3]]", "[['a', 'b']]"] {
            assert_eq!(read(&Course, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn modes_are_at_least_one_and_links_sixteen_digits() {
        assert_eq!(read(&ModeList, "['car', 'bus']"), Some(Modes::NONE.with(Mode::Car).with(Mode::Bus)));
        assert!(read(&ModeList, "[]").is_none() && read(&ModeList, "['tram']").is_none());
        assert_eq!(read(&LinkName, "'00000000000000ff'"), Some(LinkId(255)));
        assert!(read(&LinkName, "'ff'").is_none() && read(&LinkName, "'+0000000000000ff'").is_none());
        assert_eq!((read(&Truth, "true"), read(&Truth, "1")), (Some(true), None));
    }
}
