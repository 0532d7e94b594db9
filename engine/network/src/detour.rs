//! A way around: the quickest path between two links that heeds turns, permits and closures. Meant for the few paths of a
//! situation, not for queries by the thousand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, Mode, NodeIx, Permission, RoadClass, RoadNetwork};

use crate::Permits;

/// A search ends without a result after it has settled so many links: a way around is not sought all over the country.
const MOST_SETTLED: usize = 300_000;
/// Cyclists and pedestrians, km/h, whatever the street allows cars.
const BICYCLE_KMH: f32 = 15.0;
const FOOT_KMH: f32 = 5.0;

/// Links that a mode cannot use now, beside what its permits say.
pub type Shut<'a> = &'a dyn Fn(LinkIx) -> bool;

/// A path, its first and last link included.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// In order of travel.
    pub links: Vec<LinkIx>,
    /// Seconds over all of them, undisturbed.
    pub travel_time_s: f32,
}

/// Seconds that an undisturbed traveller takes for a link; `None` for one that is not of this network.
#[must_use]
pub fn free_s(network: &RoadNetwork, link: LinkIx, mode: Mode) -> Option<f32> {
    let link = network.link(link)?;
    Some(match mode {
        Mode::Car | Mode::Bus => link.free_flow_s(),
        Mode::Bicycle => link.length_m * 3.6 / BICYCLE_KMH,
        Mode::Foot => link.length_m * 3.6 / FOOT_KMH,
    })
}

/// Which links follow on each other, and which turns have rules.
#[derive(Clone, Debug)]
pub struct Detours {
    /// Links by the junction where they begin: `begins[n]..begins[n + 1]` of `leaving`.
    begins: Vec<u32>,
    leaving: Vec<LinkIx>,
    /// Positions in [`RoadNetwork::turns`], by the links that lead to the turn.
    rules: FxHashMap<Vec<LinkIx>, Vec<usize>>,
    /// Beginnings of those of several links: where a path has to be remembered for more than its last link.
    beginnings: FxHashMap<Vec<LinkIx>, u32>,
    histories: Vec<Vec<LinkIx>>,
}

/// Where in a street network without through traffic a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stretch {
    /// In the quiet streets where it began.
    First,
    /// On streets for everybody.
    Through,
    /// In the quiet streets where it ends.
    Last,
}

/// A link with what of the way to it still matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    link: LinkIx,
    /// Position in `histories`.
    history: u32,
    stretch: Stretch,
}

/// Seconds in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seconds(f32);

impl Eq for Seconds {}

impl PartialOrd for Seconds {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Seconds {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Detours {
    /// Of a network.
    #[must_use]
    pub fn new(network: &RoadNetwork) -> Self {
        let mut leaving: Vec<_> = (0..network.links.len()).map(LinkIx::from_position).collect();
        let from = |link: &LinkIx| network.link(*link).map_or(NodeIx(0), |link| link.from);
        leaving.sort_by_key(|link| (from(link), *link));
        let mut begins = vec![0_u32; network.nodes.len() + 1];
        for link in &network.links {
            if let Some(n) = begins.get_mut(link.from.at() + 1) {
                *n += 1;
            }
        }
        for n in 1..begins.len() {
            begins[n] += begins[n - 1];
        }
        let mut rules: FxHashMap<Vec<LinkIx>, Vec<usize>> = FxHashMap::default();
        let (mut beginnings, mut histories) = (FxHashMap::default(), vec![Vec::new()]);
        for (at, turn) in network.turns.iter().enumerate() {
            let path: Vec<_> = std::iter::once(turn.from).chain(turn.via.iter().copied()).collect();
            for upto in 1..=path.len() {
                let part = &path[..upto];
                // A path's last link is known without a history, so only longer ones, and what leads to them, need one.
                if path.len() > 1 && !beginnings.contains_key(part) {
                    beginnings.insert(part.to_vec(), u32::try_from(histories.len()).unwrap_or(0));
                    histories.push(part.to_vec());
                }
            }
            rules.entry(path).or_default().push(at);
        }
        Detours { begins, leaving, rules, beginnings, histories }
    }

    /// Links that begin at a junction, in order.
    pub fn leaving(&self, node: NodeIx) -> &[LinkIx] {
        let at = |n: usize| self.begins.get(n).map_or(0, |n| *n as usize);
        self.leaving.get(at(node.at())..at(node.at() + 1)).unwrap_or(&[])
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
        self.heeds(network, permits, mode, &[from], to)
    }

    fn heeds(
        &self,
        network: &RoadNetwork,
        permits: &Permits,
        mode: Mode,
        path: &[LinkIx],
        to: LinkIx,
    ) -> bool {
        (0..path.len()).filter_map(|start| self.rules.get(&path[start..])).flatten().all(|at| {
            let Some(turn) = network.turns.get(*at) else { return true };
            !permits.binds(turn, mode) || (turn.to == to) == turn.only
        })
    }

    /// What has to be remembered of a path that goes on to a link.
    fn history(&self, path: &[LinkIx], to: LinkIx) -> u32 {
        if self.beginnings.is_empty() {
            return 0;
        }
        let mut longer = path.to_vec();
        longer.push(to);
        (0..longer.len()).find_map(|start| self.beginnings.get(&longer[start..])).copied().unwrap_or(0)
    }

    /// The quickest way for a mode from the end of `from` to `to`, neither of which need be open, over links that are
    /// permitted and not shut. Quiet streets are used only where the way begins or ends in them. A turn about is made only
    /// where nothing else leads on. `None`: there is none, or none that is not far beyond a city's size, or both are the same.
    #[must_use]
    pub fn way(
        &self,
        network: &RoadNetwork,
        permits: &Permits,
        mode: Mode,
        shut: Shut<'_>,
        [from, to]: [LinkIx; 2],
    ) -> Option<Way> {
        let quiet = |link| is_quiet(network, permits, mode, link);
        if from == to {
            return None;
        }
        let first = Place {
            link: from,
            history: self.history(&[], from),
            stretch: if quiet(from) { Stretch::First } else { Stretch::Through },
        };
        let ends_quiet = quiet(to);
        let open = |link: LinkIx| {
            link == to || (permits.permission(network, link, mode) != Permission::No && !shut(link))
        };
        let begun = free_s(network, from, mode)?;
        let mut best: FxHashMap<Place, (f32, Option<Place>)> = FxHashMap::from_iter([(first, (begun, None))]);
        let mut queue = BinaryHeap::from([(Reverse(Seconds(begun)), Reverse(first))]);
        let mut settled = 0;
        while let Some((Reverse(Seconds(so_far)), Reverse(place))) = queue.pop() {
            if best.get(&place).is_none_or(|(best, _)| so_far > *best) {
                continue;
            }
            if place.link == to {
                return Some(Way { links: walked(&best, place), travel_time_s: so_far });
            }
            settled += 1;
            if settled > MOST_SETTLED {
                return None;
            }
            let link = network.link(place.link)?;
            let own = [place.link];
            let path = match self.histories.get(place.history as usize) {
                Some(history) if place.history > 0 => history.as_slice(),
                _ => &own,
            };
            let stretch = |next: LinkIx| match (quiet(next), place.stretch) {
                (false, Stretch::Last) => None,
                (false, _) => Some(Stretch::Through),
                (true, Stretch::First) => Some(Stretch::First),
                (true, _) => ends_quiet.then_some(Stretch::Last),
            };
            let onward: Vec<_> = self
                .leaving(link.to)
                .iter()
                .filter(|next| open(**next) && self.heeds(network, permits, mode, path, **next))
                .filter_map(|next| Some((next, stretch(*next)?)))
                .collect();
            let about = |next: &LinkIx| link.opposite == Some(*next);
            let dead_end = onward.iter().all(|(next, _)| about(next));
            for (next, stretch) in onward.into_iter().filter(|(next, _)| dead_end || !about(next)) {
                let Some(step) = free_s(network, *next, mode) else { continue };
                let there = Place { link: *next, history: self.history(path, *next), stretch };
                let seconds = so_far + step;
                if best.get(&there).is_none_or(|(best, _)| seconds < *best) {
                    best.insert(there, (seconds, Some(place)));
                    queue.push((Reverse(Seconds(seconds)), Reverse(there)));
                }
            }
        }
        None
    }
}

fn walked(best: &FxHashMap<Place, (f32, Option<Place>)>, end: Place) -> Vec<LinkIx> {
    let mut links = vec![end.link];
    let mut at = end;
    while let Some((_, Some(before))) = best.get(&at) {
        links.push(before.link);
        at = *before;
    }
    links.reverse();
    links
}

/// Whether a mode may be on a link, yet not pass through it to elsewhere.
#[must_use]
pub fn is_quiet(network: &RoadNetwork, permits: &Permits, mode: Mode, link: LinkIx) -> bool {
    permits.permission(network, link, mode) == Permission::Destination
        || mode == Mode::Car
            && network
                .link(link)
                .is_some_and(|link| matches!(link.class, RoadClass::Residential | RoadClass::LivingStreet))
}

#[cfg(test)]
#[path = "detour_tests.rs"]
mod tests;
