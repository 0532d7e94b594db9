//! Taken spaces, weighted by time, hour by local hour.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use vlot_model::{Balance, FacilityIx, FacilityStatus, Product, Quality, Timestamp};

use super::COVERAGE;

const HOUR: Duration = Duration::from_hours(1);
/// After a gap this long, which no figure's validity spans, hours begin anew.
const GAP: Duration = Duration::from_hours(8 * 24);

/// A figure that counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(super) taken: u32,
    pub(super) free: u32,
    pub(super) capacity: u32,
    pub(super) until: Timestamp,
}

/// What parking's product says, if it is of a facility; `None` where it says nothing that counts.
pub(super) fn figure(product: &Product) -> Option<(FacilityIx, Option<Figure>)> {
    let Product::Facility(state) = product else { return None };
    let counts = state.quality == Quality::Good && state.status != FacilityStatus::Closed;
    let figure = match (state.occupied, state.free, state.valid_until) {
        (Some(taken), Some(free), Some(until)) if counts && taken.saturating_add(free) > 0 => {
            Some(Figure { taken, free, capacity: state.capacity, until })
        }
        _ => None,
    };
    Some((state.facility, figure))
}

/// Sums over a time; all in microseconds, or in spaces times microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    known: u128,
    taken: u128,
    spaces: u128,
    full: u128,
    peak: u32,
    capacity: u32,
    pub(super) departures: u32,
}

impl Sums {
    fn add(&mut self, figure: &Figure, time: Duration) {
        let time = time.as_micros();
        self.known += time;
        self.taken += u128::from(figure.taken) * time;
        self.spaces += u128::from(figure.taken.saturating_add(figure.free)) * time;
        if figure.free == 0 {
            self.full += time;
        }
        if time > 0 {
            self.peak = self.peak.max(figure.taken);
            self.capacity = figure.capacity;
        }
    }

    /// Mean share of taken spaces, 0..=1; `None` when too little of `whole` is known.
    pub(super) fn pressure(&self, whole: Duration) -> Option<f64> {
        let enough = self.known > 0 && self.known as f64 >= COVERAGE * whole.as_micros() as f64;
        enough.then(|| self.taken as f64 / self.spaces as f64)
    }

    /// Capacity against demand; `None` as with the pressure.
    pub(super) fn balance(&self) -> Option<Balance> {
        self.pressure(HOUR)?;
        Some(Balance {
            capacity: self.capacity,
            demand_mean: tenths(self.taken as f64 / self.known as f64),
            demand_peak: self.peak,
            full_s: u32::try_from(self.full / 1_000_000).unwrap_or(u32::MAX),
        })
    }
}

/// Rounded to a tenth: finer would be noise, and a change to publish.
#[expect(clippy::cast_possible_truncation, reason = "a tenth of a percent is far above what an f32 drops")]
pub(super) fn tenths(x: f64) -> f32 {
    ((x * 10.0).round() / 10.0) as f32
}

/// The hour under way and the last whole one.
#[derive(Clone, Debug)]
pub(super) struct Hours {
    /// Start of the hour under way; `None` before the first instant.
    pub(super) start: Option<Timestamp>,
    pub(super) now: Sums,
    pub(super) last: Option<Sums>,
    figure: Option<Figure>,
    /// Everything up to here is in the sums.
    summed: Timestamp,
}

impl Hours {
    pub(super) fn new() -> Self {
        Hours { start: None, now: Sums::default(), last: None, figure: None, summed: Timestamp::EPOCH }
    }

    /// The figure from `now` on, to which hours have been advanced.
    pub(super) fn set(&mut self, figure: Option<Figure>) {
        self.figure = figure;
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Timestamp, zone: &TimeZone) {
        let Some(mut start) = self.start.filter(|start| now.since(*start) < GAP) else {
            *self =
                Hours { start: Some(hour_of(now, zone)), summed: now, figure: self.figure, ..Hours::new() };
            return;
        };
        while start + HOUR <= now {
            let end = start + HOUR;
            self.sum(end);
            self.last = Some(std::mem::take(&mut self.now));
            // Where a zone shifts by half an hour, the hour after it is the shorter one.
            start = hour_of(end, zone).max(end);
        }
        self.start = Some(start);
        self.sum(now);
    }

    fn sum(&mut self, to: Timestamp) {
        if let Some(figure) = &self.figure {
            self.now.add(figure, to.min(figure.until).since(self.summed));
        }
        self.summed = self.summed.max(to);
    }

    /// Mean share in the hour under way, percent.
    pub(super) fn pressure_pct(&self) -> Option<f32> {
        let so_far = self.summed.since(self.start?);
        self.now.pressure(so_far).map(|p| tenths(p * 100.0))
    }

    /// A vehicle left: it belongs to the hour in which it was seen to, if that is not long gone.
    pub(super) fn departed(&mut self, at: Timestamp) {
        let Some(start) = self.start else { return };
        if start <= at {
            self.now.departures += 1;
        } else if start - HOUR <= at
            && let Some(last) = &mut self.last
        {
            last.departures += 1;
        }
    }

    pub(super) fn last_pressure(&self) -> Option<f64> {
        self.last.as_ref().and_then(|last| last.pressure(HOUR))
    }
}

/// Start of the hour that the clock on the wall shows.
fn hour_of(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let Ok(instant) = jiff::Timestamp::from_microsecond(now.micros()) else { return now.floor(HOUR) };
    let offset = i64::from(zone.to_offset(instant).seconds());
    let seconds = now.micros().div_euclid(1_000_000) + offset;
    Timestamp::from_secs(seconds - seconds.rem_euclid(3_600) - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_on_the_wall() {
        for (zone, now, start) in [
            ("Europe/Brussels", "2026-03-29T01:59:59.9Z", "2026-03-29T01:00:00Z"),
            ("Asia/Kolkata", "2026-06-05T12:29:00Z", "2026-06-05T11:30:00Z"),
            ("Asia/Kathmandu", "2026-06-05T12:20:00Z", "2026-06-05T12:15:00Z"),
            ("UTC", "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(hour_of(now.parse().unwrap(), &zone).to_string(), start);
        }
    }
}
