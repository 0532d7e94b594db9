//! From a sign's reports to its state.

use std::sync::Arc;

use vlot_model::{
    Admitted, City, Meters, Product, Reading, Role, SignIx, SignState, Tick, Timestamp, Trigger, Update,
    Value,
};

use crate::shell::Logic;
use crate::trust::trigger;

#[derive(Debug)]
struct Sign {
    state: SignState,
    /// When the newest report of each kind reached us.
    shown_at: Option<Timestamp>,
    fault_at: Option<Timestamp>,
    link_at: Option<Timestamp>,
    published: Option<SignState>,
    trigger: Option<Trigger>,
}

impl Sign {
    /// Of each thing that a sign reports the one that reached us last holds, by our clock: a connection keeps the order
    /// of what is said over it, and a sign's own clock may be off against ours, which dates what a connection says
    /// by being opened.
    fn take(&mut self, reading: &Reading) {
        let at = Some(reading.received_at);
        let heard = match reading.value {
            Value::SignShown { face_version } => {
                if self.shown_at <= at {
                    self.shown_at = at;
                    self.state.displayed_at = Some(reading.observed_at);
                    self.state.displayed_version = Some(face_version);
                }
                true
            }
            Value::SignFault { fault } => {
                if self.fault_at <= at {
                    self.fault_at = at;
                    self.state.fault = Some(fault);
                }
                true
            }
            Value::SignLink { connected } => {
                if self.link_at <= at {
                    self.link_at = at;
                    self.state.connected = Some(connected);
                }
                // That a connection ended is our word, not the sign's.
                connected
            }
            _ => true,
        };
        if heard {
            self.state.heard_at = self.state.heard_at.max(at);
        }
    }
}

/// All signs of a worker.
pub(crate) struct Signs {
    of_device: Vec<Option<SignIx>>,
    signs: Vec<Sign>,
    touched: Vec<SignIx>,
    meters: Arc<Meters>,
}

impl Signs {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let sign = |i| Sign {
            state: SignState {
                sign: SignIx::from_position(i),
                connected: None,
                displayed_version: None,
                displayed_at: None,
                fault: None,
                heard_at: None,
            },
            shown_at: None,
            fault_at: None,
            link_at: None,
            published: None,
            trigger: None,
        };
        let of_device = |device: &vlot_model::Device| match device.role {
            Role::Sign { sign } => Some(sign),
            _ => None,
        };
        Signs {
            of_device: city.devices.iter().map(of_device).collect(),
            signs: (0..city.signs.len()).map(sign).collect(),
            touched: Vec::new(),
            meters: Arc::clone(meters),
        }
    }
}

impl Logic for Signs {
    type In = Admitted;

    /// A sign's state ages for its reader, who has `heard_at`; time changes nothing here.
    fn on_clock(&mut self, _: Tick, _: Timestamp, _: &mut Vec<Update>) {}

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        for input in inputs {
            let Some(&Some(ix)) = self.of_device.get(input.reading.device.at()) else { continue };
            let sign = &mut self.signs[ix.at()];
            sign.take(&input.reading);
            if sign.trigger.replace(trigger(input)).is_none() {
                self.touched.push(ix);
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        for ix in self.touched.drain(..) {
            let sign = &mut self.signs[ix.at()];
            let trigger = sign.trigger.take();
            if sign.published.as_ref() != Some(&sign.state) {
                sign.published = Some(sign.state.clone());
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Sign(sign.state.clone())) });
            }
        }
    }
}
