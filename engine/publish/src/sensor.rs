//! Why a sensor is not believed, as a sentence.

use vlot_model::{HealthState, Life, Role, SensorHealth, SensorRule};

/// Why a sensor is as it is, for people; empty when it is healthy and in service.
///
/// `role` is what it watches: the same rule has other units for other sensors.
#[must_use]
pub fn sensor_why(health: &SensorHealth, role: Role) -> String {
    let life = match health.life {
        Life::Retired => return "it is retired".to_owned(),
        Life::Commissioning => "it is being commissioned, and not believed yet",
        Life::InService => "",
    };
    let Some(rule) = health.rule.filter(|_| health.health != HealthState::Healthy) else {
        return life.to_owned();
    };
    let why = broken(rule, health.seen.unwrap_or(0.0), health.limit.unwrap_or(0.0), role);
    if life.is_empty() { why } else { format!("{why}; {life}") }
}

fn broken(rule: SensorRule, seen: f32, limit: f32, role: Role) -> String {
    let bay = matches!(role, Role::Bay { .. } | Role::Place { .. });
    match rule {
        SensorRule::Silent => format!("nothing was heard for longer than {}", time(limit)),
        SensorRule::Chattering if bay => {
            format!("it changed {seen:.0} times within ten minutes: cars make at most {limit:.0} changes")
        }
        SensorRule::Chattering => {
            format!("it counted {seen:.0} vehicles in a minute: at most {limit:.0} can pass")
        }
        SensorRule::Stuck if bay => {
            format!("it has not changed for {}: its own past allows {}", time(seen), time(limit))
        }
        SensorRule::Stuck => format!(
            "it has said the same for longer than its own past allows (surprise {seen:.0}, limit {limit:.0})"
        ),
        SensorRule::Spiking => {
            format!("its figure went away by {seen:.0} and back: at most {limit:.0} is usual")
        }
        SensorRule::Clamped => format!(
            "it stands at a bound for longer than its own past allows ({seen:.0} where the limit is {limit:.0})"
        ),
        SensorRule::Reset => format!("its figure leapt by {seen:.0}: at most {limit:.0} is possible"),
        SensorRule::MidnightJump => {
            format!("its figure leapt by {seen:.0} at midnight: at most {limit:.0} is possible")
        }
        SensorRule::Drift => format!(
            "the level that it returns to every day has walked away by {seen:.0}, where {limit:.0} is usual"
        ),
        SensorRule::OutOfBounds => {
            format!("its figure is out of bounds: {seen:.0} where {limit:.0} is the limit")
        }
        SensorRule::ClockWrong => {
            let way = if seen < 0.0 { "ahead" } else { "behind" };
            if seen == 0.0 {
                "its clock is off".to_owned()
            } else {
                format!("its clock is {} {way}", time(seen.abs() / 3_600.0))
            }
        }
        SensorRule::Sentinel => "it keeps saying a value that means nothing".to_owned(),
        SensorRule::Implausible => {
            format!("its figures contradict each other (surprise {seen:.0}, limit {limit:.0})")
        }
    }
}

/// Hours as people say them.
fn time(hours: f32) -> String {
    match hours {
        h if h < 2.0 => format!("{:.0} minutes", h * 60.0),
        h if h < 72.0 => format!("{h:.0} hours"),
        h => format!("{:.0} days", h / 24.0),
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{DeviceIx, FacilityIx, Timestamp};

    use super::*;

    #[test]
    fn sentences() {
        let bay = Role::Bay { facility: FacilityIx(0), bay: 0 };
        let counter = Role::Counter { facility: FacilityIx(0) };
        let (new, live, gone) = (Life::Commissioning, Life::InService, Life::Retired);
        let cases = [
            (live, None, 0.0, 0.0, bay, ""),
            (gone, None, 0.0, 0.0, bay, "it is retired"),
            (new, None, 0.0, 0.0, bay, "it is being commissioned, and not believed yet"),
            (live, Some(SensorRule::Silent), 26.1, 26.0, bay, "nothing was heard for longer than 26 hours"),
            (
                new,
                Some(SensorRule::Chattering),
                9.0,
                8.0,
                bay,
                "it changed 9 times within ten minutes: cars make at most 8 changes; it is being commissioned, and not \
                 believed yet",
            ),
            (
                live,
                Some(SensorRule::Stuck),
                200.0,
                168.0,
                bay,
                "it has not changed for 8 days: its own past allows 7 days",
            ),
            (
                live,
                Some(SensorRule::Reset),
                310.2,
                60.0,
                counter,
                "its figure leapt by 310: at most 60 is possible",
            ),
            (live, Some(SensorRule::ClockWrong), 3_600.0, 1_200.0, counter, "its clock is 60 minutes behind"),
        ];
        for (life, rule, seen, limit, role, expected) in cases {
            let state = if rule.is_some() { HealthState::Failed } else { HealthState::Healthy };
            let health = SensorHealth {
                device: DeviceIx(0),
                life,
                health: state,
                rule,
                since: Timestamp::EPOCH,
                seen: rule.map(|_| seen),
                limit: rule.map(|_| limit),
            };
            assert_eq!(sensor_why(&health, role), expected);
        }
    }
}
