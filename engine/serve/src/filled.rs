//! Bicycle counts with their gaps filled: a series of its own, in which whatever nobody measured is marked.
//!
//! An estimate is the median of what the same station counted in the same quarter of an hour of the weeks around it, by the
//! city's clock. What the weeks do not tell stays unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use vlot_model::{Cell, HistoryRecord, HistoryTable, Timestamp};

/// Length of a record.
const QUARTER: Duration = Duration::from_mins(15);
/// Weeks to either side.
const WEEKS: i64 = 4;
/// From fewer counts nothing is told.
const COUNTS_MIN: usize = 3;
/// Positions of the columns that are filled: inbound and outbound.
const FILLED: [usize; 2] = [0, 1];
/// Position of `interval_s`.
const INTERVAL: usize = 2;

/// So far around a time its estimate looks.
pub(crate) const AROUND: Duration = Duration::from_hours(24 * 7 * WEEKS.unsigned_abs());

/// A record, and which of its cells nobody measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filled {
    pub(crate) record: HistoryRecord,
    pub(crate) estimated: Vec<bool>,
}

/// The records that begin within `span`, and one for each quarter of an hour between them of which an estimate can be told.
/// `known`: all records of one station within `span` and [`AROUND`] it, by start.
pub(crate) fn fill(
    known: &[HistoryRecord],
    zone: &TimeZone,
    span: std::ops::Range<Timestamp>,
) -> Vec<Filled> {
    let by_start: BTreeMap<Timestamp, &HistoryRecord> = known.iter().map(|r| (r.start, r)).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return Vec::new() };
    let until = span.end.min(last.start + AROUND);
    let mut at = span.start.max(first.start - AROUND);
    let mut out = Vec::new();
    let mut next = by_start.range(span.clone()).peekable();
    while at < until {
        match next.next_if(|(start, _)| **start < ceiling(at) + QUARTER) {
            Some((start, record)) => {
                out.push(filled((*record).clone(), &by_start, zone));
                at = *start + length(record);
            }
            None => {
                let record = HistoryRecord { start: ceiling(at), cells: empty(), ..first.clone() };
                at = record.start + QUARTER;
                if record.start < until {
                    let made = filled(record, &by_start, zone);
                    out.extend(made.estimated.contains(&true).then_some(made));
                }
            }
        }
    }
    out
}

/// The next start of a quarter of an hour.
fn ceiling(at: Timestamp) -> Timestamp {
    let floor = at.floor(QUARTER);
    if floor == at { at } else { floor + QUARTER }
}

fn length(record: &HistoryRecord) -> Duration {
    match record.cells.get(INTERVAL) {
        Some(Some(Cell::Whole(s))) if *s > 0 => Duration::from_secs(s.unsigned_abs()),
        _ => QUARTER,
    }
}

fn empty() -> Vec<Option<Cell>> {
    let mut cells = vec![None; HistoryTable::BicycleQuarter.columns().len()];
    if let Some(cell) = cells.get_mut(INTERVAL) {
        *cell = i64::try_from(QUARTER.as_secs()).ok().map(Cell::Whole);
    }
    cells
}

fn filled(
    mut record: HistoryRecord,
    by_start: &BTreeMap<Timestamp, &HistoryRecord>,
    zone: &TimeZone,
) -> Filled {
    let mut estimated = vec![false; record.cells.len()];
    for column in FILLED {
        if let (Some(cell @ None), Some(mark)) = (record.cells.get_mut(column), estimated.get_mut(column)) {
            *cell = usual(by_start, zone, record.start, column).map(Cell::Whole);
            *mark = cell.is_some();
        }
    }
    Filled { record, estimated }
}

/// What is usual at that time of the week.
fn usual(
    by_start: &BTreeMap<Timestamp, &HistoryRecord>,
    zone: &TimeZone,
    at: Timestamp,
    column: usize,
) -> Option<i64> {
    let civil = jiff::Timestamp::from_microsecond(at.micros()).ok()?.to_zoned(zone.clone()).datetime();
    let week = |weeks: i64| -> Option<i64> {
        let span: Span = weeks.weeks();
        let then = zone.to_timestamp(civil.checked_add(span).ok()?).ok()?;
        let record = by_start.get(&Timestamp::from_micros(then.as_microsecond()))?;
        match record.cells.get(column)? {
            Some(Cell::Whole(n)) => Some(*n),
            _ => None,
        }
    };
    let mut counts: Vec<_> = (1..=WEEKS).flat_map(|n| [-n, n]).filter_map(week).collect();
    counts.sort_unstable();
    let upper = counts.len() / 2;
    let middle = if counts.len() % 2 == 1 { [upper; 2] } else { [upper.checked_sub(1)?, upper] };
    let [a, b] = middle.map(|i| counts.get(i).copied());
    (counts.len() >= COUNTS_MIN).then_some(a?.saturating_add(b?).saturating_add(1) / 2)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MONDAY: &str = "2026-01-05T08:00:00+01:00";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weeks(n: u64) -> Duration {
        Duration::from_hours(24 * 7 * n)
    }

    fn record(start: Timestamp, inbound: Option<i64>, outbound: Option<i64>) -> HistoryRecord {
        let mut cells = empty();
        cells[0] = inbound.map(Cell::Whole);
        cells[1] = outbound.map(Cell::Whole);
        cells[3] = Some(Cell::Word("good"));
        let table = HistoryTable::BicycleQuarter;
        HistoryRecord { table, id: Arc::from("vaart"), start, ahead_s: 0, cells }
    }

    fn brussels() -> TimeZone {
        TimeZone::get("Europe/Brussels").unwrap()
    }

    fn counts(filled: &[Filled]) -> Vec<(Timestamp, [Option<Cell>; 2], [bool; 2])> {
        filled
            .iter()
            .map(|f| {
                (f.record.start, [f.record.cells[0], f.record.cells[1]], [f.estimated[0], f.estimated[1]])
            })
            .collect()
    }

    #[test]
    fn a_gap_is_filled_with_the_median_of_its_weeks_and_marked() {
        let monday = at(MONDAY);
        let known: Vec<_> = [(0, 10), (1, 12), (3, 40), (4, 14)]
            .map(|(n, inbound)| record(monday + weeks(n), Some(inbound), None))
            .to_vec();
        let gap = monday + weeks(2);
        let span = gap..gap + Duration::from_mins(30);
        let got = fill(&known, &brussels(), span);
        // (12 + 14) / 2; outbound is told by nobody, and so is the next quarter.
        assert_eq!(counts(&got), [(gap, [Some(Cell::Whole(13)), None], [true, false])]);
        assert_eq!((got[0].record.cells[2], got[0].record.cells[3]), (Some(Cell::Whole(900)), None));
    }

    #[test]
    fn zero_is_a_count_and_no_gap_and_what_was_measured_stays() {
        let monday = at(MONDAY);
        let mut known: Vec<_> = (0..4).map(|n| record(monday + weeks(n), Some(20), Some(5))).collect();
        known.push(record(monday + weeks(4), Some(0), None));
        let span = monday + weeks(4)..monday + weeks(4) + Duration::from_secs(1);
        let got = fill(&known, &brussels(), span);
        let expected = [Some(Cell::Whole(0)), Some(Cell::Whole(5))];
        assert_eq!(counts(&got), [(monday + weeks(4), expected, [false, true])]);
    }

    #[test]
    fn two_weeks_tell_nothing() {
        let monday = at(MONDAY);
        let known = [record(monday, Some(10), Some(1)), record(monday + weeks(1), Some(10), Some(1))];
        assert!(fill(&known, &brussels(), monday + weeks(2)..monday + weeks(3)).is_empty());
        assert!(fill(&[], &brussels(), monday..monday + weeks(3)).is_empty());
    }

    #[test]
    fn a_week_is_one_of_the_citys_clock() {
        // The clocks go forward on 29 March: eight in the morning is an hour earlier from then on.
        let before = ["2026-03-09", "2026-03-16", "2026-03-23"]
            .map(|day| record(at(&format!("{day}T08:00:00+01:00")), Some(30), Some(3)));
        let gap = at("2026-03-30T08:00:00+02:00");
        let got = fill(&before, &brussels(), gap..gap + Duration::from_mins(15));
        assert_eq!(counts(&got)[0].1, [Some(Cell::Whole(30)), Some(Cell::Whole(3))]);
        let hour_later = gap + Duration::from_hours(1);
        assert!(fill(&before, &brussels(), hour_later..hour_later + Duration::from_mins(15)).is_empty());
    }

    #[test]
    fn ages_without_counts_cost_nothing() {
        let known: Vec<_> = (0..4).map(|n| record(at(MONDAY) + weeks(n), Some(1), Some(1))).collect();
        let ends = Timestamp::from_secs(-(1 << 40))..Timestamp::from_secs(1 << 40);
        let got = fill(&known, &brussels(), ends);
        assert_eq!(got.iter().filter(|f| f.estimated == vec![false; 7]).count(), 4);
        assert!(got.len() < 4 + 2 * 4, "{}", got.len());
    }
}
