//! Watching: filters, positions, resuming, slow readers.

use std::collections::BTreeMap;

use tonic::{Code, Streaming};
use vlot_model::{FacilityIx, Key, Product, Tick};
use vlot_proto::common::v1::StreamPosition;
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::{
    FacilityFilter, FacilityKind, ListFacilitiesRequest, WatchFacilitiesRequest, WatchFacilitiesResponse,
};

use super::support::*;

type Client = ParkingServiceClient<tonic::transport::Channel>;

async fn watch(client: &mut Client, after: Option<Tick>) -> Streaming<WatchFacilitiesResponse> {
    let resume_after = after.map(|tick| StreamPosition { tick });
    let asked = WatchFacilitiesRequest { filter: None, resume_after };
    within(client.watch_facilities(asked)).await.unwrap().into_inner()
}

/// The next message as (id, version, position).
async fn next(stream: &mut Streaming<WatchFacilitiesResponse>) -> (String, u64, Option<Tick>) {
    let told = within(stream.message()).await.unwrap().expect("the stream goes on");
    let facility = told.facility.unwrap();
    (facility.id, facility.state.unwrap().version, told.position.map(|p| p.tick))
}

fn told(id: &str, version: u64, position: impl Into<Option<Tick>>) -> (String, u64, Option<Tick>) {
    (id.to_owned(), version, position.into())
}

#[tokio::test]
async fn first_the_present_state_then_changes_and_a_position_at_the_end_of_each_tick() {
    let house = House::open().await;
    house.publish(3, [facility(1, 10, NOON), facility(2, 20, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut stream = watch(&mut client, None).await;
    assert_eq!(next(&mut stream).await, told("ladeuze", 0, None));
    assert_eq!(next(&mut stream).await, told("bodart", 3, None));
    assert_eq!(next(&mut stream).await, told("bondgenotenlaan", 3, 3));
    house.publish(4, [facility(0, 1, NOON)]);
    assert_eq!(next(&mut stream).await, told("ladeuze", 4, 4));
    // Position 0 asks for the present state of all, too.
    let mut stream = watch(&mut client, Some(0)).await;
    assert_eq!(next(&mut stream).await, told("bodart", 3, None));
    assert_eq!(next(&mut stream).await, told("bondgenotenlaan", 3, 3));
    assert_eq!(next(&mut stream).await, told("ladeuze", 4, 4));
}

#[tokio::test]
async fn a_resumed_watch_tells_what_changed_meanwhile_and_nothing_else() {
    let house = House::open().await;
    house.publish(1, [facility(0, 1, NOON), facility(1, 1, NOON), facility(2, 1, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut stream = watch(&mut client, None).await;
    for _ in 0..2 {
        assert_eq!(next(&mut stream).await.2, None);
    }
    assert_eq!(next(&mut stream).await.2, Some(1));
    drop(stream);
    house.publish(2, [facility(0, 2, NOON)]);
    house.publish(3, [facility(0, 3, NOON), facility(2, 3, NOON)]);
    // Over another connection, as after a lost one.
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut stream = watch(&mut client, Some(1)).await;
    assert_eq!(next(&mut stream).await, told("ladeuze", 3, None));
    assert_eq!(next(&mut stream).await, told("bondgenotenlaan", 3, 3));
    house.publish(4, [facility(1, 4, NOON)]);
    assert_eq!(next(&mut stream).await, told("bodart", 4, 4));
}

#[tokio::test]
async fn a_reader_that_keeps_losing_its_connection_misses_nothing_and_sees_nothing_twice() {
    let house = House::open().await;
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut noise = 12_345_u32;
    let mut random = move |below: u32| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 16) % below
    };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut position = None;
    let mut tick = 0;
    for _ in 0..60 {
        for _ in 0..=random(4) {
            tick += 1;
            let touched: Vec<_> = (0..3).filter(|_| random(2) == 0).collect();
            let touched = touched.into_iter().map(|ix| facility(ix, 1, NOON));
            house.publish(tick, touched);
        }
        let mut stream = watch(&mut client, position).await;
        // All that this reader does not know yet, as the board has it.
        let after = position.unwrap_or(0);
        let newer = house.board.changed_since(after, |key| matches!(key, Key::Facility(_))).1;
        let unknown = if after == 0 { 3 } else { newer.len() };
        for _ in 0..unknown {
            let (id, version, at) = next(&mut stream).await;
            let before = seen.insert(id.clone(), version);
            assert!(
                version == 0 || before.is_none_or(|before| version > before),
                "{id} {before:?} -> {version}"
            );
            position = at.or(position);
        }
        for (at, f) in house.city.facilities.iter().enumerate() {
            let entry = house.board.get(Key::Facility(FacilityIx::from_position(at)));
            assert_eq!(seen.get(&*f.id).copied().unwrap_or(0), entry.map_or(0, |e| e.version), "{}", f.id);
        }
    }
}

#[tokio::test]
async fn a_position_that_the_engine_has_not_reached_starts_over() {
    let house = House::open().await;
    house.publish(3, [facility(0, 1, NOON), facility(1, 1, NOON), facility(2, 1, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut stream = watch(&mut client, Some(1_000_000)).await;
    assert_eq!(next(&mut stream).await, told("ladeuze", 3, None));
}

#[tokio::test]
async fn filters_must_all_match_and_unknown_names_are_errors() {
    let house = House::open().await;
    let mut client = ParkingServiceClient::new(house.channel().await);
    type Expected = Result<&'static [&'static str], &'static str>;
    let cases: [(&[&str], &[FacilityKind], Expected); 8] = [
        (&[], &[], Ok(&["ladeuze", "bodart", "bondgenotenlaan"])),
        (&["bondgenotenlaan", "ladeuze"], &[], Ok(&["ladeuze", "bondgenotenlaan"])),
        (&["bodart", "bodart"], &[], Ok(&["bodart"])),
        (&[], &[FacilityKind::Edge, FacilityKind::OnStreet], Ok(&["bodart", "bondgenotenlaan"])),
        (
            &[],
            &[FacilityKind::Unspecified, FacilityKind::Edge],
            Ok(&["ladeuze", "bodart", "bondgenotenlaan"]),
        ),
        (&["ladeuze", "bodart"], &[FacilityKind::OffStreet], Ok(&["ladeuze"])),
        (&["ladeuze"], &[FacilityKind::Edge], Ok(&[])),
        (&["ladeuze", "nowhere"], &[], Err("\"nowhere\"")),
    ];
    for (ids, kinds, expected) in cases {
        let filter = Some(FacilityFilter {
            ids: ids.iter().map(ToString::to_string).collect(),
            kinds: kinds.iter().map(|k| i32::from(*k)).collect(),
        });
        let listed = within(client.list_facilities(ListFacilitiesRequest { filter: filter.clone() })).await;
        let watched = WatchFacilitiesRequest { filter, resume_after: None };
        match expected {
            Ok(expected) => {
                let listed: Vec<_> =
                    listed.unwrap().into_inner().facilities.into_iter().map(|f| f.id).collect();
                assert_eq!(listed, expected);
                let mut stream = within(client.watch_facilities(watched)).await.unwrap().into_inner();
                for id in expected {
                    assert_eq!(&next(&mut stream).await.0, id);
                }
            }
            Err(named) => {
                for refused in [
                    listed.map(drop).unwrap_err(),
                    within(client.watch_facilities(watched)).await.map(drop).unwrap_err(),
                ] {
                    assert_eq!(refused.code(), Code::InvalidArgument);
                    assert!(refused.message().contains(named), "{}", refused.message());
                }
            }
        }
    }
    let filter = Some(FacilityFilter { ids: Vec::new(), kinds: vec![99] });
    let refused = within(client.list_facilities(ListFacilitiesRequest { filter })).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_filtered_watch_sleeps_through_what_does_not_concern_it() {
    let house = House::open().await;
    house.publish(1, [facility(0, 1, NOON), facility(1, 1, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let filter = Some(FacilityFilter { ids: vec!["bodart".into()], kinds: Vec::new() });
    let asked = WatchFacilitiesRequest { filter, resume_after: None };
    let mut stream = within(client.watch_facilities(asked)).await.unwrap().into_inner();
    assert_eq!(next(&mut stream).await, told("bodart", 1, 1));
    for tick in 2..50 {
        house.publish(tick, [facility(0, 1, NOON)]);
    }
    house.publish(50, [facility(0, 1, NOON), facility(1, 2, NOON)]);
    assert_eq!(next(&mut stream).await, told("bodart", 50, 50));
}

#[tokio::test]
async fn a_reader_that_stops_for_ten_thousand_updates_gets_the_newest_state_of_each() {
    let house = House::open().await;
    let updates = 10_000;
    house.publish(1, (0..3).map(|ix| facility(ix, 1, NOON)));
    // Room for a few messages alone, so that nearly all updates meet a reader that takes nothing.
    let endpoint = house.endpoint().initial_stream_window_size(1_024).initial_connection_window_size(65_535);
    let mut slow = ParkingServiceClient::new(within(endpoint.connect()).await.unwrap());
    let mut stream = watch(&mut slow, None).await;
    // Another reader shows that the slow one delays nobody.
    let mut quick = ParkingServiceClient::new(house.channel().await);
    let mut other = watch(&mut quick, None).await;
    for tick in 2..=updates {
        house.publish(tick, (0..3).map(|ix| facility(ix, 1, NOON)));
        if tick % 100 == 0 {
            while next(&mut other).await.2 != Some(tick) {}
        }
    }
    let mut received: Vec<(String, u64)> = Vec::new();
    loop {
        let (id, version, position) = next(&mut stream).await;
        received.push((id, version));
        if position == Some(updates) {
            break;
        }
    }
    let newest: Vec<_> = received.iter().rev().take(3).map(|(_, version)| *version).collect();
    assert_eq!(newest, [updates; 3]);
    // What was under way when the reader stopped, then the newest: not the history.
    assert!(received.len() < 200, "{} messages", received.len());
    for id in ["ladeuze", "bodart", "bondgenotenlaan"] {
        let versions: Vec<_> = received.iter().filter(|(i, _)| i == id).map(|(_, v)| *v).collect();
        assert!(versions.windows(2).all(|w| w[0] < w[1]), "{versions:?}");
    }
}

#[tokio::test]
async fn a_change_of_something_else_is_no_change_here() {
    let house = House::open().await;
    let Product::Facility(known) = facility(0, 1, NOON) else { unreachable!() };
    house.publish(1, [Product::Facility(known), garage(3, NOON), face(0, 1, "x", NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut stream = watch(&mut client, None).await;
    for id in ["bodart", "bondgenotenlaan"] {
        assert_eq!(next(&mut stream).await, told(id, 0, None));
    }
    assert_eq!(next(&mut stream).await, told("ladeuze", 1, 1));
}
