//! As much of MQTT 3.1.1 as a measurement needs: blocking, on a bare socket, and cheaper than any client library.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A connection after its CONNACK.
pub struct Wire {
    socket: TcpStream,
    received: Vec<u8>,
    /// How far `received` was taken.
    taken: usize,
}

/// A packet of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// A message at QoS 1, with its packet id.
    Publish(u16),
    /// A message of ours arrived, by its packet id.
    PubAck(u16),
    /// Anything else.
    Other,
}

impl Wire {
    /// Opens a clean session.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn connect(port: u16, client_id: &str) -> io::Result<Wire> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        let mut wire = Wire { socket, received: Vec::with_capacity(128 << 10), taken: 0 };
        // Protocol name and level, clean session, no keep alive.
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0];
        text(&mut body, client_id);
        let mut packet = vec![0x10];
        length(&mut packet, body.len());
        packet.extend(body);
        wire.send(&packet)?;
        wire.wait()?;
        Ok(wire)
    }

    /// Subscribes at QoS 1.
    ///
    /// # Errors
    /// When the broker goes away.
    pub fn subscribe(&mut self, filter: &str) -> io::Result<()> {
        let mut body = vec![0, 1];
        text(&mut body, filter);
        body.push(1);
        let mut packet = vec![0x82];
        length(&mut packet, body.len());
        packet.extend(body);
        self.send(&packet)?;
        self.wait()
    }

    /// Writes packets.
    ///
    /// # Errors
    /// When the broker goes away.
    pub fn send(&mut self, packets: &[u8]) -> io::Result<()> {
        self.socket.write_all(packets)
    }

    /// Waits for bytes, and hands over every whole packet in them.
    ///
    /// # Errors
    /// When the broker goes away.
    pub fn receive(&mut self, mut take: impl FnMut(Packet)) -> io::Result<()> {
        self.received.drain(..self.taken);
        self.taken = 0;
        let held = self.received.len();
        self.received.resize(held + (64 << 10), 0);
        let read = self.socket.read(&mut self.received[held..])?;
        self.received.truncate(held + read);
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some((packet, bytes)) = parse(&self.received[self.taken..]) {
            self.taken += bytes;
            take(packet);
        }
        Ok(())
    }

    /// Waits for one answer.
    fn wait(&mut self) -> io::Result<()> {
        let mut answered = false;
        while !answered {
            self.receive(|_| answered = true)?;
        }
        Ok(())
    }
}

/// Appends a message at QoS 1.
pub fn publish(out: &mut Vec<u8>, packet_id: u16, topic: &str, payload: &[u8]) {
    out.push(0x32);
    length(out, 2 + topic.len() + 2 + payload.len());
    text(out, topic);
    out.extend(packet_id.to_be_bytes());
    out.extend(payload);
}

/// Appends an acknowledgement.
pub fn puback(out: &mut Vec<u8>, packet_id: u16) {
    out.extend([0x40, 2]);
    out.extend(packet_id.to_be_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    out.extend(text.as_bytes());
}

fn length(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let low = u8::try_from(n % 128).unwrap_or(0);
        n /= 128;
        out.push(if n > 0 { low | 128 } else { low });
        if n == 0 {
            return;
        }
    }
}

/// The first packet and its size, when all of it is there.
fn parse(bytes: &[u8]) -> Option<(Packet, usize)> {
    let mut body = 0;
    let mut head = 1;
    loop {
        let byte = *bytes.get(head)?;
        body |= usize::from(byte & 127) << (7 * (head - 1));
        head += 1;
        if byte & 128 == 0 {
            break;
        }
    }
    let whole = bytes.get(..head + body)?;
    let id = |at: usize| whole.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    let packet = match whole[0] >> 4 {
        3 if whole[0] & 6 == 2 => Packet::Publish(id(head + 2 + usize::from(id(head)))),
        4 => Packet::PubAck(id(head)),
        _ => Packet::Other,
    };
    Some((packet, head + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_only_whole() {
        for size in [0, 100, 200, 20_000] {
            let mut bytes = Vec::new();
            publish(&mut bytes, 513, "a/b", &vec![7; size]);
            for cut in [0, 1, 2, bytes.len() - 1] {
                assert_eq!(parse(&bytes[..cut]), None);
            }
            assert_eq!(parse(&bytes), Some((Packet::Publish(513), bytes.len())));
        }
        let mut bytes = Vec::new();
        puback(&mut bytes, 65_535);
        puback(&mut bytes, 1);
        assert_eq!(parse(&bytes), Some((Packet::PubAck(65_535), 4)));
    }

    #[test]
    fn a_broker_understands_it() {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let broker =
            vlot_broker::Broker::start(vlot_broker::Options { listen, ..Default::default() }).unwrap();
        let mut subscriber = Wire::connect(broker.addr().port(), "s").unwrap();
        subscriber.subscribe("a/+").unwrap();
        let mut publisher = Wire::connect(broker.addr().port(), "p").unwrap();
        let mut out = Vec::new();
        publish(&mut out, 9, "a/b", b"x");
        publisher.send(&out).unwrap();
        let (mut got, mut acknowledged) = (None, None);
        subscriber.receive(|p| got = Some(p)).unwrap();
        publisher.receive(|p| acknowledged = Some(p)).unwrap();
        assert!(matches!(got, Some(Packet::Publish(_))), "{got:?}");
        assert_eq!(acknowledged, Some(Packet::PubAck(9)));
    }
}
