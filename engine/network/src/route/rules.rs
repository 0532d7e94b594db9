//! Turn rules as forbidden sequences of links, each at least two long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, Mode, RoadNetwork};

/// From where and over what a rule allows one way alone, and when.
type Onward<'a> = (LinkIx, &'a [LinkIx], Option<&'a Arc<str>>);

/// The forbidden sequences of a mode.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Which turn of the network forbids a sequence; several may, at different times.
    forbidden: FxHashMap<Vec<LinkIx>, Vec<usize>>,
    /// Beginnings of sequences of three and more, at least two long: what one must remember on the way.
    pub(super) begun: BTreeSet<Vec<LinkIx>>,
    /// Whether some sequence begins with a link.
    begins: Vec<bool>,
}

impl Rules {
    /// All that may bind a mode at some time. `leads_to` gives the links that a link leads to.
    pub(super) fn new(network: &RoadNetwork, mode: Mode, leads_to: impl Fn(LinkIx) -> Vec<LinkIx>) -> Self {
        let mut rules = Rules { begins: vec![false; network.links.len()], ..Rules::default() };
        let of_mode = network.turns.iter().enumerate().filter(|(_, turn)| turn.modes.has(mode));
        // Several that each allow one way alone, from the same links at the same times, allow all of theirs.
        let mut only: BTreeMap<Onward<'_>, (usize, Vec<LinkIx>)> = BTreeMap::new();
        for (i, turn) in of_mode {
            if turn.only {
                let allowed =
                    only.entry((turn.from, &turn.via, turn.hours.as_ref())).or_insert((i, Vec::new()));
                allowed.1.push(turn.to);
            } else {
                rules.forbid(turn.from, &turn.via, turn.to, i);
            }
        }
        for ((from, via, _), (i, allowed)) in only {
            for to in leads_to(*via.last().unwrap_or(&from)) {
                if !allowed.contains(&to) {
                    rules.forbid(from, via, to, i);
                }
            }
        }
        rules
    }

    fn forbid(&mut self, from: LinkIx, via: &[LinkIx], to: LinkIx, turn: usize) {
        let Some(begins) = self.begins.get_mut(from.at()) else { return };
        *begins = true;
        let mut sequence = vec![from];
        for link in via {
            sequence.push(*link);
            self.begun.insert(sequence.clone());
        }
        sequence.push(to);
        self.forbidden.entry(sequence).or_default().push(turn);
    }

    /// Whether `next` after a link that nothing is remembered of needs no look at all.
    pub(super) fn none_from(&self, link: LinkIx) -> bool {
        !self.begins.get(link.at()).copied().unwrap_or(false)
    }

    /// The turns that forbid the end of a sequence.
    pub(super) fn against<'a>(&'a self, sequence: &'a [LinkIx]) -> impl Iterator<Item = usize> + 'a {
        let ends = (0..sequence.len().saturating_sub(1)).filter_map(|i| self.forbidden.get(&sequence[i..]));
        ends.flatten().copied()
    }

    /// The longest end of a sequence that is a beginning to remember.
    pub(super) fn remembered<'a>(&self, sequence: &'a [LinkIx]) -> Option<&'a [LinkIx]> {
        (0..sequence.len().saturating_sub(1)).map(|i| &sequence[i..]).find(|end| self.begun.contains(*end))
    }
}
