//! A naive twin: it keeps all that it ever heard, looks at every link at every tick of the clock, and sorts and filters anew
//! each time. The arithmetic of single figures is shared; what counts, when, and for whom is not.

#![expect(clippy::cast_possible_truncation, reason = "small figures")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    City, Effect, LinkIx, LinkSources, LinkState, Quality, Reading, Situation, Timestamp, Value,
};

use super::fuse::{
    Bias, Measure, Passed, fuse, of_detectors, of_probes, plausible, seconds_of, space_mean_kmh, z_of,
};
use super::kept::age_s;
use super::tests::{city, counted, pair, passed, play, stated};
use crate::testing::Step;

#[derive(Default)]
struct Street {
    bounds: BTreeMap<u32, Arc<Situation>>,
    /// Something began or ended: it is published at once.
    bound: bool,
    told: bool,
    bias: Option<Bias>,
    learned: Option<i64>,
    published: Option<i64>,
    touched: bool,
    known: Option<i64>,
}

impl Street {
    fn closed(&self) -> bool {
        self.bounds.values().any(|s| s.effect == Effect::Closed)
    }

    fn limits(&self) -> impl Iterator<Item = f32> {
        self.bounds.values().filter_map(|s| match s.effect {
            Effect::SpeedLimit { kmh } => Some(kmh),
            _ => None,
        })
    }

    fn usual(&self) -> f64 {
        z_of(10.0 * self.limits().map(|kmh| 36.0 / f64::from(kmh)).fold(1.0, f64::max), 10.0)
    }
}

/// What shows of a state, in the order of links.
type Shown = (u64, u32, i64, u16, Option<u32>, [bool; 4], f32, f32, usize);

fn twin(city: &City, steps: &[Step]) -> Vec<Shown> {
    let (min, window) = (usize::from(city.traffic.probes_min), 600);
    let mut heard: Vec<(i64, Reading)> = Vec::new();
    let mut streets: Vec<Street> = (0..6).map(|_| Street::default()).collect();
    let mut out = Vec::new();
    for (tick, step) in (1..).zip(steps) {
        let now = step.at().micros() / 1_000_000;
        let mut stated: Vec<&Arc<Situation>> = (step.readings().iter())
            .filter_map(|reading| match &reading.value {
                Value::Situation(situation) => Some(situation),
                _ => None,
            })
            .collect();
        stated.sort_by_key(|situation| situation.id.clone());
        for (situation, link) in stated
            .into_iter()
            .flat_map(|s| super::tests::links_of(city, s).into_iter().map(move |l| (s, l.at())))
        {
            let street = &mut streets[link];
            let (was_closed, slot) = (street.closed(), situation.id.parse().unwrap());
            let before = street.bounds.clone();
            match situation.withdrawn {
                true => street.bounds.remove(&slot),
                false => street.bounds.insert(slot, Arc::clone(situation)),
            };
            street.bound |= before != street.bounds;
            let closed = street.closed();
            let is_pair = |r: &Reading| matches!(r.value, Value::PairTime { .. });
            if was_closed && !closed {
                heard.retain(|(_, r)| is_pair(r) || !links_of(city, r).contains(&link));
            }
            if was_closed != closed && link >= 3 {
                heard.retain(|(_, r)| !is_pair(r));
                streets[3..6].iter_mut().for_each(|street| street.touched = true);
            }
        }
        for reading in step.readings() {
            let at = said(reading);
            if at < now - window || at > now + 60 {
                continue;
            }
            for link in links_of(city, reading) {
                streets[link].touched = true;
            }
            if !heard.iter().any(|(_, r)| same_interval(r, reading)) && !links_of(city, reading).is_empty() {
                heard.push((at, reading.clone()));
            }
        }
        if let Step::Batch(..) = step {
            continue;
        }
        let fresh: Vec<&(i64, Reading)> = heard.iter().filter(|(at, _)| *at >= now - window).collect();
        let locals: Vec<_> = (0..6)
            .map(|i| local(&fresh, i, now, min, streets[i].bias.unwrap_or(Bias::of(0.35)), city))
            .collect();
        let usual: Vec<f64> = streets.iter().map(Street::usual).collect();
        let own = |i: usize| fuse(usual[i], locals[i].1.into_iter().chain(locals[i].2));
        let times: Vec<(i64, f64)> = fresh
            .iter()
            .filter_map(|(at, r)| match r.value {
                Value::PairTime { seconds } => Some((*at, f64::from(seconds))),
                _ => None,
            })
            .collect();
        let total: f64 = (3..6).map(|i| seconds_of(own(i).z, 10.0)).sum();
        let mut pairs = super::pairs::PairKept::new(&city.pairs[0]);
        times.iter().for_each(|(at, t)| assert!(pairs.take(Timestamp::from_secs(*at), *t as f32)));
        let shut = streets[3..6].iter().any(Street::closed);
        let said = pairs.time(step.at(), min as u16, &mut Vec::new()).filter(|_| !shut);
        for i in 0..6 {
            let (vehicles, detectors, probes, flow, newest, spot) = locals[i];
            let of_pair = said.filter(|_| i >= 3);
            let street = &mut streets[i];
            let soon = street.touched && street.published.is_none_or(|at| now >= at + 10);
            let ages = street.known.is_some() && street.published.is_some_and(|at| now >= at + 30);
            if !soon && !ages && !street.bound {
                continue;
            }
            street.touched = false;
            street.bound = false;
            let bounds = street.bounds.len();
            let begun = (std::mem::replace(&mut street.told, bounds > 0) || bounds > 0).then_some(now);
            let newest = newest.max(of_pair.map(|p| p.newest.micros() / 1_000_000));
            let Some(observed) = newest.or(street.known).or(begun) else { continue };
            street.published = Some(now);
            street.known = newest;
            let of_pair = of_pair.map(|p| p.of_link(own(i).z, 10.0, total));
            let closed = street.closed();
            let limited = closed || street.limits().next().is_some();
            let measures = detectors.into_iter().chain(probes).chain(of_pair).filter(|_| !closed);
            let all = fuse(usual[i], measures);
            let sources = [detectors.is_some(), probes.is_some(), of_pair.is_some()].map(|is| is && !closed);
            let sources = [sources[0], sources[1], sources[2], limited];
            let vehicles = if closed { 0 } else { vehicles };
            let time = seconds_of(all.z, 10.0) as f32;
            let speed = (36.0 * 10.0 / seconds_of(all.z, 10.0)) as f32;
            out.push((tick, i as u32, observed, vehicles, flow, sources, time, speed, bounds));
            if let (Some(spot), Some(probes)) = (spot, probes)
                && !closed
                && street.learned.is_none_or(|at| now >= at + 300)
            {
                let after = street.learned.map_or(0.0, |at| (now - at) as f64);
                street.bias.get_or_insert(Bias::of(0.35)).learn(probes, spot, after, 0.35);
                street.learned = Some(now);
            }
        }
    }
    out
}

fn said(reading: &Reading) -> i64 {
    let end = match reading.value {
        Value::Traffic { interval_s, .. } => reading.observed_at.micros() / 1_000_000 + i64::from(interval_s),
        _ => reading.observed_at.micros() / 1_000_000,
    };
    end.min(reading.received_at.micros() / 1_000_000)
}

/// A detector's interval counts once.
fn same_interval(a: &Reading, b: &Reading) -> bool {
    matches!((&a.value, &b.value), (Value::Traffic { .. }, Value::Traffic { .. }))
        && a.device == b.device
        && said(a) == said(b)
}

/// The links that a reading says something possible of.
fn links_of(city: &City, reading: &Reading) -> Vec<usize> {
    match reading.value {
        Value::Traversal { link, seconds, .. } if (4.0..900.0).contains(&seconds) => {
            city.network.as_ref().unwrap().find(link).iter().map(|l| l.at()).collect()
        }
        Value::PairTime { seconds } if (5.0..=900.0).contains(&seconds) => vec![3, 4, 5],
        Value::Traffic { .. } => vec![[1, 1, 3][reading.device.at()]],
        _ => Vec::new(),
    }
}

type Local = (u16, Option<Measure>, Option<Measure>, Option<u32>, Option<i64>, Option<Measure>);

fn local(fresh: &[&(i64, Reading)], link: usize, now: i64, min: usize, bias: Bias, city: &City) -> Local {
    let age = |at: i64| age_s(Timestamp::from_secs(now), Timestamp::from_secs(at));
    let (mut followed, mut spots, mut flows) =
        (Vec::new(), Vec::new(), BTreeMap::<i64, BTreeMap<u32, u32>>::new());
    let mut with_speed = None;
    for (at, reading) in fresh.iter().filter(|(_, r)| links_of(city, r).contains(&link)) {
        match reading.value {
            Value::Traversal { seconds, token, .. } => {
                let z = z_of(seconds.into(), 10.0);
                followed.push((*at, f64::from(z as f32), token));
            }
            Value::Traffic { vehicles, speed_kmh: Some(speed), .. } => {
                flows.entry(*at).or_default().insert(reading.device.0, vehicles);
                if vehicles > 0 && speed > 0.0 && speed <= 250.0 {
                    let z = z_of(360.0 / space_mean_kmh(speed.into()), 10.0).clamp(-0.7, 4.5);
                    spots.push(Passed { z, vehicles: vehicles.into(), age_s: age(*at) });
                    with_speed = with_speed.max(Some(*at));
                }
            }
            _ => {}
        }
    }
    let spot = of_detectors(&spots);
    let detectors = spot.map(|spot| bias.apply(spot));
    let lanes = if link == 1 { 2 } else { 1 };
    let last = flows.last_key_value();
    let flow = last.filter(|(_, said)| said.len() == lanes).map(|(_, said)| said.values().sum::<u32>() * 60);
    let mut newest = with_speed.max(flow.and(last.map(|(at, _)| *at)));
    let all: Vec<f64> = followed.iter().map(|(_, z, _)| *z).collect();
    let keep = plausible(&all, &mut Vec::new());
    followed.retain(|(_, z, _)| keep(*z));
    let vehicles: BTreeSet<u32> = followed.iter().map(|(.., token)| *token).collect();
    let mut probes = None;
    if vehicles.len() >= min && all.len() >= min {
        let passed: Vec<Passed> =
            followed.iter().map(|(at, z, _)| Passed { z: *z, vehicles: 1.0, age_s: age(*at) }).collect();
        probes = of_probes(&passed);
        newest = newest.max(followed.iter().map(|(at, ..)| *at).max());
    }
    let shown = if probes.is_some() { vehicles.len() as u16 } else { 0 };
    (shown, detectors, probes, flow, newest, spot)
}

fn shown((tick, state): &(u64, LinkState)) -> Shown {
    let LinkSources { detectors, probes, pairs, situations } = state.sources;
    let sources = [detectors, probes, pairs, situations];
    assert_eq!(state.quality == Quality::Missing, sources[..3] == [false; 3]);
    assert!(!state.is_closed() || state.quality == Quality::Missing);
    assert!(state.speed_low_kmh <= state.speed_kmh && state.speed_kmh <= state.speed_high_kmh);
    assert_eq!(state.probes > 0, state.sources.probes);
    assert!(state.probes == 0 || state.probes >= 3);
    let observed = state.observed_at.micros() / 1_000_000;
    let LinkState { link: LinkIx(link), probes, flow_vph, travel_time_s, speed_kmh, .. } = *state;
    (*tick, link, observed, probes, flow_vph, sources, travel_time_s, speed_kmh, state.situations.len())
}

fn reading(now: i64) -> impl Strategy<Value = Reading> {
    let late = prop_oneof![8 => Just(0_i64), 2 => -700_i64..0, 1 => 0_i64..80];
    let link = prop_oneof![4 => Just(2_u32), 1 => 0_u32..8];
    let seconds = prop_oneof![8 => 8.0_f32..80.0, 1 => 300.0_f32..890.0, 1 => Just(f32::NAN)];
    prop_oneof![
        5 => (link, seconds.clone(), 0_u32..6, late.clone()).prop_map(move |(link, seconds, token, late)| {
            let mut reading = passed(now + late, link, seconds, token);
            reading.received_at = Timestamp::from_secs(now);
            reading
        }),
        2 => (seconds, late).prop_map(move |(seconds, late)| {
            let mut reading = pair(now + late, seconds);
            reading.received_at = Timestamp::from_secs(now);
            reading
        }),
        1 => (0_u32..3, prop::collection::vec(0_u32..6, 1..3), 0_u8..5).prop_map(move |(slot, mut links, effect)| {
            links.sort_unstable();
            links.dedup();
            let effect = match effect {
                0 => Some(Effect::Closed),
                1 => Some(Effect::SpeedLimit { kmh: 12.0 }),
                2 => Some(Effect::LanesClosed { lanes: 1 }),
                _ => None,
            };
            stated(now, slot, &links, effect)
        }),
        3 => (0_u32..3, 0_i64..3, 0_u32..9, prop_oneof![4 => 3.0_f32..60.0, 1 => 249.0_f32..300.0, 1 => Just(0.0)])
            .prop_map(move |(device, back, vehicles, speed)| counted(device, (now / 60 - 1 - back) * 60, vehicles, speed)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_i64..40, prop::bool::weighted(0.6));
    prop::collection::vec(step, 1..80).prop_flat_map(|gaps| {
        let mut now = 1_700_000_000;
        let steps: Vec<BoxedStrategy<Step>> = gaps
            .into_iter()
            .map(|(gap, clock)| {
                now += gap;
                let at = now;
                if clock {
                    Just(Step::Clock(at)).boxed()
                } else {
                    prop::collection::vec(reading(at), 1..6).prop_map(move |r| Step::Batch(at, r)).boxed()
                }
            })
            .collect();
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn links_are_as_their_twin_says(steps in steps()) {
        let city = city();
        let (states, _) = play(&city, &steps);
        let mut found: Vec<Shown> = states.iter().map(shown).collect();
        found.sort_by_key(|s| (s.0, s.1));
        let expected = twin(&city, &steps);
        prop_assert_eq!(crate::testing::difference(&found, &expected), None);
    }
}
