//! A bounded queue between a thread that may never wait and one that may.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use vlot_model::HistoryRecord;

/// Records that wait, at most so many.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
    records_max: usize,
}

#[derive(Default)]
struct Inner {
    batches: VecDeque<Arc<[HistoryRecord]>>,
    records: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new(records_max: usize) -> Arc<Queue> {
        Arc::new(Queue { inner: Mutex::default(), changed: Condvar::new(), records_max })
    }

    /// Takes a batch whole or not at all, and never waits. A batch beyond the bound is taken where nothing else waits.
    pub(super) fn offer(&self, batch: &Arc<[HistoryRecord]>) -> bool {
        let mut inner = self.inner.lock();
        if inner.closed || (inner.records > 0 && inner.records + batch.len() > self.records_max) {
            return false;
        }
        inner.records += batch.len();
        inner.batches.push_back(Arc::clone(batch));
        self.changed.notify_all();
        true
    }

    /// Waits for a batch; `None` when closed and empty.
    pub(super) fn take(&self) -> Option<Arc<[HistoryRecord]>> {
        let mut inner = self.inner.lock();
        self.changed.wait_while(&mut inner, |inner| inner.batches.is_empty() && !inner.closed);
        inner.pop()
    }

    /// A batch that is there, or comes within that time.
    pub(super) fn take_within(&self, wait: Duration) -> Option<Arc<[HistoryRecord]>> {
        let mut inner = self.inner.lock();
        if inner.batches.is_empty() && !inner.closed && !wait.is_zero() {
            self.changed.wait_while_for(&mut inner, |i| i.batches.is_empty() && !i.closed, wait);
        }
        inner.pop()
    }

    /// Waits that long, or until it is closed; says whether it is.
    pub(super) fn pause(&self, wait: Duration) -> bool {
        let mut inner = self.inner.lock();
        if !inner.closed {
            self.changed.wait_while_for(&mut inner, |inner| !inner.closed, wait);
        }
        inner.closed
    }

    /// Takes nothing more in; what waits can still be taken out.
    pub(super) fn close(&self) {
        self.inner.lock().closed = true;
        self.changed.notify_all();
    }

    /// Throws away what waits, and says how many records that was.
    pub(super) fn abandon(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.batches.clear();
        std::mem::take(&mut inner.records) as u64
    }
}

impl Inner {
    fn pop(&mut self) -> Option<Arc<[HistoryRecord]>> {
        let batch = self.batches.pop_front()?;
        self.records = self.records.saturating_sub(batch.len());
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{HistoryTable, Timestamp};

    use super::*;

    fn batch(len: usize) -> Arc<[HistoryRecord]> {
        let record = HistoryRecord {
            table: HistoryTable::Sensor,
            id: "a".into(),
            start: Timestamp::EPOCH,
            ahead_s: 0,
            cells: Vec::new(),
        };
        vec![record; len].into()
    }

    #[test]
    fn beyond_its_bound_it_takes_nothing_and_waits_for_nobody() {
        let queue = Queue::new(10);
        assert!(queue.offer(&batch(12)), "alone, whatever its size");
        assert!(!queue.offer(&batch(1)));
        assert_eq!(queue.take().map(|b| b.len()), Some(12));
        assert!(queue.offer(&batch(6)) && queue.offer(&batch(4)) && !queue.offer(&batch(1)));
        queue.close();
        assert!(!queue.offer(&batch(1)));
        assert_eq!(queue.take_within(Duration::ZERO).map(|b| b.len()), Some(6));
        assert_eq!(queue.abandon(), 4);
        assert!(queue.take().is_none() && queue.pause(Duration::from_secs(60)));
    }
}
