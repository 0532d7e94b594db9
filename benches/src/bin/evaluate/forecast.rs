//! Free spaces 15, 30 and 60 minutes ahead, against persistence, last week and the weekly profile.
//!
//! The first 60 % of a set's time is for learning, the rest is scored; learning goes on while scoring, from the past
//! alone. Errors are means over car parks of the mean absolute error as a share of the capacity.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

mod data;
mod score;

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use crate::Options;
use data::Set;
use score::{Row, Scores};

/// The recordings, where no file is given.
const RECORDINGS: [&str; 3] = ["muenster_2022.csv.gz", "birmingham_2016.csv", "bath_2015-11_12.csv.gz"];

pub(crate) fn run(options: &Options) -> Result<()> {
    let files = if options.files.is_empty() { recordings() } else { options.files.clone() };
    // Before the recordings, whose memory would be used again.
    let bytes = score::bytes_each();
    let mut sets = Vec::new();
    for file in &files {
        let read = data::read(file, options.capacities.as_deref(), options.timezone.as_deref())?;
        for set in read {
            let scores = score::score(&set);
            if options.json {
                sets.push(as_json(&set, &scores));
            } else {
                print(&set, &scores);
            }
        }
    }
    if options.json {
        println!("{}", json!({ "forecast": { "sets": sets, "bytes_per_facility": bytes } }));
    } else {
        println!(
            "Mean absolute error, % of capacity (spaces: the same in spaces), means over car parks. ratio: ours to persistence.\n\
             below, inside, above: outcomes against the announced interval of 80 %, %. width: its mean, % of capacity."
        );
        if let Some(bytes) = bytes {
            println!("Memory: {:.1} kB a facility.", bytes as f64 / 1e3);
        }
    }
    Ok(())
}

fn recordings() -> Vec<PathBuf> {
    let dir =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    RECORDINGS.map(|name| dir.join("carparks").join(name)).into()
}

fn print(set: &Set, scores: &Scores) {
    println!(
        "{}: {} car parks, {} updates, {:.1} us of processor each{}",
        set.name,
        scores.lots,
        scores.updates,
        scores.us_per_update,
        if set.left_out.is_empty() {
            String::new()
        } else {
            format!("; left out: {}", set.left_out.join(", "))
        },
    );
    println!(
        "  min  persistence  last week  profile     ours  ratio  spaces (persistence)  below  inside  above  width  inside by car park"
    );
    for row in &scores.rows {
        let Row { minutes, percent: [persistence, week, profile, ours], spaces, .. } = row;
        println!(
            "  {minutes:>3}  {persistence:>11.3}  {week:>9.2}  {profile:>7.2}  {ours:>7.3}  {:>5.3}  {:>6.2}  ({:>11.2})  {:>5.1}  {:>6.1}  {:>5.1}  {:>5.1}  {:.0} to {:.0}",
            ours / persistence,
            spaces[3],
            spaces[0],
            row.parts[0],
            row.parts[1],
            row.parts[2],
            row.width,
            row.inside_by_lot[0],
            row.inside_by_lot[1],
        );
    }
    for minutes in &scores.not_scored {
        println!("  {minutes:>3}  not scored: too few outcomes that far ahead in the recording");
    }
}

fn as_json(set: &Set, scores: &Scores) -> serde_json::Value {
    let row = |row: &Row| {
        let [persistence, week, profile, ours] = row.percent;
        let [persistence_spaces, week_spaces, profile_spaces, ours_spaces] = row.spaces;
        json!({
            "ahead_min": row.minutes,
            "outcomes": row.outcomes,
            "mae_pct": { "persistence": persistence, "last_week": week, "profile": profile, "ours": ours },
            "mae_spaces": {
                "persistence": persistence_spaces, "last_week": week_spaces, "profile": profile_spaces,
                "ours": ours_spaces,
            },
            "ratio_to_persistence": ours / persistence,
            "interval": {
                "claimed_pct": 80, "below_pct": row.parts[0], "inside_pct": row.parts[1], "above_pct": row.parts[2],
                "width_pct": row.width, "inside_pct_min": row.inside_by_lot[0], "inside_pct_max": row.inside_by_lot[1],
            },
        })
    };
    json!({
        "name": set.name,
        "car_parks": scores.lots,
        "left_out": set.left_out,
        "updates": scores.updates,
        "us_per_update": scores.us_per_update,
        "horizons": scores.rows.iter().map(row).collect::<Vec<_>>(),
        "not_scored_min": scores.not_scored,
    })
}
