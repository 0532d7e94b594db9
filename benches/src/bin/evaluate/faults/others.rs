//! Sensors that state no figure: bays and bicycle counters. Faults of their kinds are put into recordings of them.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use vlot_dataflow::health::{DAY, HOUR, MINUTE, Micros, Rule};

use super::inject::{Lcg, between};
use super::{Score, bays, bicycles, percent, quantile, text};

/// What a sensor says: of a bay whether it is taken, of a counter the bicycles of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Bay(bool),
    Bicycles(Option<u32>),
}

pub(super) type Words = Vec<(Micros, Word)>;

/// A detector of one kind.
pub(super) trait Watched: Clone {
    fn hear(&mut self, at: Micros, word: Word);
    fn on_clock(&mut self, now: Micros);
    fn rule(&self) -> Option<Rule>;
}

/// A fault: its name, how long it lasts, the rules that find it, and what becomes of a word (hours since its beginning).
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) span: Micros,
    pub(super) fits: &'static [Rule],
    pub(super) put: fn(&[(Micros, Word)], Micros) -> Words,
}

/// The sensors of one recording. Times are local: nothing here needs another.
pub(super) struct Sensors {
    pub(super) name: String,
    pub(super) series: Vec<Words>,
    /// Nothing is judged before; faults begin twice as late.
    pub(super) learning: Micros,
    /// What it may be configured to be silent for.
    pub(super) silent_after: Micros,
}

#[derive(Default)]
struct Table {
    scores: BTreeMap<&'static str, Score>,
    alarms: BTreeMap<Rule, u32>,
    sensor_months: f64,
}

/// A local instant's hour of the week, 0 = Monday 00:00.
pub(super) fn hour_of_week(at: Micros) -> u8 {
    let weekday = (at.div_euclid(DAY) + 3).rem_euclid(7);
    u8::try_from(weekday * 24 + at.rem_euclid(DAY) / HOUR).unwrap_or(0)
}

/// Measures a recording of one of these kinds; `None` if it is of figures.
pub(super) fn of_file(file: &Path, seeds: u64, as_json: bool) -> Result<Option<Value>> {
    let (sensors, table) = if let Some(sensors) = bays::read(file)? {
        let table = measure(&sensors, &bays::FAULTS, seeds, || bays::Sensor::new(sensors.silent_after));
        (sensors, table)
    } else if let Some(sensors) = bicycles::read(file)? {
        let new = || bicycles::Sensor::new(sensors.silent_after, sensors.learning, &sensors);
        let table = measure(&sensors, &bicycles::FAULTS, seeds, new);
        (sensors, table)
    } else {
        return Ok(None);
    };
    if !as_json {
        print(&sensors, &table);
    }
    Ok(Some(json(&sensors, &table)))
}

/// Until (excluding) `end`; each rule as it becomes the worst.
fn run<W: Watched>(
    watched: &mut W,
    clock: &mut Micros,
    words: &[(Micros, Word)],
    end: Micros,
    mut raised: impl FnMut(Micros, Rule),
) {
    let mut words = words.iter().copied().take_while(|w| w.0 < end).peekable();
    loop {
        let (tick, before) = (*clock + 10 * MINUTE, watched.rule());
        let at = if let Some((at, word)) = words.next_if(|w| w.0 <= tick) {
            watched.hear(at, word);
            at
        } else if tick < end {
            *clock = tick;
            watched.on_clock(tick);
            tick
        } else {
            return;
        };
        if let Some(rule) = watched.rule().filter(|rule| before != Some(*rule)) {
            raised(at, rule);
        }
    }
}

fn measure<W: Watched>(sensors: &Sensors, faults: &[Fault], seeds: u64, new: impl Fn() -> W) -> Table {
    let mut table = Table::default();
    for (n, words) in (0_u64..).zip(&sensors.series) {
        let (Some(&(first, _)), Some(&(last, _))) = (words.first(), words.last()) else { continue };
        table.sensor_months += (last - first - sensors.learning).max(0) as f64 / DAY as f64 / 30.4;
        let mut dice = Lcg(n * 7_919 + 17);
        let (from, until) = (first + 2 * sensors.learning, last - DAY);
        let mut times: Vec<Micros> = if until > from {
            (0..seeds).map(|_| between(&mut dice, from, until)).collect()
        } else {
            Vec::new()
        };
        times.sort_unstable();
        let (mut watched, mut clock, mut done) = (new(), first, 0);
        let mut untouched = Vec::new();
        let mut kept = Vec::new();
        for &until in times.iter().chain([&(last + 1)]) {
            let to = words.partition_point(|w| w.0 < until);
            run(&mut watched, &mut clock, &words[done..to], until, |at, rule| untouched.push((at, rule)));
            done = to;
            kept.push((watched.clone(), clock));
        }
        for (_, rule) in &untouched {
            *table.alarms.entry(*rule).or_default() += 1;
        }
        for (&at, (watched, clock)) in times.iter().zip(&kept) {
            for fault in faults {
                let score = table.scores.entry(fault.name).or_default();
                let end = at + fault.span;
                let fits = |rule: &Rule| fault.fits.contains(rule);
                if end > last
                    || watched.rule().is_some()
                    || untouched.iter().any(|(t, rule)| (at..end).contains(t) && fits(rule))
                {
                    score.left_out += 1;
                    continue;
                }
                let rest = &words[words.partition_point(|w| w.0 < at)..words.partition_point(|w| w.0 < end)];
                let (mut watched, mut clock, mut found) = (watched.clone(), *clock, None);
                run(&mut watched, &mut clock, &(fault.put)(rest, at), end, |t, rule| {
                    found = found.or(fits(&rule).then_some(t));
                });
                score.trials += 1;
                if let Some(t) = found {
                    score.found += 1;
                    score.delays_h.push((t - at) as f64 / HOUR as f64);
                }
            }
        }
    }
    for score in table.scores.values_mut() {
        score.delays_h.sort_by(f64::total_cmp);
    }
    table
}

/// Alarms, and those that are obviously real: no data, codes, more than can be.
fn totals(table: &Table) -> (u32, u32) {
    let real = |rule: &Rule| matches!(rule, Rule::Silent | Rule::Sentinel | Rule::OutOfBounds);
    table
        .alarms
        .iter()
        .fold((0, 0), |(all, of_these), (rule, n)| (all + n, of_these + if real(rule) { *n } else { 0 }))
}

fn print(sensors: &Sensors, table: &Table) {
    println!(
        "\n{}: {} sensors, {:.1} sensor-months after {} days of learning",
        sensors.name,
        sensors.series.len(),
        table.sensor_months,
        sensors.learning / DAY
    );
    println!("| fault | trials | found % | delay h, median | 90 % | left out |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (name, s) in &table.scores {
        println!(
            "| {name} | {} | {} | {} | {} | {} |",
            s.trials,
            text(percent(s.found, s.trials), 0),
            text(quantile(&s.delays_h, 0.5), 1),
            text(quantile(&s.delays_h, 0.9), 1),
            s.left_out,
        );
    }
    let (all, real) = totals(table);
    println!(
        "alarms on untouched data: {all}, obviously real {real}; false or unknown {} = {:.2} a sensor-month",
        all - real,
        f64::from(all - real) / table.sensor_months
    );
    for (rule, n) in &table.alarms {
        println!("  {rule:?}: {n}");
    }
}

fn json(sensors: &Sensors, table: &Table) -> Value {
    let faults: serde_json::Map<String, Value> = table
        .scores
        .iter()
        .map(|(name, s)| {
            let of_fault = json!({
                "trials": s.trials,
                "found_pct": percent(s.found, s.trials),
                "delay_h_p50": quantile(&s.delays_h, 0.5),
                "delay_h_p90": quantile(&s.delays_h, 0.9),
                "left_out": s.left_out,
            });
            ((*name).to_owned(), of_fault)
        })
        .collect();
    let (all, real) = totals(table);
    json!({
        "name": sensors.name,
        "sensors": sensors.series.len(),
        "sensor_months": table.sensor_months,
        "faults": faults,
        "alarms": all,
        "alarms_obviously_real": real,
        "false_or_unknown_per_sensor_month": f64::from(all - real) / table.sensor_months,
    })
}
