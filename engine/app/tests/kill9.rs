//! `kill -9` under load, with a real Mosquitto: no acknowledged reading is lost, none counts twice.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Mosquitto, Running, free_port, small_config, vlot};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use vlot_proto::admin::v1::{GetStatusRequest, admin_service_client::AdminServiceClient};
use vlot_proto::parking::v1::{GetFacilityRequest, parking_service_client::ParkingServiceClient};

const BARRIERS: usize = 4;
/// A bound on the load, in case the kills never end.
const MESSAGES_EACH_MAX: u32 = 200_000;
const BASELINE: u32 = 20_000;

fn now() -> vlot_model::Timestamp {
    #[expect(clippy::disallowed_methods, reason = "devices have the wall's clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    vlot_model::Timestamp::EPOCH + since
}

/// Every third vehicle leaves.
fn is_out(sequence: u32) -> bool {
    sequence.is_multiple_of(3)
}

/// Publishes until told to stop; returns how many passages each barrier has published and had acknowledged.
async fn publish_until(stop: Arc<AtomicBool>, port: u16) -> u32 {
    let mut options = MqttOptions::new("barriers", "127.0.0.1", port);
    options.set_inflight(100);
    let (client, mut events) = AsyncClient::new(options, 100);
    let publisher = tokio::spawn(async move {
        let send = |device: usize, text: String| {
            client.publish(format!("vlot/v1/b{device}/json"), QoS::AtLeastOnce, false, text)
        };
        let text = format!(
            r#"{{"device":"b0","sequence":0,"observed_at":"{}","occupancy":{{"occupied_spaces":{BASELINE}}}}}"#,
            now()
        );
        send(0, text).await.unwrap();
        for device in 1..BARRIERS {
            send(
                device,
                format!(r#"{{"device":"b{device}","sequence":0,"observed_at":"{}","alive":{{}}}}"#, now()),
            )
            .await
            .unwrap();
        }
        let mut each = 0;
        for sequence in (1..=MESSAGES_EACH_MAX).take_while(|_| !stop.load(Ordering::Relaxed)) {
            each = sequence;
            for device in 0..BARRIERS {
                let direction = if is_out(sequence) { "out" } else { "in" };
                let text = format!(
                    r#"{{"device":"b{device}","sequence":{sequence},"observed_at":"{}","passage":{{"direction":"{direction}","vehicles":1}}}}"#,
                    now()
                );
                send(device, text).await.unwrap();
            }
        }
        each
    });
    let (mut acknowledged, mut expected) = (0, usize::MAX);
    tokio::pin!(publisher);
    let mut each = None;
    while acknowledged < expected {
        tokio::select! {
            done = &mut publisher, if each.is_none() => {
                each = Some(done.unwrap());
                expected = (each.unwrap() as usize + 1) * BARRIERS;
            }
            event = events.poll() => {
                if let Event::Incoming(Packet::PubAck(_)) = event.unwrap() {
                    acknowledged += 1;
                }
            }
        }
    }
    each.unwrap()
}

struct Engine {
    running: Running,
    grpc: u16,
}

impl Engine {
    fn start(config: &std::path::Path, data: &std::path::Path, grpc: u16) -> Engine {
        let mut running =
            Running::start(vlot().args(["run", "--config"]).arg(config).arg("--data").arg(data));
        running.wait_for("listening", Duration::from_secs(60));
        Engine { running, grpc }
    }

    async fn admitted(&self) -> u64 {
        let mut client =
            AdminServiceClient::connect(format!("http://127.0.0.1:{}", self.grpc)).await.unwrap();
        client.get_status(GetStatusRequest {}).await.unwrap().into_inner().readings_admitted
    }

    async fn completed(&self) -> u64 {
        let mut client =
            AdminServiceClient::connect(format!("http://127.0.0.1:{}", self.grpc)).await.unwrap();
        client.get_status(GetStatusRequest {}).await.unwrap().into_inner().completed_tick
    }

    async fn count(&self) -> Option<i64> {
        let mut client =
            ParkingServiceClient::connect(format!("http://127.0.0.1:{}", self.grpc)).await.unwrap();
        let facility =
            client.get_facility(GetFacilityRequest { id: "p".into() }).await.unwrap().into_inner().facility;
        facility.unwrap().state.unwrap().occupied_uncorrected
    }
}

/// Sends signs of life until one arrives: from then on the broker keeps messages for us.
async fn subscribed(engine: &Engine, port: u16) {
    let (client, mut events) = AsyncClient::new(MqttOptions::new("probe", "127.0.0.1", port), 10);
    let polling = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while engine.admitted().await == 0 {
        assert!(tokio::time::Instant::now() < deadline, "{}", engine.running.output());
        let text = format!(r#"{{"device":"b0","observed_at":"{}","alive":{{}}}}"#, now());
        client.publish("vlot/v1/b0/json", QoS::AtMostOnce, false, text).await.unwrap();
    }
    polling.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_nothing_and_counts_nothing_twice() {
    let mosquitto = Mosquitto::start();
    let dir = tempfile::tempdir().unwrap();
    let (config, data) = (dir.path().join("config"), dir.path().join("data"));
    std::fs::create_dir(&config).unwrap();
    let grpc = free_port();
    small_config(&config, mosquitto.port, grpc, BARRIERS);

    // The first run makes the session at the broker, which from then on keeps what we have not acknowledged.
    let mut engine = Engine::start(&config, &data, grpc);
    subscribed(&engine, mosquitto.port).await;
    let stop = Arc::new(AtomicBool::new(false));
    let publisher = tokio::spawn(publish_until(stop.clone(), mosquitto.port));
    for kill in 1..=3u64 {
        let enough = kill * 2_000;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while engine.admitted().await < enough {
            assert!(tokio::time::Instant::now() < deadline, "{}", engine.running.output());
        }
        assert!(!publisher.is_finished(), "the kill must strike under load");
        engine.running.kill_9();
        engine = Engine::start(&config, &data, grpc);
    }
    stop.store(true, Ordering::Relaxed);
    let each = tokio::time::timeout(Duration::from_secs(120), publisher).await.unwrap().unwrap();

    let out = i64::from(each / 3);
    let expected = i64::from(BASELINE) + (i64::from(each) - 2 * out) * BARRIERS as i64;
    // However long it takes, as long as it goes on.
    let (mut count, mut moved) = (None, tokio::time::Instant::now());
    while count != Some(expected) {
        let now = engine.count().await;
        if std::mem::replace(&mut count, now) != now {
            moved = tokio::time::Instant::now();
        }
        assert!(
            moved.elapsed() < Duration::from_secs(30),
            "counted {count:?}, expected {expected}\n{}",
            engine.running.output()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(engine.completed().await > 3 << 16, "ticks that a crash took are not used again");
    // An orderly stop writes the live board; a replay with any number of workers writes the same.
    engine.running.signal("TERM");
    assert_eq!(engine.running.wait_exit(Duration::from_secs(60)), Some(0), "{}", engine.running.output());
    let live = std::fs::read(data.join("board.json")).unwrap();
    for workers in ["1", "2"] {
        let board = dir.path().join(format!("board-{workers}.json"));
        let status = vlot()
            .arg("replay")
            .arg(&data)
            .args(["--workers", workers, "--board"])
            .arg(&board)
            .status()
            .unwrap();
        assert!(status.success());
        let replayed = std::fs::read(&board).unwrap();
        assert!(
            live == replayed,
            "{workers} workers:\n{}\n{}",
            String::from_utf8_lossy(&live),
            String::from_utf8_lossy(&replayed)
        );
    }
}
