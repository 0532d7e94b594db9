//! One sign: what it shows, and when that changes.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Choice, City, Face, FaceRow, FacilityStatus, Figure, RowReason, Sight, SignIx, SignLine, Target, Tick,
    Timestamp, Trigger,
};

use crate::advice::{Candidate, Next, choose};
use crate::faces::Layout;
use crate::sight::{figure, is_untrue};

/// A sign's memory. Everything in it follows from the notes and ticks that it was given.
pub(crate) struct SignLogic {
    sign: SignIx,
    layout: Layout,
    rows: Vec<Row>,
    /// Lines that can be advised, in their order.
    advisable: Vec<usize>,
    advice: Option<usize>,
    /// When the advice last changed; `None`: there was none yet.
    advice_since: Option<Timestamp>,
    /// When the content last changed; `None`: nothing but the first, dark face yet.
    content_since: Option<Timestamp>,
    /// When the face was last sent out.
    emitted_at: Timestamp,
    face: Option<Arc<Face>>,
    /// The face needs a version of its own, changed or not.
    renumbered: bool,
    /// Lines with space, anew in each tick; kept to be filled again without an allocation.
    candidates: Vec<Candidate>,
}

struct Row {
    /// Full at so few free or fewer.
    full_at: u32,
    sight: Sight,
    wanted: Figure,
    /// Whether `wanted` moved in this tick.
    moved: bool,
    shown: Figure,
    /// When `shown` last changed; `None`: it has not said anything yet.
    since: Option<Timestamp>,
    /// The reading behind this tick's note.
    fed: Option<Trigger>,
}

impl Row {
    /// Whether it has something to say and never did before.
    fn is_first_word(&self) -> bool {
        self.since.is_none() && self.wanted != Figure::Blank
    }

    /// When what it shows must have gone; `None`: its face may stay for as long as a face may.
    fn holds_until(&self) -> Option<Timestamp> {
        match (self.shown, self.sight.closed) {
            (Figure::Blank, _) => None,
            // It does not rest on the figures.
            (Figure::Closed, Some(closed)) if self.sight.status == FacilityStatus::Closed => closed.until,
            _ => self.sight.valid_until,
        }
    }
}

/// Why a face is decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Time passed: a face may be renewed.
    Clock,
    /// Something of what it announces changed.
    Note,
}

impl SignLogic {
    pub(crate) fn new(sign: SignIx, city: &City) -> Self {
        let lines = city.signs.get(sign.at()).map_or(&[][..], |s| &s.lines);
        let cars = lines.iter().any(|line| matches!(line.target, Target::Facility(_)));
        let advisable = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !cars || matches!(line.target, Target::Facility(_)))
            .map(|(i, _)| i)
            .collect();
        let rows = lines
            .iter()
            .map(|line| {
                let (full_at, capacity) = limits(city, line.target);
                Row {
                    full_at,
                    sight: Sight::unseen(capacity),
                    wanted: Figure::Blank,
                    moved: false,
                    shown: Figure::Blank,
                    since: None,
                    fed: None,
                }
            })
            .collect();
        SignLogic {
            sign,
            layout: Layout::of(sign, city),
            rows,
            advisable,
            advice: None,
            advice_since: None,
            content_since: None,
            emitted_at: Timestamp::EPOCH,
            face: None,
            renumbered: false,
            candidates: Vec::new(),
        }
    }

    /// Takes the newest state of what a line announces.
    pub(crate) fn note(&mut self, line: usize, sight: Sight, trigger: Option<Trigger>) {
        if let Some(row) = self.rows.get_mut(line) {
            row.sight = sight;
            row.fed = trigger;
        }
    }

    /// The engine was started anew, perhaps with another configuration, and from a journal that may lack the last that
    /// was published: what a sign shows under the present version need not be what this face says. Under a new one
    /// the sign draws it instead of taking it for a renewal.
    pub(crate) fn renumber(&mut self) {
        self.renumbered = self.face.is_some();
    }

    /// The face to send out at the end of a tick, and whether its content is new; `None`: the last one holds.
    pub(crate) fn decide(
        &mut self,
        tick: Tick,
        at: Timestamp,
        occasion: Occasion,
        city: &City,
    ) -> Option<(Arc<Face>, bool)> {
        let sign = city.signs.get(self.sign.at())?;
        let stood = |since: Option<Timestamp>| since.is_none_or(|since| since + sign.min_dwell <= at);
        // Truth: what every row ought to say now, and whether that cannot wait.
        let mut changing = false;
        for row in &mut self.rows {
            let wanted = figure(&row.sight, at);
            row.moved = wanted != row.wanted;
            row.wanted = wanted;
            changing |= row.is_first_word() || is_untrue(row.shown, wanted);
        }
        // Calm: what may change besides what must.
        let calm = changing || stood(self.content_since);
        let mut changed = self.face.is_none();
        let mut trigger = None;
        for row in &mut self.rows {
            if row.shown != row.wanted && (is_untrue(row.shown, row.wanted) || calm && stood(row.since)) {
                row.shown = row.wanted;
                row.since = Some(at);
                changed = true;
                if row.moved {
                    trigger = row.fed.or(trigger);
                }
            }
            row.fed = None;
        }
        self.find_candidates(&sign.lines);
        let (must, next) = match choose(self.advice, &self.candidates) {
            Next::Keep => (false, self.advice),
            Next::Must(next) => (true, next),
            Next::May(line) => (false, Some(line)),
        };
        if next != self.advice && (must || calm && stood(self.advice_since)) {
            self.advice = next;
            self.advice_since = Some(at);
            changed = true;
        }

        let valid_until = self.valid_until(at + sign.time_to_live);
        let renumbered = std::mem::take(&mut self.renumbered);
        if changed || renumbered {
            if changed && self.rows.iter().any(|row| row.since.is_some()) {
                self.content_since = Some(at);
            }
            let face = Arc::new(self.write(tick, at, valid_until, trigger, &sign.lines, sign.min_dwell));
            self.emitted_at = at;
            self.face = Some(Arc::clone(&face));
            return Some((face, changed));
        }
        let emitted_at = self.emitted_at;
        let face = self.face.as_mut()?;
        let half_used = || at.since(emitted_at) > face.valid_until.since(at);
        let renew = occasion == Occasion::Clock && valid_until > face.valid_until && half_used();
        // A figure whose validity became shorter takes its face with it.
        if !renew && valid_until >= face.valid_until {
            return None;
        }
        Arc::make_mut(face).valid_until = valid_until;
        self.emitted_at = at;
        Some((Arc::clone(face), false))
    }

    /// The lines that the sign can send someone to with a good conscience.
    fn find_candidates(&mut self, lines: &[SignLine]) {
        let space = |line: &usize| {
            let (row, config) = (self.rows.get(*line)?, lines.get(*line)?);
            let has_space = matches!(row.shown, Figure::Free(_))
                && row.sight.status == FacilityStatus::SpacesAvailable
                && row.sight.sayable().is_some_and(|free| free > row.full_at);
            has_space.then_some(Candidate { line: *line, travel_time: config.travel_time })
        };
        self.candidates.clear();
        self.candidates.extend(self.advisable.iter().filter_map(space));
    }

    /// The end of a face that is sent now: no later than that of anything on it.
    fn valid_until(&self, at_most: Timestamp) -> Timestamp {
        self.rows.iter().filter_map(Row::holds_until).fold(at_most, Timestamp::min)
    }

    fn write(
        &self,
        tick: Tick,
        at: Timestamp,
        valid_until: Timestamp,
        trigger: Option<Trigger>,
        lines: &[SignLine],
        min_dwell: Duration,
    ) -> Face {
        let row = |(line, row): (&SignLine, &Row)| FaceRow {
            target: line.target,
            label: Arc::clone(&line.label),
            arrow: line.arrow,
            figure: row.shown,
            why: RowReason {
                sight: row.sight,
                wanted: row.wanted,
                calm_until: row.since.max(self.content_since).map(|since| since + min_dwell),
            },
        };
        let figure = |line: usize| self.rows.get(line).map_or(Figure::Blank, |row| row.shown);
        Face {
            sign: self.sign,
            version: tick.max(1),
            rows: lines.iter().zip(&self.rows).map(row).collect(),
            advice: self.advice.and_then(|line| u32::try_from(line).ok()),
            choice: Choice { lines: count(self.advisable.len()), candidates: count(self.candidates.len()) },
            multi: self.layout.fill(figure, self.advice),
            decided_at: at,
            valid_until,
            trigger,
        }
    }
}

fn count(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// When a target is full, and its capacity; a garage as a whole is full when no section has space.
fn limits(city: &City, target: Target) -> (u32, u32) {
    let limits = match target {
        Target::Facility(f) => city.facilities.get(f.at()).map(|f| (f.full_at, f.capacity)),
        Target::Garage(g) => city.garages.get(g.at()).map(|g| {
            let sections = g.sections.iter().filter_map(|s| city.sections.get(s.at()));
            (0, sections.map(|s| s.capacity).sum())
        }),
        Target::Section(s) => city.sections.get(s.at()).map(|s| (s.full_at, s.capacity)),
    };
    limits.unwrap_or((0, 0))
}

#[cfg(test)]
mod tests;
