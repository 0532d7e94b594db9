//! A closure's whole way: stated by an operator or in a file, durable, watched, and standing again after a restart.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use tonic::transport::Endpoint;
use vlot_model::{Device, DeviceIx, DeviceKind, LonLat, RoadClass, RoadNetwork, Role, Service};
use vlot_network::{Draft, DraftLink};
use vlot_proto::common::v1::Position;
use vlot_proto::parking::v1::Attribution;
use vlot_proto::traffic::v1::situation_location::Place;
use vlot_proto::traffic::v1::situation_service_client::SituationServiceClient;
use vlot_proto::traffic::v1::{
    Situation, SituationKind, SituationLocation, SituationPhase, SituationStatement, StateSituationRequest,
    WatchSituationsRequest, WatchSituationsResponse, WithdrawSituationRequest,
};

use super::*;
use crate::clock::WallClock;

const FILES: [(&str, &str); 3] = [
    (
        "city.toml",
        "name = \"Leuven\"\ntimezone = \"Europe/Brussels\"\narea = { south = 50, north = 51, west = 4, east = 5 }\n[serve]\nlisten = \"127.0.0.1:0\"\n",
    ),
    (
        "mqtt.toml",
        "[[source]]\nname = \"field\"\nhost = \"127.0.0.1\"\nport = 1\nclient_id = \"vlot\"\nsubscription = [{ filter = \"a\", format = \"vlot-json\" }]\n",
    ),
    (
        "facilities.toml",
        "[[facility]]\nid = \"p\"\nname = \"P\"\nkind = \"off-street\"\nlat = 50.5\nlon = 4.5\ncapacity = 10\ncounting = \"absolute\"\nvalid_for = \"15m\"\nfull_at = 0\nreopen_at = 1\ndevice = [{ id = \"c\", kind = \"counter\" }]\n",
    ),
];

/// Two parallel streets from west to east, joined at their ends and in between.
fn network() -> RoadNetwork {
    let mut draft = Draft::new("test");
    let at = |n: i64| LonLat { lon: 4.70 + 0.002 * (n % 4) as f64, lat: 50.88 + 0.001 * (n / 4) as f64 };
    for (a, b) in [(0, 1), (1, 2), (2, 3), (1, 5), (5, 6), (6, 2)] {
        let id = u64::try_from(10 * a + b).unwrap();
        draft
            .link(DraftLink { points: vec![at(a), at(b)], ..DraftLink::new([a, b], id, RoadClass::Primary) });
    }
    draft.make().network
}

async fn start(data: &Path, folder: &Path) -> Engine {
    let source = Source::from_files(FILES);
    let mut settings = vlot_settings::check(&source).unwrap_or_else(|problems| panic!("\n{problems}"));
    let mut city = (*settings.city).clone();
    city.network = Some(Arc::new(network()));
    if city.roads_desk().is_none() {
        city.directory.insert("roads/operator", DeviceIx::from_position(city.devices.len()));
        city.devices.push(Device {
            id: "roads/operator".into(),
            kind: DeviceKind::SituationFeed,
            role: Role::Situations,
            silent_after: Duration::from_secs(3_600),
            service: Service::default(),
        });
    }
    settings.city = Arc::new(city);
    settings.situations.folder = Some(folder.to_owned());
    let parts = Parts {
        source,
        settings,
        data: data.to_owned(),
        workers: NonZeroUsize::MIN,
        on_damage: OnDamage::Refuse,
    };
    Engine::start(parts, Arc::new(WallClock), |_| {}).await.unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("nothing happened for 20 s")
}

type Client = SituationServiceClient<tonic::transport::Channel>;
type Changes = tonic::Streaming<WatchSituationsResponse>;

async fn client(engine: &Engine) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{}", engine.grpc)).unwrap();
    Client::new(within(endpoint.connect()).await.unwrap())
}

/// The next change of that id to that phase.
async fn next(changes: &mut Changes, id: &str, phase: SituationPhase) -> Situation {
    within(async {
        loop {
            let situation = changes.message().await.unwrap().unwrap().situation.unwrap();
            if situation.stated.as_ref().unwrap().id == id && situation.phase() == phase {
                return situation;
            }
        }
    })
    .await
}

fn by(act_id: &str) -> Option<Attribution> {
    Some(Attribution { act_id: act_id.into(), actor: "Mia".into(), reason: "flood".into() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_is_watched_while_it_stands_and_stands_again_after_a_restart() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = start(data.path(), folder.path()).await;
    let mut client = client(&engine).await;
    let mut changes =
        within(client.watch_situations(WatchSituationsRequest::default())).await.unwrap().into_inner();
    let point = Position { latitude: 50.8801, longitude: 4.703 };
    let situation = SituationStatement {
        id: "ring".into(),
        kind: SituationKind::Closure.into(),
        headline: "Ring closed".into(),
        location: Some(SituationLocation { place: Some(Place::Point(point)) }),
        ..Default::default()
    };
    let request = StateSituationRequest { attribution: by("a"), situation: Some(situation) };
    let answered = within(client.state_situation(request)).await.unwrap().into_inner().situation;
    let stated = next(&mut changes, "ring", SituationPhase::Active).await;
    // The answer is without it where the board is far behind the journal.
    if let Some(answered) = answered {
        assert_eq!(answered, stated);
    }
    assert_eq!(stated.link_ids, [format!("{:016x}", 12)]);
    let car = &stated.detours[0];
    let around: Vec<_> = [1, 15, 56, 62, 23].map(|id| format!("{id:016x}")).to_vec();
    assert!(car.exists && car.link_ids == around, "{car:?}");

    let feature = r#"{"type":"Feature","id":"pipes","geometry":{"type":"Point","coordinates":[4.701,50.88]},
        "properties":{"kind":"works","headline":"Pipes"}}"#;
    let file = folder.path().join("works.geojson");
    std::fs::write(&file, feature).unwrap();
    let pipes = next(&mut changes, "pipes", SituationPhase::Active).await;
    assert_eq!(pipes.source, "folder/works.geojson");
    drop((changes, client));
    engine.stop().await.unwrap();

    // The file goes while nobody looks.
    std::fs::remove_file(file).unwrap();
    let engine = start(data.path(), folder.path()).await;
    let mut client = self::client(&engine).await;
    let mut changes =
        within(client.watch_situations(WatchSituationsRequest::default())).await.unwrap().into_inner();
    let again = next(&mut changes, "ring", SituationPhase::Active).await;
    assert_eq!((again.since, &again.detours), (stated.since, &stated.detours));
    next(&mut changes, "pipes", SituationPhase::Ended).await;
    let request = WithdrawSituationRequest { attribution: by("b"), id: "ring".into() };
    within(client.withdraw_situation(request)).await.unwrap();
    next(&mut changes, "ring", SituationPhase::Ended).await;
    drop((changes, client));
    engine.stop().await.unwrap();
}
