//! Recordings of car parks, in three forms that their headers tell apart.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A step of the grid that change-only files are laid on, seconds.
const STEP_S: i64 = 300;
/// Car parks with fewer figures before scoring begins are left out.
const SEEN_MIN: usize = 200;

/// What a car park said once.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// Seconds since the Unix epoch.
    pub(super) at_s: i64,
    /// Free spaces as recorded: may lie outside 0..=capacity.
    pub(super) free: f64,
}

pub(super) struct Lot {
    name: String,
    pub(super) capacity: u32,
    /// In order of time, each time once.
    pub(super) seen: Vec<Seen>,
}

/// The car parks of one recording.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) zone: TimeZone,
    pub(super) lots: Vec<Lot>,
    /// Car parks that cannot be scored, and why.
    pub(super) left_out: Vec<String>,
    /// Seconds by which an outcome may miss its horizon.
    pub(super) tolerance_s: i64,
    /// Scoring begins then.
    pub(super) cut_s: i64,
}

/// How change-only figures become a grid.
#[derive(Clone, Copy)]
enum Fill {
    /// A figure holds for so many minutes after its last change; a longer silence is a gap.
    For(i64),
    /// A figure holds until the next: nights without a recorder are flat lines.
    Forever,
    /// A figure holds while any car park has changed within so many minutes: else the recorder is taken to be off.
    WhileAnyoneSpeaks(i64),
}

/// Reads one file; a change-only file becomes three sets.
pub(super) fn read(file: &Path, capacities: Option<&Path>, zone: Option<&str>) -> Result<Vec<Set>> {
    let mut reader = open(file)?;
    let header: Vec<String> = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
    let column = |name: &str| header.iter().position(|h| h == name);
    let zone = |usual: &str| {
        let name = zone.unwrap_or(usual);
        TimeZone::get(name).with_context(|| format!("--timezone {name}"))
    };
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if let (Some(at), Some(lot), Some(free)) = (column("timestamp"), column("place_id"), column("free")) {
        let beside = file.with_file_name("meta-data.csv");
        let capacities = read_capacities(capacities.unwrap_or(&beside))?;
        let changes = changes(&mut reader, [at, lot, free])?;
        let zone = zone("Europe/Berlin")?;
        let fills = [
            (Fill::For(90), "a figure holds for 90 minutes"),
            (Fill::Forever, "a figure holds until the next"),
            (Fill::WhileAnyoneSpeaks(30), "without the recorder's silent hours"),
        ];
        let set = |(fill, how)| {
            let (lots, left_out) = on_grid(&changes, &capacities, fill);
            finish(format!("{name}, {how}"), zone.clone(), lots, left_out, 0)
        };
        fills.into_iter().map(set).collect()
    } else if let (Some(lot), Some(at), Some(taken), Some(capacity)) =
        (column("Name"), column("LastUpdate"), column("Occupancy"), column("Capacity"))
    {
        let lots = occupancies(&mut reader, [lot, at, taken, capacity], &TimeZone::UTC)?;
        Ok(vec![finish(name, zone("Europe/London")?, lots, Vec::new(), 300)?])
    } else if let (Some(lot), Some(at), Some(taken), Some(capacity)) =
        (column("SystemCodeNumber"), column("LastUpdated"), column("Occupancy"), column("Capacity"))
    {
        let zone = zone("Europe/London")?;
        let lots = occupancies(&mut reader, [lot, at, taken, capacity], &zone)?;
        Ok(vec![finish(name, zone, lots, Vec::new(), 600)?])
    } else {
        bail!(
            "{}: its columns are {}; known are timestamp, place_id, free (with --capacities), or Name, LastUpdate, \
             Occupancy, Capacity, or SystemCodeNumber, LastUpdated, Occupancy, Capacity",
            file.display(),
            header.join(", ")
        )
    }
}

/// Finds where scoring begins, and leaves out what cannot be scored.
fn finish(
    name: String,
    zone: TimeZone,
    lots: Vec<Lot>,
    mut left_out: Vec<String>,
    tolerance_s: i64,
) -> Result<Set> {
    let ends = |pick: fn(&[Seen]) -> Option<&Seen>| {
        lots.iter().filter_map(move |lot| pick(&lot.seen)).map(|s| s.at_s)
    };
    let (Some(first), Some(last)) = (ends(<[Seen]>::first).min(), ends(<[Seen]>::last).max()) else {
        bail!("{name}: has no car park with figures and a capacity")
    };
    let cut_s = first + (last - first) / 5 * 3;
    let (lots, few): (Vec<Lot>, Vec<Lot>) =
        lots.into_iter().partition(|lot| lot.seen.partition_point(|s| s.at_s < cut_s) >= SEEN_MIN);
    left_out.extend(few.iter().map(|lot| format!("{} (under {SEEN_MIN} figures to learn from)", lot.name)));
    ensure!(!lots.is_empty(), "{name}: no car park has {SEEN_MIN} figures to learn from");
    Ok(Set { name, zone, lots, left_out, tolerance_s, cut_s })
}

fn open(file: &Path) -> Result<csv::Reader<Box<dyn Read>>> {
    let bytes = File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let plain: Box<dyn Read> = match file.extension() {
        Some(gz) if gz == "gz" => Box::new(GzDecoder::new(bytes)),
        _ => Box::new(bytes),
    };
    Ok(csv::Reader::from_reader(plain))
}

fn field(row: &csv::StringRecord, at: usize) -> Result<&str> {
    let line = row.position().map_or(0, csv::Position::line);
    row.get(at).map(str::trim).with_context(|| format!("line {line}: has no column {}", at + 1))
}

fn number(row: &csv::StringRecord, at: usize) -> Result<f64> {
    let line = row.position().map_or(0, csv::Position::line);
    let text = field(row, at)?;
    text.parse().with_context(|| format!("line {line}: {text:?} is no number"))
}

/// Seconds since the epoch; a stamp without an offset is local in `zone`.
fn instant(row: &csv::StringRecord, at: usize, zone: &TimeZone) -> Result<i64> {
    let line = row.position().map_or(0, csv::Position::line);
    let text = field(row, at)?;
    let local = |time: DateTime| time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
    let instant = text.parse::<Timestamp>().or_else(|_| text.parse::<DateTime>().and_then(local));
    Ok(instant.with_context(|| format!("line {line}: {text:?} is no time"))?.as_second())
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
        if let Some(spaces) = number(&row, spaces).ok().and_then(whole).filter(|spaces| *spaces > 0) {
            capacities.insert(field(&row, lot)?.to_owned(), spaces);
        }
    }
    Ok(capacities)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the bounds that are asked first"
)]
fn whole(spaces: f64) -> Option<u32> {
    (0.0..=65_535.0).contains(&spaces).then_some(spaces as u32)
}

/// Changes by car park, each in order of time.
fn changes(
    reader: &mut csv::Reader<Box<dyn Read>>,
    [at, lot, free]: [usize; 3],
) -> Result<BTreeMap<String, Vec<Seen>>> {
    let mut changes: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        // A figure that is no number is a gap.
        let Ok(free) = number(&row, free) else { continue };
        let seen = Seen { at_s: instant(&row, at, &TimeZone::UTC)?, free };
        let name = field(&row, lot)?;
        match changes.get_mut(name) {
            Some(list) => list.push(seen),
            None => drop(changes.insert(name.to_owned(), vec![seen])),
        }
    }
    changes.values_mut().for_each(|list| list.sort_by_key(|seen| seen.at_s));
    Ok(changes)
}

fn on_grid(
    changes: &BTreeMap<String, Vec<Seen>>,
    capacities: &BTreeMap<String, u32>,
    fill: Fill,
) -> (Vec<Lot>, Vec<String>) {
    let mut spoken: Vec<i64> = changes.values().flatten().map(|seen| seen.at_s).collect();
    spoken.sort_unstable();
    let (first, last) = (spoken.first().copied().unwrap_or(0), spoken.last().copied().unwrap_or(0));
    let (mut lots, mut left_out) = (Vec::new(), Vec::new());
    for (name, list) in changes {
        let Some(&capacity) = capacities.get(name) else {
            left_out.push(format!("{name} (no capacity)"));
            continue;
        };
        let (mut seen, mut next, mut newest) = (Vec::new(), 0, None);
        let mut at_s = first.div_euclid(STEP_S) * STEP_S + STEP_S;
        while at_s <= last {
            while let Some(change) = list.get(next).filter(|change| change.at_s <= at_s) {
                (newest, next) = (Some(*change), next + 1);
            }
            let holds = |change: &Seen| match fill {
                Fill::For(minutes) => at_s - change.at_s < minutes * 60 + STEP_S,
                Fill::Forever => true,
                Fill::WhileAnyoneSpeaks(minutes) => {
                    let before =
                        spoken.partition_point(|s| *s <= at_s).checked_sub(1).and_then(|i| spoken.get(i));
                    before.is_some_and(|before| at_s - before < minutes * 60)
                }
            };
            if let Some(change) = newest.filter(holds) {
                seen.push(Seen { at_s, free: change.free });
            }
            at_s += STEP_S;
        }
        lots.push(Lot { name: name.clone(), capacity, seen });
    }
    (lots, left_out)
}

/// Taken spaces and capacities; a car park's first capacity is taken for all its time.
fn occupancies(
    reader: &mut csv::Reader<Box<dyn Read>>,
    [lot, at, taken, capacity]: [usize; 4],
    zone: &TimeZone,
) -> Result<Vec<Lot>> {
    let mut lots: BTreeMap<String, Lot> = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        let (Ok(taken), Ok(spaces)) = (number(&row, taken), number(&row, capacity)) else { continue };
        let Some(capacity) = whole(spaces).filter(|spaces| *spaces > 0) else { continue };
        let name = field(&row, lot)?;
        let seen = Seen { at_s: instant(&row, at, zone)?, free: spaces - taken };
        let new = || Lot { name: name.to_owned(), capacity, seen: Vec::new() };
        lots.entry(name.to_owned()).or_insert_with(new).seen.push(seen);
    }
    let mut lots: Vec<Lot> = lots.into_values().collect();
    for lot in &mut lots {
        lot.seen.sort_by_key(|seen| seen.at_s);
        lot.seen.dedup_by_key(|seen| seen.at_s);
    }
    Ok(lots)
}
