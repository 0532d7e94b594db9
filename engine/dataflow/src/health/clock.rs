//! Whether a device's clock tells the time: `observed_at` against `received_at`.

use super::{ClockRules, Detail, HOUR, Health, Micros, Rule, SECOND, State};

/// Readings that are looked back at.
const KEPT: usize = 8;
/// Farther is not told apart, seconds: about 30 years.
const FARTHEST_S: i64 = 1_000_000_000;

/// How a clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockOffset {
    /// By whole hours (positive: behind): a time zone, or summer time.
    WholeHours(i32),
    /// Otherwise.
    Other,
}

/// The health of a clock, in about 100 bytes. Give it each reading *before* admission refuses it for its time.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockHealth {
    /// received - observed of the newest readings, seconds.
    lags_s: [i32; KEPT],
    next: usize,
    count: usize,
    offset: Option<ClockOffset>,
    since: Option<Micros>,
    wrong_since: Option<Micros>,
    /// It has been off so long that no queue on the way explains it.
    lasting: bool,
    detail: Detail,
}

impl ClockHealth {
    /// A reading, dated `observed_at` by the device, that arrived at `received_at`.
    pub fn observe(&mut self, observed_at: Micros, received_at: Micros, rules: &ClockRules) {
        let lag_s = received_at.saturating_sub(observed_at) / SECOND;
        if let Some(slot) = self.lags_s.get_mut(self.next) {
            *slot = i32::try_from(lag_s.clamp(-FARTHEST_S, FARTHEST_S)).unwrap_or(0);
        }
        self.next = (self.next + 1) % KEPT;
        self.count = (self.count + 1).min(KEPT);
        self.since.get_or_insert(received_at);
        if self.count < KEPT {
            return;
        }
        let least = self.lags_s.iter().copied().min().unwrap_or(0);
        let most = self.lags_s.iter().copied().max().unwrap_or(0);
        let secs = |m: Micros| i32::try_from(m / SECOND).unwrap_or(i32::MAX);
        // The quickest reading tells of the clock: what came later than it was held up on its way. Ahead of us none can
        // be, so the slowest must be ahead as well.
        let (off, limit) = if most < -secs(rules.ahead) {
            (most, secs(rules.ahead))
        } else if least > secs(rules.behind) {
            (least, secs(rules.behind))
        } else {
            if self.wrong_since.take().is_some() {
                self.since = Some(received_at);
            }
            (self.offset, self.detail, self.lasting) = (None, Detail::default(), false);
            return;
        };
        let hour = secs(HOUR);
        let near = secs(rules.near_hour);
        let hours_off = (off + off.signum() * hour / 2) / hour;
        let steady = i64::from(most) - i64::from(least) <= i64::from(near);
        let whole = hours_off != 0 && (off - hours_off * hour).abs() <= near && steady;
        self.offset = Some(if whole { ClockOffset::WholeHours(hours_off) } else { ClockOffset::Other });
        let since = *self.wrong_since.get_or_insert(received_at);
        self.lasting = received_at.saturating_sub(since) >= rules.lasting;
        self.detail = Detail { seen: off as f32, limit: limit as f32 };
    }

    /// By how much it is off; `None` when it is not.
    #[must_use]
    pub fn offset(&self) -> Option<ClockOffset> {
        self.offset
    }

    /// Suspect while all of the last 8 readings are off, for a queue that empties after an outage looks like it; failed
    /// when that lasts, by whole hours. One good reading recovers it.
    #[must_use]
    pub fn state(&self) -> Health {
        match self.wrong_since {
            Some(since) => Health {
                state: match self.offset {
                    Some(ClockOffset::WholeHours(_)) if self.lasting => State::Failed,
                    _ => State::Suspect,
                },
                rule: Some(Rule::ClockWrong),
                since: Some(since),
                detail: self.detail,
            },
            None => {
                Health { state: State::Healthy, rule: None, since: self.since, detail: Detail::default() }
            }
        }
    }
}
