//! The same answers without a hierarchy, for comparison: one plain Dijkstra over all turns.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use vlot_model::OnLink;

use super::profile::seconds;
use super::weights::Weights;
use super::{NEVER_MS, Router};

impl Router {
    /// The least seconds from one place to another by a plain Dijkstra over the same turns, a thousand times slower than
    /// [`Router::distance`]: what that is measured and tested against.
    #[must_use]
    pub fn plain_distance(&self, from: &[OnLink], to: &[OnLink]) -> Option<f32> {
        self.plainly(&self.weights, from, to)
    }

    /// Whether a way leads there, whomever it disturbs. Slow; only to say why there is no route.
    pub(super) fn leads_anyhow(&self, from: &[OnLink], to: &[OnLink]) -> bool {
        let mut anyhow = self.weights.clone();
        anyhow.through.fill(false);
        self.plainly(&anyhow, from, to).is_some()
    }

    fn plainly(&self, weights: &Weights, from: &[OnLink], to: &[OnLink]) -> Option<f32> {
        let graph = &self.streets.graph;
        let goals = self.goals(to);
        let mut best = self.along(from, to).map_or(NEVER_MS, |(ms, _, _)| ms);
        // Each state twice: before the through streets or on them, and after them.
        let mut least = vec![NEVER_MS; 2 * graph.link_of.len()];
        let mut queue = BinaryHeap::new();
        for (state, ms) in self.starts(from) {
            queue.push(Reverse((ms, state, 0)));
        }
        while let Some(Reverse((ms, state, after))) = queue.pop() {
            if ms >= best {
                break;
            }
            let known = &mut least[2 * state as usize + after];
            if *known <= ms {
                continue;
            }
            *known = ms;
            let through = weights.through[state as usize];
            for goal in goals.iter().filter(|goal| graph.tail[goal.arc as usize] == state) {
                if after == 0 || !weights.through[graph.head[goal.arc as usize] as usize] {
                    best = best.min(ms + goal.ms);
                }
            }
            for arc in graph.arcs_from(state) {
                let head = graph.head[arc as usize];
                let there = ms + weights.arc_ms(arc);
                let then = usize::from(after == 1 || through && !weights.through[head as usize]);
                let back = after == 1 && weights.through[head as usize];
                if there < NEVER_MS && !back && there < least[2 * head as usize + then] {
                    queue.push(Reverse((there, head, then)));
                }
            }
        }
        (best < NEVER_MS).then(|| seconds(best))
    }
}
