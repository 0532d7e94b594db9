//! The SQLite file: opened, written to, thinned out, moved aside when damaged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};
use vlot_model::{Cell, HistoryRecord, HistoryTable, Resolution, Timestamp};

use super::schema;

/// A file up to this size is looked through when it is opened; a larger one shows its damage where it is met.
const CHECK_BYTES: u64 = 64 << 20;
/// Another program may hold the file this long.
const BUSY: Duration = Duration::from_secs(2);
const QUARTER: Duration = Duration::from_mins(15);

/// What keeps the file from being used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// It is no database, or its pages contradict each other.
    #[error("{} is damaged: {what}", file.display())]
    Damaged { file: PathBuf, what: String },
    /// Anything that may pass.
    #[error("{}: {what}", file.display())]
    Failing { file: PathBuf, what: String },
}

/// How long records are kept; `None` keeps all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Minutes, forecasts, sensors' changes and overstays.
    pub minutes: Option<Duration>,
    /// 15 minutes and hours.
    pub quarters: Option<Duration>,
}

/// The one writer's hold on the file.
#[derive(Debug)]
pub(super) struct HistoryFile {
    path: PathBuf,
    pub(super) connection: Connection,
}

impl HistoryFile {
    pub(super) fn open(path: &Path) -> Result<HistoryFile, FileError> {
        let told = |e: rusqlite::Error| told(path, &e);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(told)?;
        connection.busy_timeout(BUSY).map_err(told)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Before the first table, or it has no effect.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(told)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(told)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(told)?;
        let version: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(told)?;
        if version > schema::VERSION {
            return Err(FileError::Failing {
                file: path.to_owned(),
                what: format!(
                    "its schema is version {version}, this engine's {} (hint: give [history] another file)",
                    schema::VERSION
                ),
            });
        }
        if std::fs::metadata(path).is_ok_and(|m| m.len() <= CHECK_BYTES) {
            let said: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(told)?;
            if said != "ok" {
                return Err(FileError::Damaged { file: path.to_owned(), what: said });
            }
        }
        let tables: String = HistoryTable::ALL.into_iter().map(|t| schema::create(t) + "\n").collect();
        connection
            .execute_batch(&format!("BEGIN;\n{tables}PRAGMA user_version = {};\nCOMMIT;", schema::VERSION))
            .map_err(told)?;
        Ok(HistoryFile { path: path.to_owned(), connection })
    }

    /// Writes records and the 15 minutes that they are part of, all or nothing. What is there already is replaced.
    pub(super) fn write<'r>(
        &mut self,
        records: impl Iterator<Item = &'r HistoryRecord>,
    ) -> Result<u64, FileError> {
        self.try_write(records).map_err(|e| told(&self.path, &e))
    }

    fn try_write<'r>(&mut self, records: impl Iterator<Item = &'r HistoryRecord>) -> rusqlite::Result<u64> {
        let transaction = self.connection.transaction()?;
        let mut written = 0;
        let mut touched: BTreeSet<(HistoryTable, &str, Timestamp)> = BTreeSet::new();
        for record in records {
            let key = [
                Value::Text(record.id.to_string()),
                Value::Integer(seconds(record.start)),
                Value::Integer(record.ahead_s.into()),
            ];
            let mut statement = transaction.prepare_cached(&schema::upsert(record.table))?;
            statement.execute(params_from_iter(key.into_iter().chain(record.cells.iter().map(sql))))?;
            written += 1;
            if record.table.quarters().is_some() {
                touched.insert((record.table, &record.id, record.start.floor(QUARTER)));
            }
        }
        for (minutes, id, start) in touched {
            let Some(quarters) = minutes.quarters() else { continue };
            let mut statement = transaction.prepare_cached(&schema::sum_up(minutes, quarters))?;
            statement.execute((id, seconds(start), seconds(start + QUARTER)))?;
        }
        transaction.commit()?;
        Ok(written)
    }

    /// Removes what is older than it is kept, and gives some of its room back.
    pub(super) fn retire(&mut self, now: Timestamp, retention: Retention) -> Result<(), FileError> {
        self.try_retire(now, retention).map_err(|e| told(&self.path, &e))
    }

    fn try_retire(&mut self, now: Timestamp, retention: Retention) -> rusqlite::Result<()> {
        for table in HistoryTable::ALL {
            let keep = match table.resolution() {
                Resolution::Quarter | Resolution::Hour => retention.quarters,
                Resolution::Minute | Resolution::Instant => retention.minutes,
            };
            let Some(keep) = keep else { continue };
            for id in ids(&self.connection, table, usize::MAX)? {
                let mut statement = self.connection.prepare_cached(&schema::retire(table))?;
                statement.execute((id, seconds(now - keep)))?;
            }
        }
        // One step frees one page: all of them have to be asked for.
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum(4096)")?;
        let mut freed = vacuum.query([])?;
        while freed.next()?.is_some() {}
        Ok(())
    }

    /// Puts what is in the log beside the file into it.
    pub(super) fn close(self) -> Result<(), FileError> {
        let HistoryFile { path, connection } = self;
        connection.close().map_err(|(_, e)| told(&path, &e))
    }
}

/// Ids that have records, sorted.
pub(super) fn ids(
    connection: &Connection,
    table: HistoryTable,
    limit: usize,
) -> rusqlite::Result<Vec<String>> {
    let mut next = connection.prepare_cached(&schema::next_id(table))?;
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < limit {
        let after = ids.last().map_or("", String::as_str);
        match next.query_row([after], |row| row.get::<_, Option<String>>(0))? {
            Some(id) => ids.push(id),
            None => break,
        }
    }
    Ok(ids)
}

/// Moves a damaged file and what belongs to it out of the way, under a name with the date; says where it is now.
pub(super) fn move_aside(path: &Path, now: Timestamp) -> std::io::Result<PathBuf> {
    let date: String = now.floor(Duration::from_secs(1)).to_string().replace([':', '-'], "");
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut aside = named(&format!(".damaged-{date}"));
    let mut copy = 2;
    while aside.exists() {
        aside = named(&format!(".damaged-{date}-{copy}"));
        copy += 1;
    }
    std::fs::rename(path, &aside)?;
    for beside in ["-wal", "-shm"] {
        let (from, mut to) = (named(beside), aside.as_os_str().to_owned());
        to.push(beside);
        match std::fs::rename(from, to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

fn told(path: &Path, error: &rusqlite::Error) -> FileError {
    let (file, what) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => FileError::Damaged { file, what },
        _ => FileError::Failing { file, what },
    }
}

/// Whole seconds since the epoch.
pub(super) fn seconds(t: Timestamp) -> i64 {
    t.micros().div_euclid(1_000_000)
}

fn sql(cell: &Option<Cell>) -> Value {
    match *cell {
        None => Value::Null,
        Some(Cell::Whole(n)) => Value::Integer(n),
        Some(Cell::Real(x)) => Value::Real(x),
        Some(Cell::Word(word)) => Value::Text(word.to_owned()),
    }
}
