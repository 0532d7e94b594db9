//! A barrier's counter: passages one by one, running totals, both directions.

use super::alarms::Alarms;
use super::rates::{Exposure, Rates};
use super::run::Run;
use super::{BarrierRules, HOUR, Health, MINUTE, Micros, Rule, State, hours};

/// One direction: how long nothing passed.
#[derive(Clone, Debug)]
struct Way {
    run: Run,
    total: Option<u32>,
}

/// The health of a barrier's counter. About 3.4 kB.
#[derive(Clone, Debug)]
pub struct BarrierHealth {
    alarms: Alarms,
    ways: [Way; 2],
    /// Of both directions by hour of the week: they are watched together.
    rates: Rates<2>,
    first_at: Option<Micros>,
    heard_at: Micros,
    advanced_to: Micros,
    totals_at: Option<Micros>,
    day: u8,
    /// Vehicles that have not leaked away yet, and when that was.
    bucket: f32,
    bucket_at: Micros,
    over_at: Micros,
}

impl Default for BarrierHealth {
    fn default() -> Self {
        let way = || Way { run: Run::starting(0), total: None };
        BarrierHealth {
            alarms: Alarms::default(),
            ways: [way(), way()],
            rates: Rates::new(Exposure::Hour),
            first_at: None,
            heard_at: 0,
            advanced_to: 0,
            totals_at: None,
            day: 0,
            bucket: 0.0,
            bucket_at: 0,
            over_at: 0,
        }
    }
}

impl BarrierHealth {
    /// Its health.
    #[must_use]
    pub fn state(&self) -> Health {
        self.alarms.health()
    }

    /// Vehicles passed, `inward` or out.
    pub fn passage(
        &mut self,
        at: Micros,
        hour_of_week: u8,
        inward: bool,
        vehicles: u32,
        rules: &BarrierRules,
    ) {
        self.hear(at, hour_of_week, rules);
        self.passed(at, hour_of_week % 168, inward, vehicles, rules);
    }

    /// Running totals since the device's restart. A total that falls is a restart, no fault; one that leaps is.
    pub fn totals(&mut self, at: Micros, hour_of_week: u8, entries: u32, exits: u32, rules: &BarrierRules) {
        self.hear(at, hour_of_week, rules);
        let span_min = self.totals_at.map_or(0.0, |t| hours(at - t) * 60.0);
        for (i, total) in [entries, exits].into_iter().enumerate() {
            let Some(way) = self.ways.get_mut(i) else { continue };
            let Some(old) = way.total.replace(total) else { continue };
            let moved = total.saturating_sub(old);
            let most = rules.vehicles_a_minute * span_min.max(1.0);
            if moved as f32 > most {
                self.over_at = at;
                self.alarms.raise(Rule::Reset, State::Failed, at, moved as f32, most);
            } else if moved > 0 {
                self.told(at, hour_of_week % 168, i, moved as f32, rules);
            }
        }
        self.totals_at = Some(at);
    }

    /// The device lives, and had nothing to count.
    pub fn alive(&mut self, at: Micros, hour_of_week: u8, rules: &BarrierRules) {
        self.hear(at, hour_of_week, rules);
    }

    /// The engine hears again: silence before was its own.
    pub fn awake(&mut self, at: Micros) {
        if self.first_at.is_some() && !self.alarms.stands(Rule::Silent) {
            self.heard_at = self.heard_at.max(at);
        }
    }

    /// Time passes, at least every few minutes.
    pub fn on_clock(&mut self, now: Micros, hour_of_week: u8, rules: &BarrierRules) {
        let Some(first) = self.first_at else { return };
        self.advance(now, hour_of_week % 168, first, rules);
        if now - self.heard_at > rules.silent_after {
            let (seen, limit) = (hours(now - self.heard_at), hours(rules.silent_after));
            self.alarms.raise(Rule::Silent, State::Failed, self.heard_at, seen, limit);
        }
        if now - self.over_at > rules.calm {
            self.alarms.clear(Rule::Chattering, now);
            self.alarms.clear(Rule::Reset, now);
        }
    }

    fn hear(&mut self, at: Micros, hour_of_week: u8, rules: &BarrierRules) {
        self.alarms.heard(at);
        self.alarms.clear(Rule::Silent, at);
        let first = *self.first_at.get_or_insert(at);
        if first == at {
            self.advanced_to = at;
            for way in &mut self.ways {
                way.run = Run::starting(at);
            }
        }
        self.advance(at, hour_of_week % 168, first, rules);
        self.heard_at = self.heard_at.max(at);
    }

    /// More than physically passes chatters; the rest goes to the runs.
    fn passed(&mut self, at: Micros, hour_of_week: u8, inward: bool, vehicles: u32, rules: &BarrierRules) {
        let leaked = rules.vehicles_a_minute * (at - self.bucket_at).max(0) as f32 / MINUTE as f32;
        self.bucket = (self.bucket - leaked).max(0.0) + vehicles as f32;
        self.bucket_at = self.bucket_at.max(at);
        if self.bucket > rules.vehicles_a_minute {
            self.over_at = at;
            self.alarms.raise(Rule::Chattering, State::Failed, at, self.bucket, rules.vehicles_a_minute);
            self.bucket = self.bucket.min(rules.vehicles_a_minute * 2.0);
        }
        self.told(at, hour_of_week, usize::from(!inward), vehicles as f32, rules);
    }

    fn told(&mut self, at: Micros, hour_of_week: u8, way: usize, vehicles: f32, rules: &BarrierRules) {
        let mut changes = [0.0; 2];
        let (Some(way), Some(changed)) = (self.ways.get_mut(way), changes.get_mut(way)) else { return };
        let limit = way.run.limit(rules.stuck_nats, rules.stuck_margin, rules.stuck_nats_most);
        // Of a bunch that came at once only one is new evidence that it counts.
        *changed = vehicles.min(1.0 + hours(HOUR) * 5.0);
        self.rates.learn_each(hour_of_week, changes, 0.0);
        way.run.end(at, 0.0, limit);
        let limits = |w: &Way| w.run.limit(rules.stuck_nats, rules.stuck_margin, rules.stuck_nats_most);
        if self.ways.iter().all(|w| w.run.nats <= limits(w)) {
            self.alarms.clear(Rule::Implausible, at);
        }
        self.alarms.clear(Rule::Stuck, at);
    }

    /// Sums the quiet of both directions up to now. Quiet while the device itself is silent is not counted.
    fn advance(&mut self, now: Micros, hour_of_week: u8, first: Micros, rules: &BarrierRules) {
        let span = now - self.advanced_to;
        if span <= 0 {
            return;
        }
        self.advanced_to = now;
        if span > HOUR || now - self.heard_at > rules.silent_after {
            return;
        }
        let turned = self.day != hour_of_week / 24;
        self.day = hour_of_week / 24;
        let standing = self.alarms.stands(Rule::Stuck) || self.alarms.stands(Rule::Implausible);
        let rates = self.rates.each(hour_of_week);
        if !standing {
            self.rates.learn_each(hour_of_week, [0.0; 2], hours(span));
        }
        let mut over = [None; 2];
        for ((way, rate), over) in self.ways.iter_mut().zip(rates).zip(&mut over) {
            if turned {
                way.run.forget();
            }
            let expected = rate * hours(span);
            way.run.lengthen(expected, expected);
            let limit = way.run.limit(rules.stuck_nats, rules.stuck_margin, rules.stuck_nats_most);
            if way.run.nats > limit && now - first >= rules.learn_for {
                *over = Some((way.run.since, way.run.nats, limit));
            }
        }
        match over {
            [Some((since, nats, limit)), Some((other, ..))] => {
                self.alarms.raise(Rule::Stuck, State::Failed, since.max(other), nats, limit);
            }
            [Some((since, nats, limit)), None] | [None, Some((since, nats, limit))] => {
                self.alarms.raise(Rule::Implausible, State::Failed, since, nats, limit);
            }
            [None, None] => {}
        }
    }
}
