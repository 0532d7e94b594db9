//! Vehicles that apps have said to be on their way: counts by the minute of arrival, nothing of who they are.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{FacilityIx, Timestamp};

/// Nobody is announced further ahead, seconds.
pub const ANNOUNCED_AHEAD_MAX_S: u32 = 2 * 3_600;

/// What apps announce of one facility.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedArrivals {
    /// Where.
    pub facility: FacilityIx,
    /// Rising in time, at most one a minute of the next two hours; minutes that are over are not among them.
    pub arrivals: Vec<ExpectedMinute>,
}

/// Vehicles that are to arrive within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedMinute {
    /// The minute's beginning.
    pub minute: Timestamp,
    /// At least 1; all minutes together are no more than the facility's capacity.
    pub vehicles: u32,
}

impl ExpectedMinute {
    /// From then on it is over.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.minute + Duration::from_secs(60)
    }
}

impl ExpectedArrivals {
    /// All that are still on their way.
    #[must_use]
    pub fn on_the_way(&self, now: Timestamp) -> u32 {
        self.within(now, Timestamp::from_micros(i64::MAX))
    }

    /// Those that are to arrive after `now` and before whoever arrives at `arrival`.
    #[must_use]
    pub fn within(&self, now: Timestamp, arrival: Timestamp) -> u32 {
        let those = self.arrivals.iter().filter(|m| now < m.ends() && m.minute <= arrival);
        those.map(|m| m.vehicles).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_arrives_later_takes_no_space_from_who_arrives_before() {
        let s = Timestamp::from_secs;
        let minute = |at, vehicles| ExpectedMinute { minute: s(at), vehicles };
        let arrivals = vec![minute(600, 2), minute(900, 3)];
        let expected = ExpectedArrivals { facility: FacilityIx(0), arrivals };
        assert_eq!((expected.on_the_way(s(0)), expected.on_the_way(s(660))), (5, 3));
        assert_eq!((expected.within(s(0), s(899)), expected.within(s(0), s(900))), (2, 5));
        assert_eq!(expected.within(s(961), s(1_000)), 0);
    }
}
