//! Timetables of the ways on from edge car parks: city.toml names the feed, facilities.toml the stops.

use std::sync::Arc;

use vlot_model::{City, Timestamp};

use super::{CITY, FACILITIES};
use crate::Source;
use crate::gtfs::{self, Unknown};
use crate::problem::Problem;
use crate::read::{FilePath, Report, Table};

/// The feed's name, where one is named and there.
pub(super) fn read(mut table: Table<'_>, source: &Source) -> Option<String> {
    let named = table.optional("gtfs", FilePath)?;
    if source.binary(&named).is_none() {
        let hint = "it lies beside city.toml, and its name ends in .zip; nothing is fetched";
        table.problem("gtfs", format!("{named:?} is not there"), hint);
    }
    Some(named)
}

/// Brings departures to the ways on that name their stops.
pub(super) fn fit(city: &mut City, feed: Option<&str>, source: &Source, report: &Report) {
    let asked = city.facilities.iter().enumerate().flat_map(|(at, facility)| {
        let lines = facility.site.onward.iter().enumerate();
        lines.filter_map(move |(line, onward)| Some((at, line, onward.stops.clone()?)))
    });
    let asked: Vec<(usize, usize, [Box<str>; 2])> = asked.collect();
    let problem = |at: usize, key: &str, what: String, hint: &str| {
        let place = format!("facility {:?}.onward.{key}", city.facilities[at].id);
        report.add(Problem { file: FACILITIES.to_owned(), line: None, place, what, hint: hint.to_owned() });
    };
    if asked.is_empty() {
        return;
    }
    let Some(feed) = feed else {
        for (at, ..) in &asked {
            problem(
                *at,
                "from_stop",
                "is a stop of a feed that nobody names".to_owned(),
                "[transit] gtfs in city.toml names it",
            );
        }
        return;
    };
    let Some(bytes) = source.binary(feed) else { return };
    let pairs: Vec<[&str; 2]> = asked.iter().map(|(_, _, [from, to])| [&**from, &**to]).collect();
    let found = match gtfs::read(feed, bytes, &pairs) {
        Ok(found) => found,
        Err(what) => {
            let (file, place) = (CITY.to_owned(), "transit.gtfs".to_owned());
            let hint = "it is a GTFS feed as its publisher zipped it".to_owned();
            report.add(Problem {
                file,
                line: None,
                place,
                what: format!("{feed:?} cannot be used: {what}"),
                hint,
            });
            return;
        }
    };
    let mut read = Vec::new();
    for ((at, line, [from, to]), found) in asked.iter().zip(found) {
        let hint = "stop_id in stops.txt: a stop, or a station with all its platforms";
        match found {
            Ok(between) => read.push((*at, *line, between)),
            Err(Unknown::From) => problem(*at, "from_stop", format!("{feed:?} has no stop {from:?}"), hint),
            Err(Unknown::To) => problem(*at, "to_stop", format!("{feed:?} has no stop {to:?}"), hint),
            Err(Unknown::NoRun) => {
                let what = format!("in {feed:?} nothing goes from {from:?} to {to:?}");
                problem(*at, "to_stop", what, "are they of the right direction?");
            }
        }
    }
    for (at, line, between) in read {
        let onward = &mut city.facilities[at].site.onward[line];
        onward.alights.get_or_insert(between.alights);
        onward.timetable = Some(Arc::new(between.timetable));
    }
}

/// What is not wrong with a configuration but does not do what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Since then, or until then.
    pub since: Timestamp,
    /// File, place, what, and what to do about it.
    pub text: String,
}

/// Timetables that say nothing of `now`.
#[must_use]
pub fn warnings(city: &City, now: Timestamp) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for facility in &city.facilities {
        for onward in &facility.site.onward {
            let Some(timetable) = onward.timetable.as_ref().filter(|t| !t.covers(now)) else { continue };
            let (Some(begins), Some(ends)) = (timetable.begins(), timetable.ends()) else { continue };
            let (since, when) = if ends <= now {
                (ends, format!("ended on {}", day(city, ends - LAST_HOUR)))
            } else {
                (begins, format!("begins on {}", day(city, begins)))
            };
            let text = format!(
                "{FACILITIES}: facility {:?}.onward: the timetable of {:?} for line {:?} {when}: headway_min and ride_min \
                 count instead (hint: put the present feed in its place)",
                facility.id, timetable.feed, onward.line
            );
            warnings.push(Warning { since, text });
        }
    }
    warnings
}

/// A day's end is the next one's beginning.
const LAST_HOUR: std::time::Duration = std::time::Duration::from_hours(1);

/// The local day of an instant.
fn day(city: &City, at: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::get(&city.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| at.to_string(), |at| zone.to_datetime(at).date().to_string())
}
