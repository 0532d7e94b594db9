//! From when to when a device is in service: `in_service_from` and `retired_from`, local days.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use vlot_model::{City, DeviceIx, Service, Timestamp};

use crate::read::{Day, Row, Table};

/// Reads both keys of a device's table and gives the device its life.
pub(super) fn of_table(table: &mut Table<'_>, city: &mut City, device: DeviceIx) {
    let from = table.optional("in_service_from", Day);
    let until = table.optional("retired_from", Day);
    if table.is_sound("in_service_from") && table.is_sound("retired_from") && !in_order(from, until) {
        table.problem("retired_from", NOT_AFTER, HINT);
    }
    give(city, device, from, until);
}

/// Reads both columns of a device's row, where the file has them.
pub(super) fn of_row(row: &Row<'_>, city: &mut City, device: DeviceIx) {
    let from = row.optional("in_service_from", Day);
    let until = row.optional("retired_from", Day);
    if row.is_sound("in_service_from") && row.is_sound("retired_from") && !in_order(from, until) {
        row.problem("retired_from", NOT_AFTER, HINT);
    }
    give(city, device, from, until);
}

const NOT_AFTER: &str = "is not after in_service_from";
const HINT: &str = "a device is commissioned, then in service, then retired";

fn in_order(from: Option<Date>, until: Option<Date>) -> bool {
    from.zip(until).is_none_or(|(from, until)| from < until)
}

fn give(city: &mut City, device: DeviceIx, from: Option<Date>, until: Option<Date>) {
    // A zone that is not known has been reported.
    let zone = TimeZone::get(&city.timezone).unwrap_or(TimeZone::UTC);
    let midnight = |day: Date| {
        let start = day.to_zoned(zone.clone()).map(|start| start.timestamp().as_microsecond());
        Timestamp::from_micros(start.unwrap_or_default())
    };
    if let Some(device) = city.devices.get_mut(device.at()).filter(|_| from.is_some() || until.is_some()) {
        device.service = Service { in_service_from: from.map(midnight), retired_from: until.map(midnight) };
    }
}

#[cfg(test)]
mod tests {
    use crate::{Source, check};

    #[test]
    fn days_begin_at_local_midnight_and_devices_without_dates_are_in_service() {
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
                "facilities.toml",
                "[[facility]]\nid = 'lei'\nname = 'Lei'\nkind = 'on-street'\nlat = 50.5\nlon = 4.5\ncapacity = 2\ncounting = 'bays'\nvalid_for = '15m'\nfull_at = 0\nreopen_at = 1",
            ),
            (
                "bays.csv",
                "device,eui,kind,facility,bay,use,in_service_from,retired_from\na,,bay,lei,1,everyone,2026-06-01,2027-01-01\nb,,bay,lei,2,everyone,,\n",
            ),
            (
                "stations.toml",
                "[[station]]\nid = 's'\nname = 'S'\nmode = 'motor'\nlat = 50.5\nlon = 4.5\ndevice = [{ id = 'l', kind = 'loop', retired_from = 2026-07-01 }]",
            ),
        ];
        let city = check(&Source::from_files(files)).unwrap_or_else(|e| panic!("{e}")).city;
        let dates = |id: &str| {
            let service = city.devices[city.directory.find(id).unwrap().at()].service;
            [service.in_service_from, service.retired_from].map(|t| t.map(|t| t.to_string()))
        };
        let day = |t: &str| Some(t.to_owned());
        assert_eq!(dates("a"), [day("2026-05-31T22:00:00Z"), day("2026-12-31T23:00:00Z")]);
        assert_eq!(dates("b"), [None, None]);
        assert_eq!(dates("l"), [None, day("2026-06-30T22:00:00Z")]);
    }
}
