//! One table of a TOML file, asked key by key; what is never asked for is an unknown key.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::kinds::{Kind, shown};
use super::report::Documented;
use super::{File, Report};
use crate::problem::Problem;

/// The most entries of one list: beyond any city, and well within every index.
pub(crate) const ENTRIES_MAX: usize = 1_000_000;

/// A table, with the place that messages name it by.
pub(crate) struct Table<'a> {
    file: &'a File<'a>,
    report: &'a Report,
    /// As the documentation calls it: `facility.device`.
    path: String,
    /// As messages call it: `facility "ladeuze".device "ladeuze-1"`.
    place: String,
    line: usize,
    cells: BTreeMap<&'a str, (usize, &'a DeValue<'a>)>,
    asked: Vec<&'static str>,
    /// Keys whose value was missing or could not be read.
    unsound: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        file: &'a File<'a>,
        report: &'a Report,
        table: &'a DeTable<'a>,
        line: usize,
    ) -> Table<'a> {
        let cells = table
            .iter()
            .map(|(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                (key.get_ref().as_ref(), (file.line(key.span().start), value.get_ref()))
            })
            .collect();
        Table {
            file,
            report,
            path: String::new(),
            place: String::new(),
            line,
            cells,
            asked: Vec::new(),
            unsound: Vec::new(),
        }
    }

    /// The line that the table starts at.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// Name of the file.
    pub(crate) fn file_name(&self) -> &'static str {
        self.file.name
    }

    /// A key that must be there.
    pub(crate) fn required<K: Kind>(&mut self, key: &'static str, kind: K) -> K::Out {
        match self.ask(key, &kind, "required") {
            Some(value) => value,
            None => {
                if !self.has(key) {
                    self.unsound.push(key);
                    self.add(self.line, self.place_of(key), "is missing".to_owned(), &wants(&kind));
                }
                kind.stand_in()
            }
        }
    }

    /// A key that may be left out.
    pub(crate) fn optional<K: Kind>(&mut self, key: &'static str, kind: K) -> Option<K::Out> {
        self.ask(key, &kind, "none")
    }

    /// A key that may be left out; `default` is written as in the file.
    pub(crate) fn or<K: Kind>(&mut self, key: &'static str, kind: K, default: &str) -> K::Out {
        if let Some(value) = self.ask(key, &kind, default) {
            return value;
        }
        let built_in = DeValue::parse(default).ok().and_then(|value| kind.read(value.get_ref()));
        built_in.unwrap_or_else(|| {
            self.add(self.line, self.place_of(key), format!("has {default} built in"), &wants(&kind));
            kind.stand_in()
        })
    }

    /// A key that must never be there, and why.
    pub(crate) fn forbidden(&mut self, key: &'static str, hint: &str) {
        if self.cells.contains_key(key) {
            // Not asked under its name: it is no key to offer to anyone.
            let line = self.line_of(key);
            self.cells.remove(key);
            self.add(line, self.place_of(key), "is not allowed".to_owned(), hint);
        }
    }

    /// A table within this one.
    pub(crate) fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        self.asked.push(key);
        let (line, value) = *self.cells.get(key)?;
        match value {
            DeValue::Table(table) => {
                let mut inner = Table::new(self.file, self.report, table, line);
                inner.path = join(&self.path, key);
                inner.place = join(&self.place, key);
                Some(inner)
            }
            other => {
                self.add(line, self.place_of(key), shown(other), &format!("write it as [{key}]"));
                None
            }
        }
    }

    /// A table within this one; left out, it is read as an empty one.
    pub(crate) fn section(&mut self, key: &'static str) -> Table<'a> {
        self.table(key).unwrap_or_else(|| {
            let mut inner = Table::new(self.file, self.report, &self.file.empty, self.line);
            inner.path = join(&self.path, key);
            inner.place = join(&self.place, key);
            inner
        })
    }

    /// The entries of a list of tables; each is called by its `id` or `name`, else by its number.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        self.asked.push(key);
        let Some((line, value)) = self.cells.get(key).copied() else { return Vec::new() };
        let DeValue::Array(entries) = value else {
            self.add(
                line,
                self.place_of(key),
                shown(value),
                &format!("write each entry as [[{}]]", join(&self.path, key)),
            );
            return Vec::new();
        };
        if entries.len() > ENTRIES_MAX {
            self.add(
                line,
                self.place_of(key),
                format!("has {} entries", entries.len()),
                &format!("at most {ENTRIES_MAX}"),
            );
        }
        let mut tables = Vec::with_capacity(entries.len().min(ENTRIES_MAX));
        for (position, entry) in entries.iter().enumerate().take(ENTRIES_MAX) {
            let line = self.file.line(entry.span().start);
            let DeValue::Table(table) = entry.get_ref() else {
                let hint = format!("write each entry as [[{}]]", join(&self.path, key));
                self.add(line, self.place_of(key), shown(entry.get_ref()), &hint);
                continue;
            };
            let mut inner = Table::new(self.file, self.report, table, line);
            inner.path = join(&self.path, key);
            let called = ["id", "name"].iter().find_map(|k| match inner.cells.get(k) {
                Some((_, DeValue::String(name))) if (1..=64).contains(&name.chars().count()) => {
                    Some(format!("{key} {name:?}"))
                }
                _ => None,
            });
            inner.place = join(&self.place, &called.unwrap_or_else(|| format!("{key} {}", position + 1)));
            tables.push(inner);
        }
        tables
    }

    /// Whether a key is written, with whatever value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.cells.contains_key(key)
    }

    /// Whether a key's value is what the file says, and no stand-in: checks between keys ask first.
    pub(crate) fn is_sound(&self, key: &str) -> bool {
        !self.unsound.contains(&key)
    }

    /// Reports what is wrong with a key's value beyond its kind.
    pub(crate) fn problem(&self, key: &str, what: impl Into<String>, hint: impl AsRef<str>) {
        self.add(self.line_of(key), self.place_of(key), what.into(), hint.as_ref());
    }

    /// Reports what is wrong with the table as a whole.
    pub(crate) fn wrong(&self, what: impl Into<String>, hint: impl AsRef<str>) {
        self.add(self.line, self.place.clone(), what.into(), hint.as_ref());
    }

    /// The value; `None` when it is not there or cannot be read, which is reported.
    fn ask<K: Kind>(&mut self, key: &'static str, kind: &K, default: &str) -> Option<K::Out> {
        self.asked.push(key);
        self.report.know((self.file.name, self.path.clone(), key), || Documented {
            wanted: kind.wanted(),
            default: default.to_owned(),
        });
        let (line, value) = *self.cells.get(key)?;
        let read = kind.read(value);
        if read.is_none() {
            self.unsound.push(key);
            self.add(line, self.place_of(key), shown(value), &wants(kind));
        }
        read
    }

    fn line_of(&self, key: &str) -> usize {
        self.cells.get(key).map_or(self.line, |(line, _)| *line)
    }

    fn place_of(&self, key: &str) -> String {
        join(&self.place, key)
    }

    fn add(&self, line: usize, place: String, what: String, hint: &str) {
        let (file, hint) = (self.file.name.to_owned(), hint.to_owned());
        self.report.add(Problem { file, line: Some(line), place, what, hint });
    }
}

impl Drop for Table<'_> {
    /// Whoever read the table has asked for every key that it knows: the others are slips.
    fn drop(&mut self) {
        for (key, (line, _)) in &self.cells {
            if !self.asked.contains(key) {
                let known = self.asked.join(", ");
                self.add(
                    *line,
                    self.place_of(key),
                    "is not a known key".to_owned(),
                    &format!("known here: {known}"),
                );
            }
        }
    }
}

fn wants<K: Kind>(kind: &K) -> String {
    format!("give {}", kind.wanted())
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}
