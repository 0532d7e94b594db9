//! An operator whose readings are judged first.

use std::sync::Arc;

use vlot_model::{Admitted, Meters, Product, Tick, Timestamp, Update};

use super::keeper::{Keeper, Verdict};
use crate::shell::Logic;

/// An operator and the health of its devices.
///
/// What the keeper withholds the operator never sees; what it concludes of a device the operator is told before the
/// readings of the same tick ([`Logic::stand`]).
pub(crate) struct Judged<L> {
    inner: L,
    keeper: Keeper,
    /// The readings of a tick of which some were withheld.
    passed: Vec<Admitted>,
    meters: Arc<Meters>,
}

impl<L: Logic<In = Admitted>> Judged<L> {
    pub(crate) fn new(inner: L, keeper: Keeper, meters: &Arc<Meters>) -> Self {
        Judged { inner, keeper, passed: Vec::new(), meters: Arc::clone(meters) }
    }

    /// Tells the operator and the board of what has changed; whether anything has.
    fn tell(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) -> bool {
        let before = out.len();
        let inner = &mut self.inner;
        self.keeper.changes(at, |changed| {
            inner.stand(changed.health.device, changed.standing);
            let product = Arc::new(Product::Health(changed.health));
            out.push(Update { tick, at, trigger: None, product });
        });
        out.len() > before
    }
}

impl<L: Logic<In = Admitted>> Logic for Judged<L> {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        self.keeper.on_clock(tick, at);
        let changed = self.tell(tick, at, out);
        self.inner.on_clock(tick, at, out);
        if changed {
            self.inner.on_tick(tick, at, &[], out);
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        // Nearly always all of them pass: nothing is copied until one does not.
        let mut withheld = 0;
        for (i, input) in inputs.iter().enumerate() {
            match self.keeper.judge(&input.reading, at) {
                Verdict::Pass if withheld > 0 => self.passed.push(input.clone()),
                Verdict::Pass => {}
                Verdict::Withhold => {
                    if withheld == 0 {
                        self.passed.clear();
                        self.passed.extend_from_slice(inputs.get(..i).unwrap_or_default());
                    }
                    withheld += 1;
                }
            }
        }
        let changed = self.tell(tick, at, out);
        if withheld == 0 {
            self.inner.on_tick(tick, at, inputs, out);
        } else {
            self.meters.readings_absorbed.add(withheld);
            if changed || !self.passed.is_empty() {
                self.inner.on_tick(tick, at, &self.passed, out);
            }
        }
    }
}
