//! How connected a network is: the largest part in which every link can be reached from every other.

use vlot_model::{LinkIx, Mode, Permission, RoadNetwork};

use crate::report::Island;

/// For a mode, over all links that it may use at some time; turns are not looked at.
pub(crate) fn largest(network: &RoadNetwork, mode: Mode) -> Island {
    let usable: Vec<bool> =
        (0..network.links.len()).map(|i| may(network, LinkIx::from_position(i), mode)).collect();
    let parts = parts(network, &usable);
    let mut sizes = vec![0_usize; network.nodes.len()];
    for (link, _) in network.links.iter().zip(&usable).filter(|(_, usable)| **usable) {
        let part = parts.get(link.from.at()).copied();
        if part.is_some()
            && part == parts.get(link.to.at()).copied()
            && let Some(size) = part.and_then(|part| sizes.get_mut(part))
        {
            *size += 1;
        }
    }
    Island {
        mode,
        links: usable.iter().filter(|usable| **usable).count(),
        in_largest: sizes.into_iter().max().unwrap_or(0),
    }
}

/// Whether a mode may use a link at some time.
pub(super) fn may(network: &RoadNetwork, link: LinkIx, mode: Mode) -> bool {
    let access = network.link(link).and_then(|link| network.access.get(link.access as usize));
    access.is_some_and(|access| {
        let timed = access.rules.iter().any(|r| r.modes.has(mode) && r.permission != Permission::No);
        timed || access.usual(mode) != Permission::No
    })
}

/// The strongly connected part that each node is in (Tarjan's, without recursion).
fn parts(network: &RoadNetwork, usable: &[bool]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let n = network.nodes.len();
    let mut out = vec![Vec::new(); n];
    for (link, _) in network.links.iter().zip(usable).filter(|(_, usable)| **usable) {
        out[link.from.at()].push(link.to.at());
    }
    let (mut index, mut low, mut part) = (vec![NONE; n], vec![NONE; n], vec![NONE; n]);
    let (mut stack, mut calls, mut next, mut next_part) = (Vec::new(), Vec::new(), 0, 0);
    for root in 0..n {
        if index[root] != NONE {
            continue;
        }
        calls.push((root, 0));
        while let Some((node, at)) = calls.pop() {
            if at == 0 {
                (index[node], low[node]) = (next, next);
                next += 1;
                stack.push(node);
            }
            if let Some(&to) = out[node].get(at) {
                calls.push((node, at + 1));
                if index[to] == NONE {
                    calls.push((to, 0));
                } else if part[to] == NONE {
                    low[node] = low[node].min(index[to]);
                }
                continue;
            }
            if low[node] == index[node] {
                while let Some(top) = stack.pop() {
                    part[top] = next_part;
                    if top == node {
                        break;
                    }
                }
                next_part += 1;
            }
            if let Some(&(caller, _)) = calls.last() {
                low[caller] = low[caller].min(low[node]);
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vlot_model::{LonLat, RoadClass};
    use vlot_network::{Draft, DraftLink};

    fn network(links: &[(i64, i64)]) -> RoadNetwork {
        let mut draft = Draft::new("test");
        for (i, (from, to)) in links.iter().enumerate() {
            let at = |n: i64| LonLat { lon: 4.7 + n as f64 / 1_000.0, lat: 50.88 };
            let points = vec![at(*from), at(*to)];
            draft
                .link(DraftLink { points, ..DraftLink::new([*from, *to], i as u64 + 1, RoadClass::Primary) });
        }
        draft.make().network
    }

    #[test]
    fn a_trap_and_an_island_are_not_connected() {
        let got = largest(&network(&[(1, 2), (2, 3), (3, 1), (3, 4), (5, 6), (6, 5)]), Mode::Car);
        assert_eq!((got.links, got.in_largest), (6, 3));
        assert_eq!(largest(&network(&[]), Mode::Car).share(), None);
    }

    proptest! {
        #[test]
        fn parts_are_what_walking_both_ways_finds(links in prop::collection::vec((0_i64..9, 0_i64..9), 1..25)) {
            let network = network(&links);
            let n = network.nodes.len();
            let mut reach = vec![vec![false; n]; n];
            for (i, row) in reach.iter_mut().enumerate() {
                row[i] = true;
            }
            for _ in 0..n {
                for link in &network.links {
                    for row in &mut reach {
                        row[link.to.at()] |= row[link.from.at()];
                    }
                }
            }
            let parts = parts(&network, &vec![true; network.links.len()]);
            for a in 0..n {
                for b in 0..n {
                    prop_assert_eq!(parts[a] == parts[b], reach[a][b] && reach[b][a]);
                }
            }
        }
    }
}
