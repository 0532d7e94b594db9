//! The verdict: state, rule, since when, and the figures behind it.

use super::{Micros, Rule, State};

/// Every rule, in order of declaration.
pub const RULES: [Rule; 12] = [
    Rule::Silent,
    Rule::Chattering,
    Rule::Stuck,
    Rule::Spiking,
    Rule::Clamped,
    Rule::Reset,
    Rule::MidnightJump,
    Rule::Drift,
    Rule::OutOfBounds,
    Rule::ClockWrong,
    Rule::Sentinel,
    Rule::Implausible,
];

/// What was seen and the bound that it broke, in the unit that the [`Rule`] names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detail {
    /// Seen.
    pub seen: f32,
    /// The bound.
    pub limit: f32,
}

/// A sensor's health at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Health {
    /// How well.
    pub state: State,
    /// The worst rule; of equals the one that has stood longest. `None` when healthy.
    pub rule: Option<Rule>,
    /// When that state began as far as the data shows (a freeze: its last change), else the last recovery; `None`
    /// before the first reading.
    pub since: Option<Micros>,
    /// The figures of that rule.
    pub detail: Detail,
}

#[derive(Clone, Copy, Debug)]
struct Alarm {
    state: State,
    since: Micros,
    detail: Detail,
}

/// The rules that speak against one sensor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alarms {
    by_rule: [Option<Alarm>; RULES.len()],
    healthy_since: Option<Micros>,
}

impl Alarms {
    /// The first sign of life starts the healthy state.
    pub(crate) fn heard(&mut self, at: Micros) {
        self.healthy_since.get_or_insert(at);
    }

    /// Raises a rule, or updates its state and figures; `since` of a standing alarm stays.
    pub(crate) fn raise(&mut self, rule: Rule, state: State, since: Micros, seen: f32, limit: f32) {
        let detail = Detail { seen, limit };
        if let Some(slot) = self.by_rule.get_mut(rule as usize) {
            let since = slot.map_or(since, |old| old.since);
            *slot = Some(Alarm { state, since, detail });
        }
    }

    /// Recovers a rule.
    pub(crate) fn clear(&mut self, rule: Rule, at: Micros) {
        if let Some(slot) = self.by_rule.get_mut(rule as usize)
            && slot.take().is_some()
        {
            self.healthy_since = Some(at);
        }
    }

    pub(crate) fn stands(&self, rule: Rule) -> bool {
        self.by_rule.get(rule as usize).is_some_and(Option::is_some)
    }

    /// Since when a rule stands.
    pub(crate) fn since(&self, rule: Rule) -> Option<Micros> {
        self.by_rule.get(rule as usize).copied().flatten().map(|a| a.since)
    }

    pub(crate) fn health(&self) -> Health {
        let mut worst: Option<(Rule, Alarm)> = None;
        for (rule, alarm) in RULES.into_iter().zip(self.by_rule) {
            let Some(alarm) = alarm else { continue };
            let worse = worst.is_none_or(|(_, w)| {
                alarm.state > w.state || (alarm.state == w.state && alarm.since < w.since)
            });
            if worse {
                worst = Some((rule, alarm));
            }
        }
        match worst {
            Some((rule, a)) => {
                Health { state: a.state, rule: Some(rule), since: Some(a.since), detail: a.detail }
            }
            None => Health {
                state: State::Healthy,
                rule: None,
                since: self.healthy_since,
                detail: Detail::default(),
            },
        }
    }
}
