//! Plain Dijkstra over the streets around an origin or a destination that through traffic may not use.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::hierarchy::Hierarchy;
use super::turns::TurnGraph;
use super::weights::Weights;
use super::{NEVER_MS, NONE};

/// Marks a position in [`Local::goals`] among arcs.
const GOAL: u32 = 1 << 31;

/// One direction of a local search.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    ms: Vec<u32>,
    /// The arc by which (from the origin: the one before; to the destination: the one after, or a goal).
    by: Vec<u32>,
    touched: Vec<u32>,
    queue: BinaryHeap<Reverse<(u32, u32)>>,
    /// Nodes of the hierarchy that were reached, and what it takes to them.
    pub(super) gates: Vec<(u32, u32)>,
    /// Last arcs of a way, with the destination each leads to.
    pub(super) goals: Vec<Goal>,
}

/// A last arc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    pub(super) arc: u32,
    /// The turn, and the part of the link up to the destination.
    pub(super) ms: u32,
    /// Which of the destinations.
    pub(super) end: usize,
}

impl Local {
    pub(super) fn new(graph: &TurnGraph) -> Self {
        let states = graph.link_of.len();
        Local { ms: vec![NEVER_MS; states], by: vec![NONE; states], ..Local::default() }
    }

    fn clear(&mut self) {
        for state in self.touched.drain(..) {
            self.ms[state as usize] = NEVER_MS;
            self.by[state as usize] = NONE;
        }
        self.queue.clear();
        self.gates.clear();
        self.goals.clear();
    }

    fn reach(&mut self, weights: &Weights, state: u32, ms: u32, by: u32) {
        let known = self.ms[state as usize];
        if ms >= known.min(NEVER_MS) {
            return;
        }
        if known == NEVER_MS {
            self.touched.push(state);
        }
        self.ms[state as usize] = ms;
        self.by[state as usize] = by;
        if !weights.through[state as usize] {
            self.queue.push(Reverse((ms, state)));
        }
    }

    /// From states, each with what it takes to the end of its link.
    pub(super) fn from(
        &mut self,
        graph: &TurnGraph,
        h: &Hierarchy,
        weights: &Weights,
        starts: &[(u32, u32)],
    ) {
        self.clear();
        for (state, ms) in starts {
            self.reach(weights, *state, *ms, NONE);
        }
        while let Some(Reverse((ms, state))) = self.queue.pop() {
            if ms == self.ms[state as usize] {
                for arc in graph.arcs_from(state) {
                    self.reach(weights, graph.head[arc as usize], ms + weights.arc_ms(graph, arc), arc);
                }
            }
        }
        self.find_gates(h, weights);
    }

    /// To destinations, by their last arcs; those that come from a local street to a through one are no way to a destination.
    pub(super) fn to(&mut self, graph: &TurnGraph, h: &Hierarchy, weights: &Weights, goals: Vec<Goal>) {
        self.clear();
        for (i, goal) in goals.iter().enumerate() {
            let [tail, head] = [&graph.tail, &graph.head].map(|of| of[goal.arc as usize]);
            if weights.through[tail as usize] || !weights.through[head as usize] {
                self.reach(weights, tail, goal.ms, GOAL | super::id(i));
            }
        }
        self.goals = goals;
        while let Some(Reverse((ms, state))) = self.queue.pop() {
            if ms != self.ms[state as usize] {
                continue;
            }
            for arc in graph.arcs_to(state) {
                let ms = ms + weights.arc_ms(graph, *arc);
                self.reach(weights, graph.tail[*arc as usize], ms, *arc);
            }
        }
        self.find_gates(h, weights);
    }

    fn find_gates(&mut self, h: &Hierarchy, weights: &Weights) {
        let through = self.touched.iter().filter(|state| weights.through[**state as usize]);
        self.gates.extend(through.map(|state| (h.rank_of[*state as usize], self.ms[*state as usize])));
        self.gates.sort_unstable();
    }

    /// What it takes to the end of a local state's link, and on by a goal; searched from the origin.
    pub(super) fn over(&self, graph: &TurnGraph, weights: &Weights, goal: &Goal) -> Option<u32> {
        let tail = graph.tail[goal.arc as usize] as usize;
        let ms = self.ms[tail] + goal.ms;
        (!weights.through[tail] && ms < NEVER_MS).then_some(ms)
    }

    /// The states from the origin to a state, that one included.
    pub(super) fn way_to(&self, graph: &TurnGraph, mut state: u32) -> Vec<u32> {
        let mut states = vec![state];
        while self.by[state as usize] != NONE {
            state = graph.tail[self.by[state as usize] as usize];
            states.push(state);
        }
        states.reverse();
        states
    }

    /// The states after a state on the way to the destination, and the last arc.
    pub(super) fn way_from(&self, graph: &TurnGraph, mut state: u32) -> Option<(Vec<u32>, Goal)> {
        let mut states = Vec::new();
        loop {
            let by = self.by[state as usize];
            if by == NONE {
                return None;
            }
            if by & GOAL != 0 {
                let goal = *self.goals.get((by & !GOAL) as usize)?;
                states.push(graph.head[goal.arc as usize]);
                return Some((states, goal));
            }
            state = graph.head[by as usize];
            states.push(state);
        }
    }
}
