//! Travel times of trips, said at their start, against the true ones of a SUMO run, driven through the engine's own dataflow.
//!
//! A trip's time is the sum over the links of its way, as their states stand when it begins. The way is the true one: which way a
//! driver takes is not what is measured. Vehicles' ways on links come from SUMO's own lanes: map matching is measured elsewhere.

#![expect(clippy::print_stdout, reason = "it prints its table")]

mod drive;
pub(crate) mod net;
pub(crate) mod projection;
mod run;
pub(crate) mod scenario;
mod traversals;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::Options;
use drive::{Score, Sources};
use scenario::Scenario;

const NONE: Sources = Sources { loops: false, probes_pct: 0, probes_min: 3 };
const LOOPS: Sources = Sources { loops: true, ..NONE };

const CASES: [(&str, Sources); 9] = [
    ("free flow", NONE),
    ("loops", LOOPS),
    ("probes 5 %", Sources { probes_pct: 5, ..NONE }),
    ("probes 20 %", Sources { probes_pct: 20, ..NONE }),
    ("loops and probes 5 %", Sources { probes_pct: 5, ..LOOPS }),
    ("loops and probes 20 %", Sources { probes_pct: 20, ..LOOPS }),
    ("probes 5 %, of any number", Sources { probes_pct: 5, probes_min: 1, ..NONE }),
    ("probes 20 %, of any number", Sources { probes_pct: 20, probes_min: 1, ..NONE }),
    ("loops and probes 20 %, of any number", Sources { probes_pct: 20, probes_min: 1, ..LOOPS }),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let folder =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let recorded = || ["sumo/leuven", "sumo/bologna"].map(|name| folder.join(name)).to_vec();
    let folders = if options.files.is_empty() { recorded() } else { options.files.clone() };
    let mut rows = Vec::new();
    for folder in folders {
        let scenario = Arc::new(Scenario::load(&folder)?);
        if !options.json {
            head(&scenario);
        }
        for (name, sources) in CASES {
            // Another seed is another choice of vehicles that are followed.
            let seeds = if sources.probes_pct == 0 { 1 } else { options.seeds.clamp(1, 4) };
            let mut score = Score::default();
            for seed in 0..seeds {
                drive::run(&scenario, sources, seed, &mut score);
            }
            ensure!(score.trips > 0, "{}: no trip to measure", folder.display());
            if options.json {
                rows.push(object(&scenario, name, &score));
            } else {
                row(name, &score);
            }
        }
    }
    if options.json {
        println!("{}", json!({ "table": "traveltimes", "rows": rows }));
    }
    Ok(())
}

fn head(scenario: &Scenario) {
    println!(
        "\nTravel times: {}, {} links, {} detectors, {} trips\n",
        scenario.name,
        scenario.network.links.len(),
        scenario.detectors.len(),
        scenario.trips.len(),
    );
    println!(
        "| sources | MAE, s | MAPE | bias, s | of the way measured | links' means in the 80 % interval |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
}

fn row(name: &str, score: &Score) {
    println!(
        "| {name} | {:.1} | {:.1} % | {:+.1} | {:.1} % | {} |",
        score.mae_s(),
        100.0 * score.mape(),
        score.bias_s(),
        100.0 * score.measured(),
        score.inside().map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share)),
    );
}

fn object(scenario: &Scenario, name: &str, score: &Score) -> Value {
    json!({
        "scenario": scenario.name, "sources": name, "trips": score.trips, "mae_s": score.mae_s(), "mape": score.mape(),
        "bias_s": score.bias_s(), "measured": score.measured(), "inside": score.inside(),
    })
}
