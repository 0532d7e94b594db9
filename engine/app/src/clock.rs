//! The only clocks that read the wall's.

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
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is made that all others are given")]
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::EPOCH + since_epoch.unwrap_or(Duration::ZERO)
}

/// A clock that starts at a given instant and runs `speed` times as fast as the wall's.
#[derive(Debug)]
pub(crate) struct DemoClock {
    started: Instant,
    origin: Timestamp,
    speed: f64,
}

impl DemoClock {
    /// Starts now, at the wall's present instant or a given one.
    pub(crate) fn start(origin: Option<Timestamp>, speed: f64) -> Self {
        DemoClock { started: Instant::now(), origin: origin.unwrap_or_else(wall), speed }
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        self.origin + self.started.elapsed().mul_f64(self.speed)
    }

    fn speed(&self) -> f64 {
        self.speed
    }
}
