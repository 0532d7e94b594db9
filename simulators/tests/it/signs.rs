//! Sign clients against an engine that does what no engine should.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;
use vlot_proto::sign::v1::join_request::Message;
use vlot_proto::sign::v1::{Fault, Trigger};
use vlot_simulators::signs::{self, Encoding, Live, Options, SignSpec, SignsReport};
use vlot_simulators::time::{NowMicros, proto, round};

use crate::engine::{Engine, face};
use crate::{BOUND, until};

/// Simulated seconds in one of the wall's.
const SPEED: f64 = 60.0;

struct Running {
    live: Arc<Live>,
    now: NowMicros,
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<SignsReport, vlot_simulators::SimError>>,
}

impl Running {
    async fn stop(self) -> SignsReport {
        self.stop.send(()).unwrap();
        tokio::time::timeout(BOUND, self.task).await.expect("it stops in time").unwrap().unwrap()
    }

    fn text(&self, sign: &str) -> Option<String> {
        self.live.texts().get(sign).cloned().flatten()
    }
}

fn run(endpoint: String, signs: &[&str], garages: &[&str]) -> Running {
    let live = Arc::new(Live::default());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let began = Instant::now();
    let now: NowMicros = Arc::new(move || 1_000_000_000 + round(began.elapsed().as_secs_f64() * 1e6 * SPEED));
    let options = Options {
        endpoint,
        ca_pem: None,
        signs: signs.iter().map(|id| SignSpec { id: (*id).into(), width_px: 96, height_px: 64 }).collect(),
        garages: garages.iter().map(|id| (*id).into()).collect(),
        now_micros: Arc::clone(&now),
        speed: SPEED,
        encoding: Encoding::Multi,
        live: Arc::clone(&live),
    };
    let task = tokio::spawn(signs::run(options, async {
        stopped.await.unwrap_or_default();
    }));
    Running { live, now, stop, task }
}

fn shown(message: &Message) -> Option<u64> {
    match message {
        Message::Shown(shown) => Some(shown.face_version),
        _ => None,
    }
}

fn fault(message: &Message) -> Option<Fault> {
    match message {
        Message::Fault(report) => Some(report.fault()),
        _ => None,
    }
}

#[tokio::test]
async fn a_face_that_is_not_renewed_ends_in_time_though_the_connection_lives() {
    let mut engine = Engine::start().await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let mut sign = engine.joined().await;
    assert_eq!(
        (sign.hello.sign_id.as_str(), sign.hello.width_px, sign.hello.displayed_version),
        ("s", 96, 0)
    );

    sign.send(face("s", 6, "VOL", 3_000));
    assert_eq!(shown(&sign.next().await), Some(6));
    assert_eq!(running.text("s").as_deref(), Some("VOL"));
    // 120 simulated seconds: two of the wall's.
    let sent_at = Instant::now();
    sign.send(face("s", 7, "VOL", 120));
    assert_eq!(shown(&sign.next().await), Some(7));
    assert_eq!(shown(&sign.next().await), Some(0), "the fallback is reported");
    let lived = sent_at.elapsed();
    assert_eq!(running.text("s"), None);
    assert!((Duration::from_secs(2)..Duration::from_secs(10)).contains(&lived), "{lived:?}");

    // The same version again puts it back.
    sign.send(face("s", 7, "VOL", 3_000));
    assert_eq!(shown(&sign.next().await), Some(7));
    let report = running.stop().await;
    assert_eq!((report.fallbacks, report.faces_shown, report.shown_past_end), (1, 3, 0));
}

#[tokio::test]
async fn a_face_that_is_renewed_stays() {
    let mut engine = Engine::start().await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let mut sign = engine.joined().await;
    sign.send(face("s", 1, "12", 1_000));
    assert_eq!(shown(&sign.next().await), Some(1));
    // Longer than one time to live.
    for n in 1..=25 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        sign.send(face("s", 1, "12", 1_000));
        until("renewed", || running.live.report().renewals >= n).await;
        assert_eq!(running.text("s").as_deref(), Some("12"));
    }
    let report = running.stop().await;
    assert_eq!((report.fallbacks, report.faces_shown, report.renewals), (0, 1, 25));
    assert!(sign.said.recv().await.is_none(), "a renewal is not reported as new");
}

#[tokio::test]
async fn a_face_that_fails_its_checksum_is_refused_and_said_so() {
    let mut engine = Engine::start().await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let mut sign = engine.joined().await;
    sign.send(face("s", 1, "12", 3_000));
    assert_eq!(shown(&sign.next().await), Some(1));
    let mut broken = face("s", 2, "VOL", 3_000);
    broken.multi_crc32c ^= 1;
    sign.send(broken);
    assert_eq!(fault(&sign.next().await), Some(Fault::FaceRejected));
    assert_eq!(running.text("s").as_deref(), Some("12"), "the face before stays until its own end");
    sign.send(face("s", 3, "13", 3_000));
    assert_eq!(fault(&sign.next().await), Some(Fault::None), "and all is well again");
    assert_eq!(shown(&sign.next().await), Some(3));
    assert_eq!(running.stop().await.rejected, 1);
}

#[tokio::test]
async fn a_lost_connection_comes_back_and_says_what_is_on_display() {
    let mut engine = Engine::start().await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let mut sign = engine.joined().await;
    sign.send(face("s", 5, "12", 3_000));
    assert_eq!(shown(&sign.next().await), Some(5));
    sign.end(Status::unavailable("restarting"));
    let again = engine.joined().await;
    assert_eq!(again.hello.displayed_version, 5);
    until("reconnected", || running.live.connected() == 1).await;
    assert_eq!(running.text("s").as_deref(), Some("12"));
    let report = running.stop().await;
    assert_eq!((report.reconnects, report.connected_max, report.fallbacks), (1, 1, 0));
}

#[tokio::test]
async fn an_engine_that_dies_leaves_no_face_behind() {
    let mut engine = Engine::start().await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let mut sign = engine.joined().await;
    sign.send(face("s", 5, "12", 30));
    assert_eq!(shown(&sign.next().await), Some(5));
    drop((sign, engine));
    until("dark", || running.text("s").is_none()).await;
    until("counted", || running.live.report().fallbacks == 1).await;
    assert_eq!(running.stop().await.shown_past_end, 0);
}

#[tokio::test]
async fn a_refused_sign_says_why() {
    let engine = Engine::refusing(Some(Status::not_found("no sign \"s\""))).await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let why = || running.live.sign("s").and_then(|v| v.refused);
    until("refused", || why().is_some()).await;
    assert_eq!(why().as_deref(), Some("no sign \"s\""));
    let report = running.stop().await;
    assert_eq!(report.connected_max, 0);
}

#[tokio::test]
async fn latency_is_that_of_new_faces_with_a_reading_behind_them() {
    let mut engine = Engine::start().await;
    let running = run(engine.endpoint(), &["s"], &[]);
    let mut sign = engine.joined().await;
    let with_trigger = |version, micros_ago: i64| {
        let observed_at = Some(proto((running.now)() - micros_ago));
        let trigger = Some(Trigger { device_id: "d".into(), sequence: None, observed_at });
        vlot_proto::sign::v1::Face { trigger, ..face("s", version, "1", 3_000) }
    };
    // The present state on joining says nothing about how fast a change arrives.
    sign.send(with_trigger(1, 3_600_000_000));
    sign.send(with_trigger(2, 6_000_000));
    sign.send(with_trigger(2, 3_600_000_000));
    sign.send(face("s", 3, "2", 3_000));
    for version in [1, 2, 3] {
        assert_eq!(shown(&sign.next().await), Some(version));
    }
    let latency = running.stop().await.latency;
    assert_eq!(latency.count, 1);
    // 6 simulated seconds are 100 ms of the wall's, and the way here comes on top.
    assert!((100.0..5_000.0).contains(&latency.p50_ms), "{latency:?}");
}

#[tokio::test]
async fn many_signs_share_few_connections() {
    let mut engine = Engine::start().await;
    let ids: Vec<String> = (0..250).map(|n| format!("s{n}")).collect();
    let running = run(engine.endpoint(), &ids.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let mut joined = Vec::new();
    for _ in &ids {
        let sign = engine.joined().await;
        sign.send(face(&sign.hello.sign_id, 1, &sign.hello.sign_id, 3_000));
        joined.push(sign);
    }
    until("all shown", || running.live.texts().values().flatten().count() == ids.len()).await;
    assert!(running.live.texts().iter().all(|(id, text)| Some(id) == text.as_ref()));
    assert_eq!(running.stop().await.connected_max, 250);
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error() {
    let running = run("not an address".into(), &["s"], &[]);
    let e = tokio::time::timeout(BOUND, running.task).await.unwrap().unwrap().unwrap_err();
    assert!(e.to_string().contains("not an address"), "{e}");
}

/// For the garages' tests.
pub(crate) fn run_garage(
    endpoint: String,
    garage: &str,
) -> (Arc<Live>, NowMicros, tokio::task::JoinHandle<()>) {
    let running = run(endpoint, &[], &[garage]);
    let Running { live, now, stop, task } = running;
    let task = tokio::spawn(async move {
        let _running = stop;
        task.await.unwrap().unwrap();
    });
    (live, now, task)
}
