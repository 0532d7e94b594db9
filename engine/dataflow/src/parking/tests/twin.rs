//! The facilities' state, computed at each tick from all readings so far and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    City, Counting, DeviceIx, Direction, FacilityIx, FacilityState, FacilityStatus, Meters, Opening, Product,
    Quality, Reading, Role, Share, Timestamp, Update, Value,
};

use crate::parking::logic::Parking;
use crate::testing::{Builder, Sent, Step, arrivals, difference, play, sent};

struct Twin<'a> {
    city: &'a City,
    facility: FacilityIx,
    heard: Vec<Reading>,
    full: bool,
    last: Option<FacilityState>,
}

fn when(r: &Reading) -> Timestamp {
    if r.observed_at < r.received_at { r.observed_at } else { r.received_at }
}

impl Twin<'_> {
    fn of(&self, device: DeviceIx) -> impl Iterator<Item = &Reading> {
        self.heard.iter().filter(move |r| r.device == device)
    }

    fn reports(&self, device: DeviceIx, now: Timestamp) -> bool {
        let heard = self.of(device).map(when).max();
        heard.is_some_and(|t| now < t + self.city.devices[device.at()].silent_after)
    }

    fn newest<T>(readings: impl Iterator<Item = (Timestamp, T)>) -> Option<T> {
        let mut newest = None;
        for (at, value) in readings {
            match newest {
                Some((best, _)) if at < best => {}
                _ => newest = Some((at, value)),
            }
        }
        newest.map(|(_, value)| value)
    }

    fn state(&mut self, now: Timestamp) -> FacilityState {
        let f = &self.city.facilities[self.facility.at()];
        let opening = Self::newest(self.heard.iter().filter_map(|r| match r.value {
            Value::Opening { open } => Some((r.observed_at, open)),
            _ => None,
        }));
        let capacity = i64::from(f.capacity);
        let (raw, free, share, lost, rests_on, known) =
            if f.counting == Counting::Bays { self.bays(now) } else { self.account(now) };
        let rests_on = rests_on.filter(|_| known);
        let valid_until = rests_on.map(|t| t + f.valid_for);
        let enough = match f.counting {
            Counting::Barriers => share.reporting == share.total && lost == 0,
            _ => share.reporting as f32 / share.total as f32 >= f.min_share,
        };
        let drifted = raw.is_some_and(|n| n < 0 || n > capacity);
        let quality = if !known {
            Quality::Missing
        } else if raw.is_none() || valid_until.unwrap() <= now {
            Quality::Stale
        } else if drifted || !enough {
            Quality::Degraded
        } else {
            Quality::Good
        };
        let closed = opening == Some(false) && self.heard.iter().any(|r| now < when(r) + f.valid_for);
        let status = if closed {
            FacilityStatus::Closed
        } else if quality != Quality::Good {
            FacilityStatus::Unknown
        } else {
            // Each silent bay may be free or taken: the word must be the same for every such number.
            let free = free.unwrap();
            let silent = if f.counting == Counting::Bays { share.total - share.reporting } else { 0 };
            let words: BTreeSet<bool> = (free..=free + silent)
                .map(|free| if self.full { free < f.reopen_at } else { free <= f.full_at })
                .collect();
            match words.into_iter().collect::<Vec<_>>()[..] {
                [full] => {
                    self.full = full;
                    if full { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable }
                }
                _ => FacilityStatus::Unknown,
            }
        };
        FacilityState {
            facility: self.facility,
            capacity: f.capacity,
            occupied: raw.map(|n| u32::try_from(n.max(0).min(capacity)).unwrap()),
            free,
            occupied_uncorrected: raw,
            opening: match opening {
                None => Opening::Unknown,
                Some(true) => Opening::Open,
                Some(false) => Opening::Closed,
            },
            status,
            observed_at: rests_on,
            valid_until,
            quality,
            sensors: share,
            lost_messages: lost,
            certainty: None,
            groups: Vec::new(),
        }
    }

    fn bays(&self, now: Timestamp) -> (Option<i64>, Option<u32>, Share, u32, Option<Timestamp>, bool) {
        let bays = &self.city.facilities[self.facility.at()].bays;
        let (mut occupied, mut free, mut known) = (0, 0, false);
        for bay in bays {
            let state = Self::newest(self.of(bay.device).filter_map(|r| match r.value {
                Value::Bay { occupied } => Some((r.observed_at, Some(occupied))),
                Value::BayUnsure => Some((r.observed_at, None)),
                _ => None,
            }));
            known |= self.of(bay.device).any(|r| matches!(r.value, Value::Bay { .. }));
            match state.flatten() {
                Some(true) if self.reports(bay.device, now) => occupied += 1,
                Some(false) if self.reports(bay.device, now) => free += 1,
                _ => {}
            }
        }
        let any = occupied + free > 0;
        let share = Share { reporting: occupied + free, total: u32::try_from(bays.len()).unwrap() };
        let of_bays = |r: &&Reading| bays.iter().any(|b| b.device == r.device);
        let rests_on = self.heard.iter().filter(of_bays).map(when).max();
        (any.then_some(i64::from(occupied)), any.then_some(free), share, 0, rests_on, known)
    }

    fn account(&self, now: Timestamp) -> (Option<i64>, Option<u32>, Share, u32, Option<Timestamp>, bool) {
        let f = &self.city.facilities[self.facility.at()];
        let by_barriers = f.counting == Counting::Barriers;
        let mut counts: Vec<(Timestamp, u32, Timestamp)> = Vec::new();
        for r in &self.heard {
            if let Value::Occupied { spaces } = r.value
                && counts.iter().all(|(at, ..)| *at <= r.observed_at)
            {
                counts.push((r.observed_at, spaces, when(r)));
            }
        }
        let baseline = counts.last().map(|(at, spaces, _)| (*at, i64::from(*spaces)));
        let devices = (0..self.city.devices.len()).map(DeviceIx::from_position);
        let (mut share, mut lost, mut moved) = (Share::default(), 0, 0);
        for device in devices {
            let sensor = match self.city.devices[device.at()].role {
                Role::Barrier { facility } if facility == self.facility => by_barriers,
                Role::Counter { facility } if facility == self.facility => !by_barriers,
                _ => continue,
            };
            if sensor {
                share.total += 1;
                share.reporting += u32::from(self.reports(device, now));
            }
            lost += self.lost(device);
            moved += self.moved(device, baseline.map(|(at, _)| at));
        }
        let raw = baseline.map(|(_, spaces)| if by_barriers { spaces + moved } else { spaces });
        let free = raw.map(|n| f.capacity - u32::try_from(n.clamp(0, i64::from(f.capacity))).unwrap());
        let rests_on = if by_barriers {
            self.heard.iter().map(when).max()
        } else {
            counts.iter().map(|(_, _, said)| *said).max()
        };
        (raw, free, share, lost, rests_on, raw.is_some())
    }

    fn moved(&self, device: DeviceIx, since: Option<Timestamp>) -> i64 {
        let mut totals: Option<(Timestamp, i64, i64)> = None;
        let mut counted: Vec<(Timestamp, i64)> = Vec::new();
        let mut sum = 0;
        for r in self.of(device) {
            let told = totals.is_some_and(|(at, ..)| r.observed_at <= at);
            let net = match r.value {
                Value::Passage { .. } if told => 0,
                Value::Passage { direction, vehicles } => {
                    let net = i64::from(vehicles) * if direction == Direction::In { 1 } else { -1 };
                    counted.push((r.observed_at, net));
                    net
                }
                Value::Totals { entries, exits } => {
                    let (entries, exits) = (i64::from(entries), i64::from(exits));
                    let before = totals;
                    if before.is_some_and(|(at, ..)| r.observed_at < at) {
                        continue;
                    }
                    totals = Some((r.observed_at, entries, exits));
                    let between = |at: Timestamp| before.is_some_and(|(t, ..)| t < at) && at <= r.observed_at;
                    let passed: Vec<i64> =
                        counted.iter().filter(|(at, _)| between(*at)).map(|(_, net)| *net).collect();
                    match before {
                        None => 0,
                        Some((_, e, x)) if entries >= e && exits >= x => {
                            (entries - e) - (exits - x) - passed.iter().sum::<i64>()
                        }
                        Some(_) if passed.is_empty() => entries - exits,
                        Some(_) => 0,
                    }
                }
                _ => 0,
            };
            if since.is_some_and(|since| since < r.observed_at) {
                sum += net;
            }
        }
        sum
    }

    /// By sets of numbers; a straggler fills its gap within 64 messages.
    fn lost(&self, device: DeviceIx) -> u32 {
        let mut newest: Option<(i64, Timestamp)> = None;
        let mut missing = BTreeSet::new();
        let (mut gone, mut gap_at) = (0, None);
        let mut counted: Option<Timestamp> = None;
        let mut totals: Option<(Timestamp, u32, u32)> = None;
        for r in &self.heard {
            let at = r.observed_at;
            let mut cover = None;
            if r.device == device {
                let sequence = r.sequence.unwrap();
                match newest {
                    None => newest = Some((i64::from(sequence), at)),
                    Some((top, top_at)) => {
                        let apart = sequence
                            .wrapping_sub(u32::try_from(top.rem_euclid(1 << 32)).unwrap())
                            .cast_signed();
                        let n = top + i64::from(apart);
                        if n > top {
                            if n > top + 1 {
                                missing.extend(top + 1..n);
                                gap_at = Some(at);
                            }
                            newest = Some((n, at));
                        } else if n < top && !(n > top - 64 && missing.remove(&n)) && at > top_at {
                            gone += u32::try_from(missing.len()).unwrap();
                            missing.clear();
                            newest = Some((i64::from(sequence), at));
                        }
                    }
                }
                if let Value::Totals { entries, exits } = r.value
                    && totals.is_none_or(|(t, ..)| t <= at)
                {
                    if totals.is_some_and(|(_, e, x)| e <= entries && x <= exits) {
                        cover = Some(at);
                    }
                    totals = Some((at, entries, exits));
                }
            }
            if let Value::Occupied { .. } = r.value
                && counted.is_none_or(|c| c <= at)
            {
                counted = Some(at);
                cover = Some(at);
            }
            if let Some(cover) = cover
                && gap_at.is_none_or(|gap_at| gap_at <= cover)
            {
                gone = 0;
                missing.clear();
            }
        }
        gone + u32::try_from(missing.len()).unwrap()
    }
}

fn facility_of(city: &City, device: DeviceIx) -> FacilityIx {
    match city.devices[device.at()].role {
        Role::Bay { facility, .. } | Role::Barrier { facility } | Role::Counter { facility } => facility,
        other => panic!("{other:?}"),
    }
}

/// What the twins publish for those steps.
fn expected(city: &City, steps: &[Step]) -> Vec<(u64, FacilityState)> {
    let twin = |i| Twin { city, facility: FacilityIx(i), heard: Vec::new(), full: false, last: None };
    let mut twins: Vec<Twin<'_>> = (0..u32::try_from(city.facilities.len()).unwrap()).map(twin).collect();
    let mut out = Vec::new();
    for (tick, step) in (1..).zip(steps) {
        for twin in &mut twins {
            let facility = twin.facility;
            let here: Vec<Reading> =
                step.readings().iter().filter(|r| facility_of(city, r.device) == facility).copied().collect();
            let touched = !here.is_empty();
            twin.heard.extend(here);
            if twin.heard.is_empty() || (matches!(step, Step::Batch(..)) && !touched) {
                continue;
            }
            let state = twin.state(step.at());
            if twin.last.as_ref() != Some(&state) {
                twin.last = Some(state.clone());
                out.push((tick, state));
            }
        }
    }
    out
}

fn published(city: &City, steps: &[Step]) -> Vec<(u64, FacilityState)> {
    let of = |update: Update| match Arc::unwrap_or_clone(update.product) {
        Product::Facility(state) => (update.tick, state),
        other => panic!("{other:?}"),
    };
    let meters = Arc::new(Meters::default());
    let mut out: Vec<_> = play(&mut Parking::new(city, &meters), steps).into_iter().map(of).collect();
    out.sort_by_key(|(tick, state)| (*tick, state.facility));
    let heard: usize = steps.iter().map(|step| step.readings().len()).sum();
    assert_eq!(meters.readings_absorbed.get(), heard as u64);
    out
}

/// What a device says, with counters that wrap and begin anew.
#[derive(Clone)]
struct Counters {
    sequence: u32,
    entries: u32,
    exits: u32,
}

fn script(city: &City, sent: &[Sent]) -> Vec<Step> {
    let devices = u32::try_from(city.devices.len()).unwrap();
    let start = Counters { sequence: u32::MAX - 5, entries: 100, exits: 90 };
    let mut counters = vec![start; city.devices.len()];
    arrivals(sent, devices, |device, message, now| {
        let c = &mut counters[device.at()];
        if message.choice < 4 {
            *c = Counters { sequence: 0, entries: 0, exits: 0 };
        }
        c.sequence = c.sequence.wrapping_add(1);
        let number = message.number;
        let value = match (city.devices[device.at()].role, message.choice) {
            (_, 0..25) => Value::Alive,
            (_, 25..40) => Value::Opening { open: message.number > 5 },
            (Role::Bay { .. }, 40..60) => Value::BayUnsure,
            (Role::Bay { .. }, choice) => Value::Bay { occupied: choice % 3 != 0 },
            (Role::Counter { .. }, 40..150) => Value::Occupied { spaces: number * 2 },
            (_, 40..60) => Value::Occupied { spaces: number * 2 },
            // Every third barrier keeps totals, every third sends passages, and the rest send both.
            (_, choice) if device.0 % 3 == 0 || (device.0 % 3 == 1 && choice % 4 == 0) => {
                c.entries += number % 4;
                c.exits += u32::from(choice) % 4;
                Value::Totals { entries: c.entries, exits: c.exits }
            }
            (_, choice) => {
                let direction = if choice % 2 == 0 { Direction::In } else { Direction::Out };
                Value::Passage { direction, vehicles: u16::try_from(number % 4).unwrap() }
            }
        };
        (Some(c.sequence), now, value)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn facilities_are_what_their_readings_say(sent in prop::collection::vec(sent(), 1..150)) {
        let mut b = Builder::default();
        b.facility(Counting::Bays, 5, 0, 1);
        b.facility(Counting::Barriers, 0, 3, 1);
        b.facility(Counting::Absolute, 0, 1, 2);
        let steps = script(&b.city, &sent);
        prop_assert_eq!(difference(&published(&b.city, &steps), &expected(&b.city, &steps)), None);
    }

    #[test]
    fn one_facility_under_load(sent in prop::collection::vec(sent(), 100..300), counting in 0..3) {
        let mut b = Builder::default();
        match counting {
            0 => b.facility(Counting::Bays, 8, 0, 0),
            1 => b.facility(Counting::Barriers, 0, 2, 0),
            _ => b.facility(Counting::Absolute, 0, 0, 1),
        };
        let steps = script(&b.city, &sent);
        prop_assert_eq!(difference(&published(&b.city, &steps), &expected(&b.city, &steps)), None);
    }
}
