use vlot_model::AirQuantity::{No2, Noise};
use vlot_model::SignalState::{AllRed, Flashing, Running};
use vlot_model::{AirRules, LinkId, ProbeRules, Product, Role, SignalRules, Value};

use super::MONDAY;
use crate::health::Rule::{Chattering, OutOfBounds, Silent, Spiking, Stuck};
use crate::health::alarms::Alarms;
use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::health::roadside::{Air, Heard, Probes, Signals};
use crate::health::{HOUR, MINUTE, Rule, SECOND, State};
use crate::roadside::Roadside;
use crate::shell::Part;
use crate::testing::{Builder, Step, play, said};

#[test]
fn a_feed_by_what_its_vehicles_do() {
    let rules = ProbeRules { passages: 100, ..ProbeRules::default() };
    let told = |seconds: &dyn Fn(i64) -> f32, length_m: f32| {
        let (mut probes, mut alarms) = (Probes::default(), Alarms::default());
        (0..100).for_each(|i| probes.passed(MONDAY + i, (length_m, seconds(i)), &mut alarms, &rules));
        (alarms.health().rule, alarms.health().state)
    };
    let healthy = (None, State::Healthy);
    assert_eq!(told(&|_| 10.0, 100.0), healthy);
    // One in six goes at 360 km/h: a few bad positions. One in four does not drive at all: negative times.
    assert_eq!(told(&|i| if i % 6 == 0 { 1.0 } else { 10.0 }, 100.0), healthy);
    assert_eq!(told(&|i| if i % 4 == 0 { -3.0 } else { 10.0 }, 100.0), (Some(OutOfBounds), State::Failed));
    assert_eq!(told(&|_| f32::NAN, 100.0), (Some(OutOfBounds), State::Failed));
    assert_eq!(told(&|_| 600.0, 100.0), (Some(Stuck), State::Suspect), "all stand");
    assert_eq!(
        told(&|i| if i % 10 == 0 { 10.0 } else { 600.0 }, 100.0),
        healthy,
        "a jam, and some come through"
    );
    assert_eq!(told(&|_| 0.1, 20.0), healthy, "of a short link a tenth of a second tells nothing");
}

#[test]
fn a_feed_that_is_well_again_recovers() {
    let rules = ProbeRules { passages: 10, ..ProbeRules::default() };
    let (mut probes, mut alarms) = (Probes::default(), Alarms::default());
    let mut ten = |seconds: f32, alarms: &mut Alarms| {
        (0..10).for_each(|i| probes.passed(MONDAY + i, (100.0, seconds), alarms, &rules));
        alarms.health().rule
    };
    assert_eq!((ten(1.0, &mut alarms), ten(9.0, &mut alarms)), (Some(OutOfBounds), None));
}

#[test]
fn silence_is_told_once_something_was_heard_and_ends_with_a_word() {
    let mut heard = Heard::default();
    heard.on_clock(MONDAY + 9 * HOUR, HOUR, State::Suspect);
    assert_eq!(heard.alarms.health().rule, None);
    heard.hear(MONDAY);
    heard.on_clock(MONDAY + HOUR, HOUR, State::Suspect);
    assert_eq!(heard.alarms.health().rule, None);
    heard.on_clock(MONDAY + HOUR + SECOND, HOUR, State::Suspect);
    assert_eq!((heard.alarms.health().rule, heard.alarms.health().state), (Some(Silent), State::Suspect));
    heard.hear(MONDAY + 2 * HOUR);
    assert_eq!(heard.alarms.health().rule, None);
    heard.awake(MONDAY + 5 * HOUR);
    heard.on_clock(MONDAY + 5 * HOUR + MINUTE, HOUR, State::Suspect);
    assert_eq!(heard.alarms.health().rule, None, "the engine was away, not the device");
}

#[test]
fn a_controller_that_hangs_or_flickers() {
    let rules = SignalRules::default();
    let (mut signals, mut alarms) = (Signals::default(), Alarms::default());
    signals.said(MONDAY, AllRed, &mut alarms, &rules);
    signals.on_clock(MONDAY + 10 * MINUTE, &mut alarms, &rules);
    assert_eq!(alarms.health().rule, None);
    signals.on_clock(MONDAY + 11 * MINUTE, &mut alarms, &rules);
    assert_eq!((alarms.health().rule, alarms.health().state), (Some(Stuck), State::Suspect));
    signals.said(MONDAY + 12 * MINUTE, Flashing, &mut alarms, &rules);
    signals.on_clock(MONDAY + 12 * HOUR, &mut alarms, &rules);
    assert_eq!(alarms.health().rule, None, "a night of amber is a night of amber");
    for i in 0..30 {
        let state = if i % 2 == 0 { Running } else { Flashing };
        signals.said(MONDAY + 13 * HOUR + i * SECOND, state, &mut alarms, &rules);
    }
    assert_eq!((alarms.health().rule, alarms.health().state), (Some(Chattering), State::Failed));
    signals.on_clock(MONDAY + 14 * HOUR, &mut alarms, &rules);
    assert_eq!(alarms.health().rule, None);
}

#[test]
fn an_air_station_by_its_values() {
    let rules = AirRules::default();
    let told = |values: &[f32], every: i64| {
        let mut air = Air::default();
        for (i, value) in (0..).zip(values) {
            air.measured(MONDAY + i * every, No2, *value, &rules);
        }
        let health = air.worst(Alarms::default().health());
        (health.rule, health.state)
    };
    let healthy: (Option<Rule>, State) = (None, State::Healthy);
    assert_eq!(told(&[20.0, 21.5, -2.0, 19.0], HOUR), healthy, "a little below 0 is clean air");
    assert_eq!(told(&[-99.0, -99.0], HOUR), healthy);
    assert_eq!(told(&[-99.0, 9_999.0, f32::NAN], HOUR), (Some(OutOfBounds), State::Failed));
    assert_eq!(told(&[-99.0, -99.0, -99.0, 20.0], HOUR), healthy, "it recovers");
    assert_eq!(told(&[20.0; 12], HOUR), healthy);
    assert_eq!(told(&[20.0; 13], HOUR), (Some(Stuck), State::Suspect));
    assert_eq!(told(&[20.0; 100], MINUTE), healthy, "who reports each minute repeats itself");
    assert_eq!(told(&[20.0; 25], HOUR), (Some(Stuck), State::Failed));
    assert_eq!(told(&[20.0, 400.0, 22.0], HOUR), (Some(Spiking), State::Suspect));
    assert_eq!(told(&[20.0, 400.0, 390.0, 380.0, 300.0, 22.0], HOUR), healthy, "smoke goes slowly");
    assert_eq!(told(&[1.0, 60.0, 1.0], HOUR), healthy, "small ones are no matter");
    let mut air = Air::default();
    (0..3).for_each(|i| air.measured(MONDAY + i, Noise, 0.0, &rules));
    air.measured(MONDAY, No2, 20.0, &rules);
    assert_eq!(air.worst(Alarms::default().health()).rule, Some(OutOfBounds), "one instrument of two");
}

/// A controller (0), an air station (1), a feed (2), readers (3, 4) and their pair (5).
#[test]
fn the_board_is_told_and_what_is_not_believed_is_withheld() {
    let mut b = Builder::default();
    b.controller();
    b.air();
    b.device(vlot_model::DeviceKind::ProbeFeed, Role::Probes, 60);
    b.pair(&[0]);
    let city = std::sync::Arc::new(b.city);
    let meters = std::sync::Arc::default();
    let keeper = Keeper::new(&city, Part::WHOLE, |d| u64::from(d.0), |d| !matches!(d.role, Role::Reader));
    let mut logic = Judged::new(Roadside::new(&city, &meters), keeper, &meters);
    let air = |at, value| said(1, at, Value::Air { quantity: No2, value });
    let mut steps = vec![Step::Clock(0), Step::Batch(1, vec![air(1, 20.0)])];
    steps.extend((2..6).map(|at| Step::Batch(at, vec![air(at, 5_000.0)])));
    steps.push(Step::Batch(6, vec![air(6, 21.0)]));
    let link = LinkId(100);
    steps.push(Step::Batch(7, vec![said(2, 7, Value::Traversal { link, seconds: 9.0, token: 1 })]));
    steps.push(Step::Batch(8, vec![said(5, 8, Value::PairTime { seconds: 9.0 })]));
    steps.extend([Step::Clock(200), Step::Clock(13 * 3_600)]);
    let (mut values, mut health) = (Vec::new(), Vec::new());
    for update in play(&mut logic, &steps) {
        match &*update.product {
            Product::Air(state) => values.extend(state.values.first().map(|v| (update.tick, v.value))),
            Product::Health(h) => health.push((update.tick, h.device.0, h.health, h.rule)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(values[..2], [(2, 20.0), (7, 21.0)], "no code is ever shown");
    let of = |device: u32| {
        health.iter().filter(move |h| h.1 == device).map(|h| (h.0, h.2, h.3)).collect::<Vec<_>>()
    };
    assert_eq!(of(1)[..2], [(5, State::Failed, Some(OutOfBounds)), (7, State::Healthy, None)]);
    assert_eq!(of(2), [(10, State::Failed, Some(Silent))]);
    assert_eq!(of(5), [(11, State::Suspect, Some(Silent))]);
}
