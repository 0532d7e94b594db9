//! A moment as people say it: an instant, a time of the city's clocks, so long ago, or a tick.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::civil;
use jiff::tz::TimeZone;
use vlot_model::Timestamp;
use vlot_serve::Moment;

use crate::cli::duration;

/// As it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// `2026-05-08T18:05:00+02:00`
    Instant(Timestamp),
    /// `18:05`, the last time that the city's clocks showed it
    Clock(civil::Time),
    /// `-10m`
    Ago(Duration),
    /// `12345`, as `vlot replay` counts
    Tick(u64),
}

impl FromStr for When {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        if let Some(ago) = s.strip_prefix('-') {
            return duration(ago).map(When::Ago).map_err(|_| WRONG.to_owned());
        }
        if let Ok(tick) = s.parse() {
            return Ok(When::Tick(tick));
        }
        if let Ok(at) = s.parse() {
            return Ok(When::Instant(at));
        }
        let clock = s.bytes().all(|b| b.is_ascii_digit() || b == b':') && s.contains(':');
        clock.then(|| s.parse().ok()).flatten().map(When::Clock).ok_or_else(|| WRONG.to_owned())
    }
}

const WRONG: &str = "no moment: an instant (2026-05-08T18:05:00+02:00), a time of the city's clocks (18:05), so long ago (-10m) or a tick (12345)";

impl When {
    /// The moment that is meant, where it is `now` and clocks show the time of `zone`.
    pub(crate) fn moment(self, now: Timestamp, zone: &TimeZone) -> Result<Moment> {
        Ok(match self {
            When::Instant(at) => Moment::At(at),
            When::Tick(tick) => Moment::Tick(tick),
            When::Ago(ago) => Moment::At(now - ago),
            When::Clock(time) => {
                let now_there = jiff::Timestamp::from_microsecond(now.micros())
                    .context("the engine's clock is out of bounds")?
                    .to_zoned(zone.clone());
                let on = |date: civil::Date| -> Result<Timestamp> {
                    let zoned = date.to_datetime(time).to_zoned(zone.clone()).context("no such time")?;
                    Ok(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
                };
                let today = on(now_there.date())?;
                let last = if today <= now { today } else { on(now_there.date().yesterday()?)? };
                Moment::At(last)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_in_four_ways() {
        let parse = |s: &str| s.parse::<When>();
        assert_eq!(
            parse("2026-05-08T18:05:00+02:00"),
            Ok(When::Instant(Timestamp::from_secs(1_778_256_300)))
        );
        assert_eq!(parse("18:05"), Ok(When::Clock(civil::time(18, 5, 0, 0))));
        assert_eq!(parse("18:05:30"), Ok(When::Clock(civil::time(18, 5, 30, 0))));
        assert_eq!(parse("-10m"), Ok(When::Ago(Duration::from_secs(600))));
        assert_eq!(parse("12345"), Ok(When::Tick(12_345)));
        for wrong in ["", "-", "-10", "25:00", "18.05", "tomorrow", "2026-05-08", "2026-05-08T18:05:00"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_is_the_last_one_that_the_citys_clocks_showed() {
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        let at = |s: &str| s.parse::<Timestamp>().unwrap();
        let told = |when: &str, now: &str| when.parse::<When>().unwrap().moment(at(now), &zone).unwrap();
        let now = "2026-05-08T18:06:00+02:00";
        assert_eq!(told("18:05", now), Moment::At(at("2026-05-08T18:05:00+02:00")));
        assert_eq!(told("18:06", now), Moment::At(at(now)));
        assert_eq!(told("18:07", now), Moment::At(at("2026-05-07T18:07:00+02:00")));
        assert_eq!(told("-90s", now), Moment::At(at("2026-05-08T18:04:30+02:00")));
        assert_eq!(told("7", now), Moment::Tick(7));
        // The clocks were put forward in the night: yesterday's was winter time.
        assert_eq!(told("23:30", "2026-03-29T10:00:00+02:00"), Moment::At(at("2026-03-28T23:30:00+01:00")));
    }
}
