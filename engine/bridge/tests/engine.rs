//! The pump and the workers together: what is acknowledged when, and the same board however the ticks were run.

#![expect(clippy::unwrap_used, reason = "a test may fail here")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::sync::mpsc;
use vlot_bridge::{
    Admission, Batch, Limits, Log, LogBatch, Pump, PumpOptions, Running, WorkersOptions, start,
};
use vlot_model::{
    Acknowledge, Arrow, Board, City, Clock, Counting, Device, DeviceIx, DeviceKind, Direction, Facility,
    FacilityIx, FacilityKind, Key, LonLat, Matrix, Meters, Placement, Product, Reading, Receipt, RefusalKind,
    Role, Sign, SignIx, SignLine, SignTexts, Submission, Target, Template, Timestamp, Value,
};

const FACILITIES: u32 = 3;

/// Three car parks of two barriers each, and a sign that announces all of them.
fn city() -> Arc<City> {
    let mut city = City { texts: SignTexts::default(), ..City::default() };
    for f in 0..FACILITIES {
        for _ in 0..2 {
            city.devices.push(Device {
                id: format!("b{}", city.devices.len()).into(),
                kind: DeviceKind::Barrier,
                role: Role::Barrier { facility: FacilityIx(f) },
                silent_after: Duration::from_secs(600),
                service: vlot_model::Service::default(),
            });
        }
        city.facilities.push(Facility {
            id: format!("p{f}").into(),
            name: format!("P{f}"),
            kind: FacilityKind::OffStreet,
            position: LonLat::default(),
            capacity: 10,
            counting: Counting::Barriers,
            bays: Vec::new(),
            valid_for: Duration::from_secs(900),
            min_share: 0.5,
            full_at: 1,
            reopen_at: 3,
            estimate: vlot_model::Reliability::of(10),
            site: vlot_model::Site::default(),
        });
    }
    let line = |f| SignLine {
        target: Target::Facility(FacilityIx(f)),
        label: format!("P{f}").into(),
        arrow: Arrow::Ahead,
        travel_time: Duration::from_secs(60 * u64::from(f)),
    };
    city.templates.push(Template { name: "t".into(), multi: "{label.1}{figure.1}".into() });
    city.devices.push(Device {
        id: "sign".into(),
        kind: DeviceKind::Sign,
        role: Role::Sign { sign: SignIx(0) },
        silent_after: Duration::from_secs(600),
        service: vlot_model::Service::default(),
    });
    city.signs.push(Sign {
        id: "sign".into(),
        name: "Sign".into(),
        position: LonLat::default(),
        matrix: Matrix { width_px: 96, height_px: 64 },
        placement: Placement::Street,
        lines: (0..FACILITIES).map(line).collect(),
        template: 0,
        time_to_live: Duration::from_secs(60),
        min_dwell: Duration::from_secs(5),
        demand: 1.0,
        device: DeviceIx(2 * FACILITIES),
    });
    Arc::new(city)
}

struct Engine {
    board: Arc<Board>,
    meters: Arc<Meters>,
    city: Arc<City>,
    running: Running,
}

fn engine(workers: usize) -> Engine {
    let (board, meters, city) = (Arc::new(Board::new()), Arc::new(Meters::default()), city());
    let options = WorkersOptions {
        workers: NonZeroUsize::new(workers).unwrap(),
        lane_depth: 4,
        city: city.clone(),
        board: board.clone(),
        meters: meters.clone(),
    };
    Engine { board, meters, city, running: start(options).unwrap() }
}

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// A log that keeps what it gets until the test makes it durable.
#[derive(Clone, Default)]
struct HandLog(Arc<Mutex<Vec<LogBatch>>>);

impl Log for HandLog {
    async fn append(&mut self, batch: LogBatch) -> bool {
        self.0.lock().push(batch);
        true
    }
}

#[derive(Default)]
struct Acknowledged(Mutex<Vec<u64>>);

impl Acknowledge for Acknowledged {
    fn acknowledge(&self, token: u64) {
        self.0.lock().push(token);
    }
}

fn occupied(device: u32, sequence: u32, second: i64, spaces: u32) -> Reading {
    let at = Timestamp::from_secs(second);
    Reading {
        device: DeviceIx(device),
        sequence: Some(sequence),
        observed_at: at,
        received_at: at,
        value: Value::Occupied { spaces },
    }
}

fn free(board: &Board, facility: u32) -> Option<u32> {
    match board.get(Key::Facility(FacilityIx(facility)))?.product.as_ref() {
        Product::Facility(state) => state.free,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reading_flows_on_while_its_receipt_waits_for_the_log() {
    let Engine { board, meters, city, running } = engine(1);
    let (log, told) = (HandLog::default(), Arc::new(Acknowledged::default()));
    let options = PumpOptions {
        clock: Arc::new(HandClock(AtomicI64::new(1_000))),
        meters: meters.clone(),
        batch_max: 100,
        last_tick: 41,
        last_at: Timestamp::from_secs(2_000),
    };
    let Running { feeder, mut changed, join, .. } = running;
    let pump = Pump::new(options, Admission::new(&city, Limits::default()), feeder, log.clone());
    let (inbox, arrivals) = mpsc::channel(16);
    let pump = tokio::spawn(pump.run(arrivals));

    let submit = |token: u64, reading: Reading| Submission {
        readings: vec![reading],
        receipt: Some(Receipt::new(told.clone(), token)),
    };
    inbox.send(submit(1, occupied(0, 0, 1_000, 4))).await.unwrap();
    inbox.send(submit(2, occupied(0, 0, 1_000, 4))).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while free(&board, 0) != Some(6) {
            changed.changed().await.unwrap();
        }
        while meters.refused(RefusalKind::Duplicate) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(told.0.lock().is_empty(), "published, yet not acknowledged: nothing is on disk");

    drop(inbox);
    pump.await.unwrap().unwrap();
    join.join().await.unwrap();
    let batches = std::mem::take(&mut *log.0.lock());
    assert!(batches.iter().all(|b| b.at == Timestamp::from_secs(2_000)), "time never runs backwards");
    assert!(batches.iter().map(|b| b.tick).eq(42..42 + batches.len() as u64), "ticks go on without a gap");
    assert_eq!(batches.iter().map(|b| b.readings.len()).sum::<usize>(), 1, "the duplicate is not journalled");
    batches.into_iter().flat_map(|b| b.receipts).for_each(Receipt::acknowledge);
    assert_eq!(*told.0.lock(), [1, 2], "the duplicate is acknowledged too, or it would come for ever");
    assert_eq!((meters.messages_settled.get(), meters.readings_absorbed.get()), (2, 1));
}

/// Ticks of a history: seconds that pass, and readings.
fn history() -> impl Strategy<Value = Vec<(i64, Vec<Reading>)>> {
    let value = prop_oneof![
        (0..12u32).prop_map(|spaces| Value::Occupied { spaces }),
        (any::<bool>(), 1..3u16).prop_map(|(inward, vehicles)| Value::Passage {
            direction: if inward { Direction::In } else { Direction::Out },
            vehicles
        }),
        any::<bool>().prop_map(|open| Value::Opening { open }),
        Just(Value::Alive),
    ];
    let reading = (0..2 * FACILITIES, value);
    prop::collection::vec((0..40i64, prop::collection::vec(reading, 0..5)), 1..60).prop_map(|ticks| {
        let (mut now, mut sequence) = (10_000, 0);
        ticks
            .into_iter()
            .map(|(passes, readings)| {
                now += passes;
                let at = Timestamp::from_secs(now);
                let readings = readings.into_iter().map(|(device, value)| {
                    sequence += 1;
                    Reading {
                        device: DeviceIx(device),
                        sequence: Some(sequence),
                        observed_at: at,
                        received_at: at,
                        value,
                    }
                });
                (now, readings.collect())
            })
            .collect()
    })
}

fn run(history: &[(i64, Vec<Reading>)], workers: usize, mut group: impl FnMut(usize) -> bool) -> Arc<Board> {
    let Engine { board, mut running, .. } = engine(workers);
    let mut batch = Batch::default();
    for (i, (now, readings)) in history.iter().enumerate() {
        batch.push(i as u64 + 1, Timestamp::from_secs(*now), readings.iter().cloned());
        if group(i) {
            running.feeder.feed_blocking(std::mem::take(&mut batch)).unwrap();
        }
    }
    if !batch.is_empty() {
        running.feeder.feed_blocking(batch).unwrap();
    }
    drop(running.feeder);
    running.join.join_blocking().unwrap();
    board
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// One tick at a time, all at once, in random groups, on one, two and three workers: the same board.
    #[test]
    fn the_board_depends_on_the_ticks_alone(history in history(), cuts in prop::collection::vec(any::<bool>(), 60)) {
        let one_by_one = run(&history, 1, |_| true);
        prop_assert_eq!(one_by_one.completed(), history.len() as u64);
        for workers in 1..=3 {
            for grouped in [run(&history, workers, |_| false), run(&history, workers, |i| cuts[i])] {
                prop_assert_eq!(one_by_one.all(), grouped.all(), "{} workers", workers);
                prop_assert_eq!(one_by_one.completed(), grouped.completed());
                prop_assert_eq!(one_by_one.completed_at(), grouped.completed_at());
            }
        }
    }
}
