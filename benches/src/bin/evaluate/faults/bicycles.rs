//! Bicycle counters, in three forms that their first lines tell apart.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use jiff::civil::{Date, DateTime};
use vlot_dataflow::health::{BicycleHealth, CountRules, DAY, HOUR, MINUTE, Micros, Rule};

use super::others::{Fault, Sensors, Watched, Word, Words, hour_of_week};

#[derive(Clone)]
pub(super) struct Sensor {
    health: BicycleHealth,
    rules: CountRules,
    interval_s: u16,
}

impl Sensor {
    pub(super) fn new(silent_after: Micros, learn_for: Micros, sensors: &Sensors) -> Self {
        let rules = CountRules { silent_after, learn_for, ..CountRules::default() };
        let hourly = sensors.series.first().is_some_and(|s| s.windows(2).all(|w| w[1].0 - w[0].0 >= HOUR));
        Sensor { health: BicycleHealth::default(), rules, interval_s: if hourly { 3_600 } else { 900 } }
    }
}

impl Watched for Sensor {
    fn hear(&mut self, at: Micros, word: Word) {
        if let Word::Bicycles(count) = word {
            self.health.observe(at, hour_of_week(at), self.interval_s, count, &self.rules);
        }
    }
    fn on_clock(&mut self, now: Micros) {
        self.health.on_clock(now, &self.rules);
    }
    fn rule(&self) -> Option<Rule> {
        self.health.state().rule
    }
}

const CODES: &[Rule] = &[Rule::Sentinel, Rule::OutOfBounds];

pub(super) const FAULTS: [Fault; 6] = [
    Fault { name: "dead: counts 0", span: 2 * DAY, fits: &[Rule::Stuck], put: |w, _| each(w, |_| Some(0)) },
    Fault {
        name: "the same count again and again",
        span: 2 * DAY,
        fits: &[Rule::Stuck],
        put: |w, _| each(w, |_| Some(12)),
    },
    Fault { name: "blank counts", span: DAY, fits: CODES, put: |w, _| each(w, |_| None) },
    Fault { name: "a code, 65535", span: DAY, fits: CODES, put: |w, _| each(w, |_| Some(65_535)) },
    Fault { name: "silent", span: 2 * DAY, fits: &[Rule::Silent], put: |_, _| Words::new() },
    Fault {
        name: "misses half",
        span: 14 * DAY,
        fits: &[Rule::Stuck, Rule::Drift, Rule::Implausible],
        put: |w, _| each(w, |n| Some(n / 2)),
    },
];

/// Every count with `count` in its place; blanks stay blank.
fn each(words: &[(Micros, Word)], count: impl Fn(u32) -> Option<u32>) -> Words {
    let of = |word: Word| if let Word::Bicycles(Some(n)) = word { Word::Bicycles(count(n)) } else { word };
    words.iter().map(|&(at, word)| (at, of(word))).collect()
}

/// `None` for files of another form.
pub(super) fn read(file: &Path) -> Result<Option<Sensors>> {
    let bytes = File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let plain: Box<dyn Read> = match file.extension() {
        Some(gz) if gz == "gz" => Box::new(GzDecoder::new(bytes)),
        _ => Box::new(bytes),
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(plain);
    let mut rows = reader.records();
    let Some(first) = rows.next().transpose()? else { return Ok(None) };
    let header: Vec<String> = first.iter().map(str::to_owned).collect();
    let column = |name: &str| header.iter().position(|h| h == name);
    let mut series: BTreeMap<String, Words> = BTreeMap::new();
    let mut take = |name: &str, at: Option<Micros>, count: Option<u32>| {
        if let Some(at) = at {
            series.entry(name.to_owned()).or_default().push((at, Word::Bicycles(count)));
        }
    };
    let whole = |text: Option<&str>| text.and_then(|t| t.trim().split('.').next()?.parse().ok());
    let mut learning = 14 * DAY;
    let silent_after = if header.first().is_some_and(|h| h == "Date") && header.len() == 3 {
        // Hours, a column a direction.
        for row in rows {
            let row = row?;
            let at = row.get(0).and_then(american);
            for (side, name) in header.iter().enumerate().skip(1) {
                take(name, at, whole(row.get(side)));
            }
        }
        3 * HOUR
    } else if let (Some(segment), Some(date), Some(uptime), Some(bike)) =
        (column("segment_id"), column("date"), column("uptime"), column("bike"))
    {
        // Hours by daylight: one in which the camera saw nothing is none.
        for row in rows {
            let row = row?;
            let up = row.get(uptime).and_then(|u| u.parse::<f64>().ok()).unwrap_or(0.0);
            if up >= 0.5 {
                take(
                    row.get(segment).unwrap_or_default(),
                    row.get(date).and_then(plain_time),
                    whole(row.get(bike)),
                );
            }
        }
        30 * HOUR
    } else if header.len() == 6 && header[2] == "FIETSERS" {
        // Quarters of an hour. Twelve days: configured to learn for four.
        learning = 4 * DAY;
        for row in std::iter::once(Ok(first)).chain(rows) {
            let row = row?;
            let name = format!("{} {}", row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
            take(&name, row.get(3).and_then(plain_time), whole(row.get(5)));
        }
        HOUR
    } else {
        return Ok(None);
    };
    let mut series: Vec<Words> = series.into_values().filter(|words| words.len() > 1).collect();
    for words in &mut series {
        words.sort_by_key(|w| w.0);
        words.dedup_by_key(|w| w.0);
    }
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Some(Sensors { name, series, learning, silent_after }))
}

/// `2020-05-01 00:15:00`, whatever follows.
fn plain_time(text: &str) -> Option<Micros> {
    Some(micros(text.get(..19)?.parse().ok()?))
}

/// `10/02/2012 01:00:00 PM`.
fn american(text: &str) -> Option<Micros> {
    let (date, time) = (text.get(..10)?, text.get(11..13)?);
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(part(0, 2)?).ok()?, i8::try_from(part(3, 5)?).ok()?);
    let date = Date::new(part(6, 10)?, month, day).ok()?;
    let hour: i64 = time.parse().ok()?;
    let afternoon = if text.ends_with("PM") { 12 } else { 0 };
    Some(micros(date.to_datetime(jiff::civil::Time::midnight())) + (hour % 12 + afternoon) * 60 * MINUTE)
}

/// Since 1970, local.
fn micros(local: DateTime) -> Micros {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    i64::try_from(local.duration_since(epoch).as_micros()).unwrap_or_default()
}
