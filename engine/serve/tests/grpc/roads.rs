//! Streets: which links are told, what changes on them, and ways over them.

use tonic::Code;
use vlot_model::*;
use vlot_network::{Draft, DraftLink, geo, polyline};
use vlot_proto::common::v1 as common;
use vlot_proto::common::v1::{Box as Around, StreamPosition};
use vlot_proto::traffic::v1 as wire;
use vlot_proto::traffic::v1::road_service_client::RoadServiceClient;
use vlot_proto::traffic::v1::roadside_service_client::RoadsideServiceClient;
use vlot_proto::traffic::v1::route_service_client::RouteServiceClient;

use super::routes::along_the_south;
use super::support::*;

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

/// Metres east and north.
pub(super) fn place(east: f64, north: f64) -> LonLat {
    geo::offset(HERE, [east, north])
}

/// A ladder, 36 km/h, both ways: the south street over junctions 0, 1, 2 and the north street over 3, 4, 5, 300 m apart and 600 m
/// long, with rungs at both ends; and an island of one street, 6 to 7, far away to the east. Links are named 10 from + to.
pub fn network() -> RoadNetwork {
    draft().make().network
}

pub(super) fn draft() -> Draft {
    let spots = [(0.0, 0.0), (300.0, 0.0), (600.0, 0.0), (0.0, 300.0), (300.0, 300.0), (600.0, 300.0)];
    let spots = spots.into_iter().chain([(5_000.0, 0.0), (5_300.0, 0.0)]).map(|(e, n)| place(e, n));
    let spots: Vec<_> = spots.collect();
    let mut draft = Draft::new("test");
    for (a, b) in [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (2, 5), (6, 7)] {
        let spot = |n: i64| spots[usize::try_from(n).unwrap()];
        street(&mut draft, [a, b], [spot(a), spot(b)], RoadClass::Secondary);
    }
    draft
}

pub(super) fn street(draft: &mut Draft, [a, b]: [i64; 2], [from, to]: [LonLat; 2], class: RoadClass) {
    for (a, b, points) in [(a, b, vec![from, to]), (b, a, vec![to, from])] {
        let id = |a: i64, b: i64| u64::try_from(10 * a + b).unwrap();
        draft.link(DraftLink {
            points,
            opposite: Some(LinkId(id(b, a))),
            free_flow_kmh: 36.0,
            name: if a < 3 && b < 3 { "Zuidstraat".into() } else { String::new() },
            ..DraftLink::new([a, b], id(a, b), class)
        });
    }
}

/// The ladder with a residential street as a rung in its middle.
pub(super) fn quarter(city: &mut City) {
    let mut draft = draft();
    street(&mut draft, [1, 4], [place(300.0, 0.0), place(300.0, 300.0)], RoadClass::Residential);
    city.network = Some(std::sync::Arc::new(draft.make().network));
}

/// The house's city with streets, a corridor along the south, a controller and an air station.
pub(super) fn streets(city: &mut City) {
    let network = network();
    let ix = |id| network.find(LinkId(id)).unwrap();
    let links = vec![ix(1), ix(12)];
    city.corridors = vec![Corridor { id: "zuid".into(), name: "Zuid".into(), links }];
    let valid_for = seconds(300);
    city.controllers = vec![Controller {
        id: "vk-1".into(),
        name: "Naamsepoort".into(),
        position: place(0.0, 0.0),
        valid_for,
        device: DeviceIx(0),
    }];
    city.air_stations = vec![AirStation {
        id: "lucht-1".into(),
        name: "Park".into(),
        position: place(900.0, 0.0),
        valid_for,
        device: DeviceIx(0),
    }];
    city.network = Some(std::sync::Arc::new(network));
}

pub(super) async fn house() -> House {
    House::open_in(streets).await
}

pub(super) fn ix(house: &House, id: u64) -> LinkIx {
    house.city.network.as_ref().unwrap().find(LinkId(id)).unwrap()
}

pub(super) fn name(id: u64) -> String {
    format!("{id:016x}")
}

/// So many km/h on a link, good for a minute.
pub(super) fn traffic(house: &House, id: u64, speed_kmh: f32) -> Product {
    let now = house.clock.now();
    Product::Link(LinkState {
        link: ix(house, id),
        observed_at: now,
        valid_until: now + seconds(60),
        speed_kmh,
        speed_low_kmh: speed_kmh * 0.9,
        speed_high_kmh: speed_kmh * 1.1,
        travel_time_s: 300.0 * 3.6 / speed_kmh,
        flow_vph: None,
        level: LevelOfService::of(speed_kmh, 36.0),
        sources: LinkSources { probes: true, ..LinkSources::default() },
        probes: 4,
        quality: Quality::Good,
        situations: Vec::new(),
    })
}

pub(super) fn closure(house: &House, phase: Phase, ids: &[u64]) -> Product {
    let situation = Situation {
        id: "works-1".into(),
        source: "operator".into(),
        kind: SituationKind::Closure,
        headline: "Zuidstraat dicht".into(),
        effect: Effect::Closed,
        modes: Modes::NONE.with(Mode::Car),
        location: Location::Links(ids.iter().map(|id| LinkId(*id)).collect()),
        both_directions: false,
        from: NOON,
        until: None,
        hours: None,
        withdrawn: false,
    };
    Product::Situation(SituationState {
        slot: SituationIx(0),
        situation: std::sync::Arc::new(situation),
        phase,
        since: NOON,
        links: ids.iter().map(|id| ix(house, *id)).collect(),
        detours: Vec::new(),
    })
}

/// A link that works close to cars, of which detectors say something all the same.
fn closed(house: &House, id: u64) -> Product {
    let Product::Situation(state) = closure(house, Phase::Active, &[id]) else { panic!("a situation") };
    let Product::Link(link) = traffic(house, id, 30.0) else { panic!("a link") };
    let sources = LinkSources { situations: true, ..LinkSources::default() };
    let situations = vec![state.situation];
    Product::Link(LinkState { sources, situations, quality: Quality::Missing, probes: 0, ..link })
}

#[tokio::test]
async fn a_closed_link_has_no_figure_and_says_what_closes_it() {
    let house = house().await;
    house.publish(3, [closed(&house, 12), traffic(&house, 1, 30.0)]);
    let mut client = RoadServiceClient::new(house.channel().await);
    let worst = wire::LinkFilter { level_min: wire::LevelOfService::F.into(), ..Default::default() };
    let request = wire::ListLinksRequest { filter: Some(worst), ..Default::default() };
    let told = within(client.list_links(request)).await.unwrap().into_inner();
    assert_eq!(ids(&told.links), [name(12)], "nobody who asks for the worst misses it");
    let state = told.links[0].state.clone().unwrap();
    assert!(state.closed && state.sources.unwrap().situations);
    assert_eq!((state.speed_kmh, state.travel_time_s, state.observed_at), (None, None, None));
    assert_eq!(
        (state.quality(), state.level()),
        (common::Quality::Missing, wire::LevelOfService::Unspecified)
    );
    let by = &state.situations[0];
    assert_eq!(
        (by.source.as_str(), by.id.as_str(), by.headline.as_str()),
        ("operator", "works-1", "Zuidstraat dicht")
    );
    assert_eq!((by.closes, &by.modes[..], by.until), (true, &[common::TravelMode::Car.into()][..], None));
}

/// The box around two corners, in metres.
fn around(west: f64, south: f64, east: f64, north: f64) -> Option<Around> {
    let (low, high) = (place(west, south), place(east, north));
    Some(Around { west: low.lon, south: low.lat, east: high.lon, north: high.lat })
}

fn ids(links: &[wire::Link]) -> Vec<String> {
    links.iter().map(|link| link.id.clone()).collect()
}

#[tokio::test]
async fn links_are_listed_by_box_corridor_and_level_and_page_by_page() {
    let house = house().await;
    house.publish(3, [traffic(&house, 1, 10.0), traffic(&house, 12, 30.0)]);
    let mut client = RoadServiceClient::new(house.channel().await);
    let mut list = async |request| within(client.list_links(request)).await.map(|r| r.into_inner());
    let all = list(wire::ListLinksRequest::default()).await.unwrap();
    assert_eq!((all.links.len(), all.position.unwrap().tick), (14, 3));
    let slow = &all.links[0];
    assert_eq!((slow.id.as_str(), slow.name.as_str(), slow.shape.as_str()), (&*name(1), "Zuidstraat", ""));
    assert_eq!((slow.opposite_id.as_str(), slow.class()), (&*name(10), wire::RoadClass::Secondary));
    let state = slow.state.clone().unwrap();
    assert_eq!(
        (state.speed_kmh, state.level(), state.probes),
        (Some(10.0), wire::LevelOfService::F, Some(4))
    );
    assert_eq!((state.flow_vph, state.sources.unwrap().probes, state.version), (None, true, 3));
    // Of most nothing is known, which is said by saying nothing.
    assert_eq!(all.links.iter().filter(|link| link.state.is_some()).count(), 2);

    let filter = |filter| wire::ListLinksRequest { filter: Some(filter), shapes: true, ..Default::default() };
    let in_box = wire::LinkFilter { r#box: around(-50.0, 100.0, 50.0, 200.0), ..Default::default() };
    let rung = list(filter(in_box)).await.unwrap();
    assert_eq!(ids(&rung.links), [name(3), name(30)]);
    let shape = polyline::decode(&rung.links[0].shape).unwrap();
    assert!(geo::distance_m(shape[1], place(0.0, 300.0)) < 0.2, "{shape:?}");
    let along = wire::LinkFilter { corridor_id: "zuid".into(), ..Default::default() };
    assert_eq!(ids(&list(filter(along.clone())).await.unwrap().links), [name(1), name(12)]);
    let bad = wire::LinkFilter { level_min: wire::LevelOfService::D.into(), ..along.clone() };
    assert_eq!(ids(&list(filter(bad.clone())).await.unwrap().links), [name(1)]);
    // What has grown old is free flow again.
    house.clock.forward(seconds(61));
    assert_eq!(list(filter(bad)).await.unwrap().links, []);

    let page = |page_token| wire::ListLinksRequest { limit: 6, page_token, ..Default::default() };
    let mut seen = Vec::new();
    let mut token = String::new();
    for links in [6, 6, 2] {
        let got = list(page(token)).await.unwrap();
        assert_eq!(got.links.len(), links);
        seen.extend(ids(&got.links));
        token = got.next_page_token;
    }
    assert_eq!((seen, token.as_str()), (ids(&all.links), ""));

    for wrong in [
        wire::LinkFilter { ids: vec!["7".into()], ..Default::default() },
        wire::LinkFilter { ids: vec![name(99)], ..Default::default() },
        wire::LinkFilter { corridor_id: "noord".into(), ..Default::default() },
        wire::LinkFilter { r#box: around(50.0, 0.0, -50.0, 10.0), ..Default::default() },
        wire::LinkFilter { level_min: 9, ..Default::default() },
    ] {
        let refused = list(filter(wrong.clone())).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong:?}");
        assert!(refused.message().starts_with("filter."), "{}", refused.message());
    }
}

#[tokio::test]
async fn a_watch_of_links_tells_what_falls_below_its_level_once_and_resumes() {
    let house = house().await;
    house.publish(3, [traffic(&house, 1, 10.0), traffic(&house, 12, 34.0)]);
    let mut client = RoadServiceClient::new(house.channel().await);
    let filter = Some(wire::LinkFilter { level_min: wire::LevelOfService::E.into(), ..Default::default() });
    let request = wire::WatchLinksRequest { filter, ..Default::default() };
    let mut stream = within(client.watch_links(request.clone())).await.unwrap().into_inner();
    let mut next = async || {
        let got = within(stream.message()).await.unwrap().unwrap();
        let link = got.link.unwrap();
        (link.id, link.state.unwrap().speed_kmh, got.position.map(|p| p.tick))
    };
    // The other link of the tick follows, but is not told.
    assert_eq!(next().await, (name(1), Some(10.0), None));
    house.publish(4, [traffic(&house, 12, 33.0)]);
    house.publish(5, [traffic(&house, 1, 32.0)]);
    assert_eq!(next().await, (name(1), Some(32.0), Some(5)));
    house.publish(6, [traffic(&house, 1, 31.0)]);
    house.publish(7, [traffic(&house, 12, 12.0)]);
    assert_eq!(next().await, (name(12), Some(12.0), Some(7)));

    // Behind a position nobody knows which links the reader holds: each change is told once.
    let resumed = wire::WatchLinksRequest { resume_after: Some(StreamPosition { tick: 5 }), ..request };
    let mut stream = within(client.watch_links(resumed)).await.unwrap().into_inner();
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(within(stream.message()).await.unwrap().unwrap().link.unwrap().id);
    }
    assert_eq!(told, [name(1), name(12)]);
}

#[tokio::test]
async fn corridors_queues_incidents_lights_and_air_are_told() {
    let house = house().await;
    let (a, b, now) = (ix(&house, 1), ix(&house, 12), NOON);
    let corridor = |travel_time_s| {
        Product::Corridor(CorridorState {
            corridor: CorridorIx(0),
            observed_at: Some(now),
            valid_until: Some(now + seconds(60)),
            travel_time_s: Some(travel_time_s),
            travel_time_low_s: Some(50.0),
            travel_time_high_s: Some(90.0),
            free_flow_s: 60.0,
            measured_pct: 50.0,
            closed: false,
            quality: Quality::Degraded,
        })
    };
    let jam = Jam { head: b, tail: a, links: vec![a, b], length_m: 600.0, delay_s: 80.0, since: now };
    let incident = Incident {
        link: b,
        rule: IncidentRule::Bottleneck,
        verdict: Verdict::Suspected,
        since: now,
        ended: None,
        seen: 0.6,
        limit: 0.4,
    };
    let light = ControllerState {
        controller: ControllerIx(0),
        state: SignalState::Flashing,
        plan: None,
        observed_at: now,
        valid_until: now + seconds(300),
        quality: Quality::Good,
    };
    let no2 = AirValue { quantity: AirQuantity::No2, value: 31.5, observed_at: now };
    let air = AirState { station: AirIx(0), values: vec![no2], quality: Quality::Good };
    house.publish(
        3,
        [
            corridor(70.0),
            Product::Jams(Jams { jams: vec![jam] }),
            Product::Incident(incident),
            Product::Controller(light),
            Product::Air(air),
        ],
    );
    let channel = house.channel().await;
    let mut roads = RoadServiceClient::new(channel.clone());
    let told =
        within(roads.list_corridors(wire::ListCorridorsRequest::default())).await.unwrap().into_inner();
    assert_eq!(
        (told.corridors[0].link_ids.clone(), told.position.unwrap().tick),
        (vec![name(1), name(12)], 3)
    );
    assert!((told.corridors[0].length_m - 600.0).abs() < 1.0);
    assert_eq!(told.corridors[0].state.unwrap().travel_time_s, Some(70.0));
    let elsewhere = around(5_000.0, -9.0, 5_100.0, 9.0);
    let filter = Some(wire::CorridorFilter { r#box: elsewhere, ..Default::default() });
    let none = within(roads.list_corridors(wire::ListCorridorsRequest { filter })).await.unwrap();
    assert_eq!(none.into_inner().corridors, []);
    let mut stream =
        within(roads.watch_corridors(wire::WatchCorridorsRequest::default())).await.unwrap().into_inner();
    assert_eq!(within(stream.message()).await.unwrap().unwrap().position.unwrap().tick, 3);
    house.publish(4, [corridor(75.0)]);
    let change = within(stream.message()).await.unwrap().unwrap();
    assert_eq!(
        (change.corridor.unwrap().state.unwrap().travel_time_s, change.position.unwrap().tick),
        (Some(75.0), 4)
    );

    let jams = within(roads.list_jams(wire::ListJamsRequest::default())).await.unwrap().into_inner().jams;
    assert_eq!((jams[0].head_link_id.clone(), jams[0].tail_link_id.clone()), (name(12), name(1)));
    assert_eq!((jams[0].head_name.as_str(), jams[0].delay_s), ("Zuidstraat", 80.0));
    let filter = Some(wire::PlaceFilter { r#box: elsewhere });
    let mut stream = within(roads.watch_jams(wire::WatchJamsRequest { filter, resume_after: None }))
        .await
        .unwrap()
        .into_inner();
    // None of them is there, which is told.
    let first = within(stream.message()).await.unwrap().unwrap();
    assert_eq!((first.jams, first.version, first.position.unwrap().tick), (vec![], 3, 3));

    let incidents =
        within(roads.list_incidents(wire::ListIncidentsRequest::default())).await.unwrap().into_inner();
    let [told] = &incidents.incidents[..] else { panic!("{incidents:?}") };
    assert_eq!((told.link_id.as_str(), told.rule()), (&*name(12), wire::IncidentRule::Bottleneck));
    assert_eq!((told.verdict(), told.ended), (wire::IncidentVerdict::Suspected, None));
    let mut stream =
        within(roads.watch_incidents(wire::WatchIncidentsRequest::default())).await.unwrap().into_inner();
    assert_eq!(within(stream.message()).await.unwrap().unwrap().incident.as_ref(), Some(told));

    let mut roadside = RoadsideServiceClient::new(channel);
    let lights = within(roadside.list_controllers(wire::ListControllersRequest::default()))
        .await
        .unwrap()
        .into_inner();
    let state = lights.controllers[0].state.unwrap();
    assert_eq!((state.state(), state.plan), (wire::SignalState::Flashing, None));
    let mut stream = within(roadside.watch_controllers(wire::WatchControllersRequest::default()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(within(stream.message()).await.unwrap().unwrap().controller.unwrap().id, "vk-1");
    let filter = Some(wire::RoadsideFilter { r#box: around(-9.0, -9.0, 9.0, 9.0), ..Default::default() });
    let none = within(roadside.list_air_stations(wire::ListAirStationsRequest { filter })).await.unwrap();
    assert_eq!(none.into_inner().stations, []);
    house.clock.forward(seconds(301));
    let air = within(roadside.list_air_stations(wire::ListAirStationsRequest::default()))
        .await
        .unwrap()
        .into_inner();
    let [value] = air.stations[0].values[..] else { panic!("{air:?}") };
    assert_eq!((value.quantity(), value.value), (wire::AirQuantity::No2, 31.5));
    assert_eq!(value.quality(), vlot_proto::common::v1::Quality::Stale);
    let mut stream = within(roadside.watch_air_stations(wire::WatchAirStationsRequest::default()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(within(stream.message()).await.unwrap().unwrap().station.unwrap().id, "lucht-1");
}

#[tokio::test]
async fn stations_are_told_by_box() {
    use vlot_proto::traffic::v1::traffic_service_client::TrafficServiceClient;
    let house = house().await;
    let mut client = TrafficServiceClient::new(house.channel().await);
    let mut within_box = async |r#box| {
        let filter = Some(wire::StationFilter { r#box, ..Default::default() });
        within(client.list_stations(wire::ListStationsRequest { filter }))
            .await
            .unwrap()
            .into_inner()
            .stations
    };
    let there = Some(Around { west: 4.70, south: 50.86, east: 4.72, north: 50.88 });
    let told = within_box(there).await;
    assert_eq!(
        told.iter().map(|s| (s.id.as_str(), s.uptime_corrected)).collect::<Vec<_>>(),
        [("ring-1", false), ("vaart", true)]
    );
    assert_eq!(within_box(around(0.0, 0.0, 9.0, 9.0)).await, []);
}

#[tokio::test]
async fn without_streets_it_says_so() {
    let house = House::open_in(|city| city.network = None).await;
    let mut client = RouteServiceClient::new(house.channel().await);
    let refused = within(client.route(along_the_south())).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{}", refused.message());
    let mut client = RoadServiceClient::new(house.channel().await);
    let refused = within(client.list_links(wire::ListLinksRequest::default())).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("vlot import osm"), "{}", refused.message());
}
