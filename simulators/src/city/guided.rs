//! Who passes which sign on the way to a car park, and who is on the way elsewhere because of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chance::Chance;
use crate::drivers::Reading;
use crate::layout::Layout;
use crate::time::MINUTE;

/// Minutes to drive where the sign does not say.
const USUAL_MINUTES: u32 = 5;

/// What a sign shows now, by its id; `None`: it is dark.
pub type Shown = Arc<dyn Fn(&str) -> Option<Reading> + Send + Sync>;

/// Drivers and signs; by default nobody heeds them.
#[derive(Clone, Default)]
pub struct Drivers {
    /// Share of the drivers who pass a sign that heed it, 0 to 1.
    pub obey: f64,
    /// What signs show; `None`: there are none.
    pub shown: Option<Shown>,
}

/// What became of those who passed a sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverCounts {
    /// Passed a lit sign that announces where they want to go.
    pub passed: u64,
    /// Did not read there that it has space.
    pub warned: u64,
    /// Of those, went where it sends.
    pub followed: u64,
    /// Of those, found no space there.
    pub in_vain: u64,
}

/// Signs, and vehicles that they have sent elsewhere.
pub(crate) struct Guided {
    obey: f64,
    shown: Shown,
    /// By facility: signs that announce it, and the share of drivers who pass each.
    signs: BTreeMap<String, Vec<(String, f64)>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By facility that vehicles can be sent to: when they arrive.
    coming: BTreeMap<String, BinaryHeap<Reverse<i64>>>,
    counts: DriverCounts,
}

impl Guided {
    /// `None`: nobody heeds signs.
    pub(crate) fn new(drivers: &Drivers, layout: &Layout) -> Option<Arc<Guided>> {
        let shown = drivers.shown.clone().filter(|_| drivers.obey > 0.0)?;
        let mut signs: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
        for sign in layout.signs.iter().filter(|sign| sign.demand > 0.0) {
            for facility in sign.facilities() {
                signs.entry(facility.to_owned()).or_default().push((sign.id.clone(), sign.demand));
            }
        }
        let coming = layout.facilities.iter().filter(|f| !f.devices.is_empty());
        let coming = coming.map(|f| (f.id.clone(), BinaryHeap::new())).collect();
        let state = Mutex::new(State { coming, ..State::default() });
        Some(Arc::new(Guided { obey: drivers.obey, shown, signs, state }))
    }

    /// Somebody sets out for a car park and passes one of its signs; true when that one drives elsewhere.
    pub(crate) fn drives_elsewhere(&self, wanted: &str, at: i64, chance: &mut Chance) -> bool {
        let (passes, heeds) = (chance.unit(), chance.happens(self.obey));
        let Some(reading) = self.passed(wanted, passes).and_then(|sign| (self.shown)(sign)) else {
            return false;
        };
        let mut state = self.state();
        state.counts.passed += 1;
        if !reading.warns_of(wanted) {
            return false;
        }
        state.counts.warned += 1;
        let Some(row) = reading.instead_of(wanted).filter(|_| heeds) else { return false };
        let Some(coming) = state.coming.get_mut(&row.target) else { return false };
        let minutes = row.minutes.unwrap_or(USUAL_MINUTES).max(1);
        coming.push(Reverse(at + i64::from(minutes) * MINUTE));
        state.counts.followed += 1;
        true
    }

    /// The sign that somebody passes, of those that announce it: `draw` is even within 0..1.
    fn passed(&self, wanted: &str, draw: f64) -> Option<&str> {
        let signs = self.signs.get(wanted)?;
        let mut left = draw * signs.iter().map(|(_, demand)| demand).sum::<f64>();
        for (sign, demand) in signs {
            left -= demand;
            if left < 0.0 {
                return Some(sign);
            }
        }
        signs.last().map(|(sign, _)| sign.as_str())
    }

    /// How many that were sent to a car park are there by now; they are no longer on the way.
    pub(crate) fn arrived(&self, facility: &str, at: i64) -> usize {
        let mut state = self.state();
        let Some(coming) = state.coming.get_mut(facility) else { return 0 };
        let before = coming.len();
        while coming.peek().is_some_and(|Reverse(when)| *when <= at) {
            coming.pop();
        }
        before - coming.len()
    }

    /// When the next of them arrives.
    pub(crate) fn next(&self, facility: &str) -> Option<i64> {
        self.state().coming.get(facility)?.peek().map(|Reverse(when)| *when)
    }

    /// One of them found no space.
    pub(crate) fn in_vain(&self) {
        self.state().counts.in_vain += 1;
    }

    pub(crate) fn counts(&self) -> DriverCounts {
        self.state().counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
