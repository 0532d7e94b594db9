//! Bays: sessions on charging bays, turned into what a bay's sensor says of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use calamine::{Data, Reader};
use vlot_dataflow::health::{BayHealth, BayRules, DAY, HOUR, Micros, Rule, SECOND};

use super::others::{Fault, Sensors, Watched, Word, Words};

/// A sensor repeats its state so often.
const HEARTBEAT: Micros = 12 * HOUR;

#[derive(Clone)]
pub(super) struct Sensor {
    health: BayHealth,
    rules: BayRules,
    now: Micros,
}

impl Sensor {
    pub(super) fn new(silent_after: Micros) -> Self {
        let rules = BayRules { silent_after, ..BayRules::default() };
        Sensor { health: BayHealth::default(), rules, now: 0 }
    }
}

impl Watched for Sensor {
    fn hear(&mut self, at: Micros, word: Word) {
        self.now = at;
        if let Word::Bay(occupied) = word {
            self.health.observe(at, occupied, &self.rules);
        }
    }
    fn on_clock(&mut self, now: Micros) {
        self.now = now;
        self.health.on_clock(now, &self.rules);
    }
    fn rule(&self) -> Option<Rule> {
        self.health.state(self.now, &self.rules).rule
    }
}

pub(super) const FAULTS: [Fault; 5] = [
    Fault { name: "stuck at free", span: 28 * DAY, fits: &[Rule::Stuck], put: |w, at| stuck(w, at, false) },
    Fault { name: "stuck at taken", span: 28 * DAY, fits: &[Rule::Stuck], put: |w, at| stuck(w, at, true) },
    Fault { name: "silent", span: 3 * DAY, fits: &[Rule::Silent], put: |_, _| Words::new() },
    Fault { name: "chatters (every 20 s, 10 min)", span: HOUR, fits: &[Rule::Chattering], put: chatters },
    Fault {
        name: "the wrong way round",
        span: 28 * DAY,
        fits: &[Rule::Stuck, Rule::Chattering],
        put: |words, _| {
            words
                .iter()
                .map(|&(at, word)| (at, if let Word::Bay(b) = word { Word::Bay(!b) } else { word }))
                .collect()
        },
    },
];

/// Heartbeats go on, with the same state.
fn stuck(words: &[(Micros, Word)], from: Micros, occupied: bool) -> Words {
    let until = words.last().map_or(from, |w| w.0);
    std::iter::successors(Some(from), |at| Some(at + HEARTBEAT))
        .take_while(|at| *at <= until)
        .map(|at| (at, Word::Bay(occupied)))
        .collect()
}

fn chatters(words: &[(Micros, Word)], from: Micros) -> Words {
    let mut all: Words = (0..30).map(|i| (from + i * 20 * SECOND, Word::Bay(i % 2 == 0))).collect();
    let last = all.last().map_or(from, |w| w.0);
    all.extend(words.iter().filter(|w| w.0 > last));
    all
}

/// A workbook with the columns CCS (the bay), Arrival and Departure; `None` for other files.
pub(super) fn read(file: &Path) -> Result<Option<Sensors>> {
    if file.extension().is_none_or(|extension| extension != "xlsx") {
        return Ok(None);
    }
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let sheet = book.worksheet_range_at(0).context("has no sheet")??;
    let mut rows = sheet.rows();
    let header: Vec<String> = rows.next().unwrap_or_default().iter().map(ToString::to_string).collect();
    let column = |name: &str| {
        header.iter().position(|h| h == name).with_context(|| format!("{}: no column {name}", file.display()))
    };
    let (bay, arrival, departure) = (column("CCS")?, column("Arrival")?, column("Departure")?);
    let mut stays: BTreeMap<String, Vec<(Micros, Micros)>> = BTreeMap::new();
    for row in rows {
        let instant = |cell: usize| row.get(cell).and_then(instant);
        if let (Some(name), Some(from), Some(until)) = (row.get(bay), instant(arrival), instant(departure)) {
            stays.entry(name.to_string()).or_default().push((from, until));
        }
    }
    let cuts = cuts(stays.values().flatten());
    let series = stays.into_values().map(|stays| said_of(shifted(stays, &cuts))).collect();
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Some(Sensors { name, series, learning: 14 * DAY, silent_after: 26 * HOUR }))
}

/// Days since 1899-12-30, local.
fn instant(cell: &Data) -> Option<Micros> {
    let days = match cell {
        Data::DateTime(at) => at.as_f64(),
        Data::Float(days) => *days,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
    let seconds = ((days - 25_569.0) * 86_400.0).round() as i64;
    Some(seconds * SECOND)
}

/// Where no bay has a session for five days the station was away, or whoever recorded it: whole weeks of that, by their
/// end.
fn cuts<'s>(stays: impl Iterator<Item = &'s (Micros, Micros)>) -> Vec<(Micros, Micros)> {
    let mut all: Vec<(Micros, Micros)> = stays.copied().collect();
    all.sort_unstable();
    let (mut cuts, mut left) = (Vec::new(), Micros::MAX);
    for (from, until) in all {
        let hole = from.saturating_sub(left);
        if hole > 5 * DAY {
            cuts.push((from, hole / (7 * DAY) * 7 * DAY));
        }
        left = if left == Micros::MAX { until } else { left.max(until) };
    }
    cuts
}

fn shifted(stays: Vec<(Micros, Micros)>, cuts: &[(Micros, Micros)]) -> Vec<(Micros, Micros)> {
    let cut = |at: Micros| cuts.iter().filter(|c| c.0 <= at).map(|c| c.1).sum::<Micros>();
    stays.into_iter().map(|(from, until)| (from - cut(from), until - cut(from))).collect()
}

/// Arrivals, departures, and a heartbeat in between.
fn said_of(mut stays: Vec<(Micros, Micros)>) -> Words {
    stays.sort_unstable();
    let mut words = Words::new();
    let mut say = |at: Micros, occupied: bool| {
        if let Some(&(last, word)) = words.last() {
            let mut beat = last + HEARTBEAT;
            while beat < at {
                words.push((beat, word));
                beat += HEARTBEAT;
            }
        }
        words.push((at, Word::Bay(occupied)));
    };
    let mut left = Micros::MIN;
    for (from, until) in stays {
        // A vehicle that plugs in anew before it has left is still there.
        if from >= left && until > from {
            say(from, true);
            say(until, false);
            left = until;
        }
    }
    words
}
