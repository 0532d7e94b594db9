//! The cheapest way over links by plain Dijkstra: every turn, every permission and no preparation. For what is asked seldom (a
//! corridor when the settings are read, a detour when a street closes), and to hold the fast router against.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, Mode, Permission, RoadNetwork, Turn};

use crate::Permits;

/// A way, from the start of its first link to the end of its last.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// In order of travel; at least one.
    pub links: Vec<LinkIx>,
    /// Sum of the weights of all of them, the first and the last included.
    pub cost: f64,
}

/// The cheapest way from link `from` to link `to`, both travelled from end to end; see [`shortest_of`].
#[must_use]
pub fn shortest(
    network: &RoadNetwork,
    permits: Option<&Permits>,
    mode: Mode,
    from: LinkIx,
    to: LinkIx,
    weight: impl Fn(LinkIx) -> Option<f64>,
) -> Option<Path> {
    shortest_of(network, permits, mode, &[from], &[to], weight)
}

/// The cheapest way from any of some links to any of others. Of several that cost the same, always the same one.
///
/// `permits` say what holds at their instant; without them, what always holds: rules in time are passed over. `weight` is finite
/// and not negative; `None`: the link is closed. Streets for destinations alone are used at the beginning and at the end of a
/// way, never to pass through. Who drives or rides turns round only where a street ends.
#[must_use]
pub fn shortest_of(
    network: &RoadNetwork,
    permits: Option<&Permits>,
    mode: Mode,
    from: &[LinkIx],
    to: &[LinkIx],
    weight: impl Fn(LinkIx) -> Option<f64>,
) -> Option<Path> {
    let mut search = Search::new(network, permits, mode, weight);
    for link in from {
        if let Some((permission, cost)) = search.usable(*link) {
            let phase = if permission == Permission::Destination { Phase::Leaving } else { Phase::Under };
            search.reach(State { link: *link, phase, begun: Vec::new() }, cost, None);
        }
    }
    search.run(to)
}

/// Where one is with respect to streets for destinations alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    /// Still in those where the way began.
    Leaving,
    /// On open streets.
    Under,
    /// In those where it ends.
    Arriving,
}

/// A link, as far as it matters how one came to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    link: LinkIx,
    phase: Phase,
    /// Turns over several links that one has begun: their position, and how many of their `via` are behind.
    begun: Vec<(usize, usize)>,
}

struct Search<'a, W> {
    network: &'a RoadNetwork,
    permits: Option<&'a Permits>,
    mode: Mode,
    weight: W,
    /// Links that begin at each junction.
    out: Vec<Vec<LinkIx>>,
    /// Turns that bind, by the link that they come from.
    turns: FxHashMap<LinkIx, Vec<usize>>,
    /// Every state that was reached, its cost and the state before.
    states: Vec<(State, f64, Option<usize>)>,
    numbers: FxHashMap<State, usize>,
    /// Costs as ordered bits, with the state's number.
    queue: BinaryHeap<Reverse<(u64, usize)>>,
}

impl<'a, W: Fn(LinkIx) -> Option<f64>> Search<'a, W> {
    fn new(network: &'a RoadNetwork, permits: Option<&'a Permits>, mode: Mode, weight: W) -> Self {
        let mut out = vec![Vec::new(); network.nodes.len()];
        for (at, link) in network.links.iter().enumerate() {
            if let Some(out) = out.get_mut(link.from.at()) {
                out.push(LinkIx::from_position(at));
            }
        }
        let binds = |turn: &Turn| match permits {
            Some(permits) => permits.binds(turn, mode),
            None => turn.modes.has(mode) && turn.hours.is_none(),
        };
        let mut turns: FxHashMap<LinkIx, Vec<usize>> = FxHashMap::default();
        for (at, turn) in network.turns.iter().enumerate().filter(|(_, turn)| binds(turn)) {
            turns.entry(turn.from).or_default().push(at);
        }
        let (states, numbers, queue) = (Vec::new(), FxHashMap::default(), BinaryHeap::new());
        Search { network, permits, mode, weight, out, turns, states, numbers, queue }
    }

    /// Whether a link may be used, and what it costs.
    fn usable(&self, link: LinkIx) -> Option<(Permission, f64)> {
        let permission = match self.permits {
            Some(permits) => permits.permission(self.network, link, self.mode),
            None => usual(self.network, link, self.mode),
        };
        if permission == Permission::No {
            return None;
        }
        (self.weight)(link).filter(|w| w.is_finite() && *w >= 0.0).map(|w| (permission, w))
    }

    fn reach(&mut self, state: State, cost: f64, before: Option<usize>) {
        let number = match self.numbers.get(&state) {
            Some(number) if self.states[*number].1 <= cost => return,
            Some(number) => {
                self.states[*number].1 = cost;
                self.states[*number].2 = before;
                *number
            }
            None => {
                let number = self.states.len();
                self.numbers.insert(state.clone(), number);
                self.states.push((state, cost, before));
                number
            }
        };
        // Bits of numbers that are not negative are in the order of the numbers.
        self.queue.push(Reverse((cost.to_bits(), number)));
    }

    fn run(mut self, to: &[LinkIx]) -> Option<Path> {
        while let Some(Reverse((bits, number))) = self.queue.pop() {
            let (state, cost, _) = self.states[number].clone();
            if cost.to_bits() != bits {
                continue;
            }
            if to.contains(&state.link) {
                return Some(Path { links: self.back(number), cost });
            }
            let Some(node) = self.network.link(state.link).map(|link| link.to) else { continue };
            let next = self.out.get(node.at()).cloned().unwrap_or_default();
            let opposite = self.network.link(state.link).and_then(|link| link.opposite);
            let turns_round = self.mode == Mode::Foot
                || !next.iter().any(|link| Some(*link) != opposite && self.usable(*link).is_some());
            for link in next {
                if Some(link) == opposite && !turns_round {
                    continue;
                }
                let Some((permission, weight)) = self.usable(link) else { continue };
                let Some(phase) = phase(state.phase, permission) else { continue };
                let Some(begun) = self.turn(&state, link) else { continue };
                self.reach(State { link, phase, begun }, cost + weight, Some(number));
            }
        }
        None
    }

    /// What of turns is begun behind the turn into `next`; `None` where one may not.
    fn turn(&self, state: &State, next: LinkIx) -> Option<Vec<(usize, usize)>> {
        let fresh = self.turns.get(&state.link).into_iter().flatten().map(|turn| (*turn, 0));
        let mut begun = Vec::new();
        for (at, behind) in state.begun.iter().copied().chain(fresh) {
            let turn = &self.network.turns[at];
            match turn.via.get(behind) {
                Some(via) if *via == next => begun.push((at, behind + 1)),
                Some(_) => {}
                None if (turn.to == next) != turn.only => return None,
                None => {}
            }
        }
        begun.sort_unstable();
        Some(begun)
    }

    fn back(&self, mut number: usize) -> Vec<LinkIx> {
        let mut links = vec![self.states[number].0.link];
        while let Some(before) = self.states[number].2 {
            links.push(self.states[before].0.link);
            number = before;
        }
        links.reverse();
        links
    }
}

/// Who may use a link while no rule in time holds; nobody one that is not of this network.
#[must_use]
pub fn usual(network: &RoadNetwork, link: LinkIx, mode: Mode) -> Permission {
    let access = network.link(link).and_then(|link| network.access.get(link.access as usize));
    access.map_or(Permission::No, |access| access.usual(mode))
}

fn phase(now: Phase, next: Permission) -> Option<Phase> {
    match (now, next) {
        (_, Permission::No) | (Phase::Arriving, Permission::Yes) => None,
        (Phase::Leaving, Permission::Destination) => Some(Phase::Leaving),
        (Phase::Leaving | Phase::Under, Permission::Yes) => Some(Phase::Under),
        (Phase::Under | Phase::Arriving, Permission::Destination) => Some(Phase::Arriving),
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
