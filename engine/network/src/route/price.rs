//! What a given way takes as the streets are now.

use vlot_model::LinkIx;

use super::profile::{part_ms, seconds};
use super::{NEVER_MS, NONE, Router};

/// A way that will be priced again and again: its turns, looked up once.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    first: u32,
    last: u32,
    /// Shares of the first and the last link at which it begins and ends, 0..=1.
    from: f32,
    to: f32,
    /// One a link after the first.
    arcs: Box<[u32]>,
}

impl Router {
    /// The turns of a way over `links`, from `start_m` metres along the first to `end_m` along the last; `None` where it is none
    /// at any time: links that do not meet, turns that are always forbidden.
    #[must_use]
    pub fn trace(&self, links: &[LinkIx], start_m: f32, end_m: f32) -> Option<Trace> {
        let graph = &self.streets.graph;
        let share = |link: LinkIx, metres: f32| {
            self.network().link(link).map_or(0.0, |link| (metres / link.length_m).clamp(0.0, 1.0))
        };
        let first = graph.plain.get(links.first()?.at()).copied().filter(|state| *state != NONE)?;
        let mut last = first;
        let mut arcs = Vec::with_capacity(links.len().saturating_sub(1));
        for link in &links[1..] {
            let leads_there = |arc: &u32| graph.link_of[graph.head[*arc as usize] as usize] == *link;
            let arc = graph.arcs_from(last).find(leads_there)?;
            arcs.push(arc);
            last = graph.head[arc as usize];
        }
        let (from, to) = (share(*links.first()?, start_m), share(*links.last()?, end_m));
        Some(Trace { first, last, from, to, arcs: arcs.into() })
    }

    /// Seconds over a way; `None` where it cannot be taken now: closed, not permitted, a forbidden turn. Whether it is through
    /// traffic is not looked at.
    #[must_use]
    pub fn trace_s(&self, trace: &Trace) -> Option<f32> {
        let state_ms =
            |state: u32| self.weights.state_ms.get(state as usize).copied().filter(|ms| *ms != NEVER_MS);
        let (first, last) = (state_ms(trace.first)?, state_ms(trace.last)?);
        if trace.arcs.is_empty() {
            return part_ms(first, trace.to).checked_sub(part_ms(first, trace.from)).map(seconds);
        }
        let mut ms = u64::from(first - part_ms(first, trace.from));
        let mut most = 0;
        for arc in &trace.arcs {
            let arc_ms = self.weights.arc_ms(*arc);
            ms += u64::from(arc_ms);
            most = most.max(arc_ms);
        }
        let ms = ms + u64::from(part_ms(last, trace.to)) - u64::from(last);
        u32::try_from(ms).ok().filter(|_| most < NEVER_MS).map(seconds)
    }
}
