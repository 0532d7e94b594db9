//! What goes wrong between a device and the broker, at given rates, by seeded chance.

use std::collections::{BTreeMap, VecDeque};

use super::chance::Chance;
use crate::time::{HOUR, round};

/// Rates of faults, each the share of messages that it strikes, 0 to 1. All are 0 by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Sent twice, at once or a little later.
    pub duplicates: f64,
    /// Overtaken by up to five later messages.
    pub reorder: f64,
    /// Never sent, though the device counted it.
    pub lost: f64,
    /// Dated up to two days off, ahead or behind.
    pub wrong_clock: f64,
    /// Cut short or garbled.
    pub malformed: f64,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) kind: &'static str,
}

/// A way with faults on it.
pub(crate) struct FaultyWay {
    faults: Faults,
    chance: Chance,
    /// Messages that are held back, with how many later ones still overtake them.
    held: VecDeque<(usize, Message)>,
    counts: BTreeMap<&'static str, u64>,
}

impl FaultyWay {
    pub(crate) fn new(faults: Faults, seed: u64) -> FaultyWay {
        FaultyWay {
            faults,
            chance: Chance::new(seed, "faults"),
            held: VecDeque::new(),
            counts: BTreeMap::new(),
        }
    }

    fn strikes(&mut self, rate: f64, name: &'static str) -> bool {
        // No draw without a rate: a run without faults is the same whether or not this code runs.
        let strikes = rate > 0.0 && self.chance.happens(rate);
        if strikes {
            *self.counts.entry(name).or_insert(0) += 1;
        }
        strikes
    }

    /// The instant that the device believes it is.
    pub(crate) fn clock(&mut self, at: i64) -> i64 {
        if !self.strikes(self.faults.wrong_clock, "wrong_clock") {
            return at;
        }
        let off = round(self.chance.between(1.0, 48.0) * HOUR as f64);
        if self.chance.happens(0.5) { at + off } else { at - off }
    }

    /// What arrives at the broker when `message` is sent: nothing, it, or more.
    pub(crate) fn pass(&mut self, mut message: Message) -> Vec<Message> {
        let mut out = Vec::with_capacity(1);
        if self.strikes(self.faults.malformed, "malformed") {
            self.garble(&mut message.payload);
        }
        if !self.strikes(self.faults.lost, "lost") {
            if self.strikes(self.faults.duplicates, "duplicates") {
                if self.chance.happens(0.5) {
                    out.push(message.clone());
                } else {
                    let behind = 1 + self.chance.pick(20);
                    self.held.push_back((behind, message.clone()));
                }
            }
            if self.strikes(self.faults.reorder, "reorder") {
                let behind = 1 + self.chance.pick(5);
                self.held.push_back((behind, message));
            } else {
                out.push(message);
            }
        }
        let mut still_held = VecDeque::new();
        for (behind, message) in self.held.drain(..) {
            if behind == 0 { out.push(message) } else { still_held.push_back((behind - 1, message)) }
        }
        self.held = still_held;
        out
    }

    /// What is still held back; for the end.
    pub(crate) fn drain(&mut self) -> Vec<Message> {
        self.held.drain(..).map(|(_, message)| message).collect()
    }

    /// How often each fault struck.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.clone()
    }

    fn garble(&mut self, payload: &mut Vec<u8>) {
        if self.chance.happens(0.5) {
            payload.truncate(self.chance.pick(payload.len().max(1)));
        } else {
            for _ in 0..4 {
                let at = self.chance.pick(payload.len());
                if let Some(byte) = payload.get_mut(at) {
                    *byte = !*byte;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: u8) -> Message {
        Message { topic: "t".into(), payload: vec![n; 8], kind: "k" }
    }

    fn all(faults: Faults) -> (Vec<u8>, FaultyWay) {
        let mut way = FaultyWay::new(faults, 3);
        let mut out: Vec<u8> =
            (0..200).flat_map(|n| way.pass(message(n))).map(|m| *m.payload.first().unwrap_or(&0)).collect();
        out.extend(way.drain().iter().map(|m| m.payload[0]));
        (out, way)
    }

    #[test]
    fn without_rates_nothing_happens() {
        let (out, way) = all(Faults::default());
        assert_eq!(out, (0..200).collect::<Vec<u8>>());
        assert!(way.counts().is_empty());
    }

    #[test]
    fn duplicates_come_again_and_reordered_ones_still_come_once() {
        let (mut out, way) = all(Faults { duplicates: 0.2, ..Faults::default() });
        let duplicates = usize::try_from(way.counts()["duplicates"]).unwrap();
        assert_eq!(out.len(), 200 + duplicates);
        out.sort_unstable();
        out.dedup();
        assert_eq!(out.len(), 200);

        let (mut out, way) = all(Faults { reorder: 0.3, ..Faults::default() });
        assert!(way.counts()["reorder"] > 20);
        assert!(!out.is_sorted());
        out.sort_unstable();
        assert_eq!(out, (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn what_is_lost_is_counted() {
        let (out, way) = all(Faults { lost: 0.25, ..Faults::default() });
        assert_eq!(out.len() + usize::try_from(way.counts()["lost"]).unwrap(), 200);
    }
}
