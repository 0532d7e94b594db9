//! A run without change, measured by how unlikely it is.

use super::Micros;

/// The current run, and what this sensor's own runs are like.
///
/// Changes are not independent: a holiday is quiet all day. So theory alone gives false alarms; the limit also follows the
/// sensor's own longest runs, and on a day that is quieter than its hours usually are, quiet surprises less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// When the value last changed.
    pub(crate) since: Micros,
    /// Surprise of the run so far, nats, after the activity of the last hours before it.
    pub(crate) nats: f32,
    /// Changes that the hours of the week expected meanwhile.
    expected: f32,
    /// Longest healthy runs, nats, slowly forgotten.
    longest: f32,
    /// Changes of the last hours, and how many were expected, fading.
    seen: f32,
    awaited: f32,
}

/// Of the longest run, so much is left after a day: half after about ten weeks.
const KEPT_A_DAY: f32 = 0.99;
/// Activity is that of about the last so many expected changes before the run.
const ACTIVITY_CHANGES: f32 = 20.0;
/// However quiet the day, so much of the surprise remains.
const ACTIVITY_LEAST: f32 = 0.3;

impl Run {
    pub(crate) fn starting(at: Micros) -> Self {
        let (seen, awaited) = (ACTIVITY_CHANGES, ACTIVITY_CHANGES);
        Run { since: at, nats: 0.0, expected: 0.0, longest: 0.0, seen, awaited }
    }

    /// The surprise, nats, from which a run is a fault: `least`, or `margin` times the longest healthy one, up to `most`.
    pub(crate) fn limit(&self, least: f32, margin: f32, most: f32) -> f32 {
        (self.longest * margin).clamp(least, most.max(least))
    }

    /// Nothing changed, which surprises by `nats`, where `expected` changes were.
    pub(crate) fn lengthen(&mut self, nats: f32, expected: f32) {
        self.expected += expected;
        let activity = (self.seen / self.awaited.max(1.0)).clamp(ACTIVITY_LEAST, 1.0);
        self.nats += nats * activity;
    }

    /// The value changed, where `expected` changes were since the run was last lengthened.
    pub(crate) fn end(&mut self, at: Micros, expected: f32, limit: f32) {
        self.longest = self.longest.max(self.nats.min(limit));
        let awaited = self.expected + expected;
        let kept = (-awaited / ACTIVITY_CHANGES).exp();
        self.seen = self.seen * kept + 1.0;
        self.awaited = self.awaited * kept + awaited;
        self.restart(at);
    }

    /// Forgets the run under way.
    pub(crate) fn restart(&mut self, at: Micros) {
        (self.since, self.nats, self.expected) = (at, 0.0, 0.0);
    }

    /// A day has passed.
    pub(crate) fn forget(&mut self) {
        self.longest *= KEPT_A_DAY;
    }
}
