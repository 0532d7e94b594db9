//! Situations, one by one. Hours begin at 1800 s here, plus whole hours.

use super::*;

const START: i64 = 1_800;

/// Plays ticks of the clock every 30 s from `from` to `to`; returns the last product of each facility.
fn clocks(logic: &mut Zones, from: i64, to: i64) -> Vec<ZonePressure> {
    let mut last: Vec<ZonePressure> = Vec::new();
    for at in (from..=to).step_by(30) {
        for zone in tick(logic, u64::try_from(at).unwrap(), at, &[]) {
            last.retain(|z| z.facility != zone.facility);
            last.push(zone);
        }
    }
    last
}

#[test]
fn pressure_is_weighted_by_time_and_the_last_whole_hour_raises_the_alarm() {
    let mut zones = Zones::new(&city(None));
    tick(&mut zones, 1, START, &[figure(1, 20, 0, START + 20_000)]);
    clocks(&mut zones, START + 30, START + 2_700);
    tick(&mut zones, 2, START + 2_700, &[figure(1, 8, 12, START + 20_000)]);
    let seen = clocks(&mut zones, START + 2_730, START + 3_600);
    // Three quarters of the hour full, one quarter at 40 %: 85 %, which is where the alarm begins.
    let zone = &seen[0];
    assert_eq!((zone.last_hour_pct, zone.alarm, zone.pressure_pct), (Some(85.0), true, None));
    assert_eq!(zone.hour, s(START + 3_600));
    assert_eq!(zone.departures, None, "no bays");
    let balance = zone.balance.unwrap();
    assert_eq!(
        (balance.capacity, balance.demand_mean, balance.demand_peak, balance.full_s),
        (20, 17.0, 20, 2_700)
    );
    let zone = &clocks(&mut zones, START + 3_630, START + 7_200)[0];
    assert_eq!((zone.last_hour_pct, zone.alarm, zone.pressure_pct), (Some(40.0), false, None));
}

#[test]
fn an_hour_that_is_hardly_known_has_no_pressure() {
    let mut zones = Zones::new(&city(None));
    // The figure outlives its validity after 2,699 of 3,600 s: one second less than three quarters.
    tick(&mut zones, 1, START, &[figure(1, 10, 10, START + 2_699)]);
    let zone = &clocks(&mut zones, START + 30, START + 3_540)[0];
    assert_eq!((zone.pressure_pct, zone.last_hour_pct), (Some(50.0), None));
    let zone = &clocks(&mut zones, START + 3_570, START + 3_600)[0];
    assert_eq!((zone.pressure_pct, zone.last_hour_pct, zone.alarm, zone.balance), (None, None, false, None));
}

#[test]
fn an_overstay_begins_after_the_limit_and_ends_when_the_vehicle_leaves() {
    let mut zones = Zones::new(&city(None));
    tick(&mut zones, 1, 0, &[taken(0, 1, 0, true), taken(3, 1, 0, true)]);
    for (at, sequence) in [(500, 2), (1_000, 3), (1_500, 4)] {
        tick(&mut zones, 1, at, &[taken(0, sequence, at, true), taken(3, sequence, at, true)]);
    }
    assert_eq!(clocks(&mut zones, 1_501, 1_799), []);
    // At once, not at the next minute; the bay that is for everyone has no limit.
    let seen = tick(&mut zones, 2, 1_800, &[]);
    assert_eq!(seen[0].overstays, [vlot_model::Overstay { bay: 0, since: s(0), limit_s: 1_800 }]);
    assert_eq!(seen[0].overstays_begun, 1);
    let seen = tick(&mut zones, 3, 1_811, &[taken(0, 5, 1_810, false)]);
    assert_eq!((seen[0].overstays.len(), seen[0].overstays_begun), (0, 1));
}

#[test]
fn after_silence_or_loss_another_vehicle_may_stand_there() {
    for (sequence, at) in [(3, 500), (2, 601)] {
        let mut zones = Zones::new(&city(None));
        tick(&mut zones, 1, 0, &[taken(0, 1, 0, true)]);
        tick(&mut zones, 2, at, &[taken(0, sequence, at, true)]);
        for again in (1..5).map(|i| at + i * 500) {
            tick(
                &mut zones,
                3,
                again,
                &[taken(0, sequence + u32::try_from((again - at) / 500).unwrap(), again, true)],
            );
        }
        assert!(clocks(&mut zones, at + 2_001, at + 2_030).iter().all(|z| z.overstays[0].since == s(at)));
        let seen = tick(&mut zones, 4, at + 2_060, &[]);
        assert_eq!(
            seen.last().map_or(0, |z| z.overstays.len()),
            0,
            "a minute's product without a change is none"
        );
    }
}

#[test]
fn a_silent_sensor_ends_an_overstay() {
    let mut zones = Zones::new(&city(None));
    for (i, at) in (1..).zip((0..1_800).step_by(300)) {
        tick(&mut zones, 1, at, &[taken(1, i, at, true)]);
    }
    assert_eq!(clocks(&mut zones, 1_800, 2_099)[0].overstays.len(), 1);
    assert_eq!(tick(&mut zones, 9, 2_100, &[])[0].overstays, []);
}

#[test]
fn a_limit_that_holds_by_day_counts_from_its_beginning() {
    // 08:00 in Kolkata is 02:30 UTC: 9,000 s.
    let mut zones = Zones::new(&city(Some("08:00-20:00")));
    let mut begun = None;
    for at in (0..14_000).step_by(60) {
        let word = taken(0, u32::try_from(at / 60).unwrap(), at, true);
        let seen = tick(&mut zones, 1, at, &[word]);
        begun = begun.or(seen.iter().any(|z| !z.overstays.is_empty()).then_some(at));
        tick(&mut zones, 1, at, &[]);
    }
    assert_eq!(begun, Some(9_000 + 1_800));
}

#[test]
fn departures_are_counted_in_the_hour_in_which_they_were_seen() {
    let mut zones = Zones::new(&city(None));
    let mut sequence = 0;
    for at in (START..START + 3_600).step_by(300) {
        sequence += 1;
        let occupied = sequence % 2 == 1;
        tick(&mut zones, 1, at, &[taken(2, sequence, at, occupied), figure(0, 1, 3, at + 900)]);
    }
    // A free bay stays free; what happened just before the hour ended and arrives after it still belongs to it.
    let late = [
        taken(2, 13, START + 3_590, true),
        taken(2, 14, START + 3_599, false),
        taken(2, 15, START + 3_601, false),
    ];
    let seen = tick(&mut zones, 2, START + 3_602, &late);
    assert_eq!((seen[0].departures, seen[0].last_hour_pct), (Some(7), Some(25.0)));
}
