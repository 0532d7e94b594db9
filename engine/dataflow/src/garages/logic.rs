//! From readings of the sections' devices to the state of garages.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Admitted, City, DeviceIx, GarageIx, GarageSite, GarageState, Meters, Product, Quality, SectionIx, Share,
    Tick, Timestamp, Trigger, Update,
};

use super::room::{Room, Seat, devices};
use super::unmoved::Stays;
use super::weighed::Seen;
use crate::shell::{Logic, Standing};
use crate::trust::trigger;

#[derive(Debug)]
struct Garage {
    garage: GarageIx,
    valid_for: Duration,
    site: GarageSite,
    rooms: Vec<Room>,
    /// Where it is to be known which bicycles do not move.
    stays: Option<Stays>,
    published: Option<GarageState>,
    /// Time alone changes nothing before.
    due: Option<Timestamp>,
    trigger: Option<Trigger>,
}

impl Garage {
    fn state_if_changed(&mut self, now: Timestamp) -> Option<GarageState> {
        let state = self.state(now);
        if self.published.as_ref() == Some(&state) {
            return None;
        }
        self.published = Some(state.clone());
        Some(state)
    }

    /// A garage that does not stand there: closed, without places, and its sensors are not missed.
    fn absent(&self) -> GarageState {
        GarageState {
            garage: self.garage,
            sections: self.rooms.iter().map(Room::absent).collect(),
            free: None,
            capacity: self.rooms.iter().map(Room::capacity).sum(),
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
            sensors: Share::default(),
            unmoved: None,
        }
    }

    fn state(&mut self, now: Timestamp) -> GarageState {
        let (stands, stands_until) = self.site.stands_at(now);
        if !stands {
            self.due = stands_until;
            return self.absent();
        }
        let valid_for = self.valid_for;
        let mut sections = Vec::with_capacity(self.rooms.len());
        let (mut sensors, mut due) = (Share::default(), stands_until);
        for room in &mut self.rooms {
            let Seen { state, share, due: next } = room.state(now, valid_for);
            sensors.reporting += share.reporting;
            sensors.total += share.total;
            due = due.into_iter().chain(next).min();
            sections.push(state);
        }
        let (unmoved, listed) = self.stays.as_mut().map(|stays| stays.state(now)).unzip();
        self.due = due.into_iter().chain(listed.flatten()).filter(|t| now < *t).min();
        let fresh = |s: &vlot_model::SectionState| s.free.filter(|_| s.quality <= Quality::Degraded);
        GarageState {
            garage: self.garage,
            free: sections.iter().map(fresh).sum(),
            capacity: sections.iter().map(|s| s.capacity).sum(),
            observed_at: sections.iter().filter_map(|s| s.observed_at).min(),
            valid_until: sections.iter().filter_map(|s| s.valid_until).min(),
            quality: sections.iter().map(|s| s.quality).max().unwrap_or(Quality::Missing),
            sensors,
            sections,
            unmoved,
        }
    }
}

/// Where a device's readings belong.
#[derive(Clone, Copy, Debug)]
struct Place {
    garage: GarageIx,
    room: usize,
    seat: Seat,
    /// Among the garage's watched places.
    stay: Option<usize>,
}

/// All garages of a worker.
pub(crate) struct Garages {
    seats: Vec<Option<Place>>,
    garages: Vec<Garage>,
    touched: Vec<GarageIx>,
    meters: Arc<Meters>,
}

impl Garages {
    pub(crate) fn new(city: &City, meters: &Arc<Meters>) -> Self {
        let devices = devices(city);
        let mut seats = vec![None; city.devices.len()];
        let mut garages = Vec::with_capacity(city.garages.len());
        for (i, garage) in city.garages.iter().enumerate() {
            let ix = GarageIx::from_position(i);
            let mut stays = garage.site.unmoved_after.map(Stays::new);
            let mut rooms = Vec::with_capacity(garage.sections.len());
            for section in &garage.sections {
                let (room, seated) = Room::new(*section, &devices[section.at()], city);
                for (device, seat) in seated {
                    let stay = match (seat, &mut stays) {
                        (Seat::Place(place), Some(stays)) => {
                            Some(watch(stays, *section, place, device, city))
                        }
                        _ => None,
                    };
                    seats[device.at()] = Some(Place { garage: ix, room: rooms.len(), seat, stay });
                }
                rooms.push(room);
            }
            garages.push(Garage {
                garage: ix,
                valid_for: garage.valid_for,
                site: garage.site,
                rooms,
                stays,
                published: None,
                // Whether it stands there is known without a word of any sensor.
                due: garage.site.stands.map(|_| Timestamp::EPOCH),
                trigger: None,
            });
        }
        Garages { seats, garages, touched: Vec::new(), meters: Arc::clone(meters) }
    }
}

fn watch(stays: &mut Stays, section: SectionIx, place: usize, device: DeviceIx, city: &City) -> usize {
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    stays.watch(section, place, city.devices[device.at()].silent_after)
}

impl Logic for Garages {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        for garage in self.garages.iter_mut().filter(|g| g.due.is_some_and(|due| due <= at)) {
            if let Some(state) = garage.state_if_changed(at) {
                out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Garage(state)) });
            }
        }
    }

    fn stand(&mut self, device: DeviceIx, standing: Standing) {
        let Some(&Some(place)) = self.seats.get(device.at()) else { return };
        let garage = &mut self.garages[place.garage.at()];
        garage.rooms[place.room].stand(place.seat, standing);
        if let (Some(stays), Some(stay)) = (&mut garage.stays, place.stay) {
            stays.stand(stay, standing);
        }
        self.touched.push(place.garage);
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        for input in inputs {
            let Some(&Some(place)) = self.seats.get(input.reading.device.at()) else { continue };
            let garage = &mut self.garages[place.garage.at()];
            garage.rooms[place.room].take(place.seat, &input.reading, at);
            if let (Some(stays), Some(stay)) = (&mut garage.stays, place.stay) {
                stays.take(stay, &input.reading, at);
            }
            if garage.trigger.replace(trigger(input)).is_none() {
                self.touched.push(place.garage);
            }
        }
        self.meters.readings_absorbed.add(inputs.len() as u64);
        for ix in self.touched.drain(..) {
            let garage = &mut self.garages[ix.at()];
            let trigger = garage.trigger.take();
            if let Some(state) = garage.state_if_changed(at) {
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Garage(state)) });
            }
        }
    }
}
