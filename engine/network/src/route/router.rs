//! Routes of a mode with live weights.

use std::sync::{Arc, Mutex, PoisonError};

use vlot_model::{LinkIx, Mode, OnLink, RoadNetwork};

use super::alternatives::ranked;
use super::check::{self, Unlawful};
use super::hierarchy::Hierarchy;
use super::local::{Around, Goal, Local};
use super::metric::Metric;
use super::profile::{milliseconds, part_ms, seconds};
use super::quarters::Quarters;
use super::search::Search;
use super::table::Columns;
use super::turns::TurnGraph;
use super::weights::Weights;
use super::{NEVER_MS, Through, order};
use crate::Permits;

/// Routes of a mode with live weights. A clone shares the streets and has weights of its own, so that one can be given new ones
/// while another answers.
#[derive(Debug)]
pub struct Router {
    pub(super) streets: Arc<Streets>,
    pub(super) weights: Weights,
    pub(super) metric: Metric,
    inner: Metric,
    doors_ms: [Vec<u32>; 2],
    permits: Option<Permits>,
}

impl Clone for Router {
    fn clone(&self) -> Self {
        Router {
            streets: Arc::clone(&self.streets),
            weights: self.weights.clone(),
            metric: self.metric.clone(),
            inner: self.inner.clone(),
            doors_ms: self.doors_ms.clone(),
            permits: self.permits.clone(),
        }
    }
}

/// What weighs nothing.
#[derive(Debug)]
pub(super) struct Streets {
    pub(super) graph: TurnGraph,
    pub(super) hierarchy: Hierarchy,
    pub(super) quarters: Quarters,
    order: Vec<u8>,
    spare: Mutex<Vec<Scratch>>,
}

/// What a query writes on; kept for the next.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) search: Search,
    /// Within quarters.
    pub(super) inner: Search,
    pub(super) from: Local,
    pub(super) to: Local,
}

/// A way from an origin to a destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its links in order, the first and the last mostly in part; at least one.
    pub links: Vec<LinkIx>,
    /// Metres along the first link where it begins.
    pub start_m: f32,
    /// Metres along the last link where it ends.
    pub end_m: f32,
    /// Seconds, turns included.
    pub travel_time_s: f32,
    /// Of these, for turning.
    pub turns_s: f32,
    /// Metres.
    pub length_m: f32,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// Nothing to start from.
    #[error("the origin is on no street that may be used now (hint: look for others near it)")]
    Origin,
    /// Nothing to arrive at.
    #[error("the destination is on no street that may be used now (hint: look for others near it)")]
    Destination,
    /// Only ways that through traffic may not take.
    #[error(
        "all ways lead through streets that are not for through traffic (hint: residential streets are used at the beginning and \
         at the end of a way alone; is a street closed that leads around them?)"
    )]
    ThroughTraffic,
    /// No way at all.
    #[error(
        "there is none now (hint: closures in force, one-way streets, turn restrictions, and who may use a street now all bind)"
    )]
    NoWay,
    /// A way was found that breaks a rule, and was thrown away: a fault of this program.
    #[error("the way found breaks a rule: {0} (hint: report this)")]
    Unlawful(Unlawful),
}

/// How large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Directed links that the mode may use, those within a turn rule over several links more than once.
    pub states: usize,
    /// Allowed turns.
    pub turns: usize,
    /// States that lead through: the nodes of the hierarchy.
    pub nodes: usize,
    /// Arcs of the hierarchy.
    pub arcs: usize,
    /// Parts that local streets make.
    pub quarters: usize,
    /// Nodes of their hierarchies.
    pub local_nodes: usize,
    /// Arcs of their hierarchies.
    pub local_arcs: usize,
}

impl Router {
    /// For a mode. Nothing may be used until [`Router::weights`] was called. Takes a second or several on a large city, nearly
    /// all of it for the order: `kept`, the bytes of [`Router::order`] of an earlier time, saves that while the streets are the
    /// same, and changes nothing else.
    #[must_use]
    pub fn new(network: Arc<RoadNetwork>, mode: Mode, kept: Option<&[u8]>) -> Self {
        let graph = TurnGraph::new(network, mode);
        let through = |state: u32| graph.through.ever(graph.link_of[state as usize]);
        let nodes = (0..super::id(graph.link_of.len())).filter(|state| through(*state)).count();
        let kept = kept.and_then(|bytes| order::split(nodes, bytes));
        let mut hierarchy = Hierarchy::new(&graph, through, kept.map(|kept| kept.0));
        let mut quarters = Quarters::new(&graph, &hierarchy, kept.map(|kept| kept.1));
        let mut order = std::mem::take(&mut hierarchy.order);
        order.append(&mut quarters.hierarchy.order);
        let (metric, inner) = (Metric::new(&hierarchy), Metric::new(&quarters.hierarchy));
        let weights = Weights::none(&graph);
        let streets = Arc::new(Streets { graph, hierarchy, quarters, order, spare: Mutex::default() });
        Router { streets, weights, metric, inner, doors_ms: Default::default(), permits: None }
    }

    /// Whom it is for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.streets.graph.mode
    }

    /// The network that it is over.
    #[must_use]
    pub fn network(&self) -> &Arc<RoadNetwork> {
        &self.streets.graph.network
    }

    /// The links that lead through.
    #[must_use]
    pub fn through(&self) -> &Through {
        &self.streets.graph.through
    }

    /// The order's bytes, to be kept.
    #[must_use]
    pub fn order(&self) -> &[u8] {
        &self.streets.order
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        let Streets { graph, hierarchy, quarters, .. } = &*self.streets;
        Size {
            states: graph.link_of.len(),
            turns: graph.head.len(),
            nodes: hierarchy.nodes(),
            arcs: hierarchy.up_head.len(),
            quarters: quarters.len(),
            local_nodes: quarters.hierarchy.nodes(),
            local_arcs: quarters.hierarchy.up_head.len(),
        }
    }

    /// All weights anew: the permissions of an instant, and seconds over each whole link. `None`: the mode's usual speed there;
    /// infinite: closed; negative or not a number: nothing known.
    pub fn weights(&mut self, permits: &Permits, travel_time_s: impl Fn(LinkIx) -> Option<f32>) {
        let Streets { graph, hierarchy, quarters, .. } = &*self.streets;
        self.weights.set(graph, permits, travel_time_s);
        self.permits = Some(permits.clone());
        let weights = &self.weights;
        self.metric.customize(hierarchy, |arc| weights.through_ms(graph, arc));
        self.inner.customize(&quarters.hierarchy, |arc| weights.local_ms(graph, arc));
        for (side, all) in self.doors_ms.iter_mut().enumerate() {
            all.clear();
            all.extend(quarters.doors(side).iter().map(|door| weights.door_ms(graph, side, door.arc)));
        }
    }

    /// Whether permissions say of this mode what those say that the weights rest on.
    #[must_use]
    pub fn heeds(&self, permits: &Permits) -> bool {
        let (network, mode) = (self.network(), self.mode());
        let Some(held) = &self.permits else { return false };
        let in_time = network.turns.iter().filter(|turn| turn.hours.is_some());
        network.access.iter().all(|access| held.of(access, mode) == permits.of(access, mode))
            && in_time.into_iter().all(|turn| held.binds(turn, mode) == permits.binds(turn, mode))
    }

    /// Other travel times of some links, in seconds, infinite: closed, negative or not a number: nothing
    /// known. Costs by how much follows from it, and about twice as much as [`Router::weights`] at most.
    pub fn update(&mut self, changed: &[(LinkIx, f32)]) {
        let Streets { graph, hierarchy, quarters, .. } = &*self.streets;
        let mut links = Vec::with_capacity(changed.len());
        for (link, travel_time_s) in changed {
            if self.weights.change(graph, *link, *travel_time_s) {
                links.push(*link);
            }
        }
        let weights = &self.weights;
        let states = links.iter().flat_map(|link| graph.states(*link));
        let arcs: Vec<_> = states.flat_map(|state| graph.arcs_to(state)).copied().collect();
        for (side, all) in self.doors_ms.iter_mut().enumerate() {
            for arc in &arcs {
                if let Some(ms) = quarters.door(side, *arc).and_then(|door| all.get_mut(door)) {
                    *ms = weights.door_ms(graph, side, *arc);
                }
            }
        }
        self.metric.update(hierarchy, arcs.iter().copied(), |arc| weights.through_ms(graph, arc));
        self.inner.update(&quarters.hierarchy, arcs.into_iter(), |arc| weights.local_ms(graph, arc));
    }

    /// Whether a link cannot be used now: closed, or nobody may.
    #[must_use]
    pub fn closed(&self, link: LinkIx) -> bool {
        // What is remembered of turns has no state of its own without the plain one, and weighs the same.
        let plain = self.streets.graph.plain.get(link.at()).copied().filter(|state| *state != super::NONE);
        plain.is_none_or(|state| self.weights.closed(state))
    }

    /// The fastest way between one of several places and one of several others (the two sides of a street, say), and up to so
    /// many alternatives, fastest first. Every one is checked by [`check::lawful`].
    ///
    /// # Errors
    /// Why there is none.
    pub fn route(&self, from: &[OnLink], to: &[OnLink], alternatives: usize) -> Result<Vec<Route>, NoRoute> {
        let Some(permits) = &self.permits else { return Err(NoRoute::Origin) };
        self.with(|scratch| {
            let ways = self.ways(scratch, from, to, alternatives)?;
            let network = self.network();
            let mut routes = Vec::with_capacity(ways.len());
            let mut refused = NoRoute::NoWay;
            for way in ways {
                let route = self.finish(way, from, to);
                match check::lawful(network, permits, |link| self.closed(link), self.through(), &route) {
                    Ok(()) => routes.push(route),
                    Err(unlawful) => refused = NoRoute::Unlawful(unlawful),
                }
            }
            if routes.is_empty() { Err(refused) } else { Ok(routes) }
        })
    }

    /// The least seconds from each origin to each target, by origin; `None` where there is no way.
    #[must_use]
    pub fn distances(&self, origins: &[OnLink], targets: &[OnLink]) -> Vec<Vec<Option<f32>>> {
        self.with(|scratch| {
            let columns = Columns::new(self, scratch, targets);
            origins.iter().map(|origin| columns.row(self, scratch, *origin)).collect()
        })
    }

    /// The least seconds from one place to another.
    #[must_use]
    pub fn distance(&self, from: &[OnLink], to: &[OnLink]) -> Option<f32> {
        self.with(|scratch| self.nearest(scratch, from, to).map(|(ms, _)| seconds(ms)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let spare = || self.streets.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = spare().pop();
        let mut scratch = kept.unwrap_or_else(|| Scratch {
            search: Search::new(&self.streets.hierarchy),
            inner: Search::new(&self.streets.quarters.hierarchy),
            from: Local::new(&self.streets.quarters),
            to: Local::new(&self.streets.quarters),
        });
        let done = work(&mut scratch);
        spare().push(scratch);
        done
    }

    /// What local searches look at.
    pub(super) fn around(&self) -> Around<'_> {
        let Streets { graph, hierarchy, quarters, .. } = &*self.streets;
        Around {
            graph,
            through: hierarchy,
            quarters,
            weights: &self.weights,
            metric: &self.inner,
            doors_ms: &self.doors_ms,
        }
    }

    /// Where a way may start: the state, and what the rest of its link takes.
    pub(super) fn starts(&self, from: &[OnLink]) -> Vec<(u32, u32)> {
        let graph = &self.streets.graph;
        let start = |on: &OnLink| {
            let state = graph.plain.get(on.link.at()).copied().filter(|state| *state != super::NONE)?;
            let ms = self.weights.state_ms[state as usize];
            (ms != NEVER_MS).then(|| (state, ms - part_ms(ms, self.share(on))))
        };
        from.iter().filter_map(start).collect()
    }

    /// How a way may end: each turn into a destination's link, and the link up to there.
    pub(super) fn goals(&self, to: &[OnLink]) -> Vec<Goal> {
        let graph = &self.streets.graph;
        let mut goals = Vec::new();
        for (end, on) in to.iter().enumerate() {
            for state in graph.states(on.link) {
                let whole = self.weights.state_ms[state as usize];
                let part = part_ms(whole, self.share(on));
                for arc in graph.arcs_to(state) {
                    let ms = self.weights.arc_ms(*arc);
                    if ms != NEVER_MS {
                        goals.push(Goal { arc: *arc, ms: ms - whole + part, end });
                    }
                }
            }
        }
        goals
    }

    fn share(&self, on: &OnLink) -> f32 {
        self.network().link(on.link).map_or(0.0, |link| (on.offset_m / link.length_m).clamp(0.0, 1.0))
    }

    /// The least along one link alone, forwards: what it takes, the origin, the destination.
    pub(super) fn along(&self, from: &[OnLink], to: &[OnLink]) -> Option<(u32, usize, usize)> {
        let mut least: Option<(u32, usize, usize)> = None;
        for (i, a) in from.iter().enumerate() {
            for (j, b) in to.iter().enumerate().filter(|(_, b)| b.link == a.link && b.offset_m >= a.offset_m)
            {
                let state = self.streets.graph.plain.get(a.link.at()).filter(|state| **state != super::NONE);
                let ms = state.map_or(NEVER_MS, |state| self.weights.state_ms[*state as usize]);
                if ms != NEVER_MS {
                    let ms = part_ms(ms, self.share(b)) - part_ms(ms, self.share(a));
                    least = least.into_iter().chain([(ms, i, j)]).min();
                }
            }
        }
        least
    }

    /// The least milliseconds, and how.
    pub(super) fn nearest(
        &self,
        scratch: &mut Scratch,
        from: &[OnLink],
        to: &[OnLink],
    ) -> Option<(u32, How)> {
        let (around, starts) = (self.around(), self.starts(from));
        scratch.from.from(around, &starts);
        scratch.to.to(around, self.goals(to));
        let Scratch { search, inner, from: local, to: last } = scratch;
        let over = search.run(&self.streets.hierarchy, &self.metric, &local.gates, &last.gates);
        let over = over.map(|(ms, node)| (ms, How::Over(node)));
        let locally = last.before(around, inner).map(|(x, ms)| local.sweep.ms[x as usize] + ms).min();
        let locally = locally.filter(|ms| *ms < NEVER_MS).map(|ms| (ms, How::Locally));
        let along = self.along(from, to).map(|(ms, i, j)| (ms, How::Along(i, j)));
        along.into_iter().chain(locally).chain(over).min()
    }

    fn ways(
        &self,
        scratch: &mut Scratch,
        from: &[OnLink],
        to: &[OnLink],
        alternatives: usize,
    ) -> Result<Vec<Way>, NoRoute> {
        if self.starts(from).is_empty() {
            return Err(NoRoute::Origin);
        }
        if to.iter().all(|on| self.closed(on.link)) {
            return Err(NoRoute::Destination);
        }
        let Some((ms, how)) = self.nearest(scratch, from, to) else {
            return Err(if self.leads_anyhow(from, to) { NoRoute::ThroughTraffic } else { NoRoute::NoWay });
        };
        let best = self.way(scratch, ms, how).ok_or(NoRoute::NoWay)?;
        let others = if alternatives > 0 { ranked(self, scratch, &best, alternatives) } else { Vec::new() };
        Ok([best].into_iter().chain(others).collect())
    }

    /// The states of a way, of which the search has just said that it is one.
    pub(super) fn way(&self, scratch: &mut Scratch, ms: u32, how: How) -> Option<Way> {
        let around = self.around();
        let Scratch { search, inner, from, to } = scratch;
        let (states, end) = match how {
            How::Along(i, end) => return Some(Way { ms, states: Vec::new(), start: Some(i), end }),
            How::Locally => {
                let (states, goal) = to.way_within(around, inner, from)?;
                (states, goal.end)
            }
            How::Over(node) => {
                let (graph, h) = (around.graph, around.through);
                let input_ms = |arc| self.weights.through_ms(graph, arc);
                let middle = search.way(h, &self.metric, node, input_ms, &graph.head);
                let [first, last] =
                    [*middle.first()?, *middle.last()?].map(|state| h.rank_of[state as usize]);
                let mut states = from.way_to(around, inner, (first, search.forth.ms[first as usize]))?;
                states.extend_from_slice(middle.get(1..)?);
                let (end, goal) = to.way_from(around, inner, (last, search.back.ms[last as usize]))?;
                states.extend(end);
                (states, goal.end)
            }
        };
        Some(Way { ms, states, start: None, end })
    }

    #[expect(clippy::cast_possible_truncation, reason = "metres within a city fit f32 to a millimetre or so")]
    fn finish(&self, way: Way, from: &[OnLink], to: &[OnLink]) -> Route {
        let link_of = &self.streets.graph.link_of;
        let end = &to[way.end];
        let links: Vec<_> = match way.start {
            Some(_) => vec![end.link],
            None => way.states.iter().map(|state| link_of[*state as usize]).collect(),
        };
        // Of several origins on one link the way begins at the last: the rest of the link is least from there.
        let on_first = from.iter().filter(|on| links.first() == Some(&on.link));
        let start = match way.start {
            Some(i) => from[i].offset_m,
            None => on_first.map(|on| on.offset_m).fold(0.0, f32::max),
        };
        let length = |link: &LinkIx| self.network().link(*link).map_or(0.0, |link| f64::from(link.length_m));
        let but_last = links.iter().rev().skip(1).map(length).sum::<f64>();
        let last_m = links.last().map_or(0.0, length) as f32;
        let end_m = end.offset_m.clamp(0.0, last_m);
        let length_m = (but_last - f64::from(start) + f64::from(end_m)).max(0.0) as f32;
        let over_links = self.over_links_ms(&way.states, start, end);
        let turns_s = seconds(way.ms - over_links.unwrap_or(way.ms).min(way.ms));
        Route { links, start_m: start, end_m, travel_time_s: seconds(way.ms), turns_s, length_m }
    }

    /// What the links of a way take by themselves; `None` along one link alone.
    fn over_links_ms(&self, states: &[u32], start_m: f32, end: &OnLink) -> Option<u32> {
        let [first, between @ .., last] = states else { return None };
        let ms = |state: &u32| self.weights.state_ms[*state as usize];
        let link = self.streets.graph.link_of[*first as usize];
        let start = OnLink { link, offset_m: start_m, distance_m: 0.0 };
        let before = part_ms(ms(first), self.share(&start));
        let end = part_ms(ms(last), self.share(end));
        Some(ms(first) - before + between.iter().map(ms).sum::<u32>() + end)
    }

    /// Milliseconds of a travel time in seconds, as answers are rounded.
    #[must_use]
    pub fn to_ms(travel_time_s: f32) -> u32 {
        milliseconds(travel_time_s)
    }
}

/// How the least is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// Along one link alone: which origin, which destination.
    Along(usize, usize),
    /// By local streets alone.
    Locally,
    /// Over a node of the hierarchy.
    Over(u32),
}

/// A way in states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) ms: u32,
    /// Empty along one link alone.
    pub(super) states: Vec<u32>,
    /// Which origin, along one link alone.
    pub(super) start: Option<usize>,
    /// Which destination.
    pub(super) end: usize,
}
