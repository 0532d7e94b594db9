//! Why a sign says what it says, of one board: the engine's own, or one that was brought back.

use prost::Message;
use vlot_model::{
    Board, City, Entry, Face, GuidanceState, Key, LinePlan, LineWay, Product, SignIx, SignLine, SignPlan,
    Target,
};

use super::readings;
use crate::convert::{self, timestamp};
use crate::past::{Said, Then};
use crate::wire::guidance::v1 as wire;

/// Looks at a board that changes all the time; the last one is good but for the tick's own instant.
const LOOKS: usize = 8;

/// Of the past, as an encoded `vlot.guidance.v1.WhyResponse`; `None`: there was no such sign. For who has brought the past back
/// without a server.
#[must_use]
pub fn why_then(then: &Then, sign_id: &str) -> Option<Vec<u8>> {
    of_then(then, sign_id).map(|answer| answer.encode_to_vec())
}

/// Of the past, with what devices had said.
pub(super) fn of_then(then: &Then, sign_id: &str) -> Option<wire::WhyResponse> {
    let sign = then.city.signs.iter().position(|sign| *sign.id == *sign_id)?;
    let sign = SignIx::from_position(sign);
    let mut answer = of(&then.city, &then.board, sign)?;
    with_readings(&mut answer, &then.city, sign, &then.said);
    Some(answer)
}

/// Adds what devices had said.
pub(super) fn with_readings(answer: &mut wire::WhyResponse, city: &City, sign: SignIx, said: &Said) {
    answer.journal_from = Some(timestamp(said.begins));
    let lines = city.signs.get(sign.at()).map_or(&[][..], |sign| &sign.lines);
    answer.readings = readings::of_lines(city, &said.readings, lines);
}

/// Of a board, all of one tick.
pub(super) fn of(city: &City, board: &Board, ix: SignIx) -> Option<wire::WhyResponse> {
    let sign = city.signs.get(ix.at())?;
    let look = || {
        board.changed_since(0, |key| match key {
            Key::Face(of) | Key::Plan(of) => of == ix,
            key => key == Key::Guidance,
        })
    };
    // The tick and its instant are published one after the other: looked at again where both did not stand still.
    let (mut tick, mut entries) = look();
    let mut at = board.completed_at();
    for _ in 0..LOOKS {
        if board.completed() == tick {
            break;
        }
        (tick, entries) = look();
        at = board.completed_at();
    }
    let (mut face, mut plan, mut state) = (None, None, None);
    for (_, Entry { product, .. }) in &entries {
        match &**product {
            Product::Face(of) => face = Some(of),
            Product::Plan(of) => plan = Some(of),
            Product::Guidance(of) => state = Some(of),
            _ => {}
        }
    }
    let told = plan.map(|plan| told(city, plan, face.map(|face| &**face), state));
    let (decision, lines) = told.unzip();
    Some(wire::WhyResponse {
        sign_id: sign.id.to_string(),
        sign_name: sign.name.clone(),
        tick,
        at: Some(timestamp(at)),
        journal_from: None,
        face: face.map(|face| convert::face(city, face)),
        decision,
        lines: lines.unwrap_or_default(),
        readings: Vec::new(),
        guidance: state.map(|state| convert::guidance(city, state)),
    })
}

fn told(
    city: &City,
    plan: &SignPlan,
    face: Option<&Face>,
    state: Option<&GuidanceState>,
) -> (wire::Decision, Vec<wire::ComparedLine>) {
    let why = vlot_publish::plan_reasons(plan, face, state, city);
    let of = city.signs.get(plan.sign.at()).map_or(&[][..], |sign| &sign.lines);
    let lines = of.iter().zip(&plan.lines).zip(why.lines).zip(0..);
    let lines = lines
        .map(|(((line, planned), why), n)| compared(city, line, planned, plan.advice == Some(n), why))
        .collect();
    let decision = wire::Decision {
        advised_line: plan.advice,
        advised_since: plan.advised_since.map(timestamp),
        decided_at: Some(timestamp(plan.decided_at)),
        reason: convert::advice_reason(plan.reason).into(),
        why: why.advice,
        seekers_vph: plan.seekers_vph,
    };
    (decision, lines)
}

fn compared(
    city: &City,
    line: &SignLine,
    planned: &LinePlan,
    advised: bool,
    why: String,
) -> wire::ComparedLine {
    let (way, length_m) = match &planned.way {
        LineWay::Configured => (wire::WayKind::Configured, None),
        LineWay::Live(way) => (wire::WayKind::Live, Some(way.length_m)),
        LineWay::None => (wire::WayKind::None, None),
    };
    let limits = match line.target {
        Target::Facility(f) => city.facilities.get(f.at()).map(|f| (f.full_at, f.reopen_at)),
        // A group is full with its last space.
        Target::Place(_) | Target::Group { .. } => None,
        Target::Section(s) => city.sections.get(s.at()).map(|s| (s.full_at, s.reopen_at)),
        Target::Garage(_) => None,
    };
    let drive_s = vlot_publish::drive_s(planned, Some(line));
    wire::ComparedLine {
        target_id: convert::target(city, line.target),
        name: vlot_publish::target_name(city, line.target).to_owned(),
        advised,
        way: way.into(),
        drive_s,
        length_m,
        streets: streets(city, &planned.way),
        walk_s: planned.walk_s,
        walk_and_risk_s: planned.cost_s.zip(drive_s).map(|(cost, drive)| (cost - drive).max(0.0)),
        arrival: planned.arrival.as_ref().map(convert::arrival),
        cost_s: planned.cost_s,
        full_at: limits.map(|l| l.0),
        reopen_at: limits.map(|l| l.1),
        why,
    }
}

/// The streets of a way, each once where it is driven on at a stretch.
fn streets(city: &City, way: &LineWay) -> Vec<String> {
    let (Some(network), LineWay::Live(way)) = (&city.network, way) else { return Vec::new() };
    let mut names: Vec<String> =
        way.links.iter().map(|link| network.name(*link).to_owned()).filter(|name| !name.is_empty()).collect();
    names.dedup();
    names
}
