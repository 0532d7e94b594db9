//! The cheapest way over links by plain Dijkstra: every turn, every permission and no preparation. For what is asked seldom (a
//! corridor when the settings are read, a detour when a street closes), and to hold the fast router against.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, Mode, NodeIx, Permission, RoadNetwork, Turn};

use crate::Permits;
use crate::route::{Through, usable};

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
/// way, never to pass through. Nobody turns round but where a street ends.
#[must_use]
pub fn shortest_of(
    network: &RoadNetwork,
    permits: Option<&Permits>,
    mode: Mode,
    from: &[LinkIx],
    to: &[LinkIx],
    weight: impl Fn(LinkIx) -> Option<f64>,
) -> Option<Path> {
    let leaving = Leaving::new(network);
    let rules = Rules { network, permits, mode, through: None, leaving: &leaving };
    Search::new(&rules, weight).run(from, to, usize::MAX)
}

/// Which links begin at each junction.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    /// `begins[n]..begins[n + 1]` of `links`.
    begins: Vec<u32>,
    links: Vec<LinkIx>,
}

impl Leaving {
    pub(crate) fn new(network: &RoadNetwork) -> Self {
        let mut links: Vec<_> = (0..network.links.len()).map(LinkIx::from_position).collect();
        let from = |link: &LinkIx| network.link(*link).map_or(NodeIx(0), |link| link.from);
        links.sort_by_key(|link| (from(link), *link));
        let mut begins = vec![0_u32; network.nodes.len() + 1];
        for link in &network.links {
            if let Some(n) = begins.get_mut(link.from.at() + 1) {
                *n += 1;
            }
        }
        for n in 1..begins.len() {
            begins[n] += begins[n - 1];
        }
        Leaving { begins, links }
    }

    /// Links that begin at a junction, in order.
    pub(crate) fn of(&self, node: NodeIx) -> &[LinkIx] {
        let at = |n: usize| self.begins.get(n).map_or(0, |n| *n as usize);
        self.links.get(at(node.at())..at(node.at() + 1)).unwrap_or(&[])
    }
}

/// Whether a rule of those that bind from one link forbids to go on to another, after the rule's own way. Several that each
/// allow one way alone, of the same links and hours, allow all of theirs.
pub(crate) fn forbids<'a>(turn: &Turn, mut binding: impl Iterator<Item = &'a Turn>, next: LinkIx) -> bool {
    let alike = |other: &Turn| other.only && other.via == turn.via && other.hours == turn.hours;
    match turn.only {
        true => !binding.any(|other| alike(other) && other.to == next),
        false => turn.to == next,
    }
}

/// What a way has to heed.
pub(crate) struct Rules<'a> {
    pub(crate) network: &'a RoadNetwork,
    pub(crate) permits: Option<&'a Permits>,
    pub(crate) mode: Mode,
    /// The links that lead through; `None`: all that are not for destinations alone.
    pub(crate) through: Option<&'a Through>,
    pub(crate) leaving: &'a Leaving,
}

impl Rules<'_> {
    fn permission(&self, link: LinkIx) -> Permission {
        match self.permits {
            Some(permits) => permits.permission(self.network, link, self.mode),
            None => usual(self.network, link, self.mode),
        }
    }

    /// Whether a street ends with a link, so that one may turn round.
    fn ends(&self, link: LinkIx) -> bool {
        let Some(of) = self.network.link(link) else { return true };
        let mut on = self.leaving.of(of.to).iter().filter(|next| of.opposite != Some(**next));
        !on.any(|next| self.network.link(*next).is_some_and(|link| usable(self.network, link, self.mode)))
    }
}

/// Where one is with respect to streets that do not lead through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    /// Still in those where the way began.
    Leaving,
    /// On streets that lead through.
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

pub(crate) struct Search<'a, W> {
    rules: &'a Rules<'a>,
    weight: W,
    /// Turns that bind, by the link that they come from.
    turns: FxHashMap<LinkIx, Vec<usize>>,
    /// Every state that was reached, its cost and the state before.
    states: Vec<(State, f64, Option<usize>)>,
    numbers: FxHashMap<State, usize>,
    /// Costs as ordered bits, with the state's number.
    queue: BinaryHeap<Reverse<(u64, usize)>>,
}

impl<'a, W: Fn(LinkIx) -> Option<f64>> Search<'a, W> {
    pub(crate) fn new(rules: &'a Rules<'a>, weight: W) -> Self {
        let binds = |turn: &Turn| match rules.permits {
            Some(permits) => permits.binds(turn, rules.mode),
            None => turn.modes.has(rules.mode) && turn.hours.is_none(),
        };
        let mut turns: FxHashMap<LinkIx, Vec<usize>> = FxHashMap::default();
        for (at, turn) in rules.network.turns.iter().enumerate().filter(|(_, turn)| binds(turn)) {
            turns.entry(turn.from).or_default().push(at);
        }
        let (states, numbers, queue) = (Vec::new(), FxHashMap::default(), BinaryHeap::new());
        Search { rules, weight, turns, states, numbers, queue }
    }

    /// Whether a link may be used, and what it costs; and whether it leads through.
    fn usable(&self, link: LinkIx) -> Option<(bool, f64)> {
        let permission = self.rules.permission(link);
        if permission == Permission::No {
            return None;
        }
        let through = permission == Permission::Yes && self.rules.through.is_none_or(|all| all.ever(link));
        (self.weight)(link).filter(|w| w.is_finite() && *w >= 0.0).map(|w| (through, w))
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

    /// The cheapest way; `None` too after so many links that were looked at.
    pub(crate) fn run(mut self, from: &[LinkIx], to: &[LinkIx], most: usize) -> Option<Path> {
        for link in from {
            if let Some((through, cost)) = self.usable(*link) {
                let phase = if through { Phase::Under } else { Phase::Leaving };
                self.reach(State { link: *link, phase, begun: Vec::new() }, cost, None);
            }
        }
        // Where it ends on a street that leads through, it never leaves those.
        let ends_quiet = to.iter().any(|link| self.usable(*link).is_some_and(|(through, _)| !through));
        let mut settled = 0;
        while let Some(Reverse((bits, number))) = self.queue.pop() {
            let (state, cost, _) = self.states[number].clone();
            if cost.to_bits() != bits {
                continue;
            }
            if to.contains(&state.link) {
                return Some(Path { links: self.back(number), cost });
            }
            settled += 1;
            if settled > most {
                return None;
            }
            let Some(link) = self.rules.network.link(state.link) else { continue };
            for next in self.rules.leaving.of(link.to) {
                if link.opposite == Some(*next) && !self.rules.ends(state.link) {
                    continue;
                }
                let Some((through, weight)) = self.usable(*next) else { continue };
                let phase = match (state.phase, through) {
                    (Phase::Arriving, true) => continue,
                    (Phase::Leaving, false) => Phase::Leaving,
                    (_, true) => Phase::Under,
                    (_, false) if ends_quiet => Phase::Arriving,
                    (_, false) => continue,
                };
                let Some(begun) = self.turn(&state, *next) else { continue };
                self.reach(State { link: *next, phase, begun }, cost + weight, Some(number));
            }
        }
        None
    }

    /// What of turns is begun behind the turn into `next`; `None` where one may not.
    fn turn(&self, state: &State, next: LinkIx) -> Option<Vec<(usize, usize)>> {
        let turns = &self.rules.network.turns;
        let from = |link: LinkIx| self.turns.get(&link).into_iter().flatten();
        let fresh = from(state.link).map(|turn| (*turn, 0));
        let mut begun = Vec::new();
        for (at, behind) in state.begun.iter().copied().chain(fresh) {
            let turn = &turns[at];
            match turn.via.get(behind) {
                Some(via) if *via == next => begun.push((at, behind + 1)),
                Some(_) => {}
                None if forbids(turn, from(turn.from).map(|other| &turns[*other]), next) => return None,
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

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
