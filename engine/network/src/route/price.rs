//! What a given way takes as the streets are now.

use vlot_model::LinkIx;

use super::profile::{part_ms, seconds};
use super::{NEVER_MS, Router};

impl Router {
    /// Seconds over `links`, from `start_m` metres along the first to `end_m` along the last; `None` where the way cannot be
    /// taken now: closed, not permitted, a forbidden turn, links that do not meet. Whether it is through traffic is not looked at.
    #[must_use]
    pub fn travel_time_s(&self, links: &[LinkIx], start_m: f32, end_m: f32) -> Option<f32> {
        let graph = &self.streets.graph;
        let share = |link: LinkIx, metres: f32| {
            self.network().link(link).map_or(0.0, |link| (metres / link.length_m).clamp(0.0, 1.0))
        };
        let (first, last) = (*links.first()?, *links.last()?);
        let mut state = graph.plain.get(first.at()).copied().filter(|state| *state != super::NONE)?;
        let whole = self.weights.state_ms[state as usize];
        if whole == NEVER_MS {
            return None;
        }
        if links.len() == 1 {
            let ms = part_ms(whole, share(last, end_m)).checked_sub(part_ms(whole, share(first, start_m)))?;
            return Some(seconds(ms));
        }
        let mut ms = whole - part_ms(whole, share(first, start_m));
        for link in &links[1..] {
            let leads_there = |arc: &u32| graph.link_of[graph.head[*arc as usize] as usize] == *link;
            let arc = graph.arcs_from(state).find(leads_there)?;
            let arc_ms = self.weights.arc_ms(graph, arc);
            if arc_ms == NEVER_MS {
                return None;
            }
            ms = ms.checked_add(arc_ms)?;
            state = graph.head[arc as usize];
        }
        let whole = self.weights.state_ms[state as usize];
        Some(seconds(ms - whole + part_ms(whole, share(last, end_m))))
    }
}
