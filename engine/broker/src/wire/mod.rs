//! Both versions of the protocol as one: packets in, packets out.

mod incoming;

use std::num::NonZeroU16;
use std::time::Duration;

use bytes::BytesMut;
use bytestring::ByteString;
use rmqtt_codec::error::{DecodeError, EncodeError};
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::v5::{DisconnectReasonCode as Reason, ToReasonCode};
use rmqtt_codec::version::{ProtocolVersion, VersionCodec};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder, Encoder};

use crate::session::Delivery;
pub(crate) use incoming::{Connect, Incoming, Wanted};
use incoming::{from_v3, from_v5};

/// Why a connection is closed from our side.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Packet(#[from] DecodeError),
    #[error("a packet of a kind that clients do not send, or not now")]
    Unexpected,
    #[error("QoS 2 is not supported: publish at QoS 1")]
    Qos2,
    #[error("not a topic name: {0:?}")]
    TopicName(String),
    #[error("no sign of life within one and a half times its keep alive")]
    KeepAlive,
    #[error("another connection took over the session")]
    TakenOver,
}

impl Fault {
    fn reason(&self) -> Reason {
        match self {
            Fault::Packet(error) => error.to_reason_code(),
            Fault::Unexpected => Reason::ProtocolError,
            Fault::Qos2 => Reason::QosNotSupported,
            Fault::TopicName(_) => Reason::TopicNameInvalid,
            Fault::KeepAlive => Reason::KeepAliveTimeout,
            Fault::TakenOver => Reason::SessionTakenOver,
        }
    }
}

/// The answer to one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    Qos0,
    Qos1,
    BadFilter,
    TooMany,
    NoSharing,
    NoNumbers,
}

/// The answer to a CONNECT.
#[derive(Clone, Debug)]
pub(crate) enum Welcome {
    Accepted { session_present: bool, assigned_id: Option<ByteString>, session_expiry: Duration },
    Full,
}

/// What we tell a version 5 client of our bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) packet_bytes: u32,
    pub(crate) receive_max: u16,
}

/// The codec of one connection.
#[derive(Debug)]
pub(crate) enum Wire {
    V3(v3::Codec),
    V5(v5::Codec),
}

impl Wire {
    /// From the first bytes of a connection; `None` while they are too few to tell. Consumes nothing.
    pub(crate) fn detect(first: &mut BytesMut, packet_bytes: u32) -> Result<Option<Wire>, Fault> {
        Ok(VersionCodec.decode(first)?.map(|version| match version {
            ProtocolVersion::MQTT3 => Wire::V3(v3::Codec::new(packet_bytes)),
            ProtocolVersion::MQTT5 => Wire::V5(v5::Codec::new(packet_bytes, 0)),
        }))
    }

    /// The next packet of the buffer, if it is whole.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, Fault> {
        match self {
            Wire::V3(codec) => codec.decode(buffer)?.map(|(packet, _)| from_v3(packet)).transpose(),
            Wire::V5(codec) => codec.decode(buffer)?.map(|(packet, _)| from_v5(packet)).transpose(),
        }
    }

    /// Never write a larger packet than this, 0 for any.
    pub(crate) fn limit(&mut self, packet_bytes: u32) {
        if let Wire::V5(codec) = self
            && packet_bytes > 0
        {
            codec.set_max_outbound_size(packet_bytes);
        }
    }

    pub(crate) fn welcome(
        &mut self,
        welcome: &Welcome,
        terms: Terms,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let present = matches!(welcome, Welcome::Accepted { session_present: true, .. });
        match self {
            Wire::V3(codec) => {
                let return_code = match welcome {
                    Welcome::Accepted { .. } => v3::ConnectAckReason::ConnectionAccepted,
                    Welcome::Full => v3::ConnectAckReason::ServiceUnavailable,
                };
                let ack = v3::ConnectAck { return_code, session_present: present };
                codec.encode(v3::Packet::ConnectAck(ack), out)
            }
            Wire::V5(codec) => {
                let ack = match welcome {
                    Welcome::Full => v5::ConnectAck {
                        reason_code: v5::ConnectAckReason::QuotaExceeded,
                        ..v5::ConnectAck::default()
                    },
                    Welcome::Accepted { assigned_id, session_expiry, .. } => v5::ConnectAck {
                        session_present: present,
                        assigned_client_id: assigned_id.clone(),
                        session_expiry_interval_secs: u32::try_from(session_expiry.as_secs()).ok(),
                        receive_max: NonZeroU16::new(terms.receive_max).unwrap_or(NonZeroU16::MIN),
                        max_packet_size: Some(terms.packet_bytes),
                        max_qos: QoS::AtLeastOnce,
                        retain_available: false,
                        shared_subscription_available: false,
                        subscription_identifiers_available: false,
                        ..v5::ConnectAck::default()
                    },
                };
                codec.encode(v5::Packet::ConnectAck(Box::new(ack)), out)
            }
        }
    }

    pub(crate) fn publish(&mut self, d: &Delivery, out: &mut BytesMut) -> Result<(), EncodeError> {
        let packet = Box::new(Publish {
            dup: d.again,
            retain: false,
            qos: if d.packet_id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce },
            topic: d.message.topic.clone(),
            packet_id: d.packet_id,
            payload: d.message.payload.clone(),
            properties: d.message.properties.as_deref().cloned(),
        });
        match self {
            Wire::V3(codec) => codec.encode(v3::Packet::Publish(packet), out),
            Wire::V5(codec) => codec.encode(v5::Packet::Publish(packet), out),
        }
    }

    pub(crate) fn publish_ack(
        &mut self,
        packet_id: NonZeroU16,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Wire::V3(codec) => codec.encode(v3::Packet::PublishAck { packet_id }, out),
            Wire::V5(codec) => codec.encode(
                v5::Packet::PublishAck(v5::PublishAck {
                    packet_id,
                    reason_code: v5::PublishAckReason::Success,
                    properties: Vec::new(),
                    reason_string: None,
                }),
                out,
            ),
        }
    }

    pub(crate) fn subscribe_ack(
        &mut self,
        packet_id: NonZeroU16,
        granted: &[Granted],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Wire::V3(codec) => {
                let code = |g: &Granted| match g {
                    Granted::Qos0 => v3::SubscribeReturnCode::Success(QoS::AtMostOnce),
                    Granted::Qos1 => v3::SubscribeReturnCode::Success(QoS::AtLeastOnce),
                    _ => v3::SubscribeReturnCode::Failure,
                };
                let status = granted.iter().map(code).collect();
                codec.encode(v3::Packet::SubscribeAck { packet_id, status }, out)
            }
            Wire::V5(codec) => {
                use v5::SubscribeAckReason as R;
                let code = |g: &Granted| match g {
                    Granted::Qos0 => R::GrantedQos0,
                    Granted::Qos1 => R::GrantedQos1,
                    Granted::BadFilter => R::TopicFilterInvalid,
                    Granted::TooMany => R::QuotaExceeded,
                    Granted::NoSharing => R::SharedSubscriptionNotSupported,
                    Granted::NoNumbers => R::SubscriptionIdentifiersNotSupported,
                };
                let status = granted.iter().map(code).collect();
                let ack = v5::SubscribeAck { packet_id, properties: Vec::new(), reason_string: None, status };
                codec.encode(v5::Packet::SubscribeAck(ack), out)
            }
        }
    }

    pub(crate) fn unsubscribe_ack(
        &mut self,
        packet_id: NonZeroU16,
        existed: &[bool],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Wire::V3(codec) => codec.encode(v3::Packet::UnsubscribeAck { packet_id }, out),
            Wire::V5(codec) => {
                use v5::UnsubscribeAckReason as R;
                let code = |e: &bool| if *e { R::Success } else { R::NoSubscriptionExisted };
                let status = existed.iter().map(code).collect();
                let ack =
                    v5::UnsubscribeAck { packet_id, properties: Vec::new(), reason_string: None, status };
                codec.encode(v5::Packet::UnsubscribeAck(ack), out)
            }
        }
    }

    pub(crate) fn pong(&mut self, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Wire::V3(codec) => codec.encode(v3::Packet::PingResponse, out),
            Wire::V5(codec) => codec.encode(v5::Packet::PingResponse, out),
        }
    }

    /// Says why the connection is closed, where the version has words for it.
    pub(crate) fn farewell(&mut self, fault: &Fault, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Wire::V3(_) => Ok(()),
            Wire::V5(codec) => {
                let mut packet = v5::Disconnect::new(fault.reason());
                packet.reason_string = Some(fault.to_string().into());
                codec.encode(v5::Packet::Disconnect(packet), out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Well-formed packets of a client, to be damaged.
    fn packets() -> Vec<(bool, BytesMut)> {
        let id = NonZeroU16::MIN;
        let publish = |properties| {
            Box::new(Publish {
                dup: false,
                retain: false,
                qos: QoS::AtLeastOnce,
                topic: "a/b".into(),
                packet_id: Some(id),
                payload: "payload".into(),
                properties,
            })
        };
        let properties = v5::PublishProperties {
            correlation_data: Some("x".into()),
            user_properties: vec![("k".into(), "v".into())],
            ..v5::PublishProperties::default()
        };
        let v3s = [
            v3::Packet::from(v3::Connect::default().client_id("client")),
            v3::Packet::Publish(publish(None)),
            v3::Packet::Subscribe { packet_id: id, topic_filters: vec![("a/+".into(), QoS::AtLeastOnce)] },
            v3::Packet::Unsubscribe { packet_id: id, topic_filters: vec!["a/+".into()] },
        ];
        let v5s = [
            v5::Packet::from(v5::Connect::default().client_id("client").receive_max(7)),
            v5::Packet::Publish(publish(Some(properties))),
            v5::Packet::Subscribe(v5::Subscribe {
                packet_id: id,
                id: None,
                user_properties: Vec::new(),
                topic_filters: vec![("a/+".into(), v5::SubscriptionOptions::default())],
            }),
            v5::Packet::Disconnect(v5::Disconnect::new(Reason::DisconnectWithWillMessage)),
        ];
        let mut encoded = Vec::new();
        for packet in v3s {
            let mut out = BytesMut::new();
            v3::Codec::new(0).encode(packet, &mut out).unwrap();
            encoded.push((false, out));
        }
        for packet in v5s {
            let mut out = BytesMut::new();
            v5::Codec::new(0, 0).encode(packet, &mut out).unwrap();
            encoded.push((true, out));
        }
        encoded
    }

    fn decode_all(five: bool, mut bytes: BytesMut) -> usize {
        let mut wire =
            if five { Wire::V5(v5::Codec::new(1_000, 0)) } else { Wire::V3(v3::Codec::new(1_000)) };
        let mut packets = 0;
        while let Ok(Some(_)) = wire.decode(&mut bytes) {
            packets += 1;
        }
        packets
    }

    #[test]
    fn whole_packets_are_taken() {
        for (five, bytes) in packets() {
            assert_eq!(decode_all(five, bytes.clone()), 1, "{bytes:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// A panic would end the process: no bytes may cause one.
        #[test]
        fn no_bytes_do_harm(
            which in 0..8usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut: prop::sample::Index,
            tail in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let (five, mut bytes) = packets().swap_remove(which);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            bytes.extend_from_slice(&tail);
            if Wire::detect(&mut bytes.clone(), 1_000).is_ok() {
                decode_all(!five, bytes.clone());
            }
            decode_all(five, bytes);
        }
    }
}
