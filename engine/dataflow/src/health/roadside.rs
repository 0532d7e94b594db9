//! Rules for what watches the streets without counting: feeds of followed vehicles, pairs of readers, traffic lights, air stations.

use vlot_model::{AirQuantity, AirRules, ProbeRules, SignalRules, SignalState};

use super::alarms::Alarms;
use super::{Health, Micros, Rule, State, hours};

/// A speed over less says more of the clock than of the vehicle, metres.
const LEAST_M: f32 = 50.0;
/// Share of passages that stand, from which all do.
const ALL: f32 = 0.98;
/// A spike is back within so many values.
const SPIKE_VALUES: u8 = 2;

/// When something was heard last.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) alarms: Alarms,
    at: Option<Micros>,
}

impl Heard {
    pub(super) fn hear(&mut self, at: Micros) {
        self.alarms.heard(at);
        self.alarms.clear(Rule::Silent, at);
        self.at = Some(self.at.map_or(at, |before| before.max(at)));
    }

    /// The engine hears again: silence before was its own.
    pub(super) fn awake(&mut self, at: Micros) {
        if !self.alarms.stands(Rule::Silent) {
            self.at = self.at.map(|before| before.max(at));
        }
    }

    pub(super) fn on_clock(&mut self, now: Micros, silent_after: Micros, state: State) {
        if let Some(at) = self.at
            && now - at > silent_after
        {
            self.alarms.raise(Rule::Silent, state, at, hours(now - at), hours(silent_after));
        }
    }
}

/// A feed of followed vehicles: whether what it says can be.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    passages: u32,
    impossible: u32,
    standing: u32,
}

impl Probes {
    pub(super) fn passed(
        &mut self,
        at: Micros,
        (length_m, seconds): (f32, f32),
        alarms: &mut Alarms,
        rules: &ProbeRules,
    ) {
        if length_m < LEAST_M {
            return;
        }
        let kmh = length_m * 3.6 / seconds;
        let possible = seconds > 0.0 && kmh <= rules.speed_kmh_most;
        self.passages += 1;
        self.impossible += u32::from(!possible);
        self.standing += u32::from(possible && kmh < rules.standing_kmh);
        if self.passages < rules.passages {
            return;
        }
        let share = |n: u32| 100.0 * n as f32 / self.passages.max(1) as f32;
        let (impossible, standing) = (share(self.impossible), share(self.standing));
        if impossible > rules.impossible_pct {
            alarms.raise(Rule::OutOfBounds, State::Failed, at, impossible, rules.impossible_pct);
        } else {
            alarms.clear(Rule::OutOfBounds, at);
        }
        if standing >= 100.0 * ALL {
            alarms.raise(Rule::Stuck, State::Suspect, at, standing, 100.0 * ALL);
        } else {
            alarms.clear(Rule::Stuck, at);
        }
        *self = Probes::default();
    }
}

/// A controller: whether its states follow each other as a controller's do.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals {
    last: Option<SignalState>,
    all_red_since: Option<Micros>,
    changes: f32,
    changes_at: Micros,
}

impl Signals {
    pub(super) fn said(&mut self, at: Micros, state: SignalState, alarms: &mut Alarms, rules: &SignalRules) {
        self.leak(at, rules);
        if self.last.replace(state).is_some_and(|before| before != state) {
            self.changes += 1.0;
        }
        if self.changes > rules.changes {
            alarms.raise(Rule::Chattering, State::Failed, at, self.changes, rules.changes);
        }
        if state == SignalState::AllRed {
            self.all_red_since.get_or_insert(at);
        } else {
            self.all_red_since = None;
            alarms.clear(Rule::Stuck, at);
        }
        self.on_clock(at, alarms, rules);
    }

    pub(super) fn on_clock(&mut self, now: Micros, alarms: &mut Alarms, rules: &SignalRules) {
        self.leak(now, rules);
        if self.changes < rules.changes / 2.0 {
            alarms.clear(Rule::Chattering, now);
        }
        if let Some(since) = self.all_red_since
            && now - since > rules.all_red_for
        {
            alarms.raise(Rule::Stuck, State::Suspect, since, hours(now - since), hours(rules.all_red_for));
        }
    }

    fn leak(&mut self, now: Micros, rules: &SignalRules) {
        let passed = (now - self.changes_at).max(0) as f32 / rules.changes_window.max(1) as f32;
        self.changes = (self.changes - passed * rules.changes).max(0.0);
        self.changes_at = self.changes_at.max(now);
    }
}

/// One quantity's values.
#[derive(Clone, Debug, Default)]
struct Line {
    quantity: Option<AirQuantity>,
    alarms: Alarms,
    last: Option<f32>,
    same_since: Micros,
    same: u32,
    outside: u32,
    /// A rise that may be a spike: from where, and values since.
    rise: Option<(f32, u8)>,
    spiked_at: Option<Micros>,
}

/// An air or noise station: each quantity by itself, for one instrument may fail alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Air {
    lines: Vec<Line>,
}

impl Air {
    pub(super) fn measured(&mut self, at: Micros, quantity: AirQuantity, value: f32, rules: &AirRules) {
        let position = self.lines.iter().position(|line| line.quantity == Some(quantity));
        let position = position.unwrap_or_else(|| {
            self.lines.push(Line { quantity: Some(quantity), ..Line::default() });
            self.lines.len() - 1
        });
        if let Some(line) = self.lines.get_mut(position) {
            line.measured(at, quantity, value, rules);
        }
    }

    pub(super) fn on_clock(&mut self, now: Micros, rules: &AirRules) {
        for line in &mut self.lines {
            if line.spiked_at.is_some_and(|at| now - at > rules.spike_hold) {
                line.spiked_at = None;
                line.alarms.clear(Rule::Spiking, now);
            }
        }
    }

    /// The worst of its quantities'.
    pub(super) fn worst(&self, other: Health) -> Health {
        let of_lines = self.lines.iter().map(|line| line.alarms.health());
        of_lines.fold(other, |worst, health| if health.state > worst.state { health } else { worst })
    }
}

/// What a street can have of it.
pub(crate) fn bounds(quantity: AirQuantity, rules: &AirRules) -> std::ops::RangeInclusive<f32> {
    match quantity {
        AirQuantity::Noise => rules.noise_least..=rules.noise_most,
        _ => rules.least..=rules.most,
    }
}

impl Line {
    fn measured(&mut self, at: Micros, quantity: AirQuantity, value: f32, rules: &AirRules) {
        self.alarms.heard(at);
        let bounds = bounds(quantity, rules);
        if !bounds.contains(&value) {
            self.outside = self.outside.saturating_add(1);
            if self.outside >= rules.outside {
                let limit = if value < *bounds.start() { *bounds.start() } else { *bounds.end() };
                self.alarms.raise(Rule::OutOfBounds, State::Failed, at, value, limit);
            }
            return;
        }
        self.outside = 0;
        self.alarms.clear(Rule::OutOfBounds, at);
        let Some(last) = self.last.replace(value) else {
            (self.same_since, self.same) = (at, 1);
            return;
        };
        if last.to_bits() == value.to_bits() {
            self.same = self.same.saturating_add(1);
            self.frozen(at, rules);
        } else {
            (self.same_since, self.same) = (at, 1);
            self.alarms.clear(Rule::Stuck, at);
        }
        self.spike(at, last, value, rules);
    }

    fn frozen(&mut self, at: Micros, rules: &AirRules) {
        let held = at - self.same_since;
        for (times, state) in [(1, State::Suspect), (2, State::Failed)] {
            if held >= rules.frozen_for.saturating_mul(times)
                && i64::from(self.same) >= i64::from(rules.frozen_values) * times
            {
                self.alarms.raise(Rule::Stuck, state, self.same_since, hours(held), hours(rules.frozen_for));
            }
        }
    }

    fn spike(&mut self, at: Micros, last: f32, value: f32, rules: &AirRules) {
        let base = |from: f32| from.max(1.0);
        self.rise = match self.rise {
            Some((from, _)) if value <= base(from) * 2.0 => {
                self.spiked_at = Some(at);
                self.alarms.raise(Rule::Spiking, State::Suspect, at, last, base(from) * rules.spike_times);
                None
            }
            Some((_, values)) if values >= SPIKE_VALUES => None,
            Some((from, values)) => Some((from, values + 1)),
            None if value - last >= rules.spike_least && value >= base(last) * rules.spike_times => {
                Some((last, 1))
            }
            None => None,
        };
    }
}
