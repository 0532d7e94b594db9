//! One run through admission and the dataflow, and what comes out held against the truth at the end of each minute.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use timely::dataflow::InputHandle;
use vlot_bridge::{Admission, Limits};
use vlot_dataflow::{build, collect};
use vlot_model::{
    Admitted, Bay, City, ClockTick, Counting, Device, DeviceIx, DeviceKind, Direction, Facility, FacilityIx,
    FacilityKind, FacilityState, LonLat, Meters, Product, Reading, Reliability, Role, Service, Site, Tick,
    Timestamp, Update, UserGroup, Value,
};

use super::messages::{Dice, Faults, Message, RUN_S, Says, Script, script};
use super::score::{Naive, Score, judge};
use super::stays::Park;

#[derive(Clone, Copy)]
pub(super) struct Sources {
    pub(super) barriers: bool,
    pub(super) bays: bool,
    /// A person counts so often, from the first hour on.
    pub(super) verified_min: Option<usize>,
    /// It closes for a moment at the end of each run, if nobody is inside.
    pub(super) closes: bool,
    /// Standard deviation of a parking system's figure.
    pub(super) figure_sd: Option<f64>,
}

const START_S: i64 = 1_700_000_000;
const TICK_S: i64 = 10;
const FOR_EVER: Duration = Duration::from_secs(400 * 86_400);

/// An instant so many seconds after the start.
#[expect(clippy::cast_possible_truncation, reason = "a run of days")]
fn after(seconds: f64) -> Timestamp {
    Timestamp::from_micros(START_S * 1_000_000 + (seconds * 1e6) as i64)
}

/// One car park's devices.
struct Devices {
    barrier: DeviceIx,
    counter: DeviceIx,
    operator: DeviceIx,
    bays: Vec<DeviceIx>,
}

fn city(parks: &[Park], scripts: &[Script], sources: Sources) -> (City, Vec<Devices>) {
    let mut city = City::default();
    let mut devices = Vec::new();
    for (i, (park, script)) in parks.iter().zip(scripts).enumerate() {
        let facility = FacilityIx::from_position(i);
        let mut device = |kind, role, name: &str| {
            city.devices.push(Device {
                id: format!("{}-{name}", park.name).into(),
                kind,
                role,
                silent_after: FOR_EVER,
                service: Service::default(),
            });
            DeviceIx::from_position(city.devices.len() - 1)
        };
        let bay = |bay: u32| Role::Bay { facility, bay };
        let has = if sources.bays { script.capacity } else { 0 };
        let own = Devices {
            barrier: device(DeviceKind::Barrier, Role::Barrier { facility }, "barrier"),
            counter: device(DeviceKind::Counter, Role::Counter { facility }, "counter"),
            operator: device(DeviceKind::Operator, Role::Operator { facility }, "operator"),
            bays: (0..has).map(|n| device(DeviceKind::Bay, bay(n), &n.to_string())).collect(),
        };
        let bay = |(n, device): (usize, &DeviceIx)| Bay {
            id: n.to_string().into(),
            bay_use: UserGroup::Everyone,
            device: *device,
        };
        let capacity = script.capacity;
        let full_at = (capacity / 50).max(1);
        city.facilities.push(Facility {
            id: park.name.clone().into(),
            name: park.name.clone(),
            kind: FacilityKind::OffStreet,
            position: LonLat::default(),
            capacity,
            counting: if sources.barriers { Counting::Barriers } else { Counting::Bays },
            bays: own.bays.iter().enumerate().map(bay).collect(),
            valid_for: FOR_EVER,
            min_share: 0.75,
            full_at,
            reopen_at: full_at + (capacity / 30).max(3),
            estimate: Reliability {
                empty_after_closing: sources.closes.then_some(Duration::from_secs(10)),
                ..Reliability::of(capacity)
            },
            site: Site::default(),
        });
        devices.push(own);
    }
    (city, devices)
}

/// All that is said of a car park, in the order of its arrival; how the naive count starts is said first.
fn readings(script: &Script, own: &Devices, sources: Sources, dice: &mut Dice) -> Vec<Reading> {
    let said = |device, at: f64, value| Reading {
        device,
        sequence: None,
        observed_at: after(at),
        received_at: after(at),
        value,
    };
    let mut all = Vec::new();
    if sources.barriers {
        all.push(Reading { sequence: Some(0), ..said(own.barrier, 0.0, Value::Alive) });
        all.push(said(own.operator, 0.0, Value::Verified { occupied: script.residents }));
    }
    for Message { arrives, observed, sequence, says } in script.messages.iter().copied() {
        let (device, value) = match says {
            Says::Passage { exit } if sources.barriers => {
                let direction = if exit { Direction::Out } else { Direction::In };
                (own.barrier, Value::Passage { direction, vehicles: 1 })
            }
            Says::Bay { bay, occupied } if sources.bays => (own.bays[bay], Value::Bay { occupied }),
            _ => continue,
        };
        let (sequence, received_at) = (Some(sequence), after(arrives));
        all.push(Reading { sequence, received_at, ..said(device, observed, value) });
    }
    for (minute, truth) in script.truth.iter().enumerate() {
        let end = (minute as f64 + 1.0) * 60.0;
        if let Some(sd) = sources.figure_sd {
            // Sum of twelve uniforms: nearly normal.
            let noise: f64 = (0..12).map(|_| dice.share()).sum::<f64>() - 6.0;
            let spaces = whole(f64::from(*truth) + noise * sd);
            all.push(said(own.counter, end, Value::Occupied { spaces }));
        }
        if sources.verified_min.is_some_and(|every| minute % every == 59) {
            all.push(said(own.operator, end, Value::Verified { occupied: *truth }));
        }
        if sources.closes && *truth == 0 && (minute + 1) % (RUN_S / 60) == 0 {
            all.push(said(own.counter, end - 10.0, Value::Opening { open: false }));
            all.push(said(own.counter, end + 1.0, Value::Opening { open: true }));
        }
    }
    // Stable: at one instant the start comes first, and what is said of a minute after what was said in it.
    all.sort_by_key(|reading| reading.received_at);
    all
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates: never below 0")]
fn whole(figure: f64) -> u32 {
    figure.round() as u32
}

/// Plays one seed of all car parks.
pub(super) fn run(
    parks: &[Park],
    runs: usize,
    residents: bool,
    faults: &Faults,
    sources: Sources,
    seed: u64,
    score: &mut Score,
) {
    let mut all = Vec::new();
    let mut dice = Dice(seed * 1_000_003 + 17);
    let scripts: Vec<Script> = parks
        .iter()
        .map(|park| script(park, runs, if residents { park.capacity / 3 } else { 0 }, faults, &mut dice))
        .collect();
    let (city, devices) = city(parks, &scripts, sources);
    for (script, own) in scripts.iter().zip(&devices) {
        all.extend(readings(script, own, sources, &mut dice));
    }
    all.sort_by_key(|reading| reading.received_at);
    let played = play(&Arc::new(city), all, &scripts, sources);
    score.add(&played);
}

fn play(city: &Arc<City>, all: Vec<Reading>, scripts: &[Script], sources: Sources) -> Score {
    let (city, minutes) = (Arc::clone(city), scripts.first().map_or(0, |s| s.truth.len()));
    let truths: Vec<Vec<u32>> = scripts.iter().map(|s| s.truth.clone()).collect();
    let start = |s: &Script| Naive { count: i64::from(s.residents), full: false };
    let mut naive: Vec<Naive> = scripts.iter().map(start).collect();
    timely::execute_directly(move |worker| {
        let states: Rc<RefCell<Vec<Option<FacilityState>>>> =
            Rc::new(RefCell::new(vec![None; city.facilities.len()]));
        let newest = Rc::clone(&states);
        let (mut input, mut clock) = (InputHandle::new(), InputHandle::new());
        let probe = worker.dataflow::<Tick, _, _>(|scope| {
            let readings = input.to_stream(scope).container::<Vec<Admitted>>();
            let clocks = clock.to_stream(scope).container::<Vec<ClockTick>>();
            let products = build(readings, clocks, &city, &Arc::new(Meters::default()));
            collect(products, move |_, products| {
                for Update { product, .. } in products {
                    if let Product::Facility(state) = &*product {
                        newest.borrow_mut()[state.facility.at()] = Some(state.clone());
                    }
                }
            })
        });
        let mut admission = Admission::new(&city, Limits::default());
        let mut score = Score::default();
        let mut next = all.into_iter().peekable();
        let mut tick: Tick = 0;
        for step in 1..=minutes as i64 * (60 / TICK_S) {
            let at = Timestamp::from_secs(START_S + step * TICK_S);
            tick += 1;
            clock.send(ClockTick { tick, at });
            tick += 1;
            let mut index = 0;
            while let Some(reading) = next.next_if(|r| r.received_at <= at) {
                admission.judge(&[reading], |reading, verdict| match verdict {
                    Ok(()) => {
                        count(&city, &mut naive, reading);
                        input.send(Admitted { tick, at, index, reading: reading.clone() });
                        index += 1;
                    }
                    Err(_) => score.refused += 1,
                });
            }
            // Once more after the readings: what was closed for long enough is empty at the minute's end.
            tick += 1;
            clock.send(ClockTick { tick, at });
            input.advance_to(tick + 1);
            clock.advance_to(tick + 1);
            while probe.less_than(input.time()) {
                worker.step();
            }
            if step * TICK_S % 60 == 0 {
                let minute = usize::try_from(step * TICK_S / 60 - 1).unwrap_or(0);
                for (i, state) in states.borrow().iter().enumerate() {
                    if let Some(state) = state {
                        let reopen_at = city.facilities[i].reopen_at;
                        let full_at = city.facilities[i].full_at;
                        if !sources.barriers {
                            naive[i].count = state.occupied_uncorrected.unwrap_or(0);
                        }
                        judge(&mut score, state, truths[i][minute], &mut naive[i], full_at, reopen_at);
                    }
                }
            }
        }
        score
    })
}

fn count(city: &City, naive: &mut [Naive], reading: &Reading) {
    if let (Role::Barrier { facility }, Value::Passage { direction, vehicles }) =
        (city.devices[reading.device.at()].role, reading.value.clone())
    {
        let sign = if direction == Direction::In { 1 } else { -1 };
        naive[facility.at()].count += sign * i64::from(vehicles);
    }
}
