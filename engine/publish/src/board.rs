//! The whole board as JSON: what two engines are compared by, and what a person reads when something is odd.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use vlot_model::{
    Board, City, DeviceIx, Face, FacilityState, GarageState, Key, LinkIx, Product, SectionIx, Target,
    Timestamp, Trigger, Unmoved,
};

/// The board as JSON, pretty enough to diff: sorted by id, ids as text, instants in RFC 3339, UTC.
///
/// Two boards are equal exactly if these bytes are.
#[must_use]
pub fn board_json(board: &Board, city: &City) -> Vec<u8> {
    let mut tables: BTreeMap<&str, BTreeMap<String, Value>> =
        ["faces", "facilities", "garages", "signs", "stations"].map(|name| (name, BTreeMap::new())).into();
    for (key, entry) in board.all() {
        let (table, id) = place(city, key);
        let mut row = Map::new();
        row.insert("tick".into(), entry.version.into());
        row.insert("at".into(), text(entry.at));
        row.extend(product(city, &entry.product));
        tables.entry(table).or_default().insert(id, Value::Object(row));
    }
    let mut whole = Map::new();
    whole.insert("at".into(), text(board.completed_at()));
    whole.insert("tick".into(), board.completed().into());
    for (table, rows) in tables {
        whole.insert(table.into(), Value::Object(rows.into_iter().collect()));
    }
    // Whatever order the JSON crate was built to keep.
    let mut whole = Value::Object(whole);
    whole.sort_all_objects();
    let mut bytes = format!("{whole:#}").into_bytes();
    bytes.push(b'\n');
    bytes
}

/// Table and id of a key.
fn place(city: &City, key: Key) -> (&'static str, String) {
    match key {
        Key::Facility(f) => ("facilities", id(city.facilities.get(f.at()).map(|f| &*f.id), f.0)),
        Key::Garage(g) => ("garages", id(city.garages.get(g.at()).map(|g| &*g.id), g.0)),
        Key::Station(s) => ("stations", id(city.stations.get(s.at()).map(|s| &*s.id), s.0)),
        Key::Face(s) => ("faces", id(city.signs.get(s.at()).map(|s| &*s.id), s.0)),
        Key::Sign(s) => ("signs", id(city.signs.get(s.at()).map(|s| &*s.id), s.0)),
        Key::Forecast(f) => ("forecasts", place(city, Key::Facility(f)).1),
        Key::Health(d) => ("sensors", device(city, d)),
        Key::Zone(f) => ("zones", place(city, Key::Facility(f)).1),
        Key::Link(l) => ("links", link(city, l)),
        Key::Corridor(c) => ("corridors", id(city.corridors.get(c.at()).map(|c| &*c.id), c.0)),
        Key::Jams => ("jams", "all".into()),
        Key::Incident(l) => ("incidents", link(city, l)),
        Key::Situation(s) => ("situations", s.0.to_string()),
        Key::Controller(c) => ("controllers", id(city.controllers.get(c.at()).map(|c| &*c.id), c.0)),
        Key::Air(a) => ("air", id(city.air_stations.get(a.at()).map(|a| &*a.id), a.0)),
        Key::Plan(s) => ("plans", place(city, Key::Sign(s)).1),
        Key::Guidance => ("guidance", "all".into()),
        Key::Expected(f) => ("expected", place(city, Key::Facility(f)).1),
    }
}

/// A product of another configuration than `city` keeps its number: a reader of the board must never end the engine.
fn id(known: Option<&str>, index: u32) -> String {
    known.map_or_else(|| format!("#{index}"), str::to_owned)
}

fn section(city: &City, section: SectionIx) -> String {
    id(city.sections.get(section.at()).map(|s| &*s.id), section.0)
}

/// A link's lasting name in hexadecimal.
fn link(city: &City, link: LinkIx) -> String {
    let known = city.network.as_ref().and_then(|network| network.link(link));
    known.map_or_else(|| format!("#{}", link.0), |link| format!("{:016x}", link.id.0))
}

fn device(city: &City, device: DeviceIx) -> String {
    id(city.devices.get(device.at()).map(|d| &*d.id), device.0)
}

/// A target as the interfaces write it: a section stands behind its garage's id, a group behind its facility's, a place behind `@`.
fn target(city: &City, of: Target) -> String {
    match of {
        Target::Facility(f) => place(city, Key::Facility(f)).1,
        Target::Garage(g) => place(city, Key::Garage(g)).1,
        Target::Section(s) => {
            let garage = city.sections.get(s.at()).map(|s| place(city, Key::Garage(s.garage)).1);
            format!("{}/{}", garage.unwrap_or_else(|| "?".into()), section(city, s))
        }
        Target::Place(p) => format!("@{}", id(city.places.get(p.at()).map(|p| &*p.id), p.0)),
        Target::Group { facility, group } => {
            format!("{}:{}", place(city, Key::Facility(facility)).1, group.id())
        }
    }
}

fn text(at: Timestamp) -> Value {
    Value::String(at.to_string())
}

/// The shortest decimal that is this number and no other: a plain widening would write 31.4 as 31.399999618530273.
fn float(x: Option<f32>) -> Value {
    x.and_then(|x| x.to_string().parse::<f64>().ok()).map_or(Value::Null, Value::from)
}

fn product(city: &City, product: &Product) -> Map<String, Value> {
    let fields = match product {
        Product::Facility(p) => facility(p),
        Product::Garage(p) => garage(city, p),
        Product::Traffic(p) => json!({
            "detector_occupancy_pct": float(p.detector_occupancy_pct),
            "flow_vph": p.flow_vph,
            "interval_s": p.interval_s,
            "kind": "traffic",
            "late_readings": p.late_readings,
            "observed_at": p.observed_at,
            "quality": p.quality,
            "sensors": p.sensors,
            "speed_kmh": float(p.speed_kmh),
            "valid_until": p.valid_until,
            "vehicles": p.vehicles,
        }),
        Product::Bicycle(p) => json!({
            "inbound": p.inbound,
            "interval_s": p.interval_s,
            "kind": "bicycle",
            "late_readings": p.late_readings,
            "observed_at": p.observed_at,
            "outbound": p.outbound,
            "quality": p.quality,
            "sensors": p.sensors,
            "valid_until": p.valid_until,
        }),
        Product::Face(p) => face(city, p),
        Product::Forecast(p) => json!({
            "basis": p.basis,
            "made_at": p.made_at,
            "points": p.points,
            "valid_until": p.valid_until,
        }),
        Product::Health(p) => json!({
            "health": p.health,
            "life": p.life,
            "limit": float(p.limit),
            "rule": p.rule,
            "seen": float(p.seen),
            "since": p.since,
        }),
        Product::Zone(p) => json!({
            "alarm": p.alarm,
            "balance": p.balance.map(|b| json!({
                "capacity": b.capacity,
                "demand_mean": float(Some(b.demand_mean)),
                "demand_peak": b.demand_peak,
                "full_s": b.full_s,
            })),
            "departures": p.departures,
            "hour": p.hour,
            "last_hour_pct": float(p.last_hour_pct),
            "overstays": p.overstays,
            "overstays_begun": p.overstays_begun,
            "pressure_pct": float(p.pressure_pct),
        }),
        Product::Link(_)
        | Product::Corridor(_)
        | Product::Jams(_)
        | Product::Incident(_)
        | Product::Situation(_)
        | Product::Controller(_)
        | Product::Air(_) => roads::product(city, product),
        Product::Plan(_) | Product::Guidance(_) | Product::Expected(_) => guidance::product(city, product),
        Product::Sign(p) => json!({
            "connected": p.connected,
            "displayed_at": p.displayed_at,
            "displayed_version": p.displayed_version,
            "fault": p.fault.map(|fault| format!("{fault:?}")),
            "heard_at": p.heard_at,
        }),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn facility(p: &FacilityState) -> Value {
    json!({
        "capacity": p.capacity,
        "certainty": p.certainty,
        "free": p.free,
        "groups": p.groups,
        "lost_messages": p.lost_messages,
        "observed_at": p.observed_at,
        "occupied": p.occupied,
        "occupied_uncorrected": p.occupied_uncorrected,
        "opening": p.opening,
        "quality": p.quality,
        "sensors": p.sensors,
        "status": p.status,
        "valid_until": p.valid_until,
    })
}

fn garage(city: &City, p: &GarageState) -> Value {
    let sections: Vec<_> = p
        .sections
        .iter()
        .map(|s| {
            json!({
                "capacity": s.capacity,
                "certainty": s.certainty,
                "free": s.free,
                "id": section(city, s.section),
                "observed_at": s.observed_at,
                "quality": s.quality,
                "status": s.status,
                "valid_until": s.valid_until,
            })
        })
        .collect();
    json!({
        "capacity": p.capacity,
        "free": p.free,
        "observed_at": p.observed_at,
        "quality": p.quality,
        "sections": sections,
        "sensors": p.sensors,
        "unmoved": p.unmoved.as_ref().map(|unmoved| self::unmoved(city, unmoved)),
        "valid_until": p.valid_until,
    })
}

fn unmoved(city: &City, p: &Unmoved) -> Value {
    let places: Vec<_> = p
        .places
        .iter()
        .map(|place| {
            let of = city.sections.get(place.section.at());
            let id = of.and_then(|s| s.sources.places.get(place.place as usize)).map(|place| &*place.id);
            json!({ "place": id, "section": section(city, place.section), "since": place.since })
        })
        .collect();
    json!({ "after_s": p.after_s, "places": places, "watched": p.watched })
}

fn face(city: &City, p: &Face) -> Value {
    let rows: Vec<_> = p
        .rows
        .iter()
        .map(|row| {
            json!({
                "arrow": row.arrow,
                "figure": row.figure,
                "label": &*row.label,
                "target": target(city, row.target),
            })
        })
        .collect();
    json!({
        "advice": p.advice,
        "decided_at": p.decided_at,
        "multi": p.multi,
        "reason": crate::reasons(p, city),
        "rows": rows,
        "trigger": p.trigger.map(|t| trigger(city, t)),
        "valid_until": p.valid_until,
        "version": p.version,
    })
}

fn trigger(city: &City, t: Trigger) -> Value {
    json!({ "device": device(city, t.device), "observed_at": t.observed_at, "sequence": t.sequence })
}

mod guidance;
mod roads;
#[cfg(test)]
mod tests;
