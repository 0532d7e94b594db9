//! Links: facts in, one fused state a link out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    City, LevelOfService, LinkIx, LinkSources, LinkState, Meters, Product, Quality, RoadNetwork, Situation,
    SituationIx, Tick, Timestamp, Update,
};

use super::bound::Bounds;
use super::fuse::{SD_OF_80_PCT, fuse, seconds_of, z_of};
use super::kept::{Counted, Kept, Local, Scratch, Seat};
use super::pairs::{PairKept, PairTime};
use super::{Heard, What};
use crate::shell::Logic;

/// A link is published no more often than this.
pub(super) const AT_MOST_EVERY: Duration = Duration::from_secs(10);
/// Without news its figures age, and are published again.
pub(super) const AGES_EVERY: Duration = Duration::from_secs(30);
/// A fact from further ahead than this is none.
const AHEAD: Duration = Duration::from_secs(60);
/// A figure whose logarithm is less sure than this is `Degraded`: the 80 % interval begins below two thirds of it.
const GOOD_SD: f64 = 0.33;
/// A level is left when the speed is past its bound by this share.
const LEVEL_HYSTERESIS: f32 = 0.04;

/// A link that something was heard of.
#[derive(Debug)]
struct Entry {
    kept: Kept,
    bounds: Bounds,
    /// When its next publication is due.
    due: Option<Timestamp>,
    published_at: Option<Timestamp>,
    /// What stands on the board, if that rests on anything.
    last: Option<(LevelOfService, Timestamp)>,
    /// Whether situations stand on the board.
    told: bool,
}

impl Entry {
    /// Where the link stands while nothing is known: at free flow, or at a situation's speed limit.
    fn usual(&self) -> f64 {
        let Kept { free_flow_kmh, free_flow_s, .. } = self.kept;
        let slower = self.bounds.limit_kmh().map_or(1.0, |limit| (free_flow_kmh / f64::from(limit)).max(1.0));
        z_of(free_flow_s * slower, free_flow_s)
    }
}

/// All links on a worker.
pub(crate) struct Links {
    network: Option<Arc<RoadNetwork>>,
    probes_min: u16,
    window: Duration,
    seats: Vec<Vec<Seat>>,
    entries: Vec<Option<Box<Entry>>>,
    pairs: Vec<PairKept>,
    /// The pairs of a link, for links that have any; sorted.
    pairs_of: Vec<(LinkIx, usize)>,
    due: BTreeSet<(Timestamp, LinkIx)>,
    scratch: Scratch,
    meters: Arc<Meters>,
}

/// What a pair says of its links, worked out once a publication.
type PairSays = (PairTime, f64);

impl Links {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let network = city.network.clone();
        let links = network.as_ref().map_or(0, |network| network.links.len());
        let mut seats = vec![Vec::new(); links];
        for (i, place) in city.placed.devices.iter().enumerate() {
            let device = vlot_model::DeviceIx::from_position(i);
            if let Some(place) = place
                && super::counts_motor(device, city)
                && let Some(seats) = seats.get_mut(place.link.at())
            {
                seats.push(Seat { device, offset_m: place.offset_m, believed: true });
            }
        }
        for seats in &mut seats {
            seats.sort_by(|a, b| a.offset_m.total_cmp(&b.offset_m));
        }
        let of_pair = |(i, pair): (usize, &vlot_model::Pair)| {
            pair.links.iter().map(|link| (*link, i)).collect::<Vec<_>>()
        };
        let mut pairs_of: Vec<_> = city.pairs.iter().enumerate().flat_map(of_pair).collect();
        pairs_of.sort_unstable();
        pairs_of.dedup();
        Links {
            network,
            probes_min: city.traffic.probes_min,
            window: city.traffic.window,
            seats,
            entries: (0..links).map(|_| None).collect(),
            pairs: city.pairs.iter().map(PairKept::new).collect(),
            pairs_of,
            due: BTreeSet::new(),
            scratch: Scratch::default(),
            meters: Arc::clone(meters),
        }
    }

    /// The link's entry, made at its first fact.
    fn entry(&mut self, link: LinkIx) -> Option<&mut Entry> {
        let slot = self.entries.get_mut(link.at())?;
        if slot.is_none() {
            let of = self.network.as_ref()?.link(link)?;
            let mut kept = Kept::new(of.free_flow_kmh, of.free_flow_s(), of.class);
            kept.seats = self.seats.get_mut(link.at()).map(std::mem::take).unwrap_or_default();
            *slot = Some(Box::new(Entry {
                kept,
                bounds: Bounds::default(),
                due: None,
                published_at: None,
                last: None,
                told: false,
            }));
        }
        slot.as_deref_mut()
    }

    /// Something was heard of a link: it is published soon.
    fn touch(&mut self, link: LinkIx, now: Timestamp) {
        let Some(entry) = self.entry(link) else { return };
        let due = entry.published_at.map_or(now, |at| now.max(at + AT_MOST_EVERY));
        self.set_due(link, due);
    }

    /// At that instant or at an earlier one that stands already.
    fn set_due(&mut self, link: LinkIx, due: Timestamp) {
        let Some(entry) = self.entries.get_mut(link.at()).and_then(Option::as_mut) else { return };
        let before = entry.due;
        if before.is_some_and(|before| before <= due) {
            return;
        }
        entry.due = Some(due);
        if let Some(before) = before {
            self.due.remove(&(before, link));
        }
        self.due.insert((due, link));
    }

    fn take(&mut self, heard: &Heard, now: Timestamp) -> bool {
        let fresh = |at: Timestamp| at >= now - self.window && at <= now + AHEAD;
        match &heard.what {
            &What::Followed { at, seconds, token } => {
                let fresh = fresh(at);
                let can_be =
                    fresh && self.entry(heard.link).is_some_and(|e| e.kept.follow(at, seconds, token));
                if can_be {
                    self.touch(heard.link, now);
                }
                can_be
            }
            &What::Pair { pair, at, seconds } => {
                let fresh = fresh(at);
                let Some(kept) = self.pairs.get_mut(pair.at()) else { return false };
                let can_be = fresh && kept.take(at, seconds);
                if can_be {
                    for link in kept.links.clone() {
                        self.touch(link, now);
                    }
                }
                can_be
            }
            &What::Counted { device, at, interval_s, vehicles, speed_kmh } => {
                // The traffic operator meters what cannot be.
                if fresh(at)
                    && let Some(entry) = self.entry(heard.link)
                {
                    entry.kept.count(Counted { device, at, interval_s, vehicles, speed_kmh });
                    self.touch(heard.link, now);
                }
                true
            }
            &What::Believed { device, believed } => {
                if self.entry(heard.link).is_some_and(|entry| entry.kept.stand(device, believed)) {
                    self.touch(heard.link, now);
                }
                true
            }
            What::Bound { slot, situation } => {
                self.bind(heard.link, *slot, situation.as_ref(), now);
                true
            }
        }
    }

    /// A situation begins or ends on a link: that is published at the next tick of the clock.
    fn bind(&mut self, link: LinkIx, slot: SituationIx, situation: Option<&Arc<Situation>>, now: Timestamp) {
        let Some(entry) = self.entry(link) else { return };
        let was_closed = entry.bounds.closed();
        if !entry.bounds.set(slot, situation) {
            return;
        }
        let closed = entry.bounds.closed();
        if was_closed && !closed {
            // Who drove here until now was let through, or it was before all this.
            entry.kept.clear();
        }
        self.set_due(link, now);
        if was_closed == closed {
            return;
        }
        let first = self.pairs_of.partition_point(|(of, _)| *of < link);
        let of_link: Vec<usize> = self
            .pairs_of
            .iter()
            .skip(first)
            .take_while(|(of, _)| *of == link)
            .map(|(_, pair)| *pair)
            .collect();
        for pair in of_link {
            let Some(kept) = self.pairs.get_mut(pair) else { continue };
            kept.clear();
            for other in kept.links.clone() {
                if self.entries.get(other.at()).is_some_and(Option::is_some) {
                    self.touch(other, now);
                }
            }
        }
    }

    fn local(&mut self, link: LinkIx, now: Timestamp) -> Local {
        let entry = self.entries.get(link.at()).and_then(Option::as_ref);
        entry.map_or_else(Local::default, |entry| entry.kept.local(now, self.probes_min, &mut self.scratch))
    }

    fn usual(&self, link: LinkIx) -> f64 {
        self.entries.get(link.at()).and_then(Option::as_ref).map_or(0.0, |entry| entry.usual())
    }

    /// What a pair says, and what its links are believed to take in all without it.
    fn pair(&mut self, pair: usize, now: Timestamp) -> Option<PairSays> {
        let before = now - self.window;
        let kept = self.pairs.get_mut(pair)?;
        kept.forget(before);
        let time = kept.time(now, self.probes_min, &mut self.scratch.sorted)?;
        let links = kept.links.clone();
        let closed = |link: &LinkIx| {
            let entry = self.entries.get(link.at()).and_then(Option::as_ref);
            entry.is_some_and(|entry| entry.bounds.closed())
        };
        // Whoever was seen at both ends went another way.
        if links.iter().any(closed) {
            return None;
        }
        let network = self.network.clone()?;
        let mut total_s = 0.0;
        for link in links {
            if let Some(entry) = self.entries.get_mut(link.at()).and_then(Option::as_mut) {
                entry.kept.forget(before);
            }
            let local = self.local(link, now);
            let usual = self.usual(link);
            let z = fuse(usual, local.detectors.into_iter().chain(local.probes)).z;
            total_s += seconds_of(z, f64::from(network.link(link)?.free_flow_s()));
        }
        Some((time, total_s))
    }

    /// The state of a link whose publication is due, and when the next one is.
    fn publish(
        &mut self,
        link: LinkIx,
        now: Timestamp,
        says: &mut Vec<Option<Option<PairSays>>>,
    ) -> Option<LinkState> {
        let before = now - self.window;
        self.entries.get_mut(link.at())?.as_mut()?.kept.forget(before);
        let local = self.local(link, now);
        let usual = self.usual(link);
        let own = fuse(usual, local.detectors.into_iter().chain(local.probes)).z;
        let free_flow_s = f64::from(self.network.as_ref()?.link(link)?.free_flow_s());
        let (mut of_pairs, mut newest) = (Vec::new(), local.newest);
        let first = self.pairs_of.partition_point(|(of, _)| *of < link);
        for i in first..self.pairs_of.len() {
            let Some(&(_, pair)) = self.pairs_of.get(i).filter(|(of, _)| *of == link) else { break };
            let said = match says.get(pair).copied().flatten() {
                Some(said) => said,
                None => self.pair(pair, now),
            };
            says.resize(says.len().max(pair + 1), None);
            says[pair] = Some(said);
            if let Some((time, total_s)) = said {
                of_pairs.push(time.of_link(own, free_flow_s, total_s));
                newest = newest.max(Some(time.newest));
            }
        }
        let window = self.window;
        let entry = self.entries.get_mut(link.at())?.as_mut()?;
        let situations = entry.bounds.all();
        let told = std::mem::replace(&mut entry.told, !situations.is_empty());
        let begun = (told || !situations.is_empty()).then_some(now);
        let known = newest.or(entry.last.map(|(_, observed_at)| observed_at)).or(begun)?;
        let closed = entry.bounds.closed();
        let limited = closed || entry.bounds.limit_kmh().is_some();
        let mut sources = LinkSources { situations: limited, ..LinkSources::default() };
        let mut estimate = fuse(usual, []);
        let mut probes = 0;
        if !closed {
            entry.kept.learn(now, &local);
            sources.detectors = local.detectors.is_some();
            sources.probes = local.probes.is_some();
            sources.pairs = !of_pairs.is_empty();
            estimate = fuse(usual, local.detectors.into_iter().chain(local.probes).chain(of_pairs));
            probes = local.vehicles;
        }
        let last = entry.last.map(|(level, _)| level);
        let mut state = LinkState {
            link,
            observed_at: known,
            valid_until: known + window,
            probes,
            flow_vph: local.flow_vph,
            quality: quality(sources, estimate.sd),
            sources,
            situations,
            ..speeds(link, &entry.kept, estimate.z, estimate.sd)
        };
        state.level = level(state.speed_kmh, entry.kept.free_flow_kmh, last);
        entry.published_at = Some(now);
        entry.last = newest.map(|newest| (state.level, newest));
        if newest.is_some() {
            self.set_due(link, now + AGES_EVERY);
        }
        Some(state)
    }
}

/// Speeds and the travel time of an estimate.
#[expect(clippy::cast_possible_truncation, reason = "speeds and times of a link fit f32")]
fn speeds(link: LinkIx, kept: &Kept, z: f64, sd: f64) -> LinkState {
    let seconds = |z: f64| seconds_of(z, kept.free_flow_s);
    let speed = |z: f64| (kept.free_flow_kmh * kept.free_flow_s / seconds(z)) as f32;
    LinkState {
        link,
        observed_at: Timestamp::EPOCH,
        valid_until: Timestamp::EPOCH,
        speed_kmh: speed(z),
        speed_low_kmh: speed(z + SD_OF_80_PCT * sd),
        speed_high_kmh: speed(z - SD_OF_80_PCT * sd),
        travel_time_s: seconds(z) as f32,
        flow_vph: None,
        level: LevelOfService::A,
        sources: LinkSources::default(),
        probes: 0,
        quality: Quality::Missing,
        situations: Vec::new(),
    }
}

fn quality(sources: LinkSources, sd: f64) -> Quality {
    match sources {
        LinkSources { detectors: false, probes: false, pairs: false, .. } => Quality::Missing,
        _ if sd <= GOOD_SD => Quality::Good,
        _ => Quality::Degraded,
    }
}

/// The level of a speed; the one before while the speed is near its bound.
#[expect(clippy::cast_possible_truncation, reason = "a speed fits f32")]
pub(super) fn level(speed_kmh: f32, free_flow_kmh: f64, last: Option<LevelOfService>) -> LevelOfService {
    let of = |factor: f32| LevelOfService::of(speed_kmh * factor, free_flow_kmh as f32);
    let near = [1.0 - LEVEL_HYSTERESIS, 1.0 + LEVEL_HYSTERESIS].map(of);
    last.filter(|last| near.contains(last)).unwrap_or_else(|| of(1.0))
}

impl Logic for Links {
    type In = Heard;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        let mut says = Vec::new();
        while let Some(&(due, link)) = self.due.first().filter(|(due, _)| *due <= at) {
            self.due.remove(&(due, link));
            if let Some(entry) = self.entries.get_mut(link.at()).and_then(Option::as_mut) {
                entry.due = None;
            }
            let state = self.publish(link, at, &mut says);
            out.extend(state.map(|state| Update {
                tick,
                at,
                trigger: None,
                product: Arc::new(Product::Link(state)),
            }));
        }
    }

    fn on_tick(&mut self, _tick: Tick, at: Timestamp, inputs: &[Heard], _out: &mut Vec<Update>) {
        let unusable = inputs.iter().filter(|heard| !self.take(heard, at)).count();
        self.meters.readings_unusable.add(unusable as u64);
    }
}
