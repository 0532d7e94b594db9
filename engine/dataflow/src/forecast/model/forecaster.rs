//! The forecast of one facility.

use std::collections::VecDeque;

use super::event::Events;
use super::features::{self, Features, HORIZONS, LONGEST, Naive};
use super::interval::{BINS, Interval};
use super::mixture::Mixture;
use super::moment::{Moment, SLOT_S};
use super::network::Network;
use super::profile::Profile;
use super::regression::Regression;
use super::said::{Outlook, PENDING, Said};
use super::series::{BRIDGE, Series};

/// Experts per horizon: no change, the profile's, last week's and yesterday's increments, a regression towards the
/// mean, one towards the median, and the network.
pub const EXPERTS: usize = 7;
/// Longest horizon, in seconds.
pub const LONGEST_S: i64 = LONGEST * SLOT_S;
/// Occupied shares outside these are faults of the counter, not news; a little beyond the ends is drift, and clamped.
const PLAUSIBLE: core::ops::RangeInclusive<f32> = -0.1..=1.3;
/// The share of outcomes on each side of an interval.
const MISS: f32 = 0.1;
/// What the regression keeps of the past per observation: a memory of about five weeks of five minutes.
const FORGET: f32 = 0.9999;
/// How many mean residuals one may weigh, for the three targets by mean and the three towards the median.
const BOUNDS: [f32; 6] = [1e9, 1e9, 1e9, 1.0, 1.0, 1.0];
/// What a mixture keeps of a regret per observation.
const KEEP: f32 = 0.9997;

/// Free spaces to expect, within `0..=capacity` and `low <= best <= high`. Not rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// One in ten outcomes lies below, in spaces.
    pub low: f32,
    /// As many outcomes lie below as above, in spaces.
    pub best: f32,
    /// One in ten outcomes lies above, in spaces.
    pub high: f32,
}

/// Learns one facility online. About 22 kB, nearly all of it allocated at once; the same observations give the same bits.
#[derive(Clone, Debug)]
pub struct Forecaster {
    /// In spaces.
    capacity: f32,
    series: Series,
    profile: Profile,
    events: Events,
    linear: Regression<6>,
    network: Network,
    mixtures: [Mixture<EXPERTS>; 3],
    intervals: [Interval; 3],
    /// At most [`LONGEST`].
    pending: VecDeque<Said>,
    now: Option<(Moment, f32)>,
    /// Slots seen, each once.
    slots: u32,
}

impl Forecaster {
    /// A forecaster without history. Capacity in spaces, up to 65,535; `seed` draws the network's first weights.
    #[must_use]
    pub fn new(capacity: u32, seed: u64) -> Self {
        let mixture = || Mixture::new(KEEP);
        let interval = || Interval::new(MISS);
        Forecaster {
            capacity: spaces(capacity),
            series: Series::new(),
            profile: Profile::new(),
            events: Events::default(),
            linear: Regression::new(FORGET, 1.0, BOUNDS),
            network: Network::new(seed),
            mixtures: [mixture(), mixture(), mixture()],
            intervals: [interval(), interval(), interval()],
            pending: VecDeque::with_capacity(PENDING),
            now: None,
            slots: 0,
        }
    }

    /// Learns free spaces at a moment, and the capacity then.
    ///
    /// The first observation of each five minutes is learned; later ones only move where forecasts start. What is not
    /// finite, implausible for the capacity, or older than the newest is ignored.
    pub fn observe(&mut self, at: Moment, free: f32, capacity: u32) {
        // Old news must not bring an old capacity back; a capacity of zero would erase what is known.
        if capacity == 0 || self.now.is_some_and(|(newest, _)| at.unix_s < newest.unix_s) {
            return;
        }
        self.set_capacity(spaces(capacity));
        let ratio = 1.0 - free / self.capacity;
        // NaN falls outside.
        if !PLAUSIBLE.contains(&ratio) {
            return;
        }
        let ratio = ratio.clamp(0.0, 1.0);
        self.now = Some((at, ratio));
        let slot = at.slot();
        let before = self.series.last().and_then(|last| Some((last, self.series.at(last)?)));
        let gap = before.map_or(1, |(last, _)| slot.saturating_sub(last));
        if gap < 1 {
            return;
        }
        self.slots = self.slots.saturating_add(1);
        self.series.push(slot, at.offset_slots(), ratio);
        self.judge(slot, ratio, before);
        let (x, naive) = features::build(&self.series, &self.profile, &self.events, at, ratio);
        let outlook = self.outlook(at, &x, &naive);
        self.pending.push_back(Said::new(slot, bin(at), ratio, &x, &outlook));
        if at.is_in_event() {
            if let Some(usual) = self.profile.at(at.profile_minute(0)) {
                self.events.learn(at, ratio - usual.slow);
            }
        } else {
            let thirds = if gap <= BRIDGE { u8::try_from(gap.min(3)).unwrap_or(1) } else { 1 };
            self.profile.learn(at.profile_minute(0), ratio, thirds);
        }
    }

    /// Free spaces `ahead_s` seconds after the newest observation, `0..=LONGEST_S`; between the learned horizons by
    /// interpolation. `None` without history: before about a hundred forecasts could be judged.
    #[must_use]
    pub fn predict(&self, ahead_s: i64) -> Option<Forecast> {
        let (at, now) = self.now?;
        if !(0..=LONGEST_S).contains(&ahead_s) || !self.intervals.iter().all(Interval::is_ready) {
            return None;
        }
        let (x, naive) = features::build(&self.series, &self.profile, &self.events, at, now);
        let outlook = self.outlook(at, &x, &naive);
        let ahead = f32::from(u16::try_from(ahead_s).ok()?);
        let (mut left_s, mut left) = (0.0, [now; 3]);
        for ((h, mixed), (low, high)) in HORIZONS.into_iter().zip(outlook.mixed).zip(outlook.bounds) {
            let right_s = f32::from(u16::try_from(h * SLOT_S).ok()?);
            let right = [low, 0.0, high].map(|bound| (now + mixed + bound).clamp(0.0, 1.0));
            if ahead <= right_s {
                let share = (ahead - left_s) / (right_s - left_s);
                let [most, best, least] = core::array::from_fn(|i| {
                    let (l, r) = (left.get(i).copied().unwrap_or(now), right.get(i).copied().unwrap_or(now));
                    ((1.0 - (l + (r - l) * share)) * self.capacity).clamp(0.0, self.capacity)
                });
                return Some(Forecast { low: least.min(best), best, high: most.max(best) });
            }
            (left_s, left) = (right_s, right);
        }
        None
    }

    /// What each expert expected at the newest slot, as increments of the occupied share, per horizon: for evaluation.
    #[must_use]
    pub fn experts(&self) -> Option<[[f32; EXPERTS]; 3]> {
        self.pending.back().map(Said::experts)
    }

    /// Whole days that were learned from, by their slots.
    #[must_use]
    pub const fn days(&self) -> u32 {
        self.slots / 288
    }

    /// The capacity that forecasts are made for, in spaces.
    #[cfg(test)]
    pub(crate) const fn capacity(&self) -> f32 {
        self.capacity
    }

    /// A changed capacity keeps the vehicles of the recent past, not their share.
    fn set_capacity(&mut self, capacity: f32) {
        if (capacity - self.capacity).abs() < 0.5 {
            return;
        }
        let by = self.capacity / capacity;
        if by > 0.0 {
            self.series.scale(by);
            self.now = self.now.map(|(at, ratio)| (at, (ratio * by).clamp(0.0, 1.0)));
        }
        self.pending.clear();
        self.capacity = capacity;
    }

    fn outlook(&self, at: Moment, x: &Features, naive: &Naive) -> Outlook {
        let network = self.network.predict(x);
        let [mean15, mean30, mean60, mid15, mid30, mid60] = self.linear.predict(x);
        let linear = [[mean15, mid15], [mean30, mid30], [mean60, mid60]];
        let mut outlook = Outlook { experts: [[0.0; EXPERTS]; 3], mixed: [0.0; 3], bounds: [(0.0, 0.0); 3] };
        let Outlook { experts, mixed, bounds } = &mut outlook;
        let rows = experts.iter_mut().zip(naive).zip(linear).zip(network);
        let learned = self.mixtures.iter().zip(&self.intervals);
        for ((((row, naive), [mean, median]), [low, middle, high]), (((mixture, interval), mixed), bounds)) in
            rows.zip(learned.zip(mixed).zip(bounds))
        {
            *row = [0.0, naive.profile, naive.week, naive.day, mean, median, middle];
            *mixed = mixture.predict(row);
            *bounds = interval.bounds(bin(at), (low - *mixed, high - *mixed));
        }
        outlook
    }

    /// Judges what was said about slots up to `slot`, where `ratio` was seen, and learns from what is complete.
    fn judge(&mut self, slot: i64, ratio: f32, before: Option<(i64, f32)>) {
        for said in &mut self.pending {
            let said_at = said.slot();
            let judged = usize::from(said.judged);
            // Horizons rise: what is due comes first.
            let due = HORIZONS.into_iter().take_while(|h| said_at + h <= slot).count();
            if due <= judged {
                continue;
            }
            said.judged = u8::try_from(due).unwrap_or(u8::MAX);
            let experts = said.experts();
            let learners = self.mixtures.iter_mut().zip(&mut self.intervals);
            let heads = learners.zip(&experts).zip(&said.mixed).zip(&said.bounds).zip(HORIZONS);
            for (((((mixture, interval), experts), mixed), bounds), h) in heads.take(due).skip(judged) {
                if let Some(came) = self.series.at(said_at + h) {
                    let came = came - said.now;
                    mixture.learn(experts, *mixed, came);
                    // A bridge is smoother than what happens: it would make intervals too narrow.
                    let seen =
                        nearest(said_at + h, (slot, ratio), before).map_or(came, |seen| seen - said.now);
                    interval.learn(usize::from(said.bin), seen - mixed, *bounds);
                }
            }
        }
        while self.pending.front().is_some_and(|said| said.slot() + LONGEST <= slot) {
            let Some(said) = self.pending.pop_front() else { break };
            let targets = HORIZONS.map(|h| self.series.at(said.slot() + h).map(|came| came - said.now));
            if targets.iter().any(Option::is_some) {
                let [a, b, c] = targets;
                let x = said.features();
                self.linear.learn(&x, &[a, b, c, a, b, c]);
                self.network.learn(&x, &targets);
            }
        }
    }
}

/// The newer or the older of two sightings, whichever is nearer to a slot between them, within ten minutes.
fn nearest(slot: i64, newer: (i64, f32), older: Option<(i64, f32)>) -> Option<f32> {
    let after = newer.0 - slot;
    match older.map(|older| (slot - older.0, older.1)) {
        Some((since, ratio)) if since < after => (since <= 2).then_some(ratio),
        _ => (after <= 2).then_some(newer.1),
    }
}

fn spaces(capacity: u32) -> f32 {
    f32::from(u16::try_from(capacity).unwrap_or(u16::MAX))
}

/// The interval's bin: hour of workday, or of weekend and holiday.
fn bin(at: Moment) -> usize {
    let minute = at.profile_minute(0);
    let weekend = if minute >= 5 * 1440 { 24 } else { 0 };
    usize::try_from(minute.rem_euclid(1440) / 60 + weekend).unwrap_or(0).min(BINS - 1)
}
