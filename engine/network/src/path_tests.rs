use proptest::prelude::*;
use vlot_model::{Access, LinkId, LonLat, Modes, RoadClass};

use super::*;
use crate::{Draft, DraftLink, DraftTurn};

/// A network of `[from, to]` junctions on a line, each link one second long, its lasting name its position from 1.
fn network(links: &[([i64; 2], Permission)], turns: &[(u64, &[u64], u64, bool)]) -> RoadNetwork {
    let mut draft = Draft::new("test");
    for (i, (nodes, permission)) in links.iter().enumerate() {
        let points = nodes.map(|n| LonLat { lon: 4.7 + n as f64 / 1_000.0, lat: 50.88 }).to_vec();
        let access = Access { always: [*permission; 4], ..Access::default() };
        let back = links.iter().position(|(other, _)| *other == [nodes[1], nodes[0]]);
        let opposite = back.map(|at| LinkId(at as u64 + 1));
        let link = DraftLink::new(*nodes, i as u64 + 1, RoadClass::Primary);
        draft.link(DraftLink { points, access, opposite, ..link });
    }
    for (from, via, to, only) in turns {
        draft.turn(DraftTurn {
            from: LinkId(*from),
            via: via.iter().map(|id| LinkId(*id)).collect(),
            to: LinkId(*to),
            only: *only,
            modes: Modes::NONE.with(Mode::Car),
            hours: None,
        });
    }
    let made = draft.make();
    assert_eq!(made.refused, []);
    made.network
}

/// The way from one link to another by lasting names.
fn way(network: &RoadNetwork, mode: Mode, from: u64, to: u64) -> Option<Vec<u64>> {
    let ix = |id| network.find(LinkId(id)).expect("a link");
    let path = shortest(network, None, mode, ix(from), ix(to), |_| Some(1.0))?;
    #[expect(clippy::cast_precision_loss, reason = "a few links")]
    let links = path.links.len() as f64;
    assert!((path.cost - links).abs() < 1e-9);
    Some(path.links.iter().map(|link| network.links[link.at()].id.0).collect())
}

const YES: Permission = Permission::Yes;

#[test]
fn a_forbidden_turn_is_driven_around_and_binds_only_whom_it_names() {
    // 0 -> 1 -> 2, and a block 1 -> 3 -> 4 -> 1 beside it.
    let links = [([0, 1], YES), ([1, 2], YES), ([1, 3], YES), ([3, 4], YES), ([4, 1], YES), ([1, 5], YES)];
    let open = network(&links, &[]);
    assert_eq!(way(&open, Mode::Car, 1, 2), Some(vec![1, 2]));
    let banned = network(&links, &[(1, &[], 2, false)]);
    assert_eq!(way(&banned, Mode::Car, 1, 2), Some(vec![1, 3, 4, 5, 2]));
    assert_eq!(way(&banned, Mode::Bicycle, 1, 2), Some(vec![1, 2]));
    let only = network(&links, &[(1, &[], 6, true)]);
    assert_eq!(way(&only, Mode::Car, 1, 2), None);
    assert_eq!(way(&only, Mode::Car, 1, 6), Some(vec![1, 6]));
}

#[test]
fn a_turn_over_several_links_binds_who_comes_from_its_start() {
    // 0 -> 1 and 9 -> 1, then 1 -> 2 -> 3 or 1 -> 2 -> 4 -> 3.
    let links = [
        ([0, 1], YES),
        ([9, 1], YES),
        ([1, 2], YES),
        ([2, 3], YES),
        ([2, 4], YES),
        ([4, 3], YES),
        ([3, 5], YES),
    ];
    let banned = network(&links, &[(1, &[3], 4, false)]);
    assert_eq!(way(&banned, Mode::Car, 1, 7), Some(vec![1, 3, 5, 6, 7]));
    assert_eq!(way(&banned, Mode::Car, 2, 7), Some(vec![2, 3, 4, 7]));
    let only = network(&links, &[(2, &[3], 5, true)]);
    assert_eq!(way(&only, Mode::Car, 1, 7), Some(vec![1, 3, 4, 7]));
    assert_eq!(way(&only, Mode::Car, 2, 7), Some(vec![2, 3, 5, 6, 7]));
}

#[test]
fn streets_for_destinations_are_no_through_way_but_a_beginning_and_an_end() {
    let d = Permission::Destination;
    let links =
        [([0, 1], YES), ([1, 2], d), ([2, 3], d), ([3, 4], YES), ([1, 5], YES), ([5, 6], YES), ([6, 3], YES)];
    let net = network(&links, &[]);
    assert_eq!(way(&net, Mode::Car, 1, 4), Some(vec![1, 5, 6, 7, 4]));
    assert_eq!(way(&net, Mode::Car, 1, 3), Some(vec![1, 2, 3]));
    assert_eq!(way(&net, Mode::Car, 2, 4), Some(vec![2, 3, 4]));
    let closed = network(&[([0, 1], YES), ([1, 2], Permission::No), ([2, 3], YES)], &[]);
    assert_eq!(way(&closed, Mode::Car, 1, 3), None);
}

#[test]
fn whoever_goes_turns_round_where_the_street_ends() {
    let links = [([0, 1], YES), ([1, 0], YES), ([1, 2], YES), ([2, 1], YES)];
    let net = network(&links, &[]);
    assert_eq!(way(&net, Mode::Car, 1, 2), Some(vec![1, 3, 4, 2]));
    assert_eq!(way(&net, Mode::Foot, 1, 2), Some(vec![1, 3, 4, 2]));
}

#[test]
fn what_is_closed_or_unknown_has_no_way() {
    let net = network(&[([0, 1], YES), ([1, 2], YES)], &[]);
    let [a, b] = [1, 2].map(|id| net.find(LinkId(id)).expect("a link"));
    let shut = |link| (link != b).then_some(1.0);
    assert_eq!(shortest(&net, None, Mode::Car, a, b, shut), None);
    assert_eq!(shortest(&net, None, Mode::Car, a, LinkIx(9), |_| Some(1.0)), None);
    assert_eq!(shortest(&net, None, Mode::Car, LinkIx(9), a, |_| Some(1.0)), None);
    assert_eq!(shortest(&net, None, Mode::Car, a, b, |_| Some(f64::NAN)), None);
}

/// All links' costs from one, by relaxing every turn until nothing changes.
fn naive(net: &RoadNetwork, from: LinkIx, weights: &[f64]) -> Vec<f64> {
    let mut cost = vec![f64::INFINITY; net.links.len()];
    cost[from.at()] = weights[from.at()];
    loop {
        let mut changed = false;
        for (a, before) in net.links.iter().enumerate() {
            let onward = |other: &vlot_model::Link| other.from == before.to;
            for b in (0..net.links.len()).filter(|b| onward(&net.links[*b])) {
                let from_a = || net.turns.iter().filter(|t| t.from.at() == a);
                // Several that each allow one way alone allow all of theirs.
                let only = from_a().any(|t| t.only) && !from_a().any(|t| t.only && t.to.at() == b);
                let banned = only || from_a().any(|t| !t.only && t.to.at() == b);
                if !banned && cost[a] + weights[b] < cost[b] - 1e-9 {
                    cost[b] = cost[a] + weights[b];
                    changed = true;
                }
            }
        }
        if !changed {
            return cost;
        }
    }
}

proptest! {
    #[test]
    fn no_way_is_cheaper_than_the_one_found(
        pairs in prop::collection::btree_set((0i64..8, 0i64..8), 4..24),
        bans in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 0..6),
        weights in prop::collection::vec(0.0..9.0_f64, 24),
    ) {
        // One way only of each street, so that no turn back is at stake.
        let links: Vec<_> = pairs.iter().filter(|(a, b)| a != b && !(a > b && pairs.contains(&(*b, *a))))
            .map(|(a, b)| ([*a, *b], YES)).collect();
        let mut turns = Vec::new();
        for (from, to, only) in &bans {
            if links.is_empty() { continue }
            let from = from.index(links.len());
            let next: Vec<_> = (0..links.len()).filter(|at| links[*at].0[0] == links[from].0[1]).collect();
            if !next.is_empty() {
                turns.push((from as u64 + 1, [].as_slice(), next[to.index(next.len())] as u64 + 1, *only));
            }
        }
        let net = network(&links, &turns);
        for from in (0..net.links.len()).map(LinkIx::from_position) {
            let costs = naive(&net, from, &weights);
            for to in (0..net.links.len()).map(LinkIx::from_position) {
                match shortest(&net, None, Mode::Car, from, to, |link| Some(weights[link.at()])) {
                    Some(path) => prop_assert!((path.cost - costs[to.at()]).abs() < 1e-6),
                    None => prop_assert!(costs[to.at()].is_infinite()),
                }
            }
        }
    }
}
