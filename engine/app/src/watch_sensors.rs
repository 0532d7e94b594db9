//! `vlot watch sensors`: one line a change of a sensor's health.

use vlot_proto::device::v1::{Health, Life, Sensor};

pub(crate) fn line(sensor: &Sensor) -> String {
    let health = match (sensor.life(), sensor.health()) {
        (Life::Retired, _) => "retired",
        (_, Health::Suspect) => "suspect",
        (_, Health::Failed) => "failed",
        (_, Health::Healthy | Health::Unspecified) => "well",
    };
    let place = [&sensor.facility_id, &sensor.garage_id, &sensor.station_id].map(String::as_str).concat();
    let since = sensor.since.as_ref().map_or(String::new(), |since| {
        let micros = since.seconds.saturating_mul(1_000_000).saturating_add(i64::from(since.nanos) / 1_000);
        format!(" since {}", vlot_model::Timestamp::from_micros(micros))
    });
    let why = if sensor.why.is_empty() { String::new() } else { format!(": {}", sensor.why) };
    format!("{} ({place}): {health}{since}{why}", sensor.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_how_since_when_and_why() {
        let sensor = Sensor {
            id: "bay-7".into(),
            facility_id: "bondgenotenlaan".into(),
            life: Life::InService.into(),
            health: Health::Failed.into(),
            since: Some(Default::default()),
            why: "it chatters".into(),
            ..Sensor::default()
        };
        assert_eq!(line(&sensor), "bay-7 (bondgenotenlaan): failed since 1970-01-01T00:00:00Z: it chatters");
        let well = Sensor { health: Health::Healthy.into(), since: None, why: String::new(), ..sensor };
        assert_eq!(line(&well), "bay-7 (bondgenotenlaan): well");
    }
}
