//! When a place is open, by the hours that were configured for it.
//!
//! Hours are written as OpenStreetMap does, and mean the wall clock of the city. When the clocks change, what begins or
//! ends within the hour that is skipped does so at the change, and what begins or ends within the hour that comes twice
//! does so the first time, and not again. Public holidays are those of the city's calendar: in a year that has none of
//! them nobody has entered them, and hours that speak of holidays are not known there.
//!
//! The one file where the calendar of the library that reads such hours (chrono) meets ours.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use compact_calendar::CompactCalendar;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};
use opening_hours_syntax::rules::day::WeekDayRange;
use vlot_model::{City, Opening, Timestamp};

#[cfg(test)]
mod tests;

/// A schedule is asked again after this long at the latest.
pub const ASKED_AGAIN: Duration = Duration::from_hours(7 * 24);
/// Beyond this the library need not look for the next change.
const LOOK_AHEAD: TimeDelta = match TimeDelta::try_days(8) {
    Some(days) => days,
    None => TimeDelta::MAX,
};

/// Hours that were checked, in a city's time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    hours: Option<OpeningHours>,
    zone: TimeZone,
    /// Years whose holidays are known; `None`: the hours do not speak of holidays.
    years: Option<BTreeSet<i16>>,
}

impl Schedule {
    /// Hours that cannot be read are never known; the settings refuse them.
    pub fn new(hours: &str, city: &City) -> Self {
        let zone = TimeZone::get(&city.timezone).unwrap_or(TimeZone::UTC);
        let Ok(hours) = hours.parse::<OpeningHours>() else {
            return Schedule { hours: None, zone, years: None };
        };
        let speaks = |range: &WeekDayRange| matches!(range, WeekDayRange::Holiday { .. });
        let speaks = hours.get_expression().rules.iter().any(|r| r.day_selector.weekday.iter().any(speaks));
        let days = city.calendar.holidays.iter().filter_map(|day| NaiveDate::from_epoch_days(*day));
        let mut public = CompactCalendar::default();
        let mut years = BTreeSet::new();
        for day in days {
            public.insert(day);
            years.extend(i16::try_from(day.year()));
        }
        let holidays = ContextHolidays::new(Arc::new(public), Arc::default());
        let context = Context::default().with_holidays(holidays).approx_bound_interval_size(LOOK_AHEAD);
        Schedule { hours: Some(hours.with_context(context)), zone, years: speaks.then_some(years) }
    }

    /// What holds at `now`, and until when it holds at least: after `now`, by at most a week.
    pub fn at(&self, now: Timestamp) -> (Opening, Timestamp) {
        let ask_again = now + ASKED_AGAIN;
        let (opening, until) = self.span(now).unwrap_or((Opening::Unknown, ask_again));
        // A moment later at the least: whoever waits for it must come to its end.
        (opening, until.clamp(now + Duration::from_micros(1), ask_again))
    }

    fn span(&self, now: Timestamp) -> Option<(Opening, Timestamp)> {
        let hours = self.hours.as_ref()?;
        let local = self.clock_at(now)?;
        let new_year = self.instant(DateTime::new(local.year() + 1, 1, 1, 0, 0, 0, 0).ok()?)?;
        if self.years.as_ref().is_some_and(|years| !years.contains(&local.year())) {
            return Some((Opening::Unknown, new_year));
        }
        let range = hours.iter_from(theirs(local)?).next()?;
        let opening = match range.kind {
            // A comment limits what it stands at in words: "by appointment", "members".
            RuleKind::Open if !range.comment.is_empty() => Opening::Unknown,
            RuleKind::Open => Opening::Open,
            RuleKind::Closed => Opening::Closed,
            RuleKind::Unknown => Opening::Unknown,
        };
        let end = ours(range.range.end).and_then(|end| self.instant(end));
        Some((opening, end.map_or(new_year, |end| end.min(new_year))))
    }

    /// What the clock shows; within an hour that comes for the second time, its last second.
    fn clock_at(&self, now: Timestamp) -> Option<DateTime> {
        let instant = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
        let local = instant.to_zoned(self.zone.clone());
        let AmbiguousOffset::Fold { before, after } =
            self.zone.to_ambiguous_timestamp(local.datetime()).offset()
        else {
            return Some(local.datetime());
        };
        if local.offset() != after {
            return Some(local.datetime());
        }
        let next = instant.checked_add(jiff::SignedDuration::from_micros(1)).ok()?;
        let change = self.zone.preceding(next).next()?.timestamp();
        before.to_datetime(change).checked_sub(jiff::SignedDuration::from_secs(1)).ok()
    }

    /// When the clock shows that, for the first time; where it never does, when it leaps over it.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                let before = ambiguous.earlier().ok()?;
                self.zone.following(before).next()?.timestamp()
            }
            _ => ambiguous.earlier().ok()?,
        };
        Some(Timestamp::from_micros(instant.as_microsecond()))
    }
}

fn theirs(local: DateTime) -> Option<NaiveDateTime> {
    let part = |n: i8| u32::try_from(n).ok();
    NaiveDate::from_ymd_opt(i32::from(local.year()), part(local.month())?, part(local.day())?)?.and_hms_opt(
        part(local.hour())?,
        part(local.minute())?,
        part(local.second())?,
    )
}

fn ours(local: NaiveDateTime) -> Option<DateTime> {
    let part = |n: u32| i8::try_from(n).ok();
    DateTime::new(
        i16::try_from(local.year()).ok()?,
        part(local.month())?,
        part(local.day())?,
        part(local.hour())?,
        part(local.minute())?,
        part(local.second())?,
        0,
    )
    .ok()
}
