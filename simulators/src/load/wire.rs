//! The few packets of MQTT 3.1.1 that a publisher needs. A general client flushes each message by itself; a load
//! generator that shares its two cores with what it measures must not.

/// Kinds of packets that a broker sends to a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// The connection is accepted (0) or refused (anything else).
    ConnAck(u8),
    /// That message is the broker's now.
    PubAck(u16),
    /// Anything else.
    Other,
}

/// A broker's packet to a publisher is shorter than this.
const PACKET_BYTES_MAX: usize = 1_024;

/// Appends CONNECT: a clean session without keep-alive.
pub(crate) fn connect(out: &mut Vec<u8>, client_id: &str, login: Option<&(String, String)>) {
    let mut flags = 0x02;
    let mut body = Vec::new();
    string(&mut body, client_id);
    if let Some((name, password)) = login {
        flags |= 0xC0;
        string(&mut body, name);
        string(&mut body, password);
    }
    let mut head = Vec::new();
    string(&mut head, "MQTT");
    head.extend([4, flags, 0, 0]);
    out.push(0x10);
    length(out, head.len() + body.len());
    out.extend(head);
    out.extend(body);
}

/// Appends PUBLISH at QoS 1.
pub(crate) fn publish(out: &mut Vec<u8>, topic: &str, id: u16, payload: &[u8]) {
    out.push(0x32);
    length(out, 2 + topic.len() + 2 + payload.len());
    string(out, topic);
    out.extend(id.to_be_bytes());
    out.extend(payload);
}

/// Appends DISCONNECT.
pub(crate) fn disconnect(out: &mut Vec<u8>) {
    out.extend([0xE0, 0]);
}

/// A text with its length before it; longer than 65,535 bytes it is cut.
fn string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend(len.to_be_bytes());
    out.extend(bytes.iter().take(len.into()));
}

fn length(out: &mut Vec<u8>, mut len: usize) {
    loop {
        let low = (len % 128).to_le_bytes()[0];
        len /= 128;
        if len == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Takes the packets out of a stream of bytes that arrives in pieces.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    buffer: Vec<u8>,
}

impl Packets {
    /// Adds bytes and hands over each packet that is now whole.
    ///
    /// # Errors
    /// When the bytes are no packets of a broker to a publisher.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut packet: impl FnMut(Packet)) -> Result<(), &'static str> {
        self.buffer.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some(rest) = self.buffer.get(taken..) {
            let Some((head, body_len)) = header(rest)? else { break };
            let Some(body) = rest.get(head..head + body_len) else { break };
            packet(match (rest.first().map(|b| b >> 4), body) {
                (Some(2), [_, code, ..]) => Packet::ConnAck(*code),
                (Some(4), [high, low, ..]) => Packet::PubAck(u16::from_be_bytes([*high, *low])),
                _ => Packet::Other,
            });
            taken += head + body_len;
        }
        self.buffer.drain(..taken);
        Ok(())
    }
}

/// Length of a packet's header and of its body; `None` while the header is not whole.
fn header(bytes: &[u8]) -> Result<Option<(usize, usize)>, &'static str> {
    let mut len = 0;
    for i in 0..4 {
        let Some(byte) = bytes.get(1 + i) else { return Ok(None) };
        len |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return if len > PACKET_BYTES_MAX {
                Err("the packet is too long")
            } else {
                Ok(Some((2 + i, len)))
            };
        }
    }
    Err("the packet's length is malformed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_those_of_the_specification() {
        let mut out = Vec::new();
        connect(&mut out, "ab", None);
        assert_eq!(out, [0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 2, b'a', b'b']);
        out.clear();
        publish(&mut out, "t", 0x0102, &[9; 130]);
        // 135 = 7 + 1 * 128
        assert_eq!(&out[..8], [0x32, 0x87, 0x01, 0, 1, b't', 1, 2]);
        assert_eq!(out.len(), 3 + 135);
        out.clear();
        connect(&mut out, "a", Some(&("u".into(), "p".into())));
        assert_eq!(out[9], 0xC2);
        assert!(out.ends_with(&[0, 1, b'u', 0, 1, b'p']));
    }

    #[test]
    fn nonsense_is_an_error() {
        for bytes in [&[0x40, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0x40, 0xFF, 0x7F]] {
            assert!(Packets::default().feed(bytes, |_| {}).is_err());
        }
    }

    proptest! {
        #[test]
        fn packets_come_out_whole_however_they_are_cut(ids in prop::collection::vec(any::<u16>(), 0..50), cut in 1_usize..9) {
            let mut stream = vec![0x20, 2, 0, 0];
            for id in &ids {
                stream.extend([0x40, 2]);
                stream.extend(id.to_be_bytes());
            }
            stream.extend([0xD0, 0]);
            let mut seen = Vec::new();
            let mut packets = Packets::default();
            for piece in stream.chunks(cut) {
                packets.feed(piece, |p| seen.push(p)).unwrap();
            }
            let mut expected = vec![Packet::ConnAck(0)];
            expected.extend(ids.iter().map(|id| Packet::PubAck(*id)));
            expected.push(Packet::Other);
            prop_assert_eq!(seen, expected);
        }
    }
}
