//! Counters and the quarantine: every drop is a counted event, and the last ones can be looked at.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::{Refusal, RefusalKind, Timestamp};

/// A counter that many threads add to.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

impl Meter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The sum so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Replaces the value, for gauges.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }
}

/// What the engine counts of itself.
#[derive(Debug, Default)]
pub struct Meters {
    /// Messages that arrived over MQTT.
    pub messages_in: Meter,
    /// Reports that arrived from signs.
    pub reports_in: Meter,
    /// Readings that were admitted.
    pub readings_admitted: Meter,
    /// Readings that an operator has taken into a product.
    pub readings_absorbed: Meter,
    /// Of those, interval readings that corrected an interval too old to be published again.
    pub readings_late: Meter,
    /// Of those, interval readings that no interval could count: too long, too old, too far ahead, or said twice.
    pub readings_unusable: Meter,
    /// Messages whose every reading was admitted or known before, hence accounted for.
    pub messages_settled: Meter,
    /// Products that were published.
    pub products_out: Meter,
    /// Faces whose content changed.
    pub faces_decided: Meter,
    /// Messages that the devices' own counters show to be lost before they reached us.
    pub lost_upstream: Meter,
    /// Readings of devices that replayed journals name and the configuration no longer has.
    pub retired_devices: Meter,
    /// Records that the history has on disk.
    pub history_written: Meter,
    /// Records that the history had no room for, or could not write before the end.
    pub history_lost: Meter,
    /// Records that InfluxDB has taken.
    pub influx_written: Meter,
    /// Records that InfluxDB refused, or that there was no room for while it was away.
    pub influx_lost: Meter,
    /// Open sign connections (a gauge).
    pub signs_connected: Meter,
    /// Open streams of all kinds (a gauge).
    pub streams_open: Meter,
    /// Of sightings of vehicles.
    pub gate: crate::GateMeters,
    refused: [Meter; RefusalKind::ALL.len()],
}

impl Meters {
    /// Counts refusals of one kind.
    pub fn refuse(&self, kind: RefusalKind, n: u64) {
        self.refused[kind as usize].add(n);
    }

    /// Refusals of one kind so far.
    #[must_use]
    pub fn refused(&self, kind: RefusalKind) -> u64 {
        self.refused[kind as usize].get()
    }

    /// Refusals of all kinds so far.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().map(Meter::get).sum()
    }
}

/// A refused message, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// When it arrived.
    pub received_at: Timestamp,
    /// Its topic, at most [`Quarantine::TOPIC_BYTES`].
    pub topic: String,
    /// Why it was refused.
    pub refusal: Refusal,
    /// Its first bytes, at most [`Quarantine::PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
}

/// The newest refused messages, in bounded memory.
#[derive(Debug, Default)]
pub struct Quarantine {
    messages: Mutex<VecDeque<Quarantined>>,
}

impl Quarantine {
    /// The oldest message leaves when one more than this comes in.
    pub const MESSAGES: usize = 1_000;
    /// What is kept of a payload.
    pub const PAYLOAD_BYTES: usize = 256;
    /// What is kept of a topic.
    pub const TOPIC_BYTES: usize = 256;

    /// Keeps a message.
    pub fn keep(&self, received_at: Timestamp, topic: &str, payload: &[u8], refusal: Refusal) {
        let message = Quarantined {
            received_at,
            topic: topic[..topic.floor_char_boundary(Self::TOPIC_BYTES)].to_owned(),
            refusal,
            payload: payload[..payload.len().min(Self::PAYLOAD_BYTES)].to_vec(),
        };
        let mut messages = self.messages.lock();
        if messages.len() == Self::MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
    }

    /// At most `limit` messages, newest first.
    #[must_use]
    pub fn newest(&self, limit: usize) -> Vec<Quarantined> {
        self.messages.lock().iter().rev().take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quarantine_keeps_the_newest_within_its_bounds() {
        let q = Quarantine::default();
        let topic = "é".repeat(Quarantine::TOPIC_BYTES);
        for i in 0..=Quarantine::MESSAGES {
            let refusal = Refusal::new(RefusalKind::Malformed, i.to_string());
            q.keep(Timestamp::EPOCH, &topic, &[0; 1_000], refusal);
        }
        let kept = q.newest(usize::MAX);
        assert_eq!(kept.len(), Quarantine::MESSAGES);
        assert_eq!(kept[0].refusal.detail, Quarantine::MESSAGES.to_string());
        assert_eq!(
            (kept[0].payload.len(), kept[0].topic.len()),
            (Quarantine::PAYLOAD_BYTES, Quarantine::TOPIC_BYTES)
        );
    }

    #[test]
    fn every_kind_has_its_own_counter() {
        let m = Meters::default();
        for (i, kind) in RefusalKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, i);
            m.refuse(*kind, i as u64);
        }
        assert_eq!(m.refused(RefusalKind::ALL[3]), 3);
        assert_eq!(m.refused_total(), (0..RefusalKind::ALL.len() as u64).sum());
    }
}
