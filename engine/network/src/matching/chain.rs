//! The likeliest chain of candidates, point by point (Viterbi), and what of it is decided.

use std::collections::VecDeque;

use vlot_model::{LinkIx, Timestamp};

use super::search::Scratch;
use super::{Matcher, Point};

/// A point that seems to lie so far behind the one before on the same link lies there: points jitter.
const BACKWARD_M: f32 = 20.0;
/// States that are so much less likely than the likeliest (e to this power) are given up.
const HOPELESS: f32 = 20.0;

/// What became of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is part of the track.
    Used,
    /// The vehicle has not moved since the last one.
    Still,
    /// The vehicle has not moved for so long that it is parked: the track ended.
    Parked,
    /// Not later than the last one.
    Repeated,
    /// No vehicle is that fast.
    Jump,
    /// No link is near.
    OffNetwork,
    /// No way leads there from the last one.
    NoWay,
}

/// A vehicle on its way.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// It went along a link.
    Along { link: LinkIx, from_m: f32, to_m: f32, from: Timestamp, to: Timestamp },
    /// What follows does not join what was.
    Broken,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    link: LinkIx,
    offset_m: f32,
    cost: f32,
    /// Position in the column before.
    back: u32,
}

/// A place where the vehicle was for a while: one point, or several where it stood.
#[derive(Clone, Debug)]
struct Column {
    first: Timestamp,
    last: Timestamp,
    here: [f32; 2],
    /// How long a way from the column before there may be, metres.
    bound_m: f32,
    states: Box<[State]>,
}

/// A track while it is matched. What is decided leaves it; the column that was decided last stays as the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    columns: VecDeque<Column>,
    /// The first column is decided, for this state: on this link, the furthest that was reached.
    decided: Option<(usize, f32)>,
    unusable: u8,
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

impl Chain {
    /// When it was last heard of.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.columns.back().map(|column| column.last)
    }

    #[cfg(test)]
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Takes the next point. At most `lag` columns stay undecided.
    pub(super) fn take(
        &mut self,
        matcher: &Matcher,
        scratch: &mut Scratch,
        point: &Point,
        lag: usize,
        out: &mut impl FnMut(Event),
    ) -> Fate {
        let rules = &matcher.rules;
        let here = matcher.grid.plane(point.position);
        let mut step = None;
        if let Some(last) = self.columns.back_mut() {
            if point.at <= last.last {
                return Fate::Repeated;
            }
            let seconds = point.at.since(last.last).as_secs_f32();
            let straight_m = distance(here, last.here);
            let fastest_m = rules.fastest_kmh / 3.6 * seconds;
            if seconds > rules.gap.as_secs_f32() {
                self.finish(matcher, scratch, out);
            } else if straight_m < rules.still_m {
                last.last = point.at;
                self.unusable = 0;
                if point.at.since(last.first) <= rules.parked {
                    return Fate::Still;
                }
                self.finish(matcher, scratch, out);
                self.begin(matcher, scratch, point, here);
                return Fate::Parked;
            } else if straight_m > fastest_m + rules.radius_m {
                return self.miss(matcher, scratch, point, here, Fate::Jump, out);
            } else {
                let bound_m = (2.0 * straight_m + 250.0).min(fastest_m + 2.0 * rules.radius_m);
                step = Some((straight_m, bound_m));
            }
        }
        let mut candidates = std::mem::take(&mut scratch.candidates);
        matcher.grid.near(here, point, rules, &mut candidates);
        scratch.candidates = candidates;
        if scratch.candidates.is_empty() {
            return self.miss(matcher, scratch, point, here, Fate::OffNetwork, out);
        }
        let Some((straight_m, bound_m)) = step else {
            self.begin(matcher, scratch, point, here);
            return Fate::Used;
        };
        self.transit(matcher, scratch, straight_m, bound_m);
        if scratch.states.is_empty() {
            return self.miss(matcher, scratch, point, here, Fate::NoWay, out);
        }
        self.unusable = 0;
        let states = scratch.states.as_slice().into();
        self.columns.push_back(Column { first: point.at, last: point.at, here, bound_m, states });
        self.decide(matcher, scratch, lag, out);
        Fate::Used
    }

    /// A point that fits nothing. After a few in a row the track begins anew.
    fn miss(
        &mut self,
        matcher: &Matcher,
        scratch: &mut Scratch,
        point: &Point,
        here: [f32; 2],
        why: Fate,
        out: &mut impl FnMut(Event),
    ) -> Fate {
        self.unusable = self.unusable.saturating_add(1);
        if self.unusable >= matcher.rules.unusable {
            self.finish(matcher, scratch, out);
            self.begin(matcher, scratch, point, here);
            if !self.columns.is_empty() {
                return Fate::Used;
            }
        }
        why
    }

    /// The first column of a track.
    fn begin(&mut self, matcher: &Matcher, scratch: &mut Scratch, point: &Point, here: [f32; 2]) {
        let mut candidates = std::mem::take(&mut scratch.candidates);
        matcher.grid.near(here, point, &matcher.rules, &mut candidates);
        let state =
            |c: &super::grid::Candidate| State { link: c.link, offset_m: c.offset_m, cost: c.cost, back: 0 };
        let states: Box<[State]> = candidates.iter().map(state).collect();
        scratch.candidates = candidates;
        *self = Chain::default();
        if !states.is_empty() {
            self.columns.push_back(Column { first: point.at, last: point.at, here, bound_m: 0.0, states });
        }
    }

    /// Leaves in `scratch.states` the candidates that a way leads to, each with the likeliest state before it.
    fn transit(&self, matcher: &Matcher, scratch: &mut Scratch, straight_m: f32, bound_m: f32) {
        scratch.states.clear();
        let Some(before) = self.columns.back() else { return };
        let rules = &matcher.rules;
        let beta_m = rules.beta_m + rules.beta_share * straight_m;
        let candidates = std::mem::take(&mut scratch.candidates);
        let mut states = std::mem::take(&mut scratch.states);
        scratch.want(&matcher.graph, candidates.iter().map(|c| c.link));
        states.extend(candidates.iter().map(|c| State {
            link: c.link,
            offset_m: c.offset_m,
            cost: f32::INFINITY,
            back: 0,
        }));
        for (back, from) in before.states.iter().enumerate().filter(|(_, from)| from.cost.is_finite()) {
            let rest_m = matcher.graph.length_m(from.link) - from.offset_m;
            scratch.search(&matcher.graph, from.link, rest_m.max(0.0), bound_m);
            for (to, candidate) in states.iter_mut().zip(&candidates) {
                let way_m = match stays(from, to.link, to.offset_m) {
                    Some(metres) => Some(metres),
                    None => scratch.metres_to(to.link).map(|metres| metres + to.offset_m),
                };
                let Some(way_m) = way_m.filter(|m| *m <= bound_m) else { continue };
                let cost = from.cost + candidate.cost + (way_m - straight_m).abs() / beta_m;
                if cost < to.cost {
                    to.cost = cost;
                    to.back = u32::try_from(back).unwrap_or(u32::MAX);
                }
            }
        }
        let best = states.iter().map(|s| s.cost).fold(f32::INFINITY, f32::min);
        states.retain(|s| s.cost <= best + HOPELESS && s.cost.is_finite());
        // Only differences count; without this a long track would lose its decimals.
        states.iter_mut().for_each(|s| s.cost -= best);
        (scratch.candidates, scratch.states) = (candidates, states);
    }

    /// Decides what all living states have in common, and more if too much is undecided.
    fn decide(&mut self, matcher: &Matcher, scratch: &mut Scratch, lag: usize, out: &mut impl FnMut(Event)) {
        if self.columns.len() > lag.max(2) {
            self.force();
        }
        let Some(last) = self.columns.back() else { return };
        let mut alive: Vec<usize> =
            (0..last.states.len()).filter(|i| last.states[*i].cost.is_finite()).collect();
        for column in (0..self.columns.len()).rev() {
            if let [only] = alive[..] {
                if column > 0 || self.decided.is_none() {
                    self.commit(matcher, scratch, column, only, out);
                }
                return;
            }
            if let Some(states) = self.columns.get(column).map(|c| &c.states) {
                alive.iter_mut().for_each(|i| *i = states.get(*i).map_or(0, |s| s.back as usize));
                alive.sort_unstable();
                alive.dedup();
            }
        }
    }

    /// Gives up all states that do not come from where the likeliest one comes from.
    fn force(&mut self) {
        // The first column is decided already, so what came second is what is to be decided.
        let root = usize::from(self.decided.is_some());
        let Some(last) = self.columns.len().checked_sub(1) else { return };
        let origin = |mut state: usize| {
            for column in (root + 1..=last).rev() {
                state = self.columns[column].states.get(state).map_or(0, |s| s.back as usize);
            }
            state
        };
        let states = &self.columns[last].states;
        let Some(best) = likeliest(states) else { return };
        let kept = origin(best);
        let given_up: Vec<_> = (0..states.len()).filter(|i| origin(*i) != kept).collect();
        for i in given_up {
            self.columns[last].states[i].cost = f32::INFINITY;
        }
    }

    /// The track is over, or goes on elsewhere: the likeliest chain is what was driven.
    pub(super) fn finish(&mut self, matcher: &Matcher, scratch: &mut Scratch, out: &mut impl FnMut(Event)) {
        if let Some(best) = self.columns.back().and_then(|last| likeliest(&last.states)) {
            self.commit(matcher, scratch, self.columns.len() - 1, best, out);
            out(Event::Broken);
        }
        *self = Chain::default();
    }

    /// Decides all columns up to one, given its state.
    fn commit(
        &mut self,
        matcher: &Matcher,
        scratch: &mut Scratch,
        column: usize,
        state: usize,
        out: &mut impl FnMut(Event),
    ) {
        let mut path = vec![state; column + 1];
        for i in (1..=column).rev() {
            path[i - 1] = self.columns[i].states.get(path[i]).map_or(0, |s| s.back as usize);
        }
        let start = self.columns[0].states.get(path[0]);
        let mut reached_m = self.decided.map_or_else(|| start.map_or(0.0, |s| s.offset_m), |(_, m)| m);
        for i in 1..=column {
            let (before, after) = (&self.columns[i - 1], &self.columns[i]);
            let (Some(from), Some(to)) = (before.states.get(path[i - 1]), after.states.get(path[i])) else {
                continue;
            };
            reached_m = drive(matcher, scratch, (before, from), (after, to), reached_m, out);
        }
        self.columns.drain(..column);
        self.decided = Some((state, reached_m));
    }
}

fn likeliest(states: &[State]) -> Option<usize> {
    (0..states.len())
        .filter(|i| states[*i].cost.is_finite())
        .min_by(|a, b| states[*a].cost.total_cmp(&states[*b].cost))
}

/// Metres along the same link, if the vehicle may have stayed on it.
fn stays(from: &State, link: LinkIx, offset_m: f32) -> Option<f32> {
    (from.link == link && offset_m + BACKWARD_M >= from.offset_m).then(|| (offset_m - from.offset_m).max(0.0))
}

/// Tells the way between two decided places. Returns how far the last link was reached.
fn drive(
    matcher: &Matcher,
    scratch: &mut Scratch,
    (before, from): (&Column, &State),
    (after, to): (&Column, &State),
    reached_m: f32,
    out: &mut impl FnMut(Event),
) -> f32 {
    let graph = &matcher.graph;
    let mut pieces = Vec::with_capacity(4);
    if stays(from, to.link, to.offset_m).is_some() {
        if to.offset_m <= reached_m {
            return reached_m;
        }
        pieces.push((from.link, reached_m, to.offset_m));
    } else {
        let length_m = graph.length_m(from.link);
        scratch.want(graph, std::iter::once(to.link));
        scratch.search(graph, from.link, (length_m - from.offset_m).max(0.0), after.bound_m);
        scratch.trace(from.link, to.link);
        pieces.push((from.link, reached_m, length_m));
        for link in &scratch.way {
            pieces.push((*link, 0.0, graph.length_m(*link)));
        }
        if let Some(last) = pieces.last_mut() {
            last.2 = to.offset_m;
        }
    }
    let total: f64 = pieces.iter().map(|(link, a, b)| graph.free_flow_s(*link, b - a)).sum();
    let (start, span) = (before.last.micros(), after.first.since(before.last).as_micros() as f64);
    let mut done = 0.0;
    let at = |done: f64| {
        let share = if total > 0.0 { (done / total).min(1.0) } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "a span within a track")]
        Timestamp::from_micros(start + (span * share) as i64)
    };
    for (link, from_m, to_m) in pieces {
        let from = at(done);
        done += graph.free_flow_s(link, to_m - from_m);
        if to_m > from_m {
            out(Event::Along { link, from_m, to_m, from, to: at(done) });
        }
    }
    to.offset_m
}
