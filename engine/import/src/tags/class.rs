//! `highway` to a class, and who may use such a street when nothing else is said.

use vlot_model::Permission::{self, Destination, No, Yes};
use vlot_model::RoadClass;

use crate::read::Tags;

/// What a `highway` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A street.
    Street(Class),
    /// Known, and no street or none yet.
    NoStreet,
    /// Not known.
    Unknown,
}

/// A street's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) class: RoadClass,
    /// A ramp or a lane between streets (`*_link`).
    pub(crate) link: bool,
    /// Who may use it, by mode, when no tag says so.
    pub(crate) usual: [Permission; 4],
}

/// In the order of [`vlot_model::Mode`]: car, bicycle, foot, bus.
const ALL: [Permission; 4] = [Yes, Yes, Yes, Yes];
const MOTOR: [Permission; 4] = [Yes, No, No, Yes];
const UNPAVED: [Permission; 4] = [No, Yes, Yes, No];
const WALK: [Permission; 4] = [No, No, Yes, No];
const BUSES: [Permission; 4] = [No, No, No, Yes];
/// Nobody drives through a yard or past parked cars to get elsewhere.
const YARD: [Permission; 4] = [Destination, Yes, Yes, Destination];

pub(crate) fn of(tags: Tags<'_>) -> Option<Kind> {
    use RoadClass as R;
    // Of a change of kind along a way, its beginning.
    let highway = tags.get("highway")?.split(';').next()?.trim();
    let (name, link) = highway.strip_suffix("_link").map_or((highway, false), |name| (name, true));
    let (class, usual) = match name {
        "motorway" => (R::Motorway, MOTOR),
        "trunk" => (R::Trunk, MOTOR),
        "primary" => (R::Primary, ALL),
        "secondary" => (R::Secondary, ALL),
        "tertiary" => (R::Tertiary, ALL),
        "unclassified" | "road" if !link => (R::Unclassified, ALL),
        "residential" if !link => (R::Residential, ALL),
        "living_street" if !link => (R::LivingStreet, ALL),
        "service" if !link => match tags.get("service") {
            Some("driveway" | "parking_aisle" | "drive-through") => (R::Service, YARD),
            Some("emergency_access") => (R::Service, UNPAVED),
            _ => (R::Service, ALL),
        },
        "track" if !link => (R::Track, UNPAVED),
        "pedestrian" if !link => (R::Pedestrian, WALK),
        "cycleway" => (R::Cycleway, UNPAVED),
        "path" if !link => (R::Path, UNPAVED),
        "footway" | "corridor" | "bridleway" if !link => (R::Path, WALK),
        "steps" if !link => (R::Steps, WALK),
        "busway" | "bus_guideway" => (R::Busway, BUSES),
        "construction" | "proposed" | "planned" | "abandoned" | "razed" | "dismantled" | "disused"
        | "demolished" | "platform" | "rest_area" | "services" | "raceway" | "escape" | "emergency_bay"
        | "elevator" | "bus_stop" | "no" | "via_ferrata" | "crossing" | "ladder" => {
            return Some(Kind::NoStreet);
        }
        _ => return Some(Kind::Unknown),
    };
    let usual = if tags.is("motorroad", "yes") { MOTOR } else { usual };
    Some(Kind::Street(Class { class, link, usual }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::tests::with;

    #[test]
    fn highways_have_classes() {
        for (text, expected) in [
            ("highway=motorway~link", Some((RoadClass::Motorway, true, MOTOR))),
            ("highway=primary motorroad=yes", Some((RoadClass::Primary, false, MOTOR))),
            ("highway=secondary", Some((RoadClass::Secondary, false, ALL))),
            ("highway=unclassified;tertiary", Some((RoadClass::Unclassified, false, ALL))),
            ("highway=road", Some((RoadClass::Unclassified, false, ALL))),
            ("highway=living~street", Some((RoadClass::LivingStreet, false, ALL))),
            ("highway=service", Some((RoadClass::Service, false, ALL))),
            ("highway=service service=parking~aisle", Some((RoadClass::Service, false, YARD))),
            ("highway=footway", Some((RoadClass::Path, false, WALK))),
            ("highway=path", Some((RoadClass::Path, false, UNPAVED))),
            ("highway=steps", Some((RoadClass::Steps, false, WALK))),
            ("highway=busway", Some((RoadClass::Busway, false, BUSES))),
            ("highway=construction", None),
            ("highway=footway~link", None),
        ] {
            let (kind, _) = with(text, |tags, _| of(tags));
            let got = match kind {
                Some(Kind::Street(c)) => Some((c.class, c.link, c.usual)),
                _ => None,
            };
            assert_eq!(got, expected, "{text}");
        }
        assert_eq!(with("highway=rocket~lane", |t, _| of(t)).0, Some(Kind::Unknown));
        assert_eq!(with("waterway=river", |t, _| of(t)).0, None);
    }
}
