//! A scenario through the dataflow, second by second, and trips held against what the board says when they begin.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use timely::dataflow::InputHandle;
use timely::worker::Worker;
use vlot_dataflow::{build, collect};
use vlot_model::{
    Admitted, City, ClockTick, CountMode, Device, DeviceIx, DeviceKind, LinkIx, LinkState, LonLat, Meters,
    OnLink, Product, Quality, Reading, Role, Service, Station, StationIx, Tick, Timestamp, TrafficRules,
    Value,
};

use super::scenario::{Scenario, Trip};
use super::traversals::{self, Traversal};

/// What the engine hears of.
#[derive(Clone, Copy)]
pub(super) struct Sources {
    pub(super) loops: bool,
    pub(super) probes_pct: u32,
    pub(super) probes_min: u16,
}

/// How far off it was.
#[derive(Default)]
pub(super) struct Score {
    pub(super) trips: u32,
    off_s: f64,
    off_share: f64,
    bias_s: f64,
    length_m: f64,
    measured_m: f64,
    /// Means of links' true times over five minutes, and how many of them are in the interval.
    means: u32,
    inside: u32,
}

impl Score {
    pub(super) fn mae_s(&self) -> f64 {
        self.off_s / f64::from(self.trips)
    }

    pub(super) fn mape(&self) -> f64 {
        self.off_share / f64::from(self.trips)
    }

    pub(super) fn bias_s(&self) -> f64 {
        self.bias_s / f64::from(self.trips)
    }

    pub(super) fn measured(&self) -> f64 {
        self.measured_m / self.length_m
    }

    pub(super) fn inside(&self) -> Option<f64> {
        (self.means > 0).then(|| f64::from(self.inside) / f64::from(self.means))
    }
}

const START_S: i64 = 1_700_000_040;
/// Trips before are not measured: nothing can be known yet.
const WARM_UP_S: f64 = 600.0;
/// True means of links are taken over this, of at least so many vehicles.
const MEAN_S: i64 = 300;
const MEAN_OF: u32 = 5;

#[expect(clippy::cast_possible_truncation, reason = "a run of hours")]
fn after(seconds: f64) -> Timestamp {
    Timestamp::from_micros(START_S * 1_000_000 + (seconds * 1e6) as i64)
}

/// A link as the board has it.
#[derive(Clone, Copy)]
struct Shown {
    seconds: f64,
    low_s: f64,
    high_s: f64,
    measured: bool,
}

#[expect(clippy::cast_possible_truncation, reason = "metres of a link fit f32")]
fn city(scenario: &Scenario, sources: Sources) -> (City, Vec<DeviceIx>, DeviceIx) {
    let mut city = City { network: Some(Arc::new(scenario.network.clone())), ..City::default() };
    city.traffic = TrafficRules { probes_min: sources.probes_min, ..TrafficRules::default() };
    let mut devices = Vec::new();
    let add = |city: &mut City, kind, role| {
        city.devices.push(Device {
            id: format!("d{}", city.devices.len()).into(),
            kind,
            role,
            silent_after: Duration::from_secs(600),
            service: Service::default(),
        });
        city.placed.devices.push(None);
        DeviceIx::from_position(city.devices.len() - 1)
    };
    for detector in &scenario.detectors {
        let station = StationIx::from_position(city.stations.len());
        let device = add(&mut city, DeviceKind::Loop, Role::Lane { station });
        let edge = &scenario.edges[detector.edge];
        city.placed.devices[device.at()] = scenario.network.find(edge.link).map(|link| OnLink {
            link,
            offset_m: detector.offset_m as f32,
            distance_m: 0.0,
        });
        city.stations.push(Station {
            id: format!("s{}", station.0).into(),
            name: String::new(),
            position: LonLat::default(),
            mode: CountMode::Motor,
            interval: Duration::from_secs(60),
            uptime_corrected: false,
            lateness: Duration::from_secs(30),
            devices: vec![device],
        });
        devices.push(device);
    }
    let feed = add(&mut city, DeviceKind::ProbeFeed, Role::Probes);
    (city, devices, feed)
}

/// What is heard, by the second in which it arrives.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run of hours")]
fn script(
    scenario: &Scenario,
    sources: Sources,
    seed: u64,
    devices: &[DeviceIx],
    feed: DeviceIx,
) -> Vec<Vec<Reading>> {
    let mut script: Vec<Vec<Reading>> = Vec::new();
    let mut say = |known_s: f64, reading: Reading| {
        let second = known_s.max(0.0).ceil() as usize;
        if script.len() <= second {
            script.resize_with(second + 1, Vec::new);
        }
        script[second].push(reading);
    };
    if sources.loops {
        for count in &scenario.counts {
            let value = Value::Traffic {
                interval_s: (count.end_s - count.begin_s).round() as u16,
                vehicles: count.vehicles,
                speed_kmh: count.speed_kmh,
                detector_occupancy_pct: Some(count.occupancy_pct),
            };
            let (observed_at, received_at) = (after(count.begin_s), after(count.end_s));
            let device = devices[count.detector];
            say(count.end_s, Reading { device, sequence: None, observed_at, received_at, value });
        }
    }
    let followed: Vec<Traversal> =
        if sources.probes_pct > 0 { traversals::of(scenario, sources.probes_pct, seed) } else { Vec::new() };
    for t in followed {
        let value = Value::Traversal {
            link: scenario.edges[t.edge].link,
            seconds: t.seconds as f32,
            token: t.vehicle,
        };
        let (observed_at, received_at) = (after(t.left_s), after(t.known_s));
        say(t.known_s, Reading { device: feed, sequence: None, observed_at, received_at, value });
    }
    script
}

/// Plays one run and adds its trips to the score.
pub(super) fn run(scenario: &Arc<Scenario>, sources: Sources, seed: u64, score: &mut Score) {
    let scenario = Arc::clone(scenario);
    score.add(&timely::execute_directly(move |worker| play(worker, &scenario, sources, seed)));
}

fn play(worker: &mut Worker, scenario: &Scenario, sources: Sources, seed: u64) -> Score {
    let (city, devices, feed) = city(scenario, sources);
    let mut script = script(scenario, sources, seed, &devices, feed);
    let last = scenario.trips.last().map_or(0, |trip| whole(trip.depart_s));
    script.resize_with(script.len().max(usize::try_from(last).unwrap_or(0) + 2), Vec::new);
    let free = |link: &vlot_model::Link| f64::from(link.free_flow_s());
    let board: Vec<Shown> = (scenario.network.links.iter())
        .map(|link| Shown { seconds: free(link), low_s: 0.0, high_s: 0.0, measured: false })
        .collect();
    let board = Rc::new(RefCell::new(board));
    let links: Vec<LinkIx> =
        scenario.edges.iter().map(|edge| scenario.network.find(edge.link).unwrap_or_default()).collect();
    let truth = truth(scenario);
    let mut trips = scenario.trips.iter().filter(|trip| trip.depart_s >= WARM_UP_S).peekable();
    let mut found = Score::default();
    let (city, meters) = (Arc::new(city), Arc::new(Meters::default()));
    let (mut readings, mut clock) = (InputHandle::new(), InputHandle::new());
    let seen = Rc::clone(&board);
    let probe = worker.dataflow::<Tick, _, _>(|scope| {
        let readings = readings.to_stream(scope).container::<Vec<Admitted>>();
        let clock = clock.to_stream(scope).container::<Vec<ClockTick>>();
        let updates = build(readings, clock, &city, &meters);
        collect(updates, move |_, updates| {
            for update in updates {
                if let Product::Link(state) = &*update.product {
                    seen.borrow_mut()[state.link.at()] = shown(state);
                }
            }
        })
    });
    for (second, said) in (0_i64..).zip(script) {
        let (tick, at) = (Tick::try_from(second).unwrap_or(0) * 2 + 1, after(second as f64));
        let mut said: Vec<Admitted> =
            (0..).zip(said).map(|(index, reading)| Admitted { tick, at, index, reading }).collect();
        readings.send_batch(&mut said);
        clock.send_batch(&mut vec![ClockTick { tick: tick + 1, at }]);
        readings.advance_to(tick + 2);
        clock.advance_to(tick + 2);
        while probe.less_than(readings.time()) {
            worker.step();
        }
        let board = board.borrow();
        while let Some(trip) = trips.next_if(|trip| whole(trip.depart_s) <= second) {
            found.trip(trip, &board, &links, scenario);
        }
        if second % MEAN_S == 0 && second as f64 >= WARM_UP_S {
            for (edge, mean) in truth.get(&(second / MEAN_S)).into_iter().flatten() {
                found.mean(*mean, board[links[*edge].at()]);
            }
        }
    }
    found
}

fn shown(state: &LinkState) -> Shown {
    let length = f64::from(state.travel_time_s) * f64::from(state.speed_kmh);
    Shown {
        seconds: f64::from(state.travel_time_s),
        low_s: length / f64::from(state.speed_high_kmh),
        high_s: length / f64::from(state.speed_low_kmh),
        measured: state.quality != Quality::Missing,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a run of hours")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

/// Mean times of links over each five minutes, by the instant in their middle, of those with enough vehicles.
fn truth(scenario: &Scenario) -> std::collections::BTreeMap<i64, Vec<(usize, f64)>> {
    let mut sums: std::collections::BTreeMap<(i64, usize), (u32, f64)> = Default::default();
    for trip in &scenario.trips {
        for (i, exits) in trip.exits_s.windows(2).enumerate() {
            let Some((edge, _)) = trip.way.get(i + 1).filter(|(_, share)| *share >= 1.0) else { continue };
            let middle = (whole(exits[1]) + MEAN_S / 2).div_euclid(MEAN_S);
            let sum = sums.entry((middle, *edge)).or_default();
            *sum = (sum.0 + 1, sum.1 + exits[1] - exits[0]);
        }
    }
    let mut means: std::collections::BTreeMap<i64, Vec<(usize, f64)>> = Default::default();
    for ((middle, edge), (n, sum)) in sums {
        if n >= MEAN_OF {
            means.entry(middle).or_default().push((edge, sum / f64::from(n)));
        }
    }
    means
}

impl Score {
    fn trip(&mut self, trip: &Trip, board: &[Shown], links: &[LinkIx], scenario: &Scenario) {
        let mut said = 0.0;
        for (edge, share) in &trip.way {
            let shown = board[links[*edge].at()];
            said += shown.seconds * share;
            let length = scenario.edges[*edge].length_m * share;
            self.length_m += length;
            self.measured_m += if shown.measured { length } else { 0.0 };
        }
        let off = said - trip.duration_s;
        self.trips += 1;
        self.off_s += off.abs();
        self.bias_s += off;
        self.off_share += off.abs() / trip.duration_s.max(1.0);
    }

    fn mean(&mut self, mean_s: f64, shown: Shown) {
        if shown.measured {
            self.means += 1;
            self.inside += u32::from((shown.low_s..=shown.high_s).contains(&mean_s));
        }
    }

    fn add(&mut self, other: &Score) {
        self.trips += other.trips;
        self.off_s += other.off_s;
        self.off_share += other.off_share;
        self.bias_s += other.bias_s;
        self.length_m += other.length_m;
        self.measured_m += other.measured_m;
        self.means += other.means;
        self.inside += other.inside;
    }
}
