//! The facilities' books, kept at each tick from all readings so far and nothing else: the plain count, what was lost, who is
//! silent, how old it is, open or closed. The estimate itself has its own twins; here it must make sense.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use vlot_model::{
    City, Closed, ClosedBy, Counting, DeviceIx, Direction, FacilityIx, FacilityState, FacilityStatus, Figure,
    Meters, Opening, Product, Quality, Reading, Role, Share, SureWhy, Timestamp, Update, Value,
};

use crate::parking::logic::Parking;
use crate::testing::{Builder, Sent, Step, arrivals, difference, play, sent};

struct Twin<'a> {
    city: &'a City,
    facility: FacilityIx,
    heard: Vec<Reading>,
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

    /// The bookkeeping as it must be; what the estimator makes of it is taken from `published` and looked at on its own.
    fn state(&self, now: Timestamp, published: &FacilityState) -> FacilityState {
        let f = &self.city.facilities[self.facility.at()];
        let own = |r: &&Reading| !matches!(self.city.devices[r.device.at()].role, Role::Operator { .. });
        let opening = Self::newest(self.heard.iter().filter_map(|r| match r.value {
            Value::Opening { open } => Some((r.observed_at, open)),
            _ => None,
        }));
        let closure = Self::newest(self.heard.iter().filter_map(|r| match r.value {
            Value::Closure { closed } => Some((r.observed_at, closed)),
            _ => None,
        }));
        let (raw_of_account, of_account, lost, of_count) = self.account(now);
        let (raw_of_bays, of_bays, of_bays_at) = self.bays(now);
        let ratio = |share: Share| share.reporting as f32 / share.total.max(1) as f32;
        let own_sensors = match f.counting {
            Counting::Barriers => of_account.reporting == of_account.total,
            Counting::Absolute => ratio(of_account) >= f.min_share,
            Counting::Bays => ratio(of_bays) >= f.min_share,
        };
        let each_space = of_bays.reporting > 0 && of_bays.total >= f.capacity;
        let bays_alone = !own_sensors && each_space && ratio(of_bays) >= f.min_share;
        let sound = own_sensors || bays_alone;
        let rests_on = of_count.filter(|_| !bays_alone).max(of_bays_at);
        let valid_until = rests_on.map(|t| t + f.valid_for);
        let certainty = published.certainty;
        let quality = match valid_until {
            None => Quality::Missing,
            Some(until) if until <= now || published.occupied.is_none() => Quality::Stale,
            Some(_) => {
                let c = certainty.expect("fresh figures are sure to an extent");
                assert_eq!(c.why == SureWhy::SensorsMissing, !sound);
                assert_eq!(c.bays_alone, bays_alone);
                let good = sound && !bays_alone && !c.conflict && c.why != SureWhy::TooWide;
                if good { Quality::Good } else { Quality::Degraded }
            }
        };
        let by_operator = closure == Some(true);
        let own_word =
            opening == Some(false) && self.heard.iter().filter(own).any(|r| now < when(r) + f.valid_for);
        let heard = self.heard.iter().filter(own).map(when).max();
        let closed = match (by_operator, own_word) {
            (true, _) => Some(Closed { by: ClosedBy::Operator, until: None }),
            (false, true) => Some(Closed { by: ClosedBy::OwnWord, until: heard.map(|t| t + f.valid_for) }),
            (false, false) => None,
        };
        let status = match certainty.map(|c| c.says) {
            _ if by_operator || own_word => FacilityStatus::Closed,
            Some(Figure::Full) => FacilityStatus::Full,
            Some(Figure::Free(_)) => FacilityStatus::SpacesAvailable,
            _ => FacilityStatus::Unknown,
        };
        FacilityState {
            facility: self.facility,
            capacity: f.capacity,
            occupied_uncorrected: if f.counting == Counting::Bays { raw_of_bays } else { raw_of_account },
            opening: match opening {
                _ if by_operator => Opening::Closed,
                None => Opening::Unknown,
                Some(true) => Opening::Open,
                Some(false) => Opening::Closed,
            },
            closed,
            status,
            observed_at: rests_on,
            valid_until,
            quality,
            sensors: Share {
                reporting: of_account.reporting + of_bays.reporting,
                total: of_account.total + of_bays.total,
            },
            lost_messages: lost,
            ..published.clone()
        }
    }

    fn bays(&self, now: Timestamp) -> (Option<i64>, Share, Option<Timestamp>) {
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
        let rests_on = self.heard.iter().filter(of_bays).map(when).max().filter(|_| known);
        (any.then_some(i64::from(occupied)), share, rests_on)
    }

    /// Whether an absolute count starts the account over, given that there is one already.
    fn starts_over(&self, value: Value, started: bool) -> Option<u32> {
        let f = &self.city.facilities[self.facility.at()];
        let by_barriers = f.counting == Counting::Barriers;
        match value {
            Value::Occupied { spaces } if !by_barriers || !started || f.estimate.figure_sd == 0.0 => {
                Some(spaces)
            }
            Value::Verified { occupied } | Value::Corrected { occupied } if by_barriers => Some(occupied),
            _ => None,
        }
    }

    fn account(&self, now: Timestamp) -> (Option<i64>, Share, u32, Option<Timestamp>) {
        let f = &self.city.facilities[self.facility.at()];
        let by_barriers = f.counting == Counting::Barriers;
        let bay = |r: &Reading| matches!(self.city.devices[r.device.at()].role, Role::Bay { .. });
        let mut counts: Vec<(Timestamp, u32, Timestamp)> = Vec::new();
        for r in self.heard.iter().filter(|r| !bay(r)) {
            if let Some(spaces) = self.starts_over(r.value.clone(), !counts.is_empty())
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
                Role::Counter { facility } if facility == self.facility => f.counting == Counting::Absolute,
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
        let says = |r: &&Reading| {
            !bay(r)
                && (!matches!(self.city.devices[r.device.at()].role, Role::Operator { .. })
                    || matches!(r.value, Value::Verified { .. } | Value::Corrected { .. }))
        };
        let rests_on = if by_barriers {
            self.heard.iter().filter(says).map(when).max()
        } else {
            counts.iter().map(|(_, _, said)| *said).max()
        };
        (raw, share, lost, rests_on.filter(|_| raw.is_some()))
    }

    fn moved(&self, device: DeviceIx, since: Option<Timestamp>) -> i64 {
        let mut totals: Option<(Timestamp, i64, i64)> = None;
        let mut counted: Vec<(Timestamp, i64)> = Vec::new();
        let mut sum = 0;
        for r in self.heard.iter().filter(|r| r.device == device || r.value == Value::CounterReplaced) {
            if r.value == Value::CounterReplaced {
                totals = None;
                counted.clear();
                continue;
            }
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
            if r.value == Value::CounterReplaced {
                (newest, gone, gap_at, totals) = (None, 0, None, None);
                missing.clear();
                continue;
            }
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
            let bay = matches!(self.city.devices[r.device.at()].role, Role::Bay { .. });
            if !bay
                && self.starts_over(r.value.clone(), counted.is_some()).is_some()
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
    crate::parking::logic::facility_of(city.devices[device.at()].role).unwrap()
}

/// What holds of every state, whatever its sources said.
fn makes_sense(city: &City, state: &FacilityState) {
    let f = &city.facilities[state.facility.at()];
    let capacity = f.capacity;
    assert_eq!(state.free, state.occupied.map(|n| capacity - n));
    let fresh = matches!(state.quality, Quality::Good | Quality::Degraded);
    assert_eq!(state.certainty.is_some(), fresh);
    let (Some(c), Some(occupied)) = (state.certainty, state.occupied) else { return };
    assert!(c.occupied_low.min(capacity) <= occupied && occupied <= c.occupied_high, "{state:?}");
    assert!(c.occupied_high <= f.estimate.ceiling, "{state:?}");
    match c.says {
        // The word holds for all that the interval leaves open.
        Figure::Full => assert!(capacity.saturating_sub(c.occupied_low) < f.reopen_at, "{state:?}"),
        Figure::Free(free) => {
            assert!(0 < free && free <= capacity.saturating_sub(c.occupied_high), "{state:?}");
            assert_eq!(c.why, SureWhy::Sure);
        }
        Figure::Closed => assert_eq!(state.status, FacilityStatus::Closed),
        Figure::Blank => assert_ne!(c.why, SureWhy::Sure),
    }
}

/// After each tick that may have changed a facility: its state as published, and as the twin keeps its books.
type Ledger = Vec<(u64, FacilityState)>;

fn ledgers(city: &City, steps: &[Step]) -> (Ledger, Ledger) {
    let twin = |i| Twin { city, facility: FacilityIx(i), heard: Vec::new() };
    let mut twins: Vec<Twin<'_>> = (0..u32::try_from(city.facilities.len()).unwrap()).map(twin).collect();
    let meters = Arc::new(Meters::default());
    let mut updates = play(&mut Parking::new(city, &meters), steps).into_iter().peekable();
    let heard: usize = steps.iter().map(|step| step.readings().len()).sum();
    assert_eq!(meters.readings_absorbed.get(), heard as u64);
    let mut last: Vec<Option<FacilityState>> = vec![None; twins.len()];
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (tick, step) in (1..).zip(steps) {
        while let Some(update) = updates.next_if(|u: &Update| u.tick == tick) {
            let Product::Facility(state) = Arc::unwrap_or_clone(update.product) else { panic!() };
            makes_sense(city, &state);
            let place = &mut last[state.facility.at()];
            assert_ne!(place.as_ref(), Some(&state), "an update changes something");
            *place = Some(state);
        }
        for twin in &mut twins {
            let facility = twin.facility;
            let here: Vec<Reading> =
                step.readings().iter().filter(|r| facility_of(city, r.device) == facility).cloned().collect();
            let touched = !here.is_empty();
            twin.heard.extend(here);
            if twin.heard.is_empty() || (matches!(step, Step::Batch(..)) && !touched) {
                continue;
            }
            let state = last[facility.at()].clone().expect("it was published when it was first heard of");
            expected.push((tick, twin.state(step.at(), &state)));
            found.push((tick, state));
        }
    }
    (found, expected)
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
            (Role::Operator { .. }, 25..60) => Value::Closure { closed: number > 6 },
            (Role::Operator { .. }, 60..80) => Value::CounterReplaced,
            (Role::Operator { .. }, 80..160) => Value::Corrected { occupied: number },
            (Role::Operator { .. }, _) => Value::Verified { occupied: number },
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
        let (found, expected) = ledgers(&b.city, &steps);
        prop_assert_eq!(difference(&found, &expected), None);
    }

    #[test]
    fn one_facility_under_load(sent in prop::collection::vec(sent(), 100..300), counting in 0..6, exact in any::<bool>()) {
        let mut b = Builder::default();
        match counting {
            0 => b.facility(Counting::Bays, 8, 0, 0),
            1 => b.facility(Counting::Barriers, 0, 2, 0),
            2 => b.facility(Counting::Absolute, 0, 0, 1),
            3 => b.facility(Counting::Barriers, 6, 1, 1),
            4 => b.facility(Counting::Bays, 3, 0, 2),
            _ => b.facility(Counting::Barriers, 0, 1, 1),
        };
        let facility = b.city.facilities.last_mut().unwrap();
        facility.estimate.figure_sd = if exact { 0.0 } else { 3.0 };
        if counting > 2 {
            b.operator();
        }
        let steps = script(&b.city, &sent);
        let (found, expected) = ledgers(&b.city, &steps);
        prop_assert_eq!(difference(&found, &expected), None);
    }
}
