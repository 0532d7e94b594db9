//! The list of situations: who is in which place of it, and where each stands in its life.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_hours::Schedule;
use vlot_model::{
    City, Detour, LinkIx, Opening, Phase, Situation, SituationIx, SituationState, Timestamp, Trigger,
};

/// What is over keeps its place for so long.
pub(super) const KEPT: Duration = Duration::from_hours(1);
/// More places there are not: one more situation is not taken.
pub(super) const MOST: usize = 10_000;

/// Never.
pub(super) const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// A situation in its place.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) stated: Arc<Situation>,
    /// When it was stated: what was stated before then is no news.
    pub(super) stated_at: Timestamp,
    schedule: Option<Schedule>,
    pub(super) phase: Phase,
    since: Timestamp,
    /// Its phase does not change before.
    pub(super) next: Timestamp,
    pub(super) links: Vec<LinkIx>,
    pub(super) detours: Vec<Detour>,
    /// Its ways around have to be found anew.
    pub(super) lost: bool,
    pub(super) trigger: Option<Trigger>,
    pub(super) published: Option<SituationState>,
}

/// Where a situation stands at an instant, since when as far as its own words tell, and until when at least.
fn phase(
    stated: &Situation,
    schedule: Option<&Schedule>,
    now: Timestamp,
) -> (Phase, Option<Timestamp>, Timestamp) {
    match stated.until {
        _ if stated.withdrawn => return (Phase::Ended, None, NEVER),
        Some(until) if until <= now => return (Phase::Ended, Some(until), NEVER),
        _ => {}
    }
    if stated.from > now {
        return (Phase::Planned, None, stated.from);
    }
    let until = stated.until.unwrap_or(NEVER);
    let Some(schedule) = schedule else { return (Phase::Active, Some(stated.from), until) };
    let (opening, change) = schedule.at(now);
    // Hours that are not known (a year whose holidays nobody entered) hold: nobody is to be sent into works.
    let phase = if opening == Opening::Closed { Phase::Paused } else { Phase::Active };
    (phase, None, until.min(change))
}

impl Standing {
    pub(super) fn new(stated: Arc<Situation>, stated_at: Timestamp, city: &City, now: Timestamp) -> Self {
        let schedule = stated.hours.as_deref().map(|hours| Schedule::new(hours, city));
        let (phase, since, next) = phase(&stated, schedule.as_ref(), now);
        let since = since.unwrap_or(now);
        let (links, detours) = (Vec::new(), Vec::new());
        let (trigger, published) = (None, None);
        Standing {
            stated,
            stated_at,
            schedule,
            phase,
            since,
            next,
            links,
            detours,
            lost: true,
            trigger,
            published,
        }
    }

    /// Another statement takes its place. Whether it says where it is anew.
    pub(super) fn restate(
        &mut self,
        stated: Arc<Situation>,
        at: Timestamp,
        city: &City,
        now: Timestamp,
    ) -> bool {
        let before = std::mem::replace(&mut self.stated, stated);
        self.stated_at = at;
        self.schedule = self.stated.hours.as_deref().map(|hours| Schedule::new(hours, city));
        self.lost = true;
        self.advance(now);
        (&before.location, before.modes, before.both_directions)
            != (&self.stated.location, self.stated.modes, self.stated.both_directions)
    }

    /// Moves on to an instant.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let (phase, since, next) = phase(&self.stated, self.schedule.as_ref(), now);
        self.next = next;
        if phase != self.phase {
            self.lost |= phase == Phase::Ended || self.phase == Phase::Ended;
            self.phase = phase;
            self.since = since.unwrap_or(now);
        }
    }

    /// From then on its place is free.
    pub(super) fn free_at(&self) -> Timestamp {
        match self.phase {
            // What ended long ago by its own words may only just have been stated so.
            Phase::Ended => self.since.max(self.stated_at) + KEPT,
            _ => NEVER,
        }
    }

    pub(super) fn state(&self, slot: SituationIx) -> SituationState {
        SituationState {
            slot,
            situation: Arc::clone(&self.stated),
            phase: self.phase,
            since: self.since,
            links: self.links.clone(),
            detours: self.detours.clone(),
        }
    }
}

type Name = (Box<str>, Box<str>);

/// All places.
#[derive(Debug, Default)]
pub(super) struct List {
    places: Vec<Option<Standing>>,
    /// Never looked through in its order.
    by_name: HashMap<Name, usize>,
}

fn name(stated: &Situation) -> Name {
    (stated.source.clone(), stated.id.clone())
}

impl List {
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The one that a statement speaks of.
    pub(super) fn find(&mut self, stated: &Situation) -> Option<&mut Standing> {
        let at = *self.by_name.get(&name(stated))?;
        self.places.get_mut(at)?.as_mut()
    }

    /// Puts one into the first free place; `None`: there is none.
    pub(super) fn add(&mut self, standing: Standing) -> Option<&mut Standing> {
        let free = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if free >= MOST {
            return None;
        }
        if free == self.places.len() {
            self.places.push(None);
        }
        self.by_name.insert(name(&standing.stated), free);
        Some(self.places.get_mut(free)?.insert(standing))
    }

    /// In order of their places.
    pub(super) fn all(&mut self) -> impl Iterator<Item = (SituationIx, &mut Standing)> {
        self.places
            .iter_mut()
            .enumerate()
            .filter_map(|(at, place)| Some((SituationIx::from_position(at), place.as_mut()?)))
    }

    /// Frees the places of those that have been over for long.
    pub(super) fn forget(&mut self, now: Timestamp) {
        for place in &mut self.places {
            if place.as_ref().is_some_and(|standing| standing.free_at() <= now)
                && let Some(gone) = place.take()
            {
                self.by_name.remove(&name(&gone.stated));
            }
        }
    }
}
