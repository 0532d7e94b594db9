//! What an operator states, checked.

use tonic::Status;
use vlot_model::{
    Effect, Key, LinkId, Location, LonLat, Situation, SituationKind, Tick, Timestamp, Value, Verdict,
};
use vlot_network::geo;

use super::{Entry, OPERATOR, Shared, state};
use crate::acts::ask::{is_id, is_line, wrong};
use crate::convert;
use crate::filter::clip;
use crate::wire::common::v1::Position;
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::situation_effect::Effect as WireEffect;
use crate::wire::traffic::v1::situation_location::Place;

const HEADLINE_CHARS: usize = 200;
const HOURS_CHARS: usize = 200;
const LINE_POINTS: usize = 500;
const LINE_M: f64 = 50_000.0;
const LINKS: usize = 2_000;

/// A statement by an operator who says it at `now`.
pub(super) fn situation(
    shared: &Shared,
    stated: Option<wire::SituationStatement>,
    act_id: &str,
    now: Timestamp,
) -> Result<Situation, Status> {
    let stated = stated.ok_or_else(|| wrong("situation", "is required"))?;
    let kind = kind(stated.kind())?;
    let modes = convert::modes(&stated.modes)
        .ok_or_else(|| wrong("situation.modes", "has one that is no mode of travel"))?;
    let wire::SituationStatement {
        id, headline, effect, location, both_directions, from, until, hours, ..
    } = stated;
    let id = if id.is_empty() { act_id.to_owned() } else { id };
    if !is_id(&id) {
        return Err(wrong("situation.id", "1 to 64 of A-Z a-z 0-9 . _ : -"));
    }
    let headline = headline.trim();
    if !is_line(headline, HEADLINE_CHARS) {
        let what =
            format!("is required: one line of at most {HEADLINE_CHARS} characters that people can read");
        return Err(wrong("situation.headline", what));
    }
    let instant = |field: &str, at: Option<prost_types::Timestamp>| {
        at.map(|at| convert::instant(&at).ok_or_else(|| wrong(field, "is no instant"))).transpose()
    };
    let from = instant("situation.from", from)?.unwrap_or(now);
    let until = instant("situation.until", until)?;
    if let Some(until) = until {
        if until <= from {
            return Err(wrong("situation.until", format!("{until} is not after the beginning, {from}")));
        }
        if until <= now {
            return Err(wrong("situation.until", format!("{until} is over; the engine's clock says {now}")));
        }
    }
    if hours.len() > HOURS_CHARS {
        return Err(wrong("situation.hours", format!("at most {HOURS_CHARS} characters")));
    }
    if let Some((what, hint)) =
        Some(&hours).filter(|h| !h.is_empty()).and_then(|h| vlot_hours::wrong_hours(h))
    {
        return Err(wrong("situation.hours", format!("{what} (hint: {hint})")));
    }
    Ok(Situation {
        id: id.into(),
        source: OPERATOR.into(),
        kind,
        headline: headline.into(),
        effect: self::effect(effect, kind)?,
        modes,
        location: self::location(shared, location)?,
        both_directions,
        from,
        until,
        hours: (!hours.is_empty()).then(|| hours.into()),
        withdrawn: false,
    })
}

fn kind(kind: wire::SituationKind) -> Result<SituationKind, Status> {
    Ok(match kind {
        wire::SituationKind::Unspecified => {
            return Err(wrong(
                "situation.kind",
                "is required (hint: SITUATION_KIND_CLOSURE closes a street)",
            ));
        }
        wire::SituationKind::Closure => SituationKind::Closure,
        wire::SituationKind::Works => SituationKind::Works,
        wire::SituationKind::Incident => SituationKind::Incident,
        wire::SituationKind::Event => SituationKind::Event,
        wire::SituationKind::Notice => SituationKind::Notice,
    })
}

fn effect(effect: Option<wire::SituationEffect>, kind: SituationKind) -> Result<Effect, Status> {
    Ok(match effect.and_then(|effect| effect.effect) {
        None if kind == SituationKind::Closure => Effect::Closed,
        None | Some(WireEffect::Closed(false)) => Effect::None,
        Some(WireEffect::Closed(true)) => Effect::Closed,
        Some(WireEffect::LanesClosed(lanes)) => match u8::try_from(lanes) {
            Ok(lanes @ 1..=10) => Effect::LanesClosed { lanes },
            _ => return Err(wrong("situation.effect.lanes_closed", format!("{lanes} is not 1 to 10"))),
        },
        Some(WireEffect::SpeedLimitKmh(kmh)) if kmh > 0.0 && kmh <= 200.0 => Effect::SpeedLimit { kmh },
        Some(WireEffect::SpeedLimitKmh(kmh)) => {
            let what = format!("{kmh} is not above 0 and at most 200 km/h");
            return Err(wrong("situation.effect.speed_limit_kmh", what));
        }
    })
}

fn point(field: &str, at: &Position) -> Result<LonLat, Status> {
    let Position { latitude: lat, longitude: lon } = *at;
    if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) {
        Ok(LonLat { lon, lat })
    } else {
        Err(wrong(field, format!("{lat} north, {lon} east is no place on earth")))
    }
}

fn location(shared: &Shared, location: Option<wire::SituationLocation>) -> Result<Location, Status> {
    const FIELD: &str = "situation.location";
    match location.and_then(|location| location.place) {
        None => Err(wrong(FIELD, "is required: a point, a line or links")),
        Some(Place::Point(at)) => Ok(Location::Point(point("situation.location.point", &at)?)),
        Some(Place::Line(line)) => {
            let field = "situation.location.line";
            if !(2..=LINE_POINTS).contains(&line.points.len()) {
                let what = format!("has {} points where 2 to {LINE_POINTS} are taken", line.points.len());
                return Err(wrong(field, what));
            }
            let points: Vec<_> = line.points.iter().map(|p| point(field, p)).collect::<Result<_, _>>()?;
            let length_m = geo::length_m(&points);
            if !(length_m > 0.0 && length_m <= LINE_M) {
                return Err(wrong(
                    field,
                    format!("is {length_m:.0} m long, not above 0 and at most {LINE_M:.0}"),
                ));
            }
            Ok(Location::Line(points))
        }
        Some(Place::Links(links)) => {
            let field = "situation.location.links";
            if !(1..=LINKS).contains(&links.ids.len()) {
                let what = format!("has {} links where 1 to {LINKS} are taken", links.ids.len());
                return Err(wrong(field, what));
            }
            let link = |id: &String| link(shared, field, id);
            Ok(Location::Links(links.ids.iter().map(link).collect::<Result<_, _>>()?))
        }
    }
}

fn link(shared: &Shared, field: &str, text: &str) -> Result<LinkId, Status> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let id =
        digits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(LinkId).ok_or_else(|| {
            wrong(field, format!("{:?} is no link (hint: 16 hexadecimal digits)", clip(text)))
        })?;
    let network = shared.context.city.network.as_ref();
    network.and_then(|network| network.find(id)).map(|_| id).ok_or_else(|| {
        wrong(
            field,
            format!("the city's network has no link {text:?} (hint: WatchLinks and the board name them)"),
        )
    })
}

/// That no operator's situation has that id, with what it may be instead.
pub(super) fn unknown(id: &str, all: &[(Tick, Entry)]) -> Status {
    let of_feed = all.iter().filter_map(|(_, entry)| state(entry)).find(|s| &*s.situation.id == id);
    let hint = match of_feed {
        Some(state) if &*state.situation.source != OPERATOR => {
            format!("{:?} keeps one of that id and alone takes it back", clip(&state.situation.source))
        }
        _ => "ListSituations names them; what ended more than an hour ago is forgotten".to_owned(),
    };
    Status::not_found(format!("no operator's situation {:?} stands (hint: {hint})", clip(id)))
}

/// A word on a suspected incident.
pub(super) fn verdict(
    shared: &Shared,
    link_id: &str,
    judgement: wire::IncidentJudgement,
) -> Result<Value, Status> {
    let verdict = match judgement {
        wire::IncidentJudgement::Confirmed => Verdict::Confirmed,
        wire::IncidentJudgement::Dismissed => Verdict::Dismissed,
        wire::IncidentJudgement::Unspecified => {
            return Err(wrong("judgement", "is required: confirmed or dismissed"));
        }
    };
    let link = link(shared, "link_id", link_id)?;
    let context = &shared.context;
    let at = context.city.network.as_ref().and_then(|network| network.find(link));
    if at.and_then(|at| context.board.get(Key::Incident(at))).is_none() {
        return Err(Status::not_found(format!("no incident is suspected on link {link_id:?}")));
    }
    Ok(Value::IncidentVerdict { link, verdict })
}
