//! What each state and arc of a turn graph weighs now.

use vlot_model::{LinkIx, Permission};

use super::turns::TurnGraph;
use super::{NEVER_MS, link_ms};
use crate::Permits;

#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// Over the whole of each state's link; [`NEVER_MS`]: closed, or nobody may.
    pub(super) state_ms: Vec<u32>,
    /// Whether through traffic may use each state's link now.
    pub(super) through: Vec<bool>,
    /// Each turn, and the whole of the link that it leads to; [`NEVER_MS`]: closed, or a rule forbids it now.
    arc_ms: Vec<u32>,
    /// Arcs that a rule forbids now.
    blocked: Vec<bool>,
    permission: Vec<Permission>,
}

impl Weights {
    /// Nothing may be used yet.
    pub(super) fn none(graph: &TurnGraph) -> Self {
        Weights {
            state_ms: vec![NEVER_MS; graph.link_of.len()],
            through: vec![false; graph.link_of.len()],
            arc_ms: vec![NEVER_MS; graph.head.len()],
            blocked: vec![false; graph.head.len()],
            permission: vec![Permission::No; graph.network.links.len()],
        }
    }

    pub(super) fn set(
        &mut self,
        graph: &TurnGraph,
        permits: &Permits,
        travel_time_s: impl Fn(LinkIx) -> Option<f32>,
    ) {
        let by_access: Vec<_> =
            graph.network.access.iter().map(|access| permits.of(access, graph.mode)).collect();
        for (i, link) in graph.network.links.iter().enumerate() {
            self.permission[i] = by_access.get(link.access as usize).copied().unwrap_or(Permission::No);
        }
        for (state, link) in graph.link_of.iter().enumerate() {
            let permission = self.permission[link.at()];
            self.through[state] = graph.through.ever(*link) && permission == Permission::Yes;
            self.state_ms[state] = if permission == Permission::No {
                NEVER_MS
            } else {
                link_ms(&graph.network.links[link.at()], graph.mode, travel_time_s(*link))
            };
        }
        self.blocked.fill(false);
        for (arc, turn) in &graph.while_bound {
            if permits.binds(&graph.network.turns[*turn], graph.mode) {
                self.blocked[*arc as usize] = true;
            }
        }
        for arc in 0..graph.head.len() {
            self.arc_ms[arc] = self.turn_and_link_ms(graph, arc);
        }
    }

    /// Another travel time of a link. Whether anything changed by it.
    pub(super) fn change(&mut self, graph: &TurnGraph, link: LinkIx, travel_time_s: f32) -> bool {
        if self.permission.get(link.at()).is_none_or(|permission| *permission == Permission::No) {
            return false;
        }
        let ms = link_ms(&graph.network.links[link.at()], graph.mode, Some(travel_time_s));
        let mut changed = false;
        for state in graph.states(link) {
            if std::mem::replace(&mut self.state_ms[state as usize], ms) != ms {
                changed = true;
                for arc in graph.arcs_to(state) {
                    self.arc_ms[*arc as usize] = self.turn_and_link_ms(graph, *arc as usize);
                }
            }
        }
        changed
    }

    fn turn_and_link_ms(&self, graph: &TurnGraph, arc: usize) -> u32 {
        let ms = self.state_ms[graph.head[arc] as usize];
        if ms == NEVER_MS || self.blocked[arc] { NEVER_MS } else { ms + graph.cost_ms[arc] }
    }

    /// A turn and the whole of the link that it leads to.
    pub(super) fn arc_ms(&self, arc: u32) -> u32 {
        self.arc_ms[arc as usize]
    }

    /// The same within the hierarchy.
    pub(super) fn through_ms(&self, graph: &TurnGraph, arc: u32) -> u32 {
        if self.through[graph.head[arc as usize] as usize] { self.arc_ms(arc) } else { NEVER_MS }
    }

    /// The same within a quarter, between streets that are local now.
    pub(super) fn local_ms(&self, graph: &TurnGraph, arc: u32) -> u32 {
        let local =
            [graph.tail[arc as usize], graph.head[arc as usize]].map(|end| !self.through[end as usize]);
        if local == [true; 2] { self.arc_ms(arc) } else { NEVER_MS }
    }

    /// The same of a turn from a street that is local now to a through one (0), or the other way (1).
    pub(super) fn door_ms(&self, graph: &TurnGraph, side: usize, arc: u32) -> u32 {
        let through =
            [graph.tail[arc as usize], graph.head[arc as usize]].map(|end| self.through[end as usize]);
        if through == [side == 1, side == 0] { self.arc_ms(arc) } else { NEVER_MS }
    }

    pub(super) fn closed(&self, state: u32) -> bool {
        self.state_ms[state as usize] == NEVER_MS
    }
}
