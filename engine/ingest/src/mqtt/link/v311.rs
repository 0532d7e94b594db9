//! MQTT 3.1.1.

use std::num::NonZeroU16;
use std::time::Duration;

use rumqttc::mqttbytes::Error as PacketError;
use rumqttc::{
    AsyncClient, ConnectionError, Event as Polled, EventLoop, MqttOptions, Outgoing, Packet, PubAck, QoS,
    StateError, SubscribeFilter, SubscribeReasonCode, Transport,
};
use tokio::time::timeout;

use super::{
    ANSWER_WITHIN_S, Event, KEEP_ALIVE_MIN, LinkError, Login, Message, Topic, broken, network, tls_error,
};
use crate::mqtt::options::{Options, Qos};

pub(crate) struct Link {
    client: AsyncClient,
    events: EventLoop,
    packet_bytes: u32,
}

impl Link {
    pub(super) async fn connect(
        options: &Options,
        login: Login,
        transport: Transport,
    ) -> Result<(Link, bool), LinkError> {
        let mut mqtt = MqttOptions::new(&options.client_id, &options.host, options.port);
        let packet_bytes = usize::try_from(options.packet_bytes).unwrap_or(usize::MAX);
        mqtt.set_transport(transport)
            .set_clean_session(false)
            .set_manual_acks(true)
            .set_keep_alive(options.keep_alive.max(KEEP_ALIVE_MIN))
            .set_max_packet_size(packet_bytes, packet_bytes)
            // We publish nothing; rumqttc allocates by this figure.
            .set_inflight(1);
        if let Some((username, password)) = login {
            mqtt.set_credentials(username, password);
        }
        let (client, mut events) = AsyncClient::new(mqtt, 4);
        events.set_network_options(network());
        let mut link = Link { client, events, packet_bytes: options.packet_bytes };
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
            SubscribeFilter::new(s.filter.clone(), qos)
        });
        self.client.try_subscribe_many(filters).map_err(|e| LinkError::Lost { why: e.to_string() })
    }

    pub(super) async fn next(&mut self) -> Result<Event, LinkError> {
        Ok(match self.poll().await? {
            Polled::Incoming(Packet::Publish(publish)) => Event::Message(Message {
                topic: Topic::Text(publish.topic),
                payload: publish.payload,
                packet_id: NonZeroU16::new(publish.pkid),
            }),
            Polled::Incoming(Packet::SubAck(ack)) => Event::Subscribed(
                ack.return_codes
                    .iter()
                    .map(|code| match code {
                        SubscribeReasonCode::Success(_) => None,
                        SubscribeReasonCode::Failure => Some("refused".to_owned()),
                    })
                    .collect(),
            ),
            _ => Event::Other,
        })
    }

    /// Past rumqttc's request channel: that would be one system call an acknowledgement, and this is one a batch.
    pub(super) async fn acknowledge(&mut self, packet_ids: &mut Vec<u16>) -> Result<(), LinkError> {
        let packet_bytes = self.packet_bytes;
        let Some(network) = self.events.network.as_mut() else {
            return Err(LinkError::Lost { why: "there is no connection".to_owned() });
        };
        let write = async {
            for id in packet_ids.drain(..) {
                network.write(Packet::PubAck(PubAck::new(id))).await?;
            }
            network.flush().await
        };
        match timeout(Duration::from_secs(ANSWER_WITHIN_S), write).await {
            Ok(written) => written.map_err(|e| state_error(&e, packet_bytes)),
            Err(_) => Err(LinkError::Timeout),
        }
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
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => LinkError::Timeout,
            ConnectionError::ConnectionRefused(code) => LinkError::Refused { why: format!("{code:?}") },
            ConnectionError::MqttState(error) => state_error(&error, self.packet_bytes),
            other => LinkError::Lost { why: other.to_string() },
        })
    }
}

fn state_error(error: &StateError, limit: u32) -> LinkError {
    match error {
        StateError::Deserialization(PacketError::PayloadSizeLimitExceeded(_)) => {
            LinkError::PacketTooLarge { limit }
        }
        StateError::Deserialization(PacketError::Io(error)) | StateError::Io(error) => broken(error),
        other => LinkError::Lost { why: other.to_string() },
    }
}
