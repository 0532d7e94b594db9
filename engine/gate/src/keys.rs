//! Keys that live in memory for a while and are never told.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use siphasher::sip::SipHasher24;
use vlot_model::{Anonymise, LinkId, Pseudonym, Timestamp};

/// Windows whose keys are kept: what is older gets a key of its own, and counts apart.
const WINDOWS: usize = 8;

/// Random keys of a keyed hash (SipHash-2-4), drawn anew every while; the ones before are overwritten. It can neither be shown nor
/// written nor copied.
#[expect(missing_debug_implementations, reason = "keys are never told")]
pub struct Keys {
    random: StdRng,
    rotate: Duration,
    now: [u8; 16],
    before: [u8; 16],
    since: Option<Timestamp>,
    /// For each window of counting a key of its own.
    windows: VecDeque<(i64, [u8; 16])>,
}

impl Keys {
    /// Until they are replaced, after `rotate`, a vehicle keeps its pseudonym; after twice that nothing can be told of it.
    pub const ROTATE: Duration = Duration::from_mins(30);

    /// Of the operating system's randomness.
    #[must_use]
    pub fn new(rotate: Duration) -> Self {
        Self::of(StdRng::from_os_rng(), rotate)
    }

    /// Of a seed, for tests: whoever knows it can tell vehicles.
    #[must_use]
    pub fn seeded(seed: u64, rotate: Duration) -> Self {
        Self::of(StdRng::seed_from_u64(seed), rotate)
    }

    fn of(mut random: StdRng, rotate: Duration) -> Self {
        let (now, before) = (draw(&mut random), draw(&mut random));
        Keys { random, rotate, now, before, since: None, windows: VecDeque::with_capacity(WINDOWS) }
    }

    /// Replaces keys that have grown old.
    pub fn advance(&mut self, now: Timestamp) {
        let age = now.since(*self.since.get_or_insert(now));
        if age < self.rotate {
            return;
        }
        self.before = if age < 2 * self.rotate { self.now } else { draw(&mut self.random) };
        self.now = draw(&mut self.random);
        self.since = Some(now);
    }

    /// Counts distinct vehicles on one link within one window, and says nothing else.
    pub(crate) fn token(&mut self, vehicle: u64, link: LinkId, window: i64) -> u32 {
        let key = match self.windows.iter().find(|(w, _)| *w == window) {
            Some((_, key)) => *key,
            None => {
                if self.windows.len() == WINDOWS {
                    self.windows.pop_front();
                }
                let key = draw(&mut self.random);
                self.windows.push_back((window, key));
                key
            }
        };
        let mut hasher = SipHasher24::new_with_key(&key);
        hasher.write_u64(vehicle);
        hasher.write_u64(link.0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "half of the hash tells vehicles on a link apart"
        )]
        let token = hasher.finish() as u32;
        token
    }
}

impl Anonymise for Keys {
    fn pseudonym(&self, identity: &[u8]) -> Pseudonym {
        let under = |key: &[u8; 16]| {
            let mut hasher = SipHasher24::new_with_key(key);
            hasher.write(identity);
            hasher.finish()
        };
        Pseudonym { now: under(&self.now), before: under(&self.before) }
    }
}

fn draw(random: &mut StdRng) -> [u8; 16] {
    let mut key = [0; 16];
    random.fill_bytes(&mut key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATE: &[u8] = b"1-ABC-123";

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_secs(1_774_748_000 + 60 * minutes)
    }

    #[test]
    fn a_vehicle_is_known_over_one_change_of_keys_and_not_over_two() {
        let mut keys = Keys::seeded(1, Keys::ROTATE);
        keys.advance(at(0));
        let first = keys.pseudonym(PLATE);
        keys.advance(at(29));
        assert_eq!(keys.pseudonym(PLATE), first);
        keys.advance(at(30));
        let second = keys.pseudonym(PLATE);
        assert_eq!(second.before, first.now);
        assert_ne!(second.now, first.now);
        keys.advance(at(60));
        let third = keys.pseudonym(PLATE);
        assert!(third.before == second.now && third.now != first.now);
        // After a long silence nothing of before is known.
        keys.advance(at(600));
        assert!(![third.now, third.before].contains(&keys.pseudonym(PLATE).before));
    }

    #[test]
    fn two_processes_know_a_vehicle_by_different_names() {
        let names = [1, 2].map(|_| Keys::new(Keys::ROTATE).pseudonym(PLATE));
        assert_ne!(names[0], names[1]);
        assert_ne!(names[0].now, names[0].before);
    }

    #[test]
    fn a_token_tells_vehicles_on_one_link_in_one_window_and_links_nothing_else() {
        let mut keys = Keys::seeded(1, Keys::ROTATE);
        let token = keys.token(7, LinkId(1), 5);
        assert_eq!(keys.token(7, LinkId(1), 5), token);
        for (vehicle, link, window) in [(8, 1, 5), (7, 2, 5), (7, 1, 6)] {
            assert_ne!(keys.token(vehicle, LinkId(link), window), token, "{vehicle} {link} {window}");
        }
        // The key of a window outlives a change of the others.
        keys.advance(at(0));
        keys.advance(at(31));
        assert_eq!(keys.token(7, LinkId(1), 5), token);
        for window in 10..10 + WINDOWS as i64 {
            keys.token(7, LinkId(1), window);
        }
        assert_ne!(keys.token(7, LinkId(1), 5), token);
    }
}
