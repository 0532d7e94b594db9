//! A vehicle that is followed while it drives, in bounded memory.

use vlot_model::{LinkIx, Timestamp};

use super::chain::{Chain, Event, Fate};
use super::{Matcher, Point, Scratch};

/// A link that a vehicle went along from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traversal {
    /// Which.
    pub link: LinkIx,
    /// When it came over its start; between two points by the speeds of free flow.
    pub entered_at: Timestamp,
    /// When it left over its end.
    pub left_at: Timestamp,
}

/// Follows one vehicle. Holds at most [`super::Rules::lag`] points, each with at most [`super::Rules::candidates`] places.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    chain: Chain,
    on: On,
}

/// Where the decided part of the track ends.
#[derive(Clone, Copy, Debug, Default)]
enum On {
    #[default]
    Nowhere,
    /// On a link that it began in the middle of, or at whose start it first was seen.
    Within(LinkIx, f32),
    /// On a link that it came onto over its start.
    Whole(LinkIx, f32, Timestamp),
}

impl Tracker {
    /// Follows nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Tracker::default()
    }

    /// When it was last heard of, on the network.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.chain.last()
    }

    #[cfg(test)]
    pub(super) fn columns(&self) -> usize {
        self.chain.columns()
    }

    /// Takes the next point. What is decided by it goes to `out`, in order of travel.
    pub fn take(
        &mut self,
        matcher: &Matcher,
        scratch: &mut Scratch,
        point: &Point,
        out: &mut Vec<Traversal>,
    ) -> Fate {
        let Tracker { chain, on } = self;
        chain.take(matcher, scratch, point, matcher.rules.lag, &mut |event| on.go(&event, out))
    }

    /// Nothing more comes: decides what is undecided.
    pub fn finish(&mut self, matcher: &Matcher, scratch: &mut Scratch, out: &mut Vec<Traversal>) {
        let Tracker { chain, on } = self;
        chain.finish(matcher, scratch, &mut |event| on.go(&event, out));
    }
}

impl On {
    fn go(&mut self, event: &Event, out: &mut Vec<Traversal>) {
        let Event::Along { link, from_m, to_m, from, .. } = *event else {
            *self = On::Nowhere;
            return;
        };
        *self = match *self {
            On::Nowhere => On::Within(link, to_m),
            On::Within(on, at_m) if on == link && from_m >= at_m => On::Within(link, to_m),
            On::Whole(on, at_m, entered) if on == link && from_m >= at_m => On::Whole(link, to_m, entered),
            // Onto another link, or onto the same one again.
            On::Within(..) => On::Whole(link, to_m, from),
            On::Whole(on, _, entered_at) => {
                out.push(Traversal { link: on, entered_at, left_at: from });
                On::Whole(link, to_m, from)
            }
        };
    }
}
