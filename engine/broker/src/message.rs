//! A message on its way through the broker.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use rmqtt_codec::types::Publish;
use rmqtt_codec::v5::PublishProperties;

/// What a queued message costs beside its topic and its payload, roughly and not too little.
const OVERHEAD_BYTES: usize = 160;

/// A message with memory of its own: none of it keeps a connection's read buffer alive.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) topic: ByteString,
    pub(crate) payload: Bytes,
    pub(crate) at_least_once: bool,
    /// What a version 5 publisher wants its subscribers to know.
    pub(crate) properties: Option<Box<PublishProperties>>,
}

impl Message {
    /// Copies what it needs of a received message.
    pub(crate) fn copy_of(publish: &Publish, at_least_once: bool) -> Self {
        let topic_bytes = publish.topic.len();
        let mut body = BytesMut::with_capacity(topic_bytes + publish.payload.len());
        body.extend_from_slice(publish.topic.as_bytes());
        body.extend_from_slice(&publish.payload);
        let mut topic = body.freeze();
        let payload = topic.split_off(topic_bytes);
        let properties = publish.properties.as_ref().and_then(own_properties).map(Box::new);
        // The bytes were text before they were copied.
        Message { topic: ByteString::try_from(topic).unwrap_or_default(), payload, at_least_once, properties }
    }

    /// What it counts for where bytes are bounded.
    pub(crate) fn bytes(&self) -> usize {
        let text = |t: &ByteString| t.len() + OVERHEAD_BYTES;
        let properties = self.properties.as_ref().map_or(0, |p| {
            let users: usize = p.user_properties.iter().map(|(k, v)| text(k) + text(v)).sum();
            let texts: usize = [&p.content_type, &p.response_topic].into_iter().flatten().map(text).sum();
            OVERHEAD_BYTES + users + texts + p.correlation_data.as_ref().map_or(0, Bytes::len)
        });
        self.topic.len() + self.payload.len() + properties + OVERHEAD_BYTES
    }
}

/// What is passed on unchanged. A topic alias and subscription identifiers belong to one connection alone.
fn own_properties(p: &PublishProperties) -> Option<PublishProperties> {
    let own = |t: &ByteString| ByteString::from(t.to_string());
    let copy = PublishProperties {
        topic_alias: None,
        correlation_data: p.correlation_data.as_deref().map(Bytes::copy_from_slice),
        message_expiry_interval: p.message_expiry_interval,
        content_type: p.content_type.as_ref().map(own),
        user_properties: p.user_properties.iter().map(|(k, v)| (own(k), own(v))).collect(),
        is_utf8_payload: p.is_utf8_payload,
        response_topic: p.response_topic.as_ref().map(own),
        subscription_ids: Vec::new(),
    };
    (copy != PublishProperties::default()).then_some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmqtt_codec::types::QoS;

    #[test]
    fn a_copy_holds_no_part_of_the_read_buffer() {
        let buffer = Bytes::from(vec![b'x'; 1_000]);
        let publish = Publish {
            dup: false,
            retain: false,
            qos: QoS::AtLeastOnce,
            topic: ByteString::try_from(buffer.slice(..10)).unwrap(),
            packet_id: None,
            payload: buffer.slice(10..20),
            properties: Some(PublishProperties {
                correlation_data: Some(buffer.slice(20..30)),
                user_properties: vec![(
                    ByteString::try_from(buffer.slice(30..40)).unwrap(),
                    ByteString::try_from(buffer.slice(40..50)).unwrap(),
                )],
                ..PublishProperties::default()
            }),
        };
        let message = Message::copy_of(&publish, true);
        assert_eq!((message.topic.len(), message.payload.len()), (10, 10));
        assert!(message.bytes() > 50);
        drop(publish);
        assert!(buffer.is_unique());
    }
}
