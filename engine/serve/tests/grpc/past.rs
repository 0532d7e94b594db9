//! The past as gRPC tells it, beside what any other program finds in the SQLite file: the same rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value as Sql;
use vlot_model::*;
use vlot_proto::history::v1::cell::Value;
use vlot_proto::history::v1::history_service_client::HistoryServiceClient;
use vlot_proto::history::v1::{ListSeriesRequest, QueryHistoryRequest};
use vlot_store::history::{HistoryOptions, HistoryReader, Recorder, Seen};

use super::support::*;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A facility with groups, a garage, and a zone with an hour behind it and a vehicle that overstays for a while.
fn products(minute: u32) -> [Product; 3] {
    let at = NOON + minute * MINUTE;
    let group = |group, free| GroupState { group, capacity: 4, free };
    let facility = match facility(0, 40 - minute, at) {
        Product::Facility(s) => {
            let accessible = group(UserGroup::Accessible, Some(minute % 4));
            let groups = vec![accessible, group(UserGroup::Charging, None)];
            Product::Facility(FacilityState { groups, ..s })
        }
        other => other,
    };
    let known = minute > 2;
    let overstay = Overstay { bay: 1, since: NOON - 40 * MINUTE, limit_s: 1_800 };
    let zone = Product::Zone(ZonePressure {
        facility: FacilityIx(2),
        hour: at.floor(HOUR),
        pressure_pct: Some(50.0),
        last_hour_pct: known.then_some(81.25),
        departures: known.then_some(7),
        alarm: false,
        balance: known.then_some(Balance { capacity: 2, demand_mean: 1.625, demand_peak: 2, full_s: 900 }),
        overstays: if (4..15).contains(&minute) { vec![overstay] } else { Vec::new() },
        overstays_begun: u64::from(minute >= 4),
    });
    [facility, garage(minute, at), zone]
}

/// Twenty minutes of a board, recorded.
async fn record_into(file: &Path) {
    let (board, meters) = (Arc::new(Board::new()), Arc::new(Meters::default()));
    let (changed, seen) = tokio::sync::watch::channel(0);
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let seen = Seen {
        city: Arc::new(city()),
        board: Arc::clone(&board),
        changed: seen,
        clock,
        meters: Arc::clone(&meters),
    };
    let recorder = Recorder::start(HistoryOptions::new(file), seen).unwrap();
    for minute in 0..20 {
        let (tick, at, before) =
            (Tick::from(minute) + 1, NOON + minute * MINUTE, meters.history_written.get());
        let updates: Vec<Update> = products(minute)
            .into_iter()
            .map(|product| Update { tick, at, trigger: None, product: Arc::new(product) })
            .collect();
        board.publish(tick, at, updates);
        changed.send_replace(tick);
        within(async {
            while meters.history_written.get() == before {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    tokio::task::spawn_blocking(move || recorder.close()).await.unwrap();
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOON
    }
}

/// Figures as text, by table, id, start in seconds and seconds ahead.
type Rows = BTreeMap<(String, String, i64, i64), Vec<Option<String>>>;

async fn rows_of_grpc(file: &Path) -> Rows {
    let house = House::open_with_history(Arc::new(HistoryReader::new(file))).await;
    let mut client = HistoryServiceClient::new(house.channel().await);
    let series = within(client.list_series(ListSeriesRequest { kind: 0 })).await.unwrap().into_inner().series;
    let mut rows = Rows::new();
    for (table, series) in HistoryTable::ALL.into_iter().zip(series) {
        for id in series.ids {
            let mut request = QueryHistoryRequest {
                kind: series.kind,
                resolution: series.resolution,
                id: id.clone(),
                limit: 7,
                ..QueryHistoryRequest::default()
            };
            loop {
                let page = within(client.query_history(request.clone())).await.unwrap().into_inner();
                for record in page.records {
                    let cells = record.cells.into_iter().map(|cell| {
                        cell.value.map(|value| match value {
                            Value::Whole(n) => n.to_string(),
                            Value::Real(x) => format!("{x:?}"),
                            Value::Word(word) => word,
                        })
                    });
                    let key = (
                        table.name().to_owned(),
                        id.clone(),
                        record.start.unwrap().seconds,
                        record.ahead_s.into(),
                    );
                    assert!(rows.insert(key, cells.collect()).is_none(), "{id} twice");
                }
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
        }
    }
    rows
}

fn rows_of_file(file: &Path) -> Rows {
    let connection = rusqlite::Connection::open(file).unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let mut names = connection.prepare(names).unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(tables.len(), HistoryTable::ALL.len());
    let mut rows = Rows::new();
    for table in tables {
        let mut all = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let mut found = all.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let key = (table.clone(), row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
            let cells = (3..columns).map(|at| match row.get(at).unwrap() {
                Sql::Null => None,
                Sql::Integer(n) => Some(n.to_string()),
                Sql::Real(x) => Some(format!("{x:?}")),
                Sql::Text(word) => Some(word),
                Sql::Blob(_) => panic!("a blob in {table}"),
            });
            rows.insert(key, cells.collect());
        }
    }
    rows
}

#[tokio::test]
async fn grpc_tells_the_rows_of_the_file_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite");
    record_into(&file).await;
    let (told, kept) = (rows_of_grpc(&file).await, rows_of_file(&file));
    for table in
        ["facility_minute", "section_quarter", "group_minute", "group_quarter", "zone_hour", "overstay"]
    {
        assert!(kept.keys().any(|key| key.0 == table), "nothing in {table}");
    }
    let only_told: Vec<_> = told.iter().filter(|(key, _)| !kept.contains_key(*key)).collect();
    assert!(only_told.is_empty(), "not in the file: {only_told:?}");
    for (key, cells) in &kept {
        assert_eq!(told.get(key), Some(cells), "{key:?}");
    }
    let noon = NOON.micros() / 1_000_000;
    let text = |values: &[&str]| values.iter().map(|v| Some((*v).to_owned())).collect::<Vec<_>>();
    let of = |table: &str, id: &str, start: i64| kept.get(&(table.to_owned(), id.to_owned(), start, 0));
    assert_eq!(of("overstay", "bondgenotenlaan/2", noon - 2_400), Some(&text(&["1800", "3300"])));
    let hour = text(&["81.25", "7", "2", "1.625", "2", "900"]);
    assert_eq!(of("zone_hour", "bondgenotenlaan", noon - 3_600), Some(&hour));
    assert_eq!(of("group_minute", "ladeuze/accessible", noon + 180), Some(&text(&["3", "4", "good"])));
}
