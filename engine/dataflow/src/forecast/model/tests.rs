//! Properties of the forecaster, under seeded noise.

use super::{DayKind, Forecast, Forecaster, InEvent, LONGEST_S, Moment};

/// SplitMix64, as a number in `0..1`.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f32::from(u16::try_from((z ^ (z >> 31)) >> 48).unwrap_or(0)) / 65_536.0
    }
}

/// Monday 2024-01-01 00:00 UTC, in slots.
const START: i64 = 1_704_067_200 / 300;

fn moment(slot: i64) -> Moment {
    let minute = (slot * 5 + 3 * 1440).rem_euclid(10_080);
    Moment::ordinary(slot * 300, u16::try_from(minute).unwrap_or(0))
}

/// A day's swing with noise, free spaces of 500.
fn free(slot: i64, dice: &mut Dice) -> f32 {
    let minute = f32::from(moment(slot).week_minute % 1440);
    let swing = (minute / 1440.0 * core::f32::consts::TAU).cos();
    (250.0 + 180.0 * swing + 20.0 * (dice.roll() - 0.5)).round()
}

fn taught(days: i64, seed: u64) -> Forecaster {
    let (mut forecaster, mut dice) = (Forecaster::new(500, 1), Dice(seed));
    for slot in START..START + days * 288 {
        forecaster.observe(moment(slot), free(slot, &mut dice), 500);
    }
    forecaster
}

fn is_sound(f: Forecast, capacity: f32) -> bool {
    0.0 <= f.low && f.low <= f.best && f.best <= f.high && f.high <= capacity
}

#[test]
fn says_nothing_without_history() {
    let mut forecaster = Forecaster::new(500, 1);
    assert_eq!(forecaster.predict(900), None);
    for slot in START..START + 50 {
        forecaster.observe(moment(slot), 100.0, 500);
        assert_eq!(forecaster.predict(900), None);
    }
}

#[test]
fn horizons_outside_the_hour_have_no_forecast() {
    let forecaster = taught(3, 1);
    assert_eq!(forecaster.predict(-1), None);
    assert_eq!(forecaster.predict(LONGEST_S + 1), None);
    assert!(forecaster.predict(LONGEST_S).is_some());
}

#[test]
fn the_present_is_known_and_horizons_join_without_a_jump() {
    let forecaster = taught(5, 2);
    let now = forecaster.predict(0).unwrap();
    assert!(now.high - now.low < 1e-3);
    for edge in [900, 1800] {
        let (before, after) = (forecaster.predict(edge - 1).unwrap(), forecaster.predict(edge + 1).unwrap());
        assert!((before.best - after.best).abs() < 1.0 && (before.low - after.low).abs() < 1.0);
    }
}

#[test]
fn a_daily_swing_is_learned_well_below_persistence_and_its_interval_holds() {
    let (mut forecaster, mut dice) = (Forecaster::new(500, 1), Dice(3));
    let truth: Vec<f32> = (START..START + 29 * 288).map(|slot| free(slot, &mut dice)).collect();
    let (mut ours, mut persistence, mut inside, mut n) = (0.0, 0.0, 0.0, 0.0);
    for (i, slot) in (START..START + 28 * 288).enumerate() {
        forecaster.observe(moment(slot), truth[i], 500);
        if i > 14 * 288 {
            let (f, came) = (forecaster.predict(3600).unwrap(), truth[i + 12]);
            ours += (f.best - came).abs();
            persistence += (truth[i] - came).abs();
            inside += if (f.low..=f.high).contains(&came) { 1.0 } else { 0.0 };
            n += 1.0;
        }
    }
    assert!(ours < 0.3 * persistence, "{ours} {persistence}");
    assert!((0.76..0.84).contains(&(inside / n)), "{}", inside / n);
}

#[test]
fn the_same_observations_give_the_same_bits() {
    let (a, b) = (taught(4, 4), taught(4, 4));
    for ahead in (0..=LONGEST_S).step_by(100) {
        let bits = |f: Forecast| [f.low.to_bits(), f.best.to_bits(), f.high.to_bits()];
        assert_eq!(a.predict(ahead).map(bits), b.predict(ahead).map(bits));
    }
}

#[test]
fn sentinels_and_old_news_change_nothing() {
    let mut forecaster = taught(3, 5);
    let before = forecaster.predict(1800);
    let next = moment(START + 3 * 288);
    for fault in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -9999.0, -999.0, 65_535.0] {
        forecaster.observe(next, fault, 500);
    }
    forecaster.observe(moment(START), 3.0, 500);
    assert_eq!(forecaster.predict(1800), before);
}

/// Whatever comes - gaps, faults, jumps, changed capacities, odd clocks, holidays - forecasts stay within bounds.
#[test]
fn anything_may_come() {
    for seed in 0..3 {
        let (mut dice, mut slot, mut capacity) = (Dice(seed), START, 300_u32);
        let mut forecaster = Forecaster::new(capacity, seed);
        for _ in 0..3_000 {
            slot += match dice.roll() {
                r if r < 0.01 => 400,
                r if r < 0.0105 => 100_000,
                r if r < 0.05 => 7,
                r if r < 0.1 => 0,
                r if r < 0.11 => -3,
                _ => 1,
            };
            if dice.roll() < 0.002 {
                capacity = [0, 1, 40, 300, 900, 5_000, 70_000]
                    [usize::from(dice.roll() < 0.5) + usize::try_from(slot % 6).unwrap()];
            }
            let kind = [DayKind::Ordinary, DayKind::Holiday][usize::from(slot / 288 % 2 == 0)];
            let event = (slot / 288 % 5 < 2)
                .then(|| InEvent { name: u16::from(dice.roll() < 0.5), from_s: slot / 288 * 288 * 300 });
            let shift = if slot % 20_000 > 10_000 { 60 } else { 0 };
            let at = moment(slot);
            let at = Moment { week_minute: at.week_minute + shift, today: kind, event, ..at };
            let free = (dice.roll() * 1.6 - 0.3) * f32::from(u16::try_from(capacity).unwrap_or(u16::MAX));
            forecaster.observe(at, free.round(), capacity);
            if let Some(f) = forecaster.predict(slot % 37 * 100) {
                // What was old news, or had no capacity, has not changed the capacity.
                assert!(is_sound(f, forecaster.capacity()), "{seed} {slot} {f:?}");
            }
        }
    }
}

#[test]
fn it_finds_its_feet_after_the_capacity_changed() {
    let (mut forecaster, mut dice) = (taught(7, 6), Dice(7));
    let first = START + 7 * 288;
    for slot in first..first + 288 {
        forecaster.observe(moment(slot), free(slot, &mut dice) + 100.0, 600);
    }
    let slot = first + 288 + 11;
    let expected = free(slot, &mut dice) + 100.0;
    let f = forecaster.predict(3600).unwrap();
    assert!(is_sound(f, 600.0) && (f.best - expected).abs() < 60.0, "{f:?} {expected}");
}

#[test]
fn an_hour_of_silence_is_survived() {
    let (mut forecaster, mut dice) = (taught(7, 8), Dice(9));
    let slot = START + 7 * 288 + 30;
    forecaster.observe(moment(slot), free(slot, &mut dice), 500);
    assert!(forecaster.predict(900).is_some_and(|f| is_sound(f, 500.0)));
}

#[test]
fn neither_an_old_nor_a_missing_capacity_is_taken() {
    let mut forecaster = taught(3, 10);
    let before = forecaster.predict(3600);
    forecaster.observe(moment(START), 10.0, 50);
    forecaster.observe(moment(START + 3 * 288), 10.0, 0);
    assert_eq!(forecaster.predict(3600), before);
}

/// 150 vehicles more for three hours, on another weekday each time: no weekly profile knows of it, the name does.
#[test]
fn an_event_that_comes_again_is_expected() {
    let error = |is_told: bool| {
        let (mut forecaster, mut dice, mut errors) = (Forecaster::new(500, 1), Dice(11), 0.0);
        let mut truths = Vec::new();
        for slot in START..START + 7 * 288 * 10 {
            let (week, minute) = ((slot - START) / (7 * 288), i64::from(moment(slot).week_minute));
            // In weeks 3, 5 and 8, for three hours on another weekday each time.
            let from = START + week * 7 * 288 + (week % 4) * 288 + 18 * 12;
            let holds = [3, 5, 8].contains(&week);
            let full = if holds && (from..from + 36).contains(&slot) { 150.0 } else { 0.0 };
            let truth = (free(slot, &mut dice) - full).max(0.0);
            let near = holds && (from - 12..from + 36).contains(&slot);
            let event = (is_told && near).then_some(InEvent { name: 4, from_s: from * 300 });
            let at = Moment { event, ..Moment::ordinary(slot * 300, u16::try_from(minute).unwrap()) };
            forecaster.observe(at, truth, 500);
            truths.push((slot, truth, (week == 8 && near).then(|| forecaster.predict(1800).unwrap().best)));
        }
        for (slot, _, said) in &truths {
            if let Some(said) = said {
                let came = truths[usize::try_from(slot - START).unwrap() + 6].1;
                errors += (said - came).abs();
            }
        }
        errors
    };
    let (told, not_told) = (error(true), error(false));
    assert!(told < 0.8 * not_told, "{told} {not_told}");
}
