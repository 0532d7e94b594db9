//! The way from each sign to each target that it announces, with live travel times.
//!
//! A way is kept while it takes no longer than the best by more than a margin: what a driver follows ought not to change for
//! seconds, and a table of distances is many times cheaper than finding the ways themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use vlot_model::{
    City, Effect, LinkIx, LinkState, LiveWay, Mode, OnLink, Phase, Quality, RoadNetwork, SignIx, SituationIx,
    SituationState, Target, Timestamp,
};
use vlot_network::Permits;
use vlot_network::route::{Router, Trace};

use crate::arrow::{Exits, Junctions};

/// A kept way may take so much longer than the best, seconds and share of it.
const KEPT_S: f32 = 20.0;
const KEPT_SHARE: f32 = 0.08;

/// Ways by car and by bicycle.
pub(crate) struct Ways {
    network: Arc<RoadNetwork>,
    permits: Permits,
    cars: Streets,
    bicycles: Streets,
    situations: BTreeMap<SituationIx, SituationState>,
    /// Live seconds of links, by car.
    measured: FxHashMap<LinkIx, f32>,
    /// Links whose live seconds changed since the last look.
    changed: Vec<LinkIx>,
    /// Something changed that needs all weights anew.
    anew: bool,
}

/// The streets of a mode.
struct Streets {
    mode: Mode,
    router: Router,
    /// Where signs of this mode stand.
    origins: Vec<OnLink>,
    /// Entrances that they announce.
    targets: Vec<OnLink>,
    /// By sign: where its lines are in `lines`; `None`: a line of another mode, or on no street.
    by_sign: Vec<Vec<Option<usize>>>,
    lines: Vec<Line>,
    exits: Exits,
}

/// A line of a sign that stands on the streets, as does its target.
struct Line {
    /// Positions in `origins` and `targets`.
    from: usize,
    to: usize,
    /// What its arrow was configured for; `None`: no way led there even in an undisturbed night.
    arrow: Option<Junctions>,
    kept: Option<Kept>,
}

/// A way that is kept.
struct Kept {
    way: LiveWay,
    trace: Trace,
}

impl Streets {
    fn new(city: &City, network: &Arc<RoadNetwork>, mode: Mode, permits: &Permits) -> Self {
        let (mut origins, mut targets, mut lines) = (Vec::new(), Vec::<OnLink>::new(), Vec::new());
        let mut positions = BTreeMap::new();
        let mut by_sign = Vec::with_capacity(city.signs.len());
        for (i, sign) in city.signs.iter().enumerate() {
            let stand = city.placed.signs.get(i).copied().flatten();
            let mut of_sign = vec![None; sign.lines.len()];
            let mut origin = None;
            for (line, place) in sign.lines.iter().zip(&mut of_sign) {
                let entrance = entrance(city, line.target).filter(|_| line.target.mode(city) == mode);
                let Some((stand, entrance)) = stand.zip(entrance) else { continue };
                let from = *origin.get_or_insert_with(|| {
                    origins.push(stand);
                    origins.len() - 1
                });
                let to = *positions.entry(line.target).or_insert_with(|| {
                    targets.push(entrance);
                    targets.len() - 1
                });
                *place = Some(lines.len());
                lines.push(Line { from, to, arrow: None, kept: None });
            }
            by_sign.push(of_sign);
        }
        let mut router = Router::new(Arc::clone(network), mode, None);
        router.weights(permits, |_| None);
        let mut streets =
            Streets { mode, router, origins, targets, by_sign, lines, exits: Exits::of(network) };
        // What arrows were configured for: the way of an undisturbed night.
        streets.find();
        for (sign, of_sign) in city.signs.iter().zip(&streets.by_sign) {
            for (configured, at) in sign.lines.iter().zip(of_sign) {
                let Some(line) = at.and_then(|at| streets.lines.get_mut(at)) else { continue };
                line.arrow = line
                    .kept
                    .take()
                    .map(|kept| Junctions::new(network, &streets.exits, configured.arrow, &kept.way.links));
            }
        }
        streets
    }

    /// The ways as the streets are now.
    fn find(&mut self) {
        let table = self.router.distances(&self.origins, &self.targets);
        for line in &mut self.lines {
            let best = table.get(line.from).and_then(|row| row.get(line.to)).copied().flatten();
            let Some(best) = best else {
                line.kept = None;
                continue;
            };
            if let Some(kept) = &mut line.kept
                && let Some(now) = self.router.trace_s(&kept.trace)
                && now <= best + KEPT_S.max(best * KEPT_SHARE)
            {
                kept.way.travel_time_s = now;
                continue;
            }
            let (from, to) = (self.origins[line.from], self.targets[line.to]);
            line.kept = way(&self.router, &self.exits, line.arrow.as_ref(), from, to);
        }
    }

    fn of(&self, sign: SignIx, line: u32) -> Option<&Line> {
        let at = self.by_sign.get(sign.at())?.get(line as usize).copied().flatten()?;
        self.lines.get(at)
    }

    fn forget(&mut self) {
        self.lines.iter_mut().for_each(|line| line.kept = None);
    }
}

/// The fastest way now.
fn way(router: &Router, exits: &Exits, arrow: Option<&Junctions>, from: OnLink, to: OnLink) -> Option<Kept> {
    let route = router.route(&[from], &[to], 0).ok()?.into_iter().next()?;
    let trace = router.trace(&route.links, route.start_m, route.end_m)?;
    let arrow = arrow.map(|junctions| junctions.arrow(router.network(), exits, &route.links));
    let way = LiveWay {
        arrow: arrow.unwrap_or(vlot_model::Arrow::None),
        start_m: route.start_m,
        end_m: route.end_m,
        travel_time_s: route.travel_time_s,
        length_m: route.length_m,
        links: route.links.into(),
    };
    Some(Kept { way, trace })
}

impl Ways {
    pub(crate) fn new(city: &City, network: &Arc<RoadNetwork>, now: Timestamp) -> Self {
        let permits = Permits::new(network, city, now);
        Ways {
            cars: Streets::new(city, network, Mode::Car, &permits),
            bicycles: Streets::new(city, network, Mode::Bicycle, &permits),
            network: Arc::clone(network),
            permits,
            situations: BTreeMap::new(),
            measured: FxHashMap::default(),
            changed: Vec::new(),
            anew: true,
        }
    }

    /// The newest state of a link.
    pub(crate) fn link(&mut self, state: &LinkState) {
        let live = matches!(state.quality, Quality::Good | Quality::Degraded);
        let before = self.measured.get(&state.link).copied();
        let now = live.then_some(state.travel_time_s);
        if before != now {
            match now {
                Some(seconds) => self.measured.insert(state.link, seconds),
                None => self.measured.remove(&state.link),
            };
            self.changed.push(state.link);
        }
    }

    /// The newest state of a situation. Whether it says something else of the streets.
    pub(crate) fn situation(&mut self, state: &SituationState) -> bool {
        let binds =
            |state: &SituationState| state.phase == Phase::Active && state.situation.effect != Effect::None;
        let before = self.situations.get(&state.slot);
        let same = before.is_some_and(|b| {
            b.links == state.links
                && b.situation.effect == state.situation.effect
                && b.situation.modes == state.situation.modes
        });
        let changes = match before {
            Some(before) => binds(before) != binds(state) || binds(state) && !same,
            None => binds(state),
        };
        if state.phase == Phase::Ended {
            self.situations.remove(&state.slot);
        } else {
            self.situations.insert(state.slot, state.clone());
        }
        self.anew |= changes;
        changes
    }

    /// Keeps no way for calm's sake: the next look finds the best.
    pub(crate) fn forget(&mut self) {
        self.cars.forget();
        self.bicycles.forget();
        self.anew = true;
    }

    /// Brings all ways up to date.
    pub(crate) fn look(&mut self, now: Timestamp) {
        if now >= self.permits.until() {
            self.anew |= self.permits.advance(now);
        }
        self.changed.sort_unstable();
        self.changed.dedup();
        let cars = self.anew || !self.changed.is_empty();
        if self.anew {
            let weights = |mode| limits(&self.network, &self.situations, mode);
            let by_car = weights(Mode::Car);
            let seconds =
                |link: LinkIx| together(self.measured.get(&link).copied(), by_car.get(&link).copied());
            self.cars.router.weights(&self.permits, seconds);
            let by_bicycle = weights(Mode::Bicycle);
            self.bicycles.router.weights(&self.permits, |link| by_bicycle.get(&link).copied());
        } else if !self.changed.is_empty() {
            let by_car = limits(&self.network, &self.situations, Mode::Car);
            let seconds = |link: &LinkIx| {
                let now = together(self.measured.get(link).copied(), by_car.get(link).copied());
                (*link, now.unwrap_or(f32::NAN))
            };
            let changes: Vec<_> = self.changed.iter().map(seconds).collect();
            self.cars.router.update(&changes);
        }
        self.changed.clear();
        let bicycles = std::mem::take(&mut self.anew);
        if cars {
            self.cars.find();
        }
        if bicycles {
            self.bicycles.find();
        }
    }

    /// The way of a line; `None`: none leads there now, or the line is on no street.
    pub(crate) fn of(&self, sign: SignIx, line: u32) -> Option<&LiveWay> {
        let line = self.cars.of(sign, line).or_else(|| self.bicycles.of(sign, line))?;
        line.kept.as_ref().map(|kept| &kept.way)
    }

    /// Whether a line's sign and target both stand on the streets.
    pub(crate) fn knows(&self, sign: SignIx, line: u32) -> bool {
        self.cars.of(sign, line).or_else(|| self.bicycles.of(sign, line)).is_some()
    }

    /// What the proof looks at.
    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    pub(crate) fn router(&self, mode: Mode) -> &Router {
        if mode == self.bicycles.mode { &self.bicycles.router } else { &self.cars.router }
    }
}

/// Where the entrance of a target is.
fn entrance(city: &City, target: Target) -> Option<OnLink> {
    let garage = |at: usize| city.placed.garages.get(at).copied().flatten();
    match target {
        Target::Facility(f) | Target::Group { facility: f, .. } => {
            city.placed.facilities.get(f.at()).copied().flatten()
        }
        Target::Place(p) => city.placed.places.get(p.at()).copied().flatten(),
        Target::Garage(g) => garage(g.at()),
        Target::Section(s) => garage(city.sections.get(s.at())?.garage.at()),
    }
}

/// What is measured, but no less than a situation lets pass.
fn together(measured: Option<f32>, least: Option<f32>) -> Option<f32> {
    match (measured, least) {
        (Some(measured), Some(least)) => Some(measured.max(least)),
        (one, other) => one.or(other),
    }
}

/// The least seconds that situations leave on their links; infinite: closed.
fn limits(
    network: &RoadNetwork,
    situations: &BTreeMap<SituationIx, SituationState>,
    mode: Mode,
) -> FxHashMap<LinkIx, f32> {
    let mut least: FxHashMap<LinkIx, f32> = FxHashMap::default();
    for link in vlot_network::effects::closed_links(situations.values(), mode) {
        least.insert(link, f32::INFINITY);
    }
    if mode == Mode::Car {
        for (link, kmh) in vlot_network::effects::speed_limits(situations.values(), mode) {
            let of = network.link(link);
            let seconds = of.map_or(0.0, |link| (link.length_m * 3.6 / kmh.max(1.0)).max(link.free_flow_s()));
            let entry = least.entry(link).or_insert(seconds);
            *entry = entry.max(seconds);
        }
    }
    least
}
