//! Local time and the days that are not like their day of the week.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use vlot_model::{City, Event, FacilityIx, Timestamp};

use super::model::{DayKind, InEvent, LONGEST_S, Moment};

/// A city's time zone and calendar.
pub(crate) struct LocalTime {
    zone: TimeZone,
    holidays: Vec<i32>,
    /// Each with the number of its name.
    events: Vec<(u16, Event)>,
}

impl LocalTime {
    /// A zone that is not known is taken as UTC; the check of the settings knows its zones.
    pub(crate) fn of(city: &City) -> Self {
        let mut names: Vec<&str> = city.calendar.events.iter().map(|event| event.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let number = |name: &str| names.binary_search(&name).ok().and_then(|at| u16::try_from(at).ok());
        LocalTime {
            zone: TimeZone::get(&city.timezone).unwrap_or(TimeZone::UTC),
            holidays: city.calendar.holidays.clone(),
            events: city
                .calendar
                .events
                .iter()
                .filter_map(|event| Some((number(&event.name)?, event.clone())))
                .collect(),
        }
    }

    /// The instant as the forecaster needs it, but for events; `None` beyond the years that a calendar has.
    pub(crate) fn moment(&self, at: Timestamp) -> Option<Moment> {
        let instant = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
        let local = self.zone.to_datetime(instant);
        let hours = i64::from(local.weekday().to_monday_zero_offset()) * 24 + i64::from(local.hour());
        let today = local.date().duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        let kind = |day: i64| match i32::try_from(day).map(|day| self.holidays.binary_search(&day)) {
            Ok(Ok(_)) => DayKind::Holiday,
            _ => DayKind::Ordinary,
        };
        Some(Moment {
            unix_s: instant.as_second(),
            week_minute: u16::try_from(hours * 60 + i64::from(local.minute())).ok()?,
            today: kind(today),
            tomorrow: kind(today + 1),
            event: None,
        })
    }

    /// The event that fills the facility, or begins to within the hour that is forecast; the first in the configured
    /// order that is under way.
    pub(crate) fn event(&self, facility: FacilityIx, unix_s: i64) -> Option<InEvent> {
        let seconds = |at: Timestamp| at.micros().div_euclid(1_000_000);
        let near = |event: &Event| {
            (event.facilities.is_empty() || event.facilities.contains(&facility))
                && seconds(event.from) - LONGEST_S <= unix_s
                && unix_s < seconds(event.until)
        };
        let mut events = self.events.iter().filter(|(_, event)| near(event));
        let is_under_way = |event: &Event| seconds(event.from) <= unix_s;
        let first = events.clone().next();
        let (name, event) = events.find(|(_, event)| is_under_way(event)).or(first)?;
        Some(InEvent { name: *name, from_s: seconds(event.from) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leuven() -> LocalTime {
        let at = |text: &str| text.parse().unwrap();
        let event = |name: &str, from, until, facilities| Event {
            name: name.into(),
            from: at(from),
            until: at(until),
            facilities,
        };
        let mut city = City { timezone: "Europe/Brussels".into(), ..City::default() };
        // 2026-12-25, a Friday.
        city.calendar.holidays = vec![20_812];
        city.calendar.events = vec![
            event("Market", "2026-09-07T04:00:00Z", "2026-09-07T18:00:00Z", vec![FacilityIx(1)]),
            event("Fair", "2026-09-07T06:00:00Z", "2026-09-08T18:00:00Z", vec![]),
            event("Market", "2027-09-06T04:00:00Z", "2027-09-06T18:00:00Z", vec![FacilityIx(1)]),
        ];
        LocalTime::of(&city)
    }

    #[test]
    fn minutes_are_local_and_a_holiday_is_a_local_day() {
        let local = leuven();
        let moment = |text: &str| local.moment(text.parse().unwrap()).unwrap();
        // Thursday 23:30 in winter time, Friday 00:30.
        let eve = moment("2026-12-24T22:30:00Z");
        assert_eq!((eve.week_minute, eve.today, eve.tomorrow), (5730, DayKind::Ordinary, DayKind::Holiday));
        let day = moment("2026-12-24T23:30:00Z");
        assert_eq!((day.week_minute, day.today, day.tomorrow), (5790, DayKind::Holiday, DayKind::Ordinary));
        // Summer time.
        assert_eq!(moment("2026-07-06T00:00:00Z").week_minute, 120);
    }

    #[test]
    fn the_night_of_the_change_to_summer_time_skips_an_hour_and_the_other_repeats_one() {
        let local = leuven();
        let minute = |text: &str| local.moment(text.parse().unwrap()).unwrap().week_minute;
        let sunday = 6 * 1440;
        assert_eq!(minute("2026-03-29T00:55:00Z"), sunday + 115);
        assert_eq!(minute("2026-03-29T01:00:00Z"), sunday + 180);
        assert_eq!(minute("2026-10-25T00:30:00Z"), sunday + 150);
        assert_eq!(minute("2026-10-25T01:30:00Z"), sunday + 150);
    }

    #[test]
    fn an_event_is_known_an_hour_before_it_by_its_name_and_for_its_facilities() {
        let local = leuven();
        let at = |facility, text: &str| {
            let at: Timestamp = text.parse().unwrap();
            local.event(FacilityIx(facility), at.micros() / 1_000_000).map(|event| event.name)
        };
        assert_eq!(at(1, "2026-09-07T02:59:59Z"), None);
        assert_eq!(at(1, "2026-09-07T03:00:00Z"), Some(1));
        assert_eq!(at(0, "2026-09-07T03:00:00Z"), None);
        assert_eq!(at(1, "2026-09-07T07:00:00Z"), Some(1));
        assert_eq!(at(0, "2026-09-07T07:00:00Z"), Some(0));
        assert_eq!(at(1, "2026-09-07T18:00:00Z"), Some(0));
        assert_eq!(at(0, "2026-09-08T18:00:00Z"), None);
        assert_eq!(at(1, "2027-09-06T05:00:00Z"), Some(1));
    }
}
