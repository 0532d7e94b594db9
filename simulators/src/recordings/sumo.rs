//! Stays in car parks as the traffic simulation SUMO writes them: each is a vehicle in and the same vehicle out.

use std::io::{BufRead, BufReader};
use std::path::Path;

use super::table::{Names, broken, open};
use super::{Known, Recording};
use crate::SimError;
use crate::time::round;
use crate::wire::Value;

pub(super) fn stops(path: &Path, known: &Known) -> Result<Recording, SimError> {
    let (mut recording, mut names) = (Recording::default(), Names::default());
    for (n, line) in BufReader::new(open(path)?).lines().enumerate() {
        let line = line.map_err(|e| broken(path, e))?;
        let Some((_, element)) = line.split_once("<stopinfo ") else { continue };
        let Some(area) = attribute(element, "parkingArea") else {
            recording.pass_over("not in a car park");
            continue;
        };
        let instant = |name: &str| {
            let seconds = attribute(element, name).and_then(|t| t.parse::<f64>().ok());
            seconds
                .map(|s| known.began_at + round(s * 1e6))
                .ok_or_else(|| broken(path, format!("line {}: no {name}", n + 1)))
        };
        let source = names.of(area);
        let (came, left) = (instant("started")?, instant("ended")?);
        recording.add(came, came, &source, Value::Passage { inward: true, vehicles: 1 });
        // SUMO writes -1 for a stay that had not ended.
        if left >= came {
            recording.add(left, left, &source, Value::Passage { inward: false, vehicles: 1 });
        }
    }
    if recording.rows.is_empty() {
        return Err(broken(path, "no stay in a car park"));
    }
    Ok(recording)
}

/// An attribute's text; SUMO writes one element a line and needs no character references in these.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = element;
    loop {
        let (before, after) = rest.split_once(name)?;
        let whole_name = before.is_empty() || before.ends_with(' ');
        match after.strip_prefix("=\"") {
            Some(value) if whole_name => return value.split_once('"').map(|(value, _)| value),
            _ => rest = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::attribute;

    #[test]
    fn attributes_are_whole_names() {
        let element = r#"id="p1" xstarted="9" started="418.00" parkingArea="De-Bond"/>"#;
        assert_eq!(attribute(element, "started"), Some("418.00"));
        assert_eq!(attribute(element, "parkingArea"), Some("De-Bond"));
        assert_eq!(attribute(element, "ended"), None);
    }
}
