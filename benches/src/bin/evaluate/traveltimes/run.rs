//! A run of SUMO over a scenario's configuration, in a folder of its own and for a bounded time.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::scenario::{Files, text};

/// Simulated seconds at most, and seconds that it may take.
const END_S: &str = "5400";
const PATIENCE: Duration = Duration::from_secs(900);
/// Vehicles say where they are so often, seconds.
const PERIOD: &str = "10";

/// The files of a run, as long as this lives.
pub(super) struct Run {
    pub(super) files: Files,
    _folder: tempfile::TempDir,
}

/// Runs SUMO with loops every minute, and with the positions of all vehicles every ten seconds.
pub(super) fn sumo(folder: &Path) -> Result<Run> {
    let scratch = tempfile::tempdir().context("cannot make a folder for the run")?;
    let (mut config, mut net, mut detectors) = (None, None, None);
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !path.is_file() || !(name.contains(".xml") || name.ends_with(".sumocfg")) {
            continue;
        }
        let to = scratch.path().join(name.trim_end_matches(".gz"));
        let mut content = text(&path)?;
        if content.contains("<e1Detector ") || content.contains("<inductionLoop ") {
            content = every_minute(&content);
            detectors = Some(to.clone());
        }
        if name.ends_with(".sumocfg") {
            config = Some(to.clone());
        } else if name.contains(".net.xml") {
            net = Some(to.clone());
        }
        fs::write(&to, content).with_context(|| format!("cannot write {}", to.display()))?;
    }
    let at = folder.display();
    let config =
        config.with_context(|| format!("{at}: neither e1.xml.gz of a recorded run nor a .sumocfg to run"))?;
    let net = net.with_context(|| format!("{at}: no .net.xml"))?;
    let detectors = detectors.with_context(|| format!("{at}: no e1Detector in any file"))?;
    let out = |name: &str| scratch.path().join(name);
    let mut command = Command::new("sumo");
    command.arg("-c").arg(&config).current_dir(scratch.path());
    for (option, file) in [
        ("--tripinfo-output", out("trips.out.xml")),
        ("--vehroute-output", out("ways.out.xml")),
        ("--fcd-output", out("points.out.xml")),
    ] {
        command.arg(option).arg(file);
    }
    command.args([
        "--vehroute-output.exit-times",
        "--device.fcd.period",
        PERIOD,
        "--end",
        END_S,
        "--seed",
        "42",
    ]);
    command.args(["--no-warnings", "--no-step-log", "--xml-validation", "never"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    finish(command)?;
    let counts = fs::read_to_string(&detectors)?;
    let counts = counts.lines().find_map(|line| super::scenario::attribute(line, "file"));
    let files = Files {
        net,
        counts: out(counts.context("the detectors do not say where they write")?),
        detectors,
        trips: out("trips.out.xml"),
        ways: out("ways.out.xml"),
        points: out("points.out.xml"),
        followed_pct: 100,
    };
    Ok(Run { files, _folder: scratch })
}

/// Detectors that count per half hour say nothing of now.
fn every_minute(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match super::scenario::attribute(line, "freq") {
            Some(freq) => out.push_str(&line.replace(&format!("freq=\"{freq}\""), "freq=\"60\"")),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn finish(mut command: Command) -> Result<()> {
    let mut child = command.spawn().context("cannot start `sumo`: install it (apt-get install sumo)")?;
    let (done, over) = std::sync::mpsc::channel::<()>();
    let killer = {
        let id = child.id().to_string();
        std::thread::spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _status = Command::new("kill").arg(&id).status();
            }
        })
    };
    let status = child.wait().context("cannot wait for `sumo`")?;
    drop(done);
    ensure!(killer.join().is_ok(), "the watch over sumo failed");
    if !status.success() {
        bail!(
            "sumo ended with {status}; is the scenario whole, and was it done within {} s?",
            PATIENCE.as_secs()
        );
    }
    Ok(())
}
