//! From each link, the links that a vehicle may go on to.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use vlot_model::{LinkIx, Mode, Permission, RoadNetwork};

/// Turning back at a junction is as likely as a detour of so many metres.
const TURNING_BACK_M: f32 = 60.0;

#[derive(Debug)]
pub(super) struct Graph {
    network: Arc<RoadNetwork>,
    usable: Vec<bool>,
    length_m: Vec<f32>,
    /// Position of each link's first successor in `next`, and one more.
    starts: Vec<u32>,
    next: Vec<Next>,
}

/// A link that follows another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) link: LinkIx,
    /// Metres that the turn costs.
    pub(super) extra_m: f32,
}

impl Graph {
    pub(super) fn new(network: Arc<RoadNetwork>, mode: Mode) -> Self {
        let usable: Vec<_> = network
            .links
            .iter()
            .map(|link| {
                network.access.get(link.access as usize).is_none_or(|access| {
                    let at_times = |p: Permission| p != Permission::No;
                    at_times(access.usual(mode))
                        || access.rules.iter().any(|r| r.modes.has(mode) && at_times(r.permission))
                })
            })
            .collect();
        let mut leaving: Vec<Vec<LinkIx>> = vec![Vec::new(); network.nodes.len()];
        for (i, link) in network.links.iter().enumerate() {
            if usable[i]
                && let Some(leaving) = leaving.get_mut(link.from.at())
            {
                leaving.push(LinkIx::from_position(i));
            }
        }
        let binding = |t: &&vlot_model::Turn| t.via.is_empty() && t.hours.is_none() && t.modes.has(mode);
        let mut forbidden = FxHashSet::default();
        let mut only: FxHashMap<LinkIx, Vec<LinkIx>> = FxHashMap::default();
        for turn in network.turns.iter().filter(binding) {
            if turn.only {
                only.entry(turn.from).or_default().push(turn.to);
            } else {
                forbidden.insert((turn.from, turn.to));
            }
        }
        let mut graph = Graph {
            usable,
            length_m: network.links.iter().map(|link| link.length_m).collect(),
            starts: vec![0],
            next: Vec::new(),
            network: Arc::clone(&network),
        };
        for (i, link) in network.links.iter().enumerate() {
            let from = LinkIx::from_position(i);
            let onward = leaving.get(link.to.at()).map_or(&[][..], |l| l);
            let allowed = |to: &LinkIx| {
                !forbidden.contains(&(from, *to)) && only.get(&from).is_none_or(|only| only.contains(to))
            };
            let before = graph.next.len();
            if graph.usable[i] {
                graph.next.extend(onward.iter().copied().filter(allowed).map(|to| Next {
                    link: to,
                    extra_m: if link.opposite == Some(to) { TURNING_BACK_M } else { 0.0 },
                }));
            }
            // At a dead end turning back is the way on.
            if let [only] = &mut graph.next[before..] {
                only.extra_m = 0.0;
            }
            graph.starts.push(u32::try_from(graph.next.len()).unwrap_or(u32::MAX));
        }
        graph
    }

    pub(super) fn network(&self) -> &Arc<RoadNetwork> {
        &self.network
    }

    pub(super) fn links(&self) -> usize {
        self.length_m.len()
    }

    pub(super) fn usable(&self, link: LinkIx) -> bool {
        self.usable.get(link.at()).copied().unwrap_or(false)
    }

    pub(super) fn length_m(&self, link: LinkIx) -> f32 {
        self.length_m.get(link.at()).copied().unwrap_or(0.0)
    }

    /// Seconds of an undisturbed vehicle over so many metres of a link.
    pub(super) fn free_flow_s(&self, link: LinkIx, metres: f32) -> f64 {
        let kmh = self.network.link(link).map_or(50.0, |link| link.free_flow_kmh);
        f64::from(metres) * 3.6 / f64::from(kmh)
    }

    pub(super) fn next(&self, link: LinkIx) -> &[Next] {
        let at = |i: usize| self.starts.get(i).map_or(0, |n| *n as usize);
        self.next.get(at(link.at())..at(link.at() + 1)).unwrap_or(&[])
    }
}
