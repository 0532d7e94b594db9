//! What the shortcuts weigh: all anew, or those alone that a change reaches.
//!
//! Basic customization as in Dibbelt, Strasser and Wagner, "Customizable Contraction Hierarchies" (JEA 2016): every arc takes the
//! smaller of its own weight and of the two sides of each lower triangle, lowest arcs first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::NEVER_MS;
use super::hierarchy::Hierarchy;

/// An arc renewed by itself costs about as much as so many when all are made anew. This module's tests are of small cities, and
/// are to look at the parts.
const DEARER: usize = if cfg!(test) { 1 } else { 64 };

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

    /// The weights that follow from a change of these arcs of the turn graph. At most about twice as dear as all anew.
    pub(super) fn update(
        &mut self,
        h: &Hierarchy,
        changed: impl Iterator<Item = u32>,
        input_ms: impl Fn(u32) -> u32,
    ) {
        for arc in changed.filter_map(|turn| h.arc_of.get(turn as usize)).filter(|arc| **arc != super::NONE) {
            self.wait(*arc as usize);
        }
        let mut patience = h.up_head.len() / DEARER;
        while patience >= self.queue.len()
            && let Some(Reverse(arc)) = self.queue.pop()
        {
            patience = patience.saturating_sub(1);
            self.waiting[arc] = false;
            let new = self.fresh(h, arc, &input_ms);
            let old = std::mem::replace(&mut self.ms[arc], new);
            if old != new {
                self.wake(h, arc, old);
            }
        }
        if !self.queue.is_empty() {
            self.queue.clear();
            self.waiting.fill(false);
            self.customize(h, input_ms);
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use vlot_model::{City, LinkIx, LonLat, Mode, RoadClass, Timestamp};

    use crate::route::Router;
    use crate::{Draft, DraftLink, Permits, geo};

    const SIDE: usize = 6;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn what_is_renewed_in_part_is_what_is_made_anew(
            rounds in prop::collection::vec(
                prop::collection::vec((0..200_usize, prop_oneof![9 => (1..40_u8).prop_map(f32::from), 1 => Just(f32::INFINITY)]), 1..9),
                1..6,
            ),
        ) {
            let mut draft = Draft::new("grid");
            for from in 0..SIDE * SIDE {
                for to in [from + 1, from + SIDE].into_iter().filter(|to| to / SIDE < SIDE) {
                    if to == from + 1 && to % SIDE == 0 {
                        continue;
                    }
                    for ends in [[from, to], [to, from]] {
                        let place = |i: usize| {
                            geo::offset(LonLat { lon: 4.7, lat: 50.88 }, [(i % SIDE) as f64 * 90.0, (i / SIDE) as f64 * 80.0])
                        };
                        let nodes = ends.map(|end| end as i64);
                        let id = DraftLink::id_of(1, nodes, 0).0;
                        let points = ends.map(place).to_vec();
                        draft.link(DraftLink { points, ..DraftLink::new(nodes, id, RoadClass::Primary) });
                    }
                }
            }
            let network = Arc::new(draft.make().network);
            let now: Timestamp = "2026-05-04T12:00:00+02:00".parse().expect("an instant");
            let city = City { timezone: "Europe/Brussels".into(), ..City::default() };
            let permits = Permits::new(&network, &city, now);
            let mut router = Router::new(Arc::clone(&network), Mode::Car, None);
            let mut times = vec![20.0; network.links.len()];
            router.weights(&permits, |link| Some(times[link.at()]));
            let mut anew = router.clone();
            for round in rounds {
                let at = |i: usize| i % network.links.len();
                let changed: Vec<_> = round.iter().map(|(i, s)| (LinkIx::from_position(at(*i)), *s)).collect();
                for (link, s) in &changed {
                    times[link.at()] = *s;
                }
                router.update(&changed);
                anew.weights(&permits, |link| Some(times[link.at()]));
                prop_assert!(router.metric.ms == anew.metric.ms);
            }
        }
    }
}
