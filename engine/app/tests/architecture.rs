//! The arrows of ARCHITECTURE.md, read from the workspace's own manifests.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms that it may depend on. `app` may depend on all.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("hours", &["model"]),
    ("network", &["model", "hours"]),
    ("import", &["model", "network", "hours"]),
    ("gate", &["model", "network"]),
    ("settings", &["model", "network", "hours"]),
    ("decode", &["model", "proto"]),
    ("ingest", &["model", "decode", "gate"]),
    ("broker", &[]),
    ("dataflow", &["model", "network", "hours"]),
    ("guidance", &["model", "dataflow", "network"]),
    ("bridge", &["model", "dataflow", "guidance"]),
    ("publish", &["model"]),
    ("store", &["model"]),
    ("serve", &["model", "publish", "proto", "network", "hours"]),
    ("proto", &[]),
    ("simulators", &["proto"]),
];

/// A crate and the rooms that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("tokio", &["bridge", "ingest", "broker", "store", "serve", "simulators", "app"]),
    ("timely", &["dataflow", "guidance", "bridge"]),
    ("rumqttc", &["ingest", "serve", "simulators"]),
    ("tonic", &["serve", "simulators", "proto", "app"]),
    ("ntcip", &["publish", "simulators"]),
    ("anyhow", &["app"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every room with its normal dependencies.
fn rooms() -> Vec<(String, BTreeSet<String>)> {
    let engine = fs::read_dir(root().join("engine")).unwrap().map(|e| e.unwrap().path());
    let mut rooms = Vec::new();
    for dir in engine.chain(["proto", "simulators"].map(|d| root().join(d))) {
        let text = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(|d| d.as_table()).into_iter().flatten();
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        rooms.push((name, dependencies.map(|(k, _)| k.clone()).collect()));
    }
    assert!(rooms.len() >= ARROWS.len(), "the rooms were not found");
    rooms
}

#[test]
fn arrows_point_one_way() {
    for (room, dependencies) in rooms() {
        if room == "app" {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room} is not in ARCHITECTURE.md: add it there and here"));
        for dependency in dependencies.iter().filter_map(|d| d.strip_prefix("vlot-")) {
            assert!(
                allowed.contains(&dependency),
                "{room} must not depend on {dependency}: see ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn each_crate_stays_in_its_rooms() {
    for (room, dependencies) in rooms() {
        for (name, owners) in OWNERS {
            assert!(
                !dependencies.contains(*name) || owners.contains(&room.as_str()),
                "{room} must not name {name}: see ARCHITECTURE.md"
            );
        }
    }
}

/// Only who is given a clock to make may read the wall's.
#[test]
fn nobody_else_reads_the_wall_clock() {
    fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
            match entry {
                d if d.is_dir() => sources(&d, out),
                f if f.extension().is_some_and(|e| e == "rs") => out.push(f),
                _ => {}
            }
        }
    }
    for room in ["model", "settings", "decode", "dataflow", "guidance", "bridge", "publish", "store", "serve"]
    {
        let mut files = Vec::new();
        sources(&root().join("engine").join(room).join("src"), &mut files);
        assert!(!files.is_empty());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for call in ["SystemTime::now", "Timestamp::now()", "Zoned::now"] {
                assert!(!text.contains(call), "{} calls {call}: take a Clock", file.display());
            }
        }
    }
}
