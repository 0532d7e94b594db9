use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{City, Counting, DeviceKind, FacilityIx, Meters, Product, Role, Update, Value};

use super::logic::Expected;
use crate::shell::Logic as _;
use crate::testing::{Builder, Step, play, s, said};

/// Two car parks of four spaces each, whose apps are devices 0 and 1; device 2 is none of them.
fn city() -> City {
    let mut made = Builder::default();
    for _ in 0..2 {
        made.facility(Counting::Absolute, 0, 0, 0).capacity = 4;
    }
    for facility in [0, 1].map(FacilityIx) {
        made.device(DeviceKind::Apps, Role::Apps { facility }, 60);
    }
    made.operator();
    made.city
}

fn guided(device: u32, at: i64, vehicles: u16, arrive_after_s: u32) -> vlot_model::Reading {
    said(device, at, Value::Guided { vehicles, arrive_after_s })
}

/// Facility, and vehicles by minute.
fn told(updates: &[Update]) -> Vec<(u32, Vec<(i64, u32)>)> {
    let minutes = |update: &Update| match &*update.product {
        Product::Expected(p) => {
            let of = p.arrivals.iter().map(|m| (m.minute.micros() / 60_000_000, m.vehicles));
            (p.facility.0, of.collect())
        }
        other => panic!("{other:?}"),
    };
    updates.iter().map(minutes).collect()
}

#[test]
fn announcements_add_up_by_minute_and_are_forgotten_when_it_is_over() {
    let mut logic = Expected::new(&city(), &Arc::new(Meters::default()));
    let updates = play(
        &mut logic,
        &[
            Step::Batch(0, vec![guided(0, 0, 1, 300), guided(1, 0, 2, 60), guided(0, 0, 1, 310)]),
            Step::Batch(10, vec![guided(0, 10, 1, 600)]),
            Step::Clock(119),
            Step::Clock(120),
            Step::Clock(360),
            Step::Clock(661),
        ],
    );
    assert_eq!(
        told(&updates),
        [
            (0, vec![(5, 2)]),
            (1, vec![(1, 2)]),
            (0, vec![(5, 2), (10, 1)]),
            (1, vec![]),
            (0, vec![(10, 1)]),
            (0, vec![]),
        ]
    );
}

#[test]
fn nobody_fills_a_facility_more_than_once_and_nothing_is_announced_far_ahead_or_of_the_past() {
    let meters = Arc::new(Meters::default());
    let mut logic = Expected::new(&city(), &meters);
    let updates = play(
        &mut logic,
        &[
            Step::Batch(600, vec![guided(0, 600, 3, 300)]),
            Step::Batch(601, vec![guided(0, 601, 9, 360)]),
            // Full on paper, too far ahead, over already, and not an announcement.
            Step::Batch(602, vec![guided(0, 602, 1, 60)]),
            Step::Batch(603, vec![guided(1, 603, 1, 7_201), guided(1, 300, 1, 200)]),
            Step::Batch(604, vec![said(0, 604, Value::Alive), guided(2, 604, 1, 60)]),
        ],
    );
    assert_eq!(told(&updates), [(0, vec![(15, 3)]), (0, vec![(15, 3), (16, 1)])]);
    assert_eq!(meters.readings_unusable.get(), 5);
}

proptest! {
    /// The naive twin keeps every announcement that counted and looks at all of them each time.
    #[test]
    fn counts_are_those_of_a_naive_twin(
        said in prop::collection::vec((0_u32..2, 0_i64..90, 1_u16..4, 0_u32..9_000, any::<bool>()), 1..60),
    ) {
        let mut logic = Expected::new(&city(), &Arc::new(Meters::default()));
        let mut kept: Vec<(u32, i64, u32)> = Vec::new();
        let mut now = 0;
        for (tick, (device, gap, vehicles, after, clock)) in said.into_iter().enumerate() {
            now += gap;
            let mut out = Vec::new();
            let tick = tick as u64 + 1;
            if clock {
                logic.on_clock(tick, s(now), &mut out);
                kept.retain(|(_, minute, _)| now < (minute + 1) * 60);
            } else {
                let reading = guided(device, now, vehicles, after);
                let input = vlot_model::Admitted { tick, at: s(now), index: 0, reading };
                logic.on_tick(tick, s(now), &[input], &mut out);
                let there: u32 = kept.iter().filter(|k| k.0 == device).map(|k| k.2).sum();
                let more = u32::from(vehicles).min(4 - there);
                if after <= 7_200 && more > 0 {
                    kept.push((device, (now + i64::from(after)) / 60, more));
                }
            }
            for (facility, minutes) in told(&out) {
                let mut naive = std::collections::BTreeMap::new();
                for (_, minute, vehicles) in kept.iter().filter(|k| k.0 == facility) {
                    *naive.entry(*minute).or_insert(0) += vehicles;
                }
                prop_assert_eq!(minutes, naive.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
