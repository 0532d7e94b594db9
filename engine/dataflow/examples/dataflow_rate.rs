//! How many readings a second the whole graph takes on one worker, beside a bare keyed count in the same run.
//!
//! `cargo run --release -p vlot-dataflow --example dataflow_rate [-- READINGS [PER_TICK]]`: 10,000 devices of all
//! kinds, each heard once a minute of engine time in a mixed order, 1,024 readings a tick, a clock tick a second. What they say
//! is what such devices say: bays change a few times an hour, figures move by a few, so that no rule of health withholds it.
#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::{Probe, probe};
use timely::worker::Worker;
use vlot_dataflow::{Clocks, Readings, build, collect};
use vlot_model::{
    Admitted, Bay, City, ClockTick, CountMode, Counting, Device, DeviceIx, DeviceKind, Direction, Facility,
    FacilityIx, FacilityKind, Garage, GarageIx, HealthState, LonLat, Meters, Product, RackKind, Reading,
    Role, Section, SectionIx, Station, StationIx, Tick, Timestamp, UserGroup, Value,
};

const DEVICES: u32 = 10_000;
const ROUNDS: usize = 20;
const MINUTE_US: i64 = 60_000_000;

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.replace('_', "").parse::<usize>());
    let readings = args.next().and_then(Result::ok).unwrap_or(10_000_000);
    let per_tick = args.next().and_then(Result::ok).unwrap_or(1_024).max(1);
    timely::execute_directly(move |worker| {
        let (floor, best) = rate(worker, readings, per_tick, 1, |readings, _| bare_count(readings));
        println!("bare keyed count            {floor:>6.2} million readings/s (best round {best:.2})");
        for group in [1, 16] {
            let (city, meters) = (Arc::new(city()), Arc::new(Meters::default()));
            let updates = Rc::new(Cell::new(0));
            let seen = Rc::clone(&updates);
            let ill = Rc::new(Cell::new(0));
            let found_ill = Rc::clone(&ill);
            let (rate, best) = rate(worker, readings, per_tick, group, |readings, clock| {
                let products = build(readings, clock, &city, &meters);
                collect(products, move |_, products| {
                    seen.set(seen.get() + products.len() as u64);
                    let failed = products.filter(|update| {
                        matches!(&*update.product, Product::Health(health) if health.health == HealthState::Failed)
                    });
                    found_ill.set(found_ill.get() + failed.count() as u64);
                })
            });
            assert!(ill.get() < u64::from(DEVICES) / 100, "{} devices were found ill", ill.get());
            let (absorbed, unusable) = (meters.readings_absorbed.get(), meters.readings_unusable.get());
            println!(
                "whole graph, {group:>2} ticks a time {rate:>6.2} million readings/s (best round {best:.2}), \
                 {:.2} of bare; {absorbed} absorbed, {unusable} unusable, {} updates",
                rate / floor,
                updates.get(),
            );
        }
    });
}

fn bare_count(readings: Readings<'_>) -> probe::Handle<Tick> {
    let mut counts = vec![0_u32; DEVICES as usize];
    let by_device = Exchange::new(|r: &Admitted| u64::from(r.reading.device.0));
    let counted =
        readings.unary::<CapacityContainerBuilder<Vec<u32>>, _, _, _>(by_device, "Count", |_, _| {
            move |input, output| {
                input.for_each_stamp(|cap, containers| {
                    let mut newest = 0;
                    for r in containers.flat_map(|c| c.drain(..)) {
                        counts[r.reading.device.at()] += 1;
                        newest = counts[r.reading.device.at()];
                    }
                    output.session(&cap).give(newest);
                });
            }
        });
    counted.probe().0
}

/// Millions of readings a second through a graph, `group` ticks to a timely time: all of it, and the best of its
/// rounds, which is nearer to what an idle machine does. Making the load is not timed.
fn rate(
    worker: &mut Worker,
    readings: usize,
    per_tick: usize,
    group: usize,
    graph: impl FnOnce(Readings<'_>, Clocks<'_>) -> probe::Handle<Tick>,
) -> (f64, f64) {
    let (mut input, mut clock) = (InputHandle::new(), InputHandle::new());
    let probe = worker.dataflow::<Tick, _, _>(|scope| {
        graph(
            input.to_stream(scope).container::<Vec<Admitted>>(),
            clock.to_stream(scope).container::<Vec<ClockTick>>(),
        )
    });
    let mut load = Load::new();
    let (mut took, mut count, mut best) = (Duration::ZERO, 0, 0.0_f64);
    for _ in 0..ROUNDS {
        let mut ticks = load.ticks(readings / ROUNDS, per_tick);
        let of_round = ticks.iter().map(|(_, _, readings)| readings.len()).sum::<usize>();
        let started = Instant::now();
        for batch in ticks.chunks_mut(group) {
            let mut last = 0;
            for (tick, clocks, readings) in batch {
                last = *tick;
                clock.send_batch(clocks);
                input.send_batch(readings);
            }
            input.advance_to(last + 1);
            clock.advance_to(last + 1);
            worker.step();
        }
        while probe.less_than(input.time()) {
            worker.step();
        }
        let elapsed = started.elapsed();
        best = best.max(of_round as f64 / elapsed.as_secs_f64() / 1e6);
        took += elapsed;
        count += of_round;
    }
    (count as f64 / took.as_secs_f64() / 1e6, best)
}

/// A tick, the clock ticks before it, and its readings.
type Batch = (Tick, Vec<ClockTick>, Vec<Admitted>);

/// A seeded city-wide stream: every device once a minute, in an order that mixes all kinds.
struct Load {
    city: City,
    tick: Tick,
    sent: i64,
    random: u64,
    /// By device: what it said last.
    levels: Vec<u32>,
}

impl Load {
    fn new() -> Self {
        let city = city();
        let levels = vec![100; city.devices.len()];
        Load { city, tick: 0, sent: 0, random: 0x9E37_79B9_7F4A_7C15, levels }
    }

    fn random(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from(self.random >> 40).unwrap_or(0) % below
    }

    /// What a device counts, up or down by three at most, within 10..=190.
    fn walk(&mut self, ix: u32) -> u32 {
        let step = self.random(7);
        let level = &mut self.levels[ix as usize];
        *level = (*level + step).saturating_sub(3).clamp(10, 190);
        *level
    }

    /// A bay changes three times an hour.
    fn bay(&mut self, ix: u32) -> bool {
        let changes = self.random(20) == 0;
        let level = &mut self.levels[ix as usize];
        *level ^= u32::from(changes);
        level.is_multiple_of(2)
    }

    fn ticks(&mut self, readings: usize, per_tick: usize) -> Vec<Batch> {
        (0..readings.div_ceil(per_tick)).map(|_| self.next_tick(per_tick)).collect()
    }

    fn next_tick(&mut self, per_tick: usize) -> Batch {
        let now = |sent: i64| sent * MINUTE_US / i64::from(DEVICES);
        let seconds = now(self.sent) / 1_000_000 + 1..=now(self.sent + per_tick as i64) / 1_000_000;
        let clocks = seconds
            .map(|s| {
                self.tick += 1;
                ClockTick { tick: self.tick, at: Timestamp::from_secs(s) }
            })
            .collect();
        self.tick += 1;
        let at = Timestamp::from_micros(now(self.sent + per_tick as i64));
        let readings = (0..u32::try_from(per_tick).unwrap_or(u32::MAX))
            .map(|index| Admitted { tick: self.tick, at, index, reading: self.reading(at) })
            .collect();
        (self.tick, clocks, readings)
    }

    fn reading(&mut self, at: Timestamp) -> Reading {
        let round = self.sent / i64::from(DEVICES);
        // A step that shares no factor with the number of devices visits each once a round.
        let ix = u32::try_from(self.sent * 3_779 % i64::from(DEVICES)).unwrap_or(0);
        self.sent += 1;
        let mut observed_at = at;
        let value = match self.city.devices[ix as usize].kind {
            DeviceKind::Barrier => Value::Passage {
                direction: if self.random(2) == 0 { Direction::In } else { Direction::Out },
                vehicles: 1,
            },
            DeviceKind::Counter => Value::Occupied { spaces: 200 + self.walk(ix) },
            DeviceKind::Loop => {
                observed_at = Timestamp::from_micros((round - 1) * MINUTE_US);
                let vehicles = self.random(40);
                Value::Traffic {
                    interval_s: 60,
                    vehicles,
                    speed_kmh: (vehicles > 0).then_some(47.5),
                    detector_occupancy_pct: Some(12.0),
                }
            }
            DeviceKind::BicycleCounter => {
                observed_at = Timestamp::from_micros((round - 1) * MINUTE_US);
                Value::Bicycles {
                    interval_s: 60,
                    inbound: Some(self.random(30)),
                    outbound: Some(self.random(30)),
                }
            }
            DeviceKind::SectionSensor => Value::Places { free: self.walk(ix) },
            _ => Value::Bay { occupied: self.bay(ix) },
        };
        let sequence = u32::try_from(round).ok();
        Reading { device: DeviceIx(ix), sequence, observed_at, received_at: at, value }
    }
}

/// 60 zones of 100 bays, 100 car parks of 4 barriers and a counter, 125 garages of 4 sections, 600 count stations of
/// 4 lanes, 300 of 2 bicycle counters.
fn city() -> City {
    let mut city = City::default();
    for zone in 0..60 {
        let bays = (0..100).map(|bay| {
            let role = Role::Bay { facility: FacilityIx(zone), bay };
            let device = add_device(&mut city.devices, DeviceKind::Bay, role);
            Bay { id: format!("{bay}").into(), bay_use: UserGroup::Everyone, device }
        });
        let bays = bays.collect();
        city.facilities.push(facility(100, Counting::Bays, bays));
    }
    for car_park in 60..160 {
        let facility_ix = FacilityIx(car_park);
        for _ in 0..4 {
            add_device(&mut city.devices, DeviceKind::Barrier, Role::Barrier { facility: facility_ix });
        }
        add_device(&mut city.devices, DeviceKind::Counter, Role::Counter { facility: facility_ix });
        city.facilities.push(facility(500, Counting::Barriers, Vec::new()));
    }
    for garage in 0..125 {
        let sections = (0..4).map(|_| {
            let section = SectionIx::from_position(city.sections.len());
            add_device(&mut city.devices, DeviceKind::SectionSensor, Role::Section { section });
            city.sections.push(Section {
                id: "".into(),
                name: String::new(),
                garage: GarageIx(garage),
                capacity: 200,
                rack: RackKind::TwoTier,
                level: 0,
                full_at: 5,
                reopen_at: 10,
                sources: vlot_model::SectionSources::default(),
            });
            section
        });
        let sections = sections.collect();
        let (id, name, valid_for) = ("".into(), String::new(), Duration::from_secs(600));
        city.garages.push(Garage {
            id,
            name,
            position: LonLat::default(),
            sections,
            valid_for,
            site: vlot_model::GarageSite::default(),
        });
    }
    for (stations, lanes, mode, kind) in [
        (600, 4, CountMode::Motor, DeviceKind::Loop),
        (300, 2, CountMode::Bicycle, DeviceKind::BicycleCounter),
    ] {
        for _ in 0..stations {
            let station = StationIx::from_position(city.stations.len());
            let devices = (0..lanes).map(|_| add_device(&mut city.devices, kind, Role::Lane { station }));
            let devices = devices.collect();
            city.stations.push(Station {
                id: "".into(),
                name: String::new(),
                position: LonLat::default(),
                mode,
                interval: Duration::from_secs(60),
                lateness: Duration::from_secs(90),
                uptime_corrected: false,
                devices,
            });
        }
    }
    assert_eq!(city.devices.len(), DEVICES as usize);
    city
}

fn add_device(devices: &mut Vec<Device>, kind: DeviceKind, role: Role) -> DeviceIx {
    devices.push(Device {
        id: "".into(),
        kind,
        role,
        silent_after: Duration::from_secs(300),
        service: vlot_model::Service::default(),
    });
    DeviceIx::from_position(devices.len() - 1)
}

fn facility(capacity: u32, counting: Counting, bays: Vec<Bay>) -> Facility {
    Facility {
        id: "".into(),
        name: String::new(),
        kind: FacilityKind::OffStreet,
        position: LonLat::default(),
        capacity,
        counting,
        bays,
        valid_for: Duration::from_secs(600),
        min_share: 0.8,
        full_at: 5,
        reopen_at: 10,
        estimate: vlot_model::Reliability::of(capacity),
        site: vlot_model::Site::default(),
    }
}
