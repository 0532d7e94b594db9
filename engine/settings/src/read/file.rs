//! One TOML file: its text, its lines and its parsed table.

use toml::Spanned;
use toml::de::DeTable;

use super::{Report, Table};
use crate::problem::Problem;

/// A parsed TOML file.
pub(crate) struct File<'s> {
    pub(crate) name: &'static str,
    /// Byte offsets at which lines start.
    starts: Vec<usize>,
    table: Spanned<DeTable<'s>>,
    /// Stands in for tables that are left out.
    pub(super) empty: DeTable<'s>,
}

impl<'s> File<'s> {
    /// `None` when the text is no TOML; every syntax error is reported.
    pub(crate) fn parse(name: &'static str, text: &'s str, report: &Report) -> Option<File<'s>> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let (table, errors) = DeTable::parse_recoverable(text);
        let file = File { name, starts, table, empty: DeTable::new() };
        for error in &errors {
            report.add(Problem {
                file: name.to_owned(),
                line: error.span().map(|span| file.line(span.start)),
                place: String::new(),
                what: format!("is not TOML: {}", error.message().replace('\n', ", ")),
                hint: "text stands in \"quotes\", a list entry starts with [[name]]".to_owned(),
            });
        }
        errors.is_empty().then_some(file)
    }

    /// A file without content.
    pub(crate) fn empty(name: &'static str) -> File<'s> {
        File { name, starts: vec![0], table: Spanned::new(0..0, DeTable::new()), empty: DeTable::new() }
    }

    /// The file as a whole.
    pub(crate) fn table<'a>(&'a self, report: &'a Report) -> Table<'a> {
        Table::new(self, report, self.table.get_ref(), 1)
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }
}
