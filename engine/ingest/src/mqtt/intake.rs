//! From a message to a submission, or to the quarantine.

use std::sync::Arc;

use tokio::sync::mpsc;
use vlot_model::{
    Acknowledge, City, Clock, Format, Meters, Quarantine, Receipt, Refusal, RefusalKind, Submission,
    Timestamp,
};

use super::acks::{Acks, token};
use super::filter::matches;
use super::link::Message;
use super::options::Subscription;

/// The engine, as a source sees it.
#[derive(Clone)]
pub struct Intake {
    /// Knows the devices that messages speak of.
    pub city: Arc<City>,
    /// Dates what arrives.
    pub clock: Arc<dyn Clock>,
    /// Counts messages and refusals.
    pub meters: Arc<Meters>,
    /// Keeps what was refused.
    pub quarantine: Arc<Quarantine>,
    /// Where vehicles' identities end; all sources share one, for a vehicle is seen over any of them.
    pub gate: vlot_gate::Shared,
    /// To admission. Where it is full, QoS 1 messages wait and QoS 0 ones are refused.
    pub out: mpsc::Sender<Submission>,
}

/// What becomes of messages that arrive over one source.
pub(super) struct Reception<'a> {
    pub(super) subscriptions: &'a [Subscription],
    pub(super) intake: &'a Intake,
    pub(super) acks: Arc<Acks>,
}

impl Reception<'_> {
    /// Reads a message. What is refused is counted, kept, and settled at once.
    pub(super) fn take(&self, message: &Message, connection: u64) -> Option<Submission> {
        let received_at = self.intake.clock.now();
        match self.read(message, received_at) {
            // Sightings say nothing at once, mostly: what they add up to comes later, with others.
            Ok(readings) if readings.is_empty() => {
                self.intake.meters.messages_settled.add(1);
                self.settle(message, connection);
                None
            }
            Ok(readings) => {
                let acks = || Arc::clone(&self.acks) as Arc<dyn Acknowledge>;
                let receipt = message.packet_id.map(|id| Receipt::new(acks(), token(connection, id.get())));
                Some(Submission { readings, receipt })
            }
            Err(refusal) => {
                self.intake.meters.refuse(refusal.kind, 1);
                let topic = String::from_utf8_lossy(message.topic());
                let (topic, kept) = self.without_personal_data(&topic, &message.payload);
                self.intake.quarantine.keep(received_at, topic, kept, refusal);
                self.settle(message, connection);
                None
            }
        }
    }

    fn settle(&self, message: &Message, connection: u64) {
        if let Some(id) = message.packet_id {
            self.acks.acknowledge(token(connection, id.get()));
        }
    }

    /// What may be kept of a refused message. An uplink that cannot be read may still carry a driver's tag: of those it is the
    /// topic alone. The topic of a sighting may name a vehicle: of those it is what we subscribe to.
    fn without_personal_data<'m>(&'m self, topic: &'m str, payload: &'m [u8]) -> (&'m str, &'m [u8]) {
        let subscription = self.subscriptions.iter().find(|s| matches(&s.filter, topic));
        match subscription.map(|s| (s.format, s.filter.as_str())) {
            Some((Format::VlotJson | Format::VlotProtobuf, _)) => (topic, payload),
            Some((Format::TtsV3 | Format::ChirpstackV4, _)) | None => (topic, &[]),
            Some((Format::VlotSightings, filter)) => (filter, &[]),
        }
    }

    fn read(&self, message: &Message, received_at: Timestamp) -> Result<Vec<vlot_model::Reading>, Refusal> {
        let topic = std::str::from_utf8(message.topic())
            .map_err(|_| Refusal::new(RefusalKind::Malformed, "the topic is not UTF-8"))?;
        let subscription =
            self.subscriptions.iter().find(|s| matches(&s.filter, topic)).ok_or_else(|| {
                Refusal::new(RefusalKind::UnknownTopic, "no subscription of this source matches the topic")
            })?;
        // Nearly every message is one reading.
        let mut readings = Vec::with_capacity(1);
        let city = &self.intake.city;
        if subscription.format == Format::VlotSightings {
            let mut seen = Vec::with_capacity(1);
            let mut gate = self.intake.gate.lock();
            let keys = gate.keys(received_at);
            vlot_decode::sightings(topic, &message.payload, received_at, city, keys, &mut seen)?;
            for sighting in &seen {
                gate.take(sighting, &mut readings);
            }
            return Ok(readings);
        }
        vlot_decode::decode(subscription.format, topic, &message.payload, received_at, city, &mut readings)?;
        Ok(readings)
    }

    /// Refuses a message that nobody waits for, unread: reading it would cost what the engine lacks.
    pub(super) fn overload(&self) {
        self.intake.meters.refuse(RefusalKind::Overload, 1);
    }
}
