//! One client's connection, from CONNECT to the end of its session.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rmqtt_codec::types::{Publish, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout};

use crate::hub::{Hub, Lease, Lost, Written};
use crate::message::Message;
use crate::topics::valid_name;
use crate::wire::{Fault, Granted, Incoming, Terms, Welcome, Wire};

/// Room for a read; one read takes in some hundred messages.
const READ_BYTES: usize = 64 << 10;
/// Above this nothing is added to what waits to be written.
const WRITE_BYTES: usize = 64 << 10;
/// Messages that wait for room in a subscriber's queue; with more, nothing is read. Version 5 clients are told.
const HELD_MESSAGES: u16 = 1_000;
/// The same in bytes.
const HELD_BYTES: usize = 256 << 10;
/// A client that has not said CONNECT by then never will.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A farewell that cannot be written by then is not worth more time.
const FAREWELL_WITHIN: Duration = Duration::from_millis(200);
/// Stands for "never" where a client wants no keep alive.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    /// Its will is void, unless it says otherwise.
    #[error("the client took its leave")]
    Left { with_will: bool },
    #[error("broken off: {0}")]
    Broken(#[from] io::Error),
    #[error("closed by the broker: {0}")]
    Closed(#[from] Fault),
}

impl From<Lost> for End {
    fn from(_: Lost) -> Self {
        End::Closed(Fault::TakenOver)
    }
}

impl From<rmqtt_codec::error::EncodeError> for End {
    fn from(error: rmqtt_codec::error::EncodeError) -> Self {
        End::Broken(io::Error::other(error))
    }
}

/// Serves a client, and keeps its session until it comes back or the session expires.
pub(crate) async fn serve(socket: TcpStream, peer: SocketAddr, hub: Arc<Hub>, place: OwnedSemaphorePermit) {
    let opened = timeout(CONNECT_WITHIN, Connection::open(socket, &hub)).await;
    let (mut connection, lease, will) = match opened {
        Ok(Ok(Some(opened))) => opened,
        Ok(Ok(None)) => return tracing::warn!(%peer, "the broker is at its bound of sessions"),
        Ok(Err(end)) => return tracing::debug!(%peer, %end, "no MQTT connection"),
        Err(_) => return tracing::debug!(%peer, "a connection without CONNECT"),
    };
    let end = match connection.run(&lease).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    connection.close(&end).await;
    drop(connection);
    tracing::debug!(%peer, %end, "connection closed");

    hub.detach(&lease);
    if let Some(will) = will
        && !matches!(end, End::Left { with_will: false })
    {
        publish_when_there_is_room(&hub, &lease, &will).await;
    }
    drop(place);
    if !lease.session_expiry.is_zero() {
        tokio::select! {
            () = sleep(lease.session_expiry) => {}
            () = lease.kick.notified() => return,
        }
    }
    hub.remove(&lease);
}

async fn publish_when_there_is_room(hub: &Hub, lease: &Lease, message: &Arc<Message>) {
    let mut room = hub.room();
    while !hub.route(message, lease) {
        if room.changed().await.is_err() {
            return;
        }
    }
}

/// A publisher's message that waits for room, or for one that does.
struct Held {
    message: Arc<Message>,
    packet_id: Option<NonZeroU16>,
}

struct Connection<'a> {
    hub: &'a Hub,
    socket: TcpStream,
    wire: Wire,
    keep_alive: Duration,
    received: BytesMut,
    out: BytesMut,
    held: VecDeque<Held>,
    held_bytes: usize,
}

enum Never {}

impl<'a> Connection<'a> {
    /// Takes the CONNECT and answers it; `None` when there is no place for one more session.
    async fn open(
        mut socket: TcpStream,
        hub: &'a Hub,
    ) -> Result<Option<(Connection<'a>, Lease, Option<Arc<Message>>)>, End> {
        socket.set_nodelay(true)?;
        let mut received = BytesMut::with_capacity(4 << 10);
        let mut wire = None;
        let connect = loop {
            if wire.is_none() {
                wire = Wire::detect(&mut received, hub.options.packet_bytes)?;
            }
            if let Some(wire) = &mut wire {
                match wire.decode(&mut received)? {
                    Some(Incoming::Connect(connect)) => break connect,
                    Some(_) => return Err(Fault::Unexpected.into()),
                    None => {}
                }
            }
            if socket.read_buf(&mut received).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        };
        let Some(mut wire) = wire else { return Err(Fault::Unexpected.into()) };
        wire.limit(connect.packet_bytes);

        let (welcome, lease) = hub.attach(&connect);
        let mut out = BytesMut::new();
        let terms = Terms { packet_bytes: hub.options.packet_bytes, receive_max: HELD_MESSAGES };
        wire.welcome(&welcome, terms, &mut out)?;
        let Some(lease) = lease else {
            socket.write_all(&out).await?;
            return Ok(None);
        };
        if let Welcome::Accepted { session_present: true, .. } = welcome {
            // There may be something to repeat.
            lease.wake.notify_one();
        }
        let keep_alive = if connect.keep_alive.is_zero() { NEVER } else { connect.keep_alive * 3 / 2 };
        let connection =
            Connection { hub, socket, wire, keep_alive, received, out, held: VecDeque::new(), held_bytes: 0 };
        Ok(Some((connection, lease, connect.will)))
    }

    async fn run(&mut self, lease: &Lease) -> Result<Never, End> {
        let mut room = self.hub.room();
        let mut silence = pin!(sleep(self.keep_alive));
        loop {
            room.mark_unchanged();
            self.offer_held(lease)?;
            self.take_packets(lease)?;
            self.fetch_deliveries(lease)?;

            let may_read = self.may_take_more();
            if may_read {
                self.received.reserve(READ_BYTES);
            }
            let (mut reader, mut writer) = self.socket.split();
            tokio::select! {
                read = reader.read_buf(&mut self.received), if may_read => {
                    if read? == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                    silence.as_mut().reset(Instant::now() + self.keep_alive);
                }
                written = writer.write_buf(&mut self.out), if !self.out.is_empty() => {
                    written?;
                }
                () = lease.wake.notified() => {}
                changed = room.changed(), if !self.held.is_empty() => {
                    changed.map_err(io::Error::other)?;
                }
                () = lease.kick.notified() => return Err(Fault::TakenOver.into()),
                () = &mut silence => return Err(Fault::KeepAlive.into()),
            }
        }
    }

    fn may_take_more(&self) -> bool {
        self.held.len() < usize::from(HELD_MESSAGES) && self.held_bytes < HELD_BYTES
    }

    /// Offers the messages that wait, in order, as far as there is room.
    fn offer_held(&mut self, lease: &Lease) -> Result<(), End> {
        while let Some(first) = self.held.front() {
            if !self.hub.route(&first.message, lease) {
                break;
            }
            self.held_bytes -= first.message.bytes();
            if let Some(packet_id) = first.packet_id {
                self.wire.publish_ack(packet_id, &mut self.out)?;
            }
            self.held.pop_front();
        }
        Ok(())
    }

    /// Works off what was read, until a bound is reached or a packet is incomplete.
    fn take_packets(&mut self, lease: &Lease) -> Result<(), End> {
        while self.may_take_more() {
            let Some(packet) = self.wire.decode(&mut self.received)? else { break };
            match packet {
                Incoming::Publish(publish) => self.take_publish(&publish, lease)?,
                Incoming::PublishAck(packet_id) => self.hub.acknowledged(lease, packet_id)?,
                Incoming::Subscribe { packet_id, filters, numbered } => {
                    let granted = if numbered {
                        vec![Granted::NoNumbers; filters.len()]
                    } else {
                        self.hub.subscribe(lease, &filters)?
                    };
                    self.wire.subscribe_ack(packet_id, &granted, &mut self.out)?;
                }
                Incoming::Unsubscribe { packet_id, filters } => {
                    let existed = self.hub.unsubscribe(lease, &filters)?;
                    self.wire.unsubscribe_ack(packet_id, &existed, &mut self.out)?;
                }
                Incoming::Ping => self.wire.pong(&mut self.out)?,
                Incoming::Disconnect { with_will } => return Err(End::Left { with_will }),
                Incoming::Connect(_) => return Err(Fault::Unexpected.into()),
            }
        }
        Ok(())
    }

    fn take_publish(&mut self, publish: &Publish, lease: &Lease) -> Result<(), End> {
        if publish.qos == QoS::ExactlyOnce {
            return Err(Fault::Qos2.into());
        }
        // A topic alias, which we do not offer, would leave the name empty.
        if !valid_name(&publish.topic) {
            return Err(Fault::TopicName(publish.topic.chars().take(100).collect()).into());
        }
        let message = Arc::new(Message::copy_of(publish, publish.qos == QoS::AtLeastOnce));
        // Nothing overtakes what waits.
        if self.held.is_empty() && self.hub.route(&message, lease) {
            if let Some(packet_id) = publish.packet_id {
                self.wire.publish_ack(packet_id, &mut self.out)?;
            }
        } else {
            self.held_bytes += message.bytes();
            self.held.push_back(Held { message, packet_id: publish.packet_id });
        }
        Ok(())
    }

    /// Encodes what the session has for the client, until there is enough to write.
    fn fetch_deliveries(&mut self, lease: &Lease) -> Result<(), End> {
        let Connection { wire, out, .. } = self;
        if out.len() >= WRITE_BYTES {
            return Ok(());
        }
        self.hub.deliver(lease, |delivery| match wire.publish(delivery, out) {
            Err(_) => Written::TooLarge,
            Ok(()) if out.len() >= WRITE_BYTES => Written::Last,
            Ok(()) => Written::Yes,
        })?;
        Ok(())
    }

    /// Writes what is left, such as the reason.
    async fn close(&mut self, end: &End) {
        if let End::Broken(_) = end {
            return;
        }
        if let End::Closed(fault) = end
            && let Err(error) = self.wire.farewell(fault, &mut self.out)
        {
            tracing::debug!(%error, "no farewell");
        }
        let write = async {
            self.socket.write_all(&self.out).await?;
            self.socket.shutdown().await
        };
        if let Ok(Err(error)) = timeout(FAREWELL_WITHIN, write).await {
            tracing::debug!(%error, "the farewell did not get through");
        }
    }
}
