//! Signs in the dataflow: each product goes to the signs that announce it, each sign is one key.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{Concat, Operator};
use vlot_dataflow::shell::{Logic, Part, Stamped, per_tick};
use vlot_dataflow::{Clocks, Updates};
use vlot_model::{
    City, Key, Meters, Product, SectionIx, Sight, SignIx, TICKS_SKIPPED, Target, Tick, Timestamp, Trigger,
    Update,
};

use crate::plan::plans;
use crate::sight::{garage, of_group};
use crate::sign::{Occasion, SignLogic};

/// A product on its way to one line of one sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    tick: Tick,
    at: Timestamp,
    sign: SignIx,
    line: u32,
    /// `None`: it is the sign's plan.
    target: Option<Target>,
    product: Arc<Product>,
    trigger: Option<Trigger>,
}

impl Stamped for Note {
    type Order = (SignIx, u32);

    fn tick(&self) -> Tick {
        self.tick
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn order(&self) -> (SignIx, u32) {
        (self.sign, self.line)
    }
}

pub(crate) fn faces<'s>(
    updates: Updates<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let announcers = Announcers::of(city);
    let plans = plans(&updates, clock.clone(), city, meters);
    let notes = updates.concat(plans.clone()).unary(Pipeline, "Announce", move |_, _| {
        move |input, output| {
            input.for_each_stamp(|cap, containers| {
                let mut session = output.session(&cap);
                for update in containers.flat_map(|container| container.drain(..)) {
                    announcers.notes(&update, |note| session.give(note));
                }
            });
        }
    });
    let (city, meters) = (Arc::clone(city), Arc::clone(meters));
    let route = |note: &Note| u64::from(note.sign.0);
    let faces = per_tick("Faces", notes, clock, route, move |part| Signs::new(city, meters, part));
    faces.concat(plans)
}

/// Which lines announce a product.
pub(crate) struct Announcers(BTreeMap<Key, Vec<(SignIx, u32, Target)>>);

impl Announcers {
    pub(crate) fn of(city: &City) -> Self {
        let mut lines: BTreeMap<Key, Vec<_>> = BTreeMap::new();
        for (i, sign) in city.signs.iter().enumerate() {
            for (line, n) in sign.lines.iter().zip(0..) {
                let key = match line.target {
                    Target::Facility(f) | Target::Group { facility: f, .. } => Key::Facility(f),
                    Target::Garage(g) => Key::Garage(g),
                    Target::Section(s) => match city.sections.get(s.at()) {
                        Some(section) => Key::Garage(section.garage),
                        None => continue,
                    },
                    // Nothing is counted there.
                    Target::Place(_) => continue,
                };
                lines.entry(key).or_default().push((SignIx::from_position(i), n, line.target));
            }
        }
        Announcers(lines)
    }

    /// One note for each line that announces the product.
    pub(crate) fn notes(&self, update: &Update, mut give: impl FnMut(Note)) {
        let (tick, at, trigger) = (update.tick, update.at, update.trigger);
        let note = |sign, line, target| {
            let product = Arc::clone(&update.product);
            Note { tick, at, sign, line, target, product, trigger }
        };
        if let Product::Plan(plan) = &*update.product {
            give(note(plan.sign, u32::MAX, None));
        }
        for &(sign, line, target) in self.0.get(&update.product.key()).into_iter().flatten() {
            give(note(sign, line, Some(target)));
        }
    }
}

fn sight(product: &Product, target: Target, city: &City) -> Option<Sight> {
    let part = |id: SectionIx| match product {
        Product::Garage(p) => p.sections.iter().find(|s| s.section == id).map(Sight::section),
        _ => None,
    };
    match (product, target) {
        (Product::Facility(p), Target::Facility(_)) => Some(Sight::facility(p)),
        (Product::Facility(p), Target::Group { group, .. }) => Some(of_group(p, group)),
        (Product::Garage(p), Target::Garage(_)) => Some(garage(p, city)),
        (_, Target::Section(id)) => part(id),
        _ => None,
    }
}

/// A worker's signs.
pub(crate) struct Signs {
    city: Arc<City>,
    meters: Arc<Meters>,
    signs: BTreeMap<SignIx, SignLogic>,
    /// The last tick of the clock.
    clocked: Option<Tick>,
}

impl Signs {
    pub(crate) fn new(city: Arc<City>, meters: Arc<Meters>, part: Part) -> Self {
        let signs = (0..city.signs.len())
            .map(SignIx::from_position)
            .filter(|sign| part.owns(u64::from(sign.0)))
            .map(|sign| (sign, SignLogic::new(sign, &city)))
            .collect();
        Signs { city, meters, signs, clocked: None }
    }
}

fn emit(
    face: Option<(Arc<vlot_model::Face>, bool)>,
    tick: Tick,
    at: Timestamp,
    meters: &Meters,
    out: &mut Vec<Update>,
) {
    if let Some((face, is_new)) = face {
        meters.faces_decided.add(u64::from(is_new));
        out.push(Update {
            tick,
            at,
            trigger: face.trigger.filter(|_| is_new),
            product: Arc::new(Product::Face(face)),
        });
    }
}

impl Logic for Signs {
    type In = Note;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        let before = self.clocked.replace(tick);
        let restarted = before.is_some_and(|before| tick.saturating_sub(before) >= TICKS_SKIPPED);
        for sign in self.signs.values_mut() {
            if restarted {
                sign.renumber();
            }
            emit(sign.decide(tick, at, Occasion::Clock, &self.city), tick, at, &self.meters, out);
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, notes: &[Note], out: &mut Vec<Update>) {
        for notes in notes.chunk_by(|a, b| a.sign == b.sign) {
            let Some(sign) = notes.first().and_then(|note| self.signs.get_mut(&note.sign)) else { continue };
            for note in notes {
                match (&*note.product, note.target) {
                    (Product::Plan(plan), _) => sign.plan(Arc::clone(plan)),
                    (product, Some(target)) => {
                        if let Some(sight) = sight(product, target, &self.city) {
                            sign.note(note.line as usize, sight, note.trigger);
                        }
                    }
                    _ => {}
                }
            }
            emit(sign.decide(tick, at, Occasion::Note, &self.city), tick, at, &self.meters, out);
        }
    }
}

#[cfg(test)]
mod tests;
