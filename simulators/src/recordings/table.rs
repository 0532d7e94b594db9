//! Tables of recordings: rows of text with their line numbers, dates in the zone of the place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::SimError;

/// The largest recording that is read, unpacked.
const BYTES_MAX: u64 = 4 << 30;

/// Opens a file, unpacking it where its name says so.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, SimError> {
    let file = BufReader::new(File::open(path).map_err(|e| broken(path, e))?);
    let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    Ok(if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(file).take(BYTES_MAX)))
    } else {
        Box::new(file.take(BYTES_MAX))
    })
}

/// An error that names the file.
pub(super) fn broken(path: &Path, what: impl ToString) -> SimError {
    SimError::Recording { file: path.display().to_string(), what: what.to_string() }
}

/// A row of a table.
pub(super) struct Cells<'a> {
    path: &'a Path,
    columns: &'a [usize],
    names: &'a [&'a str],
    record: &'a csv::StringRecord,
}

impl Cells<'_> {
    /// The cell of the n-th wanted column, without spaces around it.
    pub(super) fn text(&self, n: usize) -> &str {
        self.columns.get(n).and_then(|c| self.record.get(*c)).unwrap_or("").trim()
    }

    /// The same as a number; `None` where the cell is blank.
    pub(super) fn number(&self, n: usize) -> Result<Option<f64>, SimError> {
        let text = self.text(n);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.wrong(n, "no number")),
        }
    }

    /// A date and time in that form, in the zone of the place.
    pub(super) fn local(&self, n: usize, form: &str, zone: &TimeZone) -> Result<i64, SimError> {
        let date = DateTime::strptime(form, self.text(n)).map_err(|_| self.wrong(n, "no date"))?;
        let zoned = date.to_zoned(zone.clone()).map_err(|_| self.wrong(n, "no date of this zone"))?;
        Ok(zoned.timestamp().as_microsecond())
    }

    /// An instant with its offset.
    pub(super) fn instant(&self, n: usize) -> Result<i64, SimError> {
        let instant: jiff::Timestamp = self.text(n).parse().map_err(|_| self.wrong(n, "no instant"))?;
        Ok(instant.as_microsecond())
    }

    pub(super) fn wrong(&self, n: usize, what: &str) -> SimError {
        let line = self.record.position().map_or(0, csv::Position::line);
        let name = self.names.get(n).copied().unwrap_or("");
        broken(self.path, format!("line {line}, {name} {:?}: {what}", self.text(n)))
    }
}

/// Goes through the rows of a CSV file with a header, with the wanted columns in the wanted order.
pub(super) fn rows(
    path: &Path,
    wanted: &[&str],
    mut row: impl FnMut(&Cells<'_>) -> Result<(), SimError>,
) -> Result<(), SimError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(open(path)?);
    let header = reader.headers().map_err(|e| broken(path, e))?.clone();
    let columns: Vec<usize> = wanted
        .iter()
        .map(|name| {
            let found = header.iter().position(|h| h.trim().trim_start_matches('\u{feff}') == *name);
            found.ok_or_else(|| broken(path, format!("no column {name:?}")))
        })
        .collect::<Result<_, _>>()?;
    through(path, &mut reader, &columns, wanted, &mut row)
}

/// Goes through the rows of a CSV file without a header.
pub(super) fn bare_rows(
    path: &Path,
    names: &[&str],
    mut row: impl FnMut(&Cells<'_>) -> Result<(), SimError>,
) -> Result<(), SimError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(open(path)?);
    let columns: Vec<usize> = (0..names.len()).collect();
    through(path, &mut reader, &columns, names, &mut row)
}

fn through(
    path: &Path,
    reader: &mut csv::Reader<Box<dyn Read>>,
    columns: &[usize],
    names: &[&str],
    row: &mut dyn FnMut(&Cells<'_>) -> Result<(), SimError>,
) -> Result<(), SimError> {
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| broken(path, e))? {
        row(&Cells { path, columns, names, record: &record })?;
    }
    Ok(())
}

/// Names that many rows share.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, Arc<str>>);

impl Names {
    pub(super) fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(name.to_owned(), Arc::clone(&new));
        new
    }
}

/// The zone of a place.
pub(super) fn zone(path: &Path, name: &str) -> Result<TimeZone, SimError> {
    TimeZone::get(name).map_err(|e| broken(path, e))
}
