//! The graph as a whole: how ticks are grouped, and on how many workers they run, never shows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use timely::dataflow::InputHandle;
use timely::dataflow::operators::{Input, probe};
use timely::worker::Worker;
use vlot_model::{
    Admitted, AirQuantity, City, ClockTick, CountMode, Counting, DeviceKind, Direction, Meters, Role,
    SignFault, SignalState, Tick, Timestamp, Update, Value,
};

use crate::shell::{Logic, Part, Stamped, per_tick};
use crate::testing::{Builder, Step, arrivals, inputs, sent};
use crate::testing_roads::roads;
use crate::{build, collect};

/// One call of the sink.
type Call = (Tick, Vec<Update>);

/// How a script is fed.
#[derive(Clone, Debug)]
struct Feed {
    workers: usize,
    /// Ticks to a timely time, taken in turn.
    groups: Vec<usize>,
    /// Steps of the worker after each time, taken in turn.
    steps: Vec<usize>,
    /// Which worker gets a reading.
    scatter: u64,
}

const PLAIN: fn() -> Feed = || Feed { workers: 1, groups: vec![1], steps: vec![1], scatter: 1 };

fn feed() -> impl Strategy<Value = Feed> {
    let groups = prop::collection::vec(prop_oneof![Just(1_usize), 1_usize..40], 1..6);
    (1_usize..4, groups, prop::collection::vec(0_usize..4, 1..6), 1_u64..1_000)
        .prop_map(|(workers, groups, steps, scatter)| Feed { workers, groups, steps, scatter })
}

/// The part of a script that one worker feeds between two timely times.
struct Batch {
    clocks: Vec<ClockTick>,
    readings: Vec<Admitted>,
    last: Tick,
}

fn batches(script: &[Step], feed: &Feed, worker: usize) -> Vec<Batch> {
    let (clocks, readings) = inputs(script);
    let (mut first, mut out) = (1, Vec::new());
    for size in feed.groups.iter().cycle() {
        let last = (first + *size as Tick - 1).min(script.len() as Tick);
        let here = |tick: Tick| (first..=last).contains(&tick);
        let mine = |r: &&Admitted| {
            here(r.tick)
                && (r.tick * 31 + u64::from(r.index)) * feed.scatter % 7 % feed.workers as u64
                    == worker as u64
        };
        let mut readings: Vec<Admitted> = readings.iter().filter(mine).cloned().collect();
        if feed.scatter.is_multiple_of(3) {
            readings.reverse();
        }
        out.push(Batch { clocks: clocks.iter().filter(|c| here(c.tick)).copied().collect(), readings, last });
        first = last + 1;
        if first > script.len() as Tick {
            return out;
        }
    }
    out
}

/// Tells the other workers that one has failed: they would wait for it for ever.
struct Failed(Arc<AtomicBool>);

impl Drop for Failed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

fn run(city: &Arc<City>, script: &[Step], feed: &Feed) -> (Vec<Call>, Arc<Meters>) {
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let meters = Arc::new(Meters::default());
    let (sink, shared, city, feed, script) =
        (Arc::clone(&calls), Arc::clone(&meters), Arc::clone(city), feed.clone(), script.to_vec());
    let failed = Arc::new(AtomicBool::new(false));
    let guards = timely::execute(timely::Config::process(feed.workers), move |worker| {
        let flagged = Failed(Arc::clone(&failed));
        let (mut readings, mut clock) = (InputHandle::new(), InputHandle::new());
        let (call, seen) = (Arc::clone(&sink), Arc::clone(&sink));
        let probe = worker.dataflow::<Tick, _, _>(|scope| {
            let (readings, clock) = (scope.input_from(&mut readings), scope.input_from(&mut clock));
            let updates = build(readings, clock, &city, &shared);
            collect(updates, move |completed, updates| {
                call.lock().unwrap().push((completed, updates.collect::<Vec<_>>()))
            })
        });
        let mut steps = feed.steps.iter().cycle();
        for mut batch in batches(&script, &feed, worker.index()) {
            readings.send_batch(&mut batch.readings);
            clock.send_batch(&mut batch.clocks);
            readings.advance_to(batch.last + 1);
            clock.advance_to(batch.last + 1);
            for _ in 0..*steps.next().unwrap_or(&1) {
                worker.step();
                let behind = probe.with_frontier(|f| f.first().map_or(0, |f| f.saturating_sub(1)));
                let completed = seen.lock().unwrap().last().map_or(0, |(completed, _)| *completed);
                assert!(behind <= completed, "the probe passed tick {behind}, the sink had {completed}");
            }
        }
        let started = Instant::now();
        while probe.less_than(&(script.len() as Tick + 1)) && !flagged.0.load(Ordering::Relaxed) {
            assert!(started.elapsed() < Duration::from_secs(60), "the graph stands still");
            worker.step();
        }
    });
    for result in guards.unwrap().join() {
        result.unwrap();
    }
    (std::mem::take(&mut *calls.lock().unwrap()), meters)
}

fn city() -> Arc<City> {
    let mut b = Builder::default();
    let zone = b.facility(Counting::Bays, 4, 0, 1);
    zone.bays.iter_mut().take(2).for_each(|bay| bay.bay_use = vlot_model::UserGroup::ShortStay);
    zone.site.street.max_stay = Duration::from_secs(90);
    b.facility(Counting::Barriers, 0, 2, 1);
    b.facility(Counting::Barriers, 0, 1, 1);
    b.facility(Counting::Absolute, 0, 0, 1);
    b.garage(2);
    b.garage(1);
    b.gate(1);
    b.gate(1);
    b.camera(0, 2.0);
    for _ in 0..3 {
        b.place(2);
    }
    b.city.garages[1].site.unmoved_after = Some(Duration::from_secs(700));
    b.station(CountMode::Motor, 2, 60, 30);
    b.station(CountMode::Motor, 1, 60, 0);
    b.station(CountMode::Bicycle, 2, 900, 60);
    b.sign();
    b.sign();
    for facility in [0, 2].map(vlot_model::FacilityIx) {
        b.device(DeviceKind::Apps, Role::Apps { facility }, 300);
    }
    b.device(DeviceKind::ProbeFeed, Role::Probes, 60);
    b.pair(&[2, 3]);
    b.pair(&[3, 4]);
    b.controller();
    b.air();
    b.device(DeviceKind::SituationFeed, Role::Situations, 300);
    b.device(DeviceKind::SituationFeed, Role::Situations, 300);
    b.city.network = Some(Arc::new(roads(7)));
    let corridor = |links: &[u32]| vlot_model::Corridor {
        id: "r".into(),
        name: "R".into(),
        links: links.iter().map(|l| vlot_model::LinkIx(*l)).collect(),
    };
    b.city.corridors = vec![corridor(&[0, 1, 2, 3, 4, 5, 6]), corridor(&[5, 6])];
    let lanes = b.city.devices.iter().enumerate();
    let lanes: Vec<usize> = lanes.filter(|(_, d)| d.kind == DeviceKind::Loop).map(|(i, _)| i).collect();
    for (device, link) in lanes.into_iter().zip([2, 2, 5]) {
        b.place_on(u32::try_from(device).unwrap(), link, 30.0);
    }
    for (device, from) in [(1, 200), (4, 600), (9, 900)] {
        let from = Some(Timestamp::from_secs(1_700_000_000 + from));
        b.city.devices[device].service.in_service_from = from.filter(|_| device != 4);
        b.city.devices[device].service.retired_from = from.filter(|_| device == 4);
    }
    Arc::new(b.city)
}

fn situation(number: u32, choice: u8, now: i64) -> vlot_model::Situation {
    let links = [100, 102, 104, 106].map(vlot_model::LinkId);
    vlot_model::Situation {
        location: vlot_model::Location::Links(vec![
            links[number as usize % 4],
            links[usize::from(choice) % 4],
        ]),
        until: choice.is_multiple_of(2).then(|| Timestamp::from_secs(now + i64::from(choice))),
        withdrawn: choice > 220,
        ..crate::situations::tests::closure(&format!("s{}", number % 3))
    }
}

fn script(city: &City, sent: &[crate::testing::Sent]) -> Vec<Step> {
    let mut sequence = 0;
    arrivals(sent, u32::try_from(city.devices.len()).unwrap(), |device, message, now| {
        sequence += 1;
        let (number, choice) = (message.number, message.choice);
        let mut observed = now;
        let value = match city.devices[device.at()].role {
            role if choice < 10 && role != Role::Situations => Value::Alive,
            Role::Bay { .. } => Value::Bay { occupied: choice % 2 == 0 },
            Role::Barrier { .. } => {
                Value::Passage { direction: Direction::In, vehicles: u16::from(choice % 3) }
            }
            Role::Counter { .. } if choice < 40 => Value::Opening { open: choice < 30 },
            Role::Counter { .. } => Value::Occupied { spaces: number },
            Role::Place { .. } => Value::Bay { occupied: choice % 2 == 0 },
            Role::Section { .. } if city.devices[device.at()].kind == vlot_model::DeviceKind::Barrier => {
                Value::Passage {
                    direction: if choice % 2 == 0 { Direction::In } else { Direction::Out },
                    vehicles: 1,
                }
            }
            Role::Section { .. } => Value::Places { free: number },
            Role::Lane { station } if city.stations[station.at()].mode == CountMode::Motor => {
                observed = (now / 60 - 1) * 60;
                let speed_kmh = Some(f32::from(choice) / 7.0);
                let detector_occupancy_pct = (choice > 200).then_some(95.0);
                Value::Traffic { interval_s: 60, vehicles: number, speed_kmh, detector_occupancy_pct }
            }
            Role::Lane { .. } => {
                observed = (now / 900 - 1) * 900;
                Value::Bicycles { interval_s: 900, inbound: Some(number), outbound: None }
            }
            Role::Operator { .. } => Value::Verified { occupied: number },
            Role::Apps { .. } => {
                Value::Guided { vehicles: u16::from(choice % 3), arrive_after_s: 20 * number }
            }
            Role::Probes => Value::Traversal {
                link: vlot_model::LinkId(100 + u64::from(number) % 8),
                seconds: f32::from(choice) / 2.0,
                token: u32::from(choice) % 5,
            },
            Role::Reader => Value::Alive,
            Role::Pair { .. } => Value::PairTime { seconds: f32::from(choice) },
            Role::Controller { .. } => {
                let state = if choice % 2 == 0 { SignalState::Running } else { SignalState::Dark };
                Value::Signal { state, plan: Some(u16::from(choice)) }
            }
            Role::Air { .. } => Value::Air { quantity: AirQuantity::No2, value: f32::from(choice) },
            Role::Situations if choice % 2 == 0 => Value::Situation(Arc::new(situation(number, choice, now))),
            Role::Situations => {
                let link = vlot_model::LinkId(100 + u64::from(number) % 8);
                Value::IncidentVerdict { link, verdict: vlot_model::Verdict::Confirmed }
            }
            Role::Sign { .. } if choice < 100 => Value::SignLink { connected: choice < 50 },
            Role::Sign { .. } if choice < 120 => Value::SignFault { fault: SignFault::Power },
            Role::Sign { .. } => Value::SignShown { face_version: u64::from(number) },
        };
        (Some(sequence), observed, value)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn neither_grouping_nor_workers_show(
        sent in prop::collection::vec(sent(), 1..250),
        feed in feed(),
    ) {
        let city = city();
        let script = script(&city, &sent);
        let (plain, meters) = run(&city, &script, &PLAIN());
        let (other, other_meters) = run(&city, &script, &feed);
        for calls in [&plain, &other] {
            prop_assert!(calls.windows(2).all(|w| w[0].0 < w[1].0), "completed ticks grow");
            prop_assert_eq!(calls.last().map(|(completed, _)| *completed), Some(script.len() as Tick));
            let mut before = 0;
            for (completed, updates) in calls {
                prop_assert!(updates.iter().all(|u| before < u.tick && u.tick <= *completed), "whole ticks");
                before = *completed;
            }
        }
        let flat = |calls: Vec<Call>| calls.into_iter().flat_map(|(_, updates)| updates).collect::<Vec<_>>();
        let (plain, other) = (flat(plain), flat(other));
        let places: Vec<_> = plain.iter().map(|u| (u.tick, u.product.key())).collect();
        prop_assert!(places.windows(2).all(|w| w[0] < w[1]), "in order, each key once a tick");
        prop_assert_eq!(crate::testing::difference(&other, &plain), None);
        let heard: usize = script.iter().map(|step| step.readings().len()).sum();
        prop_assert_eq!(meters.readings_absorbed.get(), heard as u64);
        prop_assert_eq!(other_meters.readings_absorbed.get(), heard as u64);
    }
}

/// Two days of figures, so that there is a history to forecast from.
#[test]
fn forecasts_are_the_same_bits_on_any_number_of_workers() {
    let city = city();
    let counter = |facility: u32| {
        let role = Role::Counter { facility: vlot_model::FacilityIx(facility) };
        (0..).zip(&city.devices).find(|(_, d)| d.role == role).map(|(at, _)| at).unwrap()
    };
    let counters = [counter(1), counter(3)];
    let mut script = Vec::new();
    for slot in 0..2 * 288_u32 {
        let at = 1_700_000_000 + i64::from(slot) * 300;
        let figure = |device: u32| {
            let spaces = (slot * 7 + device * 5) % 288 / 20;
            crate::testing::said(device, at, Value::Occupied { spaces })
        };
        script.push(Step::Batch(at, counters.map(figure).to_vec()));
        script.push(Step::Clock(at + 299));
    }
    let flat = |calls: Vec<Call>| calls.into_iter().flat_map(|(_, updates)| updates).collect::<Vec<_>>();
    let plain = flat(run(&city, &script, &PLAIN()).0);
    let has_points =
        |u: &Update| matches!(&*u.product, vlot_model::Product::Forecast(f) if !f.points.is_empty());
    assert!(plain.iter().filter(|u| has_points(u)).count() > 200);
    for workers in [2, 3] {
        let feed = Feed { workers, groups: vec![50, 3], steps: vec![1], scatter: 5 };
        assert_eq!(crate::testing::difference(&flat(run(&city, &script, &feed).0), &plain), None);
    }
}

#[test]
fn a_reading_of_a_device_that_is_gone_is_metered_and_costs_itself() {
    let city = city();
    let gone = u32::try_from(city.devices.len()).unwrap();
    let said = |device| crate::testing::said(device, 10, Value::Bay { occupied: true });
    let (calls, meters) = run(&city, &[Step::Batch(10, vec![said(gone), said(0)])], &PLAIN());
    assert_eq!(calls.iter().map(|(_, updates)| updates.len()).sum::<usize>(), 1);
    assert_eq!((meters.retired_devices.get(), meters.readings_absorbed.get()), (1, 1));
}

/// Publishes how often it was called; on clock ticks for sign 0 and 1, on records for 1.
struct Calls(u64);

impl Calls {
    fn emit(&mut self, tick: Tick, at: Timestamp, signs: std::ops::Range<u32>, out: &mut Vec<Update>) {
        self.0 += 1;
        let state = |sign| vlot_model::SignState {
            sign: vlot_model::SignIx(sign),
            connected: None,
            displayed_version: Some(self.0),
            displayed_at: None,
            fault: None,
            heard_at: None,
        };
        out.extend(signs.map(|sign| Update {
            tick,
            at,
            trigger: None,
            product: vlot_model::Product::Sign(state(sign)).into(),
        }));
    }
}

impl Logic for Calls {
    type In = Admitted;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        self.emit(tick, at, 0..2, out);
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Admitted], out: &mut Vec<Update>) {
        assert!(inputs.iter().all(|i| i.tick() == tick) && inputs.is_sorted_by_key(Stamped::order));
        self.emit(tick, at, 1..2, out);
    }
}

fn finish(worker: &mut Worker, probe: &probe::Handle<Tick>, before: Tick) {
    let started = Instant::now();
    while probe.less_than(&before) {
        assert!(started.elapsed() < Duration::from_secs(60), "the graph stands still");
        worker.step();
    }
}

#[test]
fn the_clock_comes_first_in_a_tick_and_a_key_once() {
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let sink = Arc::clone(&calls);
    timely::execute_directly(move |worker| {
        let (mut readings, mut clock) = (InputHandle::new(), InputHandle::new());
        let probe = worker.dataflow::<Tick, _, _>(|scope| {
            let (readings, clock) = (scope.input_from(&mut readings), scope.input_from(&mut clock));
            let updates = per_tick("Calls", readings, clock, |_| 0, |_| Calls(0));
            collect(updates, move |completed, updates| {
                sink.lock().unwrap().push((completed, updates.collect::<Vec<_>>()))
            })
        });
        let reading = crate::testing::said(0, 1, Value::Alive);
        let record = |tick, index| Admitted { tick, at: Timestamp::EPOCH, index, reading: reading.clone() };
        readings.send_batch(&mut vec![record(7, 1), record(5, 0), record(7, 0)]);
        clock.send_batch(&mut vec![
            ClockTick { tick: 7, at: Timestamp::EPOCH },
            ClockTick { tick: 6, at: Timestamp::EPOCH },
        ]);
        // A frontier in the middle of what has arrived lets the ticks before it go, and those alone.
        readings.advance_to(7);
        clock.advance_to(9);
        finish(worker, &probe, 7);
        readings.advance_to(8);
        clock.advance_to(8 + 4);
        finish(worker, &probe, 8);
    });
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    let seen: Vec<(Tick, Vec<(Tick, u64)>)> = calls
        .iter()
        .map(|(completed, updates)| {
            let version = |u: &Update| match &*u.product {
                vlot_model::Product::Sign(s) => s.displayed_version.unwrap(),
                other => panic!("{other:?}"),
            };
            (*completed, updates.iter().map(|u| (u.tick, version(u))).collect())
        })
        .collect();
    assert_eq!(seen, [(6, vec![(5, 1), (6, 2), (6, 2)]), (7, vec![(7, 3), (7, 4)])]);
}

#[test]
fn every_key_belongs_to_one_worker() {
    for peers in 1..5 {
        for key in 0..100 {
            assert_eq!((0..peers).filter(|&index| Part { index, peers }.owns(key)).count(), 1);
        }
    }
    assert!(Part::WHOLE.owns(17));
}
