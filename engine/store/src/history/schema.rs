//! SQL that follows from the tables' description.

use vlot_model::{HistoryTable, Holds};

/// Of the file, in `PRAGMA user_version`. A file of an older version gets the tables that it lacks when it is opened: 1 had no
/// groups, zones and overstays.
pub(super) const VERSION: i64 = 2;

/// Makes one table.
pub(super) fn create(table: HistoryTable) -> String {
    let columns = table.columns().iter().map(|c| {
        let sql = match c.holds {
            Holds::Whole => "INTEGER",
            Holds::Real => "REAL",
            Holds::Word(_) => "TEXT",
        };
        format!("  {} {sql},\n", c.name)
    });
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n  id TEXT NOT NULL,\n  start INTEGER NOT NULL,\n  ahead_s INTEGER NOT NULL,\n\
         {}  PRIMARY KEY (id, start, ahead_s)\n) WITHOUT ROWID, STRICT;",
        table.name(),
        columns.collect::<String>()
    )
}

fn names(table: HistoryTable) -> String {
    table.columns().iter().map(|c| format!(", {}", c.name)).collect()
}

/// Writes one record; parameters are the key, then the columns.
pub(super) fn upsert(table: HistoryTable) -> String {
    let places: String = (4..4 + table.columns().len()).map(|n| format!(", ?{n}")).collect();
    format!(
        "INSERT OR REPLACE INTO {} (id, start, ahead_s{}) VALUES (?1, ?2, ?3{places})",
        table.name(),
        names(table)
    )
}

/// Reads records of ?1 from ?2 to before ?3 behind (?4, ?5), at most ?6.
pub(super) fn select(table: HistoryTable) -> String {
    format!(
        "SELECT start, ahead_s{} FROM {} WHERE id = ?1 AND start >= ?2 AND start < ?3 \
         AND (start, ahead_s) > (?4, ?5) ORDER BY start, ahead_s LIMIT ?6",
        names(table),
        table.name()
    )
}

/// The next id behind ?1: a walk over the ids that skips their records.
pub(super) fn next_id(table: HistoryTable) -> String {
    format!("SELECT min(id) FROM {} WHERE id > ?1", table.name())
}

/// Removes records of ?1 before ?2.
pub(super) fn retire(table: HistoryTable) -> String {
    format!("DELETE FROM {} WHERE id = ?1 AND start < ?2", table.name())
}

/// Sums up the minutes of ?1 from ?2 to before ?3; parameters are the id, the quarter's start and its end.
pub(super) fn sum_up(minutes: HistoryTable, quarters: HistoryTable) -> String {
    let from = minutes.name();
    let main = minutes.columns().first().map_or("id", |c| c.name);
    let range = "id = ?1 AND start >= ?2 AND start < ?3";
    let sums = quarters.columns().iter().map(|column| match column.name.rsplit_once('_') {
        Some((figure, "mean")) => format!(", avg({figure})"),
        Some((figure, "min")) => format!(", min({figure})"),
        Some((figure, "max")) => format!(", max({figure})"),
        Some((figure, "last")) => format!(
            ", (SELECT {figure} FROM {from} WHERE {range} AND {figure} IS NOT NULL ORDER BY start DESC LIMIT 1)"
        ),
        _ => format!(", min(1.0, count({main}) / 15.0)"),
    });
    format!(
        "INSERT OR REPLACE INTO {} (id, start, ahead_s{}) SELECT ?1, ?2, 0{} FROM {from} WHERE {range} HAVING count(*) > 0",
        quarters.name(),
        names(quarters),
        sums.collect::<String>()
    )
}
