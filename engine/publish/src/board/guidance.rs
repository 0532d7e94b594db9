//! What signs advise, as JSON.

use serde_json::{Value, json};
use vlot_model::{Arrival, City, GuidanceState, Key, LinePlan, LineWay, Product, SignPlan};

use super::{float, place, roads};

pub(super) fn product(city: &City, product: &Product) -> Value {
    match product {
        Product::Plan(p) => plan(city, p),
        Product::Guidance(p) => guidance(city, p),
        Product::Expected(p) => {
            let minute =
                |m: &vlot_model::ExpectedMinute| json!({ "minute": m.minute, "vehicles": m.vehicles });
            json!({ "arrivals": p.arrivals.iter().map(minute).collect::<Vec<_>>() })
        }
        _ => Value::Null,
    }
}

fn plan(city: &City, p: &SignPlan) -> Value {
    json!({
        "advice": p.advice,
        "advised_since": p.advised_since,
        "decided_at": p.decided_at,
        "edge": p.edge.map(|edge| json!({
            "drive_s": float(Some(edge.drive_s)),
            "in_s": float(Some(edge.in_s)),
            "line": edge.line,
            "onward_s": float(Some(edge.onward_s)),
        })),
        "lines": p.lines.iter().map(|l| line(city, l)).collect::<Vec<_>>(),
        "reason": p.reason,
        "seekers_vph": float(Some(p.seekers_vph)),
    })
}

fn line(city: &City, line: &LinePlan) -> Value {
    let way = match &line.way {
        LineWay::Configured => json!("configured"),
        LineWay::None => Value::Null,
        LineWay::Live(way) => json!({
            "arrow": way.arrow,
            "end_m": float(Some(way.end_m)),
            "length_m": float(Some(way.length_m)),
            "links": roads::links(city, &way.links),
            "start_m": float(Some(way.start_m)),
            "travel_time_s": float(Some(way.travel_time_s)),
        }),
    };
    json!({ "avoid": line.avoid, "arrival": line.arrival.as_ref().map(arrival), "cost_s": float(line.cost_s), "walk_s": float(line.walk_s), "way": way })
}

fn arrival(a: &Arrival) -> Value {
    json!({
        "after_s": float(Some(a.after_s)),
        "basis": a.basis,
        "chance": float(Some(a.chance)),
        "free": float(Some(a.free)),
        "free_high": float(Some(a.free_high)),
        "free_low": float(Some(a.free_low)),
        "on_the_way": float(Some(a.on_the_way)),
    })
}

fn guidance(city: &City, p: &GuidanceState) -> Value {
    let load = |l: &vlot_model::FacilityLoad| {
        json!({
            "facility": place(city, Key::Facility(l.facility)).1,
            "leaving_vph": float(Some(l.leaving_vph)),
            "on_the_way": float(Some(l.on_the_way)),
            "own_vph": float(Some(l.own_vph)),
            "sent_vph": float(Some(l.sent_vph)),
        })
    };
    json!({
        "compliance": {
            "minutes": float(Some(p.compliance.minutes)),
            "sd": float(Some(p.compliance.sd)),
            "share": float(Some(p.compliance.share)),
        },
        "entries_vph": float(Some(p.entries_vph)),
        "loads": p.loads.iter().map(load).collect::<Vec<_>>(),
        "mode": p.mode,
        "proven_at": p.proven_at,
        "seeking_vph": float(Some(p.seeking_vph)),
        "refused": p.refused.as_ref().map(|r| json!({ "faults": r.faults, "since": r.since })),
    })
}
