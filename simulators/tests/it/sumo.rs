//! The bridge from SUMO, with SUMO itself on a street of three junctions (`scripts/test` installs it).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value as Json;
use vlot_proto::device::v1::{Envelope, envelope};
use vlot_simulators::sumo::{PlayOptions, Scenario, e1, fcd, play, simulate};
use vlot_simulators::wire::{Topics, Value};

use prost::Message as _;

use crate::sink::{Manners, Sink};

const NODES: &str = r#"<nodes>
  <node id="a" x="4.70" y="50.88"/><node id="b" x="4.71" y="50.88"/><node id="c" x="4.72" y="50.88"/>
</nodes>"#;
const EDGES: &str = r#"<edges>
  <edge id="ab" from="a" to="b" numLanes="1" speed="13.9"/><edge id="bc" from="b" to="c" numLanes="1" speed="13.9"/>
</edges>"#;
const ROUTES: &str = r#"<routes>
  <flow id="f" begin="0" end="240" vehsPerHour="600"><route edges="ab bc"/></flow>
</routes>"#;
const LOOPS: &str = r#"<additional>
  <inductionLoop id="on-bc" lane="bc_0" pos="100" freq="60" file="e1.xml"/>
</additional>"#;
const CONFIGURATION: &str = r#"<configuration>
  <input><net-file value="net.net.xml"/><route-files value="r.rou.xml"/><additional-files value="l.add.xml"/></input>
  <time><begin value="0"/><end value="300"/></time>
</configuration>"#;

fn scenario(folder: &Path) -> Scenario {
    for (name, text) in [
        ("n.nod.xml", NODES),
        ("e.edg.xml", EDGES),
        ("r.rou.xml", ROUTES),
        ("l.add.xml", LOOPS),
        ("s.sumocfg", CONFIGURATION),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let made = Command::new("netconvert")
        .current_dir(folder)
        .args(["-n", "n.nod.xml", "-e", "e.edg.xml", "--proj.utm", "-o", "net.net.xml"])
        .output()
        .expect("SUMO is installed: scripts/test does it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Scenario { folder: folder.to_owned(), followed: 1.0, every_s: 10.0, seed: 1 }
}

#[tokio::test]
async fn a_run_of_sumo_speaks_as_loops_and_followed_vehicles() {
    let folder = tempfile::tempdir().unwrap();
    let rows = simulate(&scenario(folder.path())).await.unwrap();
    assert!(!folder.path().join("e1.xml").exists(), "nothing is written beside the scenario");
    assert!(rows.is_sorted_by_key(|row| row.known_at));

    let sink = Sink::start(Manners::default()).await;
    let options = |loops, all| PlayOptions {
        broker: sink.broker(),
        topics: Topics::default(),
        feed: "fcd".to_owned(),
        loops,
        all,
        // 2026-11-24T08:00:00Z, and all of the run is over.
        began_at: 1_795_507_200_000_000,
        now_micros: Arc::new(|| 1_795_510_800_000_000),
        speed: 1.0,
    };
    let loops = BTreeMap::from([("on-bc".to_owned(), "ring-1".to_owned())]);
    let report = play(&rows, options(loops, false), std::future::pending()).await.unwrap();
    assert_eq!(report.acknowledged, report.published);
    assert_eq!((report.intervals, report.unnamed), (5, 0), "five minutes of one loop");
    assert!(report.sightings > 200, "{report:?}");
    let arrived = sink.arrived();

    let (mut vehicles, mut counted) = (std::collections::BTreeSet::new(), 0);
    for message in &arrived {
        if message.topic == "vlot/v1/fcd/sightings" {
            let seen: Json = serde_json::from_slice(&message.payload).unwrap();
            let (lat, lon) = (seen["lat"].as_f64().unwrap(), seen["lon"].as_f64().unwrap());
            assert!((lat - 50.88).abs() < 0.001 && (4.6999..4.7201).contains(&lon), "{seen}");
            assert!((seen["heading_deg"].as_f64().unwrap() - 90.0).abs() < 5.0, "{seen}");
            assert!(seen["speed_kmh"].as_f64().unwrap() < 60.0, "{seen}");
            assert!(seen["observed_at"].as_str().unwrap().starts_with("2026-11-24T08:0"), "{seen}");
            vehicles.insert(seen["vehicle"].to_string());
        } else {
            assert_eq!(message.topic, "vlot/v1/ring-1/pb");
            let said = Envelope::decode(&message.payload[..]).unwrap();
            let Some(envelope::Value::Traffic(traffic)) = said.value else { panic!("{:?}", said.value) };
            assert_eq!((said.device.as_str(), traffic.interval_s), ("ring-1", 60));
            assert_eq!(traffic.vehicles == 0, traffic.speed_kmh.is_none());
            counted += traffic.vehicles;
        }
    }
    // Every vehicle is followed, and most have passed the loop by the end.
    let followed = u32::try_from(vehicles.len()).unwrap();
    assert!(followed >= 30 && counted <= followed && counted + 12 >= followed, "{followed} {counted}");

    let report = play(&rows, options(BTreeMap::new(), false), std::future::pending()).await.unwrap();
    assert_eq!((report.intervals, report.unnamed), (0, 5));
}

#[tokio::test]
async fn what_sumo_cannot_run_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = Scenario { folder: folder.path().to_owned(), followed: 1.0, every_s: 10.0, seed: 1 };
    let error = simulate(&nothing).await.unwrap_err().to_string();
    assert!(error.contains("has no .sumocfg"), "{error}");
    std::fs::write(folder.path().join("s.sumocfg"), CONFIGURATION).unwrap();
    let error = simulate(&nothing).await.unwrap_err().to_string();
    assert!(error.contains("sumo failed") && error.contains("net.net.xml"), "{error}");
}

fn written(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn sumos_files_are_read_as_they_are_and_their_faults_told() {
    let (_folder, path) = written(
        "fcd.csv",
        "time_s,vehicle,lon,lat,speed_ms,lane\n10,a,4.7,50.88,10.00,:n1_0\n20,b,4.7,50.88,0,x\n20,a,4.71,50.88,5,y\n",
    );
    let rows = fcd(&path).unwrap();
    let vehicle = |value| match value {
        Value::Sighting { vehicle, position: Some(p) } => (vehicle, p.speed_kmh, p.heading_deg),
        other => panic!("{other:?}"),
    };
    let seen: Vec<_> = rows.iter().map(|r| (r.known_at, vehicle(r.value))).collect();
    assert_eq!(
        seen,
        [(10_000_000, (0, 36.0, None)), (20_000_000, (1, 0.0, None)), (20_000_000, (0, 18.0, None))]
    );

    let (_folder, path) = written(
        "e1.xml",
        r#"<detector>
  <interval begin="0.00" end="60.00" id="l" nVehContrib="2" occupancy="1.50" speed="10.00"/>
  <interval begin="60.00" end="120.00" id="l" nVehContrib="0" occupancy="0.00" speed="-1.00"/>
</detector>"#,
    );
    let rows = e1(&path).unwrap();
    let traffic = |vehicles, speed_kmh, occupancy| Value::Traffic {
        interval_s: 60,
        vehicles,
        speed_kmh,
        detector_occupancy_pct: Some(occupancy),
    };
    assert_eq!((rows[0].observed_at, rows[0].known_at), (0, 60_000_000));
    assert_eq!([rows[0].value, rows[1].value], [traffic(2, Some(36.0), 1.5), traffic(0, None, 0.0)]);

    let beside = r#"<fcd-export><timestep time="1"><vehicle id="a" x="5000.0" y="20.0" angle="9" speed="1"/></timestep></fcd-export>"#;
    for (text, says) in [
        (beside, "hint: run SUMO with --fcd-output.geo"),
        (&beside[..60], "byte"),
        ("<fcd-export><timestep time=\"1\">", "ends in the middle"),
        ("<fcd-export><timestep time=\"x\"></timestep></fcd-export>", "time: \"x\" is no number"),
    ] {
        let (_folder, path) = written("fcd.xml", text);
        let error = fcd(&path).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
