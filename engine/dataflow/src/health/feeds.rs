//! The health of what sees vehicles pass: feeds of followed vehicles, and pairs of readers.
//!
//! It is told, and nothing is withheld: what a link is told of vehicles is judged one by one ([`crate::links`]).

use std::sync::Arc;

use vlot_model::{Admitted, City, Device, Product, Role, Tick, Timestamp, Update};

use super::keeper::Keeper;
use crate::shell::{Logic, Part, per_tick};
use crate::{Clocks, Readings, Updates};

struct Feeds(Keeper);

impl Feeds {
    fn new(city: &Arc<City>, part: Part) -> Self {
        let mine = |device: &Device| matches!(device.role, Role::Probes | Role::Pair { .. });
        Feeds(Keeper::new(city, part, |device| u64::from(device.0), mine))
    }

    fn tell(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        self.0.changes(at, |changed| {
            out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Health(changed.health)) });
        });
    }
}

impl Logic for Feeds {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        self.0.on_clock(tick, at);
        self.tell(tick, at, out);
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        for input in inputs {
            let _told = self.0.judge(&input.reading, at);
        }
        self.tell(tick, at, out);
    }
}

/// The health of each feed and pair, whenever it changes.
pub(crate) fn feeds<'s>(of_links: Readings<'s>, clock: Clocks<'s>, city: &Arc<City>) -> Updates<'s> {
    let city = Arc::clone(city);
    let route = |input: &Admitted| u64::from(input.reading.device.0);
    per_tick("Health of feeds", of_links, clock, route, move |part| Feeds::new(&city, part))
}
