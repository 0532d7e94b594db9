//! On which days each service goes: by the week, and by exceptions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::Archive;
use super::rows::Rows;

/// A calendar that spans more days is no timetable.
const DAYS_MAX: i32 = 5 * 366;

const WEEK: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Services by day, those of `names` alone.
pub(super) fn of(
    feed: &mut Archive<'_>,
    names: &BTreeMap<Box<str>, u32>,
) -> Result<BTreeMap<Date, BTreeSet<u32>>, String> {
    let mut days: BTreeMap<Date, BTreeSet<u32>> = BTreeMap::new();
    let mut found = false;
    if let Some(mut rows) = Rows::open(feed, "calendar.txt")? {
        found = true;
        let [service, first, last] = rows.columns(["service_id", "start_date", "end_date"])?;
        let week = rows.columns(WEEK)?;
        while let Some(row) = rows.next()? {
            let Some(number) = names.get(row.get(service)) else { continue };
            let (mut day, last) = (row.date(first)?, row.date(last)?);
            if (last - day).get_days() > DAYS_MAX {
                return Err(row.wrong(&format!("from {day} to {last} is more than {DAYS_MAX} days")));
            }
            while day <= last {
                let of_week = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
                if row.get(week[of_week]) == "1" {
                    days.entry(day).or_default().insert(*number);
                }
                day = day.checked_add(1.day()).map_err(|_| row.wrong("the days run out"))?;
            }
        }
    }
    if let Some(mut rows) = Rows::open(feed, "calendar_dates.txt")? {
        found = true;
        let [service, date, exception] = rows.columns(["service_id", "date", "exception_type"])?;
        while let Some(row) = rows.next()? {
            let Some(number) = names.get(row.get(service)) else { continue };
            let date = row.date(date)?;
            match row.get(exception) {
                "1" => drop(days.entry(date).or_default().insert(*number)),
                "2" => {
                    if let Some(services) = days.get_mut(&date) {
                        services.remove(number);
                    }
                }
                other => {
                    return Err(row.wrong(&format!("{other:?} is neither 1, goes too, nor 2, does not go")));
                }
            }
        }
    }
    if found { Ok(days) } else { Err("has neither calendar.txt nor calendar_dates.txt".to_owned()) }
}
