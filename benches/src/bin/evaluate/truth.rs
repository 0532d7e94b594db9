//! Occupancy against the true stays of simulated vehicles, driven through admission and the engine's own dataflow.
//!
//! The recording is of a run of SUMO in Leuven, two hours long: when each vehicle came to a car park, and when it left. Its
//! stays are turned into what barriers and bay sensors say of them, with faults put in by a seeded generator, and the state
//! that the engine publishes is held against the truth at the end of every minute.

#![expect(clippy::print_stdout, reason = "it prints its table")]

mod drive;
mod messages;
mod score;
mod stays;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::Options;
use drive::Sources;
use messages::Faults;
use score::Score;

const NONE: Sources =
    Sources { barriers: false, bays: false, verified_min: None, closes: false, figure_sd: None };
const BARRIERS: Sources = Sources { barriers: true, ..NONE };
const BOTH: Sources = Sources { bays: true, ..BARRIERS };

/// What a facility has.
const CASES: [(&str, Sources); 9] = [
    ("barriers", BARRIERS),
    ("bays", Sources { bays: true, ..NONE }),
    ("barriers and bays", BOTH),
    ("barriers, verified every 4 h", Sources { verified_min: Some(240), ..BARRIERS }),
    ("barriers, verified every 12 h", Sources { verified_min: Some(720), ..BARRIERS }),
    ("barriers, closed and empty every 2 h", Sources { closes: true, ..BARRIERS }),
    ("barriers, a figure (sd 3) each minute", Sources { figure_sd: Some(3.0), ..BARRIERS }),
    ("barriers and bays, verified every 4 h", Sources { verified_min: Some(240), ..BOTH }),
    ("barriers and bays, closed and empty every 2 h", Sources { closes: true, ..BOTH }),
];

/// What happens to it.
struct Setting {
    name: &'static str,
    /// The recording, so many times in a row.
    runs: usize,
    /// A third more vehicles stand there all the time, so that it is never empty.
    residents: bool,
    faults: Faults,
}

const SETTINGS: [Setting; 3] = [
    Setting { name: "no faults, 2 h", runs: 1, residents: false, faults: messages::NO_FAULTS },
    Setting { name: "faults, 48 h", runs: 24, residents: false, faults: messages::FAULTS },
    Setting { name: "faults, 48 h, never empty", runs: 24, residents: true, faults: messages::FAULTS },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let parks = stays::load(&options.files, options.capacities.as_deref())?;
    let mut rows = Vec::new();
    for setting in &SETTINGS {
        let sound = setting.faults == messages::NO_FAULTS;
        // Without faults only the bays that vehicles choose differ.
        let seeds = if sound { options.seeds.min(3) } else { options.seeds };
        if !options.json {
            head(setting, seeds);
        }
        for (name, sources) in CASES {
            // A figure with noise is a fault; and who is never empty is never closed and empty.
            if (sound && sources.figure_sd.is_some()) || (setting.residents && sources.closes) {
                continue;
            }
            let mut score = Score::default();
            for seed in 0..seeds {
                drive::run(
                    &parks,
                    setting.runs,
                    setting.residents,
                    &setting.faults,
                    sources,
                    seed,
                    &mut score,
                );
            }
            ensure!(
                score.minutes > 0,
                "the recording has no minute with a state: are its stays in its car parks?"
            );
            if options.json {
                rows.push(object(setting.name, name, &score));
            } else {
                row(name, &score);
            }
        }
    }
    if options.json {
        println!("{}", json!({ "table": "truth", "seeds": options.seeds, "rows": rows }));
    }
    Ok(())
}

const COLUMNS: [&str; 14] = [
    "sources",
    "exact",
    "MAE",
    "naive MAE",
    "worst",
    "truth in the 95 % interval",
    "width",
    "wrong FULL",
    "wrong free",
    "more than there is",
    "dark",
    "naive wrong FULL",
    "naive wrong free",
    "naive more than there is",
];

fn head(setting: &Setting, seeds: u64) {
    println!("\nTruth: {}, {seeds} seeds\n\n| {} |", setting.name, COLUMNS.join(" | "));
    println!("|---{}|", "|---:".repeat(COLUMNS.len() - 1));
}

fn row(name: &str, s: &Score) {
    let pct = |n: u64, digits: usize| format!("{:.digits$} %", 100.0 * s.share(n));
    println!(
        "| {name} | {} | {:.2} | {:.2} | {} | {} | {:.1} | {} | {} | {} | {} | {} | {} | {} |",
        pct(s.exact, 2),
        s.share(s.error),
        s.share(s.naive_error),
        s.worst,
        pct(s.inside, 1),
        s.share(s.width),
        pct(s.wrong_full, 3),
        pct(s.wrong_free, 3),
        pct(s.too_many, 2),
        pct(s.dark, 1),
        pct(s.naive_wrong_full, 3),
        pct(s.naive_wrong_free, 3),
        pct(s.naive_too_many, 2),
    );
}

fn object(setting: &str, name: &str, s: &Score) -> Value {
    json!({
        "setting": setting,
        "sources": name,
        "minutes": s.minutes,
        "exact_share": s.share(s.exact),
        "mae": s.share(s.error),
        "naive_mae": s.share(s.naive_error),
        "worst": s.worst,
        "in_interval_share": s.share(s.inside),
        "width": s.share(s.width),
        "wrong_full_share": s.share(s.wrong_full),
        "full_early_share": s.share(s.full_early),
        "wrong_free_share": s.share(s.wrong_free),
        "too_many_share": s.share(s.too_many),
        "dark_share": s.share(s.dark),
        "dark_near_full_share": s.dark_near_full as f64 / s.near_full.max(1) as f64,
        "naive_wrong_full_share": s.share(s.naive_wrong_full),
        "naive_wrong_free_share": s.share(s.naive_wrong_free),
        "naive_too_many_share": s.share(s.naive_too_many),
        "refused": s.refused,
    })
}
