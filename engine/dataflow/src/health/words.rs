//! What is said of a device's health, and when it is said anew.

use vlot_model::{Device, DeviceIx, HealthState, Life, SensorHealth, SensorRule, Timestamp};

use super::{Detail, Health};
use crate::shell::Standing;

/// A health in three words: what is published when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) life: Life,
    pub(super) state: HealthState,
    pub(super) rule: Option<SensorRule>,
}

impl Words {
    /// Of a sensor of which nothing was published.
    pub(super) const UNSAID: Words = Words { life: Life::InService, state: HealthState::Healthy, rule: None };

    /// Of a retired device nothing is said but that.
    pub(super) fn of(life: Life, health: &Health) -> Self {
        match life {
            Life::Retired => Words { life, state: HealthState::Healthy, rule: None },
            _ => Words { life, state: health.state, rule: health.rule },
        }
    }

    pub(super) fn standing(self) -> Standing {
        match (self.life, self.state, self.rule) {
            (Life::Retired, ..) => Standing::Absent,
            (Life::Commissioning, ..) => Standing::Doubted,
            // Silence is the operators' own business: they keep what was said until then.
            (Life::InService, HealthState::Failed, rule) if rule != Some(SensorRule::Silent) => {
                Standing::Doubted
            }
            (Life::InService, ..) => Standing::Believed,
        }
    }
}

pub(super) fn life(device: &Device, now: Timestamp) -> Life {
    let service = device.service;
    if service.retired_from.is_some_and(|from| from <= now) {
        Life::Retired
    } else if service.in_service_from.is_some_and(|from| now < from) {
        Life::Commissioning
    } else {
        Life::InService
    }
}

pub(super) fn published(
    ix: DeviceIx,
    words: Words,
    health: &Health,
    turned: bool,
    at: Timestamp,
) -> SensorHealth {
    let of_rule = words.rule.is_some() && words.rule == health.rule;
    let Detail { seen, limit } = health.detail;
    let since = match health.since {
        Some(since) if of_rule => Timestamp::from_micros(since).min(at),
        Some(since) if !turned && words.rule.is_none() => Timestamp::from_micros(since).min(at),
        _ => at,
    };
    SensorHealth {
        device: ix,
        life: words.life,
        health: words.state,
        rule: words.rule,
        since,
        seen: of_rule.then_some(seen),
        limit: of_rule.then_some(limit),
    }
}
