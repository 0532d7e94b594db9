//! The proof on sets that are right, on sets with one thing wrong, and against a driver who goes link by link.

mod random;
mod twin;
mod world;

use vlot_model::{
    FacilityIx, FacilityStatus, GarageIx, LineWay, LinkIx, OnLink, Permission, RoadClass, SectionIx, SignIx,
    Target,
};
use vlot_network::route::check::Unlawful;

use super::{Fault, Wrong};
use world::{Street, TARGETS, World, forbid, streets};

const A: SignIx = SignIx(0);
const B: SignIx = SignIx(1);

/// A square 0-1-5-4, with a way off it from 1 and from 4 to 9, and on to the car parks at 10; what is forbidden.
///
/// Sign A stands on 0-1, sign B on 5-4; both announce car park 0, then garage 0.
fn square(forbidden: &[[usize; 2]]) -> World {
    let street = |ends| Street { ends, both_ways: true, class: RoadClass::Primary, cars: Permission::Yes };
    let mut draft = streets(&[[0, 1], [1, 5], [5, 4], [4, 0], [1, 9], [4, 9], [9, 10]].map(street));
    let plain = draft.clone().make().network;
    if !forbidden.is_empty() {
        let over: Vec<_> = forbidden.iter().map(|ends| link(&plain, *ends)).collect();
        forbid(&mut draft, &plain, &over);
    }
    let network = draft.make().network;
    let on = |ends, offset_m| OnLink { link: link(&network, ends), offset_m, distance_m: 0.0 };
    let signs = [on([0, 1], 50.0), on([5, 4], 50.0)].map(|on| (on, vec![TARGETS[0], TARGETS[3]]));
    let targets = [on([9, 10], 100.0); 5];
    World::new(network, &signs, &targets)
}

fn link(network: &vlot_model::RoadNetwork, [from, to]: [usize; 2]) -> LinkIx {
    network.find(vlot_model::LinkId((from * 100 + to + 1) as u64)).expect("a street")
}

fn way(world: &World, over: &[[usize; 2]]) -> Vec<LinkIx> {
    over.iter().map(|ends| link(world.network(), *ends)).collect()
}

const A_SHORT: [[usize; 2]; 3] = [[0, 1], [1, 9], [9, 10]];
const B_SHORT: [[usize; 2]; 3] = [[5, 4], [4, 9], [9, 10]];
/// Past sign B.
const A_LONG: [[usize; 2]; 5] = [[0, 1], [1, 5], [5, 4], [4, 9], [9, 10]];
/// Past sign A.
const B_LONG: [[usize; 2]; 5] = [[5, 4], [4, 0], [0, 1], [1, 9], [9, 10]];

/// The square, with those ways to everything, and everything advised that is for cars.
fn going(a: &[[usize; 2]], b: &[[usize; 2]]) -> World {
    let mut world = square(&[]);
    for (sign, over) in [(A, a), (B, b)] {
        let links = way(&world, over);
        world.set_way(sign, 0, &links);
        world.set_way(sign, 1, &links);
        world.plans[sign.at()].advice = Some(0);
    }
    world
}

fn told(world: &World) -> Vec<String> {
    world.prove().err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn one(world: &World) -> Fault {
    let faults = world.prove().expect_err("it must be refused");
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].clone()
}

#[test]
fn ways_that_arrive_are_proven_whether_they_meet_or_not() {
    assert_eq!(told(&going(&A_SHORT, &B_SHORT)), [""; 0]);
    assert_eq!(told(&going(&A_LONG, &B_SHORT)), [""; 0]);
    assert_eq!(told(&going(&A_SHORT, &B_LONG)), [""; 0]);
}

#[test]
fn signs_that_send_drivers_to_each_other_are_told_by_name() {
    let world = going(&A_LONG, &B_LONG);
    assert_eq!(
        told(&world),
        [
            "sign s0 to Near: sign s1 on the way sends back: a driver would go round",
            "sign s0 to Near: sign s1 on the way advises a way back: a driver would go round",
            "sign s0 to g: sign s1 on the way sends back: a driver would go round",
        ]
    );
    let faults = world.prove().expect_err("refused");
    assert_eq!((faults[0].sign, faults[0].line), (A, Some(0)));
    assert_eq!(faults[0].link, Some(link(world.network(), [5, 4])));
    assert!(matches!(&faults[0].wrong, Wrong::Round { advice: false, signs, .. } if *signs == [A, B]));
}

#[test]
fn a_way_that_comes_back_past_its_own_sign_goes_round() {
    let mut world = going(&A_SHORT, &B_SHORT);
    let back = way(&world, &[[0, 1], [1, 5], [5, 4], [4, 0], [0, 1], [1, 9], [9, 10]]);
    world.set_way(A, 0, &back);
    // Sign B, which stands on the way, knows better.
    assert_eq!(told(&world), [""; 0]);
    let elsewhere = way(&world, &[[9, 10]])[0];
    world.city.placed.signs[B.at()] = Some(OnLink { link: elsewhere, offset_m: 10.0, distance_m: 0.0 });
    for n in 0..2 {
        world.set_way(B, n, &[elsewhere]);
    }
    let faults = told(&world);
    assert_eq!(
        faults[0],
        "sign s0 to Near: the way comes back past the sign itself: a driver would go round"
    );
}

/// Car park 0 for the first, car park 1 for the second: each arrives by its own, and together they go round.
#[test]
fn advice_that_leads_round_is_found_where_destinations_arrive() {
    let mut world = going(&A_LONG, &B_LONG);
    for sign in [A, B] {
        world.plans[sign.at()].lines[1].way = LineWay::None;
    }
    world.city.signs[B.at()].lines[0].target = Target::Facility(FacilityIx(1));
    assert_eq!(
        told(&world),
        ["sign s0 to Near: sign s1 on the way advises a way back: a driver would go round"]
    );
    // Whoever goes by bicycle does not take the advice to a car park.
    world.plans[B.at()].advice = None;
    assert_eq!(told(&world), [""; 0]);
}

#[test]
fn what_breaks_a_rule_of_the_streets_is_refused_with_the_street() {
    let mut closed = going(&A_SHORT, &B_SHORT);
    closed.closed.insert(link(closed.network(), [1, 9]));
    assert_eq!(
        told(&closed),
        ["Near", "g"].map(|to| format!("sign s0 to {to}: of the way link 1 is closed (Street 1-9)"))
    );

    let mut turn = square(&[[0, 1], [1, 9]]);
    let links = way(&turn, &A_SHORT);
    turn.set_way(A, 0, &links);
    let fault = one(&turn);
    assert!(matches!(&fault.wrong, Wrong::Unlawful { why: Unlawful::Turn(1), .. }), "{fault}");
    assert_eq!(fault.link, Some(link(turn.network(), [1, 9])));

    let mut apart = square(&[]);
    let links = way(&apart, &[[0, 1], [9, 10]]);
    apart.set_way(A, 0, &links);
    assert!(matches!(one(&apart).wrong, Wrong::Unlawful { why: Unlawful::Apart(1), .. }));

    let mut nowhere = square(&[]);
    nowhere.set_way(A, 0, &[]);
    assert_eq!(told(&nowhere), ["sign s0 to Near: of the way it is over no street"]);
}

#[test]
fn a_way_belongs_to_its_sign_and_its_target() {
    let mut world = square(&[]);
    let (a, b) = (way(&world, &A_SHORT), way(&world, &B_SHORT));
    world.set_way(A, 0, &b);
    assert_eq!(one(&world).wrong, Wrong::StartsElsewhere);
    world.set_way(A, 0, &a[..2]);
    assert_eq!(one(&world).wrong, Wrong::EndsElsewhere);
    world.set_way(A, 0, &a);
    let LineWay::Live(mut off) = world.plans[0].lines[0].way.clone() else { panic!("live") };
    off.start_m += 2.0;
    world.plans[0].lines[0].way = LineWay::Live(off.clone());
    assert_eq!(one(&world).wrong, Wrong::StartsElsewhere);
    off.start_m -= 2.0;
    off.end_m = f32::NAN;
    world.plans[0].lines[0].way = LineWay::Live(off);
    assert_eq!(one(&world).wrong, Wrong::EndsElsewhere);

    world.set_way(A, 0, &a);
    world.city.placed.facilities[0] = None;
    assert_eq!(one(&world).wrong, Wrong::NoEntrance);
    world.city.placed.signs[A.at()] = None;
    assert_eq!(one(&world).wrong, Wrong::NoStand);

    let mut behind = square(&[]);
    let first = link(behind.network(), [0, 1]);
    behind.city.placed.facilities[0] = Some(OnLink { link: first, offset_m: 10.0, distance_m: 0.0 });
    behind.set_way(A, 0, &[first]);
    assert_eq!(one(&behind).wrong, Wrong::Backwards);
    // A sign at the entrance itself, and places are rounded.
    behind.city.placed.facilities[0] = Some(OnLink { link: first, offset_m: 49.9, distance_m: 0.0 });
    behind.set_way(A, 0, &[first]);
    assert_eq!(told(&behind), [""; 0]);
}

#[test]
fn a_sign_on_the_way_that_knows_none_leaves_a_driver_lost() {
    for none in [LineWay::None, LineWay::Configured] {
        let mut world = going(&A_LONG, &B_SHORT);
        world.plans[B.at()].advice = None;
        world.plans[B.at()].lines[1].way = none;
        let fault = one(&world);
        assert_eq!(fault.to_string(), "sign s0 to g: on the way stands sign s1, which has no way there");
        assert_eq!((fault.line, fault.link), (Some(1), Some(link(world.network(), [5, 4]))));
    }
}

#[test]
fn advice_goes_to_space_that_is_open_and_over_a_way() {
    for (status, what) in [
        (FacilityStatus::Full, "it is full"),
        (FacilityStatus::Closed, "it is closed"),
        (FacilityStatus::Unknown, "nothing is known of it"),
    ] {
        let mut world = going(&A_SHORT, &B_SHORT);
        world.says.insert((A, 0), status);
        assert_eq!(told(&world), [format!("sign s0 to Near: it is advised, and {what}")]);
        // What nobody advises may be full.
        world.plans[A.at()].advice = None;
        assert_eq!(told(&world), [""; 0]);
    }
    let mut world = going(&A_SHORT, &B_SHORT);
    world.plans[A.at()].lines[0].way = LineWay::None;
    assert_eq!(one(&world).wrong, Wrong::NoWay);
    world.plans[A.at()].lines[0].way = LineWay::Configured;
    assert_eq!(one(&world).wrong, Wrong::Unproven);
    // Where there are no streets, what is configured holds.
    world.city.placed.facilities[0] = None;
    world.plans[B.at()].lines[0].way = LineWay::Configured;
    assert_eq!(told(&world), [""; 0]);
    let mut bare = world.clone();
    bare.city.placed = vlot_model::Placed::default();
    bare.city.network = None;
    bare.plans.iter_mut().flat_map(|plan| &mut plan.lines).for_each(|line| line.way = LineWay::Configured);
    assert_eq!(told(&bare), [""; 0]);
}

#[test]
fn a_sign_on_the_way_does_not_speak_against_the_advice() {
    let mut world = going(&A_LONG, &B_SHORT);
    world.plans[B.at()].advice = None;
    world.says.insert((B, 0), FacilityStatus::Full);
    assert_eq!(told(&world), ["sign s0 to Near: it is advised, and sign s1 on the way says that it is full"]);
    // A sign that is not on the way says it a moment later.
    let mut apart = going(&A_SHORT, &B_SHORT);
    apart.plans[B.at()].advice = None;
    apart.says.insert((B, 0), FacilityStatus::Full);
    assert_eq!(told(&apart), [""; 0]);
}

#[test]
fn inside_a_garage_signs_point_to_sections_with_space_and_agree() {
    let (first, second) = (SignIx(2), SignIx(3));
    let mut world = going(&A_SHORT, &B_SHORT);
    assert_eq!(world.target(first, 0), Target::Section(SectionIx(0)));
    world.plans[first.at()].advice = Some(0);
    assert_eq!(told(&world), [""; 0]);
    world.says.insert((second, 0), FacilityStatus::Full);
    assert_eq!(
        told(&world),
        ["sign inside-1 to g/A: it is advised, and sign inside-2 in the same garage says that it is full"]
    );
    world.state(Target::Section(SectionIx(0)), FacilityStatus::Full);
    world.plans[second.at()].advice = Some(1);
    let faults = world.prove().expect_err("a full section");
    assert!(faults.iter().any(|f| f.sign == first && matches!(f.wrong, Wrong::NoSpace { .. })), "{faults:?}");
    assert!(faults.iter().all(|f| f.sign == first), "{faults:?}");
    // To the next garage, once it is full.
    world.city.signs[first.at()].lines[0].target = Target::Garage(GarageIx(1));
    world.says.insert((first, 0), FacilityStatus::SpacesAvailable);
    assert_eq!(told(&world), [""; 0]);
    world.city.signs[first.at()].lines[0].target = Target::Facility(FacilityIx(0));
    assert_eq!(one(&world).wrong, Wrong::CarPark);
    let links = way(&world, &A_SHORT);
    world.city.signs[first.at()].lines[0].target = Target::Garage(GarageIx(1));
    let LineWay::Live(live) = world.plans[A.at()].lines[0].way.clone() else { panic!("{links:?} is live") };
    world.plans[first.at()].lines[0].way = LineWay::Live(live);
    assert_eq!(one(&world).wrong, Wrong::NoStand);
}

#[test]
fn a_set_that_is_not_of_this_city_is_refused() {
    let whole = going(&A_SHORT, &B_SHORT);
    let mut world = whole.clone();
    world.plans.pop();
    assert_eq!((one(&world).sign, one(&world).wrong), (SignIx(3), Wrong::Misfit));
    world = whole.clone();
    world.plans[B.at()].advice = Some(2);
    assert_eq!(one(&world).wrong, Wrong::Misfit);
    world = whole.clone();
    world.plans[B.at()].lines.pop();
    assert_eq!(one(&world).wrong, Wrong::Misfit);
    world = whole;
    world.plans.swap(0, 1);
    assert_eq!(world.prove().expect_err("mixed up").len(), 2);
}

#[test]
fn places_of_signs_at_one_pole_are_passed_once() {
    let mut world = going(&A_SHORT, &A_SHORT);
    world.city.placed.signs[B.at()] = world.city.placed.signs[A.at()];
    for n in 0..2 {
        let links = way(&world, &A_SHORT);
        world.set_way(B, n, &links);
    }
    assert_eq!(told(&world), [""; 0]);
    world.plans[B.at()].advice = None;
    world.plans[B.at()].lines[1].way = LineWay::None;
    assert!(matches!(one(&world).wrong, Wrong::Lost { at: B, .. }));
}
