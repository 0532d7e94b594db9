//! Days on which there is little to advise: nothing is refused, nothing is made up, and the signs say what is left.

use std::sync::Arc;

use vlot_model::{City, GuidanceMode, LineWay, Phase, RoadClass};
use vlot_network::DraftLink;

use super::tests::{Desk, city, closure, draft, on};

/// The ways of a sign's lines, in a letter each.
fn ways(desk: &Desk, sign: usize) -> String {
    let letter = |way: &LineWay| match way {
        LineWay::Live(_) => 'l',
        LineWay::Configured => 'c',
        LineWay::None => '-',
    };
    desk.plans[sign].as_ref().unwrap().lines.iter().map(|line| letter(&line.way)).collect()
}

#[test]
fn when_every_car_park_is_full_nobody_is_sent_anywhere_and_all_come_back() {
    for mode in [GuidanceMode::Each, GuidanceMode::Together] {
        let mut desk = Desk::of(&city(mode));
        desk.free(0, [0, 0, 0]);
        assert_eq!(desk.decide(0), [None, None]);
        assert_eq!(
            (ways(&desk, 0).as_str(), desk.refused.len()),
            ("lll", 0),
            "where they are can still be said"
        );
        desk.free(60, [0, 80, 0]);
        assert_eq!(desk.decide(60), [Some(1), Some(1)]);
    }
}

#[test]
fn when_every_link_is_closed_no_line_has_a_way_and_all_come_back() {
    for mode in [GuidanceMode::Each, GuidanceMode::Together] {
        let mut desk = Desk::of(&city(mode));
        desk.free(0, [50, 80, 120]);
        assert_eq!(desk.decide(0), [Some(0), Some(0)]);
        let all: Vec<u64> = (0..16).collect();
        desk.planner.note(&closure(&all, Phase::Active, 0), crate::testing::at(1));
        assert_eq!(desk.decide(1), [None, None]);
        assert_eq!((ways(&desk, 0).as_str(), ways(&desk, 1).as_str()), ("---", "---"));
        assert_eq!(desk.refused, Vec::<String>::new());
        desk.planner.note(&closure(&all, Phase::Ended, 0), crate::testing::at(60));
        desk.free(60, [50, 80, 120]);
        assert_eq!(desk.decide(60), [Some(0), Some(0)]);
    }
}

/// Two operators speak of one street: the one who ends a closure does not open what the other holds closed.
#[test]
fn of_closures_that_contradict_the_stronger_binds() {
    let mut desk = Desk::of(&city(GuidanceMode::Together));
    desk.free(0, [50, 80, 120]);
    desk.planner.note(&closure(&[4], Phase::Active, 0), crate::testing::at(0));
    desk.planner.note(&closure(&[4], Phase::Active, 1), crate::testing::at(0));
    // The second sign stands behind the last junction before the works.
    let left = (vec![Some(1), None], "-ll");
    assert_eq!((desk.decide(0), ways(&desk, 0).as_str()), left);
    desk.planner.note(&closure(&[4], Phase::Ended, 1), crate::testing::at(60));
    desk.free(60, [50, 80, 120]);
    assert_eq!((desk.decide(60), ways(&desk, 0).as_str()), left);
}

#[test]
fn a_sign_that_nobody_placed_goes_by_its_configuration() {
    let mut placed = City::clone(&city(GuidanceMode::Together));
    placed.placed.signs[1] = None;
    let mut desk = Desk::of(&Arc::new(placed));
    desk.free(0, [50, 80, 120]);
    assert!(desk.decide(0)[0].is_some());
    assert_eq!((ways(&desk, 0).as_str(), ways(&desk, 1).as_str()), ("lll", "ccc"));
    assert_eq!(desk.refused, Vec::<String>::new());
}

#[test]
fn to_a_destination_on_an_island_there_is_no_way_and_no_advice() {
    let mut draft = draft();
    let shore = [4.75, 4.76].map(|lon| vlot_model::LonLat { lon, lat: 50.90 }).to_vec();
    draft.link(DraftLink { points: shore, ..DraftLink::new([20, 21], 40, RoadClass::Primary) });
    let network = Arc::new(draft.make().network);
    let mut city = City::clone(&city(GuidanceMode::Together));
    city.placed.facilities[0] = on(&network, 40);
    city.placed.facilities[1] = on(&network, 12);
    city.placed.facilities[2] = on(&network, 8);
    city.placed.signs = vec![on(&network, 0), on(&network, 2)];
    city.network = Some(network);
    let mut desk = Desk::of(&Arc::new(city));
    desk.free(0, [50, 80, 120]);
    assert_eq!(desk.decide(0), [Some(1), Some(2)]);
    assert_eq!((ways(&desk, 0).as_str(), ways(&desk, 1).as_str()), ("-ll", "-ll"));
    assert_eq!(desk.refused, Vec::<String>::new());
}
