//! Everything that is on the board, field by field, as its readers get it.

use tonic::Code;
use vlot_model::{BicycleCount, Product, Quality, Share, StationIx, TrafficCount};
use vlot_proto::bicycle::v1 as bicycle;
use vlot_proto::bicycle::v1::garage_service_client::GarageServiceClient;
use vlot_proto::common::v1 as common;
use vlot_proto::parking::v1 as parking;
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::sign::v1 as sign;
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_proto::traffic::v1 as traffic;
use vlot_proto::traffic::v1::traffic_service_client::TrafficServiceClient;

use super::support::*;

fn noon_plus(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: NOON.micros() / 1_000_000 + seconds, nanos: 0 })
}

#[tokio::test]
async fn facilities_are_listed_in_the_configured_order_and_missing_before_anything_is_known() {
    let house = House::open().await;
    house.publish(7, [facility(1, 0, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let listed =
        within(client.list_facilities(parking::ListFacilitiesRequest::default())).await.unwrap().into_inner();
    assert_eq!(listed.position, Some(common::StreamPosition { tick: 7 }));
    let ids: Vec<_> = listed.facilities.iter().map(|f| f.id.as_str()).collect();
    assert_eq!(ids, ["ladeuze", "bodart", "bondgenotenlaan"]);
    let missing = |total| parking::FacilityState {
        capacity: 100,
        opening: parking::Opening::Unknown.into(),
        status: common::Status::Unknown.into(),
        quality: common::Quality::Missing.into(),
        sensors: Some(common::SensorShare { reporting: 0, total }),
        ..parking::FacilityState::default()
    };
    assert_eq!(listed.facilities[0].state, Some(missing(1)));
    assert_eq!(listed.facilities[2].state, Some(missing(2)));
    let bodart = parking::Facility {
        id: "bodart".into(),
        name: "BODART".into(),
        kind: parking::FacilityKind::Edge.into(),
        position: Some(common::Position { latitude: 50.88, longitude: 4.7 }),
        state: Some(parking::FacilityState {
            capacity: 100,
            occupied: Some(100),
            free: Some(0),
            occupied_uncorrected: Some(-3),
            opening: parking::Opening::Open.into(),
            status: common::Status::Full.into(),
            observed_at: noon_plus(0),
            valid_until: noon_plus(60),
            quality: common::Quality::Good.into(),
            sensors: Some(common::SensorShare { reporting: 2, total: 2 }),
            lost_messages: 1,
            version: 7,
            ..parking::FacilityState::default()
        }),
        ..parking::Facility::default()
    };
    assert_eq!(listed.facilities[1], bodart);

    let got = within(client.get_facility(parking::GetFacilityRequest { id: "bodart".into() })).await.unwrap();
    assert_eq!(got.into_inner().facility, Some(bodart));
    let unknown = within(client.get_facility(parking::GetFacilityRequest { id: "Bodart".into() })).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn stations_have_the_figures_of_their_mode_and_a_gap_is_no_zero() {
    let house = House::open().await;
    let (quality, sensors) = (Quality::Degraded, Share { reporting: 1, total: 2 });
    house.publish(
        3,
        [
            Product::Traffic(TrafficCount {
                station: StationIx(0),
                observed_at: NOON,
                interval_s: 60,
                valid_until: NOON + seconds(120),
                vehicles: Some(0),
                flow_vph: Some(0),
                speed_kmh: None,
                detector_occupancy_pct: Some(0.0),
                quality,
                sensors,
                late_readings: 4,
            }),
            Product::Bicycle(BicycleCount {
                station: StationIx(1),
                observed_at: NOON,
                interval_s: 900,
                valid_until: NOON + seconds(1_800),
                inbound: Some(0),
                outbound: None,
                quality,
                sensors,
                late_readings: 0,
            }),
        ],
    );
    let mut client = TrafficServiceClient::new(house.channel().await);
    let listed =
        within(client.list_stations(traffic::ListStationsRequest::default())).await.unwrap().into_inner();
    let figures = |at: usize| listed.stations[at].count.unwrap().figures.unwrap();
    let motor = traffic::MotorFigures {
        vehicles: Some(0),
        flow_vph: Some(0),
        speed_kmh: None,
        detector_occupancy_pct: Some(0.0),
    };
    assert_eq!(figures(0), traffic::count::Figures::Motor(motor));
    let bicycle = traffic::BicycleFigures { inbound: Some(0), outbound: None };
    assert_eq!(figures(1), traffic::count::Figures::Bicycle(bicycle));
    let count = listed.stations[0].count.unwrap();
    assert_eq!(
        (
            count.observed_at,
            count.interval_s,
            count.valid_until,
            count.quality(),
            count.late_readings,
            count.version
        ),
        (noon_plus(0), 60, noon_plus(120), common::Quality::Degraded, 4, 3)
    );
    assert_eq!(
        (listed.stations[1].id.as_str(), listed.stations[1].mode()),
        ("vaart", traffic::CountMode::Bicycle)
    );

    let filter = traffic::StationFilter { mode: traffic::CountMode::Bicycle.into(), ..Default::default() };
    let asked = traffic::WatchCountsRequest { filter: Some(filter), resume_after: None };
    let mut watch = within(client.watch_counts(asked)).await.unwrap().into_inner();
    let first = within(watch.message()).await.unwrap().unwrap();
    assert_eq!((first.station.unwrap().id, first.position.unwrap().tick), ("vaart".to_owned(), 3));
}

#[tokio::test]
async fn bicycles_that_do_not_move_are_listed_by_their_places_and_what_a_section_may_say_is_sent() {
    let house = House::open().await;
    let mut client = GarageServiceClient::new(house.channel().await);
    let all = || bicycle::ListUnmovedRequest::default();
    let unknown = bicycle::UnmovedInGarage {
        garage_id: "station".into(),
        after_s: 2_419_200,
        watched: Some(common::SensorShare { reporting: 0, total: 2 }),
        places: Vec::new(),
        version: 0,
    };
    let listed = within(client.list_unmoved(all())).await.unwrap().into_inner();
    assert_eq!(listed.garages, std::slice::from_ref(&unknown));

    let Product::Garage(mut state) = garage(7, NOON) else { unreachable!() };
    let since = NOON + seconds(60);
    state.unmoved = Some(vlot_model::Unmoved {
        after_s: 2_419_200,
        watched: Share { reporting: 1, total: 2 },
        places: vec![vlot_model::UnmovedPlace { section: vlot_model::SectionIx(1), place: 1, since }],
    });
    state.sections[0].certainty = Some(vlot_model::Certainty {
        occupied_low: 40,
        occupied_high: 45,
        says: vlot_model::Figure::Free(5),
        why: vlot_model::SureWhy::Sure,
        conflict: false,
        bays_alone: false,
        anchored: None,
    });
    house.publish(5, [Product::Garage(state)]);
    let listed = within(client.list_unmoved(all())).await.unwrap().into_inner();
    let known = bicycle::UnmovedInGarage {
        watched: Some(common::SensorShare { reporting: 1, total: 2 }),
        places: vec![bicycle::UnmovedPlace {
            section_id: "onder".into(),
            place_id: "12".into(),
            since: noon_plus(60),
        }],
        version: 5,
        ..unknown
    };
    assert_eq!(listed.garages, [known]);
    let one = |id: &str| bicycle::ListUnmovedRequest { garage_id: id.into() };
    assert_eq!(within(client.list_unmoved(one("station"))).await.unwrap().into_inner(), listed);
    assert_eq!(within(client.list_unmoved(one("nowhere"))).await.unwrap_err().code(), Code::NotFound);

    let garages =
        within(client.list_garages(bicycle::ListGaragesRequest {})).await.unwrap().into_inner().garages;
    assert_eq!(garages[0].unmoved, Some(1));
    let sure = garages[0].sections[0].certainty.unwrap();
    assert_eq!((sure.free_low, sure.free_high, sure.says), (5, 10, Some(parking::certainty::Says::Free(5))));
    assert_eq!(garages[0].sections[1].certainty, None);
}

#[tokio::test]
async fn a_garage_is_watched_with_its_sections_and_the_faces_of_its_own_signs() {
    let house = House::open().await;
    let mut client = GarageServiceClient::new(house.channel().await);
    let listed = within(client.list_garages(bicycle::ListGaragesRequest {})).await.unwrap().into_inner();
    let missing = &listed.garages[0];
    assert_eq!((missing.quality(), missing.free, missing.capacity), (common::Quality::Missing, None, 100));
    assert_eq!((missing.sections.len(), missing.sections[1].free), (2, None));

    let asked = || bicycle::WatchGarageRequest { id: "station".into(), resume_after: None };
    let mut watch = within(client.watch_garage(asked())).await.unwrap().into_inner();
    let first = within(watch.message()).await.unwrap().unwrap();
    assert_eq!(first.change, Some(bicycle::watch_garage_response::Change::Garage(missing.clone())));
    house.publish(5, [garage(0, NOON), face(0, 1, "ring", NOON), face(1, 1, "garage", NOON)]);
    let Some(bicycle::watch_garage_response::Change::Garage(known)) =
        within(watch.message()).await.unwrap().unwrap().change
    else {
        panic!("the garage comes first")
    };
    assert_eq!((known.free, known.version, known.sections[0].free), (Some(0), 5, Some(0)));
    assert_eq!(
        (known.sections[1].rack(), known.sections[1].id.as_str()),
        (bicycle::RackKind::Cargo, "onder")
    );
    let last = within(watch.message()).await.unwrap().unwrap();
    let Some(bicycle::watch_garage_response::Change::Face(shown)) = last.change else {
        panic!("then the face")
    };
    assert_eq!((shown.sign_id.as_str(), shown.multi.as_str()), ("sign-garage", "garage"));
    assert_eq!(last.position.unwrap().tick, 5);
    house.publish(6, [face(1, 2, "changed", NOON)]);
    let last = within(watch.message()).await.unwrap().unwrap();
    assert!(
        matches!(last.change, Some(bicycle::watch_garage_response::Change::Face(f)) if f.multi == "changed")
    );

    let unknown = bicycle::WatchGarageRequest { id: "?".into(), resume_after: None };
    assert_eq!(within(client.watch_garage(unknown)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_sign_is_told_with_what_it_is_to_show_and_what_it_shows() {
    let house = House::open().await;
    let mut client = SignServiceClient::new(house.channel().await);
    let asked = || sign::WatchSignsRequest::default();
    let mut watch = within(client.watch_signs(asked())).await.unwrap().into_inner();
    for id in ["sign-ring", "sign-garage"] {
        let unknown = within(watch.message()).await.unwrap().unwrap();
        let it = unknown.sign.unwrap();
        assert_eq!((it.id.as_str(), it.commanded, it.display, unknown.position), (id, None, None, None));
    }
    // Both halves of one sign in one tick are one message.
    house.publish(2, [face(0, 9, "VOL", NOON), sign_state(0, 8, NOON)]);
    let told = within(watch.message()).await.unwrap().unwrap();
    assert_eq!(told.position.unwrap().tick, 2);
    let it = told.sign.unwrap();
    assert_eq!((it.id.as_str(), it.width_px, it.height_px, it.garage_id.as_str()), ("sign-ring", 96, 48, ""));
    assert_eq!(
        it.display,
        Some(sign::Display {
            connected: true,
            displayed_version: Some(8),
            displayed_at: noon_plus(0),
            fault: sign::Fault::Pixel.into(),
            heard_at: noon_plus(0),
        })
    );
    let row = |target_id: &str, label: &str, arrow: sign::Arrow, figure| sign::Row {
        target_id: target_id.into(),
        label: label.into(),
        arrow: arrow.into(),
        figure: Some(figure),
        minutes: (target_id == "ladeuze").then_some(4),
        filling: target_id == "ladeuze",
    };
    use sign::row::Figure;
    let commanded = sign::Face {
        sign_id: "sign-ring".into(),
        version: 9,
        multi: "VOL".into(),
        pages: Vec::new(),
        rows: vec![
            row("ladeuze", "Ladeuze", sign::Arrow::AheadLeft, Figure::Free(12)),
            row("station/onder", "Onder", sign::Arrow::Down, Figure::Word(common::Status::Full.into())),
            row("station", "Fiets", sign::Arrow::Unspecified, Figure::Blank(true)),
        ],
        advised_row: Some(0),
        reason: Some(sign::Reason {
            rows: vec![
                "LADEUZE: free spaces not stated (full at 2 or fewer, open again from 5); quality good."
                    .into(),
                "ONDER: full, free spaces not stated (full at 1 or fewer, open again from 3); quality good."
                    .into(),
                "Station: nothing is shown, nothing is known of it yet.".into(),
            ],
            advice: "LADEUZE: 0 of 100 spaces free, the only line with space.".into(),
        }),
        decided_at: noon_plus(0),
        valid_until: noon_plus(30),
        time_to_live: Some(prost_types::Duration { seconds: 30, nanos: 0 }),
        trigger: Some(sign::Trigger {
            device_id: "ladeuze-in".into(),
            sequence: Some(7),
            observed_at: noon_plus(0),
        }),
        multi_crc32c: crc32c::crc32c(b"VOL"),
    };
    assert_eq!(it.commanded, Some(commanded));
    // A report alone tells the sign again, with the face that is still in force.
    house.publish(3, [sign_state(0, 9, NOON)]);
    let it = within(watch.message()).await.unwrap().unwrap().sign.unwrap();
    assert_eq!((it.commanded.unwrap().version, it.display.unwrap().displayed_version), (9, Some(9)));

    house.clock.forward(seconds(30));
    let listed = within(client.list_signs(sign::ListSignsRequest::default())).await.unwrap().into_inner();
    assert_eq!(listed.position.unwrap().tick, 3);
    let ids: Vec<_> = listed.signs.iter().map(|s| (s.id.as_str(), s.garage_id.as_str())).collect();
    assert_eq!(ids, [("sign-ring", ""), ("sign-garage", "station")]);
    assert_eq!(listed.signs[0].commanded, None, "its time is over");
    let unknown = sign::ListSignsRequest { filter: Some(sign::SignFilter { ids: vec!["?".into()] }) };
    assert_eq!(within(client.list_signs(unknown)).await.unwrap_err().code(), Code::InvalidArgument);
}
