//! Garage guidance against an engine that falls silent.

use vlot_proto::bicycle::v1::watch_garage_response::Change;
use vlot_proto::bicycle::v1::{Garage, Section, WatchGarageResponse};
use vlot_proto::common::v1::StreamPosition;
use vlot_simulators::time::{SECOND, proto};

use crate::engine::{Engine, face};
use crate::signs::run_garage;
use crate::until;

#[tokio::test]
async fn figures_and_faces_end_when_nobody_renews_them() {
    let mut engine = Engine::start().await;
    let (live, now, task) = run_garage(engine.endpoint(), "station");
    let (request, send) = engine.watched().await;
    assert_eq!((request.id.as_str(), request.resume_after), ("station", None));

    let section = |id: &str, free, seconds| Section {
        id: id.into(),
        free,
        valid_until: Some(proto(now() + seconds * SECOND)),
        ..Section::default()
    };
    let position = Some(StreamPosition { tick: 9 });
    let sends = |seconds| {
        let sections =
            vec![section("a", Some(12), seconds), section("b", None, 6_000), section("c", Some(0), 6_000)];
        let garage = Garage { id: "station".into(), sections, ..Garage::default() };
        let face = face("ramp", 3, "A 12", seconds);
        for (change, position) in [(Change::Garage(garage), None), (Change::Face(face), position)] {
            send.send(Ok(WatchGarageResponse { change: Some(change), position })).unwrap();
        }
    };
    sends(6_000);

    let view = || live.garages().remove("station").unwrap_or_default();
    let figure = |id: &str| view().sections.into_iter().find(|(s, _)| s == id).and_then(|(_, free)| free);
    until("shown", || view().faces.get("ramp").is_some_and(|t| t == "A 12")).await;
    assert_eq!((figure("a"), figure("b"), figure("c")), (Some(12), None, Some(0)), "unknown is not zero");
    // 60 simulated seconds: one of the wall's.
    sends(60);
    until("over", || figure("a").is_none() && view().faces.is_empty()).await;
    assert_eq!(figure("c"), Some(0), "what is still valid stays");

    // A broken stream goes on where it ended.
    send.send(Err(tonic::Status::unavailable("restarting"))).unwrap();
    let (request, _send) = engine.watched().await;
    assert_eq!(request.resume_after, position);
    let report = live.report();
    assert_eq!((report.fallbacks, report.shown_past_end, report.garage_updates), (1, 0, 4));
    task.abort();
}
