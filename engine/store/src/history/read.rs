//! Reads the file back, each time with a connection of its own that can write nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row};
use vlot_model::{Cell, History, HistoryQuery, HistoryRecord, HistoryTable, Holds, Timestamp};

use super::file::{ids, seconds};
use super::schema;

/// Reads one file, which a writer may hold at the same time.
#[derive(Clone, Debug)]
pub struct HistoryReader {
    file: PathBuf,
}

impl HistoryReader {
    /// Of that file; it need not be there yet.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        HistoryReader { file: file.to_owned() }
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.file, flags)?;
            connection.busy_timeout(Duration::from_secs(2))?;
            read(&connection)
        };
        open().map_err(|e| format!("the history cannot be read: {e}"))
    }
}

impl History for HistoryReader {
    fn read(&self, query: &HistoryQuery) -> Result<Vec<HistoryRecord>, String> {
        let table = query.table;
        let id: Arc<str> = query.id.as_str().into();
        let (after, ahead) = query.after.map_or((i64::MIN, 0), |(start, ahead)| (seconds(start), ahead));
        // A record belongs to the second that it begins in: one that begins before `from` is not asked for.
        let from = seconds(query.from + Duration::from_micros(999_999));
        let until = seconds(query.until + Duration::from_micros(999_999));
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        self.with(|connection| {
            let mut statement = connection.prepare(&schema::select(table))?;
            let rows = statement
                .query_map((&*id, from, until, after, ahead, limit), |row| record(table, &id, row))?;
            rows.collect()
        })
    }

    fn ids(&self, table: HistoryTable, limit: usize) -> Result<Vec<String>, String> {
        self.with(|connection| ids(connection, table, limit))
    }
}

fn record(table: HistoryTable, id: &Arc<str>, row: &Row<'_>) -> rusqlite::Result<HistoryRecord> {
    let mut cells = Vec::with_capacity(table.columns().len());
    for (position, column) in table.columns().iter().enumerate() {
        let at = position + 2;
        cells.push(match column.holds {
            Holds::Whole => row.get::<_, Option<i64>>(at)?.map(Cell::Whole),
            Holds::Real => row.get::<_, Option<f64>>(at)?.map(Cell::Real),
            Holds::Word(_) => {
                row.get::<_, Option<String>>(at)?.and_then(|word| column.word(&word)).map(Cell::Word)
            }
        });
    }
    let start = Timestamp::from_secs(row.get(0)?);
    Ok(HistoryRecord { table, id: Arc::clone(id), start, ahead_s: row.get(1)?, cells })
}
