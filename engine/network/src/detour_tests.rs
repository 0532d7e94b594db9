use proptest::prelude::*;
use vlot_model::{City, LinkId, LonLat, Modes, RoadClass, Timestamp, Turn};

use super::*;
use crate::{Draft, DraftLink, DraftTurn, geo};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

/// A grid of junctions 100 m apart; a link from junction `a` to `b` has the id `1000 * a + b`.
fn grid(side: i64, turns: Vec<DraftTurn>, quiet: &[(i64, i64)]) -> RoadNetwork {
    let mut draft = Draft::new("grid");
    let at = |n: i64| geo::offset(HERE, [(n % side) as f64 * 100.0, (n / side) as f64 * 100.0]);
    for a in 0..side * side {
        for b in [a + 1, a - 1, a + side, a - side] {
            let beside = (a % side - b % side).abs() + (a / side - b / side).abs() == 1;
            if !(0..side * side).contains(&b) || !beside {
                continue;
            }
            let class = if quiet.contains(&(a, b)) || quiet.contains(&(b, a)) {
                RoadClass::Residential
            } else {
                RoadClass::Primary
            };
            draft.link(DraftLink {
                points: vec![at(a), at(b)],
                opposite: Some(id(b, a)),
                ..DraftLink::new([a, b], id(a, b).0, class)
            });
        }
    }
    turns.into_iter().for_each(|turn| draft.turn(turn));
    let made = draft.make();
    assert_eq!(made.refused, []);
    made.network
}

fn id(a: i64, b: i64) -> LinkId {
    LinkId(u64::try_from(1_000 * a + b).unwrap_or(0))
}

fn no_turn(path: &[i64], only: bool) -> DraftTurn {
    let links: Vec<_> = path.windows(2).map(|ab| id(ab[0], ab[1])).collect();
    DraftTurn {
        from: links[0],
        via: links[1..links.len() - 1].to_vec(),
        to: links[links.len() - 1],
        only,
        modes: Modes::ALL,
        hours: None,
    }
}

fn permits(network: &RoadNetwork) -> Permits {
    Permits::new(network, &City::default(), Timestamp::from_secs(0))
}

/// The junctions of the way from link `a` to link `b`.
fn junctions(network: &RoadNetwork, shut: &[LinkId], [a, b]: [(i64, i64); 2]) -> Option<Vec<i64>> {
    let permits = permits(network);
    let find = |(a, b)| network.find(id(a, b)).expect("a link of the grid");
    let is_shut = |link: LinkIx| network.link(link).is_some_and(|link| shut.contains(&link.id));
    let way = Detours::new(network).way(network, &permits, Mode::Car, &is_shut, [find(a), find(b)])?;
    let id = |link: &LinkIx| network.link(*link).map_or(0, |link| link.id.0);
    let mut all: Vec<_> = way.links.iter().map(|link| i64::try_from(id(link) / 1_000).unwrap_or(0)).collect();
    all.push(b.1);
    Some(all)
}

#[test]
fn a_closure_is_passed_on_the_next_street_and_one_of_all_is_not() {
    let network = grid(4, vec![], &[]);
    // 4 5 6 7 is the second row; 5 to 6 is closed.
    let around = junctions(&network, &[id(5, 6)], [(4, 5), (6, 7)]).expect("a way");
    assert_eq!(around.len(), 6, "{around:?}");
    assert!(around == [4, 5, 1, 2, 6, 7] || around == [4, 5, 9, 10, 6, 7], "{around:?}");
    let all: Vec<_> = network.links.iter().map(|link| link.id).collect();
    assert_eq!(junctions(&network, &all, [(4, 5), (6, 7)]), None);
}

#[test]
fn turns_are_heeded_over_several_links_too() {
    let banned = vec![no_turn(&[5, 1, 2, 6], false), no_turn(&[4, 5, 9], false)];
    let network = grid(4, banned, &[]);
    let around = junctions(&network, &[id(5, 6)], [(4, 5), (6, 7)]).expect("a way");
    assert!(!around.windows(4).any(|w| w == [5, 1, 2, 6]) && !around.windows(3).any(|w| w == [4, 5, 9]));
    let only = vec![no_turn(&[4, 5, 1], true), no_turn(&[5, 1, 0], true), no_turn(&[4, 0, 1, 2], false)];
    let network = grid(4, only, &[]);
    let around = junctions(&network, &[id(5, 6)], [(4, 5), (6, 7)]).expect("a way");
    assert_eq!(around[..4], [4, 5, 1, 0], "{around:?}");
}

#[test]
fn a_way_around_keeps_out_of_quiet_streets_unless_it_ends_there() {
    let network = grid(4, vec![], &[(5, 1), (1, 2), (2, 6), (5, 9), (9, 10), (10, 6)]);
    // From junction 5 nothing but quiet streets leads on.
    assert_eq!(junctions(&network, &[id(5, 6)], [(4, 5), (7, 3)]), None);
    let around = junctions(&network, &[id(5, 6)], [(0, 4), (7, 3)]).expect("a way around the quarter");
    assert!(
        !around.windows(2).any(|w| [[5, 1], [1, 2], [5, 9], [9, 10]].iter().any(|q| w == q)),
        "{around:?}"
    );
    let into = junctions(&network, &[id(5, 6)], [(4, 5), (1, 2)]).expect("a way");
    assert_eq!(into, [4, 5, 1, 2]);
}

#[test]
fn nobody_turns_about_before_a_closure() {
    let network = grid(2, vec![], &[]);
    assert_eq!(junctions(&network, &[], [(0, 1), (3, 2)]), Some(vec![0, 1, 3, 2]));
    assert_eq!(junctions(&network, &[id(1, 3)], [(0, 1), (3, 2)]), None);
}

/// All paths without a place twice, of which the quickest is the answer; no histories, no queue.
fn naive(network: &RoadNetwork, shut: &[bool], [from, to]: [LinkIx; 2]) -> Option<f64> {
    struct Look<'a> {
        network: &'a RoadNetwork,
        shut: &'a [bool],
        to: LinkIx,
        best: Option<f64>,
    }
    fn breaks(all: &[Turn], turn: &Turn, path: &[LinkIx], next: LinkIx) -> bool {
        let mut lead = vec![turn.from];
        lead.extend(&turn.via);
        let alike = |other: &&Turn| other.only && (other.from, &other.via) == (turn.from, &turn.via);
        let allowed = all.iter().filter(alike).any(|other| other.to == next);
        path.ends_with(&lead) && if turn.only { !allowed } else { turn.to == next }
    }
    fn go(look: &mut Look<'_>, path: &mut Vec<LinkIx>, seconds: f64) {
        let last = *path.last().expect("a path has a start");
        if last == look.to && path.len() > 1 {
            look.best = Some(look.best.map_or(seconds, |best| best.min(seconds)));
            return;
        }
        if path.len() > 9 {
            return;
        }
        let link = &look.network.links[last.at()];
        let fits = |next: LinkIx| {
            look.network.links[next.at()].from == link.to
                && !look.shut[next.at()]
                && !look.network.turns.iter().any(|turn| breaks(&look.network.turns, turn, path, next))
        };
        let all = (0..look.network.links.len()).map(LinkIx::from_position);
        // No street of a grid ends.
        let ahead: Vec<_> = all.filter(|l| fits(*l) && link.opposite != Some(*l)).collect();
        for next in ahead {
            path.push(next);
            let step = undisturbed_s(look.network, next, Mode::Car);
            go(look, path, seconds + step);
            path.pop();
        }
    }
    let mut look = Look { network, shut, to, best: None };
    go(&mut look, &mut vec![from], undisturbed_s(network, from, Mode::Car));
    look.best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_way_is_as_quick_as_the_quickest_of_all_paths(
        shut in prop::collection::vec(prop::bool::weighted(0.2), 24),
        walks in prop::collection::vec((0_usize..24, prop::collection::vec(0_usize..4, 1..3), any::<bool>()), 0..5),
        ends in (0_usize..24, 0_usize..24),
    ) {
        let plain = grid(3, vec![], &[]);
        let detours = Detours::new(&plain);
        // Rules of turns along random walks.
        let turns = walks.iter().map(|(start, steps, only)| {
            let mut path = vec![LinkIx::from_position(*start)];
            for step in steps {
                let end = plain.links[path[path.len() - 1].at()].to;
                let onward = detours.leaving(end);
                path.push(onward[step % onward.len()]);
            }
            let name = |link: LinkIx| plain.links[link.at()].id;
            DraftTurn {
                from: name(path[0]),
                via: path[1..path.len() - 1].iter().map(|l| name(*l)).collect(),
                to: name(path[path.len() - 1]),
                only: *only,
                modes: Modes::ALL,
                hours: None,
            }
        });
        let network = grid(3, turns.collect(), &[]);
        prop_assume!(ends.0 != ends.1 && !shut[ends.0] && !shut[ends.1]);
        let ends = [LinkIx::from_position(ends.0), LinkIx::from_position(ends.1)];
        let permits = permits(&network);
        let is_shut = |link: LinkIx| shut[link.at()];
        let way = Detours::new(&network).way(&network, &permits, Mode::Car, &is_shut, ends);
        let expected = naive(&network, &shut, ends);
        // The naive search gives up on long paths.
        if expected.is_some() || way.as_ref().is_some_and(|way| way.links.len() <= 10) {
            let (got, expected) = (way.map(|w| w.cost).unwrap_or(-1.0), expected.unwrap_or(-2.0));
            prop_assert!((got - expected).abs() < 0.01, "{got} {expected}");
        }
    }
}
