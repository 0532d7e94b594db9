//! One sign: what it shows, and when that changes.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Arrow, Choice, City, Face, FaceRow, FacilityStatus, Figure, LineWay, RowReason, Sight, SignIx, SignLine,
    SignPlan, Target, Tick, Timestamp, Trigger,
};

use crate::advice::advisable;
use crate::faces::{EdgeShown, Layout, Shown, configured, is_about, minutes};
use crate::sight::{figure, is_untrue};

/// A travel time stands for at least so long, unless the face changes anyway: links are measured anew all the time.
const MINUTES_DWELL: Duration = Duration::from_mins(2);

/// A sign's memory. Everything in it follows from the notes and ticks that it was given.
pub(crate) struct SignLogic {
    sign: SignIx,
    layout: Layout,
    rows: Vec<Row>,
    /// Which of its lines may be advised.
    advisable: Vec<bool>,
    /// What is decided for it, of a set that was proven as a whole; `None`: nothing yet.
    plan: Option<Arc<SignPlan>>,
    advice: Option<usize>,
    /// Drive in or park at the edge, as it stands on the face.
    edge: Option<EdgeShown>,
    /// When the content last changed; `None`: nothing but the first, dark face yet.
    content_since: Option<Timestamp>,
    /// When the face was last sent out.
    emitted_at: Timestamp,
    face: Option<Arc<Face>>,
    /// The face needs a version of its own, changed or not.
    renumbered: bool,
}

struct Row {
    /// Full at so few free or fewer.
    full_at: u32,
    sight: Sight,
    wanted: Figure,
    /// Whether `wanted` moved in this tick.
    moved: bool,
    shown: Figure,
    arrow: Arrow,
    minutes: Option<u32>,
    /// Whether its travel time stands on the face.
    has_minutes: bool,
    /// When the travel time last changed.
    minutes_since: Option<Timestamp>,
    filling: bool,
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
        let layout = Layout::of(sign, city);
        let rows = lines
            .iter()
            .enumerate()
            .map(|(i, line)| {
                let (full_at, capacity) = limits(city, line.target);
                let Shown { arrow, minutes, .. } = configured(Some(line));
                Row {
                    arrow,
                    minutes,
                    has_minutes: layout.has_minutes(i),
                    minutes_since: None,
                    filling: false,
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
            layout,
            rows,
            advisable: city.signs.get(sign.at()).map(|s| advisable(city, s)).unwrap_or_default(),
            plan: None,
            advice: None,
            edge: None,
            content_since: None,
            emitted_at: Timestamp::EPOCH,
            face: None,
            renumbered: false,
        }
    }

    /// Takes the newest state of what a line announces.
    pub(crate) fn note(&mut self, line: usize, sight: Sight, trigger: Option<Trigger>) {
        if let Some(row) = self.rows.get_mut(line) {
            row.sight = sight;
            row.fed = trigger;
        }
    }

    /// Takes what is decided for it.
    pub(crate) fn plan(&mut self, plan: Arc<SignPlan>) {
        self.plan = Some(plan);
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
        let plan = self.plan.clone();
        let line = |i: usize| plan.as_ref().and_then(|plan| plan.lines.get(i));
        let mut leads_elsewhere = false;
        for (i, row) in self.rows.iter_mut().enumerate() {
            let mut wanted = figure(&row.sight, at);
            match line(i).map(|line| &line.way) {
                // Spaces that nobody can get to are none.
                Some(LineWay::None) if matches!(wanted, Figure::Free(_)) => wanted = Figure::Blank,
                _ => {}
            }
            // An arrow into a street that was closed misleads: it does not wait.
            let arrow = match line(i).map(|line| &line.way) {
                Some(LineWay::Live(way)) => way.arrow,
                Some(LineWay::None) => Arrow::None,
                Some(LineWay::Configured) => sign.lines.get(i).map_or(row.arrow, |line| line.arrow),
                None => row.arrow,
            };
            leads_elsewhere |= std::mem::replace(&mut row.arrow, arrow) != arrow;
            row.moved = wanted != row.wanted;
            row.wanted = wanted;
            changing |= row.is_first_word() || is_untrue(row.shown, wanted);
        }
        changing |= leads_elsewhere;
        // Calm: what may change besides what must.
        let calm = changing || stood(self.content_since);
        let mut changed = self.face.is_none() || leads_elsewhere;
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
        // Advice was weighed, held and proven with that of all other signs: it does not wait again. It goes at once where the line
        // does not say that there is space.
        let advice = plan.as_ref().and_then(|plan| plan.advice).map(|line| line as usize);
        let advice = advice.filter(|line| self.has_space(*line));
        changed |= std::mem::replace(&mut self.advice, advice) != advice;
        for (i, row) in self.rows.iter_mut().enumerate() {
            // It was weighed and held by the planner: it does not wait again.
            let filling = line(i).is_some_and(|line| line.avoid) && matches!(row.shown, Figure::Free(_));
            changed |= std::mem::replace(&mut row.filling, filling) != filling;
            if !row.has_minutes {
                continue;
            }
            let wanted = match line(i).map(|line| &line.way) {
                Some(LineWay::Live(way))
                    if row.minutes.is_some_and(|shown| is_about(shown, way.travel_time_s)) =>
                {
                    row.minutes
                }
                Some(LineWay::Live(way)) => Some(minutes(way.travel_time_s)),
                Some(LineWay::None) => None,
                Some(LineWay::Configured) if row.minutes.is_none() => configured(sign.lines.get(i)).minutes,
                Some(LineWay::Configured) | None => row.minutes,
            };
            let calm = calm && row.minutes_since.is_none_or(|since| since + MINUTES_DWELL <= at);
            if wanted != row.minutes && (changed || calm || wanted.is_none()) {
                row.minutes_since = Some(at);
                row.minutes = wanted;
                changed = true;
            }
        }
        let edge = plan.as_ref().and_then(|plan| plan.edge).filter(|_| self.layout.has_edge());
        let edge = edge.filter(|edge| self.has_space(edge.line as usize));
        let edge = edge.map(|edge| EdgeShown::of(&edge, self.edge));
        // Nobody is sent to the edge on a comparison that no longer holds.
        if edge != self.edge && (changed || calm || edge.is_none()) {
            self.edge = edge;
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

    /// Whether the sign says of a line that there is space, and may send someone there with a good conscience.
    fn has_space(&self, line: usize) -> bool {
        self.rows.get(line).is_some_and(|row| {
            matches!(row.shown, Figure::Free(_))
                && row.sight.status == FacilityStatus::SpacesAvailable
                && row.sight.sayable().is_some_and(|free| free > row.full_at)
        })
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
            arrow: row.arrow,
            figure: row.shown,
            minutes: row.minutes,
            filling: row.filling,
            why: RowReason {
                sight: row.sight,
                wanted: row.wanted,
                calm_until: row.since.max(self.content_since).map(|since| since + min_dwell),
            },
        };
        let shown = |line: usize| {
            let row = self.rows.get(line);
            row.map_or(configured(None), |row| Shown {
                figure: row.shown,
                arrow: row.arrow,
                minutes: row.minutes,
                filling: row.filling,
            })
        };
        let candidates =
            self.plan.iter().flat_map(|plan| &plan.lines).filter(|line| line.cost_s.is_some()).count();
        let lines_advisable = self.advisable.iter().filter(|suits| **suits).count();
        Face {
            sign: self.sign,
            version: tick.max(1),
            rows: lines.iter().zip(&self.rows).map(row).collect(),
            advice: self.advice.and_then(|line| u32::try_from(line).ok()),
            choice: Choice { lines: count(lines_advisable), candidates: count(candidates) },
            multi: self.layout.fill(shown, self.advice, self.edge),
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
        Target::Group { .. } | Target::Place(_) => None,
    };
    limits.unwrap_or((0, 0))
}

#[cfg(test)]
mod tests;
