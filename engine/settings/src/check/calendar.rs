//! calendar.toml: days that are not like their day of the week.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use vlot_model::{City, Event, Timestamp};

use super::registry::Registry;
use crate::read::{Day, Ids, LocalTime, Table, Text};

/// A slip of a year would keep a year out of what is learned.
const EVENT_MAX: Duration = Duration::from_hours(31 * 24);

pub(super) fn read(mut root: Table<'_>, city: &mut City, registry: &Registry) {
    // A zone that is not known has been reported.
    let zone = TimeZone::get(&city.timezone).unwrap_or(TimeZone::UTC);
    for mut table in root.tables("holiday") {
        let date = table.required("date", Day);
        let _name = table.required("name", Text(80));
        let day = days(date);
        match city.calendar.holidays.binary_search(&day) {
            Ok(_) if table.is_sound("date") => {
                table.problem("date", format!("{date} is there twice"), "a day is a holiday once");
            }
            Ok(_) => {}
            Err(place) => city.calendar.holidays.insert(place, day),
        }
    }
    for mut table in root.tables("event") {
        let name = table.required("name", Text(80));
        let from = instant(table.required("from", LocalTime), &zone);
        let until = instant(table.required("until", LocalTime), &zone);
        let named = table.or("facilities", Ids, "[]");
        if !table.is_sound("from") || !table.is_sound("until") {
        } else if until <= from {
            table.problem("until", "is not after from", "an event ends after it begins");
        } else if until.since(from) > EVENT_MAX {
            table.problem(
                "until",
                "is more than 31 days after from",
                "a digit may have slipped; else make two of it",
            );
        }
        let find =
            |id: &String| registry.facilities.find(id, |what, hint| table.problem("facilities", what, hint));
        let mut facilities: Vec<_> = named.iter().filter_map(find).collect();
        facilities.sort_unstable();
        facilities.dedup();
        // Were all of them unknown, none would mean every facility; but then there is a problem, and no city.
        city.calendar.events.push(Event { name, from, until, facilities });
    }
}

/// Days since 1970-01-01.
fn days(date: Date) -> i32 {
    i32::try_from(date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24).unwrap_or(0)
}

/// In the night of a change of the clock: the earlier of two, and after the gap.
fn instant(local: DateTime, zone: &TimeZone) -> Timestamp {
    let instant = zone.to_ambiguous_timestamp(local).compatible().unwrap_or_default();
    Timestamp::from_micros(instant.as_microsecond())
}

#[cfg(test)]
mod tests {
    use crate::{Source, check};

    #[test]
    fn times_are_local_and_holidays_are_in_order() {
        let files = [
            (
                "city.toml",
                "name = 'Leuven'\ntimezone = 'Europe/Brussels'\narea = { south = 50, north = 51, west = 4, east = 5 }",
            ),
            (
                "mqtt.toml",
                "[[source]]\nname = 'a'\nhost = 'localhost'\nport = 1883\nclient_id = 'a'\nsubscription = [{ filter = 'a', format = 'vlot-json' }]",
            ),
            (
                "stations.toml",
                "[[station]]\nid = 's'\nname = 'S'\nmode = 'motor'\nlat = 50.5\nlon = 4.5\ndevice = [{ id = 'l', kind = 'loop' }]",
            ),
            (
                "calendar.toml",
                "holiday = [{ date = '2026-12-25', name = 'b' }, { date = 2026-11-11, name = 'a' }]\n[[event]]\nname = 'Market'\nfrom = '2026-09-07T06:00'\nuntil = '2026-12-07 20:00'\n",
            ),
        ];
        let problems = check(&Source::from_files(files)).unwrap_err().to_string();
        assert!(
            problems.contains("calendar.toml:5: event \"Market\".until: is more than 31 days after from"),
            "{problems}"
        );
        let files = files.map(|(name, text)| (name, text.replace("2026-12-07 20:00", "2026-09-07 20:00")));
        let calendar = check(&Source::from_files(files)).unwrap().city.calendar.clone();
        assert_eq!(calendar.holidays, [20_768, 20_812]);
        let event = &calendar.events[0];
        assert_eq!(
            (event.from.to_string(), event.until.to_string()),
            ("2026-09-07T04:00:00Z".to_owned(), "2026-09-07T18:00:00Z".to_owned())
        );
        assert!(event.facilities.is_empty());
    }
}
