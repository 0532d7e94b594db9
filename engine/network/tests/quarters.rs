//! Residential quarters: cars go around them, unless they begin or end there.

use std::sync::Arc;

use vlot_model::{LinkId, LinkIx, LonLat, Mode, OnLink, RoadClass, RoadNetwork};
use vlot_network::route::{NoRoute, Router};
use vlot_network::{Draft, DraftLink, Permits, geo};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
/// Junctions on a side, 100 m apart.
const SIDE: i64 = 7;

fn id(a: i64, b: i64) -> LinkId {
    LinkId(u64::try_from(1_000 * a + b).expect("a junction"))
}

/// Main streets around the square, quiet ones within it, all of one speed; so the quickest way across is through the quarter.
fn network(quiet: RoadClass) -> Arc<RoadNetwork> {
    let mut draft = Draft::new("test");
    let at = |n: i64| geo::offset(HERE, [(n % SIDE) as f64 * 100.0, (n / SIDE) as f64 * 100.0]);
    let along = |a: i64, b: i64, line: i64| {
        a / SIDE == line && b / SIDE == line || a % SIDE == line && b % SIDE == line
    };
    for a in 0..SIDE * SIDE {
        let east = (a % SIDE < SIDE - 1).then_some(a + 1);
        let north = (a / SIDE < SIDE - 1).then_some(a + SIDE);
        for b in east.into_iter().chain(north) {
            let main = along(a, b, 0) || along(a, b, SIDE - 1);
            let class = if main { RoadClass::Secondary } else { quiet };
            for (a, b) in [(a, b), (b, a)] {
                let link = DraftLink::new([a, b], id(a, b).0, class);
                let opposite = Some(id(b, a));
                draft.link(DraftLink { points: vec![at(a), at(b)], opposite, free_flow_kmh: 30.0, ..link });
            }
        }
    }
    Arc::new(draft.make().network)
}

fn router(network: &Arc<RoadNetwork>, mode: Mode, closed: &[LinkIx]) -> Router {
    let mut router = Router::new(Arc::clone(network), mode, None);
    router.weights(&Permits::usual(network), |link| closed.contains(&link).then_some(f32::INFINITY));
    router
}

/// Half way along a link, in either direction.
fn on(network: &RoadNetwork, (a, b): (i64, i64)) -> Vec<OnLink> {
    let place = |(a, b)| network.find(id(a, b)).map(|link| OnLink { link, offset_m: 50.0, distance_m: 0.0 });
    [(a, b), (b, a)].into_iter().filter_map(place).collect()
}

/// Mid-south and mid-north, both on main streets.
const SOUTH: (i64, i64) = (3, 4);
const NORTH: (i64, i64) = (SIDE * (SIDE - 1) + 3, SIDE * (SIDE - 1) + 4);

#[test]
fn no_car_crosses_a_quarter_that_it_neither_starts_nor_ends_in() {
    for quiet in [RoadClass::Residential, RoadClass::LivingStreet, RoadClass::Service] {
        let network = network(quiet);
        let router = router(&network, Mode::Car, &[]);
        let routes = router.route(&on(&network, SOUTH), &on(&network, NORTH), 2).expect("a way around");
        let inside = |link: &LinkIx| network.link(*link).is_some_and(|link| link.class == quiet);
        assert!(routes.iter().all(|route| !route.links.iter().any(inside)), "{quiet:?}: {routes:?}");
        assert!(routes[0].length_m > 1_050.0, "around and not through: {routes:?}");
    }
}

#[test]
fn bicycles_and_pedestrians_cross_it_and_so_does_who_lives_there() {
    let network = network(RoadClass::Residential);
    let inside = |link: &LinkIx| network.link(*link).is_some_and(|link| link.class == RoadClass::Residential);
    for mode in [Mode::Bicycle, Mode::Foot] {
        let routes =
            router(&network, mode, &[]).route(&on(&network, SOUTH), &on(&network, NORTH), 0).expect("a way");
        assert!(routes[0].links.iter().any(inside) && routes[0].length_m < 800.0, "{mode:?} {routes:?}");
    }
    let home = (SIDE * 3 + 3, SIDE * 3 + 4);
    let routes =
        router(&network, Mode::Car, &[]).route(&on(&network, SOUTH), &on(&network, home), 0).expect("a way");
    // Once in the quarter it stays there.
    let entered = routes[0].links.iter().position(inside).expect("it ends inside");
    assert!(routes[0].links[entered..].iter().all(inside), "{routes:?}");
}

#[test]
fn closures_around_a_quarter_do_not_open_it() {
    let network = network(RoadClass::Residential);
    let find = |a, b| network.find(id(a, b)).expect("a link");
    // Both sides of the square, at their middle.
    let west = (SIDE * 3, SIDE * 4);
    let east = (SIDE * 3 + SIDE - 1, SIDE * 4 + SIDE - 1);
    let closed: Vec<_> = [west, east].into_iter().flat_map(|(a, b)| [find(a, b), find(b, a)]).collect();
    let one_side =
        router(&network, Mode::Car, &closed[..2]).route(&on(&network, SOUTH), &on(&network, NORTH), 0);
    assert!(one_side.is_ok_and(|routes| routes[0].links.iter().all(|link| !closed[..2].contains(link))));
    let both = router(&network, Mode::Car, &closed);
    let refused = both.route(&on(&network, SOUTH), &on(&network, NORTH), 0).expect_err("none but through it");
    assert_eq!(refused, NoRoute::ThroughTraffic);
    // Who walks through it does not mind.
    assert!(
        router(&network, Mode::Foot, &closed).route(&on(&network, SOUTH), &on(&network, NORTH), 0).is_ok()
    );
}
