//! Which links can be reached from everywhere and lead everywhere: the largest part of a network, beside islands and traps.

use vlot_model::{LinkIx, RoadNetwork};

/// For each link, whether it is in the largest part (by length) whose links all lead to one another over links that are
/// `usable`; of two as long, the one that holds the first link.
#[must_use]
pub fn largest_part(network: &RoadNetwork, usable: impl Fn(LinkIx) -> bool) -> Vec<bool> {
    let links = || network.links.iter().enumerate().map(|(at, link)| (LinkIx::from_position(at), link));
    let mut out = vec![Vec::new(); network.nodes.len()];
    for (ix, link) in links().filter(|(ix, _)| usable(*ix)) {
        if let Some(out) = out.get_mut(link.from.at()) {
            out.push((link.to.at(), ix));
        }
    }
    let part = parts(&out);
    let mut lengths = vec![0.0_f64; network.nodes.len()];
    let within = |ix: LinkIx| {
        let link = network.link(ix).filter(|_| usable(ix))?;
        let (from, to) = (*part.get(link.from.at())?, *part.get(link.to.at())?);
        (from == to).then_some((from, link.length_m))
    };
    for (ix, _) in links() {
        if let Some((part, length_m)) = within(ix) {
            lengths[part] += f64::from(length_m);
        }
    }
    let mut best: Option<usize> = None;
    for part in links().filter_map(|(ix, _)| within(ix)).map(|(part, _)| part) {
        if best.is_none_or(|best| lengths[part] > lengths[best]) {
            best = Some(part);
        }
    }
    links().map(|(ix, _)| within(ix).is_some_and(|(part, _)| Some(part) == best)).collect()
}

/// The strongly connected part of each junction (Tarjan, without recursion: a city is deeper than a stack).
fn parts(out: &[Vec<(usize, LinkIx)>]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let n = out.len();
    let (mut order, mut low, mut part) = (vec![NEW; n], vec![0; n], vec![NEW; n]);
    let (mut next, mut parts) = (0, 0);
    let (mut open, mut calls) = (Vec::new(), Vec::new());
    for start in 0..n {
        if order[start] != NEW {
            continue;
        }
        calls.push((start, 0));
        while let Some((node, at)) = calls.pop() {
            if at == 0 {
                (order[node], low[node]) = (next, next);
                next += 1;
                open.push(node);
            }
            if let Some((to, _)) = out[node].get(at).copied() {
                calls.push((node, at + 1));
                if order[to] == NEW {
                    calls.push((to, 0));
                } else if part[to] == NEW {
                    low[node] = low[node].min(order[to]);
                }
                continue;
            }
            if let Some((caller, _)) = calls.last() {
                low[*caller] = low[*caller].min(low[node]);
            }
            if low[node] == order[node] {
                while let Some(member) = open.pop() {
                    part[member] = parts;
                    if member == node {
                        break;
                    }
                }
                parts += 1;
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vlot_model::{LonLat, RoadClass};

    use super::*;
    use crate::{Draft, DraftLink};

    fn network(links: &[[i64; 2]]) -> RoadNetwork {
        let mut draft = Draft::new("test");
        for (i, nodes) in links.iter().enumerate() {
            let points = nodes.map(|n| LonLat { lon: 4.7 + n as f64 / 1_000.0, lat: 50.88 }).to_vec();
            draft.link(DraftLink { points, ..DraftLink::new(*nodes, i as u64 + 1, RoadClass::Primary) });
        }
        draft.make().network
    }

    #[test]
    fn islands_and_traps_are_not_of_the_largest_part() {
        // A ring 0-1-2, a trap 2 -> 3, a way in 4 -> 0, an island 5-6.
        let net = network(&[[0, 1], [1, 2], [2, 0], [2, 3], [4, 0], [5, 6], [6, 5]]);
        let whole = largest_part(&net, |_| true);
        assert_eq!(whole, [true, true, true, false, false, false, false]);
        let cut = largest_part(&net, |link| link != LinkIx(1));
        assert_eq!(cut, [false, false, false, false, false, true, true]);
        assert_eq!(largest_part(&network(&[]), |_| true), [] as [bool; 0]);
    }

    proptest! {
        #[test]
        fn every_link_of_it_leads_to_every_other(
            pairs in prop::collection::btree_set((0i64..9, 0i64..9), 1..30),
        ) {
            let links: Vec<_> = pairs.iter().filter(|(a, b)| a != b).map(|(a, b)| [*a, *b]).collect();
            let net = network(&links);
            let n = net.nodes.len();
            let mut leads = vec![vec![false; n]; n];
            for link in &net.links {
                leads[link.from.at()][link.to.at()] = true;
            }
            for via in 0..n {
                for a in 0..n {
                    for b in 0..n {
                        leads[a][b] |= leads[a][via] && leads[via][b];
                    }
                }
            }
            let both = |link: &vlot_model::Link| leads[link.to.at()][link.from.at()];
            let got = largest_part(&net, |_| true);
            let inside: Vec<_> = net.links.iter().zip(&got).filter(|(_, in_it)| **in_it).map(|(l, _)| l).collect();
            for (link, in_it) in net.links.iter().zip(&got) {
                if *in_it {
                    prop_assert!(both(link) && inside.iter().all(|o| leads[link.to.at()][o.from.at()]));
                } else if let Some(one) = inside.first() {
                    prop_assert!(!(both(link) && leads[link.to.at()][one.from.at()] && leads[one.to.at()][link.from.at()]));
                } else {
                    prop_assert!(!both(link));
                }
            }
        }
    }
}
