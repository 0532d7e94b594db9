//! What the signs do, to be read while they run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::display::ShownFace;
use crate::drivers::Reading;
use crate::time::SimClock;

/// Timers fire a little late, and the display is looked at from outside: only beyond this is a face too old.
const GRACE: Duration = Duration::from_millis(250);
/// Latencies are kept up to this many microseconds; longer ones count as this.
const LATENCY_MAX_US: u64 = 60_000_000;

/// Counters and faces of all signs and garages.
#[derive(Debug)]
pub struct Live {
    connected: AtomicUsize,
    connected_max: AtomicUsize,
    reconnects: AtomicU64,
    shown: AtomicU64,
    renewed: AtomicU64,
    fallbacks: AtomicU64,
    rejected: AtomicU64,
    past_end: AtomicU64,
    garage_updates: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    signs: BTreeMap<String, SignView>,
    garages: BTreeMap<String, GarageView>,
    latency: Histogram<u64>,
}

/// One sign as somebody in front of it sees it.
#[derive(Clone, Debug, Default)]
pub struct SignView {
    /// Whether its connection is open.
    pub connected: bool,
    /// What it shows; `None`: its own fallback, dark.
    pub face: Option<ShownFace>,
    /// Why the engine closed its connection, where it did.
    pub refused: Option<String>,
}

/// One bicycle garage as its visitors see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GarageView {
    /// Its sections with their free places; `None`: not known, or too old to show.
    pub sections: Vec<(String, Option<u32>)>,
    /// The words on its signs by sign id; without an entry a sign is dark.
    pub faces: BTreeMap<String, String>,
}

/// Time from a sensor's publishing to a sign's receiving, in milliseconds of the wall's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// Faces that were measured.
    pub count: u64,
    /// Median.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

/// What the signs did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignsReport {
    /// Most connections that were open at once.
    pub connected_max: usize,
    /// Connections that were opened again.
    pub reconnects: u64,
    /// Faces that came on display.
    pub faces_shown: u64,
    /// Faces that were renewed.
    pub renewals: u64,
    /// Faces that ended without renewal: their sign turned to its fallback.
    pub fallbacks: u64,
    /// Faces that were refused.
    pub rejected: u64,
    /// Faces that were seen on display after their end; anything but 0 is a fault.
    pub shown_past_end: u64,
    /// States of garages that arrived.
    pub garage_updates: u64,
    /// Time from a sensor's publishing to a sign's receiving.
    pub latency: Latency,
}

impl Default for Live {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "constant bounds, which hold")]
        let latency = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("bounds");
        Live {
            connected: AtomicUsize::new(0),
            connected_max: AtomicUsize::new(0),
            reconnects: AtomicU64::new(0),
            shown: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            fallbacks: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            past_end: AtomicU64::new(0),
            garage_updates: AtomicU64::new(0),
            state: Mutex::new(State { signs: BTreeMap::new(), garages: BTreeMap::new(), latency }),
        }
    }
}

impl Live {
    /// Signs whose connection is open.
    pub fn connected(&self) -> usize {
        self.connected.load(Ordering::Acquire)
    }

    /// The words on each sign by its id; `None`: dark.
    pub fn texts(&self) -> BTreeMap<String, Option<String>> {
        let now = Instant::now();
        let text = |view: &SignView| on_display(view, now).map(|f| f.text.clone());
        self.state().signs.iter().map(|(id, view)| (id.clone(), text(view))).collect()
    }

    /// One sign as it is now.
    pub fn sign(&self, id: &str) -> Option<SignView> {
        let now = Instant::now();
        self.state()
            .signs
            .get(id)
            .map(|view| SignView { face: on_display(view, now).cloned(), ..view.clone() })
    }

    /// What somebody reads who passes a sign now; `None`: it is dark.
    pub fn reading(&self, id: &str) -> Option<Reading> {
        let now = Instant::now();
        self.state().signs.get(id).and_then(|view| on_display(view, now)).map(|face| face.reading.clone())
    }

    /// Every garage as it is now, by id.
    pub fn garages(&self) -> BTreeMap<String, GarageView> {
        self.state().garages.clone()
    }

    /// What was counted and measured so far.
    pub fn report(&self) -> SignsReport {
        let latency = {
            let state = self.state();
            let h = &state.latency;
            let ms = |us: u64| us as f64 / 1_000.0;
            Latency {
                count: h.len(),
                p50_ms: ms(h.value_at_quantile(0.5)),
                p90_ms: ms(h.value_at_quantile(0.9)),
                p99_ms: ms(h.value_at_quantile(0.99)),
                max_ms: ms(h.max()),
            }
        };
        SignsReport {
            connected_max: self.connected_max.load(Ordering::Acquire),
            reconnects: self.reconnects.load(Ordering::Acquire),
            faces_shown: self.shown.load(Ordering::Acquire),
            renewals: self.renewed.load(Ordering::Acquire),
            fallbacks: self.fallbacks.load(Ordering::Acquire),
            rejected: self.rejected.load(Ordering::Acquire),
            shown_past_end: self.past_end.load(Ordering::Acquire),
            garage_updates: self.garage_updates.load(Ordering::Acquire),
            latency,
        }
    }

    /// Looks at every display as a passer-by does, and counts the faces that should have ended.
    pub(crate) fn audit(&self, clock: &SimClock) {
        let (now, late) = (Instant::now(), clock.now().saturating_sub(clock.sim(GRACE)));
        let mut past_end = 0;
        for view in self.state().signs.values() {
            past_end +=
                u64::from(on_display(view, now).and_then(|f| f.valid_until).is_some_and(|end| end < late));
        }
        if past_end > 0 {
            self.past_end.fetch_add(past_end, Ordering::AcqRel);
        }
    }

    /// A face of a garage's own stream that was seen after its end.
    pub(crate) fn seen_past_end(&self) {
        self.past_end.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn connects(&self, sign: &str, again: bool) {
        let n = self.connected.fetch_add(1, Ordering::AcqRel) + 1;
        self.connected_max.fetch_max(n, Ordering::AcqRel);
        if again {
            self.reconnects.fetch_add(1, Ordering::AcqRel);
        }
        self.view(sign, |view| {
            view.connected = true;
            view.refused = None;
        });
    }

    pub(crate) fn disconnects(&self, sign: &str, why: Option<String>) {
        self.connected.fetch_sub(1, Ordering::AcqRel);
        self.view(sign, |view| view.connected = false);
        self.refused(sign, why);
    }

    pub(crate) fn refused(&self, sign: &str, why: Option<String>) {
        if why.is_some() {
            self.view(sign, |view| view.refused = why);
        }
    }

    pub(crate) fn displays(&self, sign: &str, face: Option<&ShownFace>) {
        self.view(sign, |view| view.face = face.cloned());
    }

    pub(crate) fn counts_shown(&self) {
        self.shown.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn counts_renewed(&self) {
        self.renewed.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn counts_fallback(&self) {
        self.fallbacks.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn counts_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn measures(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_US);
        self.state().latency.saturating_record(us.max(1));
    }

    pub(crate) fn garage(&self, id: &str, arrived: bool, view: GarageView) {
        if arrived {
            self.garage_updates.fetch_add(1, Ordering::AcqRel);
        }
        self.state().garages.insert(id.to_owned(), view);
    }

    fn view(&self, sign: &str, change: impl FnOnce(&mut SignView)) {
        let mut state = self.state();
        match state.signs.get_mut(sign) {
            Some(view) => change(view),
            None => change(state.signs.entry(sign.to_owned()).or_default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn on_display(view: &SignView, now: Instant) -> Option<&ShownFace> {
    view.face.as_ref().filter(|f| now < f.until)
}
