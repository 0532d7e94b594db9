//! A way around: the quickest path between two links that heeds turns, permits and closures, as [`path`](crate::path) finds it, and
//! that goes through no quiet street. Meant for the few paths of a situation, not for queries by the thousand.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, Mode, NodeIx, RoadNetwork, Turn};

use crate::Permits;
use crate::path::{Leaving, Path, Rules, Search, forbids};
use crate::route::{Through, undisturbed_s};

/// A search ends without a result after it has settled so many links: a way around is not sought all over the country.
const MOST_SETTLED: usize = 300_000;

/// Links that a mode cannot use now, beside what its permits say.
pub type Shut<'a> = &'a dyn Fn(LinkIx) -> bool;

/// What ways around need of a network.
#[derive(Clone, Debug)]
pub struct Detours {
    leaving: Leaving,
    /// Positions in [`RoadNetwork::turns`] of those without links between, by the link that they come from.
    turns: FxHashMap<LinkIx, Vec<usize>>,
    /// By mode, looked for when it is first asked for.
    through: [OnceLock<Through>; 4],
}

impl Detours {
    /// Of a network.
    #[must_use]
    pub fn new(network: &RoadNetwork) -> Self {
        let mut turns: FxHashMap<LinkIx, Vec<usize>> = FxHashMap::default();
        for (at, turn) in network.turns.iter().enumerate().filter(|(_, turn)| turn.via.is_empty()) {
            turns.entry(turn.from).or_default().push(at);
        }
        Detours { leaving: Leaving::new(network), turns, through: Default::default() }
    }

    /// Links that begin at a junction, in order.
    #[must_use]
    pub fn leaving(&self, node: NodeIx) -> &[LinkIx] {
        self.leaving.of(node)
    }

    fn through(&self, network: &RoadNetwork, mode: Mode) -> &Through {
        self.through[mode as usize].get_or_init(|| Through::new(network, mode))
    }

    /// Whether a mode may not pass over a link to elsewhere now.
    #[must_use]
    pub fn is_quiet(&self, network: &RoadNetwork, permits: &Permits, mode: Mode, link: LinkIx) -> bool {
        !self.through(network, mode).now(network, permits, link)
    }

    /// Whether the rules of turns let a mode go on from one link to the next, whatever it came over before.
    #[must_use]
    pub fn may_turn(
        &self,
        network: &RoadNetwork,
        permits: &Permits,
        mode: Mode,
        from: LinkIx,
        to: LinkIx,
    ) -> bool {
        let turns = self.turns.get(&from).into_iter().flatten().filter_map(|at| network.turns.get(*at));
        let binding: Vec<&Turn> = turns.filter(|turn| permits.binds(turn, mode)).collect();
        !binding.iter().any(|turn| forbids(turn, binding.iter().copied(), to))
    }

    /// The quickest way for a mode from the start of `from` to the end of `to`, both of which have to be open, over links that are
    /// not `shut`; its cost is in seconds, undisturbed.
    #[must_use]
    pub fn way(
        &self,
        network: &RoadNetwork,
        permits: &Permits,
        mode: Mode,
        shut: Shut<'_>,
        [from, to]: [LinkIx; 2],
    ) -> Option<Path> {
        if from == to {
            return None;
        }
        let through = Some(self.through(network, mode));
        let rules = Rules { network, permits: Some(permits), mode, through, leaving: &self.leaving };
        let weight = |link: LinkIx| (!shut(link)).then(|| undisturbed_s(network, link, mode));
        Search::new(&rules, weight).run(&[from], &[to], MOST_SETTLED)
    }
}

#[cfg(test)]
#[path = "detour_tests.rs"]
mod tests;
