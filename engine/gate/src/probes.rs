//! Vehicles that are followed over the network.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{DeviceIx, Dropped, GateMeters, Mode, Reading, RoadNetwork, Sighting, Timestamp, Value};
use vlot_network::matching::{Fate, Matcher, Point, Rules, Scratch, Tracker, Traversal};

use crate::Limits;
use crate::keys::Keys;
use crate::mix::Mix;
use crate::table::Table;

pub(crate) struct Probes {
    matcher: Matcher,
    scratch: Scratch,
    done: Vec<Traversal>,
    window: Duration,
    silence: Duration,
    vehicles: Table<(DeviceIx, u64), Vehicle>,
}

struct Vehicle {
    feed: DeviceIx,
    /// The name under which it was first seen: tokens stay the same over a change of keys.
    name: u64,
    tracker: Tracker,
    parked: bool,
}

/// What vehicles' readings go through on their way out.
pub(crate) struct Exit<'a> {
    pub(crate) now: Timestamp,
    pub(crate) keys: &'a mut Keys,
    pub(crate) mix: &'a mut Mix,
    pub(crate) meters: &'a GateMeters,
}

impl Probes {
    pub(crate) fn new(network: &Arc<RoadNetwork>, window: Duration, limits: Limits) -> Self {
        Probes {
            matcher: Matcher::new(Arc::clone(network), Mode::Car, Rules::default()),
            scratch: Scratch::new(),
            done: Vec::new(),
            window: window.max(Duration::from_secs(1)),
            silence: limits.silence,
            vehicles: Table::new(limits.vehicles),
        }
    }

    pub(crate) fn take(&mut self, sighting: &Sighting, exit: &mut Exit<'_>) {
        let Some(position) = sighting.position else {
            return exit.meters.count(Dropped::NoPosition);
        };
        let point = Point {
            at: sighting.observed_at,
            position,
            speed_kmh: sighting.speed_kmh,
            heading_deg: sighting.heading_deg,
        };
        let feed = sighting.device;
        let (key, before) = ((feed, sighting.vehicle.now), (feed, sighting.vehicle.before));
        let fate = if let Some(vehicle) = self.vehicles.find(exit.now, key, before) {
            let fate = vehicle.tracker.take(&self.matcher, &mut self.scratch, &point, &mut self.done);
            vehicle.parked = match fate {
                Fate::Used => false,
                Fate::Parked => true,
                _ => vehicle.parked,
            };
            let (name, parked) = (vehicle.name, vehicle.parked);
            self.tell(feed, name, exit);
            if fate == Fate::Still && parked { Fate::Parked } else { fate }
        } else {
            let mut vehicle =
                Vehicle { feed, name: sighting.vehicle.now, tracker: Tracker::new(), parked: false };
            let fate = vehicle.tracker.take(&self.matcher, &mut self.scratch, &point, &mut self.done);
            if let Some(left) = self.vehicles.add(exit.now, key, vehicle) {
                exit.meters.count(Dropped::Crowded);
                self.part(left, exit);
            }
            exit.meters.followed.set(self.vehicles.len() as u64);
            fate
        };
        match fate {
            Fate::Used | Fate::Still => {}
            Fate::Parked => exit.meters.count(Dropped::Parked),
            Fate::Repeated => exit.meters.count(Dropped::Repeated),
            Fate::Jump => exit.meters.count(Dropped::Jump),
            Fate::OffNetwork => exit.meters.count(Dropped::OffNetwork),
            Fate::NoWay => exit.meters.count(Dropped::NoWay),
        }
    }

    /// Forgets who was silent for long, after a last word.
    pub(crate) fn forget(&mut self, exit: &mut Exit<'_>) {
        let limit = Timestamp::from_micros(
            exit.now.micros().saturating_sub(i64::try_from(self.silence.as_micros()).unwrap_or(i64::MAX)),
        );
        let mut any = false;
        while let Some(vehicle) = self.vehicles.pop(Some(limit)) {
            self.part(vehicle, exit);
            any = true;
        }
        if any {
            exit.meters.followed.set(self.vehicles.len() as u64);
        }
    }

    fn part(&mut self, mut vehicle: Vehicle, exit: &mut Exit<'_>) {
        vehicle.tracker.finish(&self.matcher, &mut self.scratch, &mut self.done);
        self.tell(vehicle.feed, vehicle.name, exit);
    }

    /// Makes readings of what was decided.
    fn tell(&mut self, feed: DeviceIx, name: u64, exit: &mut Exit<'_>) {
        for done in self.done.drain(..) {
            let Some(link) = self.matcher.network().link(done.link).map(|link| link.id) else { continue };
            let window = done.left_at.floor(self.window).micros();
            let token = exit.keys.token(name, link, window);
            let tenths = (done.left_at.since(done.entered_at).as_secs_f32() * 10.0).round().max(1.0);
            exit.meters.traversals.add(1);
            let value = Value::Traversal { link, seconds: tenths / 10.0, token };
            let reading = Reading {
                device: feed,
                sequence: None,
                observed_at: done.left_at,
                received_at: exit.now,
                value,
            };
            exit.mix.put(exit.now, reading);
        }
    }
}
