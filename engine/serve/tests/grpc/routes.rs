//! Routes over gRPC.

use tonic::Code;
use vlot_model::*;
use vlot_network::{geo, polyline};
use vlot_proto::common::v1::{Position, TravelMode};
use vlot_proto::traffic::v1 as wire;
use vlot_proto::traffic::v1::route_service_client::RouteServiceClient;

use super::roads::*;
use super::support::*;

fn spot(east: f64, north: f64) -> Option<wire::Place> {
    let at = place(east, north);
    let position = Position { latitude: at.lat, longitude: at.lon };
    Some(wire::Place { place: Some(wire::place::Place::Position(position)) })
}

/// From the start of the south street to its end.
pub(super) fn along_the_south() -> wire::RouteRequest {
    let (origin, destination) = (spot(30.0, 5.0), spot(570.0, -5.0));
    wire::RouteRequest { origin, destination, mode: TravelMode::Car.into(), alternatives: 1 }
}

type Client = RouteServiceClient<tonic::transport::Channel>;

/// Asks until the answer rests on all up to a tick, or is an error other than that the streets are being read.
async fn route(
    client: &mut Client,
    request: wire::RouteRequest,
    tick: Tick,
) -> Result<wire::RouteResponse, tonic::Status> {
    within(async {
        loop {
            match client.route(request.clone()).await.map(tonic::Response::into_inner) {
                Ok(answer) if answer.position.unwrap().tick < tick => {}
                Err(refused) if refused.code() == Code::Unavailable => {}
                answer => return answer,
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_route_heeds_a_closure_from_its_beginning_to_its_end() {
    let house = house().await;
    house.publish(1, [traffic(&house, 12, 36.0)]);
    let mut client = RouteServiceClient::new(house.channel().await);
    let answer = route(&mut client, along_the_south(), 1).await.unwrap();
    let [direct] = &answer.routes[..] else { panic!("{answer:?}") };
    assert_eq!(direct.link_ids, [name(1), name(12)]);
    assert!((direct.length_m - 540.0).abs() < 1.0 && (direct.travel_time_s - 54.0).abs() < 1.0, "{direct:?}");
    assert!(
        direct.travel_time_low_s < direct.travel_time_s && direct.travel_time_s < direct.travel_time_high_s
    );
    let basis = direct.basis.as_ref().unwrap();
    assert!((basis.measured_pct - 50.0).abs() < 0.5 && (basis.assumed_pct - 50.0).abs() < 0.5, "{basis:?}");
    assert_eq!(basis.closures_avoided, []);
    assert!((direct.from_origin_m - 5.0).abs() < 0.1 && (direct.to_destination_m - 5.0).abs() < 0.1);
    let shape = polyline::decode(&direct.shape).unwrap();
    assert!((geo::length_m(&shape) - direct.length_m).abs() < 1.0);
    assert_eq!(direct.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["Zuidstraat"]);

    house.publish(2, [closure(&house, Phase::Active, &[12, 21])]);
    let far = wire::RouteRequest { destination: spot(600.0, 5.0), ..along_the_south() };
    let answer = route(&mut client, far.clone(), 2).await.unwrap();
    let around = &answer.routes[0];
    assert!(!around.link_ids.contains(&name(12)), "{around:?}");
    assert_eq!(around.link_ids, [name(10), name(3), name(34), name(45), name(52)]);
    let avoided = &around.basis.as_ref().unwrap().closures_avoided;
    assert_eq!((avoided[0].source.as_str(), avoided[0].id.as_str()), ("operator", "works-1"));
    // It hits cars alone.
    let bicycle = wire::RouteRequest { mode: TravelMode::Bicycle.into(), ..far.clone() };
    assert_eq!(
        route(&mut client, bicycle, 2).await.unwrap().routes[0].link_ids,
        [name(1), name(12), name(25)]
    );

    house.publish(3, [closure(&house, Phase::Ended, &[12, 21])]);
    let again = route(&mut client, far, 3).await.unwrap();
    assert_eq!(again.routes[0].link_ids, [name(1), name(12), name(25)]);
}

#[tokio::test]
async fn a_route_follows_traffic_until_that_is_stale() {
    let house = house().await;
    let far = |alternatives| wire::RouteRequest {
        origin: spot(0.0, 20.0),
        destination: spot(600.0, 20.0),
        alternatives,
        ..along_the_south()
    };
    house.publish(1, [traffic(&house, 1, 4.0), traffic(&house, 12, 4.0)]);
    let mut client = RouteServiceClient::new(house.channel().await);
    let answer = route(&mut client, far(1), 1).await.unwrap();
    assert_eq!(answer.routes[0].link_ids, [name(3), name(34), name(45), name(52)]);
    // It grows old, though the engine says nothing any more.
    house.clock.forward(seconds(61));
    let answer = within(async {
        loop {
            let answer = route(&mut client, far(1), 1).await.unwrap();
            if answer.at.unwrap().seconds > NOON.micros() / 1_000_000 {
                return answer;
            }
        }
    })
    .await;
    assert!(answer.routes[0].link_ids.contains(&name(12)), "{answer:?}");
    assert_eq!(answer.routes[0].basis.as_ref().unwrap().measured_pct, 0.0);
}

#[tokio::test]
async fn where_there_is_no_route_it_says_why() {
    let house = house().await;
    house.publish(1, [closure(&house, Phase::Active, &[1, 10, 3, 30])]);
    let mut client = RouteServiceClient::new(house.channel().await);
    let mut ask = async |origin, destination| {
        let request = wire::RouteRequest { origin, destination, ..along_the_south() };
        route(&mut client, request, 1).await.unwrap_err()
    };
    let refused = ask(spot(2_000.0, 0.0), spot(0.0, 0.0)).await;
    assert_eq!(refused.code(), Code::OutOfRange);
    assert!(
        refused.message().starts_with("origin: no street for cars is within 500 m"),
        "{}",
        refused.message()
    );
    // An island is no street to arrive at.
    let refused = ask(spot(400.0, 0.0), spot(5_100.0, 0.0)).await;
    assert_eq!(refused.code(), Code::OutOfRange);
    assert!(refused.message().starts_with("destination:"), "{}", refused.message());
    for (origin, destination) in [
        (None, spot(0.0, 0.0)),
        (spot(0.0, 0.0), Some(wire::Place { place: None })),
        (spot(0.0, 0.0), Some(wire::Place { place: Some(wire::place::Place::FacilityId("nowhere".into())) })),
    ] {
        let refused = ask(origin, destination).await;
        assert_eq!(refused.code(), Code::InvalidArgument, "{}", refused.message());
    }
    let bus = wire::RouteRequest { mode: TravelMode::Bus.into(), ..along_the_south() };
    assert_eq!(route(&mut client, bus, 1).await.unwrap_err().code(), Code::InvalidArgument);
    let many = wire::RouteRequest { alternatives: 4, ..along_the_south() };
    assert_eq!(route(&mut client, many, 1).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_street_that_closures_cut_off_is_unreachable() {
    let house = house().await;
    // The north is cut off from the south, and nothing of it is closed itself.
    house.publish(1, [closure(&house, Phase::Active, &[3, 30, 25, 52])]);
    let mut client = RouteServiceClient::new(house.channel().await);
    let north = wire::RouteRequest { destination: spot(300.0, 300.0), ..along_the_south() };
    let refused = route(&mut client, north, 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.message().starts_with("no way leads by car from 50.88"), "{}", refused.message());
    assert!(refused.message().contains("hint:"));
}

#[tokio::test]
async fn cars_drive_around_a_residential_street_and_bicycles_through_it() {
    let house = House::open_in(quarter).await;
    house.publish(1, [traffic(&house, 12, 36.0)]);
    let mut client = RouteServiceClient::new(house.channel().await);
    let mut ask = async |origin, destination, mode: TravelMode, tick| {
        let request = wire::RouteRequest { origin, destination, mode: mode.into(), alternatives: 3 };
        route(&mut client, request, tick).await
    };
    let (south, north, within_it) = (spot(250.0, 5.0), spot(250.0, 295.0), spot(300.0, 150.0));
    let by_car = ask(south.clone(), north.clone(), TravelMode::Car, 1).await.unwrap();
    assert_eq!(by_car.routes[0].link_ids, [name(10), name(3), name(34)]);
    assert!(!by_car.routes.iter().any(|r| r.link_ids.contains(&name(14))), "{by_car:?}");
    let by_bicycle = ask(south.clone(), north.clone(), TravelMode::Bicycle, 1).await.unwrap();
    assert_eq!(by_bicycle.routes[0].link_ids, [name(1), name(14), name(43)]);
    let to_it = ask(south.clone(), within_it, TravelMode::Car, 1).await.unwrap();
    assert_eq!(to_it.routes[0].link_ids, [name(1), name(14)]);
    // Nor where nothing else leads there; and it says so.
    house.publish(2, [closure(&house, Phase::Active, &[3, 30, 25, 52])]);
    let refused = ask(south, north, TravelMode::Car, 2).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.message().contains("not for through traffic (hint:"), "{}", refused.message());
}
