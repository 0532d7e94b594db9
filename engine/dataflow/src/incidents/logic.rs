//! Which links have a suspected incident, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vlot_model::{
    City, DeviceIx, Incident, IncidentRule, LinkIx, LinkState, Meters, Product, Quality, RoadNetwork, Tick,
    Timestamp, Update, Verdict,
};

use super::rules::{Bottleneck, Cover, Drop, Seen};
use super::{Heard, What};
use crate::shell::Logic;

/// A link that something was heard of.
#[derive(Debug, Default)]
struct Watched {
    /// Its share of free flow, while it is measured.
    share: Option<f32>,
    drop: Drop,
    bottleneck: Bottleneck,
    /// By detector.
    covers: BTreeMap<DeviceIx, Cover>,
    /// What the rules that look at speeds saw last.
    seen: [Option<Seen>; 2],
    incident: Option<Incident>,
}

pub(crate) struct Incidents {
    network: Option<Arc<RoadNetwork>>,
    watched: BTreeMap<LinkIx, Watched>,
    /// Links by the junction where they begin.
    after: Vec<Vec<LinkIx>>,
    /// Links on which a cover or an incident may end by time alone.
    open: BTreeSet<LinkIx>,
    doubted: BTreeSet<DeviceIx>,
    meters: Arc<Meters>,
}

impl Incidents {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let network = city.network.clone();
        let mut after = vec![Vec::new(); network.as_ref().map_or(0, |network| network.nodes.len())];
        for (i, link) in network.iter().flat_map(|network| &network.links).enumerate() {
            if let Some(after) = after.get_mut(link.from.at()) {
                after.push(LinkIx::from_position(i));
            }
        }
        let (watched, open, doubted) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Incidents { network, watched, after, open, doubted, meters: Arc::clone(meters) }
    }

    /// The share of free flow of the fastest measured link after this one.
    fn next_share(&self, link: LinkIx) -> Option<f32> {
        let of = self.network.as_ref()?.link(link)?;
        let after = self.after.get(of.to.at())?.iter().filter(|after| Some(**after) != of.opposite);
        after.filter_map(|after| self.watched.get(after)?.share).max_by(f32::total_cmp)
    }

    fn state(&mut self, state: &LinkState, at: Timestamp) {
        let Some(network) = self.network.as_ref() else { return };
        let Some(of) = network.link(state.link) else { return };
        let free_flow_kmh = of.free_flow_kmh;
        let next = self.next_share(state.link);
        let watched = self.watched.entry(state.link).or_default();
        if state.quality == Quality::Missing {
            watched.share = None;
            watched.seen = [None; 2];
            watched.drop = Drop::default();
            let _gone = watched.bottleneck.look(0.0, None, at);
            return;
        }
        let share = state.speed_kmh / free_flow_kmh;
        watched.share = Some(share);
        watched.seen =
            [watched.drop.look(state, free_flow_kmh, at), watched.bottleneck.look(share, next, at)];
    }

    /// Whether a verdict hits an incident that goes on.
    fn verdict(&mut self, link: LinkIx, verdict: Verdict) -> bool {
        let incident = self.watched.get_mut(&link).and_then(|watched| watched.incident.as_mut());
        match incident.filter(|incident| incident.ended.is_none()) {
            Some(incident) => {
                incident.verdict = verdict;
                true
            }
            None => false,
        }
    }

    /// What the rules make of a link, if that is other than what stands on the board or `said` says that it has changed.
    fn look(&mut self, link: LinkIx, at: Timestamp, said: bool) -> Option<Incident> {
        let watched = self.watched.get_mut(&link)?;
        let covered = watched.covers.values_mut().filter_map(|cover| cover.look(at));
        let covered = covered.max_by(|a, b| a.seen.total_cmp(&b.seen));
        let [drop, bottleneck] = watched.seen;
        let rules = [
            (IncidentRule::SuddenDrop, drop),
            (IncidentRule::Bottleneck, bottleneck),
            (IncidentRule::StandingVehicle, covered),
        ];
        let going_on = watched.incident.as_mut().filter(|incident| incident.ended.is_none());
        let changed = match going_on {
            Some(incident) => {
                let seen = rules.iter().find(|(rule, _)| *rule == incident.rule).and_then(|(_, seen)| *seen);
                if seen.is_none() {
                    incident.ended = Some(at);
                }
                seen.is_none()
            }
            None => {
                let fired = rules.into_iter().find_map(|(rule, seen)| Some((rule, seen?)));
                let fired = fired.map(|(rule, Seen { seen, limit })| Incident {
                    link,
                    rule,
                    verdict: Verdict::Suspected,
                    since: at,
                    ended: None,
                    seen,
                    limit,
                });
                let is_new = fired.is_some();
                watched.incident = fired.or(watched.incident.take());
                is_new
            }
        };
        let goes_on = watched.incident.as_ref().is_some_and(|incident| incident.ended.is_none());
        if goes_on || covered.is_some() {
            self.open.insert(link);
        } else {
            self.open.remove(&link);
        }
        if changed || said { watched.incident.clone() } else { None }
    }
}

impl Logic for Incidents {
    type In = Heard;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for link in self.open.iter().copied().collect::<Vec<_>>() {
            let incident = self.look(link, at, false);
            out.extend(incident.map(|incident| update(tick, at, incident)));
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Heard], out: &mut Vec<Update>) {
        let mut touched: BTreeMap<LinkIx, bool> = BTreeMap::new();
        let mut unusable = 0;
        for heard in inputs {
            let mut said = false;
            match &heard.what {
                What::State(state) => self.state(state, at),
                What::Covered { device, from, until, vehicles, pct } => {
                    // Most detectors are never covered: nothing is kept of them.
                    if *vehicles > 0 || *pct <= 0.0 || self.doubted.contains(device) {
                        let covers = self.watched.get_mut(&heard.link).map(|watched| &mut watched.covers);
                        if covers.and_then(|covers| covers.remove(device)).is_none() {
                            continue;
                        }
                    } else {
                        let covers = &mut self.watched.entry(heard.link).or_default().covers;
                        covers.entry(*device).or_default().hear(*from, *until, *pct);
                    }
                }
                What::Believed { device, believed: true } => {
                    self.doubted.remove(device);
                }
                What::Believed { device, believed: false } => {
                    self.doubted.insert(*device);
                    if let Some(watched) = self.watched.get_mut(&heard.link) {
                        watched.covers.remove(device);
                    }
                }
                What::Verdict(verdict) => {
                    said = self.verdict(heard.link, *verdict);
                    unusable += u64::from(!said);
                }
            }
            *touched.entry(heard.link).or_default() |= said;
        }
        self.meters.readings_unusable.add(unusable);
        for (link, said) in touched {
            let incident = self.look(link, at, said);
            out.extend(incident.map(|incident| update(tick, at, incident)));
        }
    }
}

fn update(tick: Tick, at: Timestamp, incident: Incident) -> Update {
    Update { tick, at, trigger: None, product: Arc::new(Product::Incident(incident)) }
}
