//! Streets: links, corridors, queues, suspected incidents.

use vlot_model::{
    City, CorridorIx, CorridorState, Effect, Entry, Incident, IncidentRule, Jam, LevelOfService, LinkId,
    LinkIx, LinkState, LonLat, Product, Quality, RoadClass, RoadNetwork, Situation, Tick, Verdict,
};
use vlot_network::polyline;

use super::situation::modes_of;
use super::{Edge, position, timestamp};
use crate::wire::common::v1 as common;
use crate::wire::traffic::v1 as wire;

/// A lasting name as text.
pub(crate) fn id(id: LinkId) -> String {
    format!("{:016x}", id.0)
}

/// The lasting name that a text is.
pub(crate) fn parse_id(text: &str) -> Option<LinkId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok().map(LinkId)).flatten()
}

fn id_of(network: &RoadNetwork, link: LinkIx) -> String {
    network.link(link).map_or_else(String::new, |link| id(link.id))
}

pub(crate) fn ids(network: &RoadNetwork, links: &[LinkIx]) -> Vec<String> {
    links.iter().map(|link| id_of(network, *link)).collect()
}

/// A link with its newest state.
pub(crate) fn link(
    network: &RoadNetwork,
    ix: LinkIx,
    shape: bool,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::Link {
    let Some(link) = network.link(ix) else { return wire::Link::default() };
    wire::Link {
        id: id(link.id),
        name: network.name(ix).to_owned(),
        class: class(link.class).into(),
        length_m: link.length_m,
        free_flow_kmh: link.free_flow_kmh,
        lanes: link.lanes.into(),
        opposite_id: link.opposite.map(|opposite| id_of(network, opposite)).unwrap_or_default(),
        shape: if shape { polyline::encode(network.shape(ix)) } else { String::new() },
        state: entry.and_then(|entry| match &*entry.product {
            Product::Link(state) => Some(link_state(state, entry.version, edge)),
            _ => None,
        }),
    }
}

/// What is told of a situation beside the link that it is on.
fn bound(s: &Situation) -> wire::LinkSituation {
    wire::LinkSituation {
        source: s.source.to_string(),
        id: s.id.to_string(),
        headline: s.headline.to_string(),
        closes: s.effect == Effect::Closed,
        modes: modes_of(s.modes),
        until: s.until.map(timestamp),
        hours: s.hours.as_deref().unwrap_or_default().to_owned(),
    }
}

fn link_state(s: &LinkState, version: Tick, edge: &mut Edge) -> wire::LinkState {
    let known = s.quality != Quality::Missing;
    wire::LinkState {
        observed_at: known.then(|| timestamp(s.observed_at)),
        valid_until: known.then(|| timestamp(s.valid_until)),
        quality: edge.quality(s.quality, Some(s.valid_until)).into(),
        speed_kmh: known.then_some(s.speed_kmh),
        speed_low_kmh: known.then_some(s.speed_low_kmh),
        speed_high_kmh: known.then_some(s.speed_high_kmh),
        travel_time_s: known.then_some(s.travel_time_s),
        flow_vph: s.flow_vph.filter(|_| known),
        level: if known { level(s.level) } else { wire::LevelOfService::Unspecified }.into(),
        sources: Some(wire::LinkSources {
            detectors: s.sources.detectors,
            probes: s.sources.probes,
            pairs: s.sources.pairs,
            situations: s.sources.situations,
        }),
        probes: (known && s.probes > 0).then_some(s.probes.into()),
        version,
        closed: s.is_closed(),
        situations: s.situations.iter().map(|s| bound(s)).collect(),
        speed_limit_kmh: s.limit_kmh(),
    }
}

/// The level that holds now: free flow where nothing fresh says otherwise, the worst where it is closed.
pub(crate) fn level_now(state: &LinkState, edge: &mut Edge) -> LevelOfService {
    if state.is_closed() {
        return LevelOfService::F;
    }
    match edge.quality(state.quality, Some(state.valid_until)) {
        common::Quality::Good | common::Quality::Degraded => state.level,
        _ => LevelOfService::A,
    }
}

fn level(level: LevelOfService) -> wire::LevelOfService {
    match level {
        LevelOfService::A => wire::LevelOfService::A,
        LevelOfService::B => wire::LevelOfService::B,
        LevelOfService::C => wire::LevelOfService::C,
        LevelOfService::D => wire::LevelOfService::D,
        LevelOfService::E => wire::LevelOfService::E,
        LevelOfService::F => wire::LevelOfService::F,
    }
}

/// The level that a filter asks for at least; `None`: no such level.
pub(crate) fn level_min(wanted: i32) -> Option<LevelOfService> {
    Some(match wire::LevelOfService::try_from(wanted).ok()? {
        wire::LevelOfService::Unspecified | wire::LevelOfService::A => LevelOfService::A,
        wire::LevelOfService::B => LevelOfService::B,
        wire::LevelOfService::C => LevelOfService::C,
        wire::LevelOfService::D => LevelOfService::D,
        wire::LevelOfService::E => LevelOfService::E,
        wire::LevelOfService::F => LevelOfService::F,
    })
}

fn class(class: RoadClass) -> wire::RoadClass {
    match class {
        RoadClass::Motorway => wire::RoadClass::Motorway,
        RoadClass::Trunk => wire::RoadClass::Trunk,
        RoadClass::Primary => wire::RoadClass::Primary,
        RoadClass::Secondary => wire::RoadClass::Secondary,
        RoadClass::Tertiary => wire::RoadClass::Tertiary,
        RoadClass::Unclassified => wire::RoadClass::Unclassified,
        RoadClass::Residential => wire::RoadClass::Residential,
        RoadClass::LivingStreet => wire::RoadClass::LivingStreet,
        RoadClass::Service => wire::RoadClass::Service,
        RoadClass::Track => wire::RoadClass::Track,
        RoadClass::Pedestrian => wire::RoadClass::Pedestrian,
        RoadClass::Cycleway => wire::RoadClass::Cycleway,
        RoadClass::Path => wire::RoadClass::Path,
        RoadClass::Steps => wire::RoadClass::Steps,
        RoadClass::Busway => wire::RoadClass::Busway,
    }
}

/// A corridor with its newest state.
pub(crate) fn corridor(
    city: &City,
    network: &RoadNetwork,
    ix: CorridorIx,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::Corridor {
    let Some(corridor) = city.corridors.get(ix.at()) else { return wire::Corridor::default() };
    let length = |link: &LinkIx| network.link(*link).map_or(0.0, |link| f64::from(link.length_m));
    wire::Corridor {
        id: corridor.id.to_string(),
        name: corridor.name.clone(),
        link_ids: ids(network, &corridor.links),
        length_m: corridor.links.iter().map(length).sum(),
        state: entry.and_then(|entry| match &*entry.product {
            Product::Corridor(state) => Some(corridor_state(state, entry.version, edge)),
            _ => None,
        }),
    }
}

fn corridor_state(s: &CorridorState, version: Tick, edge: &mut Edge) -> wire::CorridorState {
    wire::CorridorState {
        observed_at: s.observed_at.map(timestamp),
        valid_until: s.valid_until.map(timestamp),
        quality: edge.quality(s.quality, s.valid_until).into(),
        travel_time_s: s.travel_time_s,
        travel_time_low_s: s.travel_time_low_s,
        travel_time_high_s: s.travel_time_high_s,
        free_flow_s: s.free_flow_s,
        measured_pct: s.measured_pct,
        closed: s.closed,
        version,
    }
}

/// A queue.
pub(crate) fn jam(network: &RoadNetwork, jam: &Jam) -> wire::Jam {
    let end = |p: Option<&LonLat>| p.map(|p| position(*p));
    wire::Jam {
        head_link_id: id_of(network, jam.head),
        tail_link_id: id_of(network, jam.tail),
        link_ids: ids(network, &jam.links),
        head_name: network.name(jam.head).to_owned(),
        tail_name: network.name(jam.tail).to_owned(),
        length_m: jam.length_m,
        delay_s: jam.delay_s,
        since: Some(timestamp(jam.since)),
        head: end(network.shape(jam.head).last()),
        tail: end(network.shape(jam.tail).first()),
    }
}

/// A suspected incident.
pub(crate) fn incident(network: &RoadNetwork, incident: &Incident, version: Tick) -> wire::Incident {
    let shape = network.shape(incident.link);
    wire::Incident {
        link_id: id_of(network, incident.link),
        name: network.name(incident.link).to_owned(),
        position: shape.get(shape.len() / 2).map(|p| position(*p)),
        rule: match incident.rule {
            IncidentRule::SuddenDrop => wire::IncidentRule::SuddenDrop,
            IncidentRule::Bottleneck => wire::IncidentRule::Bottleneck,
            IncidentRule::StandingVehicle => wire::IncidentRule::StandingVehicle,
        }
        .into(),
        verdict: match incident.verdict {
            Verdict::Suspected => wire::IncidentVerdict::Suspected,
            Verdict::Confirmed => wire::IncidentVerdict::Confirmed,
            Verdict::Dismissed => wire::IncidentVerdict::Dismissed,
        }
        .into(),
        since: Some(timestamp(incident.since)),
        ended: incident.ended.map(timestamp),
        seen: incident.seen,
        rule_limit: incident.limit,
        version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_names_are_sixteen_digits_and_nothing_else() {
        for n in [0, 7, u64::MAX] {
            assert_eq!(parse_id(&id(LinkId(n))), Some(LinkId(n)));
        }
        for wrong in ["", "7", "+000000000000007", "000000000000000g", "00000000000000007"] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
    }
}
