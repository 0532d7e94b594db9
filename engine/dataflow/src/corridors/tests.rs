use std::sync::Arc;

use vlot_model::{City, Corridor, CorridorState, LinkIx, Product, Quality, Update};

use super::logic::Corridors;
use crate::shell::{Logic, Part};
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
    assert!((all.travel_time_s - 30.0).abs() < 0.3 && (all.free_flow_s - all.travel_time_s).abs() < 1e-6);
    assert_eq!((all.measured_pct, all.quality, all.observed_at), (0.0, Quality::Missing, None));
    assert!(all.travel_time_low_s < 22.0 && all.travel_time_high_s > 40.0, "who knows nothing is not sure");
}

#[test]
fn the_sum_of_its_links_with_their_share_and_the_oldest_fact() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    let slow = link_state(1, 100, 12.0, Quality::Good);
    let fast = link_state(2, 90, 36.0, Quality::Good);
    logic.on_tick(1, s(1), &[update(1, Product::Link(slow.clone()))], &mut out);
    let before = states(&out);
    assert_eq!(before.len(), 1, "the other corridor does not change");
    assert!((before[0].travel_time_s - 50.0).abs() < 0.5 && (before[0].measured_pct - 33.3).abs() < 0.1);
    assert_eq!((before[0].quality, before[0].observed_at), (Quality::Degraded, Some(s(100))));
    out.clear();
    let first = link_state(0, 95, 36.0, Quality::Good);
    logic.on_tick(2, s(2), &[first, fast].map(|l| update(2, Product::Link(l))), &mut out);
    let states = states(&out);
    assert_eq!((states[0].quality, states[0].observed_at), (Quality::Good, Some(s(90))));
    assert!(states[0].travel_time_high_s - states[0].travel_time_low_s < 25.0);
    assert!((states[1].measured_pct - 100.0).abs() < 1e-3);
}

#[test]
fn what_is_forgotten_is_free_flow_again() {
    let (mut logic, mut out) = (Corridors::new(&city(), Part::WHOLE), Vec::new());
    logic.on_tick(1, s(1), &[update(1, Product::Link(link_state(2, 1, 5.0, Quality::Good)))], &mut out);
    logic.on_tick(2, s(2), &[update(2, Product::Link(link_state(2, 1, 36.0, Quality::Missing)))], &mut out);
    let last = states(&out).pop().unwrap();
    assert!((last.travel_time_s - last.free_flow_s).abs() < 1e-6);
    assert_eq!((last.measured_pct, last.valid_until), (0.0, None));
}
