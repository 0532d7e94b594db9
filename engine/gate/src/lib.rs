//! Where vehicles' identities end.
//!
//! A sighting comes in with a pseudonym that only this process can make; out come readings that speak of links and of pairs of
//! readers, and of no vehicle. What is held to get from the one to the other is held in memory alone, in bounded tables, and
//! is forgotten with the vehicle's silence, with the keys, or with the process.
//!
//! Pure: time comes with the sightings, randomness with the [`Keys`].

mod keys;
mod mix;
mod pairs;
mod probes;
mod table;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use vlot_model::{City, Dropped, Meters, Reading, Role, Sighting, Timestamp};

pub use keys::Keys;
use mix::Mix;
use pairs::Pairs;
use probes::{Exit, Probes};

/// How much the gate holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Vehicles that are followed at once; one more takes the place of the one that was silent for longest.
    pub vehicles: usize,
    /// Vehicles that are awaited at the second readers of all pairs at once.
    pub awaited: usize,
    /// A vehicle that was silent for so long is forgotten.
    pub silence: Duration,
    /// A sighting dated further ahead than this is dropped.
    pub clock_ahead: Duration,
    /// A sighting dated further back than this is dropped.
    pub clock_behind: Duration,
    /// Readings are held for so long and leave in an order that does not tell which came together.
    pub mix: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            vehicles: 50_000,
            awaited: 200_000,
            silence: Duration::from_mins(5),
            clock_ahead: Duration::from_secs(30),
            clock_behind: Duration::from_mins(5),
            mix: Duration::from_secs(5),
        }
    }
}

/// A gate that several sources share. It is held for as long as one message takes: microseconds a sighting.
pub type Shared = Arc<Mutex<Gate>>;

/// The gate, to be shared.
#[must_use]
pub fn shared(gate: Gate) -> Shared {
    Arc::new(Mutex::new(gate))
}

/// The gate of one city. Says nothing of what it holds: it has no `Debug`.
#[expect(missing_debug_implementations, reason = "what it holds is nobody's to see")]
pub struct Gate {
    city: Arc<City>,
    limits: Limits,
    keys: Keys,
    probes: Option<Probes>,
    pairs: Pairs,
    mix: Mix,
    meters: Arc<Meters>,
    now: Timestamp,
}

impl Gate {
    /// Knows no vehicle. Without a network probes are dropped.
    #[must_use]
    pub fn new(city: Arc<City>, keys: Keys, limits: Limits, meters: Arc<Meters>) -> Self {
        let feeds = city.devices.iter().any(|d| d.role == Role::Probes);
        let network = city.network.as_ref().filter(|_| feeds);
        Gate {
            probes: network.map(|network| Probes::new(network, city.traffic.window, limits)),
            pairs: Pairs::new(&city, limits),
            mix: Mix::new(limits.mix),
            meters,
            now: Timestamp::EPOCH,
            city,
            limits,
            keys,
        }
    }

    /// Time passes: keys grow old, silent vehicles are forgotten, and what was held long enough leaves. Time never runs
    /// backwards here.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<Reading>) {
        self.now = self.now.max(now);
        self.keys.advance(self.now);
        let Gate { probes, keys, mix, meters, now, .. } = self;
        if let Some(probes) = probes {
            probes.forget(&mut Exit { now: *now, keys, mix, meters: &meters.gate });
        }
        self.pairs.forget(self.now, &self.meters.gate);
        self.mix.leave(self.now, out);
    }

    /// The keys of the moment, under which the next sightings are to be named.
    pub fn keys(&mut self, now: Timestamp) -> &Keys {
        self.now = self.now.max(now);
        self.keys.advance(self.now);
        &self.keys
    }

    /// Takes a sighting. What leaves is appended to `out`, and seldom is of this vehicle.
    pub fn take(&mut self, sighting: &Sighting, out: &mut Vec<Reading>) {
        self.advance(sighting.received_at, out);
        self.meters.gate.taken.add(1);
        if sighting.observed_at > self.now + self.limits.clock_ahead {
            return self.meters.gate.count(Dropped::Ahead);
        }
        if sighting.observed_at + self.limits.clock_behind < self.now {
            return self.meters.gate.count(Dropped::Behind);
        }
        match self.city.devices.get(sighting.device.at()).map(|device| device.role) {
            Some(Role::Probes) => {
                let Gate { probes, keys, mix, meters, now, .. } = self;
                match probes {
                    Some(probes) => {
                        probes.take(sighting, &mut Exit { now: *now, keys, mix, meters: &meters.gate })
                    }
                    None => meters.gate.count(Dropped::NoNetwork),
                }
            }
            Some(Role::Reader) => self.pairs.take(sighting, self.now, &mut self.mix, &self.meters.gate),
            _ => self.meters.gate.count(Dropped::NoNetwork),
        }
    }
}
