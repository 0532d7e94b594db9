//! Situations, both ways.

use vlot_model::{
    City, Detour, Effect, LinkId, LinkIx, Location, LonLat, Mode, Modes, Phase, Situation, SituationKind,
    SituationState, Tick,
};

use super::timestamp;
use crate::wire::common::v1 as common;
use crate::wire::traffic::v1 as wire;

/// A link's lasting name as text.
pub(crate) fn link_id(id: LinkId) -> String {
    format!("{:016x}", id.0)
}

fn link_ids(city: &City, links: &[LinkIx]) -> Vec<String> {
    let Some(network) = &city.network else { return Vec::new() };
    links.iter().filter_map(|link| Some(link_id(network.link(*link)?.id))).collect()
}

fn position(p: LonLat) -> common::Position {
    common::Position { latitude: p.lat, longitude: p.lon }
}

fn mode(mode: Mode) -> common::TravelMode {
    match mode {
        Mode::Car => common::TravelMode::Car,
        Mode::Bicycle => common::TravelMode::Bicycle,
        Mode::Foot => common::TravelMode::Foot,
        Mode::Bus => common::TravelMode::Bus,
    }
}

pub(crate) fn modes_of(modes: Modes) -> Vec<i32> {
    Mode::ALL.into_iter().filter(|m| modes.has(*m)).map(|m| mode(m).into()).collect()
}

/// The modes that a request names; none: all. `None`: one of them is none.
pub(crate) fn modes(stated: &[i32]) -> Option<Modes> {
    if stated.is_empty() {
        return Some(Modes::ALL);
    }
    stated.iter().try_fold(Modes::NONE, |modes, stated| {
        Some(modes.with(match common::TravelMode::try_from(*stated).ok()? {
            common::TravelMode::Unspecified => return None,
            common::TravelMode::Car => Mode::Car,
            common::TravelMode::Bicycle => Mode::Bicycle,
            common::TravelMode::Foot => Mode::Foot,
            common::TravelMode::Bus => Mode::Bus,
        }))
    })
}

pub(crate) fn kind(kind: SituationKind) -> wire::SituationKind {
    match kind {
        SituationKind::Closure => wire::SituationKind::Closure,
        SituationKind::Works => wire::SituationKind::Works,
        SituationKind::Incident => wire::SituationKind::Incident,
        SituationKind::Event => wire::SituationKind::Event,
        SituationKind::Notice => wire::SituationKind::Notice,
    }
}

pub(crate) fn phase(phase: Phase) -> wire::SituationPhase {
    match phase {
        Phase::Planned => wire::SituationPhase::Planned,
        Phase::Active => wire::SituationPhase::Active,
        Phase::Paused => wire::SituationPhase::Paused,
        Phase::Ended => wire::SituationPhase::Ended,
    }
}

fn effect(effect: Effect) -> wire::SituationEffect {
    use wire::situation_effect::Effect as Wire;
    wire::SituationEffect {
        effect: Some(match effect {
            Effect::Closed => Wire::Closed(true),
            Effect::None => Wire::Closed(false),
            Effect::LanesClosed { lanes } => Wire::LanesClosed(lanes.into()),
            Effect::SpeedLimit { kmh } => Wire::SpeedLimitKmh(kmh),
        }),
    }
}

fn location(location: &Location) -> wire::SituationLocation {
    use wire::situation_location::Place;
    wire::SituationLocation {
        place: Some(match location {
            Location::Point(point) => Place::Point(position(*point)),
            Location::Line(points) => {
                let points = points.iter().map(|p| position(*p)).collect();
                Place::Line(wire::SituationLine { points })
            }
            Location::Links(links) => {
                let ids = links.iter().map(|link| link_id(*link)).collect();
                Place::Links(wire::SituationLinks { ids })
            }
        }),
    }
}

fn stated(of: &Situation) -> wire::SituationStatement {
    wire::SituationStatement {
        id: of.id.to_string(),
        kind: kind(of.kind).into(),
        headline: of.headline.to_string(),
        effect: Some(effect(of.effect)),
        modes: modes_of(of.modes),
        location: Some(location(&of.location)),
        both_directions: of.both_directions,
        from: Some(timestamp(of.from)),
        until: of.until.map(timestamp),
        hours: of.hours.as_deref().unwrap_or_default().to_owned(),
    }
}

fn detour(city: &City, of: &Detour) -> wire::SituationDetour {
    let exists = !of.links.is_empty();
    let shape = city.network.iter().flat_map(|network| {
        // Each link begins where the one before ends.
        let tail = |(at, link): (usize, &LinkIx)| {
            network.shape(*link).iter().skip(usize::from(at > 0)).copied().collect::<Vec<_>>()
        };
        of.links.iter().enumerate().flat_map(tail)
    });
    let closed = city.network.as_ref().zip(of.around.first().zip(of.around.last()));
    let bearing_deg = closed.and_then(|(network, (first, last))| {
        let (start, end) = (*network.shape(*first).first()?, *network.shape(*last).last()?);
        #[expect(clippy::cast_possible_truncation, reason = "degrees")]
        let bearing_deg = vlot_network::geo::bearing_deg(start, end).rem_euclid(360.0) as f32;
        (start != end).then_some(bearing_deg)
    });
    wire::SituationDetour {
        around_link_ids: link_ids(city, &of.around),
        bearing_deg,
        street: closed.map(|(network, (first, _))| network.name(*first).to_owned()).unwrap_or_default(),
        mode: mode(of.mode).into(),
        exists,
        link_ids: link_ids(city, &of.links),
        shape: shape.map(position).collect(),
        travel_time_s: exists.then_some(of.travel_time_s),
        extra_s: exists.then_some(of.extra_s),
    }
}

/// A situation as it stands.
pub(crate) fn situation(city: &City, version: Tick, state: &SituationState) -> wire::Situation {
    wire::Situation {
        stated: Some(stated(&state.situation)),
        source: state.situation.source.to_string(),
        slot: state.slot.0,
        phase: phase(state.phase).into(),
        since: Some(timestamp(state.since)),
        link_ids: link_ids(city, &state.links),
        detours: state.detours.iter().map(|d| detour(city, d)).collect(),
        version,
    }
}
