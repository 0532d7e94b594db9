//! What is kept of a device that is no bay: the rules of its kind, and its clock.

use std::sync::Arc;

use vlot_model::{CountMode, Device, DeviceIx, DeviceKind, Direction, Reading, RoadNetwork, Role, Value};

use super::local::LocalHours;
use super::roadside::{Air, Heard, Probes, Signals};
use super::{
    BarrierHealth, BarrierRules, BicycleHealth, ClockHealth, CountRules, Detail, FigureHealth, FigureRules,
    Health, Interval, LoopHealth, Micros, Rule, Rules, SECOND, SourceLife, State, hours,
};
use crate::trust::said_at;
use vlot_model::City;

/// The rules of its kind.
#[derive(Debug)]
enum Kind {
    Barrier(Box<BarrierHealth>),
    Figure { health: Box<FigureHealth>, capacity: u32 },
    Loop(Box<LoopHealth>),
    Bicycle(Box<BicycleHealth>),
    Probes { heard: Box<Heard>, probes: Probes, network: Option<Arc<RoadNetwork>> },
    Pair(Box<Heard>),
    Signal { heard: Box<Heard>, signals: Signals },
    Air { heard: Box<Heard>, air: Air },
}

/// A device that is no bay.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) device: DeviceIx,
    silent_after: Micros,
    kind: Kind,
    clock: ClockHealth,
    /// Since when it could have been heard; `None` once it was.
    unheard_since: Option<Micros>,
    heard: bool,
}

impl Subject {
    /// `None` for devices that have no rules: signs, operators, bays.
    pub(super) fn new(ix: DeviceIx, device: &Device, city: &City) -> Option<Self> {
        let reporting = city.health.reporting(ix);
        let figure = |capacity| Kind::Figure { health: Box::new(FigureHealth::new(reporting)), capacity };
        let mut silent_after = micros(device.silent_after);
        let kind = match device.role {
            Role::Barrier { .. } => Kind::Barrier(Box::default()),
            Role::Counter { facility } => figure(city.facilities.get(facility.at())?.capacity),
            // A gate counts as a car park's barrier does.
            Role::Section { .. } if device.kind == DeviceKind::Barrier => Kind::Barrier(Box::default()),
            Role::Section { section } => figure(city.sections.get(section.at())?.capacity),
            Role::Lane { station } => {
                let station = city.stations.get(station.at())?;
                // A device that speaks once an interval is not silent between two of them.
                silent_after = silent_after.max(2 * micros(station.interval) + micros(station.lateness));
                match station.mode {
                    CountMode::Motor => Kind::Loop(Box::default()),
                    CountMode::Bicycle => Kind::Bicycle(Box::default()),
                }
            }
            Role::Probes => {
                let network = city.network.clone();
                Kind::Probes { heard: Box::default(), probes: Probes::default(), network }
            }
            Role::Pair { .. } => {
                silent_after = city.health.rules.pair.quiet_for;
                Kind::Pair(Box::default())
            }
            Role::Controller { .. } => Kind::Signal { heard: Box::default(), signals: Signals::default() },
            Role::Air { .. } => Kind::Air { heard: Box::default(), air: Air::default() },
            Role::Bay { .. }
            | Role::Place { .. }
            | Role::Sign { .. }
            | Role::Operator { .. }
            | Role::Apps { .. }
            // Its sightings never come here: of a deaf one its pairs tell.
            | Role::Reader
            | Role::Situations => return None,
        };
        let clock = ClockHealth::default();
        Some(Subject { device: ix, silent_after, kind, clock, unheard_since: None, heard: false })
    }

    /// The engine hears from now on: silence before was not the device's.
    pub(super) fn awake(&mut self, at: Micros) {
        if !self.heard {
            self.unheard_since = Some(at);
        }
        match &mut self.kind {
            Kind::Barrier(health) => health.awake(at),
            Kind::Figure { health, .. } => health.awake(at),
            Kind::Loop(health) => health.awake(at),
            Kind::Bicycle(health) => health.awake(at),
            Kind::Probes { heard, .. }
            | Kind::Pair(heard)
            | Kind::Signal { heard, .. }
            | Kind::Air { heard, .. } => {
                heard.awake(at);
            }
        }
    }

    /// Takes what it said.
    pub(super) fn take(&mut self, reading: &Reading, local: &mut LocalHours, rules: &Rules) {
        self.heard = true;
        self.unheard_since = None;
        let (observed_at, received_at) = (reading.observed_at.micros(), reading.received_at.micros());
        let ended_at = match reading.value {
            Value::Traffic { interval_s, .. } | Value::Bicycles { interval_s, .. } => {
                observed_at.saturating_add(Micros::from(interval_s) * SECOND)
            }
            _ => observed_at,
        };
        self.clock.observe(ended_at, received_at, &rules.clock);
        let at = said_at(reading).micros();
        let hour = local.of(at);
        let (barrier, figure, count) = self.rules(rules, local.is_holiday(at));
        match (&mut self.kind, reading.value.clone()) {
            (Kind::Barrier(health), Value::Passage { direction, vehicles }) => {
                health.passage(at, hour, direction == Direction::In, u32::from(vehicles), &barrier);
            }
            (Kind::Barrier(health), Value::Totals { entries, exits }) => {
                health.totals(at, hour, entries, exits, &barrier);
            }
            (Kind::Barrier(health), _) => health.alive(at, hour, &barrier),
            (
                Kind::Figure { health, capacity },
                Value::Occupied { spaces: value } | Value::Places { free: value },
            ) => health.observe(at, hour, i32::try_from(value).unwrap_or(i32::MAX), *capacity, &figure),
            (Kind::Figure { health, .. }, _) => health.alive(at),
            (
                Kind::Loop(health),
                Value::Traffic { interval_s, vehicles, speed_kmh, detector_occupancy_pct },
            ) => {
                let interval =
                    Interval { interval_s, vehicles: Some(vehicles), speed_kmh, detector_occupancy_pct };
                health.observe(at, hour, interval, &count);
            }
            (Kind::Loop(health), _) => health.alive(at, hour),
            (Kind::Bicycle(health), Value::Bicycles { interval_s, inbound, outbound }) => {
                let both = match (inbound, outbound) {
                    (None, None) => None,
                    (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
                };
                health.observe(at, hour, interval_s, both, &count);
            }
            (Kind::Bicycle(health), _) => health.alive(at, hour),
            (Kind::Probes { heard, probes, network }, value) => {
                heard.hear(at);
                if let Value::Traversal { link, seconds, .. } = value
                    && let Some(network) = network
                    && let Some(link) = network.find(link).and_then(|link| network.link(link))
                {
                    probes.passed(at, (link.length_m, seconds), &mut heard.alarms, &rules.probes);
                }
            }
            (Kind::Pair(heard), _) => heard.hear(at),
            (Kind::Signal { heard, signals }, value) => {
                heard.hear(at);
                if let Value::Signal { state, .. } = value {
                    signals.said(at, state, &mut heard.alarms, &rules.signal);
                }
            }
            (Kind::Air { heard, air }, value) => {
                heard.hear(at);
                if let Value::Air { quantity, value } = value {
                    air.measured(at, quantity, value, &rules.air);
                }
            }
        }
    }

    /// Its facility opened or closed.
    pub(super) fn opening(&mut self, at: Micros, open: bool) {
        if let Kind::Figure { health, .. } = &mut self.kind {
            health.opening(at, open);
        }
    }

    /// It was set right or replaced: what its old count's errors raised no longer holds.
    pub(super) fn replaced(&mut self, at: Micros) {
        match &mut self.kind {
            Kind::Barrier(health) => **health = BarrierHealth::default(),
            Kind::Figure { health, .. } => health.recounted(at),
            _ => {}
        }
    }

    /// Time passes.
    pub(super) fn on_clock(&mut self, now: Micros, local: &mut LocalHours, rules: &Rules) {
        let (barrier, figure, count) = self.rules(rules, local.is_holiday(now));
        match &mut self.kind {
            Kind::Barrier(health) => health.on_clock(now, local.of(now), &barrier),
            Kind::Figure { health, .. } => health.on_clock(now, local.of(now), SourceLife::Unknown, &figure),
            Kind::Loop(health) => health.on_clock(now, &count),
            Kind::Bicycle(health) => health.on_clock(now, &count),
            Kind::Probes { heard, .. } => heard.on_clock(now, self.silent_after, State::Failed),
            Kind::Pair(heard) => heard.on_clock(now, self.silent_after, State::Suspect),
            Kind::Signal { heard, signals } => {
                heard.on_clock(now, self.silent_after, State::Failed);
                signals.on_clock(now, &mut heard.alarms, &rules.signal);
            }
            Kind::Air { heard, air } => {
                heard.on_clock(now, self.silent_after, State::Failed);
                air.on_clock(now, &rules.air);
            }
        }
    }

    /// The worst of its rules and its clock.
    pub(super) fn health(&self, now: Micros) -> Health {
        if let Some(since) = self.unheard_since
            && now.saturating_sub(since) > self.silent_after
        {
            let detail = Detail { seen: hours(now.saturating_sub(since)), limit: hours(self.silent_after) };
            let state = if let Kind::Pair(_) = self.kind { State::Suspect } else { State::Failed };
            return Health { state, rule: Some(Rule::Silent), since: Some(since), detail };
        }
        let health = match &self.kind {
            Kind::Barrier(health) => health.state(),
            Kind::Figure { health, .. } => health.state(),
            Kind::Loop(health) => health.state(),
            Kind::Bicycle(health) => health.state(),
            Kind::Probes { heard, .. } | Kind::Pair(heard) | Kind::Signal { heard, .. } => {
                heard.alarms.health()
            }
            Kind::Air { heard, air } => air.worst(heard.alarms.health()),
        };
        let clock = self.clock.state();
        if clock.state > health.state { clock } else { health }
    }

    /// The bounds of each kind on such a day, with this device's own limit of silence.
    fn rules(&self, rules: &Rules, holiday: bool) -> (BarrierRules, FigureRules, CountRules) {
        let silent_after = self.silent_after;
        let figure = if holiday { rules.figure.on_holiday() } else { rules.figure };
        let count = if let Kind::Bicycle(_) = self.kind { rules.bicycle } else { rules.motor };
        (
            BarrierRules { silent_after, ..rules.barrier },
            FigureRules { silent_after, ..figure },
            CountRules { silent_after, ..count },
        )
    }
}

pub(super) fn micros(span: std::time::Duration) -> Micros {
    Micros::try_from(span.as_micros()).unwrap_or(Micros::MAX)
}
