//! Drivers who read signs, in planned time.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::tests::{BEGIN, files, hear};
use super::*;
use crate::drivers::{Reading, Row, Says};
use crate::time::{HOUR, SECOND};
use crate::wire::Value;

const SIGNS: &str = "
    [[sign]]
    id = 'west'
    demand = 3.0
    [[sign.line]]
    facility = 'evening'
    [[sign.line]]
    facility = 'night'
    [[sign]]
    id = 'east'
    [[sign.line]]
    facility = 'evening'
    [[sign.line]]
    facility = 'night'
    [[sign]]
    id = 'accessible'
    [[sign.line]]
    facility = 'evening'
    group = 'accessible'";

fn layout() -> Layout {
    let mut files = files();
    files.insert("signs.toml".into(), SIGNS.into());
    Layout::parse(&files).unwrap()
}

/// Every sign says that of the evening car park, and advises the other one.
fn signs(evening: Says) -> Shown {
    let row = |target: &str, says, minutes| Row { target: target.into(), says, minutes: Some(minutes) };
    let rows = vec![row("evening", evening, 2), row("night", Says::Space, 6)];
    Arc::new(move |_| Some(Reading { rows: rows.clone(), advised: Some(1) }))
}

fn town(seed: u64, obey: f64, shown: Option<Shown>) -> Town {
    let drivers = Drivers { obey, shown };
    Town::new(&layout(), seed, BEGIN, 2 * SECOND, Trouble::default(), &drivers).unwrap()
}

/// All that is said in so many hours.
fn said(mut town: Town, hours: i64) -> Vec<(i64, Said)> {
    hear(&mut town, BEGIN + hours * HOUR)
}

/// Vehicles into a car park, by its barriers.
fn entries(town: &Town, heard: &[(i64, Said)]) -> usize {
    let of = |s: &Said| town.fleet.get(s.device).unwrap().device.starts_with("evening");
    heard.iter().filter(|(_, s)| of(s) && matches!(s.value, Value::Passage { inward: true, .. })).count()
}

#[test]
fn who_is_not_warned_or_does_not_heed_it_changes_nothing() {
    let plain = said(town(3, 0.0, None), 14);
    assert!(plain.len() > 1_000);
    assert!(said(town(3, 0.0, Some(signs(Says::Full))), 14) == plain, "nobody heeds them");
    assert!(said(town(3, 0.7, None), 14) == plain, "there are none");
    assert!(said(town(3, 0.7, Some(Arc::new(|_| None))), 14) == plain, "they are dark");
    assert!(said(town(3, 0.7, Some(signs(Says::Space))), 14) == plain, "they say that there is space");
}

#[test]
fn as_many_follow_as_heed_signs_and_they_park_where_they_are_sent() {
    for (says, obey) in [(Says::Full, 0.4), (Says::Filling, 0.4), (Says::Closed, 0.8), (Says::Nothing, 0.2)] {
        let (mut plain, mut led) = (town(4, 0.0, None), town(4, obey, Some(signs(says))));
        let until = BEGIN + 3 * HOUR;
        let (before, after) = (hear(&mut plain, until), hear(&mut led, until));
        let counts = led.drivers();
        let share = counts.followed as f64 / counts.warned as f64;
        assert!(counts.warned > 100 && counts.passed > counts.warned, "{counts:?}");
        assert!((share - obey).abs() < 0.1, "{counts:?}");
        let stay_away = entries(&plain, &before) - entries(&led, &after);
        assert_eq!(u64::try_from(stay_away).unwrap(), counts.followed, "{counts:?}");
        let more = led.truth()["night"] - plain.truth()["night"];
        assert!(more > 20 && u64::from(more) <= counts.followed, "{more} of {counts:?}");
        assert!(led.truth()["evening"] < plain.truth()["evening"]);
        assert_eq!(
            said(town(4, obey, Some(signs(says))), 3),
            after,
            "the same seed and signs, the same city"
        );
    }
}

#[test]
fn whom_a_sign_sends_to_a_full_car_park_finds_no_space() {
    let mut led = town(4, 1.0, Some(signs(Says::Full)));
    hear(&mut led, BEGIN + 12 * HOUR);
    let counts = led.drivers();
    assert!(counts.in_vain > 0 && counts.in_vain < counts.followed, "{counts:?}");
}

#[test]
fn signs_are_passed_by_as_many_as_the_configuration_says() {
    let passed: Arc<[AtomicUsize; 2]> = Arc::default();
    let count = {
        let passed = Arc::clone(&passed);
        move |sign: &str| {
            passed[usize::from(sign == "east")].fetch_add(1, Ordering::Relaxed);
            assert_ne!(sign, "accessible", "it speaks of other spaces");
            None
        }
    };
    hear(&mut town(6, 0.5, Some(Arc::new(count))), BEGIN + 6 * HOUR);
    let [west, east] = [0, 1].map(|i| passed[i].load(Ordering::Relaxed));
    let ratio = west as f64 / east as f64;
    assert!(east > 50 && (2.4..3.6).contains(&ratio), "{west} {east}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever signs say and however many heed them: barriers tell the truth, and no car park holds more than it can.
    #[test]
    fn what_is_told_stays_true(seed in 0..1_000_u64, obey in 0.0..=1.0_f64, changes in prop::collection::vec(0..5_usize, 1..8)) {
        const SAYS: [Says; 5] = [Says::Space, Says::Filling, Says::Full, Says::Closed, Says::Nothing];
        let asked = AtomicUsize::new(0);
        let shown = move |sign: &str| {
            let n = asked.fetch_add(1, Ordering::Relaxed) / 20;
            signs(SAYS[changes[n % changes.len()]])(sign)
        };
        let mut town = town(seed, obey, Some(Arc::new(shown)));
        let mut told = None;
        for hour in 1..=10 {
            for (_, said) in hear(&mut town, BEGIN + hour * HOUR) {
                if !town.fleet.get(said.device).unwrap().device.starts_with("evening") {
                    continue;
                }
                match said.value {
                    Value::Passage { inward, .. } => {
                        told = told.map(|told: i64| told + if inward { 1 } else { -1 });
                    }
                    Value::Occupancy { occupied_spaces } => {
                        let occupied = i64::from(occupied_spaces);
                        prop_assert_eq!(told.unwrap_or(occupied), occupied);
                        told = Some(occupied);
                    }
                    _ => {}
                }
            }
            let truth = town.truth();
            prop_assert_eq!(told, Some(i64::from(truth["evening"])));
            prop_assert!(truth["evening"] <= 300 && truth["night"] <= 200);
        }
        let counts = town.drivers();
        prop_assert!(counts.passed >= counts.warned && counts.warned >= counts.followed && counts.followed >= counts.in_vain);
    }
}
