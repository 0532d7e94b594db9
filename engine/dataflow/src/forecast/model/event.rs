//! What was unusual about an event, for the next one of its name.

use super::moment::{InEvent, Moment};

/// Minutes per bin.
const BIN_MIN: i64 = 15;
/// The first days of an event that are remembered: 384 bins, 768 bytes.
const BINS: usize = 4 * 96;
/// Events remembered by name; of one more the oldest is forgotten.
const EVENTS: usize = 16;
/// Steps per unit of occupancy.
const SCALE: f32 = 20_000.0;
/// A bin without a value.
const NONE: i16 = i16::MIN;
/// How far a later figure draws a bin, within one event and by the next one of its name.
const DRAW: f32 = 0.4;

/// One name: how much fuller than usual the facility was, per quarter of an hour from the event's beginning.
#[derive(Clone, Debug)]
struct Memory {
    name: u16,
    /// The beginning of the one that is being learned.
    from_s: i64,
    /// Whether one before it was.
    is_known: bool,
    bins: Vec<i16>,
}

/// The events that a facility has seen. Nothing is allocated before the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    seen: Vec<Memory>,
}

impl Events {
    /// Learns how much fuller than usual it was, as a share of the capacity, while an event is under way.
    pub(crate) fn learn(&mut self, at: Moment, excess: f32) {
        let Some(InEvent { name, from_s }) = at.event.filter(|_| at.is_in_event()) else { return };
        if !self.seen.iter().any(|memory| memory.name == name) {
            if self.seen.len() == EVENTS {
                self.seen.remove(0);
            }
            self.seen.push(Memory { name, from_s, is_known: false, bins: vec![NONE; BINS] });
        }
        let Some(memory) = self.seen.iter_mut().find(|memory| memory.name == name) else { return };
        if memory.from_s != from_s {
            (memory.from_s, memory.is_known) = (from_s, true);
        }
        let bin = bin(at.unix_s.saturating_sub(from_s).div_euclid(60));
        if let Some(cell) = bin.and_then(|bin| memory.bins.get_mut(bin)) {
            let old = if *cell == NONE { excess } else { f32::from(*cell) / SCALE };
            *cell = quantise(old + (excess - old) * DRAW);
        }
    }

    /// How much fuller than usual it is to be expected so many minutes ahead; `None` without an event of which one before
    /// was seen. Before the beginning, and where that one had ended, nothing is unusual.
    pub(crate) fn excess(&self, at: Moment, ahead_min: i64) -> Option<f32> {
        let event = at.event?;
        let memory = self.seen.iter().find(|memory| memory.name == event.name)?;
        if !memory.is_known && memory.from_s == event.from_s {
            return None;
        }
        let minute = at.unix_s.saturating_sub(event.from_s).div_euclid(60).saturating_add(ahead_min);
        let cell = bin(minute).and_then(|bin| memory.bins.get(bin)).filter(|cell| **cell != NONE);
        Some(cell.map_or(0.0, |cell| f32::from(*cell) / SCALE))
    }
}

fn bin(minute: i64) -> Option<usize> {
    usize::try_from(minute.div_euclid(BIN_MIN)).ok()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the range first")]
fn quantise(excess: f32) -> i16 {
    (excess.clamp(-1.0, 1.0) * SCALE).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn during(name: u16, from_s: i64, minute: i64) -> Moment {
        let event = Some(InEvent { name, from_s });
        Moment { event, ..Moment::ordinary(from_s + minute * 60, 0) }
    }

    #[test]
    fn the_second_of_a_name_is_expected_to_be_like_the_first() {
        let mut events = Events::default();
        for minute in (0..120).step_by(5) {
            assert_eq!(
                events.excess(during(1, 1_000_000, minute), 15),
                None,
                "the first is not known while it lasts"
            );
            events.learn(during(1, 1_000_000, minute), if minute < 60 { 0.1 } else { 0.3 });
        }
        let next = |minute| during(1, 9_000_000, minute);
        let near = |found: Option<f32>, expected: f32| (found.unwrap() - expected).abs() < 1e-3;
        assert!(near(events.excess(next(-30), 0), 0.0), "it has not begun");
        assert!(near(events.excess(next(-30), 60), 0.1));
        assert!(near(events.excess(next(0), 60), 0.3));
        assert!(near(events.excess(next(90), 60), 0.0), "the first had ended");
        assert_eq!(events.excess(during(2, 9_000_000, 0), 15), None);
        events.learn(next(0), 0.2);
        assert!(near(events.excess(next(0), 0), 0.14));
        assert!(near(events.excess(next(0), 60), 0.3));
    }

    #[test]
    fn names_beyond_the_bound_push_out_the_oldest_and_no_moment_breaks_it() {
        let mut events = Events::default();
        for name in 0..20 {
            events.learn(during(name, 1_000_000, 0), 5.0);
            events.learn(during(name, 1_000_000, i64::from(u32::MAX)), -5.0);
        }
        assert_eq!(events.seen.len(), EVENTS);
        assert_eq!(events.excess(during(0, 2_000_000, 0), 0), None);
        assert!(events.excess(during(19, i64::MIN, 0), 60).is_some());
    }
}
