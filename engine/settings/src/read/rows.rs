//! A CSV file, row by row, with the same kinds of values as the TOML files.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use toml::de::DeValue;

use super::Report;
use super::kinds::{Kind, shown};
use super::report::Documented;
use super::table::ENTRIES_MAX;
use crate::problem::Problem;

/// A CSV file with a header; lines that start with `#` are comments.
pub(crate) struct Rows<'s> {
    name: &'static str,
    reader: csv::Reader<&'s [u8]>,
    /// Position of each known column.
    columns: Rc<BTreeMap<&'static str, usize>>,
    read: usize,
    complete: bool,
}

/// One row.
pub(crate) struct Row<'a> {
    name: &'static str,
    report: &'a Report,
    columns: Rc<BTreeMap<&'static str, usize>>,
    record: csv::StringRecord,
    /// As messages call it.
    place: String,
    pub(crate) line: usize,
    /// Columns whose cell could not be read.
    unsound: RefCell<Vec<&'static str>>,
}

impl<'s> Rows<'s> {
    /// `None` when the header is not as it should be, which is reported.
    pub(crate) fn open(
        name: &'static str,
        text: &'s str,
        required: &[&'static str],
        optional: &[&'static str],
        report: &Report,
    ) -> Option<Rows<'s>> {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut faults = Vec::new();
        let mut columns = BTreeMap::new();
        let mut line = 1;
        match reader.headers() {
            Err(error) => faults.push(("cannot be read as CSV".to_owned(), error.to_string())),
            Ok(header) => {
                line = header.position().map_or(1, csv::Position::line);
                let wanted =
                    format!("the header is {}, and may have {}", required.join(","), optional.join(","));
                for (position, column) in header.iter().enumerate() {
                    match required.iter().chain(optional).find(|k| **k == column) {
                        None => faults.push((format!("has the unknown column {column:?}"), wanted.clone())),
                        Some(k) if columns.insert(*k, position).is_some() => {
                            faults.push((format!("has the column {column:?} twice"), wanted.clone()));
                        }
                        Some(_) => {}
                    }
                }
                for missing in required.iter().filter(|k| !columns.contains_key(*k)) {
                    faults.push((format!("has no column {missing:?}"), wanted.clone()));
                }
            }
        }
        let sound = faults.is_empty();
        for (what, hint) in faults {
            let line = usize::try_from(line).ok();
            report.add(Problem { file: name.to_owned(), line, place: "header".to_owned(), what, hint });
        }
        sound.then_some(Rows { name, reader, columns: Rc::new(columns), read: 0, complete: true })
    }

    /// Whether no row was left out so far.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }

    /// The next row that has as many cells as the header; others are reported and left out.
    pub(crate) fn next<'a>(&mut self, report: &'a Report) -> Option<Row<'a>> {
        loop {
            let mut record = csv::StringRecord::new();
            let read = self.reader.read_record(&mut record);
            let line = record.position().map_or_else(|| self.reader.position().line(), csv::Position::line);
            let line = usize::try_from(line).unwrap_or(usize::MAX);
            let place = record.get(self.columns.get("device").copied().unwrap_or(0)).unwrap_or_default();
            let place = if place.is_empty() { "row".to_owned() } else { format!("device {place:?}") };
            let wrong = |what: String, hint: &str| {
                let (file, place, hint) = (self.name.to_owned(), place.clone(), hint.to_owned());
                report.add(Problem { file, line: Some(line), place, what, hint });
            };
            self.complete &=
                matches!(read, Ok(false)) || record.len() == self.columns.len() && self.read < ENTRIES_MAX;
            match read {
                Ok(false) => return None,
                Err(error) => {
                    wrong("cannot be read as CSV".to_owned(), &error.to_string());
                    return None;
                }
                Ok(true) if record.len() != self.columns.len() => {
                    let what = format!("has {} cells, the header {}", record.len(), self.columns.len());
                    wrong(what, "an empty cell still needs its comma");
                }
                Ok(true) if self.read == ENTRIES_MAX => {
                    wrong(format!("is beyond row {ENTRIES_MAX}"), "split the city");
                    return None;
                }
                Ok(true) => {
                    self.read += 1;
                    let columns = Rc::clone(&self.columns);
                    return Some(Row {
                        name: self.name,
                        report,
                        columns,
                        record,
                        place,
                        line,
                        unsound: RefCell::default(),
                    });
                }
            }
        }
    }
}

impl Row<'_> {
    /// Whether the cell is empty.
    pub(crate) fn is_empty(&self, column: &str) -> bool {
        self.cell(column).is_empty()
    }

    /// Whether a cell can be read as what it should be.
    pub(crate) fn is_sound(&self, column: &str) -> bool {
        !self.unsound.borrow().contains(&column)
    }

    /// A cell that must be filled.
    pub(crate) fn required<K: Kind>(&self, column: &'static str, kind: K) -> K::Out {
        self.know(column, &kind, "required");
        self.read(column, &kind)
    }

    /// A cell that may be empty.
    pub(crate) fn optional<K: Kind>(&self, column: &'static str, kind: K) -> Option<K::Out> {
        self.know(column, &kind, "none");
        (!self.is_empty(column)).then(|| self.read(column, &kind))
    }

    /// Reports what is wrong with a cell beyond its kind.
    pub(crate) fn problem(&self, column: &str, what: impl Into<String>, hint: impl AsRef<str>) {
        self.report.add(Problem {
            file: self.name.to_owned(),
            line: Some(self.line),
            place: format!("{}.{column}", self.place),
            what: what.into(),
            hint: hint.as_ref().to_owned(),
        });
    }

    fn read<K: Kind>(&self, column: &'static str, kind: &K) -> K::Out {
        let value = DeValue::String(Cow::Borrowed(self.cell(column)));
        kind.read(&value).unwrap_or_else(|| {
            let what = if self.is_empty(column) { "is empty".to_owned() } else { shown(&value) };
            self.unsound.borrow_mut().push(column);
            self.problem(column, what, format!("give {}", kind.wanted()));
            kind.stand_in()
        })
    }

    fn know<K: Kind>(&self, column: &'static str, kind: &K, default: &str) {
        self.report.know((self.name, String::new(), column), || Documented {
            wanted: kind.wanted(),
            default: default.to_owned(),
        });
    }

    fn cell(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|position| self.record.get(*position)).unwrap_or_default()
    }
}
