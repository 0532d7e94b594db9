//! A situation record.

use vlot_model::{Effect, Location, LonLat, Mode, Modes, Situation, SituationKind};

use super::super::{About, course, one_line, place};
use super::periods::{Times, times};
use super::xml::Node;

/// Road traffic: what closes a road to it says nothing of pedestrians.
const VEHICLES: Modes = Modes::NONE.with(Mode::Car).with(Mode::Bicycle).with(Mode::Bus);

/// `None`: it does not hold (any more).
pub(super) fn situation(record: &Node, id: &str, about: &About<'_>) -> Result<Option<Situation>, String> {
    let validity = record.at(&["validity"]).ok_or("has no validity")?;
    let over = |name: &str| record.first(name).is_some_and(|node| matches!(node.text.trim(), "true" | "1"));
    if validity.text_at(&["validityStatus"]) == Some("suspended") || over("end") || over("cancel") {
        return Ok(None);
    }
    let specification = validity.at(&["validityTimeSpecification"]);
    let Times { from, until, hours } = times(specification, about.written_at, about.timezone)?;
    if let Some(wrong) = hours.as_deref().and_then(|hours| (about.wrong_hours)(hours)) {
        return Err(format!("its periods, as opening hours {:?}: {wrong}", hours.unwrap_or_default()));
    }
    let class = record.attribute("type").unwrap_or_default();
    let class = class.rsplit_once(':').map_or(class, |(_, local)| local);
    let (effect, modes) = effect(record)?;
    Ok(Some(Situation {
        id: id.into(),
        source: about.source.into(),
        kind: kind(class, effect),
        headline: headline(record, class).into(),
        effect,
        modes,
        location: location(record)?,
        both_directions: both_directions(record),
        from,
        until,
        hours: hours.map(Into::into),
        withdrawn: false,
    }))
}

fn kind(class: &str, effect: Effect) -> SituationKind {
    match class {
        "RoadOrCarriagewayOrLaneManagement" if effect == Effect::Closed => SituationKind::Closure,
        "MaintenanceWorks" | "ConstructionWorks" | "Roadworks" => SituationKind::Works,
        "Accident" | "AbnormalTraffic" | "VehicleObstruction" | "AnimalPresenceObstruction" => {
            SituationKind::Incident
        }
        _ if class.ends_with("Obstruction") => SituationKind::Incident,
        "PublicEvent" | "DisturbanceActivity" | "Activity" => SituationKind::Event,
        _ => SituationKind::Notice,
    }
}

/// What it does, and to whom.
fn effect(record: &Node) -> Result<(Effect, Modes), String> {
    let managed = record.text_at(&["roadOrCarriagewayOrLaneManagementType"]);
    let constricted = record.text_at(&["impact", "trafficConstrictionType"]);
    let lanes = || {
        let stated = record.first("numberOfLanesRestricted").map(|node| node.text.trim());
        let lanes = stated.map_or(Ok(1), |text| {
            text.parse::<u8>().map_err(|_| format!("numberOfLanesRestricted: {text:?} is no number of lanes"))
        })?;
        Ok::<_, String>(Effect::LanesClosed { lanes: lanes.clamp(1, 10) })
    };
    let effect = match (managed, constricted) {
        (Some("roadClosed" | "carriagewayClosures" | "closedPermanentlyForTheWinter"), _)
        | (_, Some("roadBlocked" | "carriagewayBlocked")) => Effect::Closed,
        (Some("laneClosures"), _)
        | (_, Some("lanesBlocked" | "carriagewayPartiallyObstructed" | "lanesPartiallyObstructed")) => {
            lanes()?
        }
        _ => match record.text_at(&["temporarySpeedLimit"]) {
            Some(text) => {
                let kmh = text.parse::<f32>().ok().filter(|kmh| *kmh > 0.0 && *kmh <= 200.0);
                let wrong = || format!("temporarySpeedLimit: {text:?} is not above 0 and at most 200 km/h");
                Effect::SpeedLimit { kmh: kmh.ok_or_else(wrong)? }
            }
            None => Effect::None,
        },
    };
    let mut named = Vec::new();
    record.all("vehicleType", &mut named);
    if named.is_empty() {
        return Ok((effect, VEHICLES));
    }
    let modes = named.iter().fold(Modes::NONE, |modes, named| match named.text.trim() {
        "anyVehicle" => VEHICLES,
        "motorVehicle" | "motorVehicles" => modes.with(Mode::Car).with(Mode::Bus),
        "car" | "carOrLightVehicle" => modes.with(Mode::Car),
        "bicycle" => modes.with(Mode::Bicycle),
        "bus" => modes.with(Mode::Bus),
        _ => modes,
    });
    // What binds lorries alone keeps nobody out whom we route.
    Ok(if modes.is_empty() { (Effect::None, VEHICLES) } else { (effect, modes) })
}

fn headline(record: &Node, class: &str) -> String {
    let said = record.at(&["generalPublicComment"]).and_then(|comment| comment.first("value"));
    let said = said.map(|value| one_line(&value.text)).unwrap_or_default();
    if !said.is_empty() {
        return said;
    }
    // MaintenanceWorks: "Maintenance works".
    let mut words = String::new();
    for (at, c) in class.chars().enumerate() {
        if at > 0 && c.is_uppercase() {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
    }
    if words.is_empty() { "Situation".to_owned() } else { one_line(&words) }
}

fn both_directions(record: &Node) -> bool {
    ["directionBound", "tpegDirection", "directionRelative", "alertCDirectionCoded", "linearDirection"]
        .iter()
        .filter_map(|name| record.first(name))
        .any(|node| matches!(node.text.trim(), "bothWays" | "both" | "bothDirections"))
}

fn location(record: &Node) -> Result<Location, String> {
    if let Some(list) = record.first("posList") {
        return Ok(Location::Line(course(positions(list)?)?));
    }
    for name in ["pointCoordinates", "coordinates", "locationForDisplay", "coordinatesForDisplay"] {
        if let Some(point) = record.first(name) {
            let degrees = |name: &str| {
                let text = point.text_at(&[name]);
                text.and_then(|text| text.parse::<f64>().ok())
                    .ok_or_else(|| format!("its point has no {name} in degrees"))
            };
            return Ok(Location::Point(place(degrees("longitude")?, degrees("latitude")?)?));
        }
    }
    Err("has no place that can be read (hint: gml posList, or a point by latitude and longitude)".to_owned())
}

/// Pairs (or triples) of latitude and longitude.
fn positions(list: &Node) -> Result<Vec<LonLat>, String> {
    let each = match list.attribute("srsDimension") {
        None | Some("2") => 2,
        Some("3") => 3,
        Some(other) => return Err(format!("posList: {other:?} dimensions are neither 2 nor 3")),
    };
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("posList: {text:?} is no number"));
    let numbers: Vec<_> = list.text.split_whitespace().map(number).collect::<Result<_, _>>()?;
    if numbers.len() % each != 0 {
        return Err(format!("posList: {} numbers do not make points of {each}", numbers.len()));
    }
    numbers.chunks(each).map(|point| place(point[1], point[0])).collect()
}
