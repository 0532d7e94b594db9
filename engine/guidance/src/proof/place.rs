//! Where signs and targets stand, and what they are called.

use vlot_model::{City, GarageIx, Mode, OnLink, Placement, RoadNetwork, SignIx, Target, UserGroup};
use vlot_network::route::check;

/// A way may begin and end so far from where it should, metres: places are rounded.
pub(super) const OFF_M: f32 = 1.0;

/// Whether a place along a link is not where something stands on it.
pub(super) fn off(network: &RoadNetwork, on: OnLink, at_m: f32) -> bool {
    let length_m = network.link(on.link).map_or(0.0, |link| link.length_m);
    let off_m = (on.offset_m.clamp(0.0, length_m) - at_m).abs();
    off_m.is_nan() || off_m > OFF_M
}

/// Where in a way a rule is broken.
pub(super) fn position(why: &check::Unlawful) -> Option<usize> {
    use check::Unlawful::{Apart, Closed, Forbidden, NoStreet, ThroughTraffic, Turn, TurnsAround};
    match why {
        NoStreet => None,
        Apart(i) | Forbidden(i) | Closed(i) | TurnsAround(i) | Turn(i) | ThroughTraffic(i) => Some(*i),
    }
}

pub(super) fn mode(city: &City, target: Target) -> Mode {
    match target {
        Target::Facility(_) | Target::Group { .. } => Mode::Car,
        Target::Garage(_) | Target::Section(_) => Mode::Bicycle,
        Target::Place(place) => city.places.get(place.at()).map_or(Mode::Car, |place| place.mode),
    }
}

/// Whom an advice speaks to: a driver with a space of one's own to find does not follow another's.
pub(super) fn followers(city: &City, target: Target) -> (Mode, Option<UserGroup>) {
    let group = if let Target::Group { group, .. } = target { Some(group) } else { None };
    (mode(city, target), group)
}

/// Where a sign stands along a street.
pub(super) fn stand(city: &City, sign: SignIx) -> Option<OnLink> {
    let along = city.signs.get(sign.at())?.placement == Placement::Street;
    city.placed.signs.get(sign.at()).copied().flatten().filter(|_| along)
}

pub(super) fn entrance(city: &City, target: Target) -> Option<OnLink> {
    let garage = |garage: GarageIx| city.placed.garages.get(garage.at()).copied().flatten();
    match target {
        Target::Facility(facility) | Target::Group { facility, .. } => {
            city.placed.facilities.get(facility.at()).copied().flatten()
        }
        Target::Place(place) => city.placed.places.get(place.at()).copied().flatten(),
        Target::Garage(ix) => garage(ix),
        Target::Section(section) => garage(city.sections.get(section.at())?.garage),
    }
}

pub(super) fn to(city: &City, target: Target) -> String {
    let garage = |garage: GarageIx| city.garages.get(garage.at()).map_or("", |garage| &garage.id);
    match target {
        Target::Facility(ix) | Target::Group { facility: ix, .. } => {
            format!(" to {}", city.facilities.get(ix.at()).map_or("", |of| &of.id))
        }
        Target::Place(ix) => format!(" to {}", city.places.get(ix.at()).map_or("", |of| &of.id)),
        Target::Garage(ix) => format!(" to {}", garage(ix)),
        Target::Section(ix) => city
            .sections
            .get(ix.at())
            .map_or(String::new(), |section| format!(" to {}/{}", garage(section.garage), section.id)),
    }
}
