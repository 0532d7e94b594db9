//! Vehicles that were seen at a first reader and are awaited at a second one.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use vlot_model::{City, DeviceIx, Dropped, GateMeters, Reading, Sighting, Timestamp, Value};

use crate::Limits;
use crate::mix::Mix;
use crate::table::Table;

/// A reader that sees vehicles says so often that it lives.
const ALIVE_EVERY: Duration = Duration::from_mins(1);

pub(crate) struct Pairs {
    city: Arc<City>,
    /// Positions of the pairs that begin at a reader, and of those that end there.
    from: FxHashMap<DeviceIx, Vec<u32>>,
    to: FxHashMap<DeviceIx, Vec<u32>>,
    /// When a vehicle was at the first reader of a pair.
    awaited: Table<(u32, u64), Timestamp>,
    longest: Duration,
    /// The minute in which each reader last said that it lives.
    alive: FxHashMap<DeviceIx, Timestamp>,
}

impl Pairs {
    pub(crate) fn new(city: &Arc<City>, limits: Limits) -> Self {
        let (mut from, mut to) = (FxHashMap::<_, Vec<u32>>::default(), FxHashMap::<_, Vec<u32>>::default());
        for (i, pair) in (0..).zip(&city.pairs) {
            from.entry(pair.from).or_default().push(i);
            to.entry(pair.to).or_default().push(i);
        }
        Pairs {
            from,
            to,
            awaited: Table::new(limits.awaited),
            longest: city.pairs.iter().map(|p| p.max).max().unwrap_or_default() + limits.clock_behind,
            alive: FxHashMap::default(),
            city: Arc::clone(city),
        }
    }

    pub(crate) fn take(&mut self, sighting: &Sighting, now: Timestamp, mix: &mut Mix, meters: &GateMeters) {
        let (device, at) = (sighting.device, sighting.observed_at);
        self.alive(device, now, mix);
        let names = |pair: u32| ((pair, sighting.vehicle.now), (pair, sighting.vehicle.before));
        for i in self.to.get(&device).into_iter().flatten() {
            let (key, before) = names(*i);
            let Some(pair) = self.city.pairs.get(*i as usize) else { continue };
            let Some(first) = self.awaited.find(now, key, before).map(|first| *first) else { continue };
            if at < first + pair.min {
                // A misreading, here or there: the vehicle may still come.
                meters.count(Dropped::PairTime);
                continue;
            }
            self.awaited.remove(key);
            if at > first + pair.max {
                meters.count(Dropped::PairTime);
                continue;
            }
            meters.pair_times.add(1);
            let tenths = (at.since(first).as_secs_f32() * 10.0).round();
            let value = Value::PairTime { seconds: tenths / 10.0 };
            let reading =
                Reading { device: pair.device, sequence: None, observed_at: at, received_at: now, value };
            mix.put(now, reading);
        }
        for i in self.from.get(&device).into_iter().flatten() {
            let (key, before) = names(*i);
            match self.awaited.find(now, key, before) {
                // Bluetooth is heard many times on the way past a reader: the last time is the departure.
                Some(first) if at > *first => *first = at,
                Some(_) => meters.count(Dropped::Repeated),
                None => {
                    if self.awaited.add(now, key, at).is_some() {
                        meters.count(Dropped::Crowded);
                    }
                }
            }
        }
        meters.awaited.set(self.awaited.len() as u64);
    }

    /// Forgets who can no longer come in time.
    pub(crate) fn forget(&mut self, now: Timestamp, meters: &GateMeters) {
        let longest = i64::try_from(self.longest.as_micros()).unwrap_or(i64::MAX);
        let limit = Timestamp::from_micros(now.micros().saturating_sub(longest));
        let mut any = false;
        while self.awaited.pop(Some(limit)).is_some() {
            any = true;
        }
        if any {
            meters.awaited.set(self.awaited.len() as u64);
        }
    }

    fn alive(&mut self, device: DeviceIx, now: Timestamp, mix: &mut Mix) {
        let minute = now.floor(ALIVE_EVERY);
        if self.alive.insert(device, minute).is_none_or(|said| said < minute) {
            let reading = Reading {
                device,
                sequence: None,
                observed_at: minute,
                received_at: now,
                value: Value::Alive,
            };
            mix.put(now, reading);
        }
    }
}
