//! From demand, ways and spaces to the advice of every sign.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{AdviceReason, FacilityIx, GuidanceMode, LineWay, SignIx, SignPlan, Timestamp};

use super::assign::{Choice, Chooser, Place, Prices, assign, cost_s};
use super::decide::{Planner, an_hour, facility, id, small};
use super::demand::fresh;
use super::set::Chain;
use crate::advice::{Candidate, Next, advisable, choose};

/// A sign that nobody seems to pass still decides.
const LEAST_PER_S: f64 = 0.2 / 3_600.0;

/// Some always look for another place.
const LEAST_DIVERTED: f64 = 0.05;
/// Nobody drives longer for a space, seconds.
const FARTHEST_S: f64 = 900.0;

impl Planner {
    /// Gives every plan its advice.
    pub(super) fn advise(&mut self, set: &mut [SignPlan], chain: &Chain, at: Timestamp) -> Vec<f64> {
        let rules = self.city.guidance.clone();
        let demand: Vec<_> = self
            .city
            .signs
            .iter()
            .map(|sign| if chain.is_for_cars(sign) { f64::from(sign.demand) } else { 0.0 })
            .collect();
        let next: Vec<_> =
            self.stands.iter().enumerate().map(|(i, stand)| chain.next(i, stand.advice)).collect();
        if rules.mode == GuidanceMode::Together {
            self.look_ahead(set, at);
        }
        // Who has a space where they want to go keeps that; the others are those whom advice is for.
        let diverted: f64 = self.away().iter().sum::<f64>().clamp(LEAST_DIVERTED, 1.0);
        let seekers = fresh(&demand, &next).into_iter().map(|share| share * self.seeking_per_s * diverted);
        let seekers: Vec<_> = seekers.collect();
        for (plan, seekers) in set.iter_mut().zip(&seekers) {
            plan.seekers_vph = an_hour(*seekers);
        }
        let candidates: Vec<Vec<usize>> = set
            .iter()
            .map(|plan| {
                let of = &self.city.signs[plan.sign.at()];
                let suits = advisable(&self.city, of);
                let lines = suits.iter().enumerate().filter(|(_, suits)| **suits).map(|(n, _)| n);
                lines.filter(|n| self.is_candidate(plan, *n, at)).collect()
            })
            .collect();
        match rules.mode {
            GuidanceMode::Count => set.iter_mut().for_each(|plan| plan.reason = AdviceReason::Off),
            GuidanceMode::Each => self.nearest(set, &candidates, |_| true, at),
            GuidanceMode::Together => {
                self.together(set, &candidates, &seekers, chain, at);
                let city = Arc::clone(&self.city);
                self.nearest(set, &candidates, |sign| !chain.is_for_cars(&city.signs[sign.at()]), at);
            }
        }
        seekers
    }

    /// Which facilities will probably be full for who sets out now.
    fn look_ahead(&mut self, set: &[SignPlan], at: Timestamp) {
        let mut drives: BTreeMap<FacilityIx, (f64, f64)> = BTreeMap::new();
        for plan in set {
            for (n, line) in plan.lines.iter().enumerate().filter(|(_, line)| line.way != LineWay::None) {
                if let Some(target) = self.city.signs[plan.sign.at()].lines.get(n).and_then(facility) {
                    let sum = drives.entry(target).or_default();
                    *sum = (sum.0 + self.drive_s(plan.sign, id(n), line), sum.1 + 1.0);
                }
            }
        }
        for (facility, (seconds, lines)) in drives {
            if let Some(space) = self.spaces.get_mut(&facility) {
                space.look_ahead(at, (seconds / lines).min(FARTHEST_S));
            }
        }
    }

    /// Each sign for itself: the nearest with space.
    fn nearest(
        &self,
        set: &mut [SignPlan],
        candidates: &[Vec<usize>],
        wanted: impl Fn(SignIx) -> bool,
        at: Timestamp,
    ) {
        for (i, plan) in set.iter_mut().enumerate().filter(|(_, plan)| wanted(plan.sign)) {
            let of: Vec<_> = candidates[i]
                .iter()
                .map(|n| Candidate {
                    line: *n,
                    travel_time: Duration::from_secs_f64(self.drive_s(plan.sign, id(*n), &plan.lines[*n])),
                })
                .collect();
            for candidate in &of {
                plan.lines[candidate.line].cost_s = Some(candidate.travel_time.as_secs_f32());
            }
            let stand = self.stands[i];
            let dwell = self.city.signs[i].min_dwell;
            let stood = stand.since.is_none_or(|since| since + dwell <= at);
            let current = stand.advice.map(|line| line as usize);
            plan.advice = match choose(current, &of) {
                Next::Must(next) => next.map(id),
                Next::May(next) if stood => Some(id(next)),
                Next::May(_) | Next::Keep => stand.advice,
            };
            plan.reason = match plan.advice {
                None => AdviceReason::NoCandidate,
                advice if advice == of.iter().min_by_key(|c| c.travel_time).map(|c| id(c.line)) => {
                    AdviceReason::Nearest
                }
                Some(_) => AdviceReason::Held,
            };
        }
    }

    /// Seconds on foot from each facility that a sign announces to where its readers want to be: the facilities that it announces
    /// and that turn them away; else the centre; where none is configured, all that it announces, each by how many want it.
    /// Facilities are positions in `announced`.
    fn on_foot_s(&self, facilities: &[usize], away: &[f64]) -> Vec<f64> {
        let mean = |weight: &dyn Fn(usize) -> f64| {
            let weights: Vec<_> =
                facilities.iter().map(|of| (*of, weight(*of))).filter(|(_, weight)| *weight > 0.0).collect();
            let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
            let walk = |to: &usize| {
                let walks = &self.walk_s[*to];
                weights.iter().map(|(of, weight)| weight * walks[*of]).sum::<f64>() / sum
            };
            (sum > 0.0).then(|| facilities.iter().map(walk).collect())
        };
        // Whom no car park turns away has none in mind: they want to the centre, where the city says which that is.
        let centre = || facilities.iter().map(|to| self.centre_s.get(*to).copied()).collect();
        mean(&|of| away[of])
            .or_else(centre)
            .or_else(|| mean(&|of| self.obedience.own_share(of)))
            .unwrap_or_else(|| vec![0.0; facilities.len()])
    }

    /// All signs for cars together.
    fn together(
        &self,
        set: &mut [SignPlan],
        candidates: &[Vec<usize>],
        seekers: &[f64],
        chain: &Chain,
        at: Timestamp,
    ) {
        let rules = &self.city.guidance;
        let share = self.obedience.counted_on();
        let prices =
            Prices { margin_s: rules.margin.as_secs_f64(), turned_away_s: rules.turned_away.as_secs_f64() };
        let mut places = Vec::new();
        let mut place_of = BTreeMap::new();
        for facility in &self.announced {
            let space = &self.spaces[facility];
            if let Some(outlook) = space.outlook_to(at, super::assign::WINDOW_S) {
                place_of.insert(*facility, places.len());
                places.push(Place { outlook, own_per_s: space.rates(at)[2] });
            }
        }
        let mut choosers = Vec::with_capacity(set.len());
        let away = self.away();
        // Many signs announce the same.
        let mut on_foot_s: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
        for (i, plan) in set.iter_mut().enumerate() {
            let mut chooser =
                Chooser { sent_per_s: (seekers[i] * share).max(LEAST_PER_S), ..Chooser::default() };
            let targets = self.city.signs[i].lines.iter().filter_map(facility);
            let mut announced: Vec<_> =
                targets.filter_map(|f| self.announced.binary_search(&f).ok()).collect();
            announced.sort_unstable();
            if !on_foot_s.contains_key(&announced) {
                on_foot_s.insert(announced.clone(), self.on_foot_s(&announced, &away));
            }
            let walk_s = |to: FacilityIx| {
                let at = self.announced.binary_search(&to).ok()?;
                on_foot_s.get(&announced)?.get(announced.binary_search(&at).ok()?).copied()
            };
            let mut lines = Vec::new();
            if chain.is_for_cars(&self.city.signs[i]) {
                for n in &candidates[i] {
                    let target = facility(&self.city.signs[i].lines[*n]);
                    // Nobody is sent to what will be full when they arrive.
                    let filling = |f: &FacilityIx| self.spaces[f].filling();
                    let target = target.filter(|f| !filling(f));
                    let Some((target, place)) = target.and_then(|f| Some((f, *place_of.get(&f)?))) else {
                        continue;
                    };
                    let drive_s = self.drive_s(plan.sign, id(*n), &plan.lines[*n]);
                    let walk_s = walk_s(target).unwrap_or(0.0);
                    let time_s = drive_s + walk_s;
                    let choice = Choice { place, time_s, drive_s };
                    plan.lines[*n].cost_s = Some(small(cost_s(&choice, &places, prices)));
                    plan.lines[*n].walk_s = Some(small(walk_s));
                    chooser.options.push(choice);
                    lines.push(*n);
                }
            }
            let stand = self.stands[i];
            chooser.current = stand.advice.and_then(|line| lines.iter().position(|n| *n == line as usize));
            chooser.held = stand.since.is_some_and(|since| since + rules.min_dwell > at);
            choosers.push((chooser, lines));
        }
        let (choosers, lines): (Vec<_>, Vec<_>) = choosers.into_iter().unzip();
        let advice = assign(&choosers, &places, prices);
        for (i, (plan, advised)) in set.iter_mut().zip(advice).enumerate() {
            plan.advice = advised.and_then(|option| lines[i].get(option)).map(|n| id(*n));
            let cheapest = plan.lines.iter().enumerate().filter_map(|(n, l)| Some((n, l.cost_s?)));
            let cheapest = cheapest.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(n, _)| id(n));
            plan.reason = match plan.advice {
                None => AdviceReason::NoCandidate,
                advice if advice == self.stands[i].advice && advice != cheapest => AdviceReason::Held,
                Some(_) => AdviceReason::Assigned,
            };
        }
        chain.unwind(set);
        for plan in set.iter_mut() {
            for (n, line) in (0_u32..).zip(&mut plan.lines) {
                let target = self.city.signs[plan.sign.at()].lines.get(n as usize).and_then(facility);
                let filling =
                    target.and_then(|f| self.spaces.get(&f)).is_some_and(super::space::Space::filling);
                line.avoid = filling && plan.advice != Some(n);
            }
        }
    }
}
