//! From an origin out of its quarter, or into a destination's quarter to it: up the quarter's hierarchy, and from its top down to
//! the doors alone.

use super::hierarchy::Hierarchy;
use super::metric::Metric;
use super::quarters::Quarters;
use super::search::{Search, Sweep};
use super::turns::TurnGraph;
use super::weights::Weights;
use super::{NEVER_MS, NONE};

/// What a quarter's search looks at.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) graph: &'a TurnGraph,
    /// Of the through streets.
    pub(super) through: &'a Hierarchy,
    pub(super) quarters: &'a Quarters,
    pub(super) weights: &'a Weights,
    /// Of the quarters.
    pub(super) metric: &'a Metric,
    /// Of the doors, out and in.
    pub(super) doors_ms: &'a [Vec<u32>; 2],
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

/// One direction of a local search.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// Up from the origin or the destination.
    pub(super) sweep: Sweep,
    /// Local nodes where it begins, each with what it takes.
    ends: Vec<(u32, u32)>,
    /// Milliseconds between the doors of the quarter and what is above them; stale elsewhere.
    at_doors: Vec<u32>,
    /// Quarters that it begins in.
    pub(super) quarters: Vec<u32>,
    /// Nodes of the through streets' hierarchy that were reached, and what it takes to them.
    pub(super) gates: Vec<(u32, u32)>,
    /// The arc by which each gate was reached; [`NONE`]: it begins there.
    by: Vec<u32>,
    /// Last arcs of a way, with the destination each leads to.
    pub(super) goals: Vec<Goal>,
    /// Local nodes that last arcs lead from to a through street: ways by local streets alone, and what is left of them.
    pub(super) across: Vec<(u32, u32)>,
}

impl Local {
    pub(super) fn new(quarters: &Quarters) -> Self {
        Local {
            sweep: Sweep::new(&quarters.hierarchy),
            at_doors: vec![NEVER_MS; quarters.hierarchy.nodes()],
            ends: Vec::new(),
            quarters: Vec::new(),
            gates: Vec::new(),
            by: Vec::new(),
            goals: Vec::new(),
            across: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.gates.clear();
        self.by.clear();
        self.goals.clear();
        self.across.clear();
    }

    /// From states, each with what it takes to the end of its link.
    pub(super) fn from(&mut self, around: Around<'_>, starts: &[(u32, u32)]) {
        self.clear();
        for (state, ms) in starts {
            if around.weights.through[*state as usize] {
                self.gates.push((around.through.rank_of[*state as usize], *ms));
                self.by.push(NONE);
            } else {
                self.ends.push((around.quarters.hierarchy.rank_of[*state as usize], *ms));
            }
        }
        self.reach_doors(around, 0);
    }

    /// To destinations, by their last arcs; those that come from a local street to a through one are no way into a quarter.
    pub(super) fn to(&mut self, around: Around<'_>, goals: Vec<Goal>) {
        self.clear();
        for goal in &goals {
            let [tail, head] = [&around.graph.tail, &around.graph.head].map(|of| of[goal.arc as usize]);
            let local = || (around.quarters.hierarchy.rank_of[tail as usize], goal.ms);
            if around.weights.through[tail as usize] {
                self.gates.push((around.through.rank_of[tail as usize], goal.ms));
                self.by.push(NONE);
            } else if around.weights.through[head as usize] {
                self.across.push(local());
            } else {
                self.ends.push(local());
            }
        }
        self.goals = goals;
        self.reach_doors(around, 1);
    }

    /// `side`: 0 out of the quarter, 1 into it.
    fn reach_doors(&mut self, around: Around<'_>, side: usize) {
        let Around { quarters, metric, .. } = around;
        let h = &quarters.hierarchy;
        self.sweep.run(h, metric, side, &self.ends);
        self.quarters.clear();
        self.quarters.extend(self.ends.iter().map(|(node, _)| quarters.quarter_of[*node as usize]));
        self.quarters.sort_unstable();
        self.quarters.dedup();
        for quarter in &self.quarters {
            for x in quarters.above(side, *quarter) {
                let arcs = h.up(*x);
                let mut least = self.sweep.ms[*x as usize];
                for (y, ms) in h.up_head[arcs.clone()].iter().zip(&metric.ms[arcs]) {
                    least = least.min(self.at_doors[*y as usize] + ms[1 - side]);
                }
                self.at_doors[*x as usize] = least;
            }
            let doors = quarters.doors_of(side, *quarter);
            for (door, ms) in quarters.doors(side)[doors.clone()].iter().zip(&around.doors_ms[side][doors]) {
                let ms = self.at_doors[door.local as usize] + ms;
                if ms < NEVER_MS {
                    self.gates.push((door.gate, ms));
                    self.by.push(door.arc);
                }
            }
        }
    }

    /// The arc by which a gate was reached, if it was reached from a quarter.
    fn door(&self, gate: (u32, u32)) -> Option<u32> {
        let mut found = self.gates.iter().zip(&self.by).filter(|(known, _)| **known == gate);
        let began = found.clone().any(|(_, by)| *by == NONE);
        found.next().filter(|_| !began).map(|(_, by)| *by)
    }

    /// The states from the origin to a through state that takes so long to its end, that one included.
    pub(super) fn way_to(
        &self,
        around: Around<'_>,
        inner: &mut Search,
        gate: (u32, u32),
    ) -> Option<Vec<u32>> {
        let Some(arc) = self.door(gate) else { return Some(vec![around.through.state_of[gate.0 as usize]]) };
        let tail = around.quarters.hierarchy.rank_of[around.graph.tail[arc as usize] as usize];
        let mut states = within(around, inner, &self.ends, &[(tail, 0)])?;
        states.push(around.graph.head[arc as usize]);
        Some(states)
    }

    /// The states after a through state from which it takes so long to the destination, and the last arc.
    pub(super) fn way_from(
        &self,
        around: Around<'_>,
        inner: &mut Search,
        gate: (u32, u32),
    ) -> Option<(Vec<u32>, Goal)> {
        let graph = around.graph;
        let Some(arc) = self.door(gate) else {
            let state = around.through.state_of[gate.0 as usize];
            let ends = |goal: &&Goal| graph.tail[goal.arc as usize] == state && goal.ms == gate.1;
            let goal = self.goals.iter().find(ends)?;
            return Some((vec![graph.head[goal.arc as usize]], *goal));
        };
        let head = around.quarters.hierarchy.rank_of[graph.head[arc as usize] as usize];
        let states = within(around, inner, &[(head, 0)], &self.ends)?;
        self.ended(around, inner, states)
    }

    /// The states of the fastest way by local streets alone, from where another began, and its last arc.
    pub(super) fn way_within(
        &self,
        around: Around<'_>,
        inner: &mut Search,
        from: &Local,
    ) -> Option<(Vec<u32>, Goal)> {
        let ends: Vec<_> = self.ends.iter().chain(&self.across).copied().collect();
        let states = within(around, inner, &from.ends, &ends)?;
        self.ended(around, inner, states)
    }

    /// Puts the destination's link to states up to it.
    fn ended(&self, around: Around<'_>, inner: &Search, mut states: Vec<u32>) -> Option<(Vec<u32>, Goal)> {
        let (graph, last) = (around.graph, *states.last()?);
        let ms = inner.back.ms[around.quarters.hierarchy.rank_of[last as usize] as usize];
        let ends = |goal: &&Goal| graph.tail[goal.arc as usize] == last && goal.ms == ms;
        let goal = self.goals.iter().find(ends)?;
        states.push(graph.head[goal.arc as usize]);
        Some((states, *goal))
    }

    /// Local nodes above the destination, and the least from each to it by local streets alone.
    pub(super) fn before<'a>(
        &'a self,
        around: Around<'_>,
        inner: &'a mut Search,
    ) -> impl Iterator<Item = (u32, u32)> + 'a {
        inner.back.run(&around.quarters.hierarchy, around.metric, 1, &self.across);
        let of = |sweep: &'a Sweep| sweep.nodes.iter().map(|x| (*x, sweep.ms[*x as usize]));
        of(&self.sweep).chain(of(&inner.back)).filter(|(_, ms)| *ms < NEVER_MS)
    }
}

/// The states of the fastest way between local nodes by local streets alone.
fn within(
    around: Around<'_>,
    inner: &mut Search,
    starts: &[(u32, u32)],
    ends: &[(u32, u32)],
) -> Option<Vec<u32>> {
    let Around { graph, quarters, weights, metric, .. } = around;
    let h = &quarters.hierarchy;
    let (_, node) = inner.run(h, metric, starts, ends)?;
    Some(inner.way(h, metric, node, |arc| weights.local_ms(graph, arc), &graph.head))
}
