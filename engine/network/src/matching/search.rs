//! The shortest ways from one link to a few others nearby: Dijkstra's search over links, up to a bound.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use vlot_model::LinkIx;

use super::chain::State;
use super::graph::Graph;
use super::grid::Candidate;

/// What searches need and leave behind: one serves any number of tracks of one network, one after another.
#[derive(Debug, Default)]
pub struct Scratch {
    seen: Vec<Seen>,
    /// The search that entries of `seen` belong to, when they do.
    search: u32,
    /// Links that the present step asks for.
    wanted: Vec<u32>,
    step: u32,
    wanted_count: usize,
    heap: BinaryHeap<Reverse<u64>>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) states: Vec<State>,
    pub(super) way: Vec<LinkIx>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    search: u32,
    settled: bool,
    /// Metres from the place of departure to the link's start.
    metres: f32,
    from: LinkIx,
}

/// Orders by metres (never negative), then by link.
fn key(metres: f32, link: LinkIx) -> Reverse<u64> {
    Reverse(u64::from(metres.to_bits()) << 32 | u64::from(link.0))
}

impl Scratch {
    /// Empty; it grows to the network's size when it is first used.
    #[must_use]
    pub fn new() -> Self {
        Scratch::default()
    }

    /// Says which links the next searches are to find.
    pub(super) fn want(&mut self, graph: &Graph, links: impl Iterator<Item = LinkIx>) {
        if self.seen.len() != graph.links() {
            *self = Scratch { candidates: std::mem::take(&mut self.candidates), ..Scratch::default() };
            self.seen.resize(graph.links(), Seen::default());
            self.wanted.resize(graph.links(), 0);
        }
        if self.step == u32::MAX {
            self.wanted.fill(0);
            self.step = 0;
        }
        self.step += 1;
        self.wanted_count = 0;
        for link in links {
            if let Some(wanted) = self.wanted.get_mut(link.at()) {
                self.wanted_count += usize::from(*wanted != self.step);
                *wanted = self.step;
            }
        }
    }

    /// Finds the shortest ways from so many metres before the end of `from` to the starts of the wanted links, as far as they are
    /// no longer than `bound_m`.
    pub(super) fn search(&mut self, graph: &Graph, from: LinkIx, before_end_m: f32, bound_m: f32) {
        if self.search == u32::MAX {
            self.seen.fill(Seen::default());
            self.search = 0;
        }
        self.search += 1;
        self.heap.clear();
        let mut missing = self.wanted_count;
        self.relax(graph, from, before_end_m, bound_m);
        while let Some(Reverse(next)) = self.heap.pop() {
            #[expect(clippy::cast_possible_truncation, reason = "the lower half is the link")]
            let link = LinkIx(next as u32);
            let Some(seen) = self.seen.get_mut(link.at()) else { continue };
            if std::mem::replace(&mut seen.settled, true) {
                continue;
            }
            let metres = seen.metres;
            if self.wanted.get(link.at()) == Some(&self.step) {
                missing -= 1;
                if missing == 0 {
                    return;
                }
            }
            self.relax(graph, link, metres + graph.length_m(link), bound_m);
        }
    }

    fn relax(&mut self, graph: &Graph, from: LinkIx, metres: f32, bound_m: f32) {
        for next in graph.next(from) {
            let metres = metres + next.extra_m;
            let Some(seen) = self.seen.get_mut(next.link.at()) else { continue };
            let known = seen.search == self.search;
            if metres > bound_m || known && (seen.settled || seen.metres <= metres) {
                continue;
            }
            *seen = Seen { search: self.search, settled: false, metres, from };
            self.heap.push(key(metres, next.link));
        }
    }

    /// Metres to the start of a wanted link, if the last search came to it.
    pub(super) fn metres_to(&self, link: LinkIx) -> Option<f32> {
        let seen = self.seen.get(link.at())?;
        (seen.search == self.search && seen.settled).then_some(seen.metres)
    }

    /// Leaves in `way` the links after `from` up to and with `to`, by the last search, which came to it.
    pub(super) fn trace(&mut self, from: LinkIx, to: LinkIx) {
        self.way.clear();
        let mut link = to;
        loop {
            self.way.push(link);
            match self.seen.get(link.at()) {
                Some(seen)
                    if seen.search == self.search
                        && seen.from != from
                        && self.way.len() < self.seen.len() =>
                {
                    link = seen.from;
                }
                _ => break,
            }
        }
        self.way.reverse();
    }
}
