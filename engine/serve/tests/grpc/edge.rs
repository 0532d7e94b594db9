//! Truth at the edge: what is sent is judged when it is sent, even when the engine has stopped.

use vlot_proto::bicycle::v1 as bicycle;
use vlot_proto::bicycle::v1::garage_service_client::GarageServiceClient;
use vlot_proto::common::v1::{Quality, Status};
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::{
    FacilityState, GetFacilityRequest, ListFacilitiesRequest, WatchFacilitiesRequest,
};

use super::support::*;

#[tokio::test]
async fn an_old_figure_is_stale_although_the_engine_never_said_so() {
    let house = House::open().await;
    house.publish(1, [facility(0, 0, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let asked = || GetFacilityRequest { id: "ladeuze".into() };
    let judged = |state: &FacilityState| (state.quality(), state.status(), state.free, state.version);
    let states = async |client: &mut ParkingServiceClient<_>| {
        let got = within(client.get_facility(asked())).await.unwrap().into_inner().facility.unwrap();
        let listed = within(client.list_facilities(ListFacilitiesRequest::default())).await.unwrap();
        let asked = WatchFacilitiesRequest::default();
        let mut stream = within(client.watch_facilities(asked)).await.unwrap().into_inner();
        let watched = loop {
            let facility = within(stream.message()).await.unwrap().unwrap().facility.unwrap();
            if facility.id == "ladeuze" {
                break facility;
            }
        };
        [got, listed.into_inner().facilities.swap_remove(0), watched].map(|f| judged(&f.state.unwrap()))
    };
    assert_eq!(states(&mut client).await, [(Quality::Good, Status::Full, Some(0), 1); 3]);
    house.clock.forward(seconds(59));
    assert_eq!(states(&mut client).await, [(Quality::Good, Status::Full, Some(0), 1); 3]);
    // The last figure is told, as the old figure that it is; the word FULL is not.
    house.clock.forward(seconds(1));
    assert_eq!(states(&mut client).await, [(Quality::Stale, Status::Unknown, Some(0), 1); 3]);
    house.publish(2, [facility(0, 0, NOON + seconds(60))]);
    assert_eq!(states(&mut client).await, [(Quality::Good, Status::Full, Some(0), 2); 3]);
}

#[tokio::test]
async fn each_section_of_a_garage_ages_by_itself() {
    let house = House::open().await;
    house.publish(1, [garage(5, NOON)]);
    let mut client = GarageServiceClient::new(house.channel().await);
    let mut qualities = async || {
        let listed = within(client.list_garages(bicycle::ListGaragesRequest {})).await.unwrap().into_inner();
        let garage = &listed.garages[0];
        (garage.quality(), garage.sections[0].quality(), garage.sections[1].quality())
    };
    assert_eq!(qualities().await, (Quality::Good, Quality::Good, Quality::Good));
    house.clock.forward(seconds(60));
    assert_eq!(qualities().await, (Quality::Stale, Quality::Stale, Quality::Good));
    house.clock.forward(seconds(60));
    assert_eq!(qualities().await, (Quality::Stale, Quality::Stale, Quality::Stale));
}
