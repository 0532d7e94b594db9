//! From what is known to a set of plans.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    AdviceReason, City, FacilityIx, FacilityLoad, FacilityStatus, Figure, GarageIx, GarageState,
    GuidanceState, LinePlan, LineWay, Product, Sight, Sign, SignIx, SignLine, SignPlan, Target, Timestamp,
    UserGroup,
};
use vlot_network::geo;

use super::compliance::LEAST_TOLD;
use super::demand::Obedience;
use super::judge::faults;
use super::passing::Passing;
use super::set::Chain;
use super::space::Space;
use super::ways::Ways;
use crate::proof::Fault;
use crate::sight::{figure, garage, of_group};

/// Metres a second on foot, and how much longer streets are than the bird's way.
pub(super) const WALK_M_S: f64 = 1.3;
pub(super) const WALK_DETOUR: f64 = 1.3;

/// The engine stood still for what is longer between two decisions.
const GAP: Duration = Duration::from_secs(60);

/// What a sign advises now, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stand {
    pub(super) advice: Option<u32>,
    pub(super) since: Option<Timestamp>,
}

/// The planner's memory. Everything in it follows from the products and ticks that it was given.
pub(crate) struct Planner {
    pub(super) city: Arc<City>,
    ways: Option<Ways>,
    pub(super) spaces: BTreeMap<FacilityIx, Space>,
    /// Spaces of groups of users that signs announce.
    groups: BTreeMap<(FacilityIx, UserGroup), Sight>,
    garages: BTreeMap<GarageIx, GarageState>,
    pub(super) obedience: Obedience,
    passing: Passing,
    /// Facilities that signs announce, in order: positions in `obedience`.
    pub(super) announced: Vec<FacilityIx>,
    /// Seconds on foot between facilities, by their positions in `announced`.
    pub(super) walk_s: Vec<Vec<f64>>,
    /// The same to the centre; empty without one.
    pub(super) centre_s: Vec<f64>,
    pub(super) stands: Vec<Stand>,
    /// Newest published.
    plans: Vec<Option<Arc<SignPlan>>>,
    pub(super) state: GuidanceState,
    decided_at: Option<Timestamp>,
    /// Vehicles a second that look for a space.
    pub(super) seeking_per_s: f64,
    /// Something of what signs may say has become untrue: no waiting.
    urgent: bool,
}

impl Planner {
    pub(crate) fn new(city: &Arc<City>, now: Timestamp) -> Self {
        let mut announced: Vec<_> =
            city.signs.iter().flat_map(|sign| &sign.lines).filter_map(facility).collect();
        announced.sort_unstable();
        announced.dedup();
        let capacity = |f: &FacilityIx| city.facilities.get(f.at()).map_or(0, |f| f.capacity);
        Planner {
            ways: city.network.as_ref().map(|network| Ways::new(city, network, now)),
            spaces: announced.iter().map(|f| (*f, Space::new(capacity(f)))).collect(),
            groups: groups(city),
            garages: BTreeMap::new(),
            obedience: Obedience::new(
                f64::from(city.guidance.compliance),
                &announced.iter().map(|f| f64::from(capacity(f))).collect::<Vec<_>>(),
            ),
            passing: passing(city, &announced),
            walk_s: walks(city, &announced),
            centre_s: to_centre(city, &announced),
            announced,
            stands: vec![Stand::default(); city.signs.len()],
            plans: vec![None; city.signs.len()],
            state: GuidanceState { mode: city.guidance.mode, ..GuidanceState::default() },
            decided_at: None,
            seeking_per_s: 0.0,
            urgent: false,
            city: Arc::clone(city),
        }
    }

    /// Takes the newest state of something.
    pub(crate) fn note(&mut self, product: &Product, at: Timestamp) {
        match product {
            Product::Facility(state) => {
                for ((_, group), sight) in self.groups.range_mut(of_facility(state.facility)) {
                    let before = std::mem::replace(sight, of_group(state, *group));
                    self.urgent |= can_be_advised(&before, 0, at) != can_be_advised(sight, 0, at);
                }
                let Some(space) = self.spaces.get_mut(&state.facility) else { return };
                let before = can_be_advised(
                    &space.sight,
                    self.city.facilities.get(state.facility.at()).map_or(0, |f| f.full_at),
                    at,
                );
                let entered = space.state(state, at);
                let now = can_be_advised(
                    &space.sight,
                    self.city.facilities.get(state.facility.at()).map_or(0, |f| f.full_at),
                    at,
                );
                self.urgent |= before != now;
                if entered > 0
                    && let Ok(place) = self.announced.binary_search(&state.facility)
                {
                    self.obedience.entered(place, f64::from(entered));
                }
            }
            Product::Forecast(forecast) => {
                if let Some(space) = self.spaces.get_mut(&forecast.facility) {
                    space.forecast(forecast);
                }
            }
            Product::Garage(state) => {
                let before = self.garages.insert(state.garage, state.clone());
                let statuses = |g: &GarageState| g.sections.iter().map(|s| s.status).collect::<Vec<_>>();
                self.urgent |= before.is_none_or(|before| statuses(&before) != statuses(state));
            }
            Product::Link(state) => {
                if let Some(ways) = &mut self.ways {
                    ways.link(state);
                }
            }
            Product::Situation(state) => {
                if let Some(ways) = &mut self.ways {
                    self.urgent |= ways.situation(state);
                }
            }
            Product::Expected(expected) => {
                if let Some(space) = self.spaces.get_mut(&expected.facility) {
                    space.announced(expected);
                }
            }
            _ => {}
        }
    }

    /// Whether it is time to decide.
    pub(crate) fn is_due(&self, at: Timestamp) -> bool {
        self.urgent || self.decided_at.is_none_or(|decided| decided + self.city.guidance.every <= at)
    }

    /// Decides on all signs. The plans that are other than before, and how guidance does.
    pub(crate) fn decide(&mut self, at: Timestamp) -> (Vec<Arc<SignPlan>>, GuidanceState) {
        let before = self.decided_at.replace(at);
        self.urgent = false;
        // While nobody decided nobody was advised either, as far as that is known.
        self.flow(before.map_or(Duration::ZERO, |before| at.since(before).min(GAP)), at);
        let mut rates = Vec::new();
        let (mut set, mut chain, mut broken) = self.attempt(&mut rates, at);
        if !broken.is_empty()
            && let Some(ways) = &mut self.ways
        {
            // Ways that were kept for calm can lead around each other; the best ones cannot.
            ways.forget();
            (set, chain, broken) = self.attempt(&mut rates, at);
        }
        self.publish(&mut set, &chain, &broken, at);
        self.account(&set, &rates);
        let mut changed = Vec::new();
        for (plan, held) in set.into_iter().zip(&mut self.plans) {
            if held.as_ref().is_none_or(|held| is_other(held, &plan)) {
                let plan = Arc::new(plan);
                *held = Some(Arc::clone(&plan));
                changed.push(plan);
            }
        }
        (changed, self.state.clone())
    }

    /// Time passed since the last decision: whoever obeyed is on the way now, and others have arrived.
    fn flow(&mut self, passed: Duration, at: Timestamp) {
        let share = self.obedience.counted_on();
        let mut diverted = 0.0;
        for plan in self.plans.iter().flatten() {
            let Some(line) = plan.advice.and_then(|line| Some((line, plan.lines.get(line as usize)?))) else {
                continue;
            };
            let target = self.city.signs[plan.sign.at()].lines.get(line.0 as usize).and_then(facility);
            let Some(target) = target else { continue };
            let seekers = f64::from(plan.seekers_vph) / 3_600.0 * passed.as_secs_f64();
            let drive = Duration::from_secs_f64(self.drive_s(plan.sign, line.0, line.1));
            diverted += seekers;
            if let Some(space) = self.spaces.get_mut(&target) {
                space.send(seekers * share, at + drive);
            }
        }
        let away = self.away();
        let all: f64 = away.iter().sum();
        let looking: Vec<_> =
            away.iter().map(|share| share * self.seeking_per_s * passed.as_secs_f64()).collect();
        let mut passing = std::mem::take(&mut self.passing);
        let evident =
            passing.moved(&looking, |sign| self.sent(sign), |sign, line| self.there(sign, line, at), at);
        self.passing = passing;
        for (place, facility) in self.announced.iter().enumerate() {
            let came = self.spaces.get_mut(facility).map_or(0.0, |space| space.arrive(at));
            let kept_away = if all > 0.0 { diverted * away[place] / all } else { 0.0 };
            self.obedience.moved(place, came / share - kept_away, evident[place]);
        }
        for space in self.spaces.values_mut() {
            space.censor(at);
        }
        let censored: Vec<_> = self.announced.iter().map(|f| self.spaces[f].is_censored(at)).collect();
        self.obedience.advance(at, &censored);
        // How many look for a space, counted where all of them get in.
        let told = || censored.iter().enumerate().filter(|(_, censored)| !**censored).map(|(place, _)| place);
        let entering: f64 = told().map(|place| self.spaces[&self.announced[place]].rates(at)[0]).sum();
        let share: f64 = told().map(|place| self.obedience.own_share(place)).sum();
        let measured: f64 = self.spaces.values().map(|space| space.rates(at)[0]).sum();
        self.seeking_per_s = if share >= LEAST_TOLD { (entering / share).max(measured) } else { measured };
        for (place, facility) in self.announced.iter().enumerate() {
            if let Some(space) = self.spaces.get_mut(facility) {
                space.expect(self.seeking_per_s * self.obedience.own_share(place));
            }
        }
    }

    /// Where a sign sends drivers: facility, and line.
    fn sent(&self, sign: usize) -> Option<(usize, usize)> {
        let line = self.plans.get(sign)?.as_deref()?.advice? as usize;
        let target = self.city.signs.get(sign)?.lines.get(line).and_then(facility)?;
        Some((self.announced.binary_search(&target).ok()?, line))
    }

    /// When somebody who passes a sign now is at the end of a line.
    fn there(&self, sign: usize, line: usize, at: Timestamp) -> Option<Timestamp> {
        let plan = self.plans.get(sign)?.as_deref()?;
        Some(at + Duration::from_secs_f64(self.drive_s(plan.sign, id(line), plan.lines.get(line)?)))
    }

    /// By announced facility: the share of those who look for a space who would go there and are better off elsewhere.
    pub(super) fn away(&self) -> Vec<f64> {
        let away = |(place, facility): (usize, &FacilityIx)| {
            let space = self.spaces.get(facility)?;
            let cannot = space.sight.status != FacilityStatus::SpacesAvailable;
            (cannot || space.filling()).then(|| self.obedience.own_share(place))
        };
        self.announced.iter().enumerate().map(|entry| away(entry).unwrap_or(0.0)).collect()
    }

    pub(super) fn drive_s(&self, sign: SignIx, line: u32, plan: &LinePlan) -> f64 {
        match &plan.way {
            LineWay::Live(way) => f64::from(way.travel_time_s),
            LineWay::Configured | LineWay::None => {
                let lines = self.city.signs.get(sign.at()).map_or(&[][..], |s| &s.lines);
                lines.get(line as usize).map_or(0.0, |l| l.travel_time.as_secs_f64())
            }
        }
    }

    /// A sign's lines with their ways and what will be free; no advice yet.
    fn lines(&self, sign: SignIx, at: Timestamp) -> SignPlan {
        let of = &self.city.signs[sign.at()];
        let line = |(n, line): (u32, &SignLine)| {
            let way = match &self.ways {
                Some(ways) if ways.knows(sign, n) => {
                    ways.of(sign, n).map_or(LineWay::None, |way| LineWay::Live(way.clone()))
                }
                _ => LineWay::Configured,
            };
            let mut plan = LinePlan { way, arrival: None, avoid: false, cost_s: None, walk_s: None };
            if let Some(space) = facility(line).and_then(|f| self.spaces.get(&f)) {
                plan.arrival = space.arrival(at, self.drive_s(sign, n, &plan));
            }
            plan
        };
        SignPlan {
            sign,
            decided_at: at,
            lines: (0..).zip(&of.lines).map(line).collect(),
            advice: None,
            advised_since: None,
            reason: AdviceReason::NoCandidate,
            seekers_vph: 0.0,
            edge: None,
        }
    }

    /// What is known of a line's target now.
    pub(super) fn sight(&self, target: Target) -> Option<Sight> {
        match target {
            Target::Facility(f) => Some(self.spaces.get(&f)?.sight),
            Target::Garage(g) => Some(garage(self.garages.get(&g)?, &self.city)),
            Target::Group { facility, group } => self.groups.get(&(facility, group)).copied(),
            Target::Place(_) => None,
            Target::Section(s) => {
                let of = self.city.sections.get(s.at())?.garage;
                self.garages.get(&of)?.sections.iter().find(|state| state.section == s).map(Sight::section)
            }
        }
    }

    /// Whether a line may be advised: it has space, and a way.
    pub(super) fn is_candidate(&self, plan: &SignPlan, line: usize, at: Timestamp) -> bool {
        let Some(of) = self.city.signs[plan.sign.at()].lines.get(line) else { return false };
        if plan.lines.get(line).is_none_or(|line| line.way == LineWay::None) {
            return false;
        }
        let full_at = full_at(&self.city, of.target);
        self.sight(of.target).is_some_and(|sight| can_be_advised(&sight, full_at, at))
    }

    /// A set, and what it breaks.
    fn attempt(&mut self, rates: &mut Vec<f64>, at: Timestamp) -> (Vec<SignPlan>, Chain, Vec<Fault>) {
        if let Some(ways) = &mut self.ways {
            ways.look(at);
        }
        let signs = (0..self.city.signs.len()).map(SignIx::from_position);
        let mut set: Vec<_> = signs.map(|sign| self.lines(sign, at)).collect();
        let chain = Chain::new(&self.city, &set);
        *rates = self.advise(&mut set, &chain, at);
        let edges: Vec<_> = set.iter().map(|plan| self.edge(plan, at)).collect();
        set.iter_mut().zip(edges).for_each(|(plan, edge)| plan.edge = edge);
        let broken = self.faults(&set, at);
        (set, chain, broken)
    }

    pub(super) fn faults(&self, set: &[SignPlan], at: Timestamp) -> Vec<Fault> {
        faults(&self.city, self.ways.as_ref(), set, |target| self.status(target, at))
    }

    /// What may be said of a target now, in one word.
    fn status(&self, target: Target, at: Timestamp) -> FacilityStatus {
        let Some(sight) = self.sight(target) else { return FacilityStatus::Unknown };
        match figure(&sight, at) {
            Figure::Free(_) => FacilityStatus::SpacesAvailable,
            Figure::Full => FacilityStatus::Full,
            Figure::Closed => FacilityStatus::Closed,
            Figure::Blank => FacilityStatus::Unknown,
        }
    }

    /// What is expected at each facility.
    fn account(&mut self, set: &[SignPlan], seekers: &[f64]) {
        let Some(at) = self.decided_at else { return };
        let share = self.obedience.counted_on();
        let mut sent: BTreeMap<FacilityIx, f64> = BTreeMap::new();
        for (plan, seekers) in set.iter().zip(seekers) {
            let line = plan.advice.and_then(|n| self.city.signs[plan.sign.at()].lines.get(n as usize));
            if let Some(target) = line.and_then(facility) {
                *sent.entry(target).or_default() += seekers * share;
            }
        }
        let load = |f: &FacilityIx| {
            let space = self.spaces.get(f)?;
            let [_, leaving, own] = space.rates(at);
            Some(FacilityLoad {
                facility: *f,
                own_vph: an_hour(own),
                sent_vph: an_hour(sent.get(f).copied().unwrap_or(0.0)),
                on_the_way: small(space.on_the_way()),
                leaving_vph: an_hour(leaving),
            })
        };
        self.state.loads = self.announced.iter().filter_map(load).collect();
        self.state.compliance = self.obedience.compliance();
        self.state.entries_vph = an_hour(self.spaces.values().map(|space| space.rates(at)[0]).sum::<f64>());
    }
}

/// Which signs announce which facilities, by their positions in `announced`.
fn passing(city: &City, announced: &[FacilityIx]) -> Passing {
    let place = |line: &SignLine| facility(line).and_then(|f| announced.binary_search(&f).ok());
    let lines = |sign: &Sign| sign.lines.iter().map(place).collect();
    Passing::new(announced.len(), city.signs.iter().map(|sign| (f64::from(sign.demand), lines(sign))))
}

/// Seconds on foot from each facility to each other.
fn walks(city: &City, announced: &[FacilityIx]) -> Vec<Vec<f64>> {
    let at = |f: &FacilityIx| city.facilities.get(f.at()).map(|f| f.position).unwrap_or_default();
    let walk = |from, to| geo::distance_m(at(from), at(to)) * WALK_DETOUR / WALK_M_S;
    announced.iter().map(|from| announced.iter().map(|to| walk(from, to)).collect()).collect()
}

/// Seconds on foot from each facility to the centre.
fn to_centre(city: &City, announced: &[FacilityIx]) -> Vec<f64> {
    let Some(centre) = city.guidance.centre else { return Vec::new() };
    let at = |f: &FacilityIx| city.facilities.get(f.at()).map(|f| f.position).unwrap_or_default();
    announced.iter().map(|f| geo::distance_m(at(f), centre) * WALK_DETOUR / WALK_M_S).collect()
}

pub(super) fn facility(line: &SignLine) -> Option<FacilityIx> {
    match line.target {
        Target::Facility(f) => Some(f),
        Target::Garage(_) | Target::Section(_) | Target::Place(_) | Target::Group { .. } => None,
    }
}

/// The groups of users whose spaces signs announce, nothing known of them yet.
fn groups(city: &City) -> BTreeMap<(FacilityIx, UserGroup), Sight> {
    let targets = city.signs.iter().flat_map(|sign| &sign.lines).map(|line| line.target);
    let group = |target| match target {
        Target::Group { facility, group } => Some(((facility, group), Sight::unseen(0))),
        _ => None,
    };
    targets.filter_map(group).collect()
}

/// Everything of one facility, whatever the group.
fn of_facility(facility: FacilityIx) -> std::ops::RangeInclusive<(FacilityIx, UserGroup)> {
    (facility, UserGroup::Everyone)..=(facility, UserGroup::TwoWheelers)
}

/// Free spaces at which a target counts as full.
fn full_at(city: &City, target: Target) -> u32 {
    match target {
        Target::Facility(f) => city.facilities.get(f.at()).map_or(0, |f| f.full_at),
        Target::Garage(_) | Target::Place(_) | Target::Group { .. } => 0,
        Target::Section(s) => city.sections.get(s.at()).map_or(0, |s| s.full_at),
    }
}

/// Whether somebody can be sent there with a good conscience.
pub(super) fn can_be_advised(sight: &Sight, full_at: u32, at: Timestamp) -> bool {
    sight.status == FacilityStatus::SpacesAvailable
        && matches!(figure(sight, at), Figure::Free(_))
        && sight.sayable().is_some_and(|free| free > full_at)
}

/// Whether a plan says something else to drivers, or to those who ask why.
fn is_other(held: &SignPlan, plan: &SignPlan) -> bool {
    let way = |line: &LinePlan| match &line.way {
        LineWay::Live(way) => Some((way.arrow, way.links.clone(), (way.travel_time_s / 15.0).round())),
        LineWay::Configured | LineWay::None => None,
    };
    let arrival = |line: &LinePlan| line.arrival.map(|a| (a.free.round(), (a.chance * 20.0).round()));
    let edge = |plan: &SignPlan| {
        let rounded = |s: f32| (s / 15.0).round();
        plan.edge.map(|e| (e.line, rounded(e.drive_s), rounded(e.onward_s), rounded(e.in_s)))
    };
    held.advice != plan.advice
        || edge(held) != edge(plan)
        || held.reason != plan.reason
        || held.lines.iter().zip(&plan.lines).any(|(a, b)| a.avoid != b.avoid)
        || held.advised_since != plan.advised_since
        || held.lines.len() != plan.lines.len()
        || held.lines.iter().zip(&plan.lines).any(|(a, b)| {
            std::mem::discriminant(&a.way) != std::mem::discriminant(&b.way) || way(a) != way(b) || arrival(a) != arrival(b)
        })
        // What follows from a plan's demand must not run on from an old figure for long.
        || plan.decided_at.since(held.decided_at) >= Duration::from_mins(1)
}

/// A position as the number that plans hold.
pub(super) fn id(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Vehicles an hour, of vehicles a second.
pub(super) fn an_hour(per_s: f64) -> f32 {
    small(per_s * 3_600.0)
}

/// What people read needs no more digits.
#[expect(clippy::cast_possible_truncation, reason = "counts and seconds within a city fit f32")]
pub(super) fn small(x: f64) -> f32 {
    x as f32
}
