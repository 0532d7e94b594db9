//! Bicycle counters. A blank count is a gap, never a zero.

use std::collections::BTreeMap;
use std::path::Path;

use super::Recording;
use super::table::{Names, bare_rows, rows, zone};
use crate::SimError;
use crate::time::{HOUR, SECOND, round};
use crate::wire::Value;

/// Inbound and outbound.
type Pair = (Option<u32>, Option<u32>);

/// The Flemish counters write one row for each direction: both of an interval become one statement.
pub(super) fn awv(path: &Path) -> Result<Recording, SimError> {
    const COLUMNS: [&str; 6] = ["site", "direction", "mode", "begin", "end", "count"];
    const FORM: &str = "%Y-%m-%d %H:%M:%S%.f";
    let zone = zone(path, "Europe/Brussels")?;
    let mut intervals: BTreeMap<(String, i64, i64), Pair> = BTreeMap::new();
    let mut recording = Recording::default();
    bare_rows(path, &COLUMNS, |row| {
        if row.text(2) != "FIETSERS" {
            recording.pass_over("not bicycles");
            return Ok(());
        }
        let key = (row.text(0).to_owned(), row.local(3, FORM, &zone)?, row.local(4, FORM, &zone)?);
        let count = row.number(5)?.and_then(whole);
        let pair = intervals.entry(key).or_default();
        match row.text(1) {
            "IN" => pair.0 = count,
            "OUT" => pair.1 = count,
            _ => return Err(row.wrong(1, "neither IN nor OUT")),
        }
        Ok(())
    })?;
    let mut names = Names::default();
    for ((site, begin, end), pair) in intervals {
        add(&mut recording, &mut names, &site, begin, end, pair);
    }
    Ok(recording)
}

/// Counts are estimates over the hour, already divided by the uptime: without any uptime there is no count.
pub(super) fn telraam(path: &Path) -> Result<Recording, SimError> {
    const COLUMNS: [&str; 6] = ["segment_id", "date", "timezone", "uptime", "bike_lft", "bike_rgt"];
    let (mut recording, mut names) = (Recording::default(), Names::default());
    rows(path, &COLUMNS, |row| {
        let text = row.text(1);
        let offset_h = match text.rsplit(' ').next() {
            Some("CET") => 1,
            Some("CEST") => 2,
            _ => return Err(row.wrong(1, "no date with CET or CEST")),
        };
        // The zone's name decides which of two hours it is when the clocks go back.
        let begin = local_text(text).ok_or_else(|| row.wrong(1, "no date"))? - offset_h * HOUR;
        let up = row.number(3)?.is_some_and(|uptime| uptime > 0.0);
        let count = |n: usize| Ok::<_, SimError>(row.number(n)?.filter(|_| up).and_then(whole));
        let pair = (count(4)?, count(5)?);
        add(&mut recording, &mut names, row.text(0), begin, begin + HOUR, pair);
        Ok(())
    })?;
    Ok(recording)
}

/// "2022-01-01 01:00:00 CET" as if it were UTC.
fn local_text(text: &str) -> Option<i64> {
    let (date, _) = text.rsplit_once(' ')?;
    let date = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", date).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

pub(super) fn fremont(path: &Path) -> Result<Recording, SimError> {
    const COLUMNS: [&str; 3] = ["Date", "Fremont Bridge NB", "Fremont Bridge SB"];
    let zone = zone(path, "America/Los_Angeles")?;
    let (mut recording, mut names) = (Recording::default(), Names::default());
    rows(path, &COLUMNS, |row| {
        let begin = row.local(0, "%m/%d/%Y %I:%M:%S %p", &zone)?;
        // Southbound leads to the centre.
        let pair = (row.number(2)?.and_then(whole), row.number(1)?.and_then(whole));
        add(&mut recording, &mut names, "fremont-bridge", begin, begin + HOUR, pair);
        Ok(())
    })?;
    Ok(recording)
}

fn add(
    recording: &mut Recording,
    names: &mut Names,
    source: &str,
    begin: i64,
    end: i64,
    (inbound, outbound): Pair,
) {
    let interval_s = u32::try_from((end - begin) / SECOND).unwrap_or(0);
    if interval_s == 0 {
        return recording.pass_over("no interval");
    }
    if inbound.is_none() && outbound.is_none() {
        recording.passed_over.entry("gap").and_modify(|n| *n += 1).or_insert(1);
    }
    recording.add(begin, end, &names.of(source), Value::Bicycles { interval_s, inbound, outbound });
}

fn whole(count: f64) -> Option<u32> {
    u32::try_from(round(count)).ok()
}
