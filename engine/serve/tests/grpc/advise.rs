//! Where to park for one trip, and who follows that.

use tonic::Code;
use tonic::transport::Channel;
use vlot_model::*;
use vlot_network::geo;
use vlot_proto::common::v1::Position;
use vlot_proto::guidance::v1 as wire;
use vlot_proto::guidance::v1::advise_request::When;
use vlot_proto::guidance::v1::advise_service_client::AdviseServiceClient;

use super::roads::network;
use super::support::*;

const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

/// Metres east and north.
fn place(east: f64, north: f64) -> LonLat {
    geo::offset(HERE, [east, north])
}

fn spot(east: f64, north: f64) -> Option<Position> {
    let at = place(east, north);
    Some(Position { latitude: at.lat, longitude: at.lon })
}

/// The ladder of streets with Ladeuze in its north-east, the edge car park in the middle of the south, whose shuttle goes to the
/// north-east, and the garage in the north.
fn streets(city: &mut City) {
    city.network = Some(std::sync::Arc::new(network()));
    for (at, position) in [place(590.0, 300.0), place(300.0, 0.0), place(10.0, 300.0)].into_iter().enumerate()
    {
        city.facilities[at].position = position;
    }
    let group = |group, capacity| Group { group, capacity, from: None };
    city.facilities[0].site.groups = vec![group(UserGroup::Accessible, 4)];
    city.facilities[0].site.tariff = Some("https://prices.example/ladeuze".into());
    city.facilities[1].site.onward = vec![Onward {
        line: "shuttle".into(),
        to: "Noord".into(),
        headway_min: 4,
        ride_min: 1,
        alights: Some(place(580.0, 300.0)),
        stops: None,
        timetable: None,
    }];
    city.garages[0].position = place(300.0, 300.0);
    city.guidance.turned_away = seconds(600);
}

async fn house() -> House {
    House::open_in(streets).await
}

fn forecast(ix: u32, free: [u32; 3], now: Timestamp) -> Product {
    let point = |ahead_s| ForecastPoint { ahead_s, free_low: free[0], free: free[1], free_high: free[2] };
    Product::Forecast(FacilityForecast {
        facility: FacilityIx(ix),
        made_at: now,
        valid_until: now + seconds(600),
        basis: ForecastBasis::OwnHistory { days: 20 },
        points: vec![point(0), point(3_600)],
    })
}

/// From the south-west to the north-east.
fn across() -> wire::AdviseRequest {
    wire::AdviseRequest { origin: spot(5.0, 0.0), destination: spot(600.0, 295.0), ..Default::default() }
}

type Client = AdviseServiceClient<Channel>;

/// Once the streets are read, with everything up to a tick in the answer.
async fn advise(
    client: &mut Client,
    request: wire::AdviseRequest,
) -> Result<wire::AdviseResponse, tonic::Status> {
    let asking = async {
        loop {
            match client.advise(request.clone()).await {
                Err(e) if e.code() == Code::Unavailable && e.message().contains("still being read") => {
                    tokio::task::yield_now().await;
                }
                answer => return answer.map(tonic::Response::into_inner),
            }
        }
    };
    within(asking).await
}

fn at(t: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: t.micros() / 1_000_000, nanos: 0 }
}

#[tokio::test]
async fn options_are_ranked_and_say_what_they_rest_on() {
    let house = house().await;
    let now = house.clock.now();
    house.publish(3, [facility(0, 60, now), facility(1, 40, now), forecast(0, [30, 40, 50], now)]);
    let mut client = AdviseServiceClient::new(house.channel().await);
    let got = advise(&mut client, across()).await.unwrap();
    assert_eq!(got.position.unwrap().tick, 3);
    let told: Vec<_> = got.options.iter().map(|o| (o.kind(), o.facility_id.as_str())).collect();
    let (drive, ride) = (wire::OptionKind::DrivePark, wire::OptionKind::EdgeRide);
    // Of the zone nothing is known: it comes last.
    assert_eq!(told, [(drive, "ladeuze"), (ride, "bodart"), (drive, "bodart"), (drive, "bondgenotenlaan")]);
    let best = &got.options[0];
    // 885 m at 36 km/h, and a few steps.
    assert!((best.legs[0].seconds - 88.5).abs() < 2.0, "{:?}", best.legs[0]);
    assert_eq!((best.legs[0].kind(), best.legs[0].measured_pct), (wire::LegKind::Drive, Some(0.0)));
    assert!(best.legs[1].length_m.unwrap() < 30.0 && !best.legs[0].shape.is_empty());
    assert!(best.door_low_s < best.door_s && best.door_s < best.door_high_s);
    let space = best.space.unwrap();
    assert_eq!((space.basis(), space.free), (wire::SpaceBasis::Forecast, Some(40.0)));
    assert!(space.chance.unwrap() > 0.99 && (best.cost_s - best.door_s) < 1.0);
    assert_eq!((best.tariff.as_str(), best.open), ("https://prices.example/ladeuze", Some(true)));
    assert!(best.why.iter().any(|why| why.contains("40 free on arrival")), "{:?}", best.why);

    let edge = &got.options[1];
    let kinds: Vec<_> = edge.legs.iter().map(|leg| leg.kind()).collect();
    assert_eq!(kinds, [wire::LegKind::Drive, wire::LegKind::Wait, wire::LegKind::Ride, wire::LegKind::Walk]);
    let wait = &edge.legs[1];
    assert_eq!((wait.seconds, wait.low_s, wait.high_s, wait.line.as_str()), (120.0, 0.0, 240.0, "shuttle"));
    assert_eq!(edge.space.unwrap().basis(), wire::SpaceBasis::Present);
    let last = &got.options[3];
    assert_eq!((last.space.unwrap().chance, last.space.unwrap().basis()), (None, wire::SpaceBasis::Unknown));
    assert!((last.cost_s - last.door_s - 600.0).abs() < 1e-6);
}

#[tokio::test]
async fn what_is_closed_full_or_unfit_is_ruled_out_with_its_reason() {
    let house = house().await;
    let now = house.clock.now();
    let Product::Facility(state) = facility(1, 50, now) else { unreachable!() };
    let shut = FacilityState {
        closed: Some(Closed { by: ClosedBy::Operator, until: None }),
        opening: Opening::Closed,
        status: FacilityStatus::Closed,
        ..state
    };
    house.publish(1, [facility(0, 50, now), Product::Facility(shut), facility(2, 0, now)]);
    let mut client = AdviseServiceClient::new(house.channel().await);
    let got = advise(&mut client, across()).await.unwrap();
    assert_eq!(got.options.len(), 1);
    let told: Vec<_> = got.ruled_out.iter().map(|r| (r.facility_id.as_str(), r.reason())).collect();
    let (closed, full) = (wire::RuledOutReason::Closed, wire::RuledOutReason::Full);
    assert_eq!(told, [("bodart", closed), ("bodart", closed), ("bondgenotenlaan", full)]);
    assert!(got.ruled_out[0].why.contains("an operator has closed it"), "{:?}", got.ruled_out[0].why);

    let needs = |groups: &[wire::SpaceFor], height_cm| {
        let groups = groups.iter().map(|g| i32::from(*g)).collect();
        wire::AdviseRequest { car: Some(wire::CarNeeds { groups, height_cm }), ..across() }
    };
    let accessible = advise(&mut client, needs(&[wire::SpaceFor::Accessible], None)).await.unwrap();
    let ids: Vec<_> = accessible.options.iter().map(|o| o.facility_id.as_str()).collect();
    assert_eq!(ids, ["ladeuze"]);
    assert!(accessible.ruled_out.iter().all(|r| r.reason() == wire::RuledOutReason::NoSpaceForGroup));
    let high = advise(&mut client, needs(&[], Some(220))).await.unwrap();
    assert!(
        high.ruled_out
            .iter()
            .any(|r| r.reason() == wire::RuledOutReason::TooHigh && r.why.contains("2.10 m"))
    );
}

#[tokio::test]
async fn a_bicycle_is_led_to_a_garage_with_its_racks() {
    let house = house().await;
    house.publish(1, [garage(20, house.clock.now())]);
    let mut client = AdviseServiceClient::new(house.channel().await);
    let bicycle = |cargo, ground_only| wire::AdviseRequest {
        bicycle: Some(wire::BicycleNeeds { cargo, ground_only }),
        ..across()
    };
    let cargo = advise(&mut client, bicycle(true, false)).await.unwrap();
    let [option] = &cargo.options[..] else { panic!("{cargo:?}") };
    assert_eq!((option.kind(), option.garage_id.as_str()), (wire::OptionKind::CycleGarage, "station"));
    assert_eq!(
        (option.section_ids.clone(), option.space.unwrap().free),
        (vec!["onder".to_owned()], Some(20.0))
    );
    assert_eq!(option.legs[0].kind(), wire::LegKind::Cycle);
    // Two tiers alone are left for others.
    let ground = advise(&mut client, bicycle(false, true)).await.unwrap();
    assert_eq!(ground.ruled_out[0].reason(), wire::RuledOutReason::NoRack);
}

#[tokio::test]
async fn who_wants_to_be_there_in_time_is_told_when_to_leave() {
    let house = house().await;
    let now = house.clock.now();
    house.publish(1, [facility(0, 60, now)]);
    let mut client = AdviseServiceClient::new(house.channel().await);
    let arrival = now + seconds(3_000);
    let request = wire::AdviseRequest { when: Some(When::Arrival(at(arrival))), limit: 1, ..across() };
    let got = advise(&mut client, request).await.unwrap();
    let [option] = &got.options[..] else { panic!("{got:?}") };
    let leaves = option.departure.unwrap();
    let high = leaves.seconds as f64 + f64::from(leaves.nanos) / 1e9 + option.door_high_s;
    assert!((high - (arrival.micros() / 1_000_000) as f64).abs() < 0.01, "{option:?}");
    let soon = wire::AdviseRequest { when: Some(When::Arrival(at(now + seconds(20)))), ..across() };
    let got = advise(&mut client, soon).await.unwrap();
    assert!(got.options.is_empty() && got.ruled_out[0].reason() == wire::RuledOutReason::TooLate, "{got:?}");
}

#[tokio::test]
async fn a_wrong_request_says_what_and_where() {
    let house = house().await;
    let now = house.clock.now();
    let mut client = AdviseServiceClient::new(house.channel().await);
    drop(advise(&mut client, across()).await);
    let nowhere = Some(Position { latitude: 91.0, longitude: 0.0 });
    for (request, field) in [
        (wire::AdviseRequest { origin: None, ..across() }, "origin: is required"),
        (wire::AdviseRequest { destination: nowhere, ..across() }, "destination: 91,0 is no place"),
        (wire::AdviseRequest { limit: 21, ..across() }, "limit: at most 20"),
        (wire::AdviseRequest { walk_max_m: Some(10_001), ..across() }, "walk_max_m: at most"),
        (
            wire::AdviseRequest { when: Some(When::Departure(at(now - seconds(200)))), ..across() },
            "departure: ",
        ),
        (
            wire::AdviseRequest { when: Some(When::Arrival(at(now + seconds(90_000)))), ..across() },
            "arrival: ",
        ),
        (
            wire::AdviseRequest {
                car: Some(wire::CarNeeds { groups: vec![77], height_cm: None }),
                ..across()
            },
            "car.groups: 77 is no group",
        ),
    ] {
        let refused = advise(&mut client, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{} where {field:?}", refused.message());
    }
    let far = wire::AdviseRequest { origin: spot(2_000.0, 0.0), ..across() };
    let refused = advise(&mut client, far).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{}", refused.message());
    let house = House::open_in(|city| city.network = None).await;
    let mut client = AdviseServiceClient::new(house.channel().await);
    assert_eq!(within(client.advise(across())).await.unwrap_err().code(), Code::FailedPrecondition);
}

/// Takes the next submission, settled with a tick.
async fn settled(house: &mut House, tick: Tick) -> Reading {
    let Submission { mut readings, receipt } = within(house.inbox.recv()).await.unwrap();
    let mut receipt = receipt.unwrap();
    receipt.note(Settled { tick, refused: None });
    receipt.acknowledge();
    assert_eq!(readings.len(), 1);
    readings.remove(0)
}

#[tokio::test]
async fn a_vehicle_that_follows_is_an_input_that_counts_once_and_is_in_the_next_advice() {
    let mut house = house().await;
    let now = house.clock.now();
    house.publish(1, [facility(0, 60, now), forecast(0, [3, 9, 15], now)]);
    let channel = house.channel().await;
    let mut client = AdviseServiceClient::new(channel.clone());
    let free = |got: &wire::AdviseResponse| {
        let ladeuze = got.options.iter().find(|o| o.facility_id == "ladeuze").unwrap();
        (ladeuze.space.unwrap().free, ladeuze.space.unwrap().on_the_way)
    };
    assert_eq!(free(&advise(&mut client, across()).await.unwrap()), (Some(9.0), 0.0));

    let request = wire::FollowRequest {
        facility_id: "ladeuze".into(),
        arrival: Some(at(now + seconds(60))),
        trip_id: "4f1c".into(),
    };
    let (mut other, asked) = (AdviseServiceClient::new(channel.clone()), request.clone());
    let following = tokio::spawn(async move { other.follow(asked).await });
    let reading = settled(&mut house, 2).await;
    assert_eq!(reading.device, house.city.apps_desk(FacilityIx(0)).unwrap());
    assert_eq!(reading.value, Value::Guided { vehicles: 1, arrive_after_s: 60 });
    let told = within(following).await.unwrap().unwrap().into_inner();
    assert_eq!(told.tick, 2);
    // As the dataflow makes of it.
    let minute = ExpectedMinute { minute: (now + seconds(60)).floor(seconds(60)), vehicles: 1 };
    let arrivals = vec![minute];
    house.publish(2, [Product::Expected(ExpectedArrivals { facility: FacilityIx(0), arrivals })]);
    // Said again it is told at once, and nothing reaches the engine.
    let again = within(client.follow(request.clone())).await.unwrap().into_inner();
    assert_eq!((again.tick, again.on_the_way), (0, 1));
    assert!(house.inbox.try_recv().is_err());
    assert_eq!(free(&advise(&mut client, across()).await.unwrap()), (Some(8.0), 1.0));

    let ask = |facility_id: &str, after: u64, trip_id: &str| wire::FollowRequest {
        facility_id: facility_id.into(),
        arrival: Some(at(now + seconds(after))),
        trip_id: trip_id.into(),
    };
    for (request, code) in [
        (ask("nowhere", 60, "a"), Code::NotFound),
        (ask("ladeuze", 60, ""), Code::InvalidArgument),
        (ask("ladeuze", 60, "a b"), Code::InvalidArgument),
        (ask("ladeuze", 7_201, "a"), Code::InvalidArgument),
        (wire::FollowRequest { arrival: None, ..ask("ladeuze", 0, "a") }, Code::InvalidArgument),
        (ask("bodart", 60, "4f1c"), Code::AlreadyExists),
    ] {
        assert_eq!(within(client.follow(request.clone())).await.unwrap_err().code(), code, "{request:?}");
    }
    // A tenth of a hundred spaces, one of which is under way.
    for n in 0..9 {
        let (mut other, asked) =
            (AdviseServiceClient::new(channel.clone()), ask("ladeuze", 300, &format!("n{n}")));
        let following = tokio::spawn(async move { other.follow(asked).await });
        settled(&mut house, 3 + n).await;
        within(following).await.unwrap().unwrap();
    }
    let refused = within(client.follow(ask("ladeuze", 300, "one-more"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{}", refused.message());
}
