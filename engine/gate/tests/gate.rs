//! What goes in of vehicles, and what comes out of links and pairs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use vlot_gate::{Gate, Keys, Limits};
use vlot_model::{
    Anonymise, City, Device, DeviceIx, DeviceKind, Dropped, LinkId, LonLat, Meters, Pair, PairIx, Reading,
    RoadClass, Role, Service, Sighting, Timestamp, Value,
};
use vlot_network::{Draft, DraftLink, geo};

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };
const START: i64 = 1_774_748_000;
const FCD: DeviceIx = DeviceIx(0);
const FIRST: DeviceIx = DeviceIx(1);
const SECOND: DeviceIx = DeviceIx(2);
const PAIR: DeviceIx = DeviceIx(3);
/// Streets of the city, each of so many metres, eastwards and back.
const STREETS: i64 = 6;
const LENGTH_M: f64 = 200.0;

fn city(with_network: bool) -> Arc<City> {
    let mut city = City::default();
    let devices = [
        ("fcd", DeviceKind::ProbeFeed, Role::Probes),
        ("anpr-1", DeviceKind::Reader, Role::Reader),
        ("anpr-2", DeviceKind::Reader, Role::Reader),
        ("pair", DeviceKind::Pair, Role::Pair { pair: PairIx(0) }),
    ];
    for (id, kind, role) in devices {
        let (silent_after, service) = (Duration::from_secs(60), Service::default());
        city.devices.push(Device { id: id.into(), kind, role, silent_after, service });
    }
    city.pairs.push(Pair {
        id: "pair".into(),
        from: FIRST,
        to: SECOND,
        links: Vec::new(),
        min: Duration::from_secs(30),
        max: Duration::from_secs(600),
        device: PAIR,
    });
    let mut draft = Draft::new("test");
    for street in 0..STREETS {
        let points = [street, street + 1].map(|n| geo::offset(HERE, [n as f64 * LENGTH_M, 0.0]));
        for (way, nodes) in [[street, street + 1], [street + 1, street]].into_iter().enumerate() {
            let mut points = points.to_vec();
            if way == 1 {
                points.reverse();
            }
            let id = |way: usize| 10 * street.unsigned_abs() + way as u64 + 1;
            let opposite = Some(LinkId(id(1 - way)));
            draft.link(DraftLink { points, opposite, ..DraftLink::new(nodes, id(way), RoadClass::Primary) });
        }
    }
    city.network = with_network.then(|| Arc::new(draft.make().network));
    Arc::new(city)
}

struct Test {
    gate: Gate,
    meters: Arc<Meters>,
    out: Vec<Reading>,
}

fn at(s: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a test")]
    Timestamp::from_micros(START * 1_000_000 + (s * 1e6) as i64)
}

impl Test {
    fn new(limits: Limits) -> Test {
        Test::of(city(true), limits)
    }

    fn of(city: Arc<City>, limits: Limits) -> Test {
        let meters = Arc::new(Meters::default());
        let gate = Gate::new(city, Keys::seeded(1, Keys::ROTATE), limits, meters.clone());
        Test { gate, meters, out: Vec::new() }
    }

    /// A sighting that arrives a second after it was made.
    fn see(&mut self, device: DeviceIx, vehicle: &str, s: f64, metres: Option<f64>) {
        self.receive(device, vehicle, s, s + 1.0, metres);
    }

    fn receive(&mut self, device: DeviceIx, vehicle: &str, s: f64, received: f64, metres: Option<f64>) {
        let sighting = Sighting {
            device,
            vehicle: self.gate.keys(at(received)).pseudonym(vehicle.as_bytes()),
            observed_at: at(s),
            received_at: at(received),
            position: metres.map(|m| geo::offset(HERE, [m, 2.0])),
            speed_kmh: None,
            heading_deg: None,
        };
        self.gate.take(&sighting, &mut self.out);
    }

    /// Along all streets, a point every five seconds.
    fn drive(&mut self, vehicle: &str, s: f64, speed: f64) {
        let mut along = 0.0;
        while along < STREETS as f64 * LENGTH_M {
            self.see(FCD, vehicle, s + along / speed, Some(along));
            along += 5.0 * speed;
        }
    }

    fn end(&mut self, s: f64) {
        self.gate.advance(at(s), &mut self.out);
        self.gate.advance(at(s + 60.0), &mut self.out);
    }

    fn dropped(&self) -> Vec<(&'static str, u64)> {
        let all = Dropped::ALL.iter().map(|why| (why.name(), self.meters.gate.dropped(*why)));
        all.filter(|(_, n)| *n > 0).collect()
    }

    fn pair_times(&self) -> Vec<f32> {
        let times = self.out.iter().filter_map(|r| match r.value {
            Value::PairTime { seconds } => Some(seconds),
            _ => None,
        });
        times.collect()
    }
}

#[test]
fn a_drive_becomes_readings_of_links_and_of_no_vehicle() {
    let mut test = Test::new(Limits::default());
    let name = test.gate.keys(at(0.0)).pseudonym(b"1-ABC-123");
    test.drive("1-ABC-123", 0.0, 10.0);
    test.end(1_000.0);
    // The first street was not gone along from its start, the last not to its end.
    let mut links = Vec::new();
    let mut tokens = Vec::new();
    for reading in &test.out {
        let Value::Traversal { link, seconds, token } = reading.value else { panic!("{reading:?}") };
        assert!((seconds - 20.0).abs() < 0.3, "{seconds}");
        assert_eq!((reading.device, reading.sequence), (FCD, None));
        // Not the microsecond at which one street's time ends and the next one's begins.
        assert_eq!(reading.observed_at, reading.observed_at.floor(Duration::from_secs(10)));
        links.push(link.0);
        tokens.push(token);
        let shown = format!("{reading:?}");
        for part in [name.now.to_string(), name.before.to_string(), "ABC".to_owned()] {
            assert!(!shown.contains(&part), "{shown}");
        }
    }
    links.sort_unstable();
    assert_eq!(links, [11, 21, 31, 41]);
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 4, "a token links streets");
    assert_eq!(test.meters.gate.traversals.get(), 4);
    assert_eq!((test.dropped(), test.meters.gate.followed.get()), (vec![], 0));
}

#[test]
fn a_token_counts_distinct_vehicles() {
    let mut test = Test::new(Limits::default());
    // The same vehicle twice within a window of ten minutes, another one once.
    let start = 400.0 - (START % 600) as f64;
    test.drive("a", start, 20.0);
    test.drive("b", start, 20.0);
    test.drive("a", start + 120.0, 20.0);
    test.end(start + 1_000.0);
    let mut tokens: Vec<_> = test
        .out
        .iter()
        .filter_map(|r| match r.value {
            Value::Traversal { link: LinkId(21), token, .. } => Some(token),
            _ => None,
        })
        .collect();
    assert_eq!(tokens.len(), 3);
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 2);
}

#[test]
fn readings_leave_together_and_in_no_vehicle_s_order() {
    let mut test = Test::new(Limits::default());
    test.drive("a", 0.0, 10.0);
    for step in 0..3 {
        test.drive(&format!("{step}"), 200.0, 10.0);
    }
    test.out.clear();
    test.end(2_000.0);
    let links: Vec<_> = test.out.iter().map(|r| format!("{:?}", r.value)).collect();
    assert!(test.out.len() >= 3, "{links:?}");
    assert!(test.out.iter().all(|r| r.received_at == test.out[0].received_at));
    let keys: Vec<_> = test
        .out
        .iter()
        .map(|r| match r.value {
            Value::Traversal { link, token, .. } => (link, token),
            _ => (LinkId(0), 0),
        })
        .collect();
    assert!(keys.is_sorted(), "{keys:?}");
}

#[test]
fn a_vehicle_is_followed_over_one_change_of_keys() {
    let mut test = Test::new(Limits::default());
    test.see(FCD, "a", 0.0, Some(0.0));
    test.out.clear();
    test.drive("b", 1_750.0, 10.0);
    test.end(3_000.0);
    assert_eq!(test.out.len(), 4, "{:?}", test.out);

    let mut test = Test::new(Limits::default());
    test.see(FIRST, "a", 1_700.0, None);
    test.see(SECOND, "a", 1_900.0, None);
    test.end(2_000.0);
    assert_eq!(test.pair_times(), [200.0]);
}

#[test]
fn a_pair_times_vehicles_within_its_bounds() {
    let mut test = Test::new(Limits::default());
    test.see(FIRST, "a", 0.0, None);
    // Heard again while it passes: it leaves with the last one.
    test.see(FIRST, "a", 4.0, None);
    test.see(FIRST, "a", 4.0, None);
    test.see(FIRST, "b", 5.0, None);
    // Too soon to be true, then as it should be, and never twice.
    test.see(SECOND, "a", 10.0, None);
    test.see(SECOND, "a", 104.5, None);
    test.see(SECOND, "a", 106.0, None);
    // A stop on the way; a stranger.
    test.see(SECOND, "b", 700.0, None);
    test.see(SECOND, "c", 701.0, None);
    test.end(800.0);
    assert_eq!(test.pair_times(), [100.5]);
    assert_eq!(test.dropped(), [("repeated", 1), ("pair_time", 2)]);
    assert_eq!((test.meters.gate.pair_times.get(), test.meters.gate.awaited.get()), (1, 0));
    let time = test.out.iter().find(|r| matches!(r.value, Value::PairTime { .. })).unwrap();
    assert_eq!((time.device, time.observed_at), (PAIR, at(104.5).floor(Duration::from_secs(10))));
    // Readers say that they live, once a minute at most.
    let alive = |device| test.out.iter().filter(|r| r.device == device && r.value == Value::Alive).count();
    assert_eq!((alive(FIRST), alive(FCD)), (1, 0));
}

#[test]
fn what_is_held_is_bounded_and_forgotten() {
    let mut test = Test::new(Limits { vehicles: 10, awaited: 10, ..Limits::default() });
    for i in 0..25 {
        test.see(FCD, &format!("v{i}"), f64::from(i), Some(10.0));
        test.see(FIRST, &format!("v{i}"), f64::from(i), None);
    }
    let gate = &test.meters.gate;
    assert_eq!((gate.followed.get(), gate.awaited.get()), (10, 10));
    assert_eq!(test.dropped(), [("crowded", 30)]);
    test.end(10_000.0);
    let gate = &test.meters.gate;
    assert_eq!((gate.followed.get(), gate.awaited.get()), (0, 0));
}

#[test]
fn what_cannot_be_is_dropped_and_counted_by_reason() {
    let mut test = Test::new(Limits::default());
    test.receive(FCD, "a", 100.0, 50.0, Some(0.0));
    test.receive(FCD, "a", 100.0, 1_000.0, Some(0.0));
    test.receive(FCD, "a", 1_000.0, 1_001.0, Some(0.0));
    test.receive(FCD, "a", 1_000.0, 1_001.0, Some(0.0));
    test.receive(FCD, "a", 1_005.0, 1_006.0, Some(1_000.0));
    test.receive(FCD, "a", 1_006.0, 1_007.0, None);
    test.receive(PAIR, "a", 1_006.0, 1_007.0, None);
    let expected =
        [("ahead", 1), ("behind", 1), ("repeated", 1), ("jump", 1), ("no_position", 1), ("no_network", 1)];
    assert_eq!(test.dropped(), expected);

    // It stands for two hours, and says so all the time.
    let mut test = Test::new(Limits::default());
    for i in 0..720 {
        test.see(FCD, "a", f64::from(10 * i), Some(100.0));
    }
    test.end(8_000.0);
    assert_eq!((test.dropped(), test.out.len()), (vec![("parked", 659)], 0));

    let mut test = Test::of(city(false), Limits::default());
    test.see(FCD, "a", 0.0, Some(0.0));
    assert_eq!(test.dropped(), [("no_network", 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_vehicles_does_not_matter(
        speeds in prop::collection::vec((5.0..20.0_f64, 0.0..30.0_f64), 2..6),
        order in Just(()).prop_perturb(|(), mut rng| (0..1_000).map(|_| rng.next_u32()).collect::<Vec<_>>()),
    ) {
        let run = |shuffled: bool| {
            let mut test = Test::new(Limits::default());
            // Every second each vehicle says where it is, in one order or another.
            for s in 0_u32..300 {
                let mut vehicles: Vec<_> = (0..speeds.len()).collect();
                if shuffled {
                    vehicles.sort_by_key(|v| order[(v * 301 + s as usize) % order.len()]);
                }
                for v in vehicles {
                    let (speed, start) = speeds[v];
                    let along = (f64::from(s) - start) * speed;
                    if (0.0..STREETS as f64 * LENGTH_M).contains(&along) {
                        test.see(FCD, &format!("v{v}"), f64::from(s), Some(along));
                    }
                }
            }
            test.end(1_000.0);
            // The keys of tokens are drawn when they are needed: their figures may differ, what they count may not.
            let mut told: Vec<_> = test.out.iter().map(|r| match r.value {
                Value::Traversal { link, seconds, .. } => (link, seconds.to_bits(), r.observed_at),
                _ => panic!("{r:?}"),
            }).collect();
            told.sort_unstable();
            (told, test.dropped())
        };
        let straight = run(false);
        prop_assert!(straight.0.len() >= 3 * speeds.len());
        prop_assert_eq!(straight, run(true));
    }
}
