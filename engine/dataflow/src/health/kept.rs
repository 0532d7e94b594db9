//! What is kept of a bay's sensor.

use vlot_model::{Device, DeviceIx, HealthState, Life, Reading, Role, SensorRule, Value};

use super::subject::micros;
use super::words::Words;
use super::{BayHealth, BayRules, Micros, Rules, SECOND};
use crate::trust::said_at;

/// Bays fall silent on this grid, so that many that do so within it cost one look at all.
const BAY_GRID: Micros = 10 * SECOND;
/// So many readings in a row, all too old or ahead of their arrival, tell of a wrong clock.
const CLOCK_OFF: u8 = 8;

/// A bay's sensor. A city may have 200,000.
#[derive(Clone, Copy, Debug)]
pub(super) struct BayKept {
    pub(super) health: BayHealth,
    pub(super) device: DeviceIx,
    pub(super) said: Words,
    clock_off: u8,
}

const _: () = assert!(size_of::<BayKept>() <= 64, "200,000 bays must fit in a few megabytes");

impl BayKept {
    pub(super) fn new(device: DeviceIx) -> Self {
        BayKept { health: BayHealth::default(), device, said: Words::UNSAID, clock_off: 0 }
    }

    pub(super) fn take(&mut self, reading: &Reading, rules: &BayRules, all: &Rules) {
        let lag = reading.received_at.micros().saturating_sub(reading.observed_at.micros());
        let off = lag > all.clock.behind || lag < -all.clock.ahead;
        self.clock_off = if off { self.clock_off.saturating_add(1) } else { 0 };
        let at = said_at(reading).micros();
        match reading.value {
            Value::Bay { occupied } => self.health.observe(at, occupied, rules),
            _ => self.health.alive(at, rules),
        }
    }

    /// When time alone may change it, on the grid.
    pub(super) fn due(&self, rules: &BayRules) -> Micros {
        let due = self.health.due(rules).unwrap_or(Micros::MAX);
        due.div_euclid(BAY_GRID).saturating_add(1).saturating_mul(BAY_GRID)
    }

    pub(super) fn words(&self, life: Life) -> Words {
        let (state, rule) = self.health.verdict();
        let clock = self.clock_off >= CLOCK_OFF && state == HealthState::Healthy;
        match (life, clock) {
            (Life::Retired, _) => Words { life, state: HealthState::Healthy, rule: None },
            (_, true) => Words { life, state: HealthState::Suspect, rule: Some(SensorRule::ClockWrong) },
            _ => Words { life, state, rule },
        }
    }
}

pub(super) fn bay_rules(device: &Device, rules: &BayRules) -> BayRules {
    let silent_after = micros(device.silent_after);
    match device.role {
        // A bicycle may be left for months: that is what its garage wants to know.
        Role::Place { .. } => BayRules { silent_after, stuck_least: Micros::MAX, ..*rules },
        _ => BayRules { silent_after, ..*rules },
    }
}
