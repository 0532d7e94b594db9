//! The simulated city of a configuration: its devices, and who makes them speak.

use std::collections::BTreeMap;

use super::actor::{Agenda, Fleet, Said};
use super::bay::Bay;
use super::calendar::Calendar;
use super::car_park::{CarPark, Setup};
use super::chance::Chance;
use super::counts::{BicycleCounter, Lane};
use super::demand::{CENTRE, EDGE, EVENING, STREET};
use super::section::{Devices, Section};
use super::trouble::Trouble;
use crate::SimError;
use crate::layout::{self, Device, Facility, Layout};
use crate::time::{MINUTE, SECOND, round};
use crate::wire::{Address, DeviceKind};

/// Car parks that close at night.
const NIGHT_CLOSERS: usize = 2;
/// They are open between these local hours.
const OPEN_HOURS: (f64, f64) = (6.0, 23.5);

/// The city, a pure function of its configuration, its seed and its first instant.
pub(crate) struct Town {
    pub(crate) fleet: Fleet,
    agenda: Agenda,
    calendar: Calendar,
}

/// Builds a town.
struct Builder {
    fleet: Fleet,
    agenda: Agenda,
    seed: u64,
    begin: i64,
    /// Everything speaks for the first time within this span.
    warm_up: i64,
    trouble: Trouble,
}

impl Town {
    /// The city of that layout; from `begin` on it speaks, all of it for the first time within `warm_up` microseconds
    /// (interval counters: at the end of their first interval).
    pub(crate) fn new(
        layout: &Layout,
        seed: u64,
        begin: i64,
        warm_up: i64,
        trouble: Trouble,
    ) -> Result<Town, SimError> {
        let calendar = Calendar::new(&layout.timezone)?;
        let mut builder = Builder {
            fleet: Fleet::default(),
            agenda: Agenda::new(),
            seed,
            begin,
            warm_up: warm_up.max(1),
            trouble,
        };
        builder.facilities(layout);
        builder.stations(layout);
        builder.garages(layout);
        Ok(Town { fleet: builder.fleet, agenda: builder.agenda, calendar })
    }

    /// When somebody speaks next; `None` in a city without devices.
    pub(crate) fn next_at(&self) -> Option<i64> {
        self.agenda.next_at()
    }

    /// Lets the next one act; what is said is added to `said`.
    pub(crate) fn step(&mut self, said: &mut Vec<Said>) -> Option<i64> {
        self.agenda.step(&self.calendar, said)
    }

    /// Spaces and places taken, by the id of a facility or "garage/section".
    pub(crate) fn truth(&self) -> BTreeMap<String, u32> {
        self.agenda.truth()
    }
}

impl Builder {
    fn device(&mut self, id: &str, kind: DeviceKind) -> usize {
        self.fleet.add(Address { device: id.to_owned(), eui: String::new(), kind })
    }

    fn chance(&self, name: &str) -> Chance {
        Chance::new(self.seed, name)
    }

    /// A first instant of its own for each, so that a start is no burst.
    fn first(&self, name: &str) -> i64 {
        self.begin + round(Chance::new(self.seed, &format!("first {name}")).unit() * self.warm_up as f64)
    }

    fn facilities(&mut self, layout: &Layout) {
        let mut off_street = 0;
        for facility in &layout.facilities {
            for bay in &facility.bays {
                let device = self.fleet.add(Address {
                    device: bay.device.clone(),
                    eui: bay.eui.clone(),
                    kind: bay.kind,
                });
                let chance = self.chance(&bay.device);
                let first = self.first(&bay.device);
                let bay = Bay::new(device, facility.id.clone(), &bay.bay_use, bay.silent_after, chance);
                self.agenda.add(first, self.trouble.at_bay(&facility.id, Box::new(bay)));
            }
            if !facility.devices.is_empty() {
                self.car_park(facility, off_street);
                off_street += usize::from(facility.kind == "off-street");
            }
        }
    }

    /// `order` is its position among the off-street car parks: every third is one for the evening, two close at night.
    fn car_park(&mut self, facility: &Facility, order: usize) {
        let mut barriers = Vec::new();
        let mut counter = None;
        for device in &facility.devices {
            if device.kind == "counter" {
                counter = Some(self.device(&device.id, DeviceKind::Counter));
            } else {
                barriers.push(self.device(&device.id, DeviceKind::Barrier));
            }
        }
        let Some(counter) = counter.or_else(|| barriers.first().copied()) else { return };
        let (habit, mean_stay_s) = match facility.kind.as_str() {
            "edge" => (EDGE, 6.0 * 3600.0),
            "on-street" => (STREET, 1.2 * 3600.0),
            _ if order.is_multiple_of(3) => (EVENING, 2.4 * 3600.0),
            _ => (CENTRE, 2.6 * 3600.0),
        };
        let closes = facility.kind == "off-street" && (1..=NIGHT_CLOSERS).contains(&order);
        let silent_after = facility.devices.iter().filter_map(Device::silent_after).min();
        let setup = Setup {
            id: facility.id.clone(),
            capacity: facility.capacity,
            habit,
            mean_stay_s,
            barriers,
            counter,
            hours: closes.then_some(OPEN_HOURS),
            totals_every: often_enough(silent_after, 5 * MINUTE),
        };
        let first = self.first(&facility.id);
        let car_park = CarPark::new(setup, self.chance(&facility.id));
        let car_park = self.trouble.at_barriers(&facility.id, Box::new(car_park), self.seed);
        self.agenda.add(first, car_park);
    }

    fn stations(&mut self, layout: &Layout) {
        for station in &layout.stations {
            let free_speed = [32.0, 48.0, 52.0, 70.0][self.chance(&station.id).pick(4)];
            for (i, device) in station.devices.iter().enumerate() {
                let chance = self.chance(&device.id);
                if station.mode == "bicycle" || device.kind == "bicycle-counter" {
                    let ix = self.device(&device.id, DeviceKind::BicycleCounter);
                    // One counter in three reports every five minutes.
                    let interval = if ix.is_multiple_of(3) { 5 * MINUTE } else { 15 * MINUTE };
                    self.agenda.add(self.begin, Box::new(BicycleCounter::new(ix, interval, chance)));
                } else {
                    let ix = self.device(&device.id, DeviceKind::Loop);
                    let lane = Lane::new(ix, i.is_multiple_of(2), free_speed, chance);
                    self.agenda.add(self.begin, Box::new(lane));
                }
            }
        }
    }

    fn garages(&mut self, layout: &Layout) {
        for garage in &layout.garages {
            for (order, section) in garage.sections.iter().enumerate() {
                let id = format!("{}/{}", garage.id, section.id);
                self.places(&id, section);
                let devices = self.section_devices(section);
                if devices.is_empty() {
                    continue;
                }
                // A stream of chance of its own, by what it is called first.
                let name = section.called();
                let (chance, first) = (self.chance(name), self.first(name));
                let section = Section::new(id, devices, section.capacity, order, chance);
                self.agenda.add(first, Box::new(section));
            }
        }
    }
}

impl Builder {
    /// Single places with sensors, which are used as bays are.
    fn places(&mut self, id: &str, section: &layout::Section) {
        for place in &section.places {
            let (device, eui, kind) = (place.device.clone(), place.eui.clone(), place.kind());
            let device = self.fleet.add(Address { device, eui, kind });
            let (chance, first) = (self.chance(&place.device), self.first(&place.device));
            let bay = Bay::new(device, id.to_owned(), "place", place.silent_after(), chance);
            self.agenda.add(first, Box::new(bay));
        }
    }

    fn section_devices(&mut self, section: &layout::Section) -> Devices {
        let every = |silent_after| often_enough(silent_after, 5 * MINUTE);
        let sensor =
            (!section.device.is_empty()).then(|| self.device(&section.device, DeviceKind::SectionSensor));
        let gates: Vec<usize> =
            section.gates.iter().map(|d| self.device(&d.id, DeviceKind::Barrier)).collect();
        let camera = |c: &layout::Camera| (self.device(&c.id, DeviceKind::Camera), c.sd);
        let cameras: Vec<(usize, f64)> = section.cameras.iter().map(camera).collect();
        let others = section.gates.iter().map(Device::silent_after);
        let others = others.chain(section.cameras.iter().map(layout::Camera::silent_after)).flatten().min();
        Devices { sensor, gates, cameras, sensor_every: every(section.silent_after()), every: every(others) }
    }
}

/// How often a device speaks, so that two lost messages do not make it count as silent; `usual` at most.
fn often_enough(silent_after: Option<i64>, usual: i64) -> i64 {
    silent_after.map_or(usual, |silent_after| (silent_after * 3 / 10).clamp(SECOND, usual))
}
