//! Sensors: listed, filtered, watched, and why they are not believed.

use tonic::Code;
use vlot_model::{DeviceIx, HealthState, Product, SensorHealth, SensorRule};
use vlot_proto::common::v1::StreamPosition;
use vlot_proto::device::v1::sensor_service_client::SensorServiceClient;
use vlot_proto::device::v1::{
    Health, Life, ListSensorsRequest, Rule, SensorFilter, SensorKind, WatchSensorsRequest,
};

use super::support::*;

fn silent() -> Product {
    Product::Health(SensorHealth {
        device: DeviceIx(2),
        life: vlot_model::Life::InService,
        health: HealthState::Failed,
        rule: Some(SensorRule::Silent),
        since: NOON,
        seen: Some(0.17),
        limit: Some(0.167),
    })
}

fn well() -> Product {
    Product::Health(SensorHealth {
        device: DeviceIx(2),
        life: vlot_model::Life::InService,
        health: HealthState::Healthy,
        rule: None,
        since: NOON,
        seen: None,
        limit: None,
    })
}

#[tokio::test]
async fn sensors_are_listed_without_signs_and_say_why_they_are_not_believed() {
    let house = House::open().await;
    let mut client = SensorServiceClient::new(house.channel().await);
    let all = within(client.list_sensors(ListSensorsRequest::default())).await.unwrap().into_inner();
    let [sensor] = &all.sensors[..] else { panic!("{all:?}") };
    assert_eq!((sensor.id.as_str(), sensor.facility_id.as_str()), ("ladeuze-in", "ladeuze"));
    assert_eq!((sensor.kind(), sensor.life()), (SensorKind::Barrier, Life::InService));
    assert_eq!((sensor.health(), sensor.rule(), sensor.version), (Health::Healthy, Rule::Unspecified, 0));

    let unwell = ListSensorsRequest { unwell_only: true, ..Default::default() };
    let none = within(client.list_sensors(unwell.clone())).await.unwrap().into_inner();
    assert!(none.sensors.is_empty());
    house.publish(5, [silent()]);
    let one = within(client.list_sensors(unwell)).await.unwrap().into_inner();
    let sensor = &one.sensors[0];
    assert_eq!((sensor.health(), sensor.rule(), sensor.version), (Health::Failed, Rule::Silent, 5));
    assert_eq!(sensor.why, "nothing was heard for longer than 10 minutes");
    assert_eq!(sensor.since.as_ref().map(|t| t.seconds), Some(NOON.micros() / 1_000_000));
    assert_eq!(one.position.map(|p| p.tick), Some(5));
}

#[tokio::test]
async fn a_watch_tells_changes_alone_and_resumes() {
    let house = House::open().await;
    let mut client = SensorServiceClient::new(house.channel().await);
    let mut stream = within(client.watch_sensors(WatchSensorsRequest::default())).await.unwrap().into_inner();
    house.publish(3, [facility(0, 1, NOON), silent()]);
    let told = within(stream.message()).await.unwrap().unwrap();
    assert_eq!((told.sensor.unwrap().health(), told.position.map(|p| p.tick)), (Health::Failed, Some(3)));
    drop(stream);
    house.publish(4, [well()]);
    let resume_after = Some(StreamPosition { tick: 3 });
    let asked = WatchSensorsRequest { filter: None, resume_after };
    let mut stream = within(client.watch_sensors(asked)).await.unwrap().into_inner();
    let told = within(stream.message()).await.unwrap().unwrap();
    assert_eq!((told.sensor.unwrap().health(), told.position.map(|p| p.tick)), (Health::Healthy, Some(4)));
}

#[tokio::test]
async fn filters_narrow_and_unknown_names_are_refused() {
    let house = House::open().await;
    let mut client = SensorServiceClient::new(house.channel().await);
    let filters = [
        (SensorFilter { kinds: vec![SensorKind::Barrier.into()], ..Default::default() }, 1),
        (SensorFilter { kinds: vec![SensorKind::Bay.into()], ..Default::default() }, 0),
        (SensorFilter { facility_ids: vec!["ladeuze".into()], ..Default::default() }, 1),
        (SensorFilter { facility_ids: vec!["bodart".into()], ..Default::default() }, 0),
    ];
    for (filter, expected) in filters {
        let asked = ListSensorsRequest { filter: Some(filter.clone()), unwell_only: false };
        let found = within(client.list_sensors(asked)).await.unwrap().into_inner();
        assert_eq!(found.sensors.len(), expected, "{filter:?}");
    }
    for filter in [
        SensorFilter { ids: vec!["nobody".into()], ..Default::default() },
        // A sign is no sensor.
        SensorFilter { ids: vec!["sign-ring".into()], ..Default::default() },
        SensorFilter { facility_ids: vec!["nowhere".into()], ..Default::default() },
        SensorFilter { kinds: vec![99], ..Default::default() },
    ] {
        let asked = ListSensorsRequest { filter: Some(filter.clone()), unwell_only: false };
        let refused = within(client.list_sensors(asked)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{filter:?}");
    }
}
