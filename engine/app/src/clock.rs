//! The only clocks that read the wall's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use vlot_model::{Clock, Timestamp};

/// The wall's clock.
#[derive(Debug, Default)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        wall()
    }
}

fn wall() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the clock is made that all others are given"
    )]
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::EPOCH + since_epoch.unwrap_or(Duration::ZERO)
}

/// A clock that starts at a given instant and runs `speed` times as fast as the wall's.
#[derive(Debug)]
pub(crate) struct DemoClock {
    started: Instant,
    /// In microseconds; grows when a journal is found to end later.
    origin: AtomicI64,
    speed: f64,
}

impl DemoClock {
    /// Starts now, at the wall's present instant or a given one.
    pub(crate) fn start(origin: Option<Timestamp>, speed: f64) -> Self {
        let origin = origin.unwrap_or_else(wall).micros();
        DemoClock { started: Instant::now(), origin: AtomicI64::new(origin), speed }
    }

    /// Makes it show at least `at` from now on: a city that ran fast yesterday goes on where it ended.
    pub(crate) fn not_before(&self, at: Timestamp) {
        let behind = at.micros().saturating_sub(self.now().micros()).max(0);
        self.origin.fetch_add(behind, Ordering::Relaxed);
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.origin.load(Ordering::Relaxed))
            + self.started.elapsed().mul_f64(self.speed)
    }

    fn speed(&self) -> f64 {
        self.speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_goes_on_where_its_journal_ended() {
        let clock = DemoClock::start(Some(Timestamp::from_secs(100)), 60.0);
        clock.not_before(Timestamp::from_secs(50));
        assert!(clock.now() >= Timestamp::from_secs(100) && clock.now() < Timestamp::from_secs(4_000));
        clock.not_before(Timestamp::from_secs(1_000_000));
        assert!(clock.now() >= Timestamp::from_secs(1_000_000));
    }
}
