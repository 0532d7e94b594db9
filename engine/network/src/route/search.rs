//! Queries up the elimination tree from both sides, and the arcs that shortcuts stand for.

use std::ops::Range;

use super::hierarchy::Hierarchy;
use super::metric::Metric;
use super::{NEVER_MS, NONE};

/// One direction of a search: upwards from its starts, over arcs as they lead up (0), or against those that lead down (1).
#[derive(Clone, Debug, Default)]
pub(super) struct Sweep {
    /// Milliseconds to each node; [`NEVER_MS`] where it did not come.
    pub(super) ms: Vec<u32>,
    /// The arc by which; [`NONE`] at a start.
    pub(super) by: Vec<u32>,
    /// The nodes above the starts, those that lead to others before them.
    pub(super) nodes: Vec<u32>,
    chain: Vec<u32>,
    pieces: Vec<Range<usize>>,
    above: Vec<bool>,
}

impl Sweep {
    pub(super) fn new(h: &Hierarchy) -> Self {
        Sweep {
            ms: vec![NEVER_MS; h.nodes()],
            by: vec![NONE; h.nodes()],
            above: vec![false; h.nodes()],
            ..Sweep::default()
        }
    }

    /// From nodes, each with what it takes to it. `side`: 0 along the arcs, 1 against them.
    pub(super) fn run(&mut self, h: &Hierarchy, metric: &Metric, side: usize, starts: &[(u32, u32)]) {
        for x in self.nodes.drain(..) {
            self.ms[x as usize] = NEVER_MS;
            self.above[x as usize] = false;
        }
        self.chain.clear();
        self.pieces.clear();
        for (start, ms) in starts {
            let known = &mut self.ms[*start as usize];
            *known = (*known).min(*ms);
            self.by[*start as usize] = NONE;
            let (mut x, from) = (*start, self.chain.len());
            while x != NONE && !std::mem::replace(&mut self.above[x as usize], true) {
                self.chain.push(x);
                x = h.parent[x as usize];
            }
            self.pieces.push(from..self.chain.len());
        }
        // A later piece ends below an earlier one, never above it.
        for piece in self.pieces.iter().rev() {
            self.nodes.extend_from_slice(&self.chain[piece.clone()]);
        }
        for x in &self.nodes {
            let here = self.ms[*x as usize];
            if here >= NEVER_MS {
                continue;
            }
            let arcs = h.up(*x);
            let heads = &h.up_head[arcs.clone()];
            for ((arc, y), ms) in arcs.clone().zip(heads).zip(&metric.ms[arcs]) {
                let there = here + ms[side];
                if there < self.ms[*y as usize] {
                    self.ms[*y as usize] = there;
                    self.by[*y as usize] = super::id(arc);
                }
            }
        }
    }

    /// What it takes to a node: nothing stale, for it may not be above any start.
    fn to(&self, node: u32) -> u32 {
        if self.above[node as usize] { self.ms[node as usize] } else { NEVER_MS }
    }
}

/// Both directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    pub(super) forth: Sweep,
    pub(super) back: Sweep,
}

impl Search {
    pub(super) fn new(h: &Hierarchy) -> Self {
        Search { forth: Sweep::new(h), back: Sweep::new(h) }
    }

    /// The least it takes from a start to an end, and the node where both sides meet. The starts and ends are nodes, each with
    /// what it takes to or from it.
    pub(super) fn run(
        &mut self,
        h: &Hierarchy,
        metric: &Metric,
        starts: &[(u32, u32)],
        ends: &[(u32, u32)],
    ) -> Option<(u32, u32)> {
        self.forth.run(h, metric, 0, starts);
        self.back.run(h, metric, 1, ends);
        self.meetings().min()
    }

    /// All nodes where both sides meet, with what a way over each takes.
    pub(super) fn meetings(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let over = |x: &u32| (self.forth.to(*x) + self.back.ms[*x as usize], *x);
        self.back.nodes.iter().map(over).filter(|(ms, _)| *ms < NEVER_MS)
    }

    /// The states of the way over a node where both sides meet.
    pub(super) fn way(
        &self,
        h: &Hierarchy,
        metric: &Metric,
        over: u32,
        input_ms: impl Fn(u32) -> u32,
        head: &[u32],
    ) -> Vec<u32> {
        let (mut x, mut arcs) = (over, Vec::new());
        while self.forth.by[x as usize] != NONE {
            let arc = self.forth.by[x as usize] as usize;
            arcs.push((arc, 0));
            x = h.up_tail[arc];
        }
        arcs.reverse();
        let mut states = vec![h.state_of[x as usize]];
        x = over;
        while self.back.by[x as usize] != NONE {
            let arc = self.back.by[x as usize] as usize;
            arcs.push((arc, 1));
            x = h.up_tail[arc];
        }
        arcs.reverse();
        // A stack: the next arc is its last; each is its own turn, or the two sides of a lower triangle.
        while let Some((arc, side)) = arcs.pop() {
            let ms = metric.ms[arc][side];
            let own = h.inputs(arc).find(|(turn, down)| *down == side && input_ms(*turn) == ms);
            if let Some((turn, _)) = own {
                states.push(head[turn as usize]);
                continue;
            }
            let sides = h.lower_triangles(arc).find(|[low, high]| {
                let (low, high) = (metric.ms[*low], metric.ms[*high]);
                ms == if side == 0 { low[1] + high[0] } else { high[1] + low[0] }
            });
            let Some([low, high]) = sides else { continue };
            if side == 0 {
                arcs.extend([(high, 0), (low, 1)]);
            } else {
                arcs.extend([(low, 0), (high, 1)]);
            }
        }
        states
    }
}
