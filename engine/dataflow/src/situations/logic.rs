//! From what operators and feeds state to the situations that stand.

use std::sync::Arc;

use vlot_model::{
    Admitted, City, Effect, LinkIx, Meters, Mode, Phase, Product, Situation, Tick, Timestamp, Update, Value,
};

use super::list::{List, NEVER, Standing};
use super::streets::{Closed, Streets};
use crate::shell::Logic;
use crate::trust::trigger;

/// All situations.
pub(super) struct Situations {
    city: Arc<City>,
    meters: Arc<Meters>,
    /// `None` without a network, and before the first situation.
    streets: Option<Streets>,
    list: List,
    closed: Closed,
    /// No phase changes and no place becomes free before.
    next: Timestamp,
}

impl Situations {
    pub(super) fn new(city: &Arc<City>, meters: &Arc<Meters>) -> Self {
        let (city, meters) = (Arc::clone(city), Arc::clone(meters));
        let (list, closed) = (List::default(), Closed::default());
        Situations { city, meters, streets: None, list, closed, next: NEVER }
    }

    fn take(&mut self, input: &Admitted, stated: &Arc<Situation>) {
        let (at, stated_at) = (input.at, input.reading.observed_at);
        if self.streets.is_none() {
            let network = self.city.network.as_ref();
            self.streets = network.map(|network| Streets::new(network, &self.city, at));
        }
        let streets = self.streets.as_ref();
        let links = |stated: &Situation| streets.map(|streets| streets.links(stated)).unwrap_or_default();
        if let Some(known) = self.list.find(stated) {
            // One that was held up on its way must not undo what was stated after it.
            if stated_at < known.stated_at {
                return;
            }
            if known.restate(Arc::clone(stated), stated_at, &self.city, at) {
                known.links = links(stated);
            }
            known.trigger = Some(trigger(input));
            return;
        }
        let mut standing = Standing::new(Arc::clone(stated), stated_at, &self.city, at);
        // Nobody has to be told of the end of what nobody has heard of.
        if standing.phase == Phase::Ended {
            return;
        }
        standing.links = links(stated);
        standing.trigger = Some(trigger(input));
        if self.list.add(standing).is_none() {
            self.meters.readings_unusable.add(1);
        }
    }

    /// Brings everything to an instant, after statements and time have changed it, and publishes what is new.
    fn settle(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for (_, standing) in self.list.all().filter(|(_, standing)| standing.next <= at) {
            standing.advance(at);
        }
        let permits_changed = self.streets.as_mut().is_some_and(|streets| streets.advance(at));
        let closed = self.close();
        let gone = |after: &[LinkIx], before: &[LinkIx]| -> Vec<LinkIx> {
            before.iter().copied().filter(|link| after.binary_search(link).is_err()).collect()
        };
        let opened: [bool; 4] =
            std::array::from_fn(|mode| !gone(&closed[mode], &self.closed[mode]).is_empty());
        let shut: [Vec<LinkIx>; 4] = std::array::from_fn(|mode| gone(&self.closed[mode], &closed[mode]));
        self.closed = closed;
        self.next = NEVER;
        for (slot, standing) in self.list.all() {
            if let Some(streets) = &self.streets {
                // A way around stays the best one as long as nothing opens and nothing on it is closed.
                let worse = standing.detours.iter().any(|detour| {
                    let mode = detour.mode as usize;
                    opened[mode] || detour.links.iter().any(|link| shut[mode].binary_search(link).is_ok())
                });
                let has_ways = standing.phase != Phase::Ended;
                if std::mem::take(&mut standing.lost) || has_ways && (permits_changed || worse) {
                    standing.detours = match has_ways {
                        true => streets.around(&standing.stated, &standing.links, &self.closed),
                        false => Vec::new(),
                    };
                }
            }
            self.next = self.next.min(standing.next).min(standing.free_at());
            let state = standing.state(slot);
            if standing.published.as_ref() != Some(&state) {
                standing.published = Some(state.clone());
                let trigger = standing.trigger.take();
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Situation(state)) });
            }
        }
    }

    /// What is closed now: of several situations on a link the strongest binds.
    fn close(&mut self) -> Closed {
        let mut closed = Closed::default();
        let holds =
            |standing: &Standing| standing.phase == Phase::Active && standing.stated.effect == Effect::Closed;
        for (_, standing) in self.list.all().filter(|(_, standing)| holds(standing)) {
            for mode in Mode::ALL.into_iter().filter(|mode| standing.stated.modes.has(*mode)) {
                closed[mode as usize].extend(&standing.links);
            }
        }
        for links in &mut closed {
            links.sort_unstable();
            links.dedup();
        }
        closed
    }
}

impl Logic for Situations {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        if self.list.is_empty() {
            return;
        }
        self.list.forget(at);
        let permits = self.streets.as_ref().map_or(NEVER, Streets::until);
        if self.next.min(permits) <= at {
            self.settle(tick, at, out);
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        self.list.forget(at);
        for input in inputs {
            if let Value::Situation(stated) = &input.reading.value {
                self.take(input, stated);
            }
        }
        // Verdicts are metered where they are taken.
        let verdict = |input: &&Admitted| matches!(input.reading.value, Value::IncidentVerdict { .. });
        self.meters.readings_absorbed.add((inputs.len() - inputs.iter().filter(verdict).count()) as u64);
        self.settle(tick, at, out);
    }
}
