//! From readings of bays, barriers and counters to the state of facilities.

use std::sync::Arc;

use vlot_model::{Admitted, City, DeviceIx, FacilityIx, Meters, Product, Role, Tick, Timestamp, Update};

use super::lot::{Lot, Seat};
use crate::shell::{Logic, Standing};
use crate::trust::trigger;

const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// All facilities of a worker.
pub(crate) struct Parking {
    seats: Vec<Option<(FacilityIx, Seat)>>,
    lots: Vec<Lot>,
    /// When each is due, beside them: looking through 10,000 facilities every second must not touch each of them.
    due: Vec<Timestamp>,
    /// Facilities that readings of the tick under way have touched.
    touched: Vec<FacilityIx>,
    meters: Arc<Meters>,
}

impl Parking {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let mut members: Vec<Vec<DeviceIx>> = vec![Vec::new(); city.facilities.len()];
        let mut seats = Vec::with_capacity(city.devices.len());
        for (i, device) in city.devices.iter().enumerate() {
            seats.push(facility_of(device.role).map(|facility| match device.role {
                Role::Bay { bay, .. } => (facility, Seat::Bay(bay)),
                Role::Operator { .. } => (facility, Seat::Operator),
                _ => {
                    let members = &mut members[facility.at()];
                    members.push(DeviceIx::from_position(i));
                    (facility, Seat::Member(u32::try_from(members.len() - 1).unwrap_or(u32::MAX)))
                }
            }));
        }
        let lot = |(i, facility)| Lot::new(FacilityIx::from_position(i), facility, &members[i], city);
        Parking {
            seats,
            lots: city.facilities.iter().enumerate().map(lot).collect(),
            due: vec![NEVER; city.facilities.len()],
            touched: Vec::new(),
            meters: Arc::clone(meters),
        }
    }
}

/// The facility that a device watches.
pub(crate) fn facility_of(role: Role) -> Option<FacilityIx> {
    match role {
        Role::Bay { facility, .. }
        | Role::Barrier { facility }
        | Role::Counter { facility }
        | Role::Operator { facility } => Some(facility),
        Role::Lane { .. }
        | Role::Section { .. }
        | Role::Place { .. }
        | Role::Sign { .. }
        | Role::Probes
        | Role::Reader
        | Role::Pair { .. }
        | Role::Controller { .. }
        | Role::Air { .. }
        | Role::Apps { .. }
        | Role::Situations => None,
    }
}

impl Logic for Parking {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for (lot, due) in self.lots.iter_mut().zip(&mut self.due).filter(|(_, due)| **due <= at) {
            if let Some(state) = lot.state_if_changed(at) {
                out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Facility(state)) });
            }
            *due = lot.due().unwrap_or(NEVER);
        }
    }

    fn stand(&mut self, device: DeviceIx, standing: Standing) {
        let Some(&Some((facility, seat))) = self.seats.get(device.at()) else { return };
        self.lots[facility.at()].stand(seat, standing);
        self.touched.push(facility);
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        for input in inputs {
            let Some(&Some((facility, seat))) = self.seats.get(input.reading.device.at()) else { continue };
            let lot = &mut self.lots[facility.at()];
            lot.take(seat, &input.reading, at);
            if lot.trigger.replace(trigger(input)).is_none() {
                self.touched.push(facility);
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        for facility in self.touched.drain(..) {
            let lot = &mut self.lots[facility.at()];
            let trigger = lot.trigger.take();
            if let Some(state) = lot.state_if_changed(at) {
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Facility(state)) });
            }
            self.due[facility.at()] = lot.due().unwrap_or(NEVER);
        }
    }
}
