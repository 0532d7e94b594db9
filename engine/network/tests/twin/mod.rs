//! Routing as one would do it on paper: Dijkstra over what was driven lately, every rule asked one by one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use vlot_model::{City, LinkIx, Mode, OnLink, Permission, RoadNetwork, Timestamp};
use vlot_network::route::{NEVER_MS, Router, Through, link_ms, turn_ms};
use vlot_network::{Permits, geo};

pub(crate) struct Twin<'a> {
    pub(crate) network: &'a RoadNetwork,
    pub(crate) permits: &'a Permits,
    pub(crate) known_s: &'a BTreeMap<LinkIx, f32>,
    pub(crate) mode: Mode,
    through: Through,
    leaving: Vec<Vec<LinkIx>>,
    remember: usize,
    /// Rules by the last link before the one that they speak of.
    ending: BTreeMap<LinkIx, Vec<usize>>,
}

/// Before the through streets (0), on them (1), after them (2); and the links driven last.
type Place = (u8, Vec<LinkIx>);
type Least = BTreeMap<Place, u32>;

impl<'a> Twin<'a> {
    pub(crate) fn new(
        network: &'a RoadNetwork,
        permits: &'a Permits,
        known_s: &'a BTreeMap<LinkIx, f32>,
        mode: Mode,
    ) -> Self {
        let mut leaving = vec![Vec::new(); network.nodes.len()];
        for (i, link) in network.links.iter().enumerate() {
            leaving[link.from.at()].push(LinkIx::from_position(i));
        }
        let remember = 1 + network.turns.iter().map(|turn| turn.via.len()).max().unwrap_or(0);
        let mut ending: BTreeMap<LinkIx, Vec<usize>> = BTreeMap::new();
        for (i, turn) in network.turns.iter().enumerate() {
            ending.entry(*turn.via.last().unwrap_or(&turn.from)).or_default().push(i);
        }
        let through = Through::new(network, mode);
        Twin { network, permits, known_s, mode, through, leaving, remember, ending }
    }

    fn ms(&self, link: LinkIx) -> u32 {
        match self.permits.permission(self.network, link, self.mode) {
            Permission::No => NEVER_MS,
            _ => link_ms(&self.network.links[link.at()], self.mode, self.known_s.get(&link).copied()),
        }
    }

    fn ever(&self, link: LinkIx) -> bool {
        let access = &self.network.access[self.network.links[link.at()].access as usize];
        access.usual(self.mode) != Permission::No
            || access.rules.iter().any(|rule| rule.modes.has(self.mode) && rule.permission != Permission::No)
    }

    /// The cost of a turn, if it is allowed after what was driven.
    pub(crate) fn turn(&self, driven: &[LinkIx], to: LinkIx) -> Option<u32> {
        let from = *driven.last()?;
        let (a, b) = (&self.network.links[from.at()], &self.network.links[to.at()]);
        if a.to != b.from {
            return None;
        }
        let others = self.leaving[a.to.at()].iter().filter(|x| Some(**x) != a.opposite && self.ever(**x));
        let others = others.count();
        let back = a.opposite == Some(to);
        if self.ms(to) == NEVER_MS || back && others > 0 {
            return None;
        }
        let ending = self.ending.get(&from).into_iter().flatten().map(|i| &self.network.turns[*i]);
        for rule in ending.filter(|rule| self.permits.binds(rule, self.mode)) {
            let sequence: Vec<_> = [rule.from].into_iter().chain(rule.via.iter().copied()).collect();
            let allows = |other: &vlot_model::Turn| {
                let alike = (other.from, &other.via, &other.hours) == (rule.from, &rule.via, &rule.hours);
                other.only && alike && other.modes.has(self.mode) && other.to == to
            };
            if driven.ends_with(&sequence)
                && if rule.only { !self.network.turns.iter().any(allows) } else { rule.to == to }
            {
                return None;
            }
        }
        let [p, q] = self.network.shape(from) else { panic!("a straight link") };
        let [r, s] = self.network.shape(to) else { panic!("a straight link") };
        let angle = geo::bearing_deg(*r, *s) - geo::bearing_deg(*p, *q);
        let angle = (angle + 180.0).rem_euclid(360.0) - 180.0;
        Some(if others > 1 || back { turn_ms(self.mode, angle) } else { 0 })
    }

    /// The next phase, if a link may be driven in it.
    pub(crate) fn phase(&self, phase: u8, to: LinkIx) -> Option<u8> {
        match (phase, self.through.now(self.network, self.permits, to)) {
            (0 | 1, true) => Some(1),
            (0, false) => Some(0),
            (_, false) => Some(2),
            (_, true) => None,
        }
    }

    pub(crate) fn start(&self, link: LinkIx) -> u8 {
        u8::from(self.through.now(self.network, self.permits, link))
    }

    fn part(&self, on: OnLink) -> u32 {
        let share = f64::from((on.offset_m / self.network.links[on.link.at()].length_m).clamp(0.0, 1.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a u32")]
        let part = (f64::from(self.ms(on.link)) * share).round() as u32;
        part
    }

    /// What it takes to the end of everything that can be driven.
    pub(crate) fn all(&self, from: OnLink) -> Least {
        let (mut least, mut queue) = (BTreeMap::new(), BinaryHeap::new());
        if self.ms(from.link) != NEVER_MS {
            let rest = self.ms(from.link) - self.part(from);
            queue.push(Reverse((rest, (self.start(from.link), vec![from.link]))));
        }
        while let Some(Reverse((ms, place))) = queue.pop() {
            if least.contains_key(&place) {
                continue;
            }
            let (phase, driven) = &place;
            for to in &self.leaving[self.network.links[driven[driven.len() - 1].at()].to.at()] {
                let next = self.turn(driven, *to).zip(self.phase(*phase, *to));
                if let Some((cost, phase)) = next {
                    let mut driven = driven.clone();
                    driven.push(*to);
                    driven.drain(..driven.len().saturating_sub(self.remember));
                    queue.push(Reverse((ms + cost + self.ms(*to), (phase, driven))));
                }
            }
            least.insert(place, ms);
        }
        least
    }

    /// The least milliseconds to a place, of what `all` found from another.
    pub(crate) fn least(&self, all: &Least, from: OnLink, to: OnLink) -> Option<u32> {
        let along = from.link == to.link && from.offset_m <= to.offset_m && self.ms(to.link) != NEVER_MS;
        let along = along.then(|| self.part(to) - self.part(from));
        let ways = all.iter().filter_map(|((phase, driven), ms)| {
            self.phase(*phase, to.link)?;
            Some(ms + self.turn(driven, to.link)? + self.part(to))
        });
        ways.chain(along).min()
    }

    /// What a route takes by its links, if it breaks no rule.
    pub(crate) fn drive(&self, links: &[LinkIx], from: OnLink, to: OnLink) -> Option<u32> {
        if links.len() == 1 {
            return (from.offset_m <= to.offset_m).then(|| self.part(to) - self.part(from));
        }
        let mut ms = self.ms(from.link) - self.part(from);
        let mut phase = self.start(from.link);
        for i in 1..links.len() {
            ms += self.turn(&links[..i], links[i])?;
            phase = self.phase(phase, links[i])?;
            ms += if i + 1 == links.len() { self.part(to) } else { self.ms(links[i]) };
        }
        Some(ms)
    }
}

pub(crate) fn at_noon(network: &RoadNetwork) -> Permits {
    let city = City { timezone: "Europe/Brussels".into(), ..City::default() };
    let noon: Timestamp = "2026-05-04T12:00:00+02:00".parse().expect("an instant");
    Permits::new(network, &city, noon)
}

pub(crate) fn router(
    network: &Arc<RoadNetwork>,
    permits: &Permits,
    known_s: &BTreeMap<LinkIx, f32>,
    mode: Mode,
) -> Router {
    let mut router = Router::new(Arc::clone(network), mode, None);
    router.weights(permits, |link| known_s.get(&link).copied());
    router
}

pub(crate) fn on(network: &RoadNetwork, link: LinkIx, share: f32) -> OnLink {
    OnLink { link, offset_m: network.links[link.at()].length_m * share, distance_m: 0.0 }
}

pub(crate) fn ms(seconds: Option<f32>) -> Option<u32> {
    seconds.map(Router::to_ms)
}
