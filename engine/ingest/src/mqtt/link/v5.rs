//! MQTT 5.

use std::num::NonZeroU16;

use rumqttc::Transport;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event as Polled, EventLoop, MqttOptions, StateError};
use rumqttc::{Outgoing, v5::mqttbytes::Error as PacketError};

use super::{
    ANSWER_WITHIN_S, Event, KEEP_ALIVE_MIN, LinkError, Login, Message, Topic, broken, network, tls_error,
};
use crate::mqtt::options::{Options, Qos};

/// Acknowledgements that may wait in rumqttc's channel.
const REQUESTS: usize = 1_024;

pub(crate) struct Link {
    client: AsyncClient,
    events: EventLoop,
    packet_bytes: u32,
    /// rumqttc acknowledges publishes, not packet ids.
    acknowledged: Publish,
}

impl Link {
    pub(super) async fn connect(
        options: &Options,
        login: Login,
        transport: Transport,
    ) -> Result<(Link, bool), LinkError> {
        let mut mqtt = MqttOptions::new(&options.client_id, &options.host, options.port);
        let expiry_s = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
        mqtt.set_transport(transport)
            .set_clean_start(false)
            .set_session_expiry_interval(Some(expiry_s))
            .set_receive_maximum(Some(options.in_flight_max.max(1)))
            .set_max_packet_size(Some(options.packet_bytes))
            .set_manual_acks(true)
            .set_keep_alive(options.keep_alive.max(KEEP_ALIVE_MIN))
            .set_connection_timeout(ANSWER_WITHIN_S)
            .set_network_options(network())
            // We publish nothing; rumqttc allocates by this figure.
            .set_outgoing_inflight_upper_limit(1);
        if let Some((username, password)) = login {
            mqtt.set_credentials(username, password);
        }
        let (client, events) = AsyncClient::new(mqtt, REQUESTS);
        let acknowledged = Publish { qos: QoS::AtLeastOnce, ..Publish::default() };
        let mut link = Link { client, events, packet_bytes: options.packet_bytes, acknowledged };
        loop {
            if let Polled::Incoming(Packet::ConnAck(ack)) = link.poll().await? {
                return Ok((link, ack.session_present));
            }
        }
    }

    pub(super) fn subscribe(&self, options: &Options) -> Result<(), LinkError> {
        let filters = options.subscriptions.iter().map(|s| {
            let qos = match s.qos {
                Qos::AtMostOnce => QoS::AtMostOnce,
                Qos::AtLeastOnce => QoS::AtLeastOnce,
            };
            Filter::new(s.filter.clone(), qos)
        });
        self.client.try_subscribe_many(filters).map_err(|e| LinkError::Lost { why: e.to_string() })
    }

    pub(super) async fn next(&mut self) -> Result<Event, LinkError> {
        Ok(match self.poll().await? {
            Polled::Incoming(Packet::Publish(publish)) => Event::Message(Message {
                topic: Topic::Bytes(publish.topic),
                payload: publish.payload,
                packet_id: NonZeroU16::new(publish.pkid),
            }),
            Polled::Incoming(Packet::SubAck(ack)) => Event::Subscribed(
                ack.return_codes
                    .iter()
                    .map(|code| match code {
                        SubscribeReasonCode::Success(_) => None,
                        refused => Some(format!("{refused:?}")),
                    })
                    .collect(),
            ),
            _ => Event::Other,
        })
    }

    /// As many as rumqttc's channel takes now: version 5 keeps its socket to itself.
    pub(super) fn acknowledge(&mut self, packet_ids: &mut Vec<u16>) -> Result<(), LinkError> {
        let mut sent = 0;
        for id in packet_ids.iter() {
            self.acknowledged.pkid = *id;
            if self.client.try_ack(&self.acknowledged).is_err() {
                break;
            }
            sent += 1;
        }
        packet_ids.drain(..sent);
        Ok(())
    }

    pub(super) async fn close(&mut self) {
        if self.client.try_disconnect().is_err() {
            return;
        }
        while let Ok(event) = self.events.poll().await {
            if event == Polled::Outgoing(Outgoing::Disconnect) {
                return;
            }
        }
    }

    async fn poll(&mut self) -> Result<Polled, LinkError> {
        self.events.poll().await.map_err(|error| match error {
            ConnectionError::Tls(error) => tls_error(&error),
            ConnectionError::Io(error) => LinkError::Unreachable { why: error.to_string() },
            ConnectionError::Timeout(_) => LinkError::Timeout,
            ConnectionError::ConnectionRefused(code) => LinkError::Refused { why: format!("{code:?}") },
            ConnectionError::MqttState(StateError::ConnFail { reason }) => {
                LinkError::Refused { why: format!("{reason:?}") }
            }
            ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
                let why = reason_string.unwrap_or_default();
                LinkError::Lost { why: format!("the broker closed it: {reason_code:?} {why}") }
            }
            ConnectionError::MqttState(StateError::Deserialization(
                PacketError::PayloadSizeLimitExceeded { .. },
            )) => LinkError::PacketTooLarge { limit: self.packet_bytes },
            ConnectionError::MqttState(
                StateError::Deserialization(PacketError::Io(error)) | StateError::Io(error),
            ) => broken(&error),
            other => LinkError::Lost { why: other.to_string() },
        })
    }
}
