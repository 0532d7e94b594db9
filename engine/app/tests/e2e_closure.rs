//! `vlot demo`: a closure that an operator places on the ring is published with the ways around it, and routes keep off it; and all of
//! that goes with its end. The aim is two seconds; how long it took is printed.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::time::{Duration, Instant};

use common::{Running, vlot};
use tokio::time::timeout;
use tonic::Streaming;
use tonic::transport::Channel;
use vlot_proto::common::v1::{Position, TravelMode};
use vlot_proto::guidance::v1::GetGuidanceRequest;
use vlot_proto::guidance::v1::guidance_service_client::GuidanceServiceClient;
use vlot_proto::traffic::v1::road_service_client::RoadServiceClient;
use vlot_proto::traffic::v1::route_service_client::RouteServiceClient;
use vlot_proto::traffic::v1::situation_service_client::SituationServiceClient;
use vlot_proto::traffic::v1::{
    ListLinksRequest, Place, Route, RouteRequest, Situation, SituationPhase, WatchSituationsRequest,
    WatchSituationsResponse, place,
};

/// How long a closure with an end lasts.
const LASTS: Duration = Duration::from_secs(10);
/// However slow the machine: longer than this nothing is waited for.
const LIMIT: Duration = Duration::from_secs(60);
/// When nothing else decides which way is the usual one.
const NIGHT: &str = "2026-05-08T03:00:00+02:00";
/// Along the ring's east side, from the station to the Naamsepoort.
const FROM: Position = Position { latitude: 50.8821, longitude: 4.7140 };
const TO: Position = Position { latitude: 50.8687, longitude: 4.6985 };

/// An operator's act on the command line.
async fn act(server: &str, args: &[&str]) {
    let mut command = vlot();
    command.arg("situation").args(args).args(["--by", "Mia Peeters", "--reason", "burst main"]);
    command.args(["--engine", server]);
    let out = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// What the service answers now.
async fn asked(routes: &mut RouteServiceClient<Channel>) -> Result<Route, tonic::Status> {
    let place = |at| Some(Place { place: Some(place::Place::Position(at)) });
    let (origin, destination, mode) = (place(FROM), place(TO), TravelMode::Car.into());
    let answer = routes.route(RouteRequest { origin, destination, mode, alternatives: 1 }).await?;
    Ok(answer.into_inner().routes.remove(0))
}

/// The route now; `None` while the streets are being read.
async fn route(routes: &mut RouteServiceClient<Channel>) -> Option<Route> {
    match asked(routes).await {
        Ok(route) => Some(route),
        Err(status) if status.code() == tonic::Code::Unavailable => None,
        Err(status) => panic!("{status}"),
    }
}

/// Asks for the route until it is as it must become; with the moment at which it was.
async fn route_when(
    routes: &mut RouteServiceClient<Channel>,
    what: &str,
    is_so: impl Fn(&Route) -> bool,
) -> (Route, Instant) {
    let asking = async {
        loop {
            if let Some(it) = route(routes).await.filter(&is_so) {
                return (it, Instant::now());
            }
            // The service has no stream of routes: who wants to see a change asks again.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, asking).await.unwrap_or_else(|_| panic!("no route came that {what}"))
}

/// The next word on a situation that is as it must become, with the moment at which it came.
async fn situation_when(
    stream: &mut Streaming<WatchSituationsResponse>,
    what: &str,
    is_so: impl Fn(&Situation) -> bool,
) -> (Situation, Instant) {
    let watching = async {
        loop {
            let next = stream.message().await.unwrap().expect("the engine goes on");
            if let Some(it) = next.situation.filter(&is_so) {
                return (it, Instant::now());
            }
        }
    };
    timeout(LIMIT, watching).await.unwrap_or_else(|_| panic!("no situation came that {what}"))
}

fn is(situation: &Situation, id: &str, phase: SituationPhase) -> bool {
    situation.stated.as_ref().is_some_and(|stated| stated.id == id) && situation.phase() == phase
}

fn avoids(route: &Route, id: &str) -> bool {
    let mut closures = route.basis.iter().flat_map(|basis| &basis.closures_avoided);
    closures.any(|closure| closure.id == id && closure.source == "operator")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_on_the_ring_shows_and_goes_with_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Running::start(
        vlot()
            .args(["demo", "--start", NIGHT, "--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(dir.path()),
    );
    let server = demo.wait_for("gRPC     http", LIMIT).split_whitespace().nth(1).unwrap().to_owned();
    let channel = Channel::from_shared(server.clone()).unwrap().connect().await.unwrap();
    let mut routes = RouteServiceClient::new(channel.clone());
    let mut guidance = GuidanceServiceClient::new(channel.clone());
    let watch =
        SituationServiceClient::new(channel).watch_situations(WatchSituationsRequest::default()).await;
    let mut stream = watch.unwrap().into_inner();

    let (usual, _) = route_when(&mut routes, "leads there", |_| true).await;
    assert!(usual.link_ids.len() > 4, "{usual:?}");
    assert!(usual.basis.as_ref().unwrap().closures_avoided.is_empty(), "{usual:?}");
    let closed = usual.link_ids[usual.link_ids.len() / 2].clone();
    let along = |route: &Route| route.link_ids.contains(&closed);

    // A closure shows in several places: the situation, the routes, and whatever else is told of its links. Each is awaited beside
    // the others, from the moment at which the operator presses the key.
    let told = |what: &str, begun: Instant, seen: &[Instant]| {
        let after: Vec<_> = seen.iter().map(|seen| seen.saturating_duration_since(begun)).collect();
        println!("{what}: after {after:?}");
    };
    let place = ["--headline", "Ring closed", "--links", closed.as_str()];
    let now = Instant::now();
    let closing = [["close", "--id", "burst-main"].as_slice(), &place].concat();
    let ((), (situation, at), (around, seen)) = tokio::join!(
        act(&server, &closing),
        situation_when(&mut stream, "is active", |s| is(s, "burst-main", SituationPhase::Active)),
        route_when(&mut routes, "leads around it", |route| !along(route) && avoids(route, "burst-main")),
    );
    told("stated: situation, route", now, &[at, seen]);
    assert_eq!(situation.link_ids, [closed.as_str()]);
    let detour = situation.detours.iter().find(|d| d.mode() == TravelMode::Car).expect("a way for cars");
    assert!(detour.exists && !detour.link_ids.contains(&closed), "{detour:?}");
    assert!(
        detour.extra_s.unwrap() > 0.0 && around.travel_time_s > usual.travel_time_s,
        "{detour:?} {around:?}"
    );
    let bicycle = situation.detours.iter().find(|d| d.mode() == TravelMode::Bicycle);
    assert!(bicycle.is_none_or(|d| !d.exists || !d.link_ids.contains(&closed)), "{situation:?}");

    // The operator ends it.
    let now = Instant::now();
    let ((), (situation, at), (_, seen)) = tokio::join!(
        act(&server, &["end", "burst-main"]),
        situation_when(&mut stream, "has ended", |s| is(s, "burst-main", SituationPhase::Ended)),
        route_when(&mut routes, "is the usual one", |route| along(route) && !avoids(route, "burst-main")),
    );
    told("ended: situation, route", now, &[at, seen]);
    assert!(situation.detours.is_empty(), "{situation:?}");

    // One that ends by itself, in a city whose clock goes as fast as ours. It must be seen before its end, so it gets time for that.
    let ends = Instant::now() + LASTS;
    let there = guidance.get_guidance(GetGuidanceRequest {}).await.unwrap().into_inner().now.unwrap();
    let now = jiff::Timestamp::new(there.seconds, there.nanos).unwrap();
    let until = (now + LASTS).to_string();
    let planned = [["close", "--id", "planned", "--until", &until].as_slice(), &place].concat();
    let ((), _, _) = tokio::join!(
        act(&server, &planned),
        situation_when(&mut stream, "is active", |s| is(s, "planned", SituationPhase::Active)),
        route_when(&mut routes, "leads around it", |route| !along(route) && avoids(route, "planned")),
    );
    let ((situation, at), (_, seen)) = tokio::join!(
        situation_when(&mut stream, "has ended", |s| is(s, "planned", SituationPhase::Ended)),
        route_when(&mut routes, "is the usual one", |route| along(route) && !avoids(route, "planned")),
    );
    assert!(at >= ends && seen >= ends, "it ended before its end");
    // Two steps: the engine's clock ticks once a second, and who keeps the streets for routes looks once a second.
    told("planned end: situation", ends, &[at]);
    told("told end: route", at, &[seen]);
    assert!(situation.detours.is_empty(), "{situation:?}");

    demo.signal("INT");
    assert_eq!(demo.wait_exit(LIMIT), Some(0), "{}", demo.output());
}

/// An error with a reason from every service, and a city that goes on as if nothing had been when it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_of_every_link_leaves_no_route_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Running::start(
        vlot()
            .args(["demo", "--start", NIGHT, "--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(dir.path()),
    );
    let server = demo.wait_for("gRPC     http", LIMIT).split_whitespace().nth(1).unwrap().to_owned();
    let channel = Channel::from_shared(server.clone()).unwrap().connect().await.unwrap();
    let mut routes = RouteServiceClient::new(channel.clone());
    let watch = SituationServiceClient::new(channel.clone())
        .watch_situations(WatchSituationsRequest::default())
        .await;
    let mut stream = watch.unwrap().into_inner();
    let links = RoadServiceClient::new(channel).list_links(ListLinksRequest::default()).await;
    let links = links.unwrap().into_inner().links;
    assert!(links.len() > 100, "{} links", links.len());
    let all: Vec<_> = links.iter().map(|link| link.id.as_str()).collect();
    let usual = route_when(&mut routes, "leads there", |_| true).await.0;

    act(&server, &["close", "--id", "flood", "--headline", "Flood", "--links", &all.join(",")]).await;
    let flood = |s: &Situation| is(s, "flood", SituationPhase::Active);
    let (situation, _) = situation_when(&mut stream, "is active", flood).await;
    assert_eq!(situation.link_ids.len(), all.len());
    assert!(situation.detours.iter().all(|detour| !detour.exists), "{:?}", situation.detours);
    let refused = async {
        loop {
            if let Err(status) = asked(&mut routes).await {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let status = timeout(LIMIT, refused).await.expect("no route any more");
    assert!(matches!(status.code(), tonic::Code::NotFound | tonic::Code::OutOfRange), "{status}");
    assert!(status.message().contains("cars") && status.message().contains("hint"), "{status}");

    act(&server, &["end", "flood"]).await;
    let again = async {
        loop {
            if let Ok(route) = asked(&mut routes).await {
                return route;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let again = timeout(LIMIT, again).await.expect("a route again");
    assert_eq!(again.link_ids, usual.link_ids);
    demo.signal("INT");
    assert_eq!(demo.wait_exit(LIMIT), Some(0), "{}", demo.output());
    assert!(!demo.output().contains("panicked"), "{}", demo.output());
}
