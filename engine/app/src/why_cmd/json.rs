//! The answer for programs, named as in the .proto files.

use anyhow::Result;
use serde_json::{Value, json};
use vlot_proto::guidance::v1::{ComparedLine, Guidance, PlaceReadings, WhyResponse};
use vlot_proto::sign::v1::Face;
use vlot_proto::sign::v1::row::Figure;

use super::of_wire;

pub(crate) fn json(answer: &WhyResponse) -> Result<String> {
    let decision = answer.decision.as_ref().map(|d| {
        json!({
            "advised_line": d.advised_line,
            "advised_since": time(d.advised_since),
            "decided_at": time(d.decided_at),
            "reason": d.reason().as_str_name().trim_start_matches("ADVICE_REASON_"),
            "seekers_vph": number(d.seekers_vph),
            "why": d.why,
        })
    });
    let whole = json!({
        "at": time(answer.at),
        "decision": decision,
        "face": answer.face.as_ref().map(face),
        "guidance": answer.guidance.as_ref().map(guidance),
        "journal_from": time(answer.journal_from),
        "lines": answer.lines.iter().map(line).collect::<Vec<_>>(),
        "readings": answer.readings.iter().map(readings).collect::<Vec<_>>(),
        "sign_id": answer.sign_id,
        "sign_name": answer.sign_name,
        "tick": answer.tick,
    });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

fn face(face: &Face) -> Value {
    let reason = face.reason.clone().unwrap_or_default();
    let rows: Vec<_> = face
        .rows
        .iter()
        .zip(reason.rows.iter().map(Some).chain(std::iter::repeat(None)))
        .map(|(row, why)| {
            let shown = match row.figure {
                Some(Figure::Free(free)) => json!(free),
                Some(Figure::Word(_)) => {
                    let full = vlot_proto::common::v1::Status::Full.into();
                    json!(if row.figure == Some(Figure::Word(full)) { "full" } else { "closed" })
                }
                Some(Figure::Blank(_)) | None => Value::Null,
            };
            json!({
                "arrow": row.arrow().as_str_name().trim_start_matches("ARROW_").to_lowercase(),
                "label": row.label,
                "shown": shown,
                "target_id": row.target_id,
                "why": why,
            })
        })
        .collect();
    json!({
        "advised_row": face.advised_row,
        "decided_at": time(face.decided_at),
        "multi": face.multi,
        "rows": rows,
        "valid_until": time(face.valid_until),
        "version": face.version,
    })
}

fn line(line: &ComparedLine) -> Value {
    let arrival = line.arrival.as_ref().map(|a| {
        json!({
            "after_s": number(a.after_s),
            "basis": a.basis().as_str_name().trim_start_matches("ARRIVAL_BASIS_").to_lowercase(),
            "chance": number(a.chance),
            "free": number(a.free),
            "free_high": number(a.free_high),
            "free_low": number(a.free_low),
            "on_the_way": number(a.on_the_way),
        })
    });
    json!({
        "advised": line.advised,
        "arrival": arrival,
        "cost_s": line.cost_s.map(number),
        "drive_s": line.drive_s.map(number),
        "full_at": line.full_at,
        "length_m": line.length_m.map(number),
        "name": line.name,
        "reopen_at": line.reopen_at,
        "streets": line.streets,
        "target_id": line.target_id,
        "walk_s": line.walk_s.map(number),
        "walk_and_risk_s": line.walk_and_risk_s.map(number),
        "way": line.way().as_str_name().trim_start_matches("WAY_KIND_").to_lowercase(),
        "why": line.why,
    })
}

fn readings(place: &PlaceReadings) -> Value {
    let said = place.readings.iter().map(|r| {
        json!({
            "device_id": r.device_id,
            "observed_at": time(r.observed_at),
            "received_at": time(r.received_at),
            "said": r.said,
            "sequence": r.sequence,
        })
    });
    json!({
        "devices": place.devices,
        "devices_heard": place.devices_heard,
        "name": place.name,
        "readings": said.collect::<Vec<_>>(),
        "target_id": place.target_id,
    })
}

fn guidance(guidance: &Guidance) -> Value {
    let c = guidance.compliance.unwrap_or_default();
    let loads = guidance.loads.iter().map(|load| {
        json!({
            "facility_id": load.facility_id,
            "leaving_vph": number(load.leaving_vph),
            "on_the_way": number(load.on_the_way),
            "own_vph": number(load.own_vph),
            "sent_vph": number(load.sent_vph),
        })
    });
    json!({
        "compliance": { "minutes": number(c.minutes), "sd": number(c.sd), "share": number(c.share) },
        "entries_vph": number(guidance.entries_vph),
        "loads": loads.collect::<Vec<_>>(),
        "mode": guidance.mode,
        "proven_at": time(guidance.proven_at),
        "refused": guidance.refused.as_ref().map(|r| json!({ "faults": r.faults, "since": time(r.since) })),
        "why": guidance.why,
    })
}

fn time(t: Option<prost_types::Timestamp>) -> Option<String> {
    t.map(|t| of_wire(t).to_string())
}

/// The shortest decimal that is this number: a plain widening would write 31.4 as 31.399999618530273.
fn number(x: f32) -> Value {
    x.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
