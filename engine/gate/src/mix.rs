//! Readings that wait for others, so that the order in which they leave, and their times, do not tell which are of one vehicle.

use std::time::Duration;

use vlot_model::{Reading, Timestamp, Value};

/// Instants leave as multiples of this: else the end of one link and the start of the next would be the same microsecond.
const COARSE: Duration = Duration::from_secs(10);
/// So many leave at once, however early.
const MOST: usize = 10_000;

pub(crate) struct Mix {
    hold: Duration,
    since: Option<Timestamp>,
    held: Vec<Reading>,
}

impl Mix {
    pub(crate) fn new(hold: Duration) -> Self {
        Mix { hold, since: None, held: Vec::new() }
    }

    pub(crate) fn put(&mut self, now: Timestamp, mut reading: Reading) {
        reading.observed_at = reading.observed_at.floor(COARSE);
        self.since.get_or_insert(now);
        self.held.push(reading);
    }

    /// All that is held, once the first was held long enough.
    pub(crate) fn leave(&mut self, now: Timestamp, out: &mut Vec<Reading>) {
        let due = self.since.is_some_and(|since| now >= since + self.hold);
        if !due && self.held.len() < MOST {
            return;
        }
        self.since = None;
        let from = out.len();
        out.append(&mut self.held);
        let leaving = &mut out[from..];
        leaving.iter_mut().for_each(|reading| reading.received_at = now);
        leaving.sort_by_key(order);
    }
}

/// By what is said, not by who made it be said.
fn order(reading: &Reading) -> (u32, u64, u32, Timestamp, u32) {
    let (link, token, seconds) = match reading.value {
        Value::Traversal { link, seconds, token } => (link.0, token, seconds),
        Value::PairTime { seconds } => (0, 0, seconds),
        _ => (0, 0, 0.0),
    };
    (reading.device.0, link, token, reading.observed_at, seconds.to_bits())
}
