use std::sync::Arc;

use vlot_model::{
    City, Corridor, CorridorIx, CorridorState, Effect, LinkIx, LinkState, Mode, Product, Quality, Situation,
    Update,
};

use super::logic::Corridors;
use crate::shell::{Logic, Part};
use crate::situations::tests::closure;
use crate::testing::s;
use crate::testing_roads::{link_state, roads};

/// Two corridors over a street of three links of 100 m at 36 km/h: all of it, and its end.
fn city() -> City {
    let corridor = |links: &[u32]| Corridor {
        id: "c".into(),
        name: "C".into(),
        links: links.iter().map(|l| LinkIx(*l)).collect(),
    };
    let corridors = vec![corridor(&[0, 1, 2]), corridor(&[2])];
    City { network: Some(Arc::new(roads(3))), corridors, ..City::default() }
}

fn states(updates: &[Update]) -> Vec<CorridorState> {
    let state = |u: &Update| match &*u.product {
        Product::Corridor(state) => state.clone(),
        other => panic!("{other:?}"),
    };
    updates.iter().map(state).collect()
}

/// Low, middle and high of an open one.
fn times(state: &CorridorState) -> [f32; 3] {
    assert!(!state.closed);
    [state.travel_time_low_s, state.travel_time_s, state.travel_time_high_s].map(Option::unwrap)
}

/// A link with a situation of that effect on it, by which nothing is measured.
fn bound(link: u32, effect: Effect) -> LinkState {
    let situation = Situation { effect, ..closure("s") };
    let limited = situation.limit_kmh(Mode::Car).unwrap_or(36.0);
    let mut state = link_state(link, 1, limited, Quality::Missing);
    state.sources.situations = effect != Effect::LanesClosed { lanes: 1 };
    state.situations = vec![Arc::new(situation)];
    state
}

#[test]
fn over_a_closed_link_it_is_closed_and_has_no_time_until_the_link_opens() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    let tell = |tick, state| update(tick, Product::Link(state));
    logic.on_tick(1, s(1), &[tell(1, bound(0, Effect::Closed))], &mut out);
    logic.on_tick(2, s(2), &[tell(2, link_state(2, 2, 18.0, Quality::Good))], &mut out);
    logic.on_tick(3, s(3), &[tell(3, link_state(0, 3, 36.0, Quality::Missing))], &mut out);
    let states = states(&out);
    let all: Vec<_> = states.iter().filter(|state| state.corridor == CorridorIx(0)).collect();
    let closed: Vec<_> = all.iter().map(|s| (s.closed, s.travel_time_s.is_none())).collect();
    assert_eq!(closed, [(true, true), (true, true), (false, false)]);
    assert!((times(all[2])[1] - 40.0).abs() < 0.5, "{:?}", all[2]);
    let end = states.iter().find(|state| state.corridor == CorridorIx(1)).unwrap();
    assert!((times(end)[1] - 20.0).abs() < 0.5, "its other link is closed, not this one's");
}

#[test]
fn a_speed_limit_is_what_is_assumed_and_is_not_measured() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    let slower = bound(2, Effect::SpeedLimit { kmh: 18.0 });
    logic.on_tick(1, s(1), &[update(1, Product::Link(slower))], &mut out);
    let states = states(&out);
    assert!((times(&states[0])[1] - 40.0).abs() < 0.5 && (times(&states[1])[1] - 20.0).abs() < 0.5);
    assert_eq!((states[1].quality, states[1].measured_pct), (Quality::Missing, 0.0));
    assert!((states[1].free_flow_s - 10.0).abs() < 0.1);
}

fn update(tick: u64, product: Product) -> Update {
    Update { tick, at: s(tick as i64), trigger: None, product: Arc::new(product) }
}

#[test]
fn free_flow_is_said_from_the_start_and_is_marked() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    logic.on_clock(1, s(1), &mut out);
    logic.on_clock(2, s(2), &mut out);
    let states = states(&out);
    assert_eq!(states.len(), 2);
    let all = &states[0];
    let [low, time, high] = times(all);
    assert!((time - 30.0).abs() < 0.3 && (all.free_flow_s - time).abs() < 1e-6);
    assert_eq!((all.measured_pct, all.quality, all.observed_at), (0.0, Quality::Missing, None));
    assert!(low < 22.0 && high > 40.0, "who knows nothing is not sure");
}

#[test]
fn the_sum_of_its_links_with_their_share_and_the_oldest_fact() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    let slow = link_state(1, 100, 12.0, Quality::Good);
    let fast = link_state(2, 90, 36.0, Quality::Good);
    logic.on_tick(1, s(1), &[update(1, Product::Link(slow.clone()))], &mut out);
    let before = states(&out);
    assert_eq!(before.len(), 1, "the other corridor does not change");
    assert!((times(&before[0])[1] - 50.0).abs() < 0.5 && (before[0].measured_pct - 33.3).abs() < 0.1);
    assert_eq!((before[0].quality, before[0].observed_at), (Quality::Degraded, Some(s(100))));
    out.clear();
    let first = link_state(0, 95, 36.0, Quality::Good);
    logic.on_tick(2, s(2), &[first, fast].map(|l| update(2, Product::Link(l))), &mut out);
    let states = states(&out);
    assert_eq!((states[0].quality, states[0].observed_at), (Quality::Good, Some(s(90))));
    let [low, _, high] = times(&states[0]);
    assert!(high - low < 25.0);
    assert!((states[1].measured_pct - 100.0).abs() < 1e-3);
}

#[test]
fn what_is_forgotten_is_free_flow_again() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    logic.on_tick(1, s(1), &[update(1, Product::Link(link_state(2, 1, 5.0, Quality::Good)))], &mut out);
    logic.on_tick(2, s(2), &[update(2, Product::Link(link_state(2, 1, 36.0, Quality::Missing)))], &mut out);
    let last = states(&out).pop().unwrap();
    assert!((times(&last)[1] - last.free_flow_s).abs() < 1e-6);
    assert_eq!((last.measured_pct, last.valid_until), (0.0, None));
}
