//! The use of zones, and what a visitor wants to know of a facility.

use tonic::Code;
use vlot_model::{Balance, FacilityIx, GroupState, Overstay, Product, UserGroup, ZonePressure};
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::zone_service_client::ZoneServiceClient;
use vlot_proto::parking::v1::{self as wire, GetFacilityRequest, ListZonesRequest, WatchZonesRequest};

use super::support::*;

fn zone(facility: u32, overstays: &[u32]) -> Product {
    Product::Zone(ZonePressure {
        facility: FacilityIx(facility),
        hour: NOON,
        pressure_pct: Some(81.5),
        last_hour_pct: Some(90.0),
        departures: None,
        alarm: true,
        balance: Some(Balance { capacity: 2, demand_mean: 1.8, demand_peak: 2, full_s: 2_880 }),
        overstays: overstays.iter().map(|bay| Overstay { bay: *bay, since: NOON, limit_s: 1_800 }).collect(),
        overstays_begun: 7,
    })
}

#[tokio::test]
async fn zones_are_listed_and_watched_with_their_overstays_by_name() {
    let house = House::open().await;
    house.publish(3, [zone(2, &[1])]);
    let mut client = ZoneServiceClient::new(house.channel().await);
    let listed = within(client.list_zones(ListZonesRequest::default())).await.unwrap().into_inner();
    assert_eq!(listed.position.unwrap().tick, 3);
    let [told] = &listed.zones[..] else { panic!("{:?}", listed.zones) };
    assert_eq!(
        (told.id.as_str(), told.pressure_pct, told.departures, told.alarm),
        ("bondgenotenlaan", Some(81.5), None, true)
    );
    assert_eq!((told.balance.unwrap().full_s, told.overstays_begun, told.version), (2_880, 7, 3));
    assert_eq!((told.overstays[0].bay.as_str(), told.overstays[0].limit_s), ("2", 1_800));

    let asked = WatchZonesRequest { ids: vec!["bondgenotenlaan".into()], resume_after: None };
    let mut stream = within(client.watch_zones(asked)).await.unwrap().into_inner();
    let first = within(stream.message()).await.unwrap().unwrap();
    assert_eq!((first.zone.as_ref(), first.position.unwrap().tick), (Some(told), 3));
    // Another zone does not concern it; the end of an overstay does.
    house.publish(4, [zone(0, &[])]);
    house.publish(5, [zone(2, &[])]);
    let second = within(stream.message()).await.unwrap().unwrap();
    assert_eq!((second.zone.unwrap().overstays.len(), second.position.unwrap().tick), (0, 5));

    let unknown = ListZonesRequest { ids: vec!["nowhere".into()] };
    assert_eq!(within(client.list_zones(unknown)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_facility_says_when_it_is_open_how_high_it_is_and_how_to_go_on() {
    let house = House::open().await;
    let mut state = facility(0, 10, NOON);
    if let Product::Facility(state) = &mut state {
        state.groups = vec![GroupState { group: UserGroup::CareGivers, capacity: 4, free: None }];
    }
    house.publish(3, [state]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let asked = GetFacilityRequest { id: "ladeuze".into() };
    let told = within(client.get_facility(asked)).await.unwrap().into_inner().facility.unwrap();
    assert_eq!(
        (told.opening_hours.as_deref(), told.height_limit_cm, told.tariff),
        (Some("24/7"), Some(210), None)
    );
    assert_eq!((told.onward[0].headway_min, told.parts[0].level), (10, -1));
    let group = &told.state.unwrap().groups[0];
    assert_eq!((group.group(), group.capacity, group.free), (wire::UserGroup::CareGivers, 4, None));
    // Nothing that was not stated.
    let asked = GetFacilityRequest { id: "bodart".into() };
    let told = within(client.get_facility(asked)).await.unwrap().into_inner().facility.unwrap();
    assert_eq!((told.opening_hours, told.height_limit_cm, told.onward.len()), (None, None, 0));
}
