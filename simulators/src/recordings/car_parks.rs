//! Car parks: occupied spaces as they were published, faults and all.

use std::collections::BTreeMap;
use std::path::Path;

use super::table::{Cells, Names, broken, rows, zone};
use super::{Known, Recording};
use crate::SimError;
use crate::time::round;
use crate::wire::Value;

pub(super) fn birmingham(path: &Path) -> Result<Recording, SimError> {
    let zone = zone(path, "Europe/London")?;
    let (mut recording, mut names) = (Recording::default(), Names::default());
    rows(path, &["SystemCodeNumber", "Occupancy", "LastUpdated"], |row| {
        let at = row.local(2, "%Y-%m-%d %H:%M:%S", &zone)?;
        occupied(&mut recording, &mut names, row, at, row.number(1)?);
        Ok(())
    })?;
    Ok(recording)
}

pub(super) fn bath(path: &Path) -> Result<Recording, SimError> {
    let (mut recording, mut names) = (Recording::default(), Names::default());
    rows(path, &["Name", "LastUpdate", "DateUploaded", "Occupancy"], |row| {
        // What was true at its own date was seen at the upload's.
        let (observed_at, sent_at) = (row.instant(1)?, row.instant(2)?);
        let before = recording.rows.len();
        occupied(&mut recording, &mut names, row, observed_at, row.number(3)?);
        if let Some(new) = recording.rows.get_mut(before) {
            new.sent_at = sent_at.max(observed_at);
        }
        Ok(())
    })?;
    Ok(recording)
}

pub(super) fn muenster(path: &Path, known: &Known) -> Result<Recording, SimError> {
    let mut capacities = known.capacities.clone();
    let meta = path.with_file_name("meta-data.csv");
    if meta.is_file() {
        rows(&meta, &["place_id", "num_all"], |row| {
            if let Some(capacity) = row.number(1)?.and_then(|n| u32::try_from(round(n)).ok()) {
                capacities.entry(row.text(0).to_owned()).or_insert(capacity);
            }
            Ok(())
        })?;
    }
    let (mut recording, mut names) = (Recording::default(), Names::default());
    rows(path, &["place_id", "timestamp", "free"], |row| {
        let at = row.instant(1)?;
        match (capacities.get(row.text(0)), row.number(2)?) {
            (Some(capacity), Some(free)) => {
                occupied(&mut recording, &mut names, row, at, Some(f64::from(*capacity) - free));
            }
            (None, _) => recording.pass_over("no capacity"),
            (_, None) => recording.pass_over("blank"),
        }
        Ok(())
    })?;
    Ok(recording)
}

/// Between the plot's least and most vacant spaces the middle is taken. Where a capacity is not given, the most that
/// was ever vacant stands for it.
pub(super) fn leuven(path: &Path, known: &Known) -> Result<Recording, SimError> {
    const COLUMNS: [&str; 4] = ["parking", "utc_time", "vacant_min", "vacant_max"];
    let mut capacities: BTreeMap<String, f64> = BTreeMap::new();
    rows(path, &COLUMNS, |row| {
        if let Some(most) = row.number(3)? {
            let capacity = capacities.entry(row.text(0).to_owned()).or_insert(0.0);
            *capacity = capacity.max(most);
        }
        Ok(())
    })?;
    capacities.extend(known.capacities.iter().map(|(name, n)| (name.clone(), f64::from(*n))));
    let (mut recording, mut names) = (Recording::default(), Names::default());
    rows(path, &COLUMNS, |row| {
        let at = row.instant(1)?;
        let capacity = capacities.get(row.text(0)).copied();
        let vacant = row.number(2)?.zip(row.number(3)?).map(|(least, most)| f64::midpoint(least, most));
        let taken = capacity.zip(vacant).map(|(capacity, vacant)| capacity - vacant);
        occupied(&mut recording, &mut names, row, at, taken);
        Ok(())
    })?;
    if recording.rows.is_empty() {
        return Err(broken(path, "no rows"));
    }
    Ok(recording)
}

/// Adds a count of the row's first column; a blank one stays absent.
fn occupied(recording: &mut Recording, names: &mut Names, row: &Cells<'_>, at: i64, spaces: Option<f64>) {
    let Some(spaces) = spaces else { return recording.pass_over("blank") };
    let occupied_spaces = i32::try_from(round(spaces)).unwrap_or(i32::MAX);
    recording.add(at, at, &names.of(row.text(0)), Value::Occupancy { occupied_spaces });
}
