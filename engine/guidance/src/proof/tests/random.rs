//! Random cities: sets that are right pass, sets with one thing wrong do not, and a driver comes to the same faults.

use proptest::prelude::*;
use vlot_model::{FacilityStatus, LineWay, LinkIx, OnLink, Permission, RoadClass, RoadNetwork, SignIx};
use vlot_network::route::check::Unlawful;

use super::twin::{judge, said};
use super::world::{Street, TARGETS, World, forbid, streets};
use crate::proof::{Fault, Wrong};

/// The streets of a grid of 4 by 4 junctions.
const STREETS: usize = 24;

#[derive(Clone, Debug)]
struct Draw {
    /// Whether it is there, both ways, its class, who may drive it.
    streets: Vec<(bool, bool, RoadClass, Permission)>,
    /// A link and the choice at each junction after it.
    forbidden: Vec<(usize, Vec<usize>)>,
    /// A link, tenths of it, and what is announced, one bit a target.
    signs: Vec<(usize, u8, u8)>,
    targets: Vec<(usize, u8)>,
    closed: Vec<usize>,
    statuses: Vec<FacilityStatus>,
    more_s: Vec<u8>,
}

fn status() -> impl Strategy<Value = FacilityStatus> {
    use FacilityStatus::{Closed, Full, SpacesAvailable, Unknown};
    prop_oneof![5 => Just(SpacesAvailable), 2 => Just(Full), 1 => Just(Closed), 1 => Just(Unknown)]
}

fn draw() -> impl Strategy<Value = Draw> {
    use RoadClass::{Primary, Residential};
    let class = prop_oneof![4 => Just(Primary), 1 => Just(Residential)];
    let cars = prop_oneof![12 => Just(Permission::Yes), 1 => Just(Permission::Destination), 1 => Just(Permission::No)];
    let street = (prop::bool::weighted(0.9), prop::bool::weighted(0.7), class, cars);
    let spot = || (any::<usize>(), 0..=10_u8);
    (
        prop::collection::vec(street, STREETS),
        prop::collection::vec((any::<usize>(), prop::collection::vec(any::<usize>(), 1..4)), 0..6),
        prop::collection::vec((any::<usize>(), 0..=10_u8, any::<u8>()), 1..8),
        prop::collection::vec(spot(), TARGETS.len()),
        prop::collection::vec(any::<usize>(), 0..3),
        prop::collection::vec(status(), TARGETS.len()),
        prop::collection::vec(any::<u8>(), TARGETS.len()),
    )
        .prop_map(|(streets, forbidden, signs, targets, closed, statuses, more_s)| Draw {
            streets,
            forbidden,
            signs,
            targets,
            closed,
            statuses,
            more_s,
        })
}

/// The links that a walk goes over, up to where it can go no further.
fn walk(network: &RoadNetwork, begin: usize, choices: &[usize]) -> Vec<LinkIx> {
    let mut links = vec![LinkIx::from_position(begin % network.links.len())];
    for choice in choices {
        let at = network.links[links[links.len() - 1].at()].to;
        let next: Vec<_> = (0..network.links.len()).filter(|i| network.links[*i].from == at).collect();
        links.extend(next.get(choice % next.len().max(1)).map(|next| LinkIx::from_position(*next)));
    }
    links
}

/// The city of a draw; all signs along streets announce everything, or what was drawn for each.
fn world(draw: &Draw, everything: bool) -> Option<World> {
    let across = (0..16).filter(|i| i % 4 != 3).map(|i| [i, i + 1]);
    let ends: Vec<_> = across.chain((0..12).map(|i| [i, i + 4])).collect();
    let there = ends.into_iter().zip(&draw.streets).filter(|(_, street)| street.0);
    let of: Vec<_> = there
        .map(|(ends, (_, both_ways, class, cars))| Street {
            ends,
            both_ways: *both_ways,
            class: *class,
            cars: *cars,
        })
        .collect();
    let mut draft = streets(&of);
    let plain = draft.clone().make().network;
    if plain.links.is_empty() {
        return None;
    }
    for (begin, choices) in &draw.forbidden {
        let over = walk(&plain, *begin, choices);
        if over.len() > 1 {
            forbid(&mut draft, &plain, &over);
        }
    }
    let network = draft.make().network;
    let link = |i: usize| LinkIx::from_position(i % network.links.len());
    let on = |i: usize, tenths: u8| {
        let offset_m = network.links[link(i).at()].length_m * f32::from(tenths) / 10.0;
        OnLink { link: link(i), offset_m, distance_m: 0.0 }
    };
    let announced = |bits: u8| {
        let wanted = |i: &usize| everything || bits & 1 << *i != 0;
        (0..TARGETS.len()).filter(wanted).map(|i| TARGETS[i]).collect()
    };
    let signs: Vec<_> = draw.signs.iter().map(|(i, at, bits)| (on(*i, *at), announced(*bits))).collect();
    let targets: Vec<_> = draw.targets.iter().map(|(i, at)| on(*i, *at)).collect();
    let closed = draw.closed.iter().map(|i| link(*i)).collect();
    let mut world = World::new(network, &signs, &targets);
    world.closed = closed;
    for (target, status) in TARGETS.into_iter().zip(&draw.statuses) {
        world.state(target, *status);
    }
    Some(world)
}

/// A city whose set is right: least ways, and advice that costs least everywhere.
fn right(draw: &Draw) -> Option<World> {
    let mut world = world(draw, true)?;
    world.find(|_, _| None);
    let more_s: Vec<_> = draw.more_s.iter().map(|s| f32::from(*s)).collect();
    world.advise(&more_s);
    Some(world)
}

/// Seconds that a sign takes a link to take: anything, so that signs do not agree.
fn whim(seed: u64, sign: SignIx, link: LinkIx) -> f32 {
    let mixed = (seed ^ u64::from(sign.0) << 32 ^ u64::from(link.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    1.0 + f32::from(u8::try_from(mixed >> 56).unwrap_or(0))
}

/// One thing that is done to a set, by kind, and what to.
type Spoil = (u8, usize, usize);

fn spoil(world: &mut World, (kind, which, what): Spoil) {
    let mut live = world.all_live();
    live.retain(|(sign, line)| world.live(*sign, *line).is_some_and(|way| !way.links.is_empty()));
    let Some((sign, line)) = live.get(which % live.len().max(1)).copied() else { return };
    let Some((other, its)) = live.get(what % live.len()).copied() else { return };
    let links = world.live(sign, line).map(|way| way.links.to_vec()).unwrap_or_default();
    let lines = world.plans[sign.at()].lines.len();
    let any_line = u32::try_from(what % lines).ok();
    match kind {
        0 => world.plans[sign.at()].lines[line].way = LineWay::None,
        1 => world.plans[sign.at()].lines[line].way = LineWay::Configured,
        2 => {
            let (one, two) = (
                world.plans[sign.at()].lines[line].way.clone(),
                world.plans[other.at()].lines[its].way.clone(),
            );
            world.plans[sign.at()].lines[line].way = two;
            world.plans[other.at()].lines[its].way = one;
        }
        3 => world.set_way(sign, line, &links[..links.len() - 1]),
        4 => {
            let mut links = links;
            links.remove(what % links.len());
            world.set_way(sign, line, &links);
        }
        5 => {
            world.closed.insert(links[what % links.len()]);
        }
        6 => world.plans[sign.at()].advice = any_line,
        7 => {
            world.says.insert((other, its), FacilityStatus::Full);
        }
        8 => world.plans[sign.at()].advice = None,
        9 => {
            let walked =
                walk(world.network(), links[0].at(), &[what, what / 3, what / 9, what / 27, what / 81]);
            world.set_way(sign, line, &walked);
        }
        _ => {
            // Inside the garage.
            let inside = SignIx::from_position(world.plans.len() - 1 - which % 2);
            world.plans[inside.at()].advice = u32::try_from(what % 3).ok();
            world.says.insert((inside, which % 3), FacilityStatus::Full);
        }
    }
}

/// A set, the line where one thing is wrong, and how that is told.
type Mutated = (World, (SignIx, usize), fn(&Wrong) -> bool);

/// A set with one thing wrong; `None`: this draw has nothing to do it to.
fn mutated(mut world: World, (kind, which): (u8, usize)) -> Option<Mutated> {
    let live = world.all_live();
    let advised =
        |(sign, line): &(SignIx, usize)| world.plans[sign.at()].advice.is_some_and(|n| n as usize == *line);
    let advised: Vec<_> = live.iter().copied().filter(advised).collect();
    let of = if matches!(kind, 1 | 5) { &advised } else { &live };
    let (sign, line) = *of.get(which.checked_rem(of.len())?)?;
    let links = world.live(sign, line)?.links.to_vec();
    let told: fn(&Wrong) -> bool = match kind {
        0 => {
            world.closed.insert(links[which % links.len()]);
            |wrong| matches!(wrong, Wrong::Unlawful { why: Unlawful::Closed(_), .. })
        }
        1 => {
            let target = world.target(sign, line);
            world.state(target, FacilityStatus::Full);
            |wrong| matches!(wrong, Wrong::NoSpace { status: FacilityStatus::Full })
        }
        2 => {
            let opposite = world.network().links[links[0].at()].opposite?;
            world.set_way(sign, line, &[opposite]);
            |wrong| matches!(wrong, Wrong::StartsElsewhere | Wrong::Unlawful { .. })
        }
        3 => {
            let (first, last) = (links.first()?, links.last()?);
            if links.len() < 2 || first == last || links[links.len() - 2] == *last {
                return None;
            }
            world.set_way(sign, line, &links[..links.len() - 1]);
            |wrong| matches!(wrong, Wrong::EndsElsewhere)
        }
        4 => {
            let at = 1 + which % links.len().checked_sub(2).filter(|inner| *inner > 0)?;
            let mut without = links;
            without.remove(at);
            world.set_way(sign, line, &without);
            |wrong| matches!(wrong, Wrong::Unlawful { .. })
        }
        5 => {
            world.plans[sign.at()].lines[line].way = LineWay::None;
            |wrong| matches!(wrong, Wrong::NoWay)
        }
        _ => {
            let two = links.windows(2).nth(which.checked_rem(links.len().checked_sub(1)?)?)?;
            let mut network = (**world.network()).clone();
            network.turns.push(vlot_model::Turn {
                from: two[0],
                via: Vec::new(),
                to: two[1],
                only: false,
                modes: vlot_model::Modes::ALL,
                hours: None,
            });
            network.turns.sort();
            world.city.network = Some(std::sync::Arc::new(network));
            |wrong| matches!(wrong, Wrong::Unlawful { why: Unlawful::Turn(_), .. })
        }
    };
    Some((world, (sign, line), told))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn least_ways_and_least_costs_are_proven(draw in draw()) {
        let Some(world) = right(&draw) else { return Ok(()) };
        prop_assert_eq!(world.prove(), Ok(()));
        prop_assert!(judge(&world).is_empty());
    }

    #[test]
    fn one_thing_wrong_is_told_of_its_sign_and_line(draw in draw(), kind in 0..7_u8, which in any::<usize>()) {
        let Some(world) = right(&draw) else { return Ok(()) };
        let Some((world, (sign, line), told)) = mutated(world, (kind, which)) else { return Ok(()) };
        let faults = world.prove().expect_err("one thing is wrong");
        let there = |fault: &Fault| fault.sign == sign && fault.line == Some(line) && told(&fault.wrong);
        prop_assert!(faults.iter().any(there), "{sign:?}, line {line}: {faults:?}");
    }

    /// Signs that do not agree on anything, with things wrong besides.
    #[test]
    fn a_driver_who_goes_link_by_link_finds_the_same(
        draw in draw(),
        seed in any::<u64>(),
        detours in any::<u8>(),
        advice in prop::collection::vec(any::<usize>(), 8),
        spoils in prop::collection::vec((0..11_u8, any::<usize>(), any::<usize>()), 0..4),
    ) {
        let Some(mut world) = world(&draw, seed % 3 == 0) else { return Ok(()) };
        world.find(|sign, link| Some(whim(seed, sign, link)));
        world.detour(|sign| detours & 1 << (sign.0 % 8) != 0);
        for (sign, n) in world.along().into_iter().zip(&advice) {
            let lines = world.plans[sign.at()].lines.len();
            world.plans[sign.at()].advice = n.checked_rem(lines).and_then(|n| u32::try_from(n).ok());
        }
        for spoiled in spoils {
            spoil(&mut world, spoiled);
        }
        let faults = world.prove().err().unwrap_or_default();
        prop_assert_eq!(said(&world, &faults), judge(&world), "{:?}", faults);
    }
}

/// The draws are worth something: among them are right ones and every fault that there is.
#[test]
fn random_sets_break_every_rule_now_and_then() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut right, mut found) = (0, std::collections::BTreeSet::new());
    for seed in 0..300_u64 {
        let draw = draw().new_tree(&mut runner).expect("a draw").current();
        let Some(mut world) = world(&draw, true) else { continue };
        world.find(|sign, link| Some(whim(seed, sign, link)));
        world.detour(|sign| seed % 5 == 0 || seed % 5 == 1 && sign.0 % 2 == 0);
        for sign in world.along() {
            world.plans[sign.at()].advice = u32::try_from((seed + u64::from(sign.0)) % 5).ok();
        }
        let sign = SignIx(0);
        match seed % 3 {
            0 => spoil(&mut world, (u8::try_from(seed % 11).unwrap_or(0), 0, usize::from(draw.more_s[0]))),
            1 if world.live(sign, 0).is_some() => {
                let line = usize::try_from(seed % 5).unwrap_or(0);
                world.plans[sign.at()].lines[line].way = LineWay::Configured;
            }
            _ => {}
        }
        let faults = world.prove().err().unwrap_or_default();
        right += u32::from(faults.is_empty());
        for fault in faults {
            let kind = format!("{:?}", fault.wrong);
            found.insert(kind.split([' ', '{']).next().unwrap_or_default().to_owned());
            if let Wrong::Round { advice, .. } = fault.wrong {
                found.insert(format!("Round, advice {advice}"));
            }
        }
    }
    let expected = [
        "Contradicted",
        "EndsElsewhere",
        "Lost",
        "NoSpace",
        "NoWay",
        "Round",
        "Round, advice false",
        "Round, advice true",
        "StartsElsewhere",
        "Unlawful",
        "Unproven",
    ];
    assert!(right > 0, "none is right");
    for kind in expected {
        assert!(found.contains(kind), "{kind} is not among {found:?}");
    }
}
