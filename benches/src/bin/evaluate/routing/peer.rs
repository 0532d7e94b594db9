//! Valhalla on the same extract.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use vlot_model::RoadNetwork;

/// What `benches/peers/peer_valhalla.py` measures between the network's junctions.
pub(super) fn measure(python: &Path, extract: &Path, network: &RoadNetwork) -> Result<Value> {
    let mut random = SmallRng::seed_from_u64(6);
    let mut place = || {
        let at = network.nodes[random.random_range(0..network.nodes.len())];
        [at.lon, at.lat]
    };
    let pairs: Vec<_> = (0..200).map(|_| [place(), place()].concat()).collect();
    let origins: Vec<_> = (0..500).map(|_| place()).collect();
    let targets: Vec<_> = (0..30).map(|_| place()).collect();
    let asked = json!({ "extract": extract, "pairs": pairs, "origins": origins, "targets": targets, "costing": "auto" });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/peer_valhalla.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", python.display()))?;
    child.stdin.take().context("no input")?.write_all(asked.to_string().as_bytes())?;
    let done = child.wait_with_output()?;
    if !done.status.success() {
        bail!("Valhalla did not answer (hint: {} needs pyvalhalla 3.7 or later)", python.display());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}
