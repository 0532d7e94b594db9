//! What is wrong with a way out, for health.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use vlot_model::{Clock, Timestamp};

/// What was lost is told of for so long after the last loss.
const LOSS_TOLD: Duration = Duration::from_hours(1);

/// What does not work as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong, and what to do.
    pub what: String,
    /// Since when, by the engine's clock.
    pub since: Timestamp,
}

/// What a thread says of itself, and others read.
pub(super) struct Fares {
    clock: Arc<dyn Clock>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    failing: Option<Trouble>,
    damaged: Option<Trouble>,
    lost: u64,
    lost_since: Option<Timestamp>,
    lost_last: Option<Timestamp>,
}

impl Fares {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Fares> {
        Arc::new(Fares { clock, told: Mutex::default() })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// It fails; says whether that is new.
    pub(super) fn fails(&self, what: String) -> bool {
        let mut told = self.told.lock();
        let since = told.failing.as_ref().map(|t| t.since);
        told.failing = Some(Trouble { what, since: since.unwrap_or_else(|| self.clock.now()) });
        since.is_none()
    }

    /// It works; says whether that is new.
    pub(super) fn works(&self) -> bool {
        self.told.lock().failing.take().is_some()
    }

    /// A damaged file was moved aside: told of until the engine ends.
    pub(super) fn damaged(&self, what: String) {
        let since = self.clock.now();
        self.told.lock().damaged = Some(Trouble { what, since });
    }

    /// That many records are lost; says whether nothing was before.
    pub(super) fn lost(&self, records: u64) -> bool {
        let now = self.clock.now();
        let mut told = self.told.lock();
        told.lost += records;
        told.lost_last = Some(now);
        let first = told.lost_since.is_none();
        told.lost_since.get_or_insert(now);
        first
    }

    /// Everything that is wrong.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let mut told = self.told.lock();
        if told.lost_last.is_some_and(|last| self.clock.now().since(last) > LOSS_TOLD) {
            (told.lost, told.lost_since, told.lost_last) = (0, None, None);
        }
        let lost = told.lost_since.map(|since| Trouble {
            what: format!("{} records are lost: what took them in was away or too slow", told.lost),
            since,
        });
        told.failing.iter().chain(&told.damaged).cloned().chain(lost).collect()
    }
}
