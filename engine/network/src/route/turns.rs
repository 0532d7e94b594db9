//! The turn graph of a mode.

use std::collections::BTreeMap;
use std::sync::Arc;

use vlot_model::{LinkIx, Mode, RoadNetwork};

use super::rules::Rules;
use super::through::usable;
use super::{NONE, Through, id, turn_ms};
use crate::geo;

/// States (directed links, some of them several times) and arcs (turns) of a mode.
#[derive(Debug)]
pub(super) struct TurnGraph {
    pub(super) network: Arc<RoadNetwork>,
    pub(super) mode: Mode,
    /// The link of each state.
    pub(super) link_of: Vec<LinkIx>,
    /// The state of each link while nothing is remembered; [`NONE`] where the mode may never go.
    pub(super) plain: Vec<u32>,
    /// Further states of links that are in the midst of a rule.
    pub(super) more: BTreeMap<LinkIx, Vec<u32>>,
    /// Arcs by the state that they leave, one more than states.
    pub(super) first_out: Vec<u32>,
    pub(super) head: Vec<u32>,
    pub(super) tail: Vec<u32>,
    /// Of the turn, milliseconds.
    pub(super) cost_ms: Vec<u32>,
    /// Arcs by the state that they come to, one more than states.
    pub(super) first_in: Vec<u32>,
    pub(super) arcs_in: Vec<u32>,
    /// Turns of the network that forbid an arc while they bind; by arc.
    pub(super) while_bound: Vec<(u32, usize)>,
    pub(super) through: Through,
}

impl TurnGraph {
    pub(super) fn new(network: Arc<RoadNetwork>, mode: Mode) -> Self {
        let through = Through::new(&network, mode);
        let mut plain = vec![NONE; network.links.len()];
        let mut link_of = Vec::new();
        let mut leaving = vec![Vec::new(); network.nodes.len()];
        for (i, link) in network.links.iter().enumerate().filter(|(_, link)| usable(&network, link, mode)) {
            plain[i] = id(link_of.len());
            link_of.push(LinkIx::from_position(i));
            leaving[link.from.at()].push(LinkIx::from_position(i));
        }
        let leads_to = |link: LinkIx| leaving[network.links[link.at()].to.at()].as_slice();
        let rules = Rules::new(&network, mode, |link| leads_to(link).to_vec());
        let mut remembering = BTreeMap::new();
        let mut more: BTreeMap<LinkIx, Vec<u32>> = BTreeMap::new();
        let mut histories: Vec<&[LinkIx]> = Vec::new();
        for begun in rules.begun.iter().filter(|begun| begun.iter().all(|link| plain[link.at()] != NONE)) {
            let Some(last) = begun.last() else { continue };
            remembering.insert(begun.as_slice(), id(link_of.len()));
            more.entry(*last).or_default().push(id(link_of.len()));
            link_of.push(*last);
            histories.push(begun);
        }
        let plain_states = link_of.len() - histories.len();
        let bearings: Vec<_> = (0..network.links.len()).map(|i| ends_deg(&network, i)).collect();
        let (mut first_out, mut head, mut tail) = (vec![0], Vec::new(), Vec::new());
        let (mut cost_ms, mut while_bound) = (Vec::new(), Vec::new());
        let mut sequence = Vec::new();
        for (state, link) in link_of.iter().enumerate() {
            let next = leads_to(*link);
            let opposite = network.links[link.at()].opposite;
            let junction = next.iter().filter(|to| Some(**to) != opposite).count();
            for to in next {
                // Back the same way only where there is no other.
                if Some(*to) == opposite && junction > 0 {
                    continue;
                }
                let mut reached = plain[to.at()];
                let from = state.checked_sub(plain_states);
                if from.is_some() || !rules.none_from(*link) {
                    sequence.clear();
                    sequence.extend_from_slice(from.map_or(&[*link], |i| histories[i]));
                    sequence.push(*to);
                    let binding: Vec<_> = rules.against(&sequence).collect();
                    if binding.iter().any(|turn| network.turns[*turn].hours.is_none()) {
                        continue;
                    }
                    while_bound.extend(binding.into_iter().map(|turn| (id(head.len()), turn)));
                    let remembered = rules.remembered(&sequence).and_then(|end| remembering.get(end));
                    reached = remembered.copied().unwrap_or(reached);
                }
                head.push(reached);
                tail.push(id(state));
                let angle = turned_deg(bearings[link.at()][1], bearings[to.at()][0]);
                cost_ms.push(if junction > 1 || Some(*to) == opposite { turn_ms(mode, angle) } else { 0 });
            }
            first_out.push(id(head.len()));
        }
        let (first_in, arcs_in) = grouped(link_of.len(), &head);
        TurnGraph {
            mode,
            link_of,
            plain,
            more,
            first_out,
            head,
            tail,
            cost_ms,
            first_in,
            arcs_in,
            while_bound,
            through,
            network,
        }
    }

    /// All states of a link.
    pub(super) fn states(&self, link: LinkIx) -> impl Iterator<Item = u32> + '_ {
        let plain = self.plain.get(link.at()).copied().filter(|state| *state != NONE);
        plain.into_iter().chain(self.more.get(&link).into_iter().flatten().copied())
    }

    pub(super) fn arcs_from(&self, state: u32) -> std::ops::Range<u32> {
        self.first_out[state as usize]..self.first_out[state as usize + 1]
    }

    pub(super) fn arcs_to(&self, state: u32) -> &[u32] {
        &self.arcs_in[self.first_in[state as usize] as usize..self.first_in[state as usize + 1] as usize]
    }
}

/// Positions grouped by the key that each has: where each group begins, and its positions in order.
pub(super) fn grouped(groups: usize, keys: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0_u32; groups + 1];
    for key in keys {
        first[*key as usize + 1] += 1;
    }
    for i in 0..groups {
        first[i + 1] += first[i];
    }
    let mut next = first.clone();
    let mut positions = vec![0; keys.len()];
    for (i, key) in keys.iter().enumerate() {
        let at = &mut next[*key as usize];
        positions[*at as usize] = id(i);
        *at += 1;
    }
    (first, positions)
}

/// A link's directions at its start and at its end.
fn ends_deg(network: &RoadNetwork, link: usize) -> [f64; 2] {
    match network.shape(LinkIx::from_position(link)) {
        [a, b, .., c, d] => [geo::bearing_deg(*a, *b), geo::bearing_deg(*c, *d)],
        [a, b, c] => [geo::bearing_deg(*a, *b), geo::bearing_deg(*b, *c)],
        [a, b] => [geo::bearing_deg(*a, *b); 2],
        _ => [0.0; 2],
    }
}

/// Clockwise, -180..180.
pub(super) fn turned_deg(from: f64, to: f64) -> f64 {
    (to - from + 180.0).rem_euclid(360.0) - 180.0
}
