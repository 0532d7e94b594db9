//! What is kept of the past.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use vlot_model::{
    Cell, Column, History, HistoryKind, HistoryQuery, HistoryRecord, HistoryTable, Holds, Resolution,
    Timestamp,
};

use crate::convert::timestamp;
use crate::filled::{self, Filled};
use crate::shared::{Shared, shutting_down};
use crate::wire::history::v1 as wire;
use crate::wire::history::v1::history_service_server::HistoryService;
use crate::wire::history::v1::{
    ListSeriesRequest, ListSeriesResponse, QueryHistoryRequest, QueryHistoryResponse,
};

/// Records of a page at most.
const PAGE: usize = 10_000;
/// A page, and the quarters of an hour of eight weeks; gaps make it less.
const PAGE_AND_AROUND: usize = PAGE + 8 * 7 * 96 + 2;
const SECOND: Duration = Duration::from_secs(1);
/// Ids of a series at most.
const IDS: usize = 10_000;
/// Longer than any id.
const ID_BYTES: usize = 200;

/// Readers at the same time; more wait for one of them.
const READERS: usize = 8;

/// The service.
pub(crate) struct Histories {
    shared: Arc<Shared>,
    readers: Arc<Semaphore>,
}

impl Histories {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Histories { shared: Arc::clone(shared), readers: Arc::new(Semaphore::new(READERS)) }
    }

    /// Reads on a thread that may wait for a disk.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn History) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Status> {
        let history = self.shared.context.history.clone().ok_or_else(|| {
            Status::failed_precondition("this engine keeps no history: see [history] in city.toml")
        })?;
        let readers = Arc::clone(&self.readers);
        let turn = readers.acquire_owned().await.map_err(|_| shutting_down())?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = read(&*history);
            drop(turn);
            read
        });
        reading
            .await
            .map_err(|_| Status::internal("the history's reader ended"))?
            .map_err(Status::unavailable)
    }
}

/// What was measured, of which the gaps are to be filled.
struct Page {
    asked: HistoryQuery,
    /// Whether the request names a start and an end.
    bounds: [bool; 2],
    records: Vec<HistoryRecord>,
    more: bool,
}

impl Page {
    /// From where to where gaps are filled: this page's records, those before the first since the page before, and at the end
    /// up to the request's own end, which is not in the future.
    fn span(&self, now: Timestamp) -> Option<std::ops::Range<Timestamp>> {
        let [first, last] = [self.records.first(), self.records.last()].map(|r| r.map(|r| r.start));
        let start = match (self.asked.after, self.bounds[0]) {
            (Some((after, _)), _) => after + SECOND,
            (None, true) => self.asked.from,
            (None, false) => first?,
        };
        let end = if self.bounds[1] && !self.more { self.asked.until.min(now) } else { last? + SECOND };
        Some(start..last.map_or(end, |last| end.max(last + SECOND)))
    }
}

impl Histories {
    async fn filled(&self, page: Page) -> Result<Vec<Filled>, Status> {
        let context = &self.shared.context;
        let Some(span) = page.span(context.clock.now()) else { return Ok(Vec::new()) };
        let zone = TimeZone::get(&context.city.timezone).unwrap_or(TimeZone::UTC);
        let around = HistoryQuery {
            from: span.start - filled::AROUND,
            until: span.end + filled::AROUND,
            after: None,
            limit: PAGE_AND_AROUND,
            ..page.asked
        };
        self.read(move |history| Ok(filled::fill(&history.read(&around)?, &zone, span))).await
    }
}

#[tonic::async_trait]
impl HistoryService for Histories {
    async fn list_series(
        &self,
        request: Request<ListSeriesRequest>,
    ) -> Result<Response<ListSeriesResponse>, Status> {
        let kind = match request.into_inner().kind {
            0 => None,
            kind => Some(kind_of(kind)?),
        };
        let series = self
            .read(move |history| {
                let tables = HistoryTable::ALL.into_iter().filter(|t| kind.is_none_or(|k| t.kind() == k));
                tables.map(|table| Ok(series(table, history.ids(table, IDS)?))).collect()
            })
            .await?;
        Ok(Response::new(ListSeriesResponse { series }))
    }

    async fn query_history(
        &self,
        request: Request<QueryHistoryRequest>,
    ) -> Result<Response<QueryHistoryResponse>, Status> {
        let request = request.into_inner();
        let fills = request.filled;
        if fills && request.kind != i32::from(wire::Kind::Bicycle) {
            return Err(Status::invalid_argument("filled: is for KIND_BICYCLE alone"));
        }
        let bounds = [request.from.is_some(), request.until.is_some()];
        let mut query = query(request)?;
        let limit = query.limit;
        // One more says whether there is a next page.
        query.limit += 1;
        let table = query.table;
        let asked = query.clone();
        let mut records = self.read(move |history| history.read(&query)).await?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next_page_token = match records.last() {
            Some(last) if more => format!("{}.{}", last.start.micros().div_euclid(1_000_000), last.ahead_s),
            _ => String::new(),
        };
        let records = if fills {
            let page = Page { asked, bounds, records, more };
            self.filled(page).await?.iter().map(estimated).collect()
        } else {
            records.iter().map(record).collect()
        };
        Ok(Response::new(QueryHistoryResponse {
            columns: table.columns().iter().map(column).collect(),
            records,
            next_page_token,
        }))
    }
}

fn query(request: QueryHistoryRequest) -> Result<HistoryQuery, Status> {
    let QueryHistoryRequest { kind, id, from, until, resolution, limit, page_token, filled: _ } = request;
    let kind = kind_of(kind)?;
    let resolution = match wire::Resolution::try_from(resolution) {
        Ok(wire::Resolution::Unspecified) => None,
        Ok(wire::Resolution::Minute) => Some(Resolution::Minute),
        Ok(wire::Resolution::Quarter) => Some(Resolution::Quarter),
        Ok(wire::Resolution::Hour) => Some(Resolution::Hour),
        Err(_) => return Err(Status::invalid_argument(format!("resolution: {resolution} is none"))),
    };
    let table = HistoryTable::find(kind, resolution).ok_or_else(|| {
        Status::invalid_argument(format!("resolution: a {} has no such records", kind.name()))
    })?;
    if id.is_empty() || id.len() > ID_BYTES {
        return Err(Status::invalid_argument(format!(
            "id: 1 to {ID_BYTES} bytes; ListSeries has those that there are"
        )));
    }
    let limit = match usize::try_from(limit) {
        Ok(0) => PAGE,
        Ok(limit) if limit <= PAGE => limit,
        _ => return Err(Status::invalid_argument(format!("limit: at most {PAGE}"))),
    };
    let after = match page_token.as_str() {
        "" => None,
        token => {
            Some(place(token).ok_or_else(|| Status::invalid_argument("page_token: none of this service's"))?)
        }
    };
    // The ends of what a file's seconds can say.
    let ends = (Timestamp::from_secs(-(1 << 40)), Timestamp::from_secs(1 << 40));
    let from = instant("from", from)?.unwrap_or(ends.0);
    let until = instant("until", until)?.unwrap_or(ends.1);
    Ok(HistoryQuery { table, id, from, until, after, limit })
}

fn place(token: &str) -> Option<(Timestamp, u32)> {
    let (start, ahead_s) = token.split_once('.')?;
    Some((Timestamp::from_secs(start.parse().ok()?), ahead_s.parse().ok()?))
}

fn instant(key: &str, t: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Status> {
    let Some(t) = t else { return Ok(None) };
    if t.seconds.abs() > 1 << 40 || !(0..1_000_000_000).contains(&t.nanos) {
        return Err(Status::invalid_argument(format!("{key}: no instant of this age")));
    }
    Ok(Some(Timestamp::from_micros(t.seconds * 1_000_000 + i64::from(t.nanos) / 1_000)))
}

fn kind_of(kind: i32) -> Result<HistoryKind, Status> {
    match wire::Kind::try_from(kind) {
        Ok(wire::Kind::Facility) => Ok(HistoryKind::Facility),
        Ok(wire::Kind::Section) => Ok(HistoryKind::Section),
        Ok(wire::Kind::Traffic) => Ok(HistoryKind::Traffic),
        Ok(wire::Kind::Bicycle) => Ok(HistoryKind::Bicycle),
        Ok(wire::Kind::Forecast) => Ok(HistoryKind::Forecast),
        Ok(wire::Kind::Sensor) => Ok(HistoryKind::Sensor),
        Ok(wire::Kind::Group) => Ok(HistoryKind::Group),
        Ok(wire::Kind::Zone) => Ok(HistoryKind::Zone),
        Ok(wire::Kind::Overstay) => Ok(HistoryKind::Overstay),
        Ok(wire::Kind::Unspecified) => Err(Status::invalid_argument("kind: is missing")),
        Err(_) => Err(Status::invalid_argument(format!("kind: {kind} is none"))),
    }
}

fn series(table: HistoryTable, ids: Vec<String>) -> wire::Series {
    let kind = match table.kind() {
        HistoryKind::Facility => wire::Kind::Facility,
        HistoryKind::Section => wire::Kind::Section,
        HistoryKind::Traffic => wire::Kind::Traffic,
        HistoryKind::Bicycle => wire::Kind::Bicycle,
        HistoryKind::Forecast => wire::Kind::Forecast,
        HistoryKind::Sensor => wire::Kind::Sensor,
        HistoryKind::Group => wire::Kind::Group,
        HistoryKind::Zone => wire::Kind::Zone,
        HistoryKind::Overstay => wire::Kind::Overstay,
    };
    let resolution = match table.resolution() {
        Resolution::Minute => wire::Resolution::Minute,
        Resolution::Quarter => wire::Resolution::Quarter,
        Resolution::Hour => wire::Resolution::Hour,
        Resolution::Instant => wire::Resolution::Unspecified,
    };
    let columns = table.columns().iter().map(column).collect();
    wire::Series { kind: kind.into(), resolution: resolution.into(), columns, ids }
}

fn column(column: &Column) -> wire::Column {
    let words = match column.holds {
        Holds::Word(words) => words.iter().map(|w| (*w).to_owned()).collect(),
        Holds::Whole | Holds::Real => Vec::new(),
    };
    wire::Column { name: column.name.to_owned(), unit: column.unit.to_owned(), words }
}

fn record(record: &HistoryRecord) -> wire::Record {
    let cells = record.cells.iter().map(|cell| wire::Cell {
        value: cell.map(|cell| match cell {
            Cell::Whole(n) => wire::cell::Value::Whole(n),
            Cell::Real(x) => wire::cell::Value::Real(x),
            Cell::Word(word) => wire::cell::Value::Word(word.to_owned()),
        }),
        estimated: false,
    });
    wire::Record { start: Some(timestamp(record.start)), ahead_s: record.ahead_s, cells: cells.collect() }
}

fn estimated(filled: &Filled) -> wire::Record {
    let mut told = record(&filled.record);
    for (cell, estimated) in told.cells.iter_mut().zip(&filled.estimated) {
        cell.estimated = *estimated;
    }
    told
}
