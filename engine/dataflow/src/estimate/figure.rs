//! A third party's figure: a level with an error that lasts, watched for jumps and for standing still.

use super::maths::float;
use super::model::{Instant, Model};

/// Beyond so many standard deviations a figure contradicts what is known.
const JUMP_SDS: f64 = 4.0;
/// So many figures in a row that contradict it and agree with each other are believed.
const BELIEVED_AFTER: u32 = 3;
/// An hour, microseconds.
const HOUR_US: f64 = 3.6e9;

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is older than the one that there is.
    Old,
    /// It agrees with what is known, or is the first.
    Agrees,
    /// It jumped: the one before holds on.
    Jumped,
    /// It jumped, and so did those before it: from now on it is believed.
    Believed,
}

/// The newest figure that is believed.
#[derive(Clone, Copy, Debug)]
struct Level {
    spaces: f64,
    /// The count when it was said; 0 without a count.
    count: i64,
    /// Passages since the anchor when it was said.
    passages: f64,
    at: Instant,
    changed_at: Instant,
}

/// The figure of one third party.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figure {
    level: Option<Level>,
    jumped: Option<Level>,
    strikes: u32,
}

/// The count as it is when a figure is taken or read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) count: i64,
    pub(super) passages: f64,
    /// There are barriers: the figure moves on with them.
    pub(super) known: bool,
}

/// Without barriers a figure may move by its facility's capacity in so many parts of an hour: events empty car parks.
const FILLS_AN_HOUR: f64 = 3.0;

impl Figure {
    /// One was said.
    pub(super) fn is_known(&self) -> bool {
        self.level.is_some()
    }

    /// What it says now: mean and variance of the occupied spaces.
    pub(super) fn said(&self, model: &Model, now: Instant, counted: Counted) -> Option<(f64, f64)> {
        let level = self.level?;
        let own = model.figure_sd * model.figure_sd;
        if counted.known {
            let moved = float(counted.count - level.count);
            let drifted = (counted.passages - level.passages).max(0.0) * model.per_passage();
            return Some((level.spaces + moved, own + drifted));
        }
        let flat = now.saturating_sub(level.changed_at) > model.flat_after_us;
        let since = if flat { level.changed_at } else { level.at };
        let hours = float(now.saturating_sub(since).max(0)) / HOUR_US;
        Some((level.spaces, own + model.turnover_per_hour * hours))
    }

    /// Takes a figure; `expected` is what is known without it (mean, variance).
    pub(super) fn take(
        &mut self,
        spaces: u32,
        at: Instant,
        model: &Model,
        counted: Counted,
        expected: Option<(f64, f64)>,
    ) -> Heard {
        if self.level.is_some_and(|old| at < old.at) {
            return Heard::Old;
        }
        let spaces = f64::from(spaces);
        let same = |old: &Level| (old.spaces - spaces).abs() < 0.5;
        let changed_at = self.level.filter(same).map_or(at, |old| old.changed_at);
        let new = Level { spaces, count: counted.count, passages: counted.passages, at, changed_at };
        let own = model.figure_sd * model.figure_sd;
        let moves = |since: Option<Instant>| {
            let hours = since.map_or(0.0, |since| float(at.saturating_sub(since).max(0)) / HOUR_US);
            // One vehicle is no jump.
            1.5 + if counted.known { 0.0 } else { FILLS_AN_HOUR * f64::from(model.capacity) * hours }
        };
        let apart = |mean: f64, variance: f64, since: Option<Instant>| {
            let off = ((spaces - mean).abs() - moves(since) + 1.5).max(0.0);
            off * off > JUMP_SDS * JUMP_SDS * (variance + own) && off > 1.5
        };
        let level_at = self.level.map(|level| level.at);
        let fits = expected.is_none_or(|(mean, variance)| !apart(mean, variance, level_at));
        let agrees_with_last = self.jumped.is_some_and(|last| {
            let moved = if counted.known { float(counted.count - last.count) } else { 0.0 };
            !apart(last.spaces + moved, own, Some(last.at))
        });
        if fits {
            (self.level, self.jumped, self.strikes) = (Some(new), None, 0);
            return Heard::Agrees;
        }
        self.strikes = if agrees_with_last { self.strikes + 1 } else { 1 };
        self.jumped = Some(new);
        if self.strikes < BELIEVED_AFTER {
            return Heard::Jumped;
        }
        (self.level, self.jumped, self.strikes) = (Some(new), None, 0);
        Heard::Believed
    }

    /// The count starts over, `by` lower than it was, and its passages from `passages`.
    pub(super) fn rebase(&mut self, by: i64, passages: f64) {
        for level in self.level.iter_mut().chain(&mut self.jumped) {
            level.count -= by;
            level.passages = passages;
        }
    }
}
