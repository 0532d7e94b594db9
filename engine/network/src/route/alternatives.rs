//! Other good ways, by via nodes: Abraham, Delling, Goldberg and Werneck, "Alternative Routes in Road Networks" (JEA 2013).
//!
//! Where both sides of the search meet, a way over that node is a candidate. One is taken that is not much slower than the
//! fastest, shares not much with what is taken already, and makes no detour around its via node: the piece around it is
//! itself a fastest way.

use rustc_hash::FxHashSet;

use super::NEVER_MS;
use super::router::{How, Router, Scratch, Way};

/// Not slower than the fastest by more than this share of it,
const SLOWER: f64 = 0.4;
/// nor sharing with one that was taken more than this share of the fastest,
const SHARED: f64 = 0.7;
/// and a fastest way for this share of the fastest to either side of the via node.
const FASTEST: f64 = 0.2;
/// So many candidates are unpacked at most.
const LOOKED_AT: usize = 60;

/// Up to `most` alternatives to the fastest, fastest first. The search is still as it was when the fastest was found.
pub(super) fn ranked(router: &Router, scratch: &mut Scratch, best: &Way, most: usize) -> Vec<Way> {
    if best.states.is_empty() {
        return Vec::new();
    }
    let limit = f64::from(best.ms) * (1.0 + SLOWER);
    let mut meetings: Vec<_> = scratch.search.meetings().filter(|(ms, _)| f64::from(*ms) <= limit).collect();
    meetings.sort_unstable();
    let mut seen = FxHashSet::default();
    let state_of = &router.streets.hierarchy.state_of;
    let ways: Vec<_> = meetings
        .into_iter()
        .filter(|(_, node)| !best.states.contains(&state_of[*node as usize]))
        .take(LOOKED_AT)
        .filter_map(|(ms, node)| Some((router.way(scratch, ms, How::Over(node))?, state_of[node as usize])))
        .filter(|(way, _)| seen.insert(way.states.clone()))
        .collect();
    let mut taken: Vec<Way> = Vec::new();
    for (way, via) in ways {
        if taken.len() == most {
            break;
        }
        let distinct = [best]
            .into_iter()
            .chain(&taken)
            .all(|other| f64::from(shared_ms(router, &way, other)) <= f64::from(best.ms) * SHARED);
        if distinct && simple(router, &way) && direct(router, scratch, &way, via, best.ms) {
            taken.push(way);
        }
    }
    taken
}

/// Milliseconds on links that another way uses too.
fn shared_ms(router: &Router, way: &Way, other: &Way) -> u32 {
    let links = |way: &Way| {
        way.states.iter().map(|state| router.streets.graph.link_of[*state as usize]).collect::<Vec<_>>()
    };
    let others: FxHashSet<_> = links(other).into_iter().collect();
    let shared = way.states.iter().zip(links(way)).filter(|(_, link)| others.contains(link));
    shared.map(|(state, _)| router.weights.state_ms[*state as usize]).fold(0, u32::saturating_add)
}

/// Whether no street is used twice, in either direction.
fn simple(router: &Router, way: &Way) -> bool {
    let graph = &router.streets.graph;
    let mut seen = FxHashSet::default();
    way.states.iter().all(|state| {
        let link = graph.link_of[*state as usize];
        let opposite = graph.network.links[link.at()].opposite;
        seen.insert(link) && opposite.is_none_or(|opposite| !seen.contains(&opposite))
    })
}

/// Whether the piece of a way around its via node is a fastest way.
fn direct(router: &Router, scratch: &mut Scratch, way: &Way, via: u32, best_ms: u32) -> bool {
    let (graph, h) = (&router.streets.graph, &router.streets.hierarchy);
    let Some(at) = way.states.iter().position(|state| *state == via) else { return false };
    let reach = f64::from(best_ms) * FASTEST;
    let ms_of = |pair: &[u32]| {
        let arc = graph.arcs_from(pair[0]).find(|arc| graph.head[*arc as usize] == pair[1]);
        arc.map_or(NEVER_MS, |arc| router.weights.through_ms(graph, arc))
    };
    let (mut first, mut last, mut piece_ms) = (at, at, 0_u32);
    let mut side_ms = 0_u32;
    while first > 0 && f64::from(side_ms) < reach {
        // What it takes to come to a through state from another; local ones are no part of the search.
        let ms = ms_of(&way.states[first - 1..=first]);
        if ms >= NEVER_MS || !router.weights.through[way.states[first - 1] as usize] {
            break;
        }
        (side_ms, first) = (side_ms + ms, first - 1);
    }
    piece_ms += side_ms;
    side_ms = 0;
    while last + 1 < way.states.len() && f64::from(side_ms) < reach {
        let ms = ms_of(&way.states[last..=last + 1]);
        if ms >= NEVER_MS {
            break;
        }
        (side_ms, last) = (side_ms + ms, last + 1);
    }
    piece_ms += side_ms;
    let node = |i: usize| h.rank_of[way.states[i] as usize];
    let found = scratch.search.run(h, &router.metric, &[(node(first), 0)], &[(node(last), 0)]);
    found.is_some_and(|(ms, _)| ms == piece_ms)
}
