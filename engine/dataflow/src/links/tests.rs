use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Admitted, City, CountMode, DeviceIx, DeviceKind, Effect, LevelOfService, LinkId, LinkIx, LinkState,
    Location, Meters, Product, Quality, Reading, Role, Situation, SituationIx, Value,
};

use super::logic::{Links, level};
use super::{Heard, What, heard};
use crate::shell::Logic;
use crate::situations::tests::closure;
use crate::testing::{Builder, Step, s, said};
use crate::testing_roads::roads;

/// A street of six links of 10 s (36 km/h): a detector on each side of link 1 (devices 0, 1), one on link 3 (2), a feed of followed
/// vehicles (3), and a pair over links 3, 4 and 5 (6). At least 3 vehicles, 10 minutes.
pub(super) fn city() -> City {
    let mut b = Builder::default();
    b.station(CountMode::Motor, 3, 60, 30);
    b.device(DeviceKind::ProbeFeed, Role::Probes, 60);
    b.pair(&[3, 4, 5]);
    b.city.network = Some(Arc::new(roads(6)));
    b.place_on(0, 1, 20.0);
    b.place_on(1, 1, 22.0);
    b.place_on(2, 3, 50.0);
    b.city
}

const PROBES: u32 = 3;
const PAIR: u32 = 6;

/// Plays the steps as the shell would; a step's tick is its position, from 1.
pub(super) fn play(city: &City, steps: &[Step]) -> (Vec<(u64, LinkState)>, Arc<Meters>) {
    let meters = Arc::default();
    let (mut logic, mut out) = (Links::new(city, &meters), Vec::new());
    for (tick, step) in (1..).zip(steps) {
        match step {
            Step::Clock(_) => logic.on_clock(tick, step.at(), &mut out),
            Step::Batch(..) => logic.on_tick(tick, step.at(), &facts(city, tick, step), &mut out),
        }
    }
    let state = |update: vlot_model::Update| match Arc::unwrap_or_clone(update.product) {
        Product::Link(state) => (update.tick, state),
        other => panic!("{other:?}"),
    };
    (out.into_iter().map(state).collect(), meters)
}

pub(super) fn facts(city: &City, tick: u64, step: &Step) -> Vec<Heard> {
    let record = |(index, reading): (u32, &Reading)| match &reading.value {
        Value::Situation(situation) => bound(city, tick, step, situation),
        _ => heard(&Admitted { tick, at: step.at(), index, reading: reading.clone() }, city)
            .into_iter()
            .collect(),
    };
    let mut facts: Vec<Heard> = (0..).zip(step.readings()).flat_map(record).collect();
    facts.sort_by_key(|fact| fact.order);
    facts
}

/// As the operator of situations would tell: it holds from now on, or no longer when it is withdrawn.
fn bound(city: &City, tick: u64, step: &Step, situation: &Arc<Situation>) -> Vec<Heard> {
    let slot = SituationIx(situation.id.parse().unwrap());
    let fact = |link| Heard {
        tick,
        at: step.at(),
        order: (1, slot.0),
        link,
        what: What::Bound { slot, situation: (!situation.withdrawn).then(|| Arc::clone(situation)) },
    };
    links_of(city, situation).into_iter().map(fact).collect()
}

pub(super) fn links_of(city: &City, situation: &Situation) -> Vec<LinkIx> {
    let Location::Links(links) = &situation.location else { panic!("{situation:?}") };
    links.iter().map(|link| city.network.as_ref().unwrap().find(*link).unwrap()).collect()
}

/// What a situation in place `slot` does to links from now on; `None`: it ends.
pub(super) fn stated(at: i64, slot: u32, links: &[u32], effect: Option<Effect>) -> Reading {
    let situation = Situation {
        location: Location::Links(links.iter().map(|link| LinkId(100 + u64::from(*link))).collect()),
        effect: effect.unwrap_or(Effect::None),
        withdrawn: effect.is_none(),
        ..closure(&slot.to_string())
    };
    said(PROBES, at, Value::Situation(Arc::new(situation)))
}

pub(super) fn passed(at: i64, link: u32, seconds: f32, token: u32) -> Reading {
    said(PROBES, at, Value::Traversal { link: LinkId(100 + u64::from(link)), seconds, token })
}

pub(super) fn pair(at: i64, seconds: f32) -> Reading {
    said(PAIR, at, Value::PairTime { seconds })
}

pub(super) fn counted(device: u32, start: i64, vehicles: u32, speed: f32) -> Reading {
    let value =
        Value::Traffic { interval_s: 60, vehicles, speed_kmh: Some(speed), detector_occupancy_pct: None };
    let mut reading = said(device, start, value);
    reading.received_at = s(start + 60);
    reading
}

#[test]
fn nothing_of_followed_vehicles_shows_below_the_least_number() {
    let two = vec![passed(100, 2, 40.0, 7), passed(101, 2, 40.0, 7), passed(102, 2, 44.0, 8)];
    let (states, _) = play(&city(), &[Step::Batch(102, two), Step::Clock(103), Step::Clock(200)]);
    assert!(states.is_empty(), "{states:?}");
    let three = vec![passed(100, 2, 40.0, 7), passed(101, 2, 40.0, 9), passed(102, 2, 44.0, 8)];
    let (states, _) = play(&city(), &[Step::Batch(102, three), Step::Clock(103)]);
    let state = &states[0].1;
    assert_eq!((state.link, state.probes, state.observed_at), (LinkIx(2), 3, s(102)));
    assert!(state.sources.probes && !state.sources.detectors && !state.sources.pairs);
    assert!((28.0..42.0).contains(&state.travel_time_s), "{state:?}");
    assert!(state.speed_low_kmh < state.speed_kmh && state.speed_kmh < state.speed_high_kmh);
    assert!((state.speed_kmh * state.travel_time_s - 360.0).abs() < 0.5, "100 m");
    assert!(matches!(state.level, LevelOfService::E | LevelOfService::F));
}

#[test]
fn a_closed_link_is_told_at_the_next_second_and_what_drives_there_is_no_measurement() {
    let batch = |at: i64| (0..8).map(|i| passed(at, 2, 40.0, i)).collect::<Vec<_>>();
    let steps = [
        Step::Batch(100, batch(100)),
        Step::Clock(101),
        Step::Batch(102, vec![stated(102, 0, &[2, 5], Some(Effect::Closed))]),
        Step::Clock(103),
        Step::Batch(112, batch(112)),
        Step::Clock(113),
        Step::Batch(114, vec![stated(114, 0, &[2, 5], None)]),
        Step::Clock(115),
        Step::Batch(124, batch(124)),
        Step::Clock(125),
    ];
    let (states, _) = play(&city(), &steps);
    let seen: Vec<_> =
        states.iter().map(|(tick, s)| (*tick, s.link.0, s.is_closed(), s.quality, s.probes)).collect();
    let (missing, good) = (Quality::Missing, states[0].1.quality);
    assert_eq!(
        seen,
        [
            (2, 2, false, good, 8),
            (4, 2, true, missing, 0),
            (4, 5, true, missing, 0),
            (6, 2, true, missing, 0),
            (8, 2, false, missing, 0),
            (8, 5, false, missing, 0),
            (10, 2, false, good, 8),
        ]
    );
    let closed = &states[1].1;
    assert_eq!((closed.situations.len(), closed.sources.situations, closed.sources.probes), (1, true, false));
    assert!(states[4].1.situations.is_empty() && !states[4].1.sources.situations);
}

#[test]
fn a_speed_limit_is_assumed_and_what_is_measured_stands() {
    let limit = |at, kmh| stated(at, 0, &[2], Some(Effect::SpeedLimit { kmh }));
    let fast = (0..40).map(|i| passed(110, 2, 10.0, i)).collect();
    let steps = [
        Step::Batch(100, vec![limit(100, 18.0)]),
        Step::Clock(101),
        Step::Batch(111, fast),
        Step::Clock(112),
        Step::Batch(113, vec![limit(113, 90.0)]),
        Step::Clock(114),
    ];
    let (states, _) = play(&city(), &steps);
    let assumed = &states[0].1;
    assert!((assumed.speed_kmh - 18.0).abs() < 0.1 && (assumed.travel_time_s - 20.0).abs() < 0.1);
    assert_eq!(
        (assumed.quality, assumed.limit_kmh(), assumed.sources.situations),
        (Quality::Missing, Some(18.0), true)
    );
    assert!(
        states[1].1.speed_kmh > 33.0 && states[1].1.sources.probes,
        "who drives at 36 km/h does: {:?}",
        states[1]
    );
    assert!(
        states[2].1.speed_kmh > 33.0 && states[2].1.speed_kmh <= 36.5,
        "a limit above free flow binds nobody"
    );
}

#[test]
fn a_closure_for_bicycles_is_told_and_leaves_cars_alone() {
    let mut cyclists = stated(100, 3, &[2], Some(Effect::Closed));
    if let Value::Situation(situation) = &mut cyclists.value {
        Arc::make_mut(situation).modes = vlot_model::Modes::NONE.with(vlot_model::Mode::Bicycle);
    }
    let (states, _) = play(&city(), &[Step::Batch(100, vec![cyclists]), Step::Clock(101)]);
    let state = &states[0].1;
    assert_eq!((state.situations.len(), state.is_closed(), state.sources.situations), (1, false, false));
}

#[test]
fn a_pair_over_a_closed_link_says_nothing() {
    let times = |at: i64| (0..9).map(|i| pair(at - i, 90.0)).collect::<Vec<_>>();
    let steps = [
        Step::Batch(100, times(100)),
        Step::Clock(101),
        Step::Batch(102, vec![stated(102, 0, &[4], Some(Effect::Closed))]),
        Step::Batch(103, times(103)),
        Step::Clock(112),
    ];
    let (states, _) = play(&city(), &steps);
    let of: Vec<_> = states.iter().map(|(tick, s)| (*tick, s.link.0, s.sources.pairs)).collect();
    assert_eq!(of, [(2, 3, true), (2, 4, true), (2, 5, true), (5, 4, false), (5, 3, false), (5, 5, false)]);
}

#[test]
fn it_decays_to_free_flow_and_is_marked_when_forgotten() {
    let batch = (0..8).map(|i| passed(100, 2, 60.0, i)).collect();
    let mut steps = vec![Step::Batch(100, batch)];
    steps.extend((1..70).map(|i| Step::Clock(100 + 10 * i)));
    let (states, _) = play(&city(), &steps);
    let speeds: Vec<f32> = states.iter().map(|(_, state)| state.speed_kmh).collect();
    assert!(speeds.len() > 15 && speeds.windows(2).all(|w| w[0] < w[1]), "{speeds:?}");
    let (tick, last) = states.last().unwrap();
    assert_eq!((last.quality, last.sources, last.probes), (Quality::Missing, Default::default(), 0));
    assert_eq!((last.observed_at, last.valid_until, last.speed_kmh), (s(100), s(700), 36.0));
    assert!(states.iter().rev().skip(1).all(|(_, state)| state.quality != Quality::Missing));
    assert_eq!(*tick, 62, "the first clock after the window, and never again");
}

#[test]
fn speed_without_vehicles_is_no_jam_and_codes_are_none() {
    let steps = [
        Step::Batch(160, vec![counted(0, 100, 0, 0.0), counted(1, 100, 0, 0.0)]),
        Step::Clock(161),
        Step::Batch(220, vec![counted(0, 160, 4, 252.0), counted(1, 160, 2, f32::NAN)]),
        Step::Clock(221),
        Step::Batch(280, vec![counted(0, 220, 4, 18.0), counted(1, 220, 3, 0.0)]),
        Step::Clock(281),
    ];
    let (states, _) = play(&city(), &steps);
    let seen: Vec<_> =
        states.iter().map(|(_, s)| (s.flow_vph, s.sources.detectors, s.speed_kmh < 30.0)).collect();
    assert_eq!(seen, [(Some(0), false, false), (Some(360), false, false), (Some(420), true, true)]);
    assert_eq!(states[0].1.quality, Quality::Missing);
    assert_eq!(states[2].1.observed_at, s(280));
}

#[test]
fn a_detector_that_is_not_believed_counts_for_nothing() {
    let city = city();
    let meters = Arc::default();
    let (mut logic, mut out) = (Links::new(&city, &meters), Vec::new());
    let batch = |tick, at| {
        let step = Step::Batch(at, vec![counted(0, at - 60, 9, 12.0), counted(1, at - 60, 9, 12.0)]);
        facts(&city, tick, &step)
    };
    let believed = |tick, at, believed| Heard {
        tick,
        at: s(at),
        order: (0, 0),
        link: LinkIx(1),
        what: What::Believed { device: DeviceIx(0), believed },
    };
    logic.on_tick(1, s(100), &batch(1, 100), &mut out);
    logic.on_clock(2, s(101), &mut out);
    logic.on_tick(3, s(110), &[believed(3, 110, false)], &mut out);
    logic.on_clock(4, s(120), &mut out);
    logic.on_tick(5, s(130), &[believed(5, 130, true)], &mut out);
    logic.on_clock(6, s(140), &mut out);
    let flows: Vec<_> = out
        .iter()
        .map(|u| match &*u.product {
            Product::Link(state) => (u.tick, state.flow_vph, state.sources.detectors),
            other => panic!("{other:?}"),
        })
        .collect();
    // One of two lanes says nothing of the street's flow, and the other still of its speed.
    assert_eq!(flows, [(2, Some(1_080), true), (4, None, true), (6, Some(1_080), true)]);
}

#[test]
fn a_pair_is_divided_among_its_links_in_proportion() {
    let mut steps = vec![Step::Batch(100, (0..20).map(|i| passed(100, 4, 40.0, i)).collect())];
    steps.push(Step::Batch(101, (0..9).map(|i| pair(92 + i, 90.0)).chain([pair(99, 890.0)]).collect()));
    steps.push(Step::Clock(102));
    let (mut states, _) = play(&city(), &steps);
    states.sort_by_key(|(_, state)| state.link);
    assert_eq!(states.iter().map(|(_, s)| s.link.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert!(states.iter().all(|(_, s)| s.sources.pairs));
    let times: Vec<f32> = states.iter().map(|(_, s)| s.travel_time_s).collect();
    assert!(times[1] > 2.0 * times[0] && (times[0] - times[2]).abs() < 1e-3, "{times:?}");
    assert!((65.0..95.0).contains(&times.iter().sum::<f32>()), "{times:?}");
}

#[test]
fn what_cannot_be_is_metered_and_does_not_show() {
    let bad = vec![
        passed(100, 2, 0.0, 1),
        passed(100, 2, -5.0, 1),
        passed(100, 2, f32::NAN, 1),
        passed(100, 2, 1.0, 1),
        passed(100, 2, 90_000.0, 1),
        passed(100 - 601, 2, 10.0, 1),
        pair(100, 2_000.0),
        pair(100, f32::INFINITY),
    ];
    let n = bad.len() as u64;
    let (states, meters) = play(&city(), &[Step::Batch(100, bad), Step::Clock(101)]);
    assert!(states.is_empty());
    assert_eq!(meters.readings_unusable.get(), n);
}

#[test]
fn a_level_does_not_flicker() {
    use LevelOfService::{B, C, F};
    assert_eq!(level(34.0, 50.0, None), B);
    assert_eq!((level(33.0, 50.0, None), level(33.0, 50.0, Some(B))), (C, B));
    assert_eq!((level(31.0, 50.0, Some(B)), level(10.0, 50.0, Some(B))), (C, F));
}

#[test]
fn detectors_are_learned_to_say_too_little_where_vehicles_wait_further_on() {
    let mut steps = Vec::new();
    let of = |states: &[(u64, LinkState)]| states.last().unwrap().1.travel_time_s;
    let mut at = 0;
    while at < 3_600 {
        at += 60;
        let mut batch = vec![counted(2, at - 60, 10, 36.0)];
        batch.extend((0..6).map(|i| passed(at, 3, 30.0, i)));
        steps.extend([Step::Batch(at, batch), Step::Clock(at + 1)]);
    }
    let alone = |from: i64| {
        (0..12).flat_map(move |i| {
            let at = from + 60 * i;
            [Step::Batch(at, vec![counted(2, at - 60, 10, 36.0)]), Step::Clock(at + 1)]
        })
    };
    let (unlearned, _) = play(&city(), &alone(60).collect::<Vec<_>>());
    steps.extend(alone(at + 1_000));
    let (learned, _) = play(&city(), &steps);
    assert!(!learned.last().unwrap().1.sources.probes);
    assert!(of(&unlearned) < 11.0, "{}", of(&unlearned));
    assert!(of(&learned) > 20.0, "{}", of(&learned));
}

#[test]
fn it_is_published_every_ten_seconds_at_most() {
    let mut steps = Vec::new();
    for at in 0..60 {
        steps.push(Step::Batch(at, (0..5).map(|i| passed(at, 2, 20.0, i)).collect()));
        steps.push(Step::Clock(at));
    }
    let (states, _) = play(&city(), &steps);
    assert_eq!(states.len(), 6);
    assert_eq!(super::logic::AT_MOST_EVERY, Duration::from_secs(10));
}
