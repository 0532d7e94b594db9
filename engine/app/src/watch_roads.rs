//! `vlot watch links`, `corridors`, `jams` and `incidents`: one line a change.

use anyhow::Result;
use tonic::transport::Channel;
use vlot_model::Timestamp;
use vlot_proto::traffic::v1::road_service_client::RoadServiceClient;
use vlot_proto::traffic::v1::{
    Corridor, Incident, IncidentRule, IncidentVerdict, Jam, LevelOfService, Link, LinkFilter, LinkSituation,
    WatchCorridorsRequest, WatchCorridorsResponse, WatchIncidentsRequest, WatchIncidentsResponse,
    WatchJamsRequest, WatchJamsResponse, WatchLinksRequest, WatchLinksResponse,
};

use crate::cli::Level;
use crate::follow::follow;
use crate::watch::quality;

/// Takes a line, and says whether it wants more.
type Print<'a> = &'a mut dyn FnMut(String) -> Result<bool>;

pub(crate) async fn links(channel: &Channel, level: Option<Level>, print: Print<'_>) -> Result<()> {
    let level_min = match level {
        None => LevelOfService::Unspecified,
        Some(Level::A) => LevelOfService::A,
        Some(Level::B) => LevelOfService::B,
        Some(Level::C) => LevelOfService::C,
        Some(Level::D) => LevelOfService::D,
        Some(Level::E) => LevelOfService::E,
        Some(Level::F) => LevelOfService::F,
    }
    .into();
    let open = async |channel, resume_after| {
        let filter = Some(LinkFilter { level_min, ..Default::default() });
        let request = WatchLinksRequest { filter, resume_after, ..Default::default() };
        Ok(RoadServiceClient::new(channel).watch_links(request).await?.into_inner())
    };
    let take = |c: WatchLinksResponse| print(link(&c.link.unwrap_or_default()));
    follow(channel, open, take).await
}

pub(crate) async fn corridors(channel: &Channel, print: Print<'_>) -> Result<()> {
    let open = async |channel, resume_after| {
        let request = WatchCorridorsRequest { resume_after, ..Default::default() };
        Ok(RoadServiceClient::new(channel).watch_corridors(request).await?.into_inner())
    };
    let take = |c: WatchCorridorsResponse| print(corridor(&c.corridor.unwrap_or_default()));
    follow(channel, open, take).await
}

pub(crate) async fn jams(channel: &Channel, print: Print<'_>) -> Result<()> {
    let open = async |channel, resume_after| {
        let request = WatchJamsRequest { resume_after, ..Default::default() };
        Ok(RoadServiceClient::new(channel).watch_jams(request).await?.into_inner())
    };
    let take = |c: WatchJamsResponse| print(all_jams(&c.jams));
    follow(channel, open, take).await
}

pub(crate) async fn incidents(channel: &Channel, print: Print<'_>) -> Result<()> {
    let open = async |channel, resume_after| {
        let request = WatchIncidentsRequest { resume_after, ..Default::default() };
        Ok(RoadServiceClient::new(channel).watch_incidents(request).await?.into_inner())
    };
    let take = |c: WatchIncidentsResponse| print(incident(&c.incident.unwrap_or_default()));
    follow(channel, open, take).await
}

fn named<'n>(name: &'n str, id: &'n str) -> &'n str {
    if name.is_empty() { id } else { name }
}

fn instant(t: Option<prost_types::Timestamp>) -> String {
    t.map_or_else(|| "-".to_owned(), |t| Timestamp::from_secs(t.seconds).to_string())
}

fn link(link: &Link) -> String {
    let state = link.state.clone().unwrap_or_default();
    let kmh = |v: Option<f32>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.0}"));
    let level = match state.level() {
        LevelOfService::Unspecified => "-",
        LevelOfService::A => "A",
        LevelOfService::B => "B",
        LevelOfService::C => "C",
        LevelOfService::D => "D",
        LevelOfService::E => "E",
        LevelOfService::F => "F",
    };
    if state.closed {
        return format!("-  {} {:<28} CLOSED to cars: {}", link.id, link.name, because(&state.situations));
    }
    let sources = state.sources.unwrap_or_default();
    let rests = [
        (sources.detectors, "detectors"),
        (sources.probes, "probes"),
        (sources.pairs, "pairs"),
        (sources.situations, "situations"),
    ];
    let rests: Vec<_> = rests.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
    let rests = if rests.is_empty() { "free flow".to_owned() } else { rests.join(", ") };
    let limit = state.speed_limit_kmh.map_or_else(String::new, |kmh| {
        format!("  limited to {kmh:.0} km/h: {}", because(&state.situations))
    });
    format!(
        "{}  {} {:<28} {:>3} km/h ({} to {}, free {:.0})  {level}  {:<9} {rests}{limit}",
        instant(state.observed_at),
        link.id,
        link.name,
        kmh(state.speed_kmh),
        kmh(state.speed_low_kmh),
        kmh(state.speed_high_kmh),
        link.free_flow_kmh,
        quality(state.quality()),
    )
}

/// Which situations, and until when.
fn because(situations: &[LinkSituation]) -> String {
    let one = |s: &LinkSituation| {
        let until = s
            .until
            .map_or_else(|| "until further notice".to_owned(), |t| format!("until {}", instant(Some(t))));
        let hours = if s.hours.is_empty() { String::new() } else { format!(", {}", s.hours) };
        format!("{} ({} {}) {until}{hours}", s.headline, s.source, s.id)
    };
    situations.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn corridor(corridor: &Corridor) -> String {
    let Some(state) = &corridor.state else { return format!("{:<28} nothing yet", corridor.name) };
    if state.closed {
        return format!("{}  {:<28} CLOSED", instant(state.observed_at), corridor.name);
    }
    let seconds = |v: Option<f32>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.0}"));
    format!(
        "{}  {:<28} {} s ({} to {}, free {:.0})  {:.0} % measured  {}",
        instant(state.observed_at),
        corridor.name,
        seconds(state.travel_time_s),
        seconds(state.travel_time_low_s),
        seconds(state.travel_time_high_s),
        state.free_flow_s,
        state.measured_pct,
        quality(state.quality()),
    )
}

fn all_jams(jams: &[Jam]) -> String {
    if jams.is_empty() {
        return "no queues".to_owned();
    }
    let one = |jam: &Jam| {
        let (head, tail) =
            (named(&jam.head_name, &jam.head_link_id), named(&jam.tail_name, &jam.tail_link_id));
        format!("{}  {tail} to {head}: {:.0} m, {:.0} s lost", instant(jam.since), jam.length_m, jam.delay_s)
    };
    jams.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn incident(incident: &Incident) -> String {
    let rule = match incident.rule() {
        IncidentRule::SuddenDrop => "sudden drop of speed, km/h",
        IncidentRule::Bottleneck => "slow before a free link",
        IncidentRule::StandingVehicle => "standing vehicle, percent covered",
        IncidentRule::Unspecified => "unknown rule",
    };
    let verdict = match incident.verdict() {
        IncidentVerdict::Suspected | IncidentVerdict::Unspecified => "suspected",
        IncidentVerdict::Confirmed => "CONFIRMED",
        IncidentVerdict::Dismissed => "dismissed",
    };
    let over = incident.ended.map_or_else(String::new, |t| format!(", over since {}", instant(Some(t))));
    format!(
        "{}  {} {:<28} {verdict}: {rule}: {:.1}, limit {:.1}{over}",
        instant(incident.since),
        incident.link_id,
        incident.name,
        incident.seen,
        incident.rule_limit
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_proto::common::v1::Quality;
    use vlot_proto::traffic::v1::{CorridorState, LinkState};

    #[test]
    fn of_what_nothing_is_known_no_figure_is_printed() {
        let unknown = Link { id: "00".into(), free_flow_kmh: 50.0, ..Link::default() };
        let text = link(&unknown);
        assert!(text.contains("- km/h (- to -, free 50)") && text.ends_with("free flow"), "{text}");
        assert!(corridor(&Corridor { name: "Zuid".into(), ..Corridor::default() }).ends_with("nothing yet"));
        assert_eq!(all_jams(&[]), "no queues");
    }

    #[test]
    fn a_closed_link_says_what_closes_it_and_no_figure() {
        let works = LinkSituation {
            source: "operator".into(),
            id: "w1".into(),
            headline: "Werken".into(),
            until: Some(prost_types::Timestamp { seconds: 60, nanos: 0 }),
            ..LinkSituation::default()
        };
        let state = LinkState { closed: true, situations: vec![works.clone()], ..LinkState::default() };
        let text = link(&Link { state: Some(state), ..Link::default() });
        assert!(text.ends_with("CLOSED to cars: Werken (operator w1) until 1970-01-01T00:01:00Z"), "{text}");
        let state =
            LinkState { speed_limit_kmh: Some(30.0), situations: vec![works], ..LinkState::default() };
        let text = link(&Link { state: Some(state), ..Link::default() });
        assert!(text.contains("limited to 30 km/h: Werken (operator w1)"), "{text}");
    }

    #[test]
    fn a_line_says_what_a_figure_rests_on() {
        let state = LinkState {
            speed_kmh: Some(12.4),
            level: LevelOfService::F.into(),
            quality: Quality::Degraded.into(),
            sources: Some(vlot_proto::traffic::v1::LinkSources {
                probes: true,
                detectors: true,
                ..Default::default()
            }),
            ..LinkState::default()
        };
        let text = link(&Link { state: Some(state), ..Link::default() });
        assert!(text.contains(" 12 km/h") && text.ends_with("F  degraded  detectors, probes"), "{text}");
        let state = CorridorState { travel_time_s: Some(75.0), ..CorridorState::default() };
        let text = corridor(&Corridor { state: Some(state), ..Corridor::default() });
        assert!(text.contains("75 s (- to -"), "{text}");
        let state = CorridorState { closed: true, ..CorridorState::default() };
        let text = corridor(&Corridor { state: Some(state), ..Corridor::default() });
        assert!(text.ends_with("CLOSED") && !text.contains(" s "), "{text}");
        let jam =
            Jam { tail_name: "Vest".into(), head_link_id: "0a".into(), length_m: 310.0, ..Jam::default() };
        assert!(all_jams(&[jam]).ends_with("Vest to 0a: 310 m, 0 s lost"));
    }
}
