//! The planner in the dataflow: one key, on one worker.

use std::sync::Arc;

use timely::dataflow::operators::vec::Filter;
use vlot_dataflow::shell::{Logic, Part, per_tick};
use vlot_dataflow::{Clocks, Updates};
use vlot_model::{City, Meters, Product, Tick, Timestamp, Update};

use super::decide::Planner;

/// All signs are decided on together.
const ONE: u64 = 0;

/// From products of facilities, garages, links and situations to what each sign advises.
pub(crate) fn plans<'s>(
    updates: &Updates<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    _meters: &Arc<Meters>,
) -> Updates<'s> {
    let noted = updates.clone().filter(|update| {
        matches!(
            &*update.product,
            Product::Facility(_)
                | Product::Garage(_)
                | Product::Forecast(_)
                | Product::Expected(_)
                | Product::Link(_)
                | Product::Situation(_)
        )
    });
    let city = Arc::clone(city);
    per_tick("Plans", noted, clock, |_| ONE, move |part| Plans::new(city, part))
}

struct Plans {
    city: Arc<City>,
    owns: bool,
    planner: Option<Planner>,
}

impl Plans {
    fn new(city: Arc<City>, part: Part) -> Self {
        let owns = part.owns(ONE) && !city.signs.is_empty();
        Plans { city, owns, planner: None }
    }

    fn decide(&mut self, tick: Tick, at: Timestamp, inputs: &[Update], out: &mut Vec<Update>) {
        if !self.owns {
            return;
        }
        let planner = self.planner.get_or_insert_with(|| Planner::new(&self.city, at));
        for update in inputs {
            planner.note(&update.product, at);
        }
        if !planner.is_due(at) {
            return;
        }
        let (plans, state) = planner.decide(at);
        let give = |product| Update { tick, at, trigger: None, product: Arc::new(product) };
        out.extend(plans.into_iter().map(|plan| give(Product::Plan(plan))));
        // Nothing that a face waits for.
        out.push(give(Product::Guidance(state)));
    }
}

impl Logic for Plans {
    type In = Update;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        self.decide(tick, at, &[], out);
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Update], out: &mut Vec<Update>) {
        self.decide(tick, at, inputs, out);
    }
}
