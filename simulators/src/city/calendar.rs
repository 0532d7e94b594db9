//! Local time of day and weekday: what people's habits go by.

use jiff::tz::TimeZone;

use crate::SimError;

/// The city's own clock on the wall.
#[derive(Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
}

/// A local instant as habits see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Local {
    /// Hours since midnight, 0 to 24.
    pub hour: f64,
    /// What sort of day it is.
    pub day: Day,
}

/// Sorts of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    Weekday,
    Saturday,
    Sunday,
}

impl Calendar {
    pub(crate) fn new(timezone: &str) -> Result<Calendar, SimError> {
        let zone = TimeZone::get(timezone)
            .map_err(|e| SimError::Config { file: "city.toml".into(), what: format!("timezone: {e}") })?;
        Ok(Calendar { zone })
    }

    pub(crate) fn local(&self, at: i64) -> Local {
        let instant = jiff::Timestamp::from_microsecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let zoned = instant.to_zoned(self.zone.clone());
        let hour =
            f64::from(zoned.hour()) + f64::from(zoned.minute()) / 60.0 + f64::from(zoned.second()) / 3600.0;
        let day = match zoned.weekday() {
            jiff::civil::Weekday::Saturday => Day::Saturday,
            jiff::civil::Weekday::Sunday => Day::Sunday,
            _ => Day::Weekday,
        };
        Local { hour, day }
    }
}
