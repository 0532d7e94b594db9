//! What the broker owes one client: messages that wait, and messages that are not acknowledged yet.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::message::Message;

/// How much one session may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// A message for the client, in the form in which it goes on the wire now.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    /// `None` at QoS 0.
    pub(crate) packet_id: Option<NonZeroU16>,
    /// It went out before, on an earlier connection.
    pub(crate) again: bool,
}

#[derive(Debug)]
struct Waiting {
    message: Arc<Message>,
    at_least_once: bool,
}

#[derive(Debug)]
struct Sent {
    message: Arc<Message>,
    /// Order of sending over the life of the session.
    order: u64,
}

/// The queue of one client. Pure: who is connected and who waits for room is the hub's business.
#[derive(Debug)]
pub(crate) struct Session {
    bounds: Bounds,
    /// Not sent yet, oldest first.
    waiting: VecDeque<Waiting>,
    /// Sent at QoS 1 and not acknowledged; a packet id is a place here, plus one.
    sent: Vec<Option<Sent>>,
    free: VecDeque<u16>,
    /// Places of `sent` that the present connection has still to repeat, oldest first.
    repeat: VecDeque<u16>,
    /// Unacknowledged on the present connection.
    in_flight: usize,
    window: usize,
    unacknowledged: usize,
    bytes: usize,
    sent_so_far: u64,
}

impl Session {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Session {
            bounds,
            waiting: VecDeque::new(),
            sent: Vec::new(),
            free: VecDeque::new(),
            repeat: VecDeque::new(),
            in_flight: 0,
            window: 0,
            unacknowledged: 0,
            bytes: 0,
            sent_so_far: 0,
        }
    }

    /// Messages that are held, sent or not.
    pub(crate) fn held(&self) -> usize {
        self.waiting.len() + self.unacknowledged
    }

    /// Bytes that are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether one more message of that size fits. An empty session takes any.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let held = self.held();
        held == 0 || (held < self.bounds.messages && self.bytes + bytes <= self.bounds.bytes)
    }

    /// Whether so much has left that it is worth to wake those who wait for room.
    pub(crate) fn half_empty(&self) -> bool {
        self.held() <= self.bounds.messages / 2 && self.bytes <= self.bounds.bytes / 2
    }

    /// Takes a message in.
    pub(crate) fn push(&mut self, message: Arc<Message>, at_least_once: bool) {
        self.bytes += message.bytes();
        self.waiting.push_back(Waiting { message, at_least_once });
    }

    /// A connection begins that allows `window` unacknowledged messages: what was sent before is sent again first.
    pub(crate) fn connected(&mut self, window: u16) {
        self.window = usize::from(window.max(1));
        self.in_flight = 0;
        let mut places: Vec<(u64, u16)> = (0..)
            .zip(&self.sent)
            .filter_map(|(place, sent)| sent.as_ref().map(|s| (s.order, place)))
            .collect();
        places.sort_unstable();
        self.repeat = places.into_iter().map(|(_, place)| place).collect();
    }

    /// The next message to write, if the window allows one.
    pub(crate) fn next(&mut self) -> Option<Delivery> {
        if self.in_flight >= self.window {
            return None;
        }
        while let Some(place) = self.repeat.pop_front() {
            if let Some(Some(sent)) = self.sent.get(usize::from(place)) {
                self.in_flight += 1;
                let message = Arc::clone(&sent.message);
                return Some(Delivery { message, packet_id: NonZeroU16::new(place + 1), again: true });
            }
        }
        let next = self.waiting.pop_front()?;
        if !next.at_least_once {
            self.bytes -= next.message.bytes();
            return Some(Delivery { message: next.message, packet_id: None, again: false });
        }
        let place = match self.free.pop_front() {
            Some(place) => place,
            // The window is below 65,535, and so are the places.
            None => {
                self.sent.push(None);
                u16::try_from(self.sent.len() - 1).unwrap_or(u16::MAX - 1)
            }
        };
        self.sent_so_far += 1;
        self.sent[usize::from(place)] =
            Some(Sent { message: Arc::clone(&next.message), order: self.sent_so_far });
        self.in_flight += 1;
        self.unacknowledged += 1;
        Some(Delivery { message: next.message, packet_id: NonZeroU16::new(place + 1), again: false })
    }

    /// The client has the message: forget it. Returns its size; `None` when nothing of that id was sent.
    pub(crate) fn acknowledged(&mut self, packet_id: NonZeroU16) -> Option<usize> {
        let place = packet_id.get() - 1;
        let sent = self.sent.get_mut(usize::from(place))?.take()?;
        self.free.push_back(place);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.unacknowledged -= 1;
        let bytes = sent.message.bytes();
        self.bytes -= bytes;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn message(n: u32) -> Arc<Message> {
        Arc::new(Message {
            topic: "t".into(),
            payload: Bytes::copy_from_slice(&n.to_be_bytes()),
            at_least_once: true,
            properties: None,
        })
    }

    fn number(d: &Delivery) -> u32 {
        u32::from_be_bytes(d.message.payload.as_ref().try_into().unwrap())
    }

    fn session(messages: usize) -> Session {
        Session::new(Bounds { messages, bytes: usize::MAX })
    }

    #[test]
    fn the_window_bounds_what_is_under_way() {
        let mut s = session(10);
        s.connected(2);
        (0..4).for_each(|n| s.push(message(n), true));
        let first = s.next().unwrap();
        let _second = s.next().unwrap();
        assert!(s.next().is_none());
        s.acknowledged(first.packet_id.unwrap());
        assert_eq!(number(&s.next().unwrap()), 2);
        assert!(s.next().is_none());
    }

    #[test]
    fn a_new_connection_repeats_in_order_and_then_goes_on() {
        let mut s = session(10);
        s.connected(3);
        (0..5).for_each(|n| s.push(message(n), true));
        let sent: Vec<_> = std::iter::from_fn(|| s.next()).collect();
        s.acknowledged(sent[1].packet_id.unwrap());
        assert_eq!(number(&s.next().unwrap()), 3);
        s.connected(10);
        let again: Vec<_> = std::iter::from_fn(|| s.next()).map(|d| (number(&d), d.again)).collect();
        assert_eq!(again, [(0, true), (2, true), (3, true), (4, false)]);
    }

    #[test]
    fn an_unknown_acknowledgement_changes_nothing() {
        let mut s = session(10);
        s.connected(3);
        s.push(message(0), true);
        let d = s.next().unwrap();
        assert!(s.acknowledged(NonZeroU16::new(9).unwrap()).is_none());
        assert!(s.acknowledged(d.packet_id.unwrap()).is_some());
        assert!(s.acknowledged(d.packet_id.unwrap()).is_none());
        assert_eq!((s.held(), s.bytes()), (0, 0));
    }

    #[test]
    fn bytes_are_bounded_too_but_never_stop_a_lone_message() {
        let size = message(0).bytes();
        let mut s = Session::new(Bounds { messages: 100, bytes: 2 * size });
        assert!(s.has_room(10 * size));
        s.push(message(0), true);
        assert!(s.has_room(size) && !s.has_room(size + 1));
        s.push(message(1), true);
        assert!(!s.has_room(size));
    }

    #[derive(Clone, Debug)]
    enum Act {
        Push(bool),
        Send,
        Acknowledge(prop::sample::Index),
        Reconnect(u16),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => any::<bool>().prop_map(Act::Push),
            4 => Just(Act::Send),
            3 => any::<prop::sample::Index>().prop_map(Act::Acknowledge),
            1 => (1..6u16).prop_map(Act::Reconnect),
        ]
    }

    proptest! {
        /// Whatever happens: each QoS 1 message is there until acknowledged, and never under another's id.
        #[test]
        fn nothing_is_lost_and_nothing_is_mixed_up(acts in prop::collection::vec(act(), 0..200)) {
            let mut s = session(1_000);
            s.connected(3);
            let (mut n, mut window) = (0, 3);
            let mut owed = std::collections::BTreeSet::new();
            let mut flying: Vec<(NonZeroU16, u32)> = Vec::new();
            for act in acts {
                match act {
                    Act::Push(at_least_once) => {
                        s.push(message(n), at_least_once);
                        if at_least_once { owed.insert(n); }
                        n += 1;
                    }
                    Act::Send => if let Some(d) = s.next() && let Some(id) = d.packet_id {
                        prop_assert!(owed.contains(&number(&d)));
                        prop_assert!(flying.iter().all(|(other, _)| *other != id));
                        flying.push((id, number(&d)));
                        prop_assert!(flying.len() <= window);
                    },
                    Act::Acknowledge(which) => if !flying.is_empty() {
                        let (id, number) = flying.swap_remove(which.index(flying.len()));
                        prop_assert!(s.acknowledged(id).is_some());
                        owed.remove(&number);
                    },
                    Act::Reconnect(w) => {
                        s.connected(w);
                        flying.clear();
                        window = usize::from(w);
                    }
                }
            }
            s.connected(u16::MAX - 1);
            while let Some(d) = s.next() {
                if let Some(id) = d.packet_id {
                    prop_assert!(owed.remove(&number(&d)));
                    s.acknowledged(id);
                }
            }
            prop_assert!(owed.is_empty());
            prop_assert_eq!((s.held(), s.bytes()), (0, 0));
        }
    }
}
