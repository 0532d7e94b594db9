//! The simulated city of a configuration: its devices, and who makes them speak.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::{Agenda, Fleet, Said};
use super::bay::Bay;
use super::calendar::Calendar;
use super::car_park::{CarPark, Setup};
use super::chance::Chance;
use super::counts::{BicycleCounter, Lane};
use super::demand::{CENTRE, EDGE, EVENING, STREET};
use super::guided::{DriverCounts, Drivers, Guided};
use super::roadside::{AirStation, Controller, Reader};
use super::section::{Devices, Section};
use super::traffic::Traffic;
use super::trouble::Trouble;
use super::vehicles::{Plates, Vehicle};
use crate::SimError;
use crate::layout::{self, Device, Facility, Layout};
use crate::time::{MINUTE, SECOND, round};
use crate::wire::{Address, DeviceKind};

/// Car parks that close at night.
const NIGHT_CLOSERS: usize = 2;
/// They are open between these local hours.
const OPEN_HOURS: (f64, f64) = (6.0, 23.5);
/// Vehicles of a followed fleet.
const FLEET: u64 = 60;

/// The city, a pure function of its configuration, its seed and its first instant.
pub(crate) struct Town {
    pub(crate) fleet: Fleet,
    agenda: Agenda,
    calendar: Calendar,
    guided: Option<Arc<Guided>>,
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
    traffic: Arc<Traffic>,
    guided: Option<Arc<Guided>>,
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
        drivers: &Drivers,
    ) -> Result<Town, SimError> {
        let calendar = Calendar::new(&layout.timezone)?;
        let mut builder = Builder {
            fleet: Fleet::default(),
            agenda: Agenda::new(),
            seed,
            begin,
            warm_up: warm_up.max(1),
            trouble,
            traffic: Traffic::new(layout.streets.clone(), seed),
            guided: Guided::new(drivers, layout),
        };
        builder.facilities(layout);
        builder.stations(layout);
        builder.garages(layout);
        builder.traffic(layout);
        Ok(Town { fleet: builder.fleet, agenda: builder.agenda, calendar, guided: builder.guided })
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

    /// What drivers made of signs.
    pub(crate) fn drivers(&self) -> DriverCounts {
        self.guided.as_ref().map(|guided| guided.counts()).unwrap_or_default()
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
        let mut car_park = CarPark::new(setup, self.chance(&facility.id));
        if let Some(guided) = &self.guided {
            let chance = self.chance(&format!("signs {}", facility.id));
            car_park = car_park.with_signs(Arc::clone(guided), chance);
        }
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
                    let street = self.street(station, i);
                    let lane = Lane::new(ix, i.is_multiple_of(2), free_speed, street, chance);
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
    /// The street that a station's device counts: the one that it names, or the nearest in its direction.
    fn street(&self, station: &layout::Station, order: usize) -> Option<(Arc<Traffic>, usize)> {
        let streets = &self.traffic.streets;
        let device = station.devices.get(order)?;
        let (place, road) = (station.place(), device.road.as_deref());
        let near = streets.nearest(place, device.heading_deg, road)?;
        if device.heading_deg.is_some() || station.devices.len() == 1 {
            return Some((Arc::clone(&self.traffic), near));
        }
        // Without a heading the first of two counts the direction with the smaller one.
        let heading = streets.on(near, 0.0).1;
        let both = [heading, (heading + 180.0).rem_euclid(360.0)];
        let smaller = both[0].min(both[1]);
        let wanted = if order == 0 { smaller } else { smaller + 180.0 };
        streets.nearest(place, Some(wanted), road).map(|link| (Arc::clone(&self.traffic), link))
    }

    /// What tells of traffic beside count stations. Without streets nothing drives.
    fn traffic(&mut self, layout: &Layout) {
        let told = &layout.traffic;
        let traffic = Arc::clone(&self.traffic);
        if !traffic.streets.links.is_empty() {
            for feed in &told.probe_feeds {
                let device = self.device(&feed.id, DeviceKind::ProbeFeed);
                for n in 0..FLEET {
                    let name = format!("{} {n}", feed.id);
                    let vehicle = Vehicle::new(device, n, Arc::clone(&traffic), self.chance(&name));
                    self.agenda.add(self.first(&name), Box::new(vehicle));
                }
            }
            self.plates(layout);
        }
        for controller in &told.controllers {
            let device = self.device(&controller.id, DeviceKind::SignalController);
            let every = often_enough(controller.holds(), 5 * MINUTE);
            let lights = Controller::new(device, every, self.chance(&controller.id));
            self.agenda.add(self.first(&controller.id), Box::new(lights));
        }
        for station in &told.air_stations {
            let device = self.device(&station.id, DeviceKind::AirStation);
            let link = traffic.streets.nearest(station.place(), None, None);
            let air = AirStation::new(device, Arc::clone(&traffic), link, self.chance(&station.id));
            self.agenda.add(self.first(&station.id), Box::new(air));
        }
    }

    fn plates(&mut self, layout: &Layout) {
        let told = &layout.traffic;
        let readers: BTreeMap<&str, (usize, Option<usize>)> = told
            .readers
            .iter()
            .map(|reader| {
                let junction = self.traffic.streets.junction(reader.place());
                let device = self.device(&reader.id, DeviceKind::Reader);
                let every = often_enough(reader.holds(), 5 * MINUTE);
                self.agenda.add(self.first(&reader.id), Box::new(Reader::new(device, every)));
                (reader.id.as_str(), (device, junction))
            })
            .collect();
        for pair in &told.pairs {
            let (Some((from, a)), Some((to, b))) =
                (readers.get(pair.from.as_str()), readers.get(pair.to.as_str()))
            else {
                continue;
            };
            let way = a.zip(*b).and_then(|(a, b)| self.traffic.streets.way(a, b)).unwrap_or_default();
            if !way.is_empty() {
                let chance = self.chance(&pair.id);
                let plates = Plates::new((*from, *to), way, Arc::clone(&self.traffic), chance);
                self.agenda.add(self.first(&pair.id), Box::new(plates));
            }
        }
    }

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
