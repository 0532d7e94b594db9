//! How much faster than the clock the whole graph takes a large city's traffic on one worker.
//!
//! `cargo run --release -p vlot-dataflow --example links_rate [-- SECONDS [TRAVERSALS_PER_SECOND]]`: 40,000 links, 10,000 detectors that
//! each say one figure a second, and 100,000 traversals a second, which is every point of 100,000 a second ending a link. Links in
//! rows of 50 are corridors. Ticks of 10 ms, the clock once a second.
#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use timely::dataflow::InputHandle;
use vlot_dataflow::{build, collect};
use vlot_model::{
    Admitted, City, ClockTick, Corridor, CountMode, Device, DeviceIx, DeviceKind, Link, LinkId, LinkIx,
    LonLat, Meters, NodeIx, OnLink, Product, Reading, RoadClass, RoadNetwork, Role, Service, Station,
    StationIx, Tick, Timestamp, Value,
};

const LINKS: u32 = 40_000;
const DETECTORS: u32 = 10_000;
const TICKS_PER_SECOND: u32 = 100;
const START_S: i64 = 1_700_000_040;

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.replace('_', "").parse::<u32>());
    let seconds = args.next().and_then(Result::ok).unwrap_or(120);
    let traversals = args.next().and_then(Result::ok).unwrap_or(100_000);
    timely::execute_directly(move |worker| {
        let (city, meters) = (Arc::new(city()), Arc::new(Meters::default()));
        let (mut input, mut clock) = (InputHandle::new(), InputHandle::new());
        let states = Rc::new(Cell::new([0_u64; 3]));
        let seen = Rc::clone(&states);
        let probe = worker.dataflow::<Tick, _, _>(|scope| {
            let readings = input.to_stream(scope).container::<Vec<Admitted>>();
            let clock = clock.to_stream(scope).container::<Vec<ClockTick>>();
            collect(build(readings, clock, &city, &meters), move |_, updates| {
                let mut counts = seen.get();
                for update in updates {
                    match &*update.product {
                        Product::Link(_) => counts[0] += 1,
                        Product::Corridor(_) => counts[1] += 1,
                        _ => counts[2] += 1,
                    }
                }
                seen.set(counts);
            })
        });
        let mut load = Load { random: 0x9E37_79B9_7F4A_7C15, tick: 0 };
        let (mut took, mut worst, mut slowest_tick) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for second in 0..seconds {
            let mut of_second = Duration::ZERO;
            for part in 0..TICKS_PER_SECOND {
                let mut batch = load.batch(second, part, traversals);
                let started = Instant::now();
                let last = load.tick;
                if part == 0 {
                    clock.send_batch(&mut vec![ClockTick { tick: last - 1, at: at(second, 0) }]);
                }
                input.send_batch(&mut batch);
                input.advance_to(last + 1);
                clock.advance_to(last + 1);
                while probe.less_than(input.time()) {
                    worker.step();
                }
                let elapsed = started.elapsed();
                of_second += elapsed;
                slowest_tick = slowest_tick.max(elapsed);
            }
            took += of_second;
            worst = worst.max(of_second);
        }
        let all = f64::from(seconds) * f64::from(DETECTORS + traversals);
        let [links, corridors, others] = states.get();
        println!(
            "{seconds} s of {DETECTORS} detectors and {traversals} traversals a second: {:.2} s of one worker, {:.0} % of \
             the time; worst second {:.0} ms, worst tick {:.0} ms; {:.2} million readings/s; {links} states of links, \
             {corridors} of corridors, {others} other products, {} readings unusable",
            took.as_secs_f64(),
            100.0 * took.as_secs_f64() / f64::from(seconds),
            worst.as_secs_f64() * 1e3,
            slowest_tick.as_secs_f64() * 1e3,
            all / took.as_secs_f64() / 1e6,
            meters.readings_unusable.get(),
        );
    });
}

fn at(second: u32, part: u32) -> Timestamp {
    Timestamp::from_micros((START_S + i64::from(second)) * 1_000_000 + i64::from(part) * 10_000)
}

struct Load {
    random: u64,
    tick: Tick,
}

impl Load {
    fn random(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from(self.random >> 40).unwrap_or(0) % below
    }

    /// What arrives within ten milliseconds.
    fn batch(&mut self, second: u32, part: u32, traversals: u32) -> Vec<Admitted> {
        self.tick += 2;
        let (tick, now) = (self.tick, at(second, part));
        let mut readings = Vec::new();
        for detector in (part..DETECTORS).step_by(TICKS_PER_SECOND as usize) {
            let vehicles = self.random(3);
            let value = Value::Traffic {
                interval_s: 1,
                vehicles,
                speed_kmh: (vehicles > 0).then(|| 20.0 + self.random(40) as f32),
                detector_occupancy_pct: Some(self.random(30) as f32),
            };
            let observed_at = now - Duration::from_secs(1);
            readings.push(Reading {
                device: DeviceIx(detector),
                sequence: None,
                observed_at,
                received_at: now,
                value,
            });
        }
        for _ in 0..traversals / TICKS_PER_SECOND {
            // Traffic is on a tenth of the streets.
            let most = if self.random(2) == 0 { LINKS } else { LINKS / 10 };
            let (link, seconds) = (LinkId(u64::from(self.random(most))), 8.0 + self.random(20) as f32);
            let value = Value::Traversal { link, seconds, token: self.random(1 << 20) };
            let device = DeviceIx(DETECTORS);
            readings.push(Reading { device, sequence: None, observed_at: now, received_at: now, value });
        }
        (0..).zip(readings).map(|(index, reading)| Admitted { tick, at: now, index, reading }).collect()
    }
}

fn city() -> City {
    let mut city = City::default();
    let link = |i: u32| Link {
        id: LinkId(u64::from(i)),
        from: NodeIx(i),
        to: NodeIx(i + 1),
        points: 0..2,
        length_m: 120.0,
        class: RoadClass::Secondary,
        free_flow_kmh: 50.0,
        lanes: 1,
        name: 0,
        access: 0,
        opposite: None,
        roundabout: false,
    };
    city.network = Some(Arc::new(RoadNetwork {
        nodes: vec![LonLat::default(); LINKS as usize + 1],
        links: (0..LINKS).map(link).collect(),
        points: vec![LonLat::default(); 2],
        names: vec!["".into()],
        ..RoadNetwork::default()
    }));
    for row in 0..LINKS / 500 {
        let links = (row * 500..row * 500 + 50).map(LinkIx).collect();
        city.corridors.push(Corridor { id: format!("{row}").into(), name: String::new(), links });
    }
    for detector in 0..=DETECTORS {
        let station = StationIx(detector);
        let (kind, role) = if detector < DETECTORS {
            (DeviceKind::Loop, Role::Lane { station })
        } else {
            (DeviceKind::ProbeFeed, Role::Probes)
        };
        let id = format!("{detector}").into();
        let silent_after = Duration::from_secs(300);
        city.devices.push(Device { id, kind, role, silent_after, service: Service::default() });
        let place = OnLink { link: LinkIx(detector * 3), offset_m: 60.0, distance_m: 0.0 };
        city.placed.devices.push((detector < DETECTORS).then_some(place));
        if detector < DETECTORS {
            city.stations.push(Station {
                id: "".into(),
                name: String::new(),
                position: LonLat::default(),
                mode: CountMode::Motor,
                interval: Duration::from_secs(60),
                uptime_corrected: false,
                lateness: Duration::from_secs(30),
                devices: vec![DeviceIx(detector)],
            });
        }
    }
    city
}
