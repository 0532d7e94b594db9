//! Which links a place that somebody stated is on: the link nearest to a point, the links that a line follows.

use std::collections::BTreeSet;

use vlot_model::{LinkIx, Location, LonLat, Mode, Modes, Permission, RoadNetwork};

use crate::{Index, geo};

/// A point or a line is on no link that is further from it, metres.
pub const POINT_REACH_M: f64 = 50.0;
/// See [`POINT_REACH_M`]; a line is drawn along a street, a point only at it.
pub const LINE_REACH_M: f64 = 20.0;
/// A line does not follow a link that leads elsewhere by more than this, degrees.
const AWAY_DEG: f64 = 40.0;
/// A line is looked at every so many metres, a long one less often.
const STEP_M: f64 = 2.0;
const MOST_STEPS: f64 = 4_000.0;
/// A line that follows a link over this length, or over half of the link or of itself, is on it.
const FOLLOWED_M: f64 = 30.0;

/// The links of a location for those modes, in order of travel along a line; empty where none is near. For other modes
/// than those a link is passed over that none of them may ever use.
#[must_use]
pub fn locate(
    network: &RoadNetwork,
    index: &Index,
    location: &Location,
    modes: Modes,
    both_directions: bool,
) -> Vec<LinkIx> {
    let wanted =
        |link: LinkIx| Mode::ALL.into_iter().any(|mode| modes.has(mode) && ever(network, link, mode));
    let opposites = |links: Vec<LinkIx>| {
        let back = links.iter().rev().filter_map(|link| network.link(*link)?.opposite);
        let back: Vec<_> = back.filter(|link| both_directions && !links.contains(link)).collect();
        [links, back].concat()
    };
    match location {
        Location::Links(ids) => {
            let mut seen = BTreeSet::new();
            ids.iter().filter_map(|id| network.find(*id)).filter(|link| seen.insert(*link)).collect()
        }
        Location::Point(point) => {
            let near = index.near(network, *point, POINT_REACH_M, usize::MAX);
            opposites(near.into_iter().map(|on| on.link).find(|link| wanted(*link)).into_iter().collect())
        }
        Location::Line(points) => {
            let mut links = opposites(follow(network, index, points, &wanted));
            if both_directions {
                // Where the two directions are two carriageways.
                let back: Vec<_> = points.iter().rev().copied().collect();
                for link in follow(network, index, &back, &wanted) {
                    if !links.contains(&link) {
                        links.push(link);
                    }
                }
            }
            links
        }
    }
}

/// Whether a mode may use a link at some time.
fn ever(network: &RoadNetwork, link: LinkIx, mode: Mode) -> bool {
    let access = network.link(link).and_then(|link| network.access.get(link.access as usize));
    access.is_some_and(|access| {
        let sometimes = access.rules.iter().any(|r| r.modes.has(mode) && r.permission != Permission::No);
        access.usual(mode) != Permission::No || sometimes
    })
}

/// Links that a line goes along in its direction, in its order.
fn follow(
    network: &RoadNetwork,
    index: &Index,
    points: &[LonLat],
    wanted: &dyn Fn(LinkIx) -> bool,
) -> Vec<LinkIx> {
    let length_m = geo::length_m(points);
    if points.len() < 2 || !length_m.is_finite() {
        return Vec::new();
    }
    let step_m = STEP_M.max(length_m / MOST_STEPS);
    // In order of the first place of each on the line, with the length over which it was nearest.
    let mut followed: Vec<(LinkIx, f64)> = Vec::new();
    for ab in points.windows(2) {
        let piece_m = geo::distance_m(ab[0], ab[1]);
        let [east, north] = geo::plane(ab[0], ab[1]);
        let bearing = geo::bearing_deg(ab[0], ab[1]);
        let mut along = step_m.min(piece_m) / 2.0;
        while along < piece_m {
            let share = along / piece_m;
            let here = geo::offset(ab[0], [east * share, north * share]);
            along += step_m;
            let nearest = index.near(network, here, LINE_REACH_M, usize::MAX).into_iter().find(|on| {
                let at = geo::project(network.shape(on.link), here);
                wanted(on.link) && at.is_some_and(|at| geo::turn_deg(at.bearing_deg, bearing) <= AWAY_DEG)
            });
            let Some(nearest) = nearest else { continue };
            match followed.iter_mut().find(|(link, _)| *link == nearest.link) {
                Some((_, metres)) => *metres += step_m,
                None => followed.push((nearest.link, step_m)),
            }
        }
    }
    let enough = |(link, metres): &(LinkIx, f64)| {
        let own_m = network.link(*link).map_or(0.0, |link| f64::from(link.length_m));
        *metres >= FOLLOWED_M.min(own_m / 2.0).min(length_m / 2.0)
    };
    let links: Vec<_> = followed.into_iter().filter(enough).map(|(link, _)| link).collect();
    joined(network, &links, wanted)
}

/// The same links, with those between that are too short to be met.
fn joined(network: &RoadNetwork, links: &[LinkIx], wanted: &dyn Fn(LinkIx) -> bool) -> Vec<LinkIx> {
    let mut whole: Vec<LinkIx> = Vec::new();
    for link in links {
        if let (Some(before), Some(next)) = (whole.last().and_then(|l| network.link(*l)), network.link(*link))
            && before.to != next.from
        {
            let between = network.links.iter().position(|l| {
                l.from == before.to && l.to == next.from && f64::from(l.length_m) < 2.0 * FOLLOWED_M
            });
            let between = between.map(LinkIx::from_position);
            whole.extend(between.filter(|l| wanted(*l) && !links.contains(l)));
        }
        whole.push(*link);
    }
    whole
}

#[cfg(test)]
mod tests {
    use vlot_model::{Access, LinkId, RoadClass};

    use super::*;
    use crate::{Draft, DraftLink};

    const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

    fn at(east: f64, north: f64) -> LonLat {
        geo::offset(HERE, [east, north])
    }

    /// A street from west to east in three links both ways (ids 1 2 3 there, 11 12 13 back), the middle one 4 m long, one that
    /// crosses at 200 m (21), and a cycle path 8 m north of it (31).
    fn network() -> RoadNetwork {
        let mut draft = Draft::new("test");
        let cycles = {
            let mut access = Access::default();
            access.always[Mode::Car as usize] = Permission::No;
            access.always[Mode::Bus as usize] = Permission::No;
            access
        };
        let east = [0.0, 200.0, 204.0, 400.0];
        for i in 0..3_u8 {
            let (a, b) = (east[usize::from(i)], east[usize::from(i) + 1]);
            let (n, id) = (i64::from(i), u64::from(i) + 1);
            for (nodes, id, points, other) in [
                ([n, n + 1], id, [at(a, 0.0), at(b, 0.0)], id + 10),
                ([n + 1, n], id + 10, [at(b, 0.0), at(a, 0.0)], id),
            ] {
                let opposite = Some(LinkId(other));
                let points = points.to_vec();
                draft.link(DraftLink { points, opposite, ..DraftLink::new(nodes, id, RoadClass::Primary) });
            }
        }
        let points = vec![at(200.0, -100.0), at(200.0, 100.0)];
        draft.link(DraftLink { points, ..DraftLink::new([50, 51], 21, RoadClass::Primary) });
        let points = vec![at(0.0, 8.0), at(400.0, 8.0)];
        draft.link(DraftLink { points, access: cycles, ..DraftLink::new([60, 61], 31, RoadClass::Cycleway) });
        draft.make().network
    }

    fn found(location: &Location, modes: Modes, both: bool) -> Vec<u64> {
        let network = network();
        let index = Index::new(&network, |_| true);
        let links = locate(&network, &index, location, modes, both);
        links.into_iter().filter_map(|link| Some(network.link(link)?.id.0)).collect()
    }

    const CARS: Modes = Modes::NONE.with(Mode::Car);

    #[test]
    fn a_line_is_on_the_links_that_it_follows_in_its_direction() {
        let line = Location::Line(vec![at(20.0, 3.0), at(390.0, -2.0)]);
        assert_eq!(found(&line, CARS, false), [1, 2, 3]);
        assert_eq!(found(&line, CARS, true), [1, 2, 3, 13, 12, 11]);
        let back = Location::Line(vec![at(390.0, 1.0), at(20.0, 3.0)]);
        assert_eq!(found(&back, CARS, false), [13, 12, 11]);
        let path = Location::Line(vec![at(20.0, 9.0), at(390.0, 7.0)]);
        assert_eq!(found(&path, Modes::NONE.with(Mode::Bicycle), false), [31]);
    }

    #[test]
    fn a_line_that_only_leads_over_a_junction_is_not_on_what_begins_there() {
        assert_eq!(found(&Location::Line(vec![at(60.0, 0.0), at(212.0, 0.0)]), CARS, false), [1, 2]);
        let short = Location::Line(vec![at(260.0, 0.0), at(280.0, 0.0)]);
        assert_eq!(found(&short, CARS, false), [3], "a piece of a link closes it");
        assert_eq!(found(&Location::Line(vec![at(0.0, 500.0), at(100.0, 500.0)]), CARS, true), [0; 0]);
        assert_eq!(found(&Location::Line(vec![at(0.0, 0.0)]), CARS, true), [0; 0]);
        assert_eq!(found(&Location::Line(vec![at(0.0, 0.0), at(0.0, 0.0)]), CARS, true), [0; 0]);
    }

    #[test]
    fn a_point_is_on_the_nearest_link_that_one_of_the_modes_may_use() {
        let point = Location::Point(at(100.0, 7.0));
        assert_eq!(found(&point, Modes::ALL, false), [31]);
        let on = found(&point, CARS, true);
        assert!(on == [1, 11] || on == [11, 1], "{on:?}");
        assert_eq!(found(&Location::Point(at(100.0, 90.0)), CARS, true), [0; 0]);
        assert_eq!(found(&Location::Links(vec![LinkId(3), LinkId(99), LinkId(3)]), CARS, true), [3]);
    }
}
