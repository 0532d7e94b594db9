//! The newest word of each device, until it is stale.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Admitted, AirIx, AirQuantity, AirState, AirValue, City, ControllerIx, ControllerState, DeviceIx, Meters,
    Product, Quality, Reading, Role, SignalState, Tick, Timestamp, Trigger, Update, Value,
};

use crate::shell::Logic;
use crate::trust::{said_at, trigger};

/// What a device said last.
#[derive(Debug)]
enum Said {
    Signal {
        controller: ControllerIx,
        state: SignalState,
        plan: Option<u16>,
        at: Timestamp,
    },
    /// Newest of each quantity, and since when it ages.
    Air {
        station: AirIx,
        values: BTreeMap<AirQuantity, (AirValue, Timestamp)>,
    },
}

#[derive(Debug)]
struct Kept {
    said: Said,
    valid_for: Duration,
    /// When it grows older than it may be.
    due: Option<Timestamp>,
}

pub(crate) struct Roadside {
    city: Arc<City>,
    kept: BTreeMap<DeviceIx, Kept>,
    due: BTreeSet<(Timestamp, DeviceIx)>,
    meters: Arc<Meters>,
}

impl Roadside {
    pub(crate) fn new(city: &Arc<City>, meters: &Arc<Meters>) -> Self {
        let (kept, due) = (BTreeMap::new(), BTreeSet::new());
        Roadside { city: Arc::clone(city), kept, due, meters: Arc::clone(meters) }
    }

    fn entry(&mut self, device: DeviceIx) -> Option<&mut Kept> {
        let (said, valid_for) = match self.city.devices.get(device.at())?.role {
            Role::Controller { controller } => {
                let (state, plan, at) = (SignalState::Dark, None, Timestamp::from_micros(i64::MIN));
                let said = Said::Signal { controller, state, plan, at };
                (said, self.city.controllers.get(controller.at())?.valid_for)
            }
            Role::Air { station } => {
                let said = Said::Air { station, values: BTreeMap::new() };
                (said, self.city.air_stations.get(station.at())?.valid_for)
            }
            _ => return None,
        };
        Some(self.kept.entry(device).or_insert(Kept { said, valid_for, due: None }))
    }

    /// Whether it says something new.
    fn take(&mut self, reading: &Reading) -> Taken {
        let rules = self.city.health.rules.air;
        let Some(kept) = self.entry(reading.device) else { return Taken::Nothing };
        let now = said_at(reading);
        match (&mut kept.said, &reading.value) {
            (Said::Signal { state, plan, at, .. }, Value::Signal { state: new, plan: running }) => {
                if now < *at {
                    return Taken::Nothing;
                }
                (*state, *plan, *at) = (*new, *running, now);
                Taken::News
            }
            (Said::Air { values, .. }, &Value::Air { quantity, value }) => {
                if !crate::health::roadside::bounds(quantity, &rules).contains(&value) {
                    return Taken::Unusable;
                }
                if values.get(&quantity).is_some_and(|(_, before)| now < *before) {
                    return Taken::Nothing;
                }
                values.insert(quantity, (AirValue { quantity, value, observed_at: now }, now));
                Taken::News
            }
            (_, Value::Alive) => Taken::Nothing,
            _ => Taken::Unusable,
        }
    }

    /// The device's product now; notes when it will be another by time alone.
    fn product(&mut self, device: DeviceIx, now: Timestamp) -> Option<Product> {
        let kept = self.kept.get_mut(&device)?;
        let valid_for = kept.valid_for;
        let stale = |at: Timestamp| now >= at + valid_for;
        let (product, due) = match &kept.said {
            Said::Signal { controller, state, plan, at } => {
                let quality = if stale(*at) { Quality::Stale } else { Quality::Good };
                let product = Product::Controller(ControllerState {
                    controller: *controller,
                    state: *state,
                    plan: *plan,
                    observed_at: *at,
                    valid_until: *at + valid_for,
                    quality,
                });
                (product, (!stale(*at)).then_some(*at + valid_for))
            }
            Said::Air { station, values } => {
                let old = values.values().filter(|(_, at)| stale(*at)).count();
                let quality = match old {
                    0 => Quality::Good,
                    old if old == values.len() => Quality::Stale,
                    _ => Quality::Degraded,
                };
                let values_now = values.values().map(|(value, _)| *value).collect();
                let next = values.values().map(|(_, at)| *at + valid_for).filter(|due| *due > now).min();
                (Product::Air(AirState { station: *station, values: values_now, quality }), next)
            }
        };
        if let Some(before) = std::mem::replace(&mut kept.due, due) {
            self.due.remove(&(before, device));
        }
        if let Some(due) = due {
            self.due.insert((due, device));
        }
        Some(product)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    News,
    Nothing,
    Unusable,
}

impl Logic for Roadside {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        while let Some(&(due, device)) = self.due.first().filter(|(due, _)| *due <= at) {
            self.due.remove(&(due, device));
            let product = self.product(device, at);
            out.extend(product.map(|product| Update { tick, at, trigger: None, product: Arc::new(product) }));
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        let mut news: BTreeMap<DeviceIx, Trigger> = BTreeMap::new();
        let mut unusable = 0;
        for input in inputs {
            match self.take(&input.reading) {
                Taken::News => {
                    news.insert(input.reading.device, trigger(input));
                }
                Taken::Nothing => {}
                Taken::Unusable => unusable += 1,
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        self.meters.readings_unusable.add(unusable);
        for (device, trigger) in news {
            let product = self.product(device, at);
            let trigger = Some(trigger);
            out.extend(product.map(|product| Update { tick, at, trigger, product: Arc::new(product) }));
        }
    }
}
