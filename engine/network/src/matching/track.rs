//! A whole track at once.

use vlot_model::{LinkIx, Timestamp};

use super::chain::{Chain, Event, Fate};
use super::{Matcher, Point, Scratch};

/// What a track went along.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matched {
    /// In order of travel; within an unbroken stretch each begins where the one before ends.
    pub passed: Vec<Passed>,
    /// Positions in `passed` before which the track is broken; rising, never 0 nor its end.
    pub breaks: Vec<usize>,
    /// Points that were of no use (not those of a vehicle that stands).
    pub unused: usize,
}

/// A link, or a part of one, that was gone along.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// Which.
    pub link: LinkIx,
    /// Metres from its start, from here
    pub from_m: f32,
    /// to here.
    pub to_m: f32,
    /// When it was there.
    pub from: Timestamp,
    /// When it was here.
    pub to: Timestamp,
}

/// Matches a whole track, whose points are in order of time, knowing all of it.
#[must_use]
pub fn match_track(matcher: &Matcher, points: &[Point]) -> Matched {
    let (mut chain, mut scratch, mut matched) = (Chain::default(), Scratch::new(), Matched::default());
    let mut broken = true;
    let mut fates = Vec::with_capacity(points.len());
    let Matched { passed, breaks, .. } = &mut matched;
    let mut out = |event| match event {
        Event::Broken => broken = true,
        Event::Along { link, from_m, to_m, from, to } => {
            if std::mem::take(&mut broken) && !passed.is_empty() {
                breaks.push(passed.len());
            }
            let joins = breaks.last() != Some(&passed.len());
            match passed
                .last_mut()
                .filter(|last: &&mut Passed| joins && last.link == link && last.to_m <= from_m)
            {
                Some(last) => (last.to_m, last.to) = (to_m, to),
                None => passed.push(Passed { link, from_m, to_m, from, to }),
            }
        }
    };
    for point in points {
        fates.push(chain.take(matcher, &mut scratch, point, usize::MAX, &mut out));
    }
    chain.finish(matcher, &mut scratch, &mut out);
    matched.unused = fates.iter().filter(|f| !matches!(f, Fate::Used | Fate::Still | Fate::Parked)).count();
    matched
}
