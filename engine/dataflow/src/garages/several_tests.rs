//! Sections that gates, cameras and single places speak of.

use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    Direction, FacilityStatus, Figure, GarageState, Product, Quality, SectionState, SureWhy, Value,
};

use super::logic::Garages;
use crate::shell::{Logic, Standing};
use crate::testing::{Builder, Step, arrivals, play, said, sent};

fn garages(b: &Builder, steps: &[Step]) -> Vec<GarageState> {
    let updates = play(&mut Garages::new(&b.city, &Arc::default()), steps);
    let state = |product: Arc<Product>| match Arc::unwrap_or_clone(product) {
        Product::Garage(state) => state,
        other => panic!("{other:?}"),
    };
    updates.into_iter().map(|update| state(update.product)).collect()
}

fn last(b: &Builder, steps: &[Step]) -> SectionState {
    garages(b, steps).pop().unwrap().sections[0].clone()
}

fn gate(device: u32, at: i64, entries: u32, exits: u32) -> Step {
    Step::Batch(at, vec![said(device, at, Value::Totals { entries, exits })])
}

fn free(device: u32, at: i64, free: u32) -> Step {
    Step::Batch(at, vec![said(device, at, Value::Places { free })])
}

fn occupied(device: u32, at: i64, spaces: u32) -> Step {
    Step::Batch(at, vec![said(device, at, Value::Occupied { spaces })])
}

/// A section of 200 places whose sensor is device 0, with a gate as device 1.
fn with_gate() -> Builder {
    let mut b = Builder::default();
    b.garage(1);
    b.city.sections[0].capacity = 200;
    b.city.sections[0].full_at = 2;
    b.city.sections[0].reopen_at = 8;
    b.gate(0);
    b
}

#[test]
fn gates_alone_are_no_figure_until_something_ties_them() {
    let b = with_gate();
    let counted = [gate(1, 1_000, 0, 0), gate(1, 1_060, 40, 10)];
    let state = last(&b, &counted);
    assert_eq!((state.free, state.quality, state.status), (None, Quality::Missing, FacilityStatus::Unknown));
    assert_eq!((state.valid_until, state.certainty), (None, None));

    let mut tied = counted.to_vec();
    tied.push(free(0, 1_070, 170));
    tied.push(gate(1, 1_080, 42, 11));
    let state = last(&b, &tied);
    assert_eq!((state.free, state.quality), (Some(169), Quality::Good));
}

#[test]
fn passages_since_the_last_word_widen_the_figure_until_it_is_none_to_show() {
    let b = with_gate();
    let mut steps = vec![free(0, 1_000, 100), gate(1, 1_001, 0, 0)];
    let mut widths = Vec::new();
    let mut passed = 0;
    for at in [1_060, 1_120, 1_180] {
        passed += 60;
        steps.push(gate(1, at, passed, passed));
        let sure = last(&b, &steps).certainty.unwrap();
        assert_eq!(last(&b, &steps).free, Some(100), "the count itself stays");
        widths.push(sure.occupied_high - sure.occupied_low);
    }
    assert!(widths.is_sorted_by(|a, b| a < b) && widths[0] > 0, "{widths:?}");
    // Its sensor keeps silent, 20,000 go in and as many out.
    steps.push(gate(1, 1_240, 20_000, 20_000));
    let state = last(&b, &steps);
    assert_eq!((state.quality, state.status), (Quality::Degraded, FacilityStatus::Unknown));
    assert_eq!(state.certainty.map(|c| (c.says, c.why)), Some((Figure::Blank, SureWhy::TooWide)));
    // It speaks again.
    steps.push(free(0, 1_250, 80));
    let state = last(&b, &steps);
    assert_eq!((state.free, state.quality), (Some(80), Quality::Good));
    assert_eq!(state.certainty.map(|c| (c.occupied_low, c.occupied_high)), Some((120, 120)));
}

#[test]
fn a_count_that_may_be_off_says_neither_full_nor_free_at_the_edge() {
    let b = with_gate();
    let mut steps = vec![free(0, 1_000, 120), gate(1, 1_001, 0, 0)];
    steps.push(gate(1, 1_060, 400, 282));
    let state = last(&b, &steps);
    assert_eq!((state.free, state.status), (Some(2), FacilityStatus::Unknown), "{state:?}");
    // The sensor's word ends the doubt.
    steps.push(free(0, 1_070, 2));
    assert_eq!(last(&b, &steps).status, FacilityStatus::Full);
}

#[test]
fn a_silent_gate_makes_the_count_unsound_and_old_words_end() {
    let b = with_gate();
    let steps = [
        free(0, 1_000, 50),
        gate(1, 1_001, 0, 0),
        gate(1, 1_100, 5, 1),
        Step::Clock(1_390),
        Step::Clock(1_401),
    ];
    let seen: Vec<_> = garages(&b, &steps)
        .into_iter()
        .map(|g| (g.sections[0].free, g.sections[0].quality, g.sensors.reporting, g.sensors.total))
        .collect();
    assert_eq!(
        seen[seen.len() - 2..],
        // First the sensor is silent, which its gate makes up for; then nobody counts.
        [(Some(46), Quality::Good, 1, 2), (Some(46), Quality::Degraded, 0, 2)],
        "{seen:?}"
    );
    let mut steps = steps.to_vec();
    steps.push(Step::Clock(2_000));
    let state = last(&b, &steps);
    assert_eq!((state.quality, state.certainty), (Quality::Stale, None));
}

#[test]
fn a_sensor_that_states_more_than_there_is_ties_nothing() {
    let b = with_gate();
    let steps = [free(0, 1_000, 50), gate(1, 1_001, 0, 0), free(0, 1_010, 9_999), gate(1, 1_020, 1, 0)];
    let state = last(&b, &steps);
    assert_eq!((state.free, state.quality), (Some(49), Quality::Good));
}

/// A section of 100 places with two cameras, devices 1 and 2, and no sensor that speaks (device 0).
fn with_cameras(sd: f64) -> Builder {
    let mut b = Builder::default();
    b.garage(1);
    b.city.sections[0].capacity = 100;
    b.camera(0, sd);
    b.camera(0, sd);
    b
}

#[test]
fn cameras_that_agree_are_good_and_those_that_do_not_say_why_not() {
    let b = with_cameras(3.0);
    let table: [(&[Step], _, _, _); 5] = [
        (&[occupied(1, 1_000, 40)], Some(60), Quality::Good, false),
        // One states free places, the other taken ones.
        (&[occupied(1, 1_000, 40), free(2, 1_001, 56)], Some(58), Quality::Good, false),
        (&[occupied(1, 1_000, 20), occupied(2, 1_001, 80)], Some(50), Quality::Degraded, true),
        // The second is silent by now.
        (
            &[occupied(2, 1_000, 80), occupied(1, 1_290, 20), Step::Clock(1_301)],
            Some(80),
            Quality::Good,
            false,
        ),
        // What is not possible was not said.
        (&[occupied(1, 1_000, 30), free(2, 1_001, 101)], Some(70), Quality::Good, false),
    ];
    for (steps, free, quality, conflict) in table {
        let state = last(&b, steps);
        let sure = state.certainty.unwrap();
        assert_eq!((state.free, state.quality, sure.conflict), (free, quality, conflict), "{steps:?}");
        if conflict {
            assert_eq!((sure.says, state.status), (Figure::Blank, FacilityStatus::Unknown));
            assert!(sure.occupied_low <= 20 && 80 <= sure.occupied_high, "both are held: {sure:?}");
        }
    }
}

#[test]
fn a_camera_that_is_not_sure_enough_is_shown_to_nobody() {
    let b = with_cameras(10.0);
    let state = last(&b, &[occupied(1, 1_000, 50)]);
    assert_eq!((state.free, state.quality), (Some(50), Quality::Degraded));
    assert_eq!(state.certainty.map(|c| c.why), Some(SureWhy::TooWide));
}

#[test]
fn a_camera_that_is_not_believed_says_nothing() {
    let b = with_cameras(3.0);
    let mut logic = Garages::new(&b.city, &Arc::default());
    play(&mut logic, &[occupied(1, 1_000, 40), occupied(2, 1_000, 80)]);
    logic.stand(vlot_model::DeviceIx(2), Standing::Doubted);
    let mut out = Vec::new();
    logic.on_tick(9, crate::testing::s(1_001), &[], &mut out);
    let Some(Product::Garage(state)) = out.pop().map(|u| Arc::unwrap_or_clone(u.product)) else { panic!() };
    assert_eq!((state.sections[0].free, state.sections[0].quality), (Some(60), Quality::Good));
}

#[test]
fn a_camera_ties_the_gates_and_then_moves_on_with_them() {
    let mut b = Builder::default();
    b.garage(1);
    b.city.sections[0].capacity = 300;
    let (gate_, camera) = (b.gate(0).0, b.camera(0, 4.0).0);
    let mut steps = vec![gate(gate_, 1_000, 0, 0), occupied(camera, 1_010, 100)];
    assert_eq!(last(&b, &steps).free, Some(200));
    steps.push(gate(gate_, 1_020, 30, 5));
    assert_eq!(last(&b, &steps).free, Some(175));
    // What it states is true of its instant, and the gates tell what passed since.
    steps.push(occupied(camera, 1_030, 125));
    steps.push(gate(gate_, 1_040, 40, 5));
    let state = last(&b, &steps);
    assert_eq!((state.free, state.quality), (Some(165), Quality::Good));
    // Each is surer with the other.
    let sure = state.certainty.unwrap();
    assert!(sure.occupied_high - sure.occupied_low < 16, "{sure:?}");
}

#[test]
fn a_shed_with_a_sensor_in_each_place_says_what_is_free_and_since_when() {
    let mut b = Builder::default();
    b.garage(0);
    let section = vlot_model::SectionIx(0);
    b.city.sections.push(vlot_model::Section {
        id: "s".into(),
        name: "S".into(),
        garage: vlot_model::GarageIx(0),
        capacity: 4,
        rack: vlot_model::RackKind::Single,
        level: 0,
        full_at: 0,
        reopen_at: 3,
        sources: vlot_model::SectionSources::default(),
    });
    b.city.garages[0].sections.push(section);
    let places: Vec<u32> = (0..4).map(|_| b.place(0).0).collect();
    let bay = |i: usize, at, occupied| said(places[i], at, Value::Bay { occupied });
    let steps = [
        Step::Batch(1_000, vec![bay(0, 1_000, true), bay(1, 1_000, false)]),
        Step::Batch(1_010, vec![bay(2, 1_010, false), bay(3, 1_010, false)]),
    ];
    let seen = garages(&b, &steps);
    // Half of the places are not enough to speak of all.
    assert_eq!(seen[0].sections[0].quality, Quality::Degraded);
    let state = &seen[1].sections[0];
    assert_eq!(
        (state.free, state.quality, state.status),
        (Some(3), Quality::Good, FacilityStatus::SpacesAvailable)
    );
    assert_eq!(state.observed_at, Some(crate::testing::s(1_010)));
    assert_eq!((seen[1].free, seen[1].sensors.reporting, seen[1].unmoved.clone()), (Some(3), 4, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// The count is the last statement of the newest observation, and what passed after it.
    #[test]
    fn a_gated_section_is_its_last_word_and_what_passed_since(
        sent in prop::collection::vec(sent(), 1..100),
    ) {
        let mut b = with_gate();
        b.gate(0);
        let steps = arrivals(&sent, 3, |device, message, now| {
            let value = match device.0 {
                0 if message.choice < 128 => Value::Alive,
                0 => Value::Places { free: 90 + message.number },
                _ => {
                    let direction = if message.choice % 2 == 0 { Direction::In } else { Direction::Out };
                    Value::Passage { direction, vehicles: 1 }
                }
            };
            (None, now, value)
        });
        let mut heard = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            heard.extend(step.readings().iter().cloned());
            let stated = heard.iter().filter_map(|r| match r.value {
                Value::Places { free } => Some((r.observed_at, free)),
                _ => None,
            });
            let word = stated.max_by_key(|(at, _)| *at);
            let state = garages(&b, &steps[..=i]).pop();
            let Some((word_at, free)) = word else {
                prop_assert!(state.is_none_or(|g| g.sections[0].free.is_none()));
                continue;
            };
            let net: i64 = heard.iter().filter(|r| word_at < r.observed_at).map(|r| match r.value {
                Value::Passage { direction: Direction::In, .. } => 1,
                Value::Passage { .. } => -1,
                _ => 0,
            }).sum();
            let state = state.unwrap();
            let expected = u32::try_from(i64::from(free) - net).unwrap();
            prop_assert_eq!(state.sections[0].free, Some(expected));
            if let Some(sure) = state.sections[0].certainty {
                let taken = 200 - expected;
                prop_assert!(sure.occupied_low <= taken && taken <= sure.occupied_high);
                prop_assert!(state.sections[0].quality == Quality::Good || sure.says == Figure::Blank);
            }
        }
    }
}
