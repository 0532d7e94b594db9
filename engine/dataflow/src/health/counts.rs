//! Counts per interval: loops and tubes, and bicycle counters.

use super::alarms::Alarms;
use super::rates::{Exposure, Rates};
use super::run::Run;
use super::{CountRules, HOUR, Health, Micros, Rule, SECOND, State, hours};

/// What is common: silence, gaps, zeros that its past does not expect, the same count again and again.
#[derive(Clone, Debug)]
struct Counter {
    alarms: Alarms,
    /// Share of intervals with at least one vehicle, by hour of the week.
    rates: Rates,
    run: Run,
    first_at: Option<Micros>,
    heard_at: Micros,
    day: u8,
    last: Option<[u32; 3]>,
    alike: u32,
    gaps: u32,
    well: u32,
}

impl Counter {
    fn new() -> Self {
        Counter {
            alarms: Alarms::default(),
            rates: Rates::new(Exposure::Poll),
            run: Run::starting(0),
            first_at: None,
            heard_at: 0,
            day: 0,
            last: None,
            alike: 0,
            gaps: 0,
            well: 0,
        }
    }

    fn awake(&mut self, at: Micros) {
        if self.first_at.is_some() && !self.alarms.stands(Rule::Silent) {
            self.heard_at = self.heard_at.max(at);
        }
    }

    fn on_clock(&mut self, now: Micros, rules: &CountRules) {
        if self.first_at.is_some() && now - self.heard_at > rules.silent_after {
            let (seen, limit) = (hours(now - self.heard_at), hours(rules.silent_after));
            self.alarms.raise(Rule::Silent, State::Failed, self.heard_at, seen, limit);
        }
    }

    fn hear(&mut self, at: Micros, hour_of_week: u8) {
        self.alarms.heard(at);
        self.alarms.clear(Rule::Silent, at);
        if self.first_at.is_none() {
            self.first_at = Some(at);
            self.run = Run::starting(at);
        }
        self.heard_at = self.heard_at.max(at);
        if self.day != hour_of_week / 24 {
            self.day = hour_of_week / 24;
            self.run.forget();
        }
    }

    /// An interval without a figure, or with a code in place of one.
    fn gap(&mut self, at: Micros, rule: Rule, seen: f32, rules: &CountRules) {
        self.gaps = self.gaps.saturating_add(1);
        self.well = 0;
        if self.gaps >= rules.gaps {
            self.alarms.raise(rule, State::Failed, at, seen, rules.gaps as f32);
        }
    }

    /// An interval's count, with whatever else it says (speed, covered share) to tell alike ones.
    fn count(&mut self, at: Micros, hour_of_week: u8, figures: [u32; 3], rules: &CountRules) {
        self.gaps = 0;
        self.well = self.well.saturating_add(1);
        if self.well >= rules.recover {
            self.alarms.clear(Rule::Sentinel, at);
            self.alarms.clear(Rule::OutOfBounds, at);
        }
        let [count, ..] = figures;
        let limit = self.run.limit(rules.stuck_nats, rules.stuck_margin, rules.stuck_nats_most);
        if count > 0 {
            self.run.end(at, self.rates.rate(hour_of_week), limit);
        } else {
            self.run.lengthen(self.rates.surprise(hour_of_week, 1.0), self.rates.rate(hour_of_week));
            if self.run.nats > limit && self.first_at.is_some_and(|f| at - f >= rules.learn_for) {
                self.alarms.raise(Rule::Stuck, State::Failed, self.run.since, self.run.nats, limit);
            }
        }
        let repeated = count > 0 && self.last.replace(figures) == Some(figures);
        self.alike = if repeated { self.alike.saturating_add(1) } else { 0 };
        // Small counts repeat by chance; each step below 10 asks for more of them.
        let asked = rules.alike * if count < 10 { 4 } else { 1 };
        if self.alike >= asked {
            self.alarms.raise(Rule::Stuck, State::Failed, at, self.alike as f32, asked as f32);
        } else if count > 0 {
            self.alarms.clear(Rule::Stuck, at);
        }
        if !self.alarms.stands(Rule::Stuck) {
            self.rates.learn(hour_of_week, f32::from(u8::from(count > 0)), 1.0);
        }
    }

    /// More than can pass.
    fn impossible(&mut self, at: Micros, seen: f32, limit: f32) {
        self.well = 0;
        self.alarms.raise(Rule::OutOfBounds, State::Failed, at, seen, limit);
    }
}

/// One interval of a loop or tube.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// Its length, seconds.
    pub interval_s: u16,
    /// Vehicles; `None` when the device gave none.
    pub vehicles: Option<u32>,
    /// Mean speed, km/h.
    pub speed_kmh: Option<f32>,
    /// Share of the interval in which the detector was covered, 0..=100.
    pub detector_occupancy_pct: Option<f32>,
}

/// The health of a loop or tube. About 2.5 kB.
#[derive(Clone, Debug)]
pub struct LoopHealth {
    counter: Counter,
    covered_since: Option<Micros>,
}

impl Default for LoopHealth {
    fn default() -> Self {
        LoopHealth { counter: Counter::new(), covered_since: None }
    }
}

impl LoopHealth {
    /// Its health.
    #[must_use]
    pub fn state(&self) -> Health {
        self.counter.alarms.health()
    }

    /// A message without a count: the device lives.
    pub fn alive(&mut self, at: Micros, hour_of_week: u8) {
        self.counter.hear(at, hour_of_week % 168);
    }

    /// The engine hears again: silence before was its own.
    pub fn awake(&mut self, at: Micros) {
        self.counter.awake(at);
    }

    /// Time passes.
    pub fn on_clock(&mut self, now: Micros, rules: &CountRules) {
        self.counter.on_clock(now, rules);
    }

    /// An interval that started `at`.
    pub fn observe(&mut self, at: Micros, hour_of_week: u8, interval: Interval, rules: &CountRules) {
        let hour_of_week = hour_of_week % 168;
        self.counter.hear(at, hour_of_week);
        let Some(vehicles) = interval.vehicles else {
            self.counter.gap(at, Rule::Sentinel, self.counter.gaps as f32 + 1.0, rules);
            return;
        };
        let length_h = f32::from(interval.interval_s.max(1)) / 3_600.0;
        let most = (rules.vehicles_an_hour * length_h).max(4.0);
        // Some slack: a platoon fills a short interval beyond the hour's capacity.
        if vehicles as f32 > most * 1.5 {
            self.counter.impossible(at, vehicles as f32, most * 1.5);
            return;
        }
        if interval.speed_kmh.is_some_and(|s| s > rules.speed_kmh_most || s < 0.0) && vehicles > 0 {
            self.counter.gap(at, Rule::Sentinel, self.counter.gaps as f32 + 1.0, rules);
            return;
        }
        // Who passed had a speed. Where the detector is covered half of the time they may have crept over it; else it is a code.
        let crept = interval.detector_occupancy_pct.is_some_and(|pct| pct >= 50.0);
        if interval.speed_kmh == Some(0.0) && vehicles > 0 && !crept {
            self.counter.gap(at, Rule::Sentinel, self.counter.gaps as f32 + 1.0, rules);
            return;
        }
        let covered = interval.detector_occupancy_pct.unwrap_or(0.0) >= 95.0 && vehicles == 0;
        if covered {
            let since = *self.covered_since.get_or_insert(at);
            let end = at + Micros::from(interval.interval_s) * SECOND;
            if end - since >= rules.locked_on {
                let (seen, limit) = (hours(end - since), hours(rules.locked_on));
                self.counter.alarms.raise(Rule::Clamped, State::Failed, since, seen, limit);
            }
            return;
        }
        self.covered_since = None;
        self.counter.alarms.clear(Rule::Clamped, at);
        let bits = |f: Option<f32>| f.map_or(0, f32::to_bits);
        let figures = [vehicles, bits(interval.speed_kmh), bits(interval.detector_occupancy_pct)];
        self.counter.count(at, hour_of_week, figures, rules);
    }
}

/// The health of a bicycle counter. About 2.5 kB.
#[derive(Clone, Debug)]
pub struct BicycleHealth {
    counter: Counter,
}

impl Default for BicycleHealth {
    fn default() -> Self {
        BicycleHealth { counter: Counter::new() }
    }
}

impl BicycleHealth {
    /// Its health.
    #[must_use]
    pub fn state(&self) -> Health {
        self.counter.alarms.health()
    }

    /// A message without a count: the device lives.
    pub fn alive(&mut self, at: Micros, hour_of_week: u8) {
        self.counter.hear(at, hour_of_week % 168);
    }

    /// The engine hears again: silence before was its own.
    pub fn awake(&mut self, at: Micros) {
        self.counter.awake(at);
    }

    /// Time passes.
    pub fn on_clock(&mut self, now: Micros, rules: &CountRules) {
        self.counter.on_clock(now, rules);
    }

    /// Bicycles of an interval that started `at`; `None` is a gap, never 0.
    pub fn observe(
        &mut self,
        at: Micros,
        hour_of_week: u8,
        interval_s: u16,
        bicycles: Option<u32>,
        rules: &CountRules,
    ) {
        let hour_of_week = hour_of_week % 168;
        self.counter.hear(at, hour_of_week);
        let Some(bicycles) = bicycles else {
            self.counter.gap(at, Rule::Sentinel, self.counter.gaps as f32 + 1.0, rules);
            return;
        };
        let most = rules.bicycles_an_hour * (Micros::from(interval_s.max(1)) * SECOND) as f32 / HOUR as f32;
        if bicycles as f32 > most.max(10.0) {
            self.counter.impossible(at, bicycles as f32, most);
            return;
        }
        self.counter.count(at, hour_of_week, [bicycles, 0, 0], rules);
    }
}
