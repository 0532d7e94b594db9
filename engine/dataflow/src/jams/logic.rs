//! Rows of standing links.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    City, Jam, Jams, LinkIx, LinkState, NodeIx, Product, Quality, RoadNetwork, Tick, Timestamp, Update,
};

use crate::shell::Logic;

/// Joins at this share of free flow or less (level E), leaves above that one.
const JOINS: f32 = 0.4;
const LEAVES: f32 = 0.5;
/// Less than either is no jam.
const LEAST_M: f32 = 50.0;
const LEAST_DELAY_S: f32 = 15.0;
const AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// A standing link.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Standing {
    since: Timestamp,
    delay_s: f32,
}

pub(crate) struct Queues {
    network: Option<Arc<RoadNetwork>>,
    standing: BTreeMap<LinkIx, Standing>,
    changed: bool,
    published_at: Option<Timestamp>,
    published: Jams,
}

impl Queues {
    pub(crate) fn new(city: &City) -> Self {
        Queues {
            network: city.network.clone(),
            standing: BTreeMap::new(),
            changed: false,
            published_at: None,
            published: Jams::default(),
        }
    }

    fn take(&mut self, state: &LinkState, at: Timestamp) {
        let Some(link) = self.network.as_ref().and_then(|network| network.link(state.link)) else { return };
        let share = state.speed_kmh / link.free_flow_kmh;
        let stood = self.standing.get(&state.link).copied();
        let bound = if stood.is_some() { LEAVES } else { JOINS };
        if state.quality != Quality::Missing && share <= bound {
            let since = stood.map_or(at, |stood| stood.since);
            let delay_s = (state.travel_time_s - link.free_flow_s()).max(0.0);
            let now = Standing { since, delay_s };
            self.changed |= stood != Some(now);
            self.standing.insert(state.link, now);
        } else if stood.is_some() {
            self.standing.remove(&state.link);
            self.changed = true;
        }
    }

    /// The jams as they stand.
    fn jams(&self) -> Jams {
        let Some(network) = self.network.as_ref() else { return Jams::default() };
        jams(network, &self.standing)
    }
}

/// Each standing link goes on in at most one other, and each is gone on to from at most one: rows, in order of their heads.
fn jams(network: &RoadNetwork, standing: &BTreeMap<LinkIx, Standing>) -> Jams {
    let mut at_node: BTreeMap<NodeIx, Vec<LinkIx>> = BTreeMap::new();
    for link in standing.keys() {
        if let Some(of) = network.link(*link) {
            at_node.entry(of.from).or_default().push(*link);
        }
    }
    let delay = |link: &LinkIx| standing.get(link).map_or(0.0, |s| s.delay_s);
    // The greater delay, and of equal ones the lower link.
    let worse = |a: &LinkIx, b: &LinkIx| delay(a).total_cmp(&delay(b)).then(b.cmp(a));
    let mut next: BTreeMap<LinkIx, LinkIx> = BTreeMap::new();
    for link in standing.keys() {
        let Some(of) = network.link(*link) else { continue };
        let after = at_node.get(&of.to).into_iter().flatten();
        let after = after.copied().filter(|after| Some(*after) != of.opposite && after != link);
        if let Some(after) = after.max_by(&worse) {
            next.insert(*link, after);
        }
    }
    let mut previous: BTreeMap<LinkIx, LinkIx> = BTreeMap::new();
    for (link, after) in &next {
        let chosen = previous.entry(*after).or_insert(*link);
        if worse(link, chosen).is_gt() {
            *chosen = *link;
        }
    }
    let follows = |link: &LinkIx| next.get(link).copied().filter(|after| previous.get(after) == Some(link));
    let mut left = standing.clone();
    let mut rows = Vec::new();
    // Heads first: what goes on nowhere. What is left then goes in circles, and is cut at its lowest link.
    let heads: Vec<_> = standing.keys().copied().filter(|link| follows(link).is_none()).collect();
    for head in heads.into_iter().chain(standing.keys().copied()) {
        let mut links = Vec::new();
        let mut at = Some(head);
        while let Some(link) = at.filter(|link| left.remove(link).is_some()) {
            links.push(link);
            at = previous.get(&link).copied().filter(|before| follows(before) == Some(link));
        }
        links.reverse();
        rows.extend(row(network, standing, head, links));
    }
    rows.sort_by_key(|jam| jam.head);
    Jams { jams: rows }
}

fn row(
    network: &RoadNetwork,
    standing: &BTreeMap<LinkIx, Standing>,
    head: LinkIx,
    links: Vec<LinkIx>,
) -> Option<Jam> {
    let tail = *links.first()?;
    let length_m = links.iter().filter_map(|link| network.link(*link)).map(|link| link.length_m).sum();
    let delay_s = links.iter().filter_map(|link| standing.get(link)).map(|s| s.delay_s).sum();
    let since = standing.get(&head)?.since;
    (length_m >= LEAST_M && delay_s >= LEAST_DELAY_S).then_some(Jam {
        head,
        tail,
        links,
        length_m,
        delay_s,
        since,
    })
}

impl Logic for Queues {
    type In = Update;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        if !self.changed || self.published_at.is_some_and(|before| at < before + AT_MOST_EVERY) {
            return;
        }
        self.changed = false;
        self.published_at = Some(at);
        let jams = self.jams();
        if jams != self.published {
            self.published = jams.clone();
            out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Jams(jams)) });
        }
    }

    fn on_tick(&mut self, _tick: Tick, at: Timestamp, inputs: &[Update], _out: &mut Vec<Update>) {
        for update in inputs {
            if let Product::Link(state) = &*update.product {
                self.take(state, at);
            }
        }
    }
}
