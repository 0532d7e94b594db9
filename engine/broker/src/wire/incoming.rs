//! Packets from clients, the same for both versions.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::v5::DisconnectReasonCode as Reason;
use rmqtt_codec::{v3, v5};

use super::Fault;
use crate::message::Message;

/// A packet from a client.
#[derive(Debug)]
pub(crate) enum Incoming {
    Connect(Box<Connect>),
    Publish(Box<Publish>),
    PublishAck(NonZeroU16),
    Subscribe { packet_id: NonZeroU16, filters: Vec<Wanted>, numbered: bool },
    Unsubscribe { packet_id: NonZeroU16, filters: Vec<ByteString> },
    Ping,
    Disconnect { with_will: bool },
}

/// What a client connects with.
#[derive(Debug)]
pub(crate) struct Connect {
    pub(crate) client_id: ByteString,
    /// Forget the session of that id, if there is one.
    pub(crate) clean_start: bool,
    /// How long the session is to outlive the connection; zero ends it with the connection.
    pub(crate) session_expiry: Duration,
    pub(crate) keep_alive: Duration,
    /// Unacknowledged messages that the client takes.
    pub(crate) receive_max: u16,
    /// The largest packet that the client takes, 0 for any.
    pub(crate) packet_bytes: u32,
    pub(crate) will: Option<Arc<Message>>,
}

/// One subscription that a client asks for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) filter: ByteString,
    pub(crate) at_least_once: bool,
    pub(crate) no_local: bool,
}

pub(super) fn from_v3(packet: v3::Packet) -> Result<Incoming, Fault> {
    Ok(match packet {
        v3::Packet::Connect(c) => Incoming::Connect(Box::new(Connect {
            client_id: c.client_id,
            clean_start: c.clean_session,
            session_expiry: if c.clean_session { Duration::ZERO } else { Duration::MAX },
            keep_alive: Duration::from_secs(c.keep_alive.into()),
            receive_max: u16::MAX,
            packet_bytes: 0,
            will: c.last_will.map(|w| will(w.qos, w.topic, w.message)),
        })),
        v3::Packet::Publish(publish) => Incoming::Publish(publish),
        v3::Packet::PublishAck { packet_id } => Incoming::PublishAck(packet_id),
        v3::Packet::Subscribe { packet_id, topic_filters } => Incoming::Subscribe {
            packet_id,
            filters: topic_filters
                .into_iter()
                .map(|(filter, qos)| Wanted {
                    filter,
                    at_least_once: qos != QoS::AtMostOnce,
                    no_local: false,
                })
                .collect(),
            numbered: false,
        },
        v3::Packet::Unsubscribe { packet_id, topic_filters } => {
            Incoming::Unsubscribe { packet_id, filters: topic_filters }
        }
        v3::Packet::PingRequest => Incoming::Ping,
        v3::Packet::Disconnect => Incoming::Disconnect { with_will: false },
        _ => return Err(Fault::Unexpected),
    })
}

pub(super) fn from_v5(packet: v5::Packet) -> Result<Incoming, Fault> {
    Ok(match packet {
        v5::Packet::Connect(c) => Incoming::Connect(Box::new(Connect {
            client_id: c.client_id,
            clean_start: c.clean_start,
            session_expiry: Duration::from_secs(c.session_expiry_interval_secs.into()),
            keep_alive: Duration::from_secs(c.keep_alive.into()),
            receive_max: c.receive_max.map_or(u16::MAX, NonZeroU16::get),
            packet_bytes: c.max_packet_size.map_or(0, std::num::NonZeroU32::get),
            will: c.last_will.map(|w| will(w.qos, w.topic, w.message)),
        })),
        v5::Packet::Publish(publish) => Incoming::Publish(publish),
        v5::Packet::PublishAck(ack) => Incoming::PublishAck(ack.packet_id),
        v5::Packet::Subscribe(s) => Incoming::Subscribe {
            packet_id: s.packet_id,
            filters: s
                .topic_filters
                .into_iter()
                .map(|(filter, o)| Wanted {
                    filter,
                    at_least_once: o.qos != QoS::AtMostOnce,
                    no_local: o.no_local,
                })
                .collect(),
            numbered: s.id.is_some(),
        },
        v5::Packet::Unsubscribe(u) => {
            Incoming::Unsubscribe { packet_id: u.packet_id, filters: u.topic_filters }
        }
        v5::Packet::PingRequest => Incoming::Ping,
        v5::Packet::Disconnect(d) => {
            Incoming::Disconnect { with_will: d.reason_code == Reason::DisconnectWithWillMessage }
        }
        _ => return Err(Fault::Unexpected),
    })
}

fn will(qos: QoS, topic: ByteString, payload: bytes::Bytes) -> Arc<Message> {
    let publish =
        Publish { dup: false, retain: false, qos, topic, packet_id: None, payload, properties: None };
    Arc::new(Message::copy_of(&publish, qos != QoS::AtMostOnce))
}
