//! Whether what all signs are about to say leads people there: a look at every way and a drive along the signs, apart from
//! everything that finds ways or chooses advice. Production runs it on every set; one with a fault is not published.
//!
//! 1. Each way begins at its sign, ends at the entrance and breaks no rule of the streets as they are now.
//! 2. Who follows a destination from any sign, and at each sign on the way that announces it takes that sign's way, arrives.
//! 3. Who follows the advice from any sign, and at each sign on the way that advises takes that advice, arrives.
//! 4. What is advised has space and is open, has a way, and no sign on the way to it says otherwise.
//! 5. Inside bicycle garages, where there are no streets: what is advised has space, and no sign of the garage says otherwise.
//!
//! 2 and 3 need no drive of their own for each sign: what one does next depends on the sign alone, so that only who comes to a sign
//! a second time never arrives.

mod fault;
mod place;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use vlot_model::{
    City, FacilityStatus, LineWay, LinkIx, LiveWay, Mode, Placement, RoadNetwork, SignIx, SignPlan, Target,
    UserGroup,
};
use vlot_network::Permits;
use vlot_network::route::{Route, Through, check};

use place::{OFF_M, entrance, followers, mode, off, position, stand, to};

pub use fault::{Fault, Wrong};

/// What is about to be published, and what it is held against.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    /// Where everything stands, and its network.
    pub city: &'a City,
    /// What cars may use now; `None`: nothing is known of streets.
    pub cars: Option<Streets<'a>>,
    /// What bicycles may use now.
    pub bicycles: Option<Streets<'a>>,
    /// One of each sign, in their order.
    pub plans: &'a [SignPlan],
    /// What a line of a sign says now of what it announces.
    pub says: &'a dyn Fn(SignIx, usize) -> FacilityStatus,
}

/// What a mode may use now.
#[derive(Clone, Copy)]
pub struct Streets<'a> {
    /// The rules that bind now.
    pub permits: &'a Permits,
    /// Which links are closed.
    pub closed: &'a dyn Fn(LinkIx) -> bool,
    /// Where through traffic may go; of this mode.
    pub through: &'a Through,
}

/// Whether a set may be published.
///
/// # Errors
/// Everything that it breaks, by sign and line; of a way that breaks a rule, nothing that would follow from it.
pub fn prove(set: &Set<'_>) -> Result<(), Vec<Fault>> {
    let mut proof = Proof::new(set);
    proof.ways();
    proof.destinations();
    proof.advice();
    proof.garages();
    let mut faults = proof.faults;
    if faults.is_empty() {
        return Ok(());
    }
    // In the order of signs and lines; of one line, in the order of the rules.
    faults.sort_by_key(|fault| (fault.sign, fault.line));
    Err(faults)
}

/// A line of a sign.
type Line = (SignIx, usize);
/// From signs to the sign that one comes to next, and on which link.
type Next = BTreeMap<SignIx, (SignIx, LinkIx)>;

struct Proof<'a> {
    set: &'a Set<'a>,
    /// Plans that fit their signs.
    plans: BTreeMap<SignIx, &'a SignPlan>,
    /// Signs along streets by link, in the order in which one passes them.
    stands: FxHashMap<LinkIx, Vec<(f32, SignIx)>>,
    /// Ways that break no rule.
    sound: BTreeMap<Line, &'a LiveWay>,
    faults: Vec<Fault>,
}

impl<'a> Proof<'a> {
    fn new(set: &'a Set<'a>) -> Self {
        let mut proof = Proof {
            set,
            plans: BTreeMap::new(),
            stands: FxHashMap::default(),
            sound: BTreeMap::new(),
            faults: Vec::new(),
        };
        for (i, sign) in set.city.signs.iter().enumerate() {
            let ix = SignIx::from_position(i);
            if let Some(on) = stand(set.city, ix) {
                proof.stands.entry(on.link).or_default().push((on.offset_m, ix));
            }
            let fits = |plan: &&SignPlan| {
                let advises_own = plan.advice.is_none_or(|line| (line as usize) < sign.lines.len());
                plan.sign == ix && plan.lines.len() == sign.lines.len() && advises_own
            };
            match set.plans.get(i).filter(fits) {
                Some(plan) => {
                    proof.plans.insert(ix, plan);
                }
                None => proof.fault(ix, None, None, Wrong::Misfit),
            }
        }
        for stands in proof.stands.values_mut() {
            stands.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        proof
    }

    /// Rule 1.
    fn ways(&mut self) {
        let plans: Vec<_> = self.plans.iter().map(|(sign, plan)| (*sign, *plan)).collect();
        let mut route = Route {
            links: Vec::new(),
            start_m: 0.0,
            end_m: 0.0,
            travel_time_s: 0.0,
            length_m: 0.0,
            turns_s: 0.0,
        };
        for (sign, plan) in plans {
            for (n, line) in plan.lines.iter().enumerate() {
                let LineWay::Live(way) = &line.way else { continue };
                route.links.clear();
                route.links.extend_from_slice(&way.links);
                match self.way((sign, n), way, &route) {
                    Ok(()) => {
                        self.sound.insert((sign, n), way);
                    }
                    Err((link, wrong)) => self.fault(sign, Some(n), link, wrong),
                }
            }
        }
    }

    fn way(&self, (sign, line): Line, way: &LiveWay, route: &Route) -> Result<(), (Option<LinkIx>, Wrong)> {
        let city = self.set.city;
        let target = self.target((sign, line));
        let streets = target.and_then(|target| self.streets(mode(city, target)));
        let Some((from, (network, streets))) = stand(city, sign).zip(streets) else {
            return Err((None, Wrong::NoStand));
        };
        let Some(to) = target.and_then(|target| entrance(city, target)) else {
            return Err((None, Wrong::NoEntrance));
        };
        if let Err(why) = check::lawful(network, streets.permits, streets.closed, streets.through, route) {
            let link = position(&why).and_then(|i| way.links.get(i)).copied();
            let name = link.map_or("", |link| network.name(link));
            let street = if name.is_empty() { String::new() } else { format!(" ({name})") };
            return Err((link, Wrong::Unlawful { why, street: street.into() }));
        }
        let (first, last) = (way.links.first().copied(), way.links.last().copied());
        if first != Some(from.link) || off(network, from, way.start_m) {
            return Err((first, Wrong::StartsElsewhere));
        }
        if last != Some(to.link) || off(network, to, way.end_m) {
            return Err((last, Wrong::EndsElsewhere));
        }
        if way.links.len() == 1 && way.end_m + OFF_M < way.start_m {
            return Err((last, Wrong::Backwards));
        }
        Ok(())
    }

    /// Rule 2.
    fn destinations(&mut self) {
        let mut next: BTreeMap<Target, Next> = BTreeMap::new();
        let mut lost = Vec::new();
        for (line, way) in &self.sound {
            let Some(target) = self.target(*line) else { continue };
            let announcing =
                self.met(*line, way).find_map(|(link, met)| Some((link, met, self.line(met, target)?)));
            let Some((link, at, n)) = announcing else { continue };
            match self.plans.get(&at).and_then(|plan| plan.lines.get(n)).map(|line| &line.way) {
                Some(LineWay::Live(_)) => {
                    next.entry(target).or_default().insert(line.0, (at, link));
                }
                Some(LineWay::None | LineWay::Configured) => lost.push((*line, link, at)),
                // Told already: it has no plan that fits.
                None => {}
            }
        }
        for ((sign, n), link, at) in lost {
            self.fault(sign, Some(n), Some(link), Wrong::Lost { at, name: self.name(at).into() });
        }
        for (target, next) in next {
            for signs in rounds(&next) {
                let line = signs.first().and_then(|sign| self.line(*sign, target));
                self.round(signs, line, &next, false);
            }
        }
    }

    /// Rules 3 and 4.
    fn advice(&mut self) {
        let advised: Vec<(Line, Target)> =
            self.plans.values().filter_map(|plan| self.advised(plan)).collect();
        let whom = |target| followers(self.set.city, target);
        let mut next: BTreeMap<(Mode, Option<UserGroup>), Next> = BTreeMap::new();
        for (line, target) in advised {
            let (sign, n) = line;
            let status = (self.set.says)(sign, n);
            if status != FacilityStatus::SpacesAvailable {
                self.fault(sign, Some(n), None, Wrong::NoSpace { status });
            }
            let placed = stand(self.set.city, sign).zip(entrance(self.set.city, target));
            match self.plans.get(&sign).and_then(|plan| plan.lines.get(n)).map(|line| &line.way) {
                Some(LineWay::None) => self.fault(sign, Some(n), None, Wrong::NoWay),
                Some(LineWay::Configured)
                    if placed.is_some() && self.streets(mode(self.set.city, target)).is_some() =>
                {
                    self.fault(sign, Some(n), None, Wrong::Unproven);
                }
                _ => {}
            }
            let Some(way) = self.sound.get(&line) else { continue };
            let met: Vec<_> = self.met(line, way).collect();
            let advising = met.iter().find(|(_, at)| {
                let other = self.plans.get(at).and_then(|plan| self.advised(plan));
                other.is_some_and(|(_, other)| whom(other) == whom(target))
            });
            if let Some((link, at)) = advising {
                next.entry(whom(target)).or_default().insert(sign, (*at, *link));
            }
            for (link, at) in met {
                let Some(other) = self.line(at, target) else { continue };
                let status = (self.set.says)(at, other);
                if matches!(status, FacilityStatus::Full | FacilityStatus::Closed) {
                    let wrong =
                        Wrong::Contradicted { by: at, name: self.name(at).into(), status, inside: false };
                    self.fault(sign, Some(n), Some(link), wrong);
                }
                let reaches =
                    self.plans.get(&at).and_then(|plan| plan.lines.get(other)).map(|line| &line.way);
                if matches!(reaches, Some(LineWay::None)) {
                    self.fault(sign, Some(n), Some(link), Wrong::Lost { at, name: self.name(at).into() });
                }
            }
        }
        for next in next.values() {
            for signs in rounds(next) {
                let plan = signs.first().and_then(|sign| self.plans.get(sign));
                let line = plan.and_then(|plan| plan.advice).map(|line| line as usize);
                self.round(signs, line, next, true);
            }
        }
    }

    /// Rule 5.
    fn garages(&mut self) {
        let city = self.set.city;
        let inside = |sign: SignIx| match city.signs.get(sign.at()).map(|sign| sign.placement) {
            Some(Placement::Garage(garage)) => Some(garage),
            Some(Placement::Street) | None => None,
        };
        let advised: Vec<_> = self.plans.values().filter_map(|plan| self.advised(plan)).collect();
        for ((sign, n), target) in advised.into_iter().filter(|((sign, _), _)| inside(*sign).is_some()) {
            if mode(city, target) == Mode::Car {
                self.fault(sign, Some(n), None, Wrong::CarPark);
            }
            for by in (0..city.signs.len()).map(SignIx::from_position) {
                if by == sign || inside(by) != inside(sign) {
                    continue;
                }
                let Some(other) = self.line(by, target) else { continue };
                let status = (self.set.says)(by, other);
                if matches!(status, FacilityStatus::Full | FacilityStatus::Closed) {
                    let wrong = Wrong::Contradicted { by, name: self.name(by).into(), status, inside: true };
                    self.fault(sign, Some(n), None, wrong);
                }
            }
        }
    }

    /// The signs that somebody comes to who takes a sound way, in order, each with its link. Of several at one place one comes
    /// to them in the order of their numbers.
    fn met(&self, (sign, _): Line, way: &'a LiveWay) -> impl Iterator<Item = (LinkIx, SignIx)> + '_ {
        let last = way.links.len().saturating_sub(1);
        let start_m = stand(self.set.city, sign).map_or(way.start_m, |on| on.offset_m);
        way.links.iter().enumerate().flat_map(move |(i, link)| {
            let stands = self.stands.get(link).map_or(&[][..], Vec::as_slice);
            let ahead = move |(offset_m, at): &&(f32, SignIx)| {
                let passed = i == 0 && (*offset_m < start_m || *offset_m <= start_m && *at <= sign);
                !passed && (i < last || *offset_m < way.end_m)
            };
            stands.iter().filter(ahead).map(move |(_, at)| (*link, *at))
        })
    }

    fn target(&self, (sign, line): Line) -> Option<Target> {
        Some(self.set.city.signs.get(sign.at())?.lines.get(line)?.target)
    }

    /// Where a sign announces a target.
    fn line(&self, sign: SignIx, target: Target) -> Option<usize> {
        self.set.city.signs.get(sign.at())?.lines.iter().position(|line| line.target == target)
    }

    fn advised(&self, plan: &SignPlan) -> Option<(Line, Target)> {
        let line = (plan.sign, plan.advice? as usize);
        Some((line, self.target(line)?))
    }

    fn streets(&self, mode: Mode) -> Option<(&'a RoadNetwork, Streets<'a>)> {
        let streets = if mode == Mode::Bicycle { self.set.bicycles } else { self.set.cars };
        Some((self.set.city.network.as_deref()?, streets?))
    }

    fn round(&mut self, signs: Vec<SignIx>, line: Option<usize>, next: &Next, advice: bool) {
        let Some(first) = signs.first().copied() else { return };
        let names: Vec<_> = signs.iter().skip(1).map(|sign| format!("sign {}", self.name(*sign))).collect();
        let does = if advice { "advises a way back" } else { "sends back" };
        let told = match names.as_slice() {
            [] => "the way comes back past the sign itself".to_owned(),
            [on, back @ ..] if !back.is_empty() => {
                format!("{on} on the way leads on to {}, which {does}", back.join(", "))
            }
            [one, ..] => format!("{one} on the way {does}"),
        };
        let link = next.get(&first).map(|(_, link)| *link);
        self.fault(first, line, link, Wrong::Round { advice, signs, told: told.into() });
    }

    fn name(&self, sign: SignIx) -> &'a str {
        self.set.city.signs.get(sign.at()).map_or("", |sign| &sign.id)
    }

    fn fault(&mut self, sign: SignIx, line: Option<usize>, link: Option<LinkIx>, wrong: Wrong) {
        let to = line.and_then(|n| self.target((sign, n))).map(|target| to(self.set.city, target));
        let who = format!("sign {}{}", self.name(sign), to.unwrap_or_default()).into();
        let fault = Fault { sign, line, link, who, wrong };
        // Two rules may find the same.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// Every circle of signs once, from its lowest number on.
fn rounds(next: &Next) -> Vec<Vec<SignIx>> {
    let (mut seen, mut rounds) = (BTreeSet::new(), Vec::new());
    for start in next.keys() {
        let (mut path, mut at) = (Vec::new(), Some(*start));
        while let Some(sign) = at.filter(|sign| seen.insert(*sign)) {
            path.push(sign);
            at = next.get(&sign).map(|(sign, _)| *sign);
        }
        if let Some(begin) = at.and_then(|again| path.iter().position(|sign| *sign == again)) {
            let mut round = path.split_off(begin);
            let lowest = (0..round.len()).min_by_key(|i| round[*i]).unwrap_or(0);
            round.rotate_left(lowest);
            rounds.push(round);
        }
    }
    rounds
}

#[cfg(test)]
mod tests;
