//! Ways over SUMO's own edges and connections, as drivers see them: free flow, each view of it a little different.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::dice::hash;
use crate::traveltimes::net::Edge;

const NONE: u32 = u32::MAX;

pub(super) struct Graph {
    /// Free-flow milliseconds of each edge.
    times_ms: Vec<u32>,
    next: Vec<Vec<u32>>,
    before: Vec<Vec<u32>>,
}

/// Ways from every edge to one, or from one to every edge.
pub(super) struct Tree {
    /// As seen; whole edges, the first one included, the last one not.
    seen_ms: Vec<u32>,
    /// The next edge towards the root.
    towards: Vec<u32>,
    /// The same in free flow.
    free_ms: Vec<u32>,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "edges and their times fit u32")]
impl Graph {
    pub(super) fn new(edges: &[Edge], turns: &[(usize, usize)]) -> Self {
        let times_ms =
            edges.iter().map(|edge| (edge.length_m / edge.speed_ms * 1e3).ceil().max(1.0) as u32).collect();
        let mut graph =
            Graph { times_ms, next: vec![Vec::new(); edges.len()], before: vec![Vec::new(); edges.len()] };
        for (from, to) in turns {
            graph.next[*from].push(*to as u32);
            graph.before[*to].push(*from as u32);
        }
        graph
    }

    pub(super) fn leads(&self, from: usize, to: usize) -> bool {
        self.next[from].contains(&(to as u32))
    }

    /// What an edge takes in one of the views: up to a fifth less or more than free flow; in view 0 just that.
    fn seen_ms(&self, edge: usize, view: usize) -> u32 {
        let free = self.times_ms[edge];
        if view == 0 {
            return free;
        }
        let share = hash(edge as u64, view as u64) % 400;
        (u64::from(free) * (800 + share) / 1_000).max(1) as u32
    }

    pub(super) fn tree_to(&self, edge: usize, view: usize) -> Tree {
        self.tree(edge, view, &self.before, true)
    }

    pub(super) fn tree_from(&self, edge: usize, view: usize) -> Tree {
        self.tree(edge, view, &self.next, false)
    }

    fn tree(&self, root: usize, view: usize, beside: &[Vec<u32>], backwards: bool) -> Tree {
        let n = self.times_ms.len();
        let mut tree = Tree { seen_ms: vec![NONE; n], towards: vec![NONE; n], free_ms: vec![NONE; n] };
        let mut open = BinaryHeap::from([(Reverse(0_u32), root as u32)]);
        (tree.seen_ms[root], tree.free_ms[root]) = (0, 0);
        while let Some((Reverse(at_ms), edge)) = open.pop() {
            let edge = edge as usize;
            if at_ms > tree.seen_ms[edge] {
                continue;
            }
            for other in &beside[edge] {
                let over = if backwards { *other as usize } else { edge };
                let there = at_ms.saturating_add(self.seen_ms(over, view));
                let other = *other as usize;
                if there < tree.seen_ms[other] {
                    tree.seen_ms[other] = there;
                    tree.free_ms[other] = tree.free_ms[edge].saturating_add(self.times_ms[over]);
                    tree.towards[other] = edge as u32;
                    open.push((Reverse(there), other as u32));
                }
            }
        }
        tree
    }

    /// Once around, from an edge that a tree of ways leads to back to it; empty: whoever leaves it does not come back.
    pub(super) fn round(&self, tree: &Tree, edge: usize) -> Vec<u32> {
        let next = self.next[edge].iter().map(|next| *next as usize);
        let best = next.filter(|next| tree.seen_ms[*next] != NONE).min_by_key(|next| tree.seen_ms[*next]);
        best.map(|next| [edge as u32].into_iter().chain(tree.way(next)).collect()).unwrap_or_default()
    }

    /// The way from one edge to another, both included; `None`: there is none.
    pub(super) fn way(&self, from: usize, to: usize, view: usize) -> Option<Vec<u32>> {
        let mut best = std::collections::HashMap::from([(from as u32, (0_u32, NONE))]);
        let mut open = BinaryHeap::from([(Reverse(0_u32), from as u32)]);
        while let Some((Reverse(at_ms), edge)) = open.pop() {
            if edge == to as u32 {
                let mut way = vec![edge];
                while let Some((_, before)) = best.get(way.last()?).filter(|(_, before)| *before != NONE) {
                    way.push(*before);
                }
                way.reverse();
                return Some(way);
            }
            if best.get(&edge).is_some_and(|(known, _)| at_ms > *known) {
                continue;
            }
            let there = at_ms.saturating_add(self.seen_ms(edge as usize, view));
            for other in &self.next[edge as usize] {
                if best.get(other).is_none_or(|(known, _)| there < *known) {
                    best.insert(*other, (there, edge));
                    open.push((Reverse(there), *other));
                }
            }
        }
        None
    }
}

impl Tree {
    /// Free-flow seconds of the way that is taken; `None`: there is none.
    pub(super) fn seconds(&self, edge: usize) -> Option<f64> {
        let ms = *self.free_ms.get(edge)?;
        (ms != NONE).then(|| f64::from(ms) / 1e3)
    }

    /// From an edge to the root of a tree of ways to it, both included; empty: there is no way.
    pub(super) fn way(&self, from: usize) -> Vec<u32> {
        let mut way = Vec::new();
        let Ok(mut at) = u32::try_from(from) else { return way };
        if self.seen_ms[from] == NONE {
            return way;
        }
        while at != NONE {
            way.push(at);
            at = self.towards[at as usize];
        }
        way
    }

    /// From the root of a tree of ways from it to an edge, both included.
    pub(super) fn way_back(&self, to: usize) -> Vec<u32> {
        let mut way = self.way(to);
        way.reverse();
        way
    }
}
