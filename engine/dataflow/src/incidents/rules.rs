//! The three rules, each of a link's own past alone and of the link after it.

use std::collections::VecDeque;
use std::time::Duration;

use vlot_model::{LinkState, Timestamp};

/// A drop is looked for within this.
const DROP_WITHIN: Duration = Duration::from_secs(300);
/// To this share of what it was or less; it is over above the other.
const DROP_TO: f32 = 0.5;
const DROP_OVER: f32 = 0.8;
/// And below this share of free flow.
const DROP_BELOW: f32 = 0.5;
/// More than this share of the flow before: a rush.
const RUSH: f32 = 1.1;

/// The difference of shares of free flow from which on a bottleneck is suspected, above what is usual there.
const BOTTLENECK: f32 = 0.4;
/// It has to hold so long.
const PERSISTS: Duration = Duration::from_secs(120);
/// A slow link is at level E or F.
const SLOW: f32 = 0.4;
/// What is usual is learned over about so long.
const USUAL_S: f64 = 7_200.0;

/// A detector that is covered so much, for so long, while nothing passes.
const COVERED_PCT: f32 = 90.0;
const COVERED_FOR: Duration = Duration::from_secs(120);

/// What a rule saw and where its limit lies; both in the rule's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) seen: f32,
    pub(super) limit: f32,
}

/// Speeds of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Drop {
    past: VecDeque<(Timestamp, f32, Option<u32>)>,
    /// The speed from which it fell, while the rule holds.
    from_kmh: Option<f32>,
}

impl Drop {
    /// The speed, and half of what it was.
    pub(super) fn look(&mut self, state: &LinkState, free_flow_kmh: f32, at: Timestamp) -> Option<Seen> {
        while self.past.front().is_some_and(|(then, ..)| *then + DROP_WITHIN < at) {
            self.past.pop_front();
        }
        let speed = state.speed_kmh;
        if let Some(from) = self.from_kmh {
            if speed >= from * DROP_OVER || speed > free_flow_kmh * DROP_BELOW / DROP_TO * DROP_OVER {
                self.from_kmh = None;
            }
        } else {
            let fastest = self.past.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some(&(_, from, flow)) = fastest
                && speed <= from * DROP_TO
                && speed < free_flow_kmh * DROP_BELOW
                && flow.zip(state.flow_vph).is_none_or(|(then, now)| now as f32 <= then as f32 * RUSH)
            {
                self.from_kmh = Some(from);
            }
        }
        self.past.push_back((at, speed, state.flow_vph));
        self.from_kmh.map(|from| Seen { seen: speed, limit: from * DROP_TO })
    }
}

/// How a link differs from the one after it.
#[derive(Debug, Default)]
pub(super) struct Bottleneck {
    usual: f64,
    looked_at: Option<Timestamp>,
    since: Option<Timestamp>,
}

impl Bottleneck {
    /// `next` is the share of free flow of the fastest measured link after it.
    pub(super) fn look(&mut self, share: f32, next: Option<f32>, at: Timestamp) -> Option<Seen> {
        let Some(next) = next else {
            self.since = None;
            return None;
        };
        let seen = next.min(1.0) - share;
        #[expect(clippy::cast_possible_truncation, reason = "a share")]
        let limit = BOTTLENECK + (self.usual as f32).max(0.0);
        let holds = seen >= limit && share <= SLOW;
        if let Some(before) = self.looked_at {
            let gain = 1.0 - (-at.since(before).as_secs_f64() / USUAL_S).exp();
            self.usual += gain * (f64::from(seen) - self.usual);
        }
        self.looked_at = Some(at);
        if !holds {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(at);
        (at >= since + PERSISTS).then_some(Seen { seen, limit })
    }
}

/// How long a detector is covered without a break.
#[derive(Debug, Default)]
pub(super) struct Cover {
    since: Option<(Timestamp, Timestamp)>,
    holds: Option<Seen>,
}

impl Cover {
    /// Over that time nothing passed.
    pub(super) fn hear(&mut self, from: Timestamp, until: Timestamp, pct: f32) {
        if self.since.is_some_and(|(_, last)| until <= last) {
            return;
        }
        if pct < COVERED_PCT {
            *self = Cover::default();
            return;
        }
        // Intervals that do not follow each other are no spell.
        let begun = self.since.filter(|(_, last)| from <= *last + Duration::from_secs(5));
        let begun = begun.map_or(from, |(begun, _)| begun);
        self.since = Some((begun, until));
        self.holds = (until >= begun + COVERED_FOR).then_some(Seen { seen: pct, limit: COVERED_PCT });
    }

    /// A detector that says nothing for long no longer says that it is covered.
    pub(super) fn look(&mut self, at: Timestamp) -> Option<Seen> {
        if self.since.is_some_and(|(_, last)| last + DROP_WITHIN < at) {
            *self = Cover::default();
        }
        self.holds
    }
}
