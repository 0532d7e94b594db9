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
mod stands;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use vlot_model::{
    City, FacilityStatus, LineWay, LinkIx, LiveWay, Mode, Placement, RoadNetwork, SignIx, SignPlan, Target,
    UserGroup,
};
use vlot_network::Permits;
use vlot_network::route::{Through, check::Law};

use place::{OFF_M, entrance, followers, mode, off, position, stand, to};
use stands::Stands;

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
/// By sign: the sign that one comes to next, and on which link.
type Next = Vec<Option<(SignIx, LinkIx)>>;

struct Proof<'a> {
    set: &'a Set<'a>,
    /// By sign: its plan, if that fits.
    plans: Vec<Option<&'a SignPlan>>,
    stands: Stands,
    /// Where each sign announces what; the upper of two alike.
    announced: FxHashMap<(SignIx, Target), usize>,
    cars: OnceCell<Law<'a>>,
    bicycles: OnceCell<Law<'a>>,
    /// Ways that break no rule, in the order of signs and lines.
    sound: Vec<(Line, &'a LiveWay)>,
    faults: Vec<Fault>,
}

impl<'a> Proof<'a> {
    fn new(set: &'a Set<'a>) -> Self {
        let mut proof = Proof {
            set,
            plans: Vec::with_capacity(set.city.signs.len()),
            stands: Stands::of(set.city),
            announced: FxHashMap::default(),
            cars: OnceCell::new(),
            bicycles: OnceCell::new(),
            sound: Vec::new(),
            faults: Vec::new(),
        };
        for (i, sign) in set.city.signs.iter().enumerate() {
            let ix = SignIx::from_position(i);
            for (n, line) in sign.lines.iter().enumerate() {
                proof.announced.entry((ix, line.target)).or_insert(n);
            }
            let fits = |plan: &&SignPlan| {
                let advises_own = plan.advice.is_none_or(|line| (line as usize) < sign.lines.len());
                plan.sign == ix && plan.lines.len() == sign.lines.len() && advises_own
            };
            let plan = set.plans.get(i).filter(fits);
            proof.plans.push(plan);
            if plan.is_none() {
                proof.fault(ix, None, None, Wrong::Misfit);
            }
        }
        proof
    }

    /// Rule 1.
    fn ways(&mut self) {
        let (mut sound, mut wrong) = (Vec::new(), Vec::new());
        for plan in self.plans.iter().copied().flatten() {
            for (n, line) in plan.lines.iter().enumerate() {
                let LineWay::Live(way) = &line.way else { continue };
                match self.way((plan.sign, n), way) {
                    Ok(()) => sound.push(((plan.sign, n), way)),
                    Err(broken) => wrong.push((plan.sign, n, broken)),
                }
            }
        }
        self.sound = sound;
        for (sign, n, (link, wrong)) in wrong {
            self.fault(sign, Some(n), link, wrong);
        }
    }

    fn way(&self, (sign, line): Line, way: &LiveWay) -> Result<(), (Option<LinkIx>, Wrong)> {
        let city = self.set.city;
        let target = self.target((sign, line));
        let streets = target.and_then(|target| self.streets(mode(city, target)));
        let Some((from, (network, law))) = stand(city, sign).zip(streets) else {
            return Err((None, Wrong::NoStand));
        };
        let Some(to) = target.and_then(|target| entrance(city, target)) else {
            return Err((None, Wrong::NoEntrance));
        };
        if let Err(why) = law.check(&way.links) {
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
            match self.planned(at, n) {
                Some(LineWay::Live(_)) => {
                    let next = next.entry(target).or_insert_with(|| self.nowhere());
                    if let Some(next) = next.get_mut(line.0.at()) {
                        *next = Some((at, link));
                    }
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
            self.plans.iter().flatten().filter_map(|plan| self.advised(plan)).collect();
        let whom = |target| followers(self.set.city, target);
        let mut next: BTreeMap<(Mode, Option<UserGroup>), Next> = BTreeMap::new();
        for (line, target) in advised {
            let (sign, n) = line;
            let status = (self.set.says)(sign, n);
            if status != FacilityStatus::SpacesAvailable {
                self.fault(sign, Some(n), None, Wrong::NoSpace { status });
            }
            let placed = stand(self.set.city, sign).zip(entrance(self.set.city, target));
            match self.planned(sign, n) {
                Some(LineWay::None) => self.fault(sign, Some(n), None, Wrong::NoWay),
                Some(LineWay::Configured)
                    if placed.is_some() && self.streets(mode(self.set.city, target)).is_some() =>
                {
                    self.fault(sign, Some(n), None, Wrong::Unproven);
                }
                _ => {}
            }
            let sound = self.sound.binary_search_by_key(&line, |(line, _)| *line);
            let Some((_, way)) = sound.ok().and_then(|at| self.sound.get(at)) else { continue };
            let met: Vec<_> = self.met(line, way).collect();
            let advising = met.iter().find(|(_, at)| {
                let other = self.plan(*at).and_then(|plan| self.advised(plan));
                other.is_some_and(|(_, other)| whom(other) == whom(target))
            });
            if let Some((link, at)) = advising {
                let next = next.entry(whom(target)).or_insert_with(|| self.nowhere());
                if let Some(next) = next.get_mut(sign.at()) {
                    *next = Some((*at, *link));
                }
            }
            for (link, at) in met {
                let Some(other) = self.line(at, target) else { continue };
                let status = (self.set.says)(at, other);
                if matches!(status, FacilityStatus::Full | FacilityStatus::Closed) {
                    let wrong =
                        Wrong::Contradicted { by: at, name: self.name(at).into(), status, inside: false };
                    self.fault(sign, Some(n), Some(link), wrong);
                }
                if matches!(self.planned(at, other), Some(LineWay::None)) {
                    self.fault(sign, Some(n), Some(link), Wrong::Lost { at, name: self.name(at).into() });
                }
            }
        }
        for next in next.values() {
            for signs in rounds(next) {
                let plan = signs.first().and_then(|sign| self.plan(*sign));
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
        let advised: Vec<_> = self.plans.iter().flatten().filter_map(|plan| self.advised(plan)).collect();
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

    /// The signs that somebody comes to who takes a sound way, in order, each with its link.
    fn met(&self, (sign, _): Line, way: &'a LiveWay) -> impl Iterator<Item = (LinkIx, SignIx)> + '_ {
        let start_m = stand(self.set.city, sign).map_or(way.start_m, |on| on.offset_m);
        self.stands.met(sign, start_m, way)
    }

    fn nowhere(&self) -> Next {
        vec![None; self.set.city.signs.len()]
    }

    fn plan(&self, sign: SignIx) -> Option<&'a SignPlan> {
        self.plans.get(sign.at()).copied().flatten()
    }

    /// The way of a line, as its sign's plan has it.
    fn planned(&self, sign: SignIx, line: usize) -> Option<&'a LineWay> {
        self.plan(sign)?.lines.get(line).map(|line| &line.way)
    }

    fn target(&self, (sign, line): Line) -> Option<Target> {
        Some(self.set.city.signs.get(sign.at())?.lines.get(line)?.target)
    }

    /// Where a sign announces a target.
    fn line(&self, sign: SignIx, target: Target) -> Option<usize> {
        self.announced.get(&(sign, target)).copied()
    }

    fn advised(&self, plan: &SignPlan) -> Option<(Line, Target)> {
        let line = (plan.sign, plan.advice? as usize);
        Some((line, self.target(line)?))
    }

    /// The streets of a mode, and all that binds there now.
    fn streets(&self, mode: Mode) -> Option<(&'a RoadNetwork, &Law<'a>)> {
        let network = self.set.city.network.as_deref()?;
        let (streets, law) = match mode {
            Mode::Bicycle => (self.set.bicycles?, &self.bicycles),
            _ => (self.set.cars?, &self.cars),
        };
        let Streets { permits, closed, through } = streets;
        Some((network, law.get_or_init(|| Law::new(network, permits, closed, through))))
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
        let link = next.get(first.at()).copied().flatten().map(|(_, link)| link);
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
    let (mut seen, mut rounds) = (vec![false; next.len()], Vec::new());
    for start in (0..next.len()).map(SignIx::from_position) {
        let (mut path, mut at) = (Vec::new(), Some(start));
        let mut is_new =
            |sign: SignIx| seen.get_mut(sign.at()).is_some_and(|seen| !std::mem::replace(seen, true));
        while let Some(sign) = at.filter(|sign| is_new(*sign)) {
            path.push(sign);
            at = next.get(sign.at()).copied().flatten().map(|(sign, _)| sign);
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
