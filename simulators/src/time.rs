//! Simulated time: instants in microseconds UTC, given from outside, passing `speed` times as fast as the wall's.

use std::sync::Arc;
use std::time::Duration;

/// The present simulated instant, in microseconds since the Unix epoch.
pub type NowMicros = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;

/// A clock that was given from outside.
#[derive(Clone)]
pub struct SimClock {
    now: NowMicros,
    speed: f64,
}

impl SimClock {
    /// A clock that reads `now` and knows that it runs at `speed` simulated seconds a second.
    /// A speed that is not a positive number is taken as 1.
    #[must_use]
    pub fn new(now: NowMicros, speed: f64) -> Self {
        SimClock { now, speed: if speed.is_finite() && speed > 0.0 { speed } else { 1.0 } }
    }

    /// The present simulated instant.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.now)()
    }

    /// Simulated seconds in one of the wall's.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How long the wall's clock needs for so many simulated microseconds; zero for a negative span.
    #[must_use]
    pub fn wall(&self, sim_micros: i64) -> Duration {
        let seconds = sim_micros.max(0) as f64 / 1e6 / self.speed;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// So many simulated microseconds pass in that time of the wall's.
    #[must_use]
    pub fn sim(&self, wall: Duration) -> i64 {
        round(wall.as_secs_f64() * 1e6 * self.speed)
    }

    /// Waits until the simulated instant.
    pub async fn sleep_until(&self, instant: i64) {
        loop {
            let left = instant.saturating_sub(self.now());
            if left <= 0 {
                return;
            }
            // In pieces, so that a clock that jumps ahead is noticed.
            tokio::time::sleep(self.wall(left).min(Duration::from_secs(1))).await;
        }
    }
}

/// An instant as RFC 3339 text, UTC, with as many decimals as it needs.
#[must_use]
pub fn text(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros}us"), |t| t.to_string())
}

/// An instant as a protobuf timestamp.
#[must_use]
pub fn proto(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(SECOND) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(SECOND), nanos }
}

/// A protobuf timestamp as an instant; saturates.
#[must_use]
pub fn from_proto(t: &prost_types::Timestamp) -> i64 {
    t.seconds.saturating_mul(SECOND).saturating_add(i64::from(t.nanos) / 1_000)
}

/// A protobuf duration in microseconds; saturates.
#[must_use]
pub fn duration_from_proto(d: &prost_types::Duration) -> i64 {
    d.seconds.saturating_mul(SECOND).saturating_add(i64::from(d.nanos) / 1_000)
}

/// The nearest integer; saturates, and 0 for what is no number.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what this function promises")]
pub fn round(x: f64) -> i64 {
    x.round() as i64
}

/// A duration as configurations write it ("90s", "10m", "1h30m", "500ms"), in microseconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit_len = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match rest.get(..unit_len)?.trim() {
            "us" => 1,
            "ms" => 1_000,
            "s" => SECOND,
            "m" | "min" => MINUTE,
            "h" => HOUR,
            "d" => 24 * HOUR,
            _ => return None,
        };
        rest = rest.get(unit_len..)?;
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_configurations_write_them() {
        for (text, micros) in [
            ("90s", Some(90 * SECOND)),
            ("1h30m", Some(90 * MINUTE)),
            ("500ms", Some(500_000)),
            ("2d", Some(48 * HOUR)),
            ("10 m", Some(10 * MINUTE)),
            ("", None),
            ("10", None),
            ("s", None),
            ("-1s", None),
            ("99999999999999d", None),
        ] {
            assert_eq!(parse_duration(text), micros, "{text:?}");
        }
    }

    #[test]
    fn wall_and_simulated_spans_convert() {
        let clock = SimClock::new(Arc::new(|| 0), 60.0);
        assert_eq!(clock.wall(60 * SECOND), Duration::from_secs(1));
        assert_eq!(clock.sim(Duration::from_secs(1)), 60 * SECOND);
        assert_eq!(clock.wall(-5), Duration::ZERO);
        assert_eq!(SimClock::new(Arc::new(|| 0), f64::NAN).speed(), 1.0);
    }

    #[test]
    fn instants_before_the_epoch_keep_their_nanos_positive() {
        let t = proto(-1);
        assert_eq!((t.seconds, t.nanos), (-1, 999_999_000));
        assert_eq!(from_proto(&t), -1);
        assert_eq!(text(0), "1970-01-01T00:00:00Z");
    }
}
