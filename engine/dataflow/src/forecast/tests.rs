//! The operator: when it observes, what it says, and what it leaves alone.

use std::sync::Arc;

use vlot_model::{
    City, Counting, FacilityForecast, FacilityIx, FacilityState, FacilityStatus, ForecastBasis, Key, Opening,
    Product, Quality, Share, Tick, Timestamp, Update,
};

use super::logic::Forecasts;
use crate::shell::Logic;
use crate::testing::{Builder, s};

/// Monday 2024-01-01 00:00 UTC.
const START_S: i64 = 1_704_067_200;
const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;

fn city(facilities: u32) -> Arc<City> {
    let mut builder = Builder::default();
    for _ in 0..facilities {
        builder.facility(Counting::Absolute, 0, 0, 1).capacity = 100;
    }
    Arc::new(builder.city)
}

fn state(facility: u32, free: Option<u32>) -> FacilityState {
    FacilityState {
        facility: FacilityIx(facility),
        capacity: 100,
        occupied: free.map(|free| 100 - free),
        free,
        occupied_uncorrected: None,
        opening: Opening::Unknown,
        closed: None,
        status: FacilityStatus::Unknown,
        observed_at: None,
        valid_until: None,
        quality: if free.is_some() { Quality::Good } else { Quality::Missing },
        sensors: Share::default(),
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    }
}

/// A city's forecasts under a clock that ticks each second.
struct Played {
    logic: Forecasts,
    now_s: i64,
    tick: Tick,
    said: Vec<Update>,
}

impl Played {
    fn new(city: &Arc<City>) -> Self {
        Played { logic: Forecasts::new(city), now_s: START_S, tick: 0, said: Vec::new() }
    }

    fn say(&mut self, state: FacilityState) {
        self.tick += 1;
        let (tick, at) = (self.tick, s(self.now_s));
        let update = Update { tick, at, trigger: None, product: Arc::new(Product::Facility(state)) };
        self.logic.on_tick(tick, at, &[update], &mut self.said);
    }

    fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.leap(1);
        }
    }

    /// Seconds pass without a clock tick between them.
    fn leap(&mut self, seconds: i64) {
        self.now_s += seconds;
        self.tick += 1;
        self.logic.on_clock(self.tick, s(self.now_s), &mut self.said);
    }

    /// A day in which the figure swings by the hour, told at each five minutes.
    fn day(&mut self, facility: u32) {
        for slot in 0..288 {
            let away = (slot - 144_i64).unsigned_abs();
            self.say(state(facility, Some(u32::try_from(away / 2).unwrap() + 10)));
            self.leap(300);
        }
    }

    fn taken(&mut self) -> Vec<FacilityForecast> {
        let forecast = |update: Update| match &*update.product {
            Product::Forecast(forecast) => forecast.clone(),
            other => panic!("{other:?}"),
        };
        std::mem::take(&mut self.said).into_iter().map(forecast).collect()
    }
}

#[test]
fn before_a_day_of_history_it_says_that_there_is_none() {
    let mut played = Played::new(&city(1));
    played.pass(600);
    assert_eq!(played.taken(), [], "nothing is said of what was never heard");
    played.say(state(0, Some(40)));
    played.pass(300);
    let first = played.taken();
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].basis, first[0].points.len()), (ForecastBasis::NoHistory, 0));
    assert_eq!(first[0].valid_until.since(first[0].made_at).as_secs(), 600);
    for _ in 0..2 {
        played.day(0);
    }
    let said = played.taken();
    let begins = said.iter().position(|f| f.basis != ForecastBasis::NoHistory).unwrap();
    assert_eq!(begins, 288 - 2, "with the 288th figure");
    let last = said.last().unwrap();
    assert_eq!(last.basis, ForecastBasis::OwnHistory { days: 2 });
    assert_eq!(last.points.iter().map(|p| p.ahead_s).collect::<Vec<_>>(), [0, 900, 1800, 3600]);
    for forecast in said {
        assert!(
            forecast
                .points
                .iter()
                .all(|p| p.free_low <= p.free && p.free <= p.free_high && p.free_high <= 100)
        );
    }
}

#[test]
fn what_is_not_good_not_valid_or_closed_is_neither_learned_nor_forecast() {
    let mut played = Played::new(&city(1));
    let closed = FacilityState { opening: Opening::Closed, ..state(0, Some(40)) };
    let degraded = FacilityState { quality: Quality::Degraded, ..state(0, Some(40)) };
    let expired = FacilityState { valid_until: Some(s(START_S)), ..state(0, Some(40)) };
    for silent in [closed, degraded, expired, state(0, None)] {
        played.say(silent);
        played.pass(600);
        assert_eq!(played.taken(), []);
    }
}

#[test]
fn a_closing_ends_what_was_said_at_once_and_once() {
    let mut played = Played::new(&city(1));
    played.day(0);
    played.day(0);
    assert!(!played.taken().last().unwrap().points.is_empty());
    for _ in 0..2 {
        played.say(FacilityState { opening: Opening::Closed, ..state(0, Some(40)) });
    }
    let ended = played.taken();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].points.len(), ended[0].valid_until), (0, s(played.now_s)));
    played.pass(900);
    assert_eq!(played.taken(), []);
}

#[test]
fn facilities_take_turns_and_each_has_one_in_five_minutes_however_the_clock_leaps() {
    let mut played = Played::new(&city(700));
    for facility in 0..700 {
        played.say(state(facility, Some(40)));
    }
    for _ in 0..300 {
        played.pass(1);
        assert!((2..=3).contains(&played.taken().len()));
    }
    played.leap(7 * DAY_S);
    assert_eq!(played.taken().len(), 700);
    // A clock that goes back waits until it is where it was.
    played.leap(-50);
    played.pass(50);
    assert_eq!(played.taken(), []);
    played.pass(1);
    assert!(!played.taken().is_empty());
}

#[test]
fn a_gap_is_survived_and_a_changed_capacity_bounds_the_forecast() {
    let mut played = Played::new(&city(1));
    played.day(0);
    played.say(state(0, None));
    played.pass(2 * HOUR_S);
    played.day(0);
    let _ = played.taken();
    played.say(FacilityState { capacity: 30, ..state(0, Some(25)) });
    played.leap(300);
    let forecast = played.taken().pop().unwrap();
    assert!(!forecast.points.is_empty() && forecast.points.iter().all(|p| p.free_high <= 30), "{forecast:?}");
}

#[test]
fn what_is_heard_of_one_facility_does_not_change_anothers_forecast() {
    let alone = {
        let mut played = Played::new(&city(2));
        played.day(0);
        played.day(0);
        played.taken()
    };
    let mut both = Played::new(&city(2));
    for slot in 0..2 * 288 {
        let away = (slot % 288 - 144_i64).unsigned_abs();
        both.say(state(0, Some(u32::try_from(away / 2).unwrap() + 10)));
        both.say(state(1, Some(u32::try_from(slot % 50).unwrap())));
        both.leap(300);
    }
    let first = |update: &Update| update.product.key() == Key::Forecast(FacilityIx(0));
    both.said.retain(first);
    assert_eq!(both.taken(), alone);
}

#[test]
fn an_instant_beyond_all_calendars_is_left_alone() {
    let mut played = Played::new(&city(1));
    played.say(state(0, Some(40)));
    let far = Timestamp::from_micros(i64::MAX);
    played.logic.on_clock(9, far, &mut played.said);
    assert_eq!(played.taken(), []);
}
