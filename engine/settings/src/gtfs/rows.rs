//! One CSV file of a feed, row by row.

use std::io::{Read, Take};

use csv::StringRecord;
use zip::result::ZipError;

use super::Archive;

/// A file that unpacks to more is refused.
const UNPACKED_MAX: u64 = 4 << 30;

/// A file that is being read.
pub(super) struct Rows<'f> {
    name: &'static str,
    reader: csv::Reader<Take<Box<dyn Read + 'f>>>,
    headers: StringRecord,
    record: StringRecord,
}

/// A row.
pub(super) struct Row<'r> {
    name: &'static str,
    record: &'r StringRecord,
}

impl<'f> Rows<'f> {
    /// `None`: the feed has no such file.
    pub(super) fn open(feed: &'f mut Archive<'_>, name: &'static str) -> Result<Option<Rows<'f>>, String> {
        let file: Box<dyn Read + 'f> = match feed.by_name(name) {
            Ok(file) => Box::new(file),
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(format!("{name}: cannot be unpacked: {error}")),
        };
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(file.take(UNPACKED_MAX));
        let headers = reader.headers().map_err(|e| format!("{name}: {e}"))?.clone();
        Ok(Some(Rows { name, reader, headers, record: StringRecord::new() }))
    }

    /// Where a column is.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| header.trim_start_matches('\u{feff}') == name)
    }

    /// Where columns are that must be there.
    pub(super) fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], String> {
        let mut found = [0; N];
        for (place, name) in found.iter_mut().zip(names) {
            *place = self.column(name).ok_or_else(|| format!("{}: has no column {name}", self.name))?;
        }
        Ok(found)
    }

    /// The next row; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, String> {
        let more = self.reader.read_record(&mut self.record).map_err(|e| format!("{}: {e}", self.name))?;
        if self.reader.get_ref().limit() == 0 {
            return Err(format!("{}: unpacks to more than {UNPACKED_MAX} bytes", self.name));
        }
        Ok(more.then_some(Row { name: self.name, record: &self.record }))
    }
}

impl Row<'_> {
    /// Empty where the row is too short.
    pub(super) fn get(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    pub(super) fn wrong(&self, what: &str) -> String {
        let line = self.record.position().map_or(0, csv::Position::line);
        format!("{}, line {line}: {what}", self.name)
    }

    pub(super) fn number(&self, column: usize) -> Result<f64, String> {
        let text = self.get(column);
        text.parse().map_err(|_| self.wrong(&format!("{text:?} is no number")))
    }

    pub(super) fn whole(&self, column: usize) -> Result<u32, String> {
        let text = self.get(column);
        text.parse().map_err(|_| self.wrong(&format!("{text:?} is no whole number")))
    }

    /// Seconds from hours, minutes and seconds, of which the hours may be beyond a day; `None`: none is given.
    pub(super) fn time(&self, column: usize) -> Result<Option<u32>, String> {
        let text = self.get(column);
        if text.is_empty() {
            return Ok(None);
        }
        let parts: Vec<u32> = text.split(':').map_while(|part| part.parse().ok()).collect();
        match parts[..] {
            [h, m, s] if text.split(':').count() == 3 && h < 48 && m < 60 && s < 60 => {
                Ok(Some(h * 3_600 + m * 60 + s))
            }
            _ => Err(self.wrong(&format!("{text:?} is no time such as 08:05:00, before 48:00:00"))),
        }
    }

    /// A day written as 20261231.
    pub(super) fn date(&self, column: usize) -> Result<jiff::civil::Date, String> {
        let text = self.get(column);
        let date = (text.len() == 8).then(|| jiff::civil::Date::strptime("%Y%m%d", text).ok()).flatten();
        date.ok_or_else(|| self.wrong(&format!("{text:?} is no day such as 20261231")))
    }
}
