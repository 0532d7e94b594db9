use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    City, DeviceIx, FacilityStatus, GarageIx, GarageState, Meters, Product, Quality, Reading, Role,
    SectionState, Share, Timestamp, Value,
};

use super::logic::Garages;
use crate::testing::{Builder, Step, arrivals, difference, play, s, said, sent};

fn published(city: &City, steps: &[Step]) -> Vec<(u64, GarageState)> {
    let meters = Arc::new(Meters::default());
    let updates = play(&mut Garages::new(city, &meters), steps);
    let mut out: Vec<_> = updates
        .into_iter()
        .map(|update| match Arc::unwrap_or_clone(update.product) {
            Product::Garage(state) => (update.tick, state),
            other => panic!("{other:?}"),
        })
        .collect();
    out.sort_by_key(|(tick, state)| (*tick, state.garage));
    out
}

/// Each section's newest statement, looked up anew at every tick.
fn expected(city: &City, steps: &[Step]) -> Vec<(u64, GarageState)> {
    let mut out: Vec<(u64, GarageState)> = Vec::new();
    let mut heard: Vec<Reading> = Vec::new();
    let mut full = vec![false; city.sections.len()];
    let section_of = |device: DeviceIx| match city.devices[device.at()].role {
        Role::Section { section } => section,
        other => panic!("{other:?}"),
    };
    for (tick, step) in (1..).zip(steps) {
        let now = step.at();
        heard.extend(step.readings().iter().cloned());
        for (i, garage) in city.garages.iter().enumerate() {
            let of_garage = |r: &Reading| garage.sections.contains(&section_of(r.device));
            let known = heard.iter().any(of_garage);
            let touched = step.readings().iter().any(of_garage);
            if !known || (matches!(step, Step::Batch(..)) && !touched) {
                continue;
            }
            let mut sensors = Share::default();
            let mut sections = Vec::new();
            for ix in &garage.sections {
                let section = &city.sections[ix.at()];
                let of_section = || heard.iter().filter(|r| section_of(r.device) == *ix);
                let when = |r: &Reading| r.observed_at.min(r.received_at);
                let silent_after = std::time::Duration::from_secs(300);
                let reports = of_section().any(|r| now < when(r) + silent_after);
                sensors.total += 1;
                sensors.reporting += u32::from(reports);
                let places = of_section().filter_map(|r| match r.value {
                    Value::Places { free } => Some((r.observed_at, free, when(r))),
                    _ => None,
                });
                let stated = places.max_by_key(|(at, ..)| *at);
                let until: Option<Timestamp> = stated.map(|(.., said)| said + garage.valid_for);
                let quality = match (stated, until) {
                    (None, _) | (_, None) => Quality::Missing,
                    (_, Some(until)) if now >= until => Quality::Stale,
                    (Some((_, free, _)), _) if free <= section.capacity && reports => Quality::Good,
                    _ => Quality::Degraded,
                };
                let free =
                    stated.map(|(_, free, _)| if free > section.capacity { section.capacity } else { free });
                let status = match free {
                    Some(free) if quality == Quality::Good => {
                        let full = &mut full[ix.at()];
                        *full = if *full { free < section.reopen_at } else { free <= section.full_at };
                        if *full { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable }
                    }
                    _ => FacilityStatus::Unknown,
                };
                sections.push(SectionState {
                    section: *ix,
                    capacity: section.capacity,
                    free,
                    status,
                    observed_at: stated.map(|(.., said)| said),
                    valid_until: until,
                    quality,
                    certainty: None,
                });
            }
            let trusted = |s: &SectionState| matches!(s.quality, Quality::Good | Quality::Degraded);
            let state = GarageState {
                garage: GarageIx::from_position(i),
                free: sections.iter().all(trusted).then(|| sections.iter().filter_map(|s| s.free).sum()),
                capacity: sections.iter().map(|s| s.capacity).sum(),
                observed_at: sections.iter().filter_map(|s| s.observed_at).min(),
                valid_until: sections.iter().filter_map(|s| s.valid_until).min(),
                quality: sections.iter().map(|s| s.quality).max().unwrap(),
                sensors,
                sections,
                unmoved: None,
            };
            let before = out.iter().rev().find(|(_, old)| old.garage == state.garage);
            if before.is_none_or(|(_, old)| *old != state) {
                out.push((tick, state));
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn garages_are_what_their_readings_say(sent in prop::collection::vec(sent(), 1..120)) {
        let mut b = Builder::default();
        b.garage(3);
        b.garage(1);
        let steps = arrivals(&sent, 4, |_, message, now| {
            let value = if message.choice < 40 { Value::Alive } else { Value::Places { free: message.number } };
            (None, now, value)
        });
        prop_assert_eq!(difference(&published(&b.city, &steps), &expected(&b.city, &steps)), None);
    }
}

#[test]
fn a_garage_has_a_sum_only_while_every_section_is_known() {
    let mut b = Builder::default();
    b.garage(2);
    let places = |device, at, free| said(device, at, Value::Places { free });
    let steps = [
        Step::Batch(1_000, vec![places(0, 1_000, 4)]),
        Step::Batch(1_010, vec![places(1, 1_010, 0)]),
        // More free places than there are: shown within bounds, and not trusted.
        Step::Batch(1_020, vec![places(1, 1_020, 11)]),
        Step::Clock(1_300),
        Step::Clock(1_900),
        Step::Clock(2_500),
    ];
    let seen: Vec<_> = published(&b.city, &steps)
        .into_iter()
        .map(|(_, g)| (g.free, g.quality, g.sensors.reporting, g.sections[1].free, g.sections[1].status))
        .collect();
    let unknown = FacilityStatus::Unknown;
    assert_eq!(
        seen,
        [
            (None, Quality::Missing, 1, None, unknown),
            (Some(4), Quality::Good, 2, Some(0), FacilityStatus::Full),
            (Some(14), Quality::Degraded, 2, Some(10), unknown),
            (Some(14), Quality::Degraded, 1, Some(10), unknown),
            (None, Quality::Stale, 0, Some(10), unknown),
            (None, Quality::Stale, 0, Some(10), unknown),
        ]
    );
    let last = published(&b.city, &steps).pop().unwrap().1;
    assert_eq!((last.observed_at, last.valid_until), (Some(s(1_000)), Some(s(1_900))));
}

#[test]
fn a_garage_for_some_days_is_closed_outside_them_and_not_missed() {
    let mut b = Builder::default();
    b.garage(2);
    b.city.garages[0].site.stands = Some((s(1_000), s(2_000)));
    let mut logic = Garages::new(&b.city, &Arc::default());
    let says = |at, free| {
        Step::Batch(at, vec![said(0, at, Value::Places { free }), said(1, at, Value::Places { free })])
    };
    let steps = [
        Step::Clock(10),
        says(900, 4),
        Step::Clock(1_000),
        says(1_900, 7),
        Step::Clock(2_000),
        says(2_500, 1),
    ];
    let seen: Vec<_> = play(&mut logic, &steps)
        .into_iter()
        .map(|update| match &*update.product {
            Product::Garage(g) => (update.at, g.free, g.quality, g.sections[0].status, g.sensors.total),
            other => panic!("{other:?}"),
        })
        .collect();
    let closed = |at| (s(at), None, Quality::Missing, FacilityStatus::Closed, 0);
    let open = |at, free| (s(at), Some(free), Quality::Good, FacilityStatus::SpacesAvailable, 2);
    assert_eq!(seen, [closed(10), open(1_000, 8), open(1_900, 14), closed(2_000)]);
}
