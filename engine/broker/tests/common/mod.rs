//! A client that does exactly what a test says, packet by packet, and a way to wait for what must come.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::v3::{Codec, Connect, ConnectAck, ConnectAckReason, LastWill, Packet, SubscribeReturnCode};
use tokio_util::codec::{Decoder, Encoder};
use vlot_broker::{Broker, Options, Stats};

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn options() -> Options {
    Options { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..Options::default() }
}

/// Waits until the broker's figures are as they must become.
pub(crate) fn wait_for(broker: &Broker, what: &str, reached: impl Fn(&Stats) -> bool) -> Stats {
    let end = Instant::now() + LIMIT;
    loop {
        let stats = broker.stats();
        if reached(&stats) {
            return stats;
        }
        assert!(Instant::now() < end, "never came: {what}; {stats:?}");
        std::thread::yield_now();
    }
}

/// How a raw client connects.
pub(crate) struct Hello {
    pub(crate) id: &'static str,
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    pub(crate) will: Option<(&'static str, &'static str)>,
}

impl Hello {
    pub(crate) fn new(id: &'static str, clean: bool) -> Self {
        Hello { id, clean, keep_alive: 0, will: None }
    }
}

/// An MQTT 3.1.1 client without a mind of its own: it acknowledges and pings only when told.
pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
    codec: Codec,
    buffer: BytesMut,
}

impl Raw {
    /// Connects; the answer is whether the session was present.
    pub(crate) fn connect(addr: SocketAddr, hello: &Hello) -> (Raw, bool) {
        let mut raw = Raw::open(addr);
        raw.send(Packet::from(Connect {
            clean_session: hello.clean,
            keep_alive: hello.keep_alive,
            client_id: hello.id.into(),
            last_will: hello.will.map(|(topic, message)| LastWill {
                qos: QoS::AtLeastOnce,
                retain: false,
                topic: topic.into(),
                message: message.into(),
            }),
            ..Connect::default()
        }));
        match raw.receive() {
            Packet::ConnectAck(ConnectAck {
                return_code: ConnectAckReason::ConnectionAccepted,
                session_present,
            }) => (raw, session_present),
            other => panic!("no welcome but {other:?}"),
        }
    }

    pub(crate) fn open(addr: SocketAddr) -> Raw {
        let socket = TcpStream::connect(addr).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.set_nodelay(true).unwrap();
        Raw { socket, codec: Codec::new(0), buffer: BytesMut::new() }
    }

    pub(crate) fn send(&mut self, packet: Packet) {
        let mut out = BytesMut::new();
        self.codec.encode(packet, &mut out).unwrap();
        self.socket.write_all(&out).unwrap();
    }

    /// The next packet; `None` when the broker closed the connection.
    pub(crate) fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some((packet, _)) = self.codec.decode(&mut self.buffer).unwrap() {
                return Some(packet);
            }
            let mut chunk = [0; 4096];
            match self.socket.read(&mut chunk) {
                Ok(0) => return None,
                Ok(n) => self.buffer.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(e) => panic!("nothing came: {e}"),
            }
        }
    }

    pub(crate) fn receive(&mut self) -> Packet {
        self.next().expect("the broker closed the connection")
    }

    pub(crate) fn subscribe(&mut self, filter: &'static str, qos: QoS) -> SubscribeReturnCode {
        let packet_id = NonZeroU16::new(1).unwrap();
        self.send(Packet::Subscribe { packet_id, topic_filters: vec![(filter.into(), qos)] });
        match self.receive() {
            Packet::SubscribeAck { status, .. } => status[0],
            other => panic!("no SUBACK but {other:?}"),
        }
    }

    /// Publishes; `id` 0 is QoS 0.
    pub(crate) fn publish(&mut self, topic: &'static str, id: u16, payload: impl Into<Vec<u8>>) {
        let packet_id = NonZeroU16::new(id);
        self.send(Packet::from(Publish {
            dup: false,
            retain: false,
            qos: if id == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce },
            topic: topic.into(),
            packet_id,
            payload: payload.into().into(),
            properties: None,
        }));
    }

    pub(crate) fn expect_ack(&mut self, id: u16) {
        assert_eq!(self.receive(), Packet::PublishAck { packet_id: NonZeroU16::new(id).unwrap() });
    }

    pub(crate) fn expect_publish(&mut self) -> Publish {
        match self.receive() {
            Packet::Publish(publish) => *publish,
            other => panic!("no PUBLISH but {other:?}"),
        }
    }

    pub(crate) fn acknowledge(&mut self, publish: &Publish) {
        self.send(Packet::PublishAck { packet_id: publish.packet_id.unwrap() });
    }

    pub(crate) fn ping(&mut self) {
        self.send(Packet::PingRequest);
        assert_eq!(self.receive(), Packet::PingResponse);
    }
}
