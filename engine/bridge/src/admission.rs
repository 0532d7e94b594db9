//! Which readings count: per device, duplicates, order and the clock are judged here, once, before the journal.
//!
//! Pure: the same readings in the same order get the same verdicts, so recovery rebuilds this state by judging the
//! journal's readings again.

use std::time::Duration;

use vlot_model::{City, DeviceIx, Reading, RefusalKind, Timestamp, Value};

/// Bounds of a device's clock, against the time of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A reading dated further ahead than this is refused.
    pub clock_ahead: Duration,
    /// A reading dated further back than this is refused.
    pub clock_behind: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { clock_ahead: Duration::from_secs(120), clock_behind: Duration::from_secs(24 * 3_600) }
    }
}

/// A counter that jumps further than this has restarted; a smaller jump is that many lost messages.
const PLAUSIBLE_LOSS: u32 = 10_000;
/// Remembered statements of a device without a message counter.
const RECENT: usize = 8;

/// The judge. One small record a device (88 bytes; a city may have 200,000), allocated when the device is first heard.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    devices: Vec<Option<Box<Known>>>,
    lost: u64,
}

#[derive(Debug, Default)]
struct Known {
    sequence: Option<Window>,
    /// When the counter was found to have restarted: what is dated before belongs to the counter's former life.
    restarted_at: Instant,
    /// Newest `observed_at` of anything admitted.
    newest: Instant,
    /// Newest `observed_at` a class of states.
    states: [Instant; CLASSES],
    /// Of a device without a message counter.
    recent: Option<Box<Recent>>,
}

const _: () = assert!(size_of::<Known>() <= 88, "200,000 devices must fit in a few megabytes");

/// The newest statements.
#[derive(Debug, Default)]
struct Recent {
    said: [Option<(Timestamp, u32)>; RECENT],
    next: usize,
}

/// An instant that may not have been yet, in eight bytes.
#[derive(Clone, Copy, Debug)]
struct Instant(Timestamp);

impl Default for Instant {
    fn default() -> Self {
        // Before every instant that there is: what is compared with it is newer.
        Instant(Timestamp::from_micros(i64::MIN))
    }
}

/// The message counters that were seen: the highest, and a bit for each of the 64 up to it.
#[derive(Clone, Copy, Debug)]
struct Window {
    top: u32,
    seen: u64,
}

/// States replace one another, so an older one is of no use; events add up, so each one counts whenever it comes.
const CLASSES: usize = 4;

fn class(value: &Value) -> Option<usize> {
    match value {
        Value::Bay { .. } | Value::BayUnsure | Value::Places { .. } => Some(0),
        Value::Occupied { .. } => Some(1),
        Value::Totals { .. } => Some(2),
        Value::Opening { .. } | Value::Closure { .. } => Some(3),
        Value::Verified { .. }
        | Value::Corrected { .. }
        | Value::CounterReplaced
        | Value::Guided { .. }
        | Value::Passage { .. }
        | Value::Traffic { .. }
        | Value::Bicycles { .. }
        | Value::Alive
        | Value::SignShown { .. }
        | Value::SignFault { .. }
        | Value::SignLink { .. }
        | Value::Situation(_)
        | Value::IncidentVerdict { .. }
        | Value::Traversal { .. }
        | Value::PairTime { .. }
        | Value::Signal { .. }
        | Value::Air { .. } => None,
    }
}

impl Admission {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(city: &City, limits: Limits) -> Self {
        let mut devices = Vec::new();
        devices.resize_with(city.devices.len(), || None);
        Admission { limits, devices, lost: 0 }
    }

    /// Messages that the devices' counters show to be missing so far; one that still arrives leaves the sum.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Judges the readings of one message, which share their message counter. `verdict` is called for each, in order.
    pub fn judge(&mut self, message: &[Reading], mut verdict: impl FnMut(&Reading, Result<(), RefusalKind>)) {
        let mut previous: Option<(DeviceIx, u32)> = None;
        for reading in message {
            let counted = reading.sequence.map(|s| (reading.device, s));
            let same_message = counted.is_some() && counted == previous;
            let result = self.judge_one(reading, same_message);
            if result.is_ok() {
                previous = counted.or(previous);
            }
            verdict(reading, result);
        }
    }

    fn judge_one(&mut self, reading: &Reading, same_message: bool) -> Result<(), RefusalKind> {
        if reading.observed_at > reading.received_at + self.limits.clock_ahead {
            return Err(RefusalKind::ClockAhead);
        }
        if reading.observed_at + self.limits.clock_behind < reading.received_at {
            return Err(RefusalKind::ClockBehind);
        }
        // A sign's reports come over one connection, in order and once; what follows them here is made within the process.
        if matches!(
            reading.value,
            Value::SignShown { .. }
                | Value::SignFault { .. }
                | Value::SignLink { .. }
                | Value::Situation(_)
                | Value::IncidentVerdict { .. }
                | Value::Traversal { .. }
                | Value::PairTime { .. }
        ) {
            return Ok(());
        }
        let Some(slot) = self.devices.get_mut(reading.device.at()) else {
            return Err(RefusalKind::UnknownDevice);
        };
        let known = slot.get_or_insert_with(Box::default);
        match reading.sequence {
            Some(_) if same_message => {}
            Some(sequence) => {
                self.lost = self.lost.saturating_add_signed(known.count(sequence, reading.observed_at)?)
            }
            None => known.remember(reading)?,
        }
        known.newest.0 = known.newest.0.max(reading.observed_at);
        if let Some(class) = class(&reading.value) {
            let newest = &mut known.states[class].0;
            if reading.observed_at < *newest {
                return Err(RefusalKind::Superseded);
            }
            *newest = reading.observed_at;
        }
        Ok(())
    }
}

impl Known {
    /// Notes a message counter; returns by how many the lost messages grew (or fell, when one came late).
    fn count(&mut self, sequence: u32, observed_at: Timestamp) -> Result<i64, RefusalKind> {
        let fresh = Window { top: sequence, seen: 1 };
        let Some(window) = &mut self.sequence else {
            self.sequence = Some(fresh);
            return Ok(0);
        };
        if observed_at < self.restarted_at.0 {
            return Err(RefusalKind::Superseded);
        }
        // A redelivery never carries a newer time than everything before it; a restarted counter does.
        let newer = observed_at > self.newest.0;
        let ahead = sequence.wrapping_sub(window.top);
        if ahead == 0 {
            return if newer { self.restart(fresh, observed_at) } else { Err(RefusalKind::Duplicate) };
        }
        if ahead <= PLAUSIBLE_LOSS {
            window.seen = window.seen.checked_shl(ahead).unwrap_or(0) | 1;
            window.top = sequence;
            return Ok(i64::from(ahead) - 1);
        }
        let behind = window.top.wrapping_sub(sequence);
        if behind < u64::BITS && !newer {
            let bit = 1 << behind;
            if window.seen & bit != 0 {
                return Err(RefusalKind::Duplicate);
            }
            window.seen |= bit;
            return Ok(-1);
        }
        if newer { self.restart(fresh, observed_at) } else { Err(RefusalKind::Superseded) }
    }

    fn restart(&mut self, fresh: Window, observed_at: Timestamp) -> Result<i64, RefusalKind> {
        self.sequence = Some(fresh);
        self.restarted_at = Instant(observed_at);
        Ok(0)
    }

    /// Notes a statement without a counter: the same words of the same instant are the same statement.
    fn remember(&mut self, reading: &Reading) -> Result<(), RefusalKind> {
        let statement = (reading.observed_at, digest(&reading.value));
        let recent = self.recent.get_or_insert_with(Box::default);
        if recent.said.contains(&Some(statement)) {
            return Err(RefusalKind::Duplicate);
        }
        // Once full, what is older than all that is remembered could have been said and forgotten.
        let oldest = recent.said.iter().copied().min().flatten();
        if oldest.is_some_and(|(oldest, _)| reading.observed_at < oldest) {
            return Err(RefusalKind::Superseded);
        }
        recent.said[recent.next] = Some(statement);
        recent.next = (recent.next + 1) % RECENT;
        Ok(())
    }
}

/// Tells values apart; stable over runs, since recovery must judge as the first time.
fn digest(value: &Value) -> u32 {
    use std::hash::{Hash, Hasher};
    let mut h = rustc_hash::FxHasher::default();
    std::mem::discriminant(value).hash(&mut h);
    match *value {
        Value::Bay { occupied } => occupied.hash(&mut h),
        Value::Passage { direction, vehicles } => (direction, vehicles).hash(&mut h),
        Value::Totals { entries, exits } => (entries, exits).hash(&mut h),
        Value::Occupied { spaces } => spaces.hash(&mut h),
        Value::Opening { open } => open.hash(&mut h),
        Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct } => {
            (interval_s, vehicles, speed_kmh.map(f32::to_bits), detector_occupancy_pct.map(f32::to_bits))
                .hash(&mut h);
        }
        Value::Bicycles { interval_s, inbound, outbound } => (interval_s, inbound, outbound).hash(&mut h),
        Value::Places { free } => free.hash(&mut h),
        Value::SignShown { face_version } => face_version.hash(&mut h),
        Value::SignFault { fault } => fault.hash(&mut h),
        Value::SignLink { connected } => connected.hash(&mut h),
        Value::Verified { occupied } | Value::Corrected { occupied } => occupied.hash(&mut h),
        Value::Closure { closed } => closed.hash(&mut h),
        Value::Guided { vehicles, arrive_after_s } => (vehicles, arrive_after_s).hash(&mut h),
        Value::Signal { state, plan } => (state, plan).hash(&mut h),
        Value::Air { quantity, value } => (quantity, value.to_bits()).hash(&mut h),
        Value::Alive
        | Value::BayUnsure
        | Value::CounterReplaced
        | Value::Situation(_)
        | Value::IncidentVerdict { .. }
        | Value::Traversal { .. }
        | Value::PairTime { .. } => {}
    }
    let hash = h.finish();
    #[expect(clippy::cast_possible_truncation, reason = "folding a hash to half its bits")]
    {
        (hash ^ (hash >> 32)) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use vlot_model::{Device, DeviceKind, Direction, FacilityIx, Role};

    use super::*;

    fn city(devices: usize) -> City {
        let device = Device {
            id: "d".into(),
            kind: DeviceKind::Barrier,
            role: Role::Barrier { facility: FacilityIx(0) },
            silent_after: Duration::from_secs(600),
            service: vlot_model::Service::default(),
        };
        City { devices: vec![device; devices], ..City::default() }
    }

    fn reading(sequence: Option<u32>, second: i64, value: Value) -> Reading {
        let observed_at = Timestamp::from_secs(1_000_000 + second);
        Reading {
            device: DeviceIx(0),
            sequence,
            observed_at,
            received_at: Timestamp::from_secs(1_000_060),
            value,
        }
    }

    const PASSAGE: Value = Value::Passage { direction: Direction::In, vehicles: 1 };

    fn verdicts(messages: &[Reading]) -> (Vec<Result<(), RefusalKind>>, u64) {
        let mut admission = Admission::new(&city(1), Limits::default());
        let mut out = Vec::new();
        for m in messages {
            admission.judge(std::slice::from_ref(m), |_, v| out.push(v));
        }
        (out, admission.lost())
    }

    #[test]
    fn redeliveries_reordering_and_losses() {
        let at = |s: u32| reading(Some(s), i64::from(s), PASSAGE);
        let (v, lost) = verdicts(&[at(1), at(2), at(2), at(5), at(4), at(4), at(1)]);
        let duplicate = Err(RefusalKind::Duplicate);
        assert_eq!(v, [Ok(()), Ok(()), duplicate, Ok(()), Ok(()), duplicate, duplicate]);
        assert_eq!(lost, 1, "3 is missing, 4 came late");
    }

    #[test]
    fn the_counter_wraps_without_a_loss() {
        let (v, lost) = verdicts(&[
            reading(Some(u32::MAX), 0, PASSAGE),
            reading(Some(0), 1, PASSAGE),
            reading(Some(u32::MAX), 0, PASSAGE),
        ]);
        assert_eq!(v, [Ok(()), Ok(()), Err(RefusalKind::Duplicate)]);
        assert_eq!(lost, 0);
    }

    #[test]
    fn a_restarted_device_is_heard_again() {
        let (v, lost) = verdicts(&[
            reading(Some(70_000), 0, PASSAGE),
            reading(Some(0), 5, PASSAGE),
            reading(Some(1), 6, PASSAGE),
            reading(Some(0), 5, PASSAGE),
            reading(Some(1), 9, PASSAGE),
        ]);
        assert_eq!(v, [Ok(()), Ok(()), Ok(()), Err(RefusalKind::Duplicate), Ok(())]);
        assert_eq!(lost, 0);
    }

    #[test]
    fn what_was_said_before_a_restart_comes_again_without_counting_twice() {
        let (v, lost) = verdicts(&[
            reading(Some(499), 1, PASSAGE),
            reading(Some(500), 2, PASSAGE),
            reading(Some(0), 10, PASSAGE),
            reading(Some(1), 11, PASSAGE),
            reading(Some(499), 1, PASSAGE),
            reading(Some(500), 2, PASSAGE),
            reading(Some(2), 12, PASSAGE),
        ]);
        let superseded = Err(RefusalKind::Superseded);
        assert_eq!(v, [Ok(()), Ok(()), Ok(()), Ok(()), superseded, superseded, Ok(())]);
        assert_eq!(lost, 0);
    }

    #[test]
    fn an_older_state_is_refused_and_an_older_event_counts() {
        let bay = |s, occupied| reading(None, s, Value::Bay { occupied });
        let (v, _) = verdicts(&[bay(10, true), bay(5, false), bay(10, true), bay(10, false)]);
        assert_eq!(v, [Ok(()), Err(RefusalKind::Superseded), Err(RefusalKind::Duplicate), Ok(())]);
        let passage = |s| reading(None, s, PASSAGE);
        let (v, _) = verdicts(&[passage(10), passage(5), passage(10)]);
        assert_eq!(v, [Ok(()), Ok(()), Err(RefusalKind::Duplicate)]);
    }

    #[test]
    fn a_late_state_of_one_class_is_no_older_state_of_another() {
        let (v, _) = verdicts(&[
            reading(Some(2), 10, Value::Totals { entries: 1, exits: 0 }),
            reading(Some(1), 9, Value::Opening { open: true }),
        ]);
        assert_eq!(v, [Ok(()), Ok(())]);
    }

    #[test]
    fn a_clock_that_is_off_is_refused_on_either_side() {
        let mut early = reading(None, 0, PASSAGE);
        early.observed_at = early.received_at + Duration::from_secs(121);
        let mut old = reading(None, 0, PASSAGE);
        old.observed_at = old.received_at - Duration::from_secs(86_401);
        assert_eq!(verdicts(&[early, old]).0, [Err(RefusalKind::ClockAhead), Err(RefusalKind::ClockBehind)]);
    }

    #[test]
    fn readings_of_one_message_share_its_counter() {
        let mut admission = Admission::new(&city(1), Limits::default());
        let message =
            [reading(Some(7), 0, PASSAGE), reading(Some(7), 1, Value::Totals { entries: 1, exits: 0 })];
        let mut out = Vec::new();
        for _ in 0..2 {
            admission.judge(&message, |_, v| out.push(v));
        }
        assert_eq!(out, [Ok(()), Ok(()), Err(RefusalKind::Duplicate), Err(RefusalKind::Duplicate)]);
    }

    #[test]
    fn a_device_that_is_not_in_the_city_is_refused() {
        let mut r = reading(None, 0, PASSAGE);
        r.device = DeviceIx(9);
        assert_eq!(verdicts(&[r]).0, [Err(RefusalKind::UnknownDevice)]);
    }

    proptest! {
        /// The naive twin remembers every counter: whatever is shuffled within the window and repeated, each event
        /// counts once, and what never came is lost.
        #[test]
        fn each_event_counts_once(
            start in any::<u32>(),
            order in Just((0..200u32).collect::<Vec<_>>()).prop_flat_map(|v| {
                let n = v.len();
                (Just(v), prop::collection::vec(0..20u32, n)).prop_map(|(v, jitter)| {
                    let mut keyed: Vec<_> = v.into_iter().zip(jitter).map(|(s, j)| (s + j, s)).collect();
                    keyed.sort_unstable();
                    keyed.into_iter().map(|(_, s)| s).collect::<Vec<_>>()
                })
            }),
            dropped in prop::collection::btree_set(1..199u32, 0..20),
            repeat in prop::collection::btree_map(0..200u32, 1..3usize, 0..50),
        ) {
            // The ends always arrive, first and last, so that the losses between them are decided.
            let mut order = order;
            order.retain(|s| *s != 0 && *s != 199);
            order.insert(0, 0);
            order.push(199);
            let mut admission = Admission::new(&city(1), Limits::default());
            let mut counted: BTreeMap<u32, usize> = BTreeMap::new();
            for s in order.iter().filter(|s| !dropped.contains(s)) {
                for _ in 0..=repeat.get(s).copied().unwrap_or(0) {
                    let r = reading(Some(start.wrapping_add(*s)), i64::from(*s) / 4, PASSAGE);
                    admission.judge(&[r], |_, v| if v.is_ok() { *counted.entry(*s).or_default() += 1 });
                }
            }
            let expected: BTreeMap<u32, usize> =
                (0..200).filter(|s| !dropped.contains(s)).map(|s| (s, 1)).collect();
            prop_assert_eq!(counted, expected);
            prop_assert_eq!(admission.lost(), dropped.iter().collect::<BTreeSet<_>>().len() as u64);
        }
    }
}
