//! The local hour of the week, which decides what is normal.

use jiff::tz::TimeZone;
use vlot_model::City;

use super::{DAY, HOUR, MINUTE, Micros};

/// Every zone's offset is a whole number of these, and so is every change of it.
const STEP: Micros = 15 * MINUTE;

/// The city's hours of the week, 0 = Monday 00:00; a public holiday is a Sunday.
pub(crate) struct LocalHours {
    zone: TimeZone,
    /// Days since 1970-01-01, rising.
    holidays: Vec<i32>,
    /// The quarter hour that was asked for last, and its hour.
    last: Option<(i64, u8, bool)>,
}

impl LocalHours {
    /// An unknown zone, which `settings` does not let through, counts as UTC.
    pub(crate) fn new(city: &City) -> Self {
        let zone = TimeZone::get(&city.timezone).unwrap_or(TimeZone::UTC);
        LocalHours { zone, holidays: city.calendar.holidays.clone(), last: None }
    }

    /// 0..168.
    pub(crate) fn of(&mut self, at: Micros) -> u8 {
        self.look(at).0
    }

    /// Whether it is a public holiday.
    pub(crate) fn is_holiday(&mut self, at: Micros) -> bool {
        self.look(at).1
    }

    fn look(&mut self, at: Micros) -> (u8, bool) {
        let step = at.div_euclid(STEP);
        if let Some((last, hour, holiday)) = self.last
            && last == step
        {
            return (hour, holiday);
        }
        let offset_s =
            jiff::Timestamp::from_microsecond(at).map_or(0, |instant| self.zone.to_offset(instant).seconds());
        let local = at.saturating_add(Micros::from(offset_s) * super::SECOND);
        let day = local.div_euclid(DAY);
        let holiday = i32::try_from(day).is_ok_and(|day| self.holidays.binary_search(&day).is_ok());
        // 1970-01-01 was a Thursday.
        let weekday = if holiday { 6 } else { (day + 3).rem_euclid(7) };
        let hour = u8::try_from(weekday * 24 + local.rem_euclid(DAY) / HOUR).unwrap_or(0);
        self.last = Some((step, hour, holiday));
        (hour, holiday)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_model::Timestamp;

    #[test]
    fn summer_time_and_holidays() {
        let mut city = City { timezone: "Europe/Brussels".into(), ..City::default() };
        // 2026-12-25, a Friday.
        city.calendar.holidays = vec![20_812];
        let mut hours = LocalHours::new(&city);
        let cases = [
            ("2026-11-22T22:59:59Z", 6 * 24 + 23),
            ("2026-11-22T23:00:00Z", 0),
            ("2026-03-29T00:59:00Z", 6 * 24 + 1),
            ("2026-03-29T01:00:00Z", 6 * 24 + 3),
            ("2026-12-24T22:30:00Z", 3 * 24 + 23),
            ("2026-12-24T23:30:00Z", 6 * 24),
            ("2026-12-25T23:30:00Z", 5 * 24),
        ];
        for (at, expected) in cases {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(hours.of(at.micros()), expected, "{at}");
            let christmas = ("2026-12-24T23:00:00Z".parse::<Timestamp>().unwrap()
                .."2026-12-25T23:00:00Z".parse().unwrap())
                .contains(&at);
            assert_eq!(hours.is_holiday(at.micros()), christmas, "{at}");
        }
    }
}
