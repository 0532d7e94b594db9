//! Sensors that go wrong where they stand: a car park whose barriers miscount, a zone whose bay sensors fall silent.
//!
//! Each wraps the actor that it spoils and changes only what is said, by a chance of its own: what really happens in the
//! city is the same with and without it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::actor::{Actor, Said};
use super::calendar::Calendar;
use super::chance::Chance;
use crate::wire::Value;

/// What goes wrong at the sensors; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// A car park whose barriers miscount.
    pub drift: Option<Drift>,
    /// A zone whose bay sensors fall silent.
    pub silence: Option<Silence>,
    /// Set once the barriers are repaired: from then on they count right.
    pub repaired: Arc<AtomicBool>,
}

/// Barriers that miscount. Their controller no longer states how many are inside: nothing but the passages is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The car park's id.
    pub facility: String,
    /// From this simulated instant on, in microseconds.
    pub from_micros: i64,
    /// Vehicles that leave unseen, 0 to 1.
    pub missed_exits: f64,
    /// Vehicles that count twice as they enter, 0 to 1.
    pub doubled_entries: f64,
}

/// Bay sensors that fall silent, all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The zone's id.
    pub facility: String,
    /// From this simulated instant on, in microseconds.
    pub from_micros: i64,
}

impl Trouble {
    /// The barriers are repaired.
    pub fn repair(&self) {
        self.repaired.store(true, Ordering::Relaxed);
    }

    /// A car park as its barriers tell of it.
    pub(super) fn at_barriers(&self, facility: &str, inner: Box<dyn Actor>, seed: u64) -> Box<dyn Actor> {
        match self.drift.clone().filter(|d| d.facility == facility) {
            Some(drift) => Box::new(Drifting {
                inner,
                drift,
                repaired: Arc::clone(&self.repaired),
                chance: Chance::new(seed, &format!("drift {facility}")),
                off: BTreeMap::new(),
            }),
            None => inner,
        }
    }

    /// A bay as its sensor tells of it.
    pub(super) fn at_bay(&self, facility: &str, inner: Box<dyn Actor>) -> Box<dyn Actor> {
        match self.silence.as_ref().filter(|s| s.facility == facility) {
            Some(silence) => Box::new(Silent { inner, from: silence.from_micros }),
            None => inner,
        }
    }
}

struct Drifting {
    inner: Box<dyn Actor>,
    drift: Drift,
    repaired: Arc<AtomicBool>,
    chance: Chance,
    /// By how much each barrier's totals are off: entries too many, exits too few.
    off: BTreeMap<usize, (u32, u32)>,
}

impl Actor for Drifting {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let before = said.len();
        let next = self.inner.act(at, calendar, said);
        let begun = self.drift.from_micros <= at;
        let miscounts = begun && !self.repaired.load(Ordering::Relaxed);
        for mut told in said.split_off(before) {
            let (entries, exits) = self.off.entry(told.device).or_default();
            match &mut told.value {
                Value::Occupancy { .. } if begun => continue,
                Value::Passage { inward: false, .. }
                    if miscounts && self.chance.happens(self.drift.missed_exits) =>
                {
                    *exits = exits.wrapping_add(1);
                    continue;
                }
                Value::Passage { inward: true, .. }
                    if miscounts && self.chance.happens(self.drift.doubled_entries) =>
                {
                    *entries = entries.wrapping_add(1);
                    said.push(told.clone());
                }
                Value::Totals { entries: counted_in, exits: counted_out } => {
                    *counted_in = counted_in.wrapping_add(*entries);
                    *counted_out = counted_out.wrapping_sub(*exits);
                }
                _ => {}
            }
            said.push(told);
        }
        next
    }

    fn truth(&self, truth: &mut BTreeMap<String, u32>) {
        self.inner.truth(truth);
    }
}

struct Silent {
    inner: Box<dyn Actor>,
    from: i64,
}

impl Actor for Silent {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let before = said.len();
        let next = self.inner.act(at, calendar, said);
        if self.from <= at {
            said.truncate(before);
        }
        next
    }

    fn truth(&self, truth: &mut BTreeMap<String, u32>) {
        self.inner.truth(truth);
    }
}
