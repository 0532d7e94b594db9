//! Guidance in a closed loop: SUMO drives, Vlot sees what sensors see, and some drivers obey its signs (`docs/guidance.md`).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints its table, and how far it is")]

mod batch;
mod city;
mod demand;
mod dice;
mod driver;
mod elements;
mod engine;
mod files;
#[cfg(test)]
mod others;
mod play;
mod result;
mod scenario;
mod sensors;
mod signs;
#[cfg(test)]
mod tests;
mod trips;
mod watch;
mod ways;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use result::{Figures, Played, figures};
use scenario::Scenario;

/// Nothing of what signs show is judged before.
const WARM_UP_S: i64 = 600;

/// Who is turned away in Leuven drives and walks on for longer than that; a city may say so.
const TURNED_AWAY_MIN: u64 = 15;

/// What the table takes.
#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// A folder with a SUMO scenario: net, car parks, loops, trips; without one, the recorded Leuven.
    folder: Option<PathBuf>,
    /// So many seeds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Times the file's demand.
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// Shares of drivers who obey, percent.
    #[arg(long, value_delimiter = ',', default_value = "20,50,80", value_parser = clap::value_parser!(u32).range(0..=100))]
    compliance: Vec<u32>,
    /// What signs do.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "count,each,full")]
    modes: Vec<Mode>,
    /// Vehicles depart for so long.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(i64).range(1..=1_440))]
    minutes: i64,
    /// What guidance thinks that it costs to be turned away, minutes.
    #[arg(long, default_value_t = TURNED_AWAY_MIN, value_parser = clap::value_parser!(u64).range(1..=120))]
    turned_away: u64,
    /// SUMO's microscopic model in place of its mesoscopic one: some twenty times as slow.
    #[arg(long)]
    micro: bool,
    /// Runs at a time; without it, one a core.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// One JSON object in place of a table.
    #[arg(long)]
    json: bool,
}

fn scale(text: &str) -> Result<f64, String> {
    let scale = text.parse::<f64>().ok().filter(|scale| (0.001..=100.0).contains(scale));
    scale.ok_or_else(|| "a number from 0.001 to 100".into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// Nobody is ever turned away: what undisturbed drivers take.
    #[value(skip)]
    Roomy,
    /// Nobody reads signs. Always measured, for the others are held against it.
    #[value(skip)]
    Off,
    /// Signs that only count.
    Count,
    /// Each sign chooses for itself.
    Each,
    /// Full guidance.
    Full,
}

impl Mode {
    fn is_signed(self) -> bool {
        matches!(self, Mode::Count | Mode::Each | Mode::Full)
    }

    fn is_guided(self) -> bool {
        matches!(self, Mode::Each | Mode::Full)
    }

    /// Whether car parks can be full.
    fn is_limited(self) -> bool {
        self != Mode::Roomy
    }

    fn name(self) -> &'static str {
        match self {
            Mode::Roomy => "undisturbed",
            Mode::Off => "off",
            Mode::Count => "count",
            Mode::Each => "each",
            Mode::Full => "full",
        }
    }
}

/// All that a run depends on, beside the scenario.
#[derive(Clone, Debug)]
struct Setup {
    mode: Mode,
    /// 0..=1.
    compliance: f64,
    seed: u64,
    scale: f64,
    until_s: i64,
    /// Matters to signs that advise alone.
    turned_away_min: u64,
    micro: bool,
}

/// The scenario as Vlot knows it, with its signs.
struct City {
    posts: Vec<signs::Post>,
    known: city::Known,
}

impl City {
    fn of(scenario: &Scenario) -> Self {
        let posts = signs::place(scenario);
        let known = city::city(scenario, &posts);
        City { posts, known }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let recordings =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let folder = options.folder.clone().unwrap_or_else(|| recordings.join("sumo/leuven"));
    let scenario = Scenario::load(&folder)?;
    let city = City::of(&scenario);
    scenario.notes.iter().for_each(|note| eprintln!("note: {note}"));
    if city.posts.is_empty() {
        eprintln!("note: no street before a choice of car parks has room for a sign: nobody is guided");
    }
    let cases = cases(options);
    let seeds: Vec<u64> = (options.first_seed..options.first_seed + options.seeds.max(1)).collect();
    let setup = |seed: u64, (mode, percent): (Mode, u32)| Setup {
        mode,
        compliance: f64::from(percent) / 100.0,
        seed,
        scale: options.scale,
        until_s: options.minutes * 60,
        turned_away_min: if mode.is_guided() { options.turned_away } else { TURNED_AWAY_MIN },
        micro: options.micro,
    };
    let setups: Vec<Setup> =
        seeds.iter().flat_map(|seed| cases.iter().map(|case| setup(*seed, *case))).collect();
    let jobs = options.jobs.map_or_else(cores, NonZeroUsize::get);
    let told = |setup: &Setup, played: &Played| {
        eprintln!(
            "seed {} {} {:.0} %: {:.1} s",
            setup.seed,
            setup.mode.name(),
            100.0 * setup.compliance,
            played.wall_s
        );
    };
    let played = batch::run(&scenario, &city, &setups, jobs, &told)?;
    // By case, then by seed.
    let of_seed: Vec<&[Played]> = played.chunks(cases.len()).collect();
    let all: Vec<Vec<Figures>> = (1..cases.len())
        .map(|case| of_seed.iter().map(|runs| figures(&runs[case], &runs[0])).collect())
        .collect();
    if options.json {
        let rows: Vec<_> = (cases[1..].iter().zip(&all))
            .flat_map(|((mode, percent), runs)| {
                seeds.iter().zip(runs).map(move |(seed, figures)| {
                    json!({ "mode": mode.name(), "compliance_pct": percent, "seed": seed, "figures": figures })
                })
            })
            .collect();
        let drivers: Vec<usize> = of_seed.iter().map(|runs| runs[0].drivers.len()).collect();
        println!(
            "{}",
            json!({ "table": "guidance", "scenario": folder, "scale": options.scale, "signs": city.posts.len(),
                    "car_parks": scenario.parks.len(), "notes": scenario.notes, "micro": options.micro,
                    "drivers": drivers, "rows": rows })
        );
        return Ok(());
    }
    println!(
        "\nGuidance: {}, {} links, {} car parks, {} signs, {} drivers who park of {} seeds, demand x {}\n",
        folder.display(),
        scenario.network.links.len(),
        scenario.parks.len(),
        city.posts.len(),
        of_seed.iter().map(|runs| runs[0].drivers.len()).sum::<usize>(),
        seeds.len(),
        options.scale,
    );
    table(&cases[1..], &all);
    let refused: f64 = all.iter().flatten().map(|figures| figures.refused_turns).sum();
    if refused > 0.0 {
        println!(
            "\n{refused:.0} times SUMO was teleporting a vehicle that was to turn: it turned later, or went its way."
        );
    }
    Ok(())
}

/// The undisturbed run, signs off, then each mode at each compliance.
fn cases(options: &Options) -> Vec<(Mode, u32)> {
    let mut cases = vec![(Mode::Roomy, 0), (Mode::Off, 0)];
    for mode in &options.modes {
        cases.extend(options.compliance.iter().map(|percent| (*mode, *percent)));
    }
    cases
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

const COLUMNS: [&str; 21] = [
    "signs",
    "obey",
    "to a space, min",
    "p95",
    "lost, min",
    "beside off",
    "better, seeds",
    "with the walk, min",
    "beside off",
    "better, seeds",
    "turned away",
    "no space",
    "km",
    "walk, min",
    "spread",
    "flips a sign and hour",
    "advice taken",
    "by who was warned",
    "as told",
    "wrong space / wrong full / dark rows",
    "s a run",
];

fn table(cases: &[(Mode, u32)], all: &[Vec<Figures>]) {
    println!("| {} |\n|---|{}", COLUMNS.join(" | "), "---:|".repeat(COLUMNS.len() - 1));
    let off = &all[0];
    for ((mode, percent), runs) in cases.iter().zip(all) {
        let f = Figures::mean(runs);
        let pct = |share: f64| format!("{:.1} %", 100.0 * share);
        println!(
            "| {} | {percent} % | {:.2} | {:.1} | {:.2} | {} | {:.2} | {} | {} | {} | {:.0} | {:.1} | {:.3} | {:.1} | {} | {} | {} | {} / {} / {} | {:.0} |",
            mode.name(),
            f.park_mean_min,
            f.park_p95_min,
            f.lost_mean_min,
            beside(off, runs, |f| f.lost_mean_min),
            f.lost_door_mean_min,
            beside(off, runs, |f| f.lost_door_mean_min),
            pct(f.turned_away_share),
            pct(f.no_space_share),
            f.vehicle_km,
            f.walk_mean_min,
            f.spread,
            f.flips_per_sign_hour,
            pct(f.followed_share),
            pct(f.followed_warned_share),
            f.told_compliance.map_or("-".into(), |[share, sd]| format!("{} \u{b1} {}", pct(share), pct(sd))),
            pct(f.wrong_free),
            pct(f.wrong_full),
            pct(f.dark),
            f.wall_s,
        );
    }
}

/// How much less is lost than with signs off, and on how many seeds: two cells.
fn beside(off: &[Figures], runs: &[Figures], lost: fn(&Figures) -> f64) -> String {
    let (was, is) = (lost(&Figures::mean(off)), lost(&Figures::mean(runs)));
    // Where nothing is lost there is nothing to win.
    let share = if was > 0.05 { format!("{:+.1} %", 100.0 * (is / was - 1.0)) } else { "-".into() };
    let better = runs.iter().zip(off).filter(|(run, off)| lost(run) < lost(off)).count();
    format!("{share} | {better}/{}", runs.len())
}
