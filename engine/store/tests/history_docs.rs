//! What is written about the history is what it does: the documentation's schema.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use vlot_model::{HistoryKind, HistoryTable, Holds};

fn docs(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// Fields of a measurement, as the exporter names them.
fn fields(measurement: &str) -> Option<BTreeSet<String>> {
    let kind = HistoryKind::ALL.into_iter().find(|k| format!("vlot_{}", k.name()) == measurement)?;
    let columns = HistoryTable::find(kind, None)?.columns().iter();
    Some(
        columns
            .flat_map(|c| {
                let code = matches!(c.holds, Holds::Word(_)).then(|| format!("{}_code", c.name));
                [Some(c.name.to_owned()), code].into_iter().flatten()
            })
            .collect(),
    )
}

#[test]
fn the_documentation_has_every_table_column_and_field() {
    let text = docs("history.md");
    for table in HistoryTable::ALL {
        let begin = format!("CREATE TABLE {} (", table.name());
        let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
        let (columns, _) = rest.split_once("PRIMARY KEY").unwrap();
        let named: Vec<&str> =
            columns.lines().skip(1).filter_map(|l| l.split_whitespace().next()).skip(3).collect();
        let expected: Vec<&str> = table.columns().iter().map(|c| c.name).collect();
        assert_eq!(named, expected, "{}", table.name());
    }
    for kind in HistoryKind::ALL {
        let measurement = format!("vlot_{}", kind.name());
        let row = text.lines().find(|l| l.starts_with(&format!("| `{measurement}`"))).unwrap();
        for field in fields(&measurement).unwrap() {
            assert!(row.contains(&format!("`{field}`")), "{measurement}: {field}");
        }
    }
}
