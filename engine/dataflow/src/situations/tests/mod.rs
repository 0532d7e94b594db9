//! Situations by example, and against a twin that looks at everything anew each time.

mod cases;
mod streets;
mod twin;

use std::sync::Arc;

use vlot_model::{
    City, DeviceKind, Effect, LinkId, LinkIx, Location, LonLat, Meters, Mode, Modes, Phase, Product,
    RoadClass, RoadNetwork, Role, Situation, SituationKind, SituationState, Timestamp, Value,
};
use vlot_network::{Draft, DraftLink, geo};

use super::logic::Situations;
use crate::testing::{Builder, Step, play, s, said};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

fn at(east: f64, north: f64) -> LonLat {
    geo::offset(HERE, [east, north])
}

fn id(a: i64, b: i64) -> LinkId {
    LinkId(u64::try_from(1_000 * a + b).unwrap())
}

/// A grid of junctions 100 m apart, `side` by `side`; the link from junction `a` to `b` is `1000 * a + b`.
pub(crate) fn grid(side: i64) -> RoadNetwork {
    let mut draft = Draft::new("grid");
    let place = |n: i64| at((n % side) as f64 * 100.0, (n / side) as f64 * 100.0);
    for a in 0..side * side {
        for b in [a + 1, a - 1, a + side, a - side] {
            let beside = (a % side - b % side).abs() + (a / side - b / side).abs() == 1;
            if (0..side * side).contains(&b) && beside {
                draft.link(DraftLink {
                    points: vec![place(a), place(b)],
                    opposite: Some(id(b, a)),
                    ..DraftLink::new([a, b], id(a, b).0, RoadClass::Primary)
                });
            }
        }
    }
    draft.make().network
}

/// A city on a grid of 4 by 4, with the operators' desk (device 0) and a feed (device 1).
fn city() -> Arc<City> {
    let mut b = Builder::default();
    b.city.timezone = "Europe/Brussels".into();
    b.city.network = Some(Arc::new(grid(4)));
    for _ in 0..2 {
        b.device(DeviceKind::SituationFeed, Role::Situations, 300);
    }
    Arc::new(b.city)
}

/// Closes the street from junction 5 to 6 for all, from 0 on.
pub(crate) fn closure(id: &str) -> Situation {
    Situation {
        id: id.into(),
        source: "operator".into(),
        kind: SituationKind::Closure,
        headline: "Closed".into(),
        effect: Effect::Closed,
        modes: Modes::ALL,
        location: Location::Links(vec![self::id(5, 6)]),
        both_directions: false,
        from: s(0),
        until: None,
        hours: None,
        withdrawn: false,
    }
}

fn states(at: i64, situation: Situation) -> Step {
    Step::Batch(at, vec![said(0, at, Value::Situation(Arc::new(situation)))])
}

/// The published states with their instants.
fn published(city: &Arc<City>, steps: &[Step]) -> Vec<(Timestamp, SituationState)> {
    let mut logic = Situations::new(city, &Arc::new(Meters::default()));
    let updates = play(&mut logic, steps).into_iter();
    updates
        .map(|update| match Arc::unwrap_or_clone(update.product) {
            Product::Situation(state) => (update.at, state),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn link_of(city: &City, name: LinkId) -> LinkIx {
    city.network.as_ref().unwrap().find(name).unwrap()
}

fn names(city: &City, links: &[LinkIx]) -> Vec<u64> {
    links.iter().map(|link| city.network.as_ref().unwrap().link(*link).unwrap().id.0).collect()
}

const CARS: Modes = Modes::NONE.with(Mode::Car);
const ACTIVE: Phase = Phase::Active;
