use super::{Dice, MONDAY, hour_of_week};
use crate::health::Rule::{Chattering, Clamped, Implausible, OutOfBounds, Reset, Sentinel, Silent, Stuck};
use crate::health::{
    BarrierHealth, BarrierRules, BicycleHealth, CountRules, DAY, HOUR, Interval, LoopHealth, MINUTE, Micros,
    Rule,
};

#[test]
fn a_barrier_by_its_passages() {
    let rules = BarrierRules::default();
    // Passages a day hour: in, out; heartbeats; for so many hours from noon.
    let cases: &[(&str, i32, i32, bool, i64, Option<Rule>)] = &[
        ("as always", 6, 6, true, 6, None),
        ("nothing counted", 0, 0, true, 6, Some(Stuck)),
        ("nothing goes out", 6, 0, true, 6, Some(Implausible)),
        ("silent", 0, 0, false, 3, Some(Silent)),
        ("a quarter of an hour of nothing", 0, 0, true, 0, None),
    ];
    for (name, inward, outward, alive, hours, expected) in cases {
        let mut barrier = BarrierHealth::default();
        let mut dice = Dice(5);
        let noon = MONDAY + 28 * DAY + 12 * HOUR;
        let end = noon + hours * HOUR + 15 * MINUTE;
        let mut now = MONDAY;
        while now < end {
            now += 10 * MINUTE;
            let hour = hour_of_week(now);
            let by_day = (7..22).contains(&(hour % 24));
            let (a, b, heard) = if now > noon { (*inward, *outward, *alive) } else { (6, 6, true) };
            for (n, way) in [(a, true), (b, false)] {
                if by_day && n > 0 && dice.below(6) < n {
                    barrier.passage(now, hour, way, 1, &rules);
                }
            }
            if heard {
                barrier.alive(now, hour, &rules);
            }
            barrier.on_clock(now, hour, &rules);
            if now <= noon {
                assert_eq!(barrier.state().rule, None, "{name}: {:?}", barrier.state());
            }
        }
        assert_eq!(barrier.state().rule, *expected, "{name}: {:?}", barrier.state());
    }
}

#[test]
fn a_barrier_by_what_can_pass() {
    let rules = BarrierRules::default();
    let mut barrier = BarrierHealth::default();
    barrier.passage(MONDAY, 0, true, 20, &rules);
    assert_eq!(barrier.state().rule, None);
    barrier.passage(MONDAY + 1, 0, true, 20, &rules);
    assert_eq!(barrier.state().rule, Some(Chattering));
    barrier.on_clock(MONDAY + 7 * HOUR, 7, &BarrierRules { silent_after: DAY, ..rules });
    assert_eq!(barrier.state().rule, None, "it calms");
    // Totals: a restart is no fault, a leap is.
    let cases = [((100, 90), None), ((160, 95), None), ((3, 1), None), ((3_000, 4), Some(Reset))];
    let mut barrier = BarrierHealth::default();
    for (i, ((entries, exits), expected)) in cases.into_iter().enumerate() {
        let at = MONDAY + i64::try_from(i).unwrap() * 10 * MINUTE;
        barrier.totals(at, 0, entries, exits, &rules);
        assert_eq!(barrier.state().rule, expected, "{entries}");
    }
}

/// Vehicles of a minute by day.
fn flow(hour: u8, dice: &mut Dice) -> u32 {
    let most = if (6..23).contains(&(hour % 24)) { 20 } else { 2 };
    u32::try_from(dice.below(most)).unwrap()
}

#[test]
fn a_loop_by_its_intervals() {
    let rules = CountRules::default();
    type Fault = fn(Interval) -> Interval;
    let cases: &[(&str, Fault, i64, Option<Rule>)] = &[
        ("as always", |i| i, 300, None),
        ("dead", |i| Interval { vehicles: Some(0), speed_kmh: None, ..i }, 60, Some(Stuck)),
        ("some quiet minutes", |i| Interval { vehicles: Some(0), ..i }, 4, None),
        (
            "repeats itself",
            |i| Interval { vehicles: Some(17), speed_kmh: Some(44.5), detector_occupancy_pct: None, ..i },
            15,
            Some(Stuck),
        ),
        (
            "locked on",
            |i| Interval { vehicles: Some(0), detector_occupancy_pct: Some(100.0), ..i },
            31,
            Some(Clamped),
        ),
        ("a jam", |i| Interval { vehicles: Some(0), detector_occupancy_pct: Some(100.0), ..i }, 10, None),
        ("too many", |i| Interval { vehicles: Some(400), ..i }, 1, Some(OutOfBounds)),
        ("no figures", |i| Interval { vehicles: None, ..i }, 8, Some(Sentinel)),
        (
            "a code for the speed",
            |i| Interval { vehicles: Some(5), speed_kmh: Some(252.0), ..i },
            8,
            Some(Sentinel),
        ),
        (
            "vehicles that pass without a speed",
            |i| Interval { vehicles: Some(5), speed_kmh: Some(0.0), detector_occupancy_pct: Some(6.0), ..i },
            8,
            Some(Sentinel),
        ),
        (
            "vehicles that creep over it",
            |i| Interval {
                vehicles: i.vehicles.map(|n| n.max(1)),
                speed_kmh: Some(0.0),
                detector_occupancy_pct: i.detector_occupancy_pct.map(|pct| 55.0 + pct),
                ..i
            },
            8,
            None,
        ),
        (
            "0 without vehicles is no fault",
            |i| Interval { vehicles: Some(0), speed_kmh: Some(0.0), ..i },
            3,
            None,
        ),
        (
            "252 without vehicles is no fault",
            |i| Interval { vehicles: Some(0), speed_kmh: Some(252.0), ..i },
            3,
            None,
        ),
    ];
    for (name, fault, minutes, expected) in cases {
        let mut health = LoopHealth::default();
        let mut dice = Dice(11);
        let noon = MONDAY + 21 * DAY + 12 * HOUR;
        let mut at = MONDAY;
        while at < noon + minutes * MINUTE {
            let vehicles = flow(hour_of_week(at), &mut dice);
            let speed_kmh = (vehicles > 0).then(|| 40.0 + dice.below(100) as f32 / 10.0);
            let occupancy = Some(vehicles as f32 * 2.0);
            let well = Interval {
                interval_s: 60,
                vehicles: Some(vehicles),
                speed_kmh,
                detector_occupancy_pct: occupancy,
            };
            health.observe(at, hour_of_week(at), if at >= noon { fault(well) } else { well }, &rules);
            health.on_clock(at, &rules);
            at += MINUTE;
            assert!(at > noon || health.state().rule.is_none(), "{name}: {:?}", health.state());
        }
        assert_eq!(health.state().rule, *expected, "{name}: {:?}", health.state());
        health.on_clock(at + 2 * HOUR, &rules);
        assert!(health.state().rule.is_some(), "{name}: then silent");
    }
}

#[test]
fn a_bicycle_counter_by_its_gaps_and_zeros() {
    let rules = CountRules::default();
    let cases: &[(&str, Option<u32>, i64, Option<Rule>)] = &[
        ("gaps", None, 8, Some(Sentinel)),
        ("one gap", None, 1, None),
        ("zeros by day", Some(0), 40, Some(Stuck)),
        ("zeros for an hour", Some(0), 4, None),
        ("the same again and again", Some(57), 14, Some(Stuck)),
        ("more than a path can carry", Some(5_000), 1, Some(OutOfBounds)),
    ];
    for (name, fault, intervals, expected) in cases {
        let mut health = BicycleHealth::default();
        let mut dice = Dice(13);
        let start: Micros = MONDAY + 28 * DAY + 8 * HOUR;
        let mut at = MONDAY;
        while at < start + intervals * 15 * MINUTE {
            let well = Some(flow(hour_of_week(at), &mut dice) * 3);
            let bicycles = if at >= start { *fault } else { well };
            health.observe(at, hour_of_week(at), 900, bicycles, &rules);
            at += 15 * MINUTE;
            assert!(at > start || health.state().rule.is_none(), "{name}: {:?}", health.state());
        }
        health.on_clock(at, &rules);
        assert_eq!(health.state().rule, *expected, "{name}: {:?}", health.state());
        for _ in 0..8 {
            health.observe(at, hour_of_week(at), 900, Some(20 + flow(80, &mut dice)), &rules);
            at += 15 * MINUTE;
        }
        assert_eq!(health.state().rule, None, "{name}: recovers");
    }
}
