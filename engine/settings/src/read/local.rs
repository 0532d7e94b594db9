//! Instants and storeys as people write them: the clock of the city's wall, the buttons of a lift.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use toml::de::DeValue;
use vlot_model::Timestamp;

use super::kinds::Kind;

/// A date or a local time in a time zone; a date alone is its midnight.
pub(crate) struct Local<'z>(pub(crate) &'z str);

impl Kind for Local<'_> {
    type Out = Timestamp;
    fn read(&self, value: &DeValue<'_>) -> Option<Timestamp> {
        let written = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(instant) => instant.to_string(),
            _ => return None,
        };
        // With an offset or a zone it would be a second opinion on the time zone.
        let local = match written.len() {
            10 => written.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
            16 | 19 => written.parse::<DateTime>().ok()?,
            _ => return None,
        };
        let zone = TimeZone::get(self.0).unwrap_or(TimeZone::UTC);
        let instant = zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Timestamp::from_micros(instant.as_microsecond()))
    }
    fn wanted(&self) -> String {
        "a local date or time, as \"2026-09-01\" or \"2026-09-01T12:00\"".to_owned()
    }
    fn stand_in(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}

/// A storey.
pub(crate) struct Level;

impl Kind for Level {
    type Out = i8;
    fn read(&self, value: &DeValue<'_>) -> Option<i8> {
        let DeValue::Integer(n) = value else { return None };
        i8::from_str_radix(n.as_str(), n.radix()).ok().filter(|n| (-20..=100).contains(n))
    }
    fn wanted(&self) -> String {
        "a whole number from -20 to 100".to_owned()
    }
    fn stand_in(&self) -> i8 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_those_of_the_zone_and_have_no_other() {
        for (written, expected) in [
            ("\"2026-09-01\"", Some("2026-08-31T22:00:00Z")),
            ("2026-09-01", Some("2026-08-31T22:00:00Z")),
            ("\"2026-01-01T12:00\"", Some("2026-01-01T11:00:00Z")),
            ("2026-01-01T12:00:00", Some("2026-01-01T11:00:00Z")),
            ("2026-01-01T12:00:00Z", None),
            ("\"2026-01-01T12:00+01:00\"", None),
            ("\"2026-13-01\"", None),
            ("\"tomorrow\"", None),
            ("7", None),
        ] {
            let read = Local("Europe/Brussels").read(DeValue::parse(written).unwrap().get_ref());
            assert_eq!(read.map(|t| t.to_string()).as_deref(), expected, "{written}");
        }
    }
}
