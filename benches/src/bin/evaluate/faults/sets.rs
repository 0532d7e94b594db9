//! Recordings of car parks as figures, in four forms that their headers tell apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use vlot_dataflow::health::{DAY, HOUR, MINUTE, Micros, Reporting, SECOND};

/// Two figures that differ by less are one in a plot of the Leuven record, whose pixels are 3 to 5 spaces high.
const PIXEL: i32 = 5;

pub(super) struct Series {
    pub(super) name: String,
    pub(super) capacity: u32,
    /// In order of time, each time once.
    pub(super) readings: Vec<(Micros, i32)>,
}

/// The car parks of one recording.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) reporting: Reporting,
    /// Of a source that tells changes alone: whether anything but its sensors' own words tells of its life.
    pub(super) life_known: bool,
    /// How long its source may be silent: a property of the source, as a device's own limit is.
    pub(super) silent_after: Micros,
    pub(super) series: Vec<Series>,
    /// Its figures were read off plots: faults that are put into it would say little.
    pub(super) plotted: bool,
    /// Local days since 1970-01-01 that the rules are told to be holidays, as a city's calendar does.
    pub(super) holidays: Vec<i64>,
    zone: TimeZone,
    /// Five-minute slots in which the source said anything.
    slots: BTreeSet<i64>,
}

/// Public holidays where and when the recordings were made: of England and of North Rhine-Westphalia.
const HOLIDAYS: [(&str, &[&str]); 2] = [
    ("Europe/London", &["2015-12-25", "2015-12-26", "2015-12-28"]),
    (
        "Europe/Berlin",
        &[
            "2022-01-01",
            "2022-04-15",
            "2022-04-18",
            "2022-05-01",
            "2022-05-26",
            "2022-06-06",
            "2022-06-16",
            "2022-10-03",
            "2022-11-01",
            "2022-12-25",
            "2022-12-26",
        ],
    ),
];

impl Set {
    /// Those of its holidays that are known here and lie within it.
    pub(super) fn known_holidays(&self) -> Vec<i64> {
        let zone = self.zone.iana_name().unwrap_or_default();
        let dates = HOLIDAYS.iter().filter(|(name, _)| *name == zone).flat_map(|(_, dates)| dates.iter());
        let day = |date: &&str| {
            let date: jiff::civil::Date = date.parse().ok()?;
            Some(date.duration_since(jiff::civil::Date::constant(1970, 1, 1)).as_hours() / 24)
        };
        let ends = self.series.iter().flat_map(|s| s.readings.first().into_iter().chain(s.readings.last()));
        let days: Vec<i64> = ends.map(|r| self.local(r.0).div_euclid(DAY)).collect();
        let (first, last) = (days.iter().min().copied(), days.iter().max().copied());
        dates.filter_map(day).filter(|d| first <= Some(*d) && Some(*d) <= last).collect()
    }

    pub(super) fn local(&self, at: Micros) -> Micros {
        let offset_s =
            Timestamp::from_microsecond(at).map_or(0, |instant| self.zone.to_offset(instant).seconds());
        at + Micros::from(offset_s) * SECOND
    }

    /// As an engineer of the city would set it: of a source whose life is known longer than its nightly pauses of up to
    /// six hours; else longer than a car park is quiet, which may be a Sunday.
    pub(super) fn know_life(&mut self, known: bool) {
        self.life_known = known;
        if self.reporting == Reporting::ChangesOnly {
            self.silent_after = if known { 7 * HOUR } else { 2 * DAY };
        }
    }

    /// Its name, and what is known of its life.
    pub(super) fn called(&self) -> String {
        match (self.reporting, self.life_known) {
            (Reporting::Repeated, _) => self.name.clone(),
            (Reporting::ChangesOnly, false) => format!("{}, its source's life unknown", self.name),
            (Reporting::ChangesOnly, true) => format!("{}, its source's life known", self.name),
        }
    }

    pub(super) fn is_holiday(&self, at: Micros) -> bool {
        !self.holidays.is_empty() && self.holidays.contains(&self.local(at).div_euclid(DAY))
    }

    /// 0 = Monday 00:00, local.
    pub(super) fn hour_of_week(&self, at: Micros) -> u8 {
        let local = self.local(at);
        let day = local.div_euclid(DAY);
        let weekday = if self.holidays.contains(&day) { 6 } else { (day + 3).rem_euclid(7) };
        u8::try_from(weekday * 24 + local.rem_euclid(DAY) / HOUR).unwrap_or(0)
    }

    /// Whether a source that tells changes alone said anything in the last quarter of an hour.
    pub(super) fn alive(&self, at: Micros) -> bool {
        let slot = at.div_euclid(5 * MINUTE);
        self.slots.range(slot - 3..=slot).next().is_some()
    }
}

/// Reads one file.
pub(super) fn read(file: &Path, capacities: Option<&Path>, zone: Option<&str>) -> Result<Set> {
    let mut reader = open(file)?;
    let header: Vec<String> = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
    let columns = |names: &[&str]| -> Option<Vec<usize>> {
        names.iter().map(|name| header.iter().position(|h| h == name)).collect()
    };
    let zone = |usual: &str| {
        let name = zone.unwrap_or(usual);
        TimeZone::get(name).with_context(|| format!("--timezone {name}"))
    };
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let set = |reporting, silent_after, zone, rows: Rows| {
        let slots = rows.0.values().flat_map(|s| s.readings.iter().map(|r| r.0.div_euclid(5 * MINUTE)));
        let slots = if reporting == Reporting::ChangesOnly { slots.collect() } else { BTreeSet::new() };
        let series = rows.finish();
        Set {
            name: name.clone(),
            reporting,
            life_known: true,
            silent_after,
            series,
            plotted: false,
            holidays: Vec::new(),
            zone,
            slots,
        }
    };
    if let Some(c) = columns(&["timestamp", "place_id", "free"]) {
        let beside = file.with_file_name("meta-data.csv");
        let spaces = read_capacities(capacities.unwrap_or(&beside))?;
        let rows = read_rows(&mut reader, &TimeZone::UTC, c[0], |row| {
            let name = row.get(c[1])?;
            Some((name, row.get(c[2])?.trim().parse().ok()?, *spaces.get(name)?))
        })?;
        Ok(set(Reporting::ChangesOnly, 12 * HOUR, zone("Europe/Berlin")?, rows))
    } else if let Some(c) = columns(&["Name", "LastUpdate", "Occupancy", "Capacity"]) {
        let rows = read_rows(&mut reader, &TimeZone::UTC, c[1], |row| {
            Some((row.get(c[0])?, row.get(c[2])?.trim().parse().ok()?, row.get(c[3])?.trim().parse().ok()?))
        })?;
        Ok(set(Reporting::Repeated, HOUR, zone("Europe/London")?, rows))
    } else if let Some(c) = columns(&["SystemCodeNumber", "LastUpdated", "Occupancy", "Capacity"]) {
        let zone = zone("Europe/London")?;
        let rows = read_rows(&mut reader, &zone, c[1], |row| {
            Some((row.get(c[0])?, row.get(c[2])?.trim().parse().ok()?, row.get(c[3])?.trim().parse().ok()?))
        })?;
        Ok(set(Reporting::Repeated, 7 * DAY, zone, rows))
    } else if let Some(c) = columns(&["parking", "utc_time", "vacant_min", "vacant_max"]) {
        let mut high = BTreeMap::new();
        let rows = read_rows(&mut reader, &TimeZone::UTC, c[1], |row| {
            let name = row.get(c[0])?;
            let (low, top): (i32, i32) = (row.get(c[2])?.parse().ok()?, row.get(c[3])?.parse().ok()?);
            let tops: &mut Vec<i32> = high.entry(name.to_owned()).or_default();
            tops.push(top.max(low));
            Some((name, low.min(top), 1))
        })?;
        let mut set = set(Reporting::Repeated, 12 * HOUR, zone("Europe/Brussels")?, rows);
        set.plotted = true;
        for series in &mut set.series {
            let tops = high.remove(&series.name).unwrap_or_default();
            series.capacity = tops.iter().copied().max().unwrap_or(1).unsigned_abs().max(1);
            series.readings = of_pixels(&series.readings, &tops);
        }
        Ok(set)
    } else {
        bail!(
            "{}: its columns are {}; known are timestamp, place_id, free (with --capacities), or Name, LastUpdate, \
             Occupancy, Capacity, or SystemCodeNumber, LastUpdated, Occupancy, Capacity, or parking, utc_time, \
             vacant_min, vacant_max",
            file.display(),
            header.join(", ")
        )
    }
}

/// Two readings a pixel of a plot: the end that is nearer to the last reading first.
fn of_pixels(lows: &[(Micros, i32)], tops: &[i32]) -> Vec<(Micros, i32)> {
    let mut readings: Vec<(Micros, i32)> = Vec::with_capacity(lows.len() * 2);
    for (&(at, low), &top) in lows.iter().zip(tops) {
        let last = readings.last().map_or(low, |r| r.1);
        let (first, second) = if (last - low).abs() <= (last - top).abs() { (low, top) } else { (top, low) };
        let near = |value: i32, last: i32| if (value - last).abs() <= PIXEL { last } else { value };
        let first = near(first, last);
        readings.push((at, first));
        readings.push((at + 45 * MINUTE, near(second, first)));
    }
    readings
}

/// Series under way, by name.
#[derive(Default)]
struct Rows(BTreeMap<String, Series>);

impl Rows {
    fn finish(self) -> Vec<Series> {
        let mut all: Vec<Series> = self.0.into_values().filter(|s| s.readings.len() > 1).collect();
        for series in &mut all {
            series.readings.sort_by_key(|r| r.0);
            series.readings.dedup_by_key(|r| r.0);
        }
        all
    }
}

fn open(file: &Path) -> Result<csv::Reader<Box<dyn Read>>> {
    let bytes = File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let plain: Box<dyn Read> = match file.extension() {
        Some(gz) if gz == "gz" => Box::new(GzDecoder::new(bytes)),
        _ => Box::new(bytes),
    };
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(plain))
}

/// Name, figure and capacity of each row that `take` makes something of; stamps without an offset are local in `zone`.
fn read_rows(
    reader: &mut csv::Reader<Box<dyn Read>>,
    zone: &TimeZone,
    time: usize,
    mut take: impl FnMut(&csv::StringRecord) -> Option<(&str, i32, u32)>,
) -> Result<Rows> {
    let mut rows = Rows::default();
    for row in reader.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let Some((name, value, capacity)) = take(&row).filter(|(_, _, capacity)| *capacity > 0) else {
            continue;
        };
        let text = row.get(time).map(str::trim).unwrap_or_default();
        let local = |time: DateTime| time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
        let instant = text.parse::<Timestamp>().or_else(|_| text.parse::<DateTime>().and_then(local));
        let at = instant.with_context(|| format!("line {line}: {text:?} is no time"))?.as_microsecond();
        let series = match rows.0.get_mut(name) {
            Some(series) => series,
            None => {
                let name = name.to_owned();
                rows.0.entry(name.clone()).or_insert(Series { name, capacity, readings: Vec::new() })
            }
        };
        series.readings.push((at, value));
    }
    Ok(rows)
}

/// Spaces of each car park, by `place_id` and `num_all`; those without a figure are not in it.
fn read_capacities(file: &Path) -> Result<BTreeMap<String, u32>> {
    let hint = "change-only figures need --capacities, a file with the columns place_id and num_all";
    let mut reader = open(file).context(hint)?;
    let header = reader.headers()?.clone();
    let column = |name: &str| header.iter().position(|h| h == name);
    let (Some(lot), Some(spaces)) = (column("place_id"), column("num_all")) else {
        bail!("{}: {hint}", file.display())
    };
    let mut capacities = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        let whole = |text: &str| text.trim().split('.').next().and_then(|whole| whole.parse().ok());
        if let (Some(lot), Some(spaces)) = (row.get(lot), row.get(spaces).and_then(whole)) {
            capacities.insert(lot.to_owned(), spaces);
        }
    }
    Ok(capacities)
}
