//! Faults of counters: how many are found, how late, and how often a sensor that is well is called ill.
//!
//! The rules are those of the engine (`vlot_dataflow::health`), with one set of defaults for all recordings. Each series is
//! run as it was recorded; at instants from a seed the detector is copied and run on a copy with a fault in it. A trial
//! at which the untouched record itself raises a fitting rule is left out.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

mod bays;
mod bicycles;
mod drive;
mod inject;
mod leuven;
mod others;
mod sets;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use vlot_dataflow::health::{DAY, HOUR, Micros, Reporting, Rule};

use crate::Options;
use drive::{Event, clean};
use inject::{Kind, Lcg, inject};
use sets::{Series, Set};

/// The recordings, where no file is given.
const RECORDINGS: [&str; 8] = [
    "carparks/birmingham_2016.csv",
    "carparks/bath_2015-11_12.csv.gz",
    "carparks/muenster_2022.csv.gz",
    "leuven/vacant_envelope_2019-12-22_2020-03-20.csv",
    "carparks/ev_bay_sessions.xlsx",
    "bicycles/FremontHourly.csv",
    "bicycles/telraam_chateaubourg_hourly.csv.gz",
    "bicycles/awv_2020-05.csv",
];
/// Nothing is judged before.
const LEARNING: Micros = 14 * DAY;
/// Faults are put in after this.
const SEEDED_AFTER: Micros = 28 * DAY;

#[derive(Default)]
struct Score {
    trials: u32,
    found: u32,
    /// Faults that made the figure wrong by so much that it matters.
    harmful: u32,
    harmful_found: u32,
    left_out: u32,
    delays_h: Vec<f64>,
}

#[derive(Default)]
struct Table {
    scores: BTreeMap<Kind, Score>,
    /// On untouched data: all, and those that are obviously real.
    alarms: BTreeMap<Rule, (u32, u32)>,
    sensor_months: f64,
    /// False or unknown alarms when the rules know the public holidays; `None` where none lie within the set.
    with_holidays: Option<u32>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let files = if options.files.is_empty() { recordings() } else { options.files.clone() };
    let mut all = Vec::new();
    for file in &files {
        if let Some(of_others) = others::of_file(file, options.seeds, options.json)? {
            all.push(of_others);
            continue;
        }
        let mut set = sets::read(file, options.capacities.as_deref(), options.timezone.as_deref())?;
        ensure!(!set.series.is_empty(), "{}: has no car park with figures and a capacity", file.display());
        // The engine knows nothing of a source's life but the word of its sensors; what it would know with it stands beside.
        let lives: &[bool] = if set.reporting == Reporting::ChangesOnly { &[false, true] } else { &[true] };
        for &life_known in lives {
            set.know_life(life_known);
            let (mut table, labelled) = (measure(&set, options.seeds), labels(&set));
            table.with_holidays = with_holidays(&mut set);
            if options.json {
                all.push(as_json(&set, &table, &labelled));
            } else {
                print(&set, &table, &labelled);
            }
            set.holidays.clear();
        }
    }
    if options.json {
        println!("{}", json!({ "faults": { "sets": all } }));
    }
    Ok(())
}

fn recordings() -> Vec<PathBuf> {
    let dir =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    RECORDINGS.map(|name| dir.join(name)).into()
}

fn measure(set: &Set, seeds: u64) -> Table {
    let mut table = Table::default();
    for (n, series) in (0_u64..).zip(&set.series) {
        let (Some(&(first, _)), Some(&(last, _))) = (series.readings.first(), series.readings.last()) else {
            continue;
        };
        table.sensor_months += (last - first - LEARNING).max(0) as f64 / DAY as f64 / 30.4;
        let mut dice = Lcg(n * 7_919 + 17);
        let (from, until) = (first + SEEDED_AFTER, last - DAY);
        let mut times: Vec<Micros> = if set.plotted || until <= from {
            Vec::new()
        } else {
            (0..seeds).map(|_| inject::between(&mut dice, from, until)).collect()
        };
        times.sort_unstable();
        let (events, drives) = clean(set, series, &times);
        for event in &events {
            let (all, real) = table.alarms.entry(event.rule).or_default();
            *all += 1;
            *real += u32::from(event.real);
        }
        for (at, drive) in times.iter().zip(&drives) {
            for kind in Kind::ALL {
                trial(set, series, (*at, kind), drive, &events, &mut dice, &mut table.scores);
            }
        }
    }
    for score in table.scores.values_mut() {
        score.delays_h.sort_by(f64::total_cmp);
    }
    table
}

fn with_holidays(set: &mut Set) -> Option<u32> {
    set.holidays = set.known_holidays();
    let untrue = |series: &Series| clean(set, series, &[]).0.iter().filter(|e| !e.real).count();
    let all: usize = set.series.iter().map(untrue).sum();
    (!set.holidays.is_empty()).then(|| u32::try_from(all).unwrap_or(u32::MAX))
}

fn trial(
    set: &Set,
    series: &Series,
    (at, kind): (Micros, Kind),
    drive: &drive::Drive,
    untouched: &[Event],
    dice: &mut Lcg,
    scores: &mut BTreeMap<Kind, Score>,
) {
    let Some(fault) = inject(kind, set, series, at, dice) else { return };
    let kind = if fault.in_gap && kind == Kind::Reset { Kind::ResetInGap } else { kind };
    let score = scores.entry(kind).or_default();
    // Where nothing else tells of a source's life, its silence is a standstill first.
    let as_freeze = kind == Kind::Silence && !set.life_known;
    let of_kind = |rule| kind.fits(rule) || (as_freeze && Kind::Freeze.fits(rule));
    let fits = |e: &&Event| e.at >= fault.from && e.at <= fault.until && of_kind(e.rule);
    if untouched.iter().any(|e| fits(&e)) || drive.health.state().rule.is_some_and(of_kind) {
        score.left_out += 1;
        return;
    }
    let (mut drive, mut raised) = (drive.clone(), Vec::new());
    let dead = kind == Kind::Silence;
    drive.run(set, series.capacity, &fault.readings, fault.until, dead, &mut raised);
    let found = raised.iter().find(fits);
    let harmful = u32::from(fault.harm > 0);
    score.trials += 1;
    score.harmful += harmful;
    if let Some(event) = found {
        score.found += 1;
        score.harmful_found += harmful;
        score.delays_h.push((event.at - fault.from) as f64 / HOUR as f64);
    }
}

/// Which of the faults that a person labelled are found, where the set has them.
fn labels(set: &Set) -> Vec<(&'static leuven::Label, Option<Rule>)> {
    if !set.plotted {
        return Vec::new();
    }
    let named = |label: &leuven::Label| set.series.iter().find(|s| s.name == label.parking);
    let rule = |label: &leuven::Label, series: &Series| {
        let (from, until) = label.window();
        clean(set, series, &[])
            .0
            .iter()
            .find(|e| (from..=until).contains(&e.at) && label.fits.contains(&e.rule))
            .map(|e| e.rule)
    };
    leuven::LABELS.iter().filter_map(|label| Some((label, rule(label, named(label)?)))).collect()
}

/// The `share` of the delays, hours.
fn quantile(delays_h: &[f64], share: f64) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in the list")]
    let position = (delays_h.len() as f64 * share) as usize;
    delays_h.get(position).copied()
}

fn text(figure: Option<f64>, digits: usize) -> String {
    figure.map_or("-".to_owned(), |f| format!("{f:.digits$}"))
}

fn percent(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| 100.0 * f64::from(part) / f64::from(whole))
}

fn totals(table: &Table) -> (u32, u32) {
    table.alarms.values().fold((0, 0), |(all, real), (a, r)| (all + a, real + r))
}

fn print(set: &Set, table: &Table, labelled: &[(&leuven::Label, Option<Rule>)]) {
    println!(
        "\n{}: {} sensors, {:.1} sensor-months after two weeks of learning",
        set.called(),
        set.series.len(),
        table.sensor_months
    );
    if !table.scores.is_empty() {
        println!("| fault | trials | found % | of harmful % (n) | delay h, median | 90 % | left out |");
        println!("|---|---:|---:|---:|---:|---:|---:|");
    }
    for (kind, s) in &table.scores {
        println!(
            "| {} | {} | {} | {} ({}) | {} | {} | {} |",
            kind.name(),
            s.trials,
            text(percent(s.found, s.trials), 0),
            text(percent(s.harmful_found, s.harmful), 0),
            s.harmful,
            text(quantile(&s.delays_h, 0.5), 1),
            text(quantile(&s.delays_h, 0.9), 1),
            s.left_out,
        );
    }
    let (all, real) = totals(table);
    let false_or_unknown = f64::from(all - real) / table.sensor_months;
    println!(
        "alarms on untouched data: {all}, obviously real {real}; false or unknown {} = {false_or_unknown:.2} a sensor-month",
        all - real
    );
    if let Some(n) = table.with_holidays {
        let rate = f64::from(n) / table.sensor_months;
        println!("  with public holidays known: {n} = {rate:.2} a sensor-month");
    }
    for (rule, (all, real)) in &table.alarms {
        println!("  {rule:?}: {} false or unknown, {real} real", all - real);
    }
    if !labelled.is_empty() {
        let found = labelled.iter().filter(|(_, rule)| rule.is_some()).count();
        println!("faults labelled by hand: {found} of {} found", labelled.len());
        for (label, rule) in labelled {
            let rule = rule.map_or("not found".to_owned(), |rule| format!("{rule:?}"));
            println!("  {}: {}: {rule}", label.parking, label.what);
        }
    }
}

fn as_json(set: &Set, table: &Table, labelled: &[(&leuven::Label, Option<Rule>)]) -> Value {
    let kinds: serde_json::Map<String, Value> = table
        .scores
        .iter()
        .map(|(kind, s)| {
            let of_kind = json!({
                "trials": s.trials,
                "found_pct": percent(s.found, s.trials),
                "harmful": s.harmful,
                "harmful_found_pct": percent(s.harmful_found, s.harmful),
                "delay_h_p50": quantile(&s.delays_h, 0.5),
                "delay_h_p90": quantile(&s.delays_h, 0.9),
                "left_out": s.left_out,
            });
            (kind.name().to_owned(), of_kind)
        })
        .collect();
    let (all, real) = totals(table);
    let rules: Vec<Value> = table
        .alarms
        .iter()
        .map(|(rule, (all, real))| json!({ "rule": rule, "all": all, "real": real }))
        .collect();
    let labelled: Vec<Value> = labelled
        .iter()
        .map(|(label, rule)| json!({ "parking": label.parking, "what": label.what, "found_by": rule }))
        .collect();
    json!({
        "name": set.called(),
        "sensors": set.series.len(),
        "sensor_months": table.sensor_months,
        "faults": kinds,
        "alarms": all,
        "alarms_obviously_real": real,
        "false_or_unknown_per_sensor_month": f64::from(all - real) / table.sensor_months,
        "false_or_unknown_with_holidays_per_sensor_month":
            table.with_holidays.map(|n| f64::from(n) / table.sensor_months),
        "alarms_by_rule": rules,
        "labelled": labelled,
    })
}
