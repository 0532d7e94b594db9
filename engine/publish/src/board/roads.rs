//! What is known of the streets, as JSON.

use serde_json::{Value, json};
use vlot_model::{City, Incident, Jam, LinkIx, LinkState, Product, Situation, SituationState};

use super::{float, link};

/// `Null` for products that are not of the streets.
pub(super) fn product(city: &City, product: &Product) -> Value {
    match product {
        Product::Link(p) => state(p),
        Product::Corridor(p) => json!({
            "closed": p.closed,
            "free_flow_s": float(Some(p.free_flow_s)),
            "measured_pct": float(Some(p.measured_pct)),
            "observed_at": p.observed_at,
            "quality": p.quality,
            "travel_time_high_s": float(p.travel_time_high_s),
            "travel_time_low_s": float(p.travel_time_low_s),
            "travel_time_s": float(p.travel_time_s),
            "valid_until": p.valid_until,
        }),
        Product::Jams(p) => json!({ "jams": p.jams.iter().map(|j| jam(city, j)).collect::<Vec<_>>() }),
        Product::Incident(p) => incident(p),
        Product::Situation(p) => situation(city, p),
        Product::Controller(p) => json!({
            "observed_at": p.observed_at,
            "plan": p.plan,
            "quality": p.quality,
            "state": p.state,
            "valid_until": p.valid_until,
        }),
        Product::Air(p) => {
            let value = |v: &vlot_model::AirValue| json!({ "observed_at": v.observed_at, "quantity": v.quantity, "value": float(Some(v.value)) });
            json!({ "quality": p.quality, "values": p.values.iter().map(value).collect::<Vec<_>>() })
        }
        _ => Value::Null,
    }
}

fn state(p: &LinkState) -> Value {
    // Of a closed street no speed is known.
    let open = |x: f32| float(Some(x).filter(|_| !p.is_closed()));
    let name = |s: &Situation| json!({ "id": s.id, "modes": s.modes, "source": s.source, "until": s.until });
    json!({
        "closed": p.is_closed(),
        "flow_vph": p.flow_vph,
        "level": (!p.is_closed()).then_some(p.level),
        "observed_at": p.observed_at,
        "probes": p.probes,
        "quality": p.quality,
        "situations": p.situations.iter().map(|s| name(s)).collect::<Vec<_>>(),
        "sources": p.sources,
        "speed_high_kmh": open(p.speed_high_kmh),
        "speed_kmh": open(p.speed_kmh),
        "speed_limit_kmh": float(p.limit_kmh()),
        "speed_low_kmh": open(p.speed_low_kmh),
        "travel_time_s": open(p.travel_time_s),
        "valid_until": p.valid_until,
    })
}

pub(super) fn links(city: &City, of: &[LinkIx]) -> Vec<String> {
    of.iter().map(|l| link(city, *l)).collect()
}

fn jam(city: &City, p: &Jam) -> Value {
    json!({
        "delay_s": float(Some(p.delay_s)),
        "head": link(city, p.head),
        "length_m": float(Some(p.length_m)),
        "links": links(city, &p.links),
        "since": p.since,
        "tail": link(city, p.tail),
    })
}

fn incident(p: &Incident) -> Value {
    json!({
        "ended": p.ended,
        "limit": float(Some(p.limit)),
        "rule": p.rule,
        "seen": float(Some(p.seen)),
        "since": p.since,
        "verdict": p.verdict,
    })
}

fn situation(city: &City, p: &SituationState) -> Value {
    let detours: Vec<_> = p
        .detours
        .iter()
        .map(|d| {
            json!({
                "extra_s": float(Some(d.extra_s)),
                "links": links(city, &d.links),
                "mode": d.mode,
                "travel_time_s": float(Some(d.travel_time_s)),
            })
        })
        .collect();
    json!({
        "detours": detours,
        "id": p.situation.id,
        "links": links(city, &p.links),
        "phase": p.phase,
        "since": p.since,
        "source": p.situation.source,
        "stated": p.situation,
    })
}
