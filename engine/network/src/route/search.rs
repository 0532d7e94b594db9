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
    /// Where it began.
    pub(super) starts: Vec<(u32, u32)>,
    /// The nodes above the starts, those that lead to others before them.
    pub(super) nodes: Vec<u32>,
    chain: Vec<u32>,
    pieces: Vec<Range<usize>>,
    above: Vec<bool>,
}

impl Sweep {
    pub(super) fn new(h: &Hierarchy) -> Self {
        Sweep { ms: vec![NEVER_MS; h.nodes()], above: vec![false; h.nodes()], ..Sweep::default() }
    }

    /// From nodes, each with what it takes to it. `side`: 0 along the arcs, 1 against them.
    pub(super) fn run(&mut self, h: &Hierarchy, metric: &Metric, side: usize, starts: &[(u32, u32)]) {
        for x in self.nodes.drain(..) {
            self.ms[x as usize] = NEVER_MS;
            self.above[x as usize] = false;
        }
        self.chain.clear();
        self.pieces.clear();
        self.starts.clear();
        self.starts.extend_from_slice(starts);
        for (start, ms) in starts {
            let known = &mut self.ms[*start as usize];
            *known = (*known).min(*ms);
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
            for (y, ms) in h.up_head[arcs.clone()].iter().zip(&metric.ms[arcs]) {
                let there = &mut self.ms[*y as usize];
                *there = (*there).min(here + ms[side]);
            }
        }
    }

    /// From a node down to the start that it was reached from: the start, and the arcs from the node on.
    fn way(&self, h: &Hierarchy, metric: &Metric, side: usize, mut x: u32) -> (u32, Vec<usize>) {
        let mut arcs = Vec::new();
        loop {
            let ms = self.ms[x as usize];
            let by = |[y, arc]: &&[u32; 2]| self.ms[*y as usize] + metric.ms[*arc as usize][side] == ms;
            match h.down(x).iter().find(by) {
                Some([y, arc]) if ms < NEVER_MS && !self.starts.contains(&(x, ms)) => {
                    arcs.push(*arc as usize);
                    x = *y;
                }
                _ => return (x, arcs),
            }
        }
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
        let over = |x: &u32| (self.forth.ms[*x as usize] + self.back.ms[*x as usize], *x);
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
        let (start, mut first) = self.forth.way(h, metric, 0, over);
        let (_, last) = self.back.way(h, metric, 1, over);
        let mut states = vec![h.state_of[start as usize]];
        first.reverse();
        let mut arcs: Vec<_> = first.into_iter().map(|arc| (arc, 0)).collect();
        arcs.extend(last.into_iter().map(|arc| (arc, 1)));
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
