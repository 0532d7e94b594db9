//! What the shortcuts weigh: all anew, or those alone that a change reaches.
//!
//! Basic customization as in Dibbelt, Strasser and Wagner, "Customizable Contraction Hierarchies" (JEA 2016): every arc takes the
//! smaller of its own weight and of the two sides of each lower triangle, lowest arcs first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::NEVER_MS;
use super::hierarchy::Hierarchy;

#[derive(Clone, Debug, Default)]
pub(super) struct Metric {
    /// Of each arc: up, down.
    pub(super) ms: Vec<[u32; 2]>,
    waiting: Vec<bool>,
    queue: BinaryHeap<Reverse<usize>>,
    arc_to: Vec<usize>,
}

impl Metric {
    pub(super) fn new(hierarchy: &Hierarchy) -> Self {
        let arcs = hierarchy.up_head.len();
        Metric {
            ms: vec![[NEVER_MS; 2]; arcs],
            waiting: vec![false; arcs],
            arc_to: vec![0; hierarchy.nodes()],
            queue: BinaryHeap::new(),
        }
    }

    /// All weights anew; `input_ms` by arc of the turn graph.
    pub(super) fn customize(&mut self, h: &Hierarchy, input_ms: impl Fn(u32) -> u32) {
        self.ms.fill([NEVER_MS; 2]);
        for (turn, arc, down) in &h.inputs {
            let ms = &mut self.ms[*arc as usize][*down];
            *ms = (*ms).min(input_ms(*turn));
        }
        for x in 0..h.nodes() {
            let node = super::id(x);
            for arc in h.up(node) {
                self.arc_to[h.up_head[arc] as usize] = arc;
            }
            for [y, bottom] in h.down(node) {
                let bottom = *bottom as usize;
                let [from_y, to_y] = self.ms[bottom];
                if from_y == NEVER_MS && to_y == NEVER_MS {
                    continue;
                }
                // The arcs of `y` are sorted by their upper end: what comes after `bottom` ends above `x`.
                let above = bottom + 1..h.up(*y).end;
                for (middle, z) in above.clone().zip(&h.up_head[above]) {
                    let [up, down] = self.ms[middle];
                    let top = &mut self.ms[self.arc_to[*z as usize]];
                    top[0] = top[0].min(to_y + up);
                    top[1] = top[1].min(down + from_y);
                }
            }
        }
    }

    /// The weights that follow from a change of these arcs of the turn graph. How many of them changed.
    pub(super) fn update(
        &mut self,
        h: &Hierarchy,
        changed: impl Iterator<Item = u32>,
        input_ms: impl Fn(u32) -> u32,
    ) -> usize {
        for arc in changed.filter_map(|turn| h.arc_of.get(turn as usize)).filter(|arc| **arc != super::NONE) {
            self.wait(*arc as usize);
        }
        let mut count = 0;
        while let Some(Reverse(arc)) = self.queue.pop() {
            self.waiting[arc] = false;
            let new = self.fresh(h, arc, &input_ms);
            let old = std::mem::replace(&mut self.ms[arc], new);
            if old != new {
                count += 1;
                self.wake(h, arc, old);
            }
        }
        count
    }

    fn wait(&mut self, arc: usize) {
        if !std::mem::replace(&mut self.waiting[arc], true) {
            self.queue.push(Reverse(arc));
        }
    }

    fn fresh(&self, h: &Hierarchy, arc: usize, input_ms: &impl Fn(u32) -> u32) -> [u32; 2] {
        let mut new = [NEVER_MS; 2];
        for (turn, down) in h.inputs(arc) {
            new[down] = new[down].min(input_ms(turn));
        }
        for [to_low, to_high] in h.lower_triangles(arc) {
            let (low, high) = (self.ms[to_low], self.ms[to_high]);
            new[0] = new[0].min(low[1] + high[0]);
            new[1] = new[1].min(high[1] + low[0]);
        }
        new
    }

    /// Lets wait what rests on an arc that weighed `old`: the top arcs of the triangles whose lowest node is the arc's lower end.
    fn wake(&mut self, h: &Hierarchy, arc: usize, old: [u32; 2]) {
        let (low, high) = (h.up_tail[arc], h.up_head[arc]);
        for other in h.up(low).filter(|other| *other != arc) {
            let third = h.up_head[other];
            let Some(top) = h.between(high.min(third), high.max(third)) else { continue };
            if self.waiting[top] {
                continue;
            }
            let side = self.ms[other];
            let now = self.ms[top];
            let over = |of: [u32; 2]| {
                let (to_low, to_high) = if third < high { (side, of) } else { (of, side) };
                [to_low[1] + to_high[0], to_high[1] + to_low[0]]
            };
            let (before, after) = (over(old), over(self.ms[arc]));
            if (0..2).any(|i| before[i] != after[i] && (before[i] == now[i] || after[i] < now[i])) {
                self.wait(top);
            }
        }
    }
}
