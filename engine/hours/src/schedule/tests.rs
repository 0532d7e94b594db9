//! Hours against the wall clock of Brussels, which leaps on 2026-03-29 at 01:00Z and repeats an hour on 2026-10-25.

use proptest::prelude::*;

use super::*;
use vlot_model::Opening::{Closed, Open, Unknown};

fn city(holidays: &[&str]) -> City {
    let day = |d: &&str| d.parse::<NaiveDate>().unwrap().to_epoch_days();
    let mut city = City { timezone: "Europe/Brussels".into(), ..City::default() };
    city.calendar.holidays = holidays.iter().map(day).collect();
    city
}

fn t(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The instants at which the schedule changes, and what it changes to.
fn changes(hours: &str, city: &City, from: &str, until: &str) -> Vec<(String, Opening)> {
    let schedule = Schedule::new(hours, city);
    let (mut now, mut seen) = (t(from), Vec::new());
    let mut held = None;
    while now < t(until) {
        let (opening, next) = schedule.at(now);
        if held.replace(opening) != Some(opening) {
            seen.push((now.to_string(), opening));
        }
        assert!(now < next && next <= now + ASKED_AGAIN);
        now = next;
    }
    seen
}

fn said(seen: &[(String, Opening)]) -> Vec<(&str, Opening)> {
    seen.iter().map(|(at, opening)| (at.as_str(), *opening)).collect()
}

#[test]
fn a_week_of_a_car_park() {
    let seen = changes(
        "Mo-Fr 07:00-20:00; Sa 09:00-26:00",
        &city(&[]),
        "2026-06-05T00:00:00Z",
        "2026-06-08T12:00:00Z",
    );
    assert_eq!(
        said(&seen),
        [
            ("2026-06-05T00:00:00Z", Closed),
            ("2026-06-05T05:00:00Z", Open),
            ("2026-06-05T18:00:00Z", Closed),
            ("2026-06-06T07:00:00Z", Open),
            ("2026-06-07T00:00:00Z", Closed),
            ("2026-06-08T05:00:00Z", Open),
        ]
    );
}

#[test]
fn what_falls_into_the_hour_that_is_skipped_happens_at_the_leap() {
    let seen = changes("02:30-04:00", &city(&[]), "2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z");
    assert_eq!(
        said(&seen),
        [("2026-03-29T00:00:00Z", Closed), ("2026-03-29T01:00:00Z", Open), ("2026-03-29T02:00:00Z", Closed)]
    );
}

#[test]
fn what_falls_into_the_hour_that_comes_twice_happens_once() {
    for (hours, first, last) in [
        ("02:30-04:00", ("2026-10-25T00:30:00Z", Open), ("2026-10-25T03:00:00Z", Closed)),
        ("20:00-26:30", ("2026-10-25T00:30:00Z", Closed), ("2026-10-25T19:00:00Z", Open)),
    ] {
        let seen = changes(hours, &city(&[]), "2026-10-25T00:00:00Z", "2026-10-25T20:00:00Z");
        assert_eq!(said(&seen)[1..3], [first, last], "{hours}");
    }
}

#[test]
fn a_day_of_work_keeps_its_hours_on_both_sides_of_a_change() {
    for (day, opens, closes) in [
        ("2026-03-28", "2026-03-28T08:00:00Z", "2026-03-28T17:00:00Z"),
        ("2026-03-29", "2026-03-29T07:00:00Z", "2026-03-29T16:00:00Z"),
        ("2026-10-24", "2026-10-24T07:00:00Z", "2026-10-24T16:00:00Z"),
        ("2026-10-25", "2026-10-25T08:00:00Z", "2026-10-25T17:00:00Z"),
    ] {
        let noon = format!("{day}T12:00:00Z");
        let schedule = Schedule::new("09:00-18:00", &city(&[]));
        assert_eq!(schedule.at(t(&noon)), (Open, t(closes)));
        assert_eq!(schedule.at(t(opens) - Duration::from_secs(1)), (Closed, t(opens)));
    }
}

#[test]
fn holidays_are_those_of_the_calendar_and_a_year_without_any_is_not_known() {
    let seen = changes(
        "Mo-Su 08:00-20:00; PH off",
        &city(&["2026-12-25"]),
        "2026-12-24T12:00:00Z",
        "2027-01-05T00:00:00Z",
    );
    let seen = said(&seen);
    assert_eq!(
        seen[..3],
        [("2026-12-24T12:00:00Z", Open), ("2026-12-24T19:00:00Z", Closed), ("2026-12-26T07:00:00Z", Open)]
    );
    assert_eq!(seen.last(), Some(&("2026-12-31T23:00:00Z", Unknown)));
}

#[test]
fn always_never_and_nobody_knows() {
    let now = t("2026-06-05T12:00:00Z");
    for (hours, expected) in [
        ("24/7", Open),
        ("24/7 closed", Closed),
        ("24/7 unknown", Unknown),
        ("\"by appointment\"", Unknown),
        ("24/7 open \"members\"", Unknown),
        ("whenever we like", Unknown),
        ("", Unknown),
    ] {
        assert_eq!(Schedule::new(hours, &city(&[])).at(now), (expected, now + ASKED_AGAIN), "{hours}");
    }
    for far in [i64::MIN, i64::MAX, i64::MAX / 2] {
        assert_eq!(Schedule::new("24/7", &city(&[])).at(Timestamp::from_micros(far)).0, Unknown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever waits for the change that is announced misses none.
    #[test]
    fn nothing_changes_before_it_is_announced(
        day in 0_i64..730,
        minutes in prop::collection::vec(0_i64..1_440, 1..4),
        opens in 0_u32..1_440,
        lasts in 1_u32..1_440,
        days in prop::sample::select(vec!["Mo-Su", "Mo-Fr", "Sa,Su", "Mar-Oct Su", "PH,Su", "week 13-44 Mo-Su"]),
    ) {
        let clock = |m: u32| format!("{:02}:{:02}", m / 60, m % 60);
        let hours = format!("{days} {}-{}", clock(opens), clock(opens + lasts));
        let schedule = Schedule::new(&hours, &city(&["2025-12-25", "2026-05-01"]));
        let start = t("2025-01-01T00:00:00Z") + Duration::from_secs(u64::try_from(day * 86_400).unwrap());
        for minute in minutes {
            let now = start + Duration::from_secs(u64::try_from(minute * 60).unwrap());
            let (opening, until) = schedule.at(now);
            let mut probe = now;
            while probe < until && probe < now + Duration::from_hours(30) {
                prop_assert_eq!(schedule.at(probe).0, opening, "{} at {} after {}", hours, probe, now);
                probe = probe + Duration::from_secs(17 * 60 + 1);
            }
            prop_assert_eq!(schedule.at(until - Duration::from_secs(1)).0, opening, "{} before {}", hours, until);
        }
    }
}
