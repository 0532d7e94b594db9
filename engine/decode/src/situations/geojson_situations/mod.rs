//! GeoJSON (RFC 7946): a FeatureCollection or a Feature, each feature a situation, its properties as `docs/situations.md` has
//! them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use vlot_model::{
    Effect, LinkId, Location, LonLat, Mode, Modes, Refusal, RefusalKind, Situation, SituationKind, Timestamp,
};

use super::{About, MAX_FILE_BYTES, Said, course, from_to, one_line, place};
use crate::refuse::{malformed, unsupported};

#[cfg(test)]
mod tests;

/// What a file states.
///
/// # Errors
/// When it is no such file: then what it said before stands.
pub fn read(bytes: &[u8], about: &About<'_>) -> Result<Said, Refusal> {
    if bytes.len() > MAX_FILE_BYTES {
        let detail = format!("{} bytes; at most {MAX_FILE_BYTES} are read", bytes.len());
        return Err(Refusal::new(RefusalKind::Oversized, detail));
    }
    let root: Value = serde_json::from_slice(bytes).map_err(|e| malformed(format!("no JSON: {e}")))?;
    let one;
    let features = match root.get("type").and_then(Value::as_str) {
        Some("FeatureCollection") => root
            .get("features")
            .and_then(Value::as_array)
            .ok_or_else(|| malformed("a FeatureCollection without a list of features"))?,
        Some("Feature") => {
            one = vec![root];
            &one
        }
        _ => return Err(unsupported("neither a GeoJSON FeatureCollection nor a Feature")),
    };
    let (mut said, mut seen) = (Said::default(), BTreeSet::new());
    for (n, feature) in features.iter().enumerate() {
        let id = id(feature);
        let read = situation(feature, id.as_deref().unwrap_or_default(), about).map(Some);
        said.take(&mut seen, n, id, read);
    }
    Ok(said)
}

fn id(feature: &Value) -> Option<String> {
    match feature.get("id").or_else(|| feature.get("properties")?.get("id"))? {
        Value::String(id) => super::id(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Properties by name; what is `null` is not there.
struct Properties<'a>(&'a Map<String, Value>);

impl<'a> Properties<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, String> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| format!("{key} is no text"));
        self.get(key).map(text).transpose()
    }

    fn instant(&self, key: &str) -> Result<Option<Timestamp>, String> {
        let instant = |text: &str| {
            let hint = "an instant with its offset, such as 2026-05-08T16:30:00+02:00";
            text.parse().map_err(|_| format!("{key}: {text:?} is no instant (hint: {hint})"))
        };
        self.text(key)?.map(instant).transpose()
    }

    fn number(&self, key: &str, most: f64) -> Result<f64, String> {
        let number = self.get(key).and_then(Value::as_f64).filter(|n| *n > 0.0 && *n <= most);
        number.ok_or_else(|| format!("{key} is required: a number above 0 and at most {most}"))
    }
}

fn situation(feature: &Value, id: &str, about: &About<'_>) -> Result<Situation, String> {
    if feature.get("type").and_then(Value::as_str) != Some("Feature") {
        return Err("is no Feature".to_owned());
    }
    let properties = feature.get("properties").and_then(Value::as_object);
    let properties = Properties(properties.ok_or("has no properties")?);
    let kind = match properties.text("kind")? {
        Some("closure") => SituationKind::Closure,
        Some("works") => SituationKind::Works,
        Some("incident") => SituationKind::Incident,
        Some("event") => SituationKind::Event,
        Some("notice") => SituationKind::Notice,
        other => {
            let hint = "closure, works, incident, event or notice";
            return Err(format!("kind: {:?} is none (hint: {hint})", other.unwrap_or_default()));
        }
    };
    let headline = one_line(properties.text("headline")?.unwrap_or_default());
    if headline.is_empty() {
        return Err("headline is required: a line that people can read".to_owned());
    }
    let from = properties.instant("from")?.unwrap_or(about.written_at);
    let until = properties.instant("until")?;
    from_to(from, until)?;
    let hours = properties.text("hours")?.filter(|hours| !hours.is_empty());
    if let Some(wrong) = hours.and_then(about.wrong_hours) {
        return Err(format!("hours: {wrong}"));
    }
    let both = properties.get("both_directions");
    Ok(Situation {
        id: id.into(),
        source: about.source.into(),
        kind,
        headline: headline.into(),
        effect: effect(&properties, kind)?,
        modes: modes(&properties)?,
        location: location(feature, &properties)?,
        both_directions: both
            .map_or(Ok(false), |b| b.as_bool().ok_or("both_directions is neither true nor false"))?,
        from,
        until,
        hours: hours.map(Into::into),
        withdrawn: false,
    })
}

fn effect(properties: &Properties<'_>, kind: SituationKind) -> Result<Effect, String> {
    Ok(match properties.text("effect")? {
        None if kind == SituationKind::Closure => Effect::Closed,
        None | Some("none") => Effect::None,
        Some("closed") => Effect::Closed,
        Some("lanes-closed") => {
            let lanes = properties.number("lanes", 10.0)?;
            let lanes = (1..=10_u8).find(|n| f64::from(*n) == lanes).ok_or("lanes is no whole number")?;
            Effect::LanesClosed { lanes }
        }
        Some("speed-limit") => {
            #[expect(clippy::cast_possible_truncation, reason = "at most 200 km/h")]
            let kmh = properties.number("speed_kmh", 200.0)? as f32;
            Effect::SpeedLimit { kmh }
        }
        Some(other) => {
            let hint = "closed, lanes-closed, speed-limit or none";
            return Err(format!("effect: {other:?} is none (hint: {hint})"));
        }
    })
}

fn modes(properties: &Properties<'_>) -> Result<Modes, String> {
    let Some(named) = properties.get("modes") else { return Ok(Modes::ALL) };
    let named = named.as_array().ok_or("modes is no list")?;
    if named.is_empty() {
        return Err("modes names none (hint: leave it out where it hits everybody)".to_owned());
    }
    named.iter().try_fold(Modes::NONE, |modes, mode| {
        Ok(modes.with(match mode.as_str() {
            Some("car") => Mode::Car,
            Some("bicycle") => Mode::Bicycle,
            Some("foot") => Mode::Foot,
            Some("bus") => Mode::Bus,
            _ => return Err(format!("modes: {mode} is none (hint: car, bicycle, foot or bus)")),
        }))
    })
}

fn location(feature: &Value, properties: &Properties<'_>) -> Result<Location, String> {
    if let Some(links) = properties.get("links") {
        let links = links.as_array().filter(|links| !links.is_empty()).ok_or("links is no list of links")?;
        let link = |link: &Value| {
            let text = link.as_str().filter(|text| text.len() == 16);
            let id = text.and_then(|text| u64::from_str_radix(text, 16).ok());
            id.map(LinkId).ok_or_else(|| format!("links: {link} is no link (hint: 16 hexadecimal digits)"))
        };
        return Ok(Location::Links(links.iter().map(link).collect::<Result<_, _>>()?));
    }
    let geometry = feature.get("geometry").filter(|geometry| !geometry.is_null());
    let geometry = geometry.ok_or("has neither a geometry nor links")?;
    let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
    match geometry.get("type").and_then(Value::as_str) {
        Some("Point") => Ok(Location::Point(position(coordinates)?)),
        Some("LineString") => {
            let points = coordinates.as_array().ok_or("a LineString without coordinates")?;
            Ok(Location::Line(course(points.iter().map(position).collect::<Result<_, _>>()?)?))
        }
        other => {
            let other = other.unwrap_or("nothing");
            Err(format!(
                "its geometry is {other} (hint: Point or LineString; several lines are several features)"
            ))
        }
    }
}

fn position(coordinates: &Value) -> Result<LonLat, String> {
    let number = |n: usize| coordinates.get(n).and_then(Value::as_f64);
    match (number(0), number(1)) {
        (Some(lon), Some(lat)) => place(lon, lat),
        _ => Err("a position is not [longitude, latitude]".to_owned()),
    }
}
