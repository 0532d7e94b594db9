//! Streets made of true routes, and the routes as shares of those streets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vlot_model::{LinkId, LinkIx, LonLat, RoadClass, RoadNetwork};
use vlot_network::{Draft, DraftLink, geo};

/// A route that begins nearer to a street than this begins on it.
const ON_STREET_M: f64 = 0.5;

/// A place as the file has it: degrees in units of 1e-9.
type Vertex = (i64, i64);

/// Which directions of a street there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directions {
    /// All.
    Both,
    /// Those that some route goes.
    Driven,
}

/// A network, and metres of each of its links that each route goes along.
pub(super) struct Streets {
    pub(super) network: Arc<RoadNetwork>,
    pub(super) routes: BTreeMap<String, BTreeMap<LinkIx, f64>>,
}

#[expect(clippy::cast_possible_truncation, reason = "degrees in units of 1e-9 fit i64")]
fn vertex(point: LonLat) -> Vertex {
    ((point.lon * 1e9).round() as i64, (point.lat * 1e9).round() as i64)
}

fn place((lon, lat): Vertex) -> LonLat {
    LonLat { lon: lon as f64 / 1e9, lat: lat as f64 / 1e9 }
}

/// The streets between places where routes part, join, turn back, begin or end.
pub(super) fn streets(truth: &BTreeMap<String, Vec<Vec<LonLat>>>, directions: Directions) -> Streets {
    let lines: Vec<(&String, Vec<Vertex>)> = truth
        .iter()
        .flat_map(|(id, parts)| parts.iter().map(move |part| (id, part)))
        .map(|(id, part)| {
            let mut line: Vec<_> = part.iter().copied().map(vertex).collect();
            line.dedup();
            (id, line)
        })
        .filter(|(_, line)| line.len() > 1)
        .collect();
    let ends: BTreeSet<Vertex> = lines.iter().flat_map(|(_, line)| [line[0], line[line.len() - 1]]).collect();
    let split = splits(&lines, &ends);
    let lines: Vec<(&String, Vec<Vertex>)> =
        lines.into_iter().map(|(id, line)| (id, through(&line, &split))).collect();
    let mut stops = ends;
    let mut beside: BTreeMap<Vertex, BTreeSet<Vertex>> = BTreeMap::new();
    let mut driven: BTreeSet<(Vertex, Vertex)> = BTreeSet::new();
    for (_, line) in &lines {
        for ab in line.windows(2) {
            beside.entry(ab[0]).or_default().insert(ab[1]);
            beside.entry(ab[1]).or_default().insert(ab[0]);
            driven.insert((ab[0], ab[1]));
        }
        stops.extend(line.windows(3).filter(|abc| abc[0] == abc[2]).map(|abc| abc[1]));
    }
    stops.extend(beside.iter().filter(|(_, beside)| beside.len() != 2).map(|(v, _)| *v));

    // Each straight piece in each direction, and the street that it belongs to.
    let mut belongs: BTreeMap<(Vertex, Vertex), LinkId> = BTreeMap::new();
    let mut draft = Draft::new("true routes");
    let mut numbers: BTreeMap<Vertex, i64> = BTreeMap::new();
    let mut chains = 0;
    // Circles without a stop come last: they begin anywhere.
    for start in stops.iter().chain(beside.keys()) {
        for next in &beside[start] {
            if belongs.contains_key(&(*start, *next)) {
                continue;
            }
            let chain = chain(*start, *next, &beside, &stops);
            let mut node = |v: Vertex| {
                let next = numbers.len() as i64;
                *numbers.entry(v).or_insert(next)
            };
            let nodes = [node(chain[0]), node(chain[chain.len() - 1])];
            let back: Vec<_> = chain.iter().rev().copied().collect();
            let ids = [DraftLink::id_of(chains, nodes, 0), DraftLink::id_of(chains, [nodes[1], nodes[0]], 1)];
            chains += 1;
            for (way, line) in [chain, back].into_iter().enumerate() {
                let there = line.windows(2).all(|ab| driven.contains(&(ab[0], ab[1])));
                line.windows(2).for_each(|ab| {
                    belongs.entry((ab[0], ab[1])).or_insert(ids[way]);
                });
                if directions == Directions::Both || there {
                    let nodes = if way == 0 { nodes } else { [nodes[1], nodes[0]] };
                    draft.link(DraftLink {
                        points: line.into_iter().map(place).collect(),
                        opposite: Some(ids[1 - way]),
                        ..DraftLink::new(nodes, ids[way].0, RoadClass::Unclassified)
                    });
                }
            }
        }
    }
    let network = draft.make().network;
    let mut routes: BTreeMap<String, BTreeMap<LinkIx, f64>> = BTreeMap::new();
    for (id, line) in &lines {
        let route = routes.entry((*id).clone()).or_default();
        for ab in line.windows(2) {
            let link = belongs.get(&(ab[0], ab[1])).and_then(|id| network.find(*id));
            *route.entry(link.unwrap_or(LinkIx(u32::MAX))).or_default() +=
                geo::distance_m(place(ab[0]), place(ab[1]));
        }
    }
    Streets { network: Arc::new(network), routes }
}

/// From a stop along a street to the next one.
fn chain(
    start: Vertex,
    next: Vertex,
    beside: &BTreeMap<Vertex, BTreeSet<Vertex>>,
    stops: &BTreeSet<Vertex>,
) -> Vec<Vertex> {
    let mut chain = vec![start, next];
    loop {
        let (before, here) = (chain[chain.len() - 2], chain[chain.len() - 1]);
        if here == start || stops.contains(&here) {
            return chain;
        }
        match beside[&here].iter().find(|v| **v != before) {
            Some(on) => chain.push(*on),
            None => return chain,
        }
    }
}

/// Where routes begin or end within straight pieces of others: those pieces, each with the places within it in order.
fn splits(
    lines: &[(&String, Vec<Vertex>)],
    ends: &BTreeSet<Vertex>,
) -> BTreeMap<(Vertex, Vertex), Vec<Vertex>> {
    let pieces: BTreeSet<(Vertex, Vertex)> = lines
        .iter()
        .flat_map(|(_, line)| line.windows(2).map(|ab| (ab[0].min(ab[1]), ab[0].max(ab[1]))))
        .collect();
    let mut found: BTreeMap<(Vertex, Vertex), Vec<(f64, Vertex)>> = BTreeMap::new();
    for end in ends {
        for (a, b) in pieces.iter().filter(|(a, b)| a != end && b != end) {
            let (line, point) = ([place(*a), place(*b)], place(*end));
            // A degree of latitude is 111 km: most pieces are nowhere near.
            let box_m = 0.001;
            if (line[0].lat.min(line[1].lat) - box_m..line[0].lat.max(line[1].lat) + box_m)
                .contains(&point.lat)
                && let Some(at) = geo::project(&line, point)
                && at.distance_m < ON_STREET_M
                && at.along_m > 0.01
                && at.along_m < geo::length_m(&line) - 0.01
            {
                found.entry((*a, *b)).or_default().push((at.along_m, *end));
            }
        }
    }
    found
        .into_iter()
        .map(|(piece, mut within)| {
            within.sort_by(|a, b| a.0.total_cmp(&b.0));
            (piece, within.into_iter().map(|(_, v)| v).collect())
        })
        .collect()
}

fn through(line: &[Vertex], split: &BTreeMap<(Vertex, Vertex), Vec<Vertex>>) -> Vec<Vertex> {
    let mut out = vec![line[0]];
    for ab in line.windows(2) {
        let (a, b) = (ab[0], ab[1]);
        if let Some(within) = split.get(&(a.min(b), a.max(b))) {
            if a < b {
                out.extend(within);
            } else {
                out.extend(within.iter().rev());
            }
        }
        out.push(b);
    }
    out.dedup();
    out
}
