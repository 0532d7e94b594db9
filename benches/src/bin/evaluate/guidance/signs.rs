//! Where the signs stand, by rule, so that another scenario gets its own.
//!
//! The ways of the file's own parking drivers, undisturbed, and of those who look on from one car park to each other. One sign
//! after the other is put where it is passed by most of them: a way with a sign counts half, with two a quarter, and not at all
//! within [`APART_S`] of one; nor within [`BEFORE_S`] of its car park, where there is nothing left to choose, nor where all ways
//! lead to the same one. A sign announces the [`LINES`] car parks that cost its readers least, by drive and walk.

use std::collections::BTreeMap;

use super::scenario::Scenario;

pub(super) const SIGNS: usize = 50;
/// What fits a face that is read at 50 km/h.
pub(super) const LINES: usize = 6;
const APART_S: f64 = 45.0;
const BEFORE_S: f64 = 40.0;
const SHORTEST_M: f64 = 30.0;
/// A way from one car park to another counts like so many drivers.
const SEARCHING: f64 = 2.0;

/// A sign on an edge, with its car parks by the time to them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Post {
    pub(super) edge: usize,
    pub(super) parks: Vec<usize>,
    /// Drivers of the file, looking for a space or looking on, who pass it.
    pub(super) readers: f64,
}

struct Way {
    park: usize,
    weight: f64,
    /// Edges, and seconds from the start of each to the car park.
    edges: Vec<(usize, f64)>,
    /// Where signs stand on it: seconds to the car park.
    signs: Vec<f64>,
}

pub(super) fn place(scenario: &Scenario) -> Vec<Post> {
    let mut ways = ways(scenario);
    let mut on: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, way) in ways.iter().enumerate() {
        for (edge, left_s) in &way.edges {
            if *left_s >= BEFORE_S && scenario.edges[*edge].length_m >= SHORTEST_M {
                on.entry(*edge).or_default().push(i);
            }
        }
    }
    on.retain(|_, over| over.iter().any(|way| ways[*way].park != ways[over[0]].park));
    let mut posts = Vec::new();
    while posts.len() < SIGNS {
        let gain =
            |edge: usize, over: &[usize]| -> f64 { over.iter().map(|way| ways[*way].gain(edge)).sum() };
        let best = on.iter().map(|(edge, over)| (*edge, gain(*edge, over)));
        // Of equals the first: edges are in their order.
        let best = best.reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((edge, _)) = best.filter(|(_, gain)| *gain > 0.0) else { break };
        let over = on.remove(&edge).unwrap_or_default();
        let parks = announced(scenario, edge, over.iter().map(|way| &ways[*way]));
        let readers = over.iter().map(|way| ways[*way].weight).sum();
        posts.push(Post { edge, parks, readers });
        for way in over {
            let left_s = ways[way].left(edge);
            ways[way].signs.extend(left_s);
        }
    }
    posts.sort_by_key(|post| post.edge);
    posts
}

impl Way {
    fn left(&self, edge: usize) -> Option<f64> {
        self.edges.iter().find(|(at, _)| *at == edge).map(|(_, left_s)| *left_s)
    }

    fn gain(&self, edge: usize) -> f64 {
        let Some(left_s) = self.left(edge) else { return 0.0 };
        if self.signs.iter().any(|sign| (sign - left_s).abs() < APART_S) {
            return 0.0;
        }
        self.weight * 0.5_f64.powi(i32::try_from(self.signs.len()).unwrap_or(30))
    }
}

fn ways(scenario: &Scenario) -> Vec<Way> {
    let parks = 0..scenario.parks.len();
    let recorded = scenario.trips.iter().filter_map(|trip| Some((trip.from, trip.park?, 1.0)));
    let between = parks.clone().flat_map(|from| {
        let others = parks.clone().filter(move |to| *to != from);
        others.map(move |to| (scenario.parks[from].edge, to, SEARCHING))
    });
    let way = |(from, park, weight): (usize, usize, f64)| {
        let edges = scenario.to[0][park].way(from).into_iter().map(|edge| edge as usize);
        let edges: Vec<_> = edges.map(|edge: usize| (edge, scenario.seconds(edge, park))).collect();
        Way { park, weight, edges, signs: Vec::new() }
    };
    recorded.chain(between).map(way).collect()
}

/// The car parks that cost the readers least, nearest first.
fn announced<'a>(scenario: &Scenario, edge: usize, over: impl Iterator<Item = &'a Way>) -> Vec<usize> {
    let mut wants = vec![0.0; scenario.parks.len()];
    over.for_each(|way| wants[way.park] += way.weight);
    let cost = |park: usize| {
        let walk = |to: usize| {
            let (a, b) = (scenario.parks[park].at, scenario.parks[to].at);
            super::demand::walk_s(a, b)
        };
        let all: f64 = wants.iter().sum();
        let walks: f64 = wants.iter().enumerate().map(|(to, weight)| weight * walk(to)).sum();
        scenario.seconds(edge, park) + walks / all.max(1.0)
    };
    let mut parks: Vec<usize> = (0..scenario.parks.len()).collect();
    parks.sort_by(|a, b| cost(*a).total_cmp(&cost(*b)).then(a.cmp(b)));
    parks.truncate(LINES);
    let time = |park: &usize| scenario.seconds(edge, *park);
    parks.sort_by(|a, b| time(a).total_cmp(&time(b)).then(a.cmp(b)));
    parks
}
