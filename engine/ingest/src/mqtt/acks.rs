//! Acknowledgements on their way from the journal's thread to the connection.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use vlot_model::Acknowledge;

/// Names a message: the connection that it came over, and its packet id there.
pub(super) fn token(connection: u64, packet_id: u16) -> u64 {
    connection << 16 | u64::from(packet_id)
}

/// Tokens that were acknowledged and not sent yet. As many as there are receipts out, at most.
#[derive(Debug, Default)]
pub(super) struct Acks {
    settled: Mutex<Vec<u64>>,
    count: AtomicUsize,
    arrived: Notify,
}

impl Acknowledge for Acks {
    fn acknowledge(&self, token: u64) {
        let mut settled = self.settled.lock();
        settled.push(token);
        let first = settled.len() == 1;
        self.count.store(settled.len(), Ordering::Relaxed);
        drop(settled);
        if first {
            self.arrived.notify_one();
        }
    }
}

impl Acks {
    /// How many wait, roughly.
    pub(super) fn waiting(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Returns when there may be some.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Moves the packet ids of this connection to `packet_ids`; drops those of older ones. Returns how many were moved.
    pub(super) fn take(&self, connection: u64, packet_ids: &mut Vec<u16>) -> usize {
        let before = packet_ids.len();
        let mut settled = self.settled.lock();
        packet_ids.extend(
            settled
                .drain(..)
                .filter(|token| token >> 16 == connection)
                // The packet id is the low half by construction.
                .map(|token| u16::try_from(token & 0xFFFF).unwrap_or(0)),
        );
        self.count.store(0, Ordering::Relaxed);
        packet_ids.len() - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_late_acknowledgement_never_meets_the_next_connection() {
        let acks = Acks::default();
        acks.acknowledge(token(1, 7));
        acks.acknowledge(token(2, 7));
        acks.acknowledge(token(2, u16::MAX));
        let mut ids = Vec::new();
        assert_eq!(acks.take(2, &mut ids), 2);
        assert_eq!((ids, acks.waiting()), (vec![7, u16::MAX], 0));
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_acknowledgements_of_other_threads() {
        let acks = Arc::new(Acks::default());
        let threads: Vec<_> = (0..4u16)
            .map(|t| {
                let acks = Arc::clone(&acks);
                std::thread::spawn(move || (0..1_000).for_each(|n| acks.acknowledge(token(1, t * 1_000 + n))))
            })
            .collect();
        let mut ids = Vec::new();
        while ids.len() < 4_000 {
            acks.arrived().await;
            acks.take(1, &mut ids);
        }
        threads.into_iter().for_each(|t| t.join().unwrap());
        ids.sort_unstable();
        assert_eq!(ids, (0..4_000).collect::<Vec<_>>());
    }
}
