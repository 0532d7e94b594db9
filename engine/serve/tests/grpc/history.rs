//! The past, from a history in memory.

use std::sync::Arc;
use std::time::Duration;

use tonic::Code;
use vlot_model::*;
use vlot_proto::history::v1::cell::Value;
use vlot_proto::history::v1::history_service_client::HistoryServiceClient;
use vlot_proto::history::v1::{Kind, ListSeriesRequest, QueryHistoryRequest, Resolution as WireResolution};

use crate::support::{House, NOON, within};

/// Seven minutes of one facility, of which every other is not known.
struct Memory;

impl History for Memory {
    fn read(&self, query: &HistoryQuery) -> Result<Vec<HistoryRecord>, String> {
        if query.id == "broken" {
            return Err("the disk is gone".to_owned());
        }
        let minute = |m: u32| HistoryRecord {
            table: query.table,
            id: "ladeuze".into(),
            start: NOON + m * Duration::from_mins(1),
            ahead_s: 0,
            cells: query
                .table
                .columns()
                .iter()
                .map(|c| match c.holds {
                    Holds::Word(words) => words.first().copied().map(Cell::Word),
                    Holds::Whole if m.is_multiple_of(2) => Some(Cell::Whole(i64::from(m) - 1)),
                    Holds::Real => Some(Cell::Real(0.5)),
                    Holds::Whole => None,
                })
                .collect(),
        };
        let wanted = |r: &HistoryRecord| {
            *r.id == *query.id
                && (query.from..query.until).contains(&r.start)
                && query.after.is_none_or(|after| (r.start, r.ahead_s) > after)
        };
        Ok((0..7).map(minute).filter(wanted).take(query.limit).collect())
    }

    fn ids(&self, table: HistoryTable, _limit: usize) -> Result<Vec<String>, String> {
        Ok(if table.kind() == HistoryKind::Facility { vec!["ladeuze".to_owned()] } else { Vec::new() })
    }
}

fn ask(id: &str) -> QueryHistoryRequest {
    QueryHistoryRequest { kind: Kind::Facility.into(), id: id.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn the_past_comes_page_by_page_with_its_units_and_gaps() {
    let house = House::open_with_history(Arc::new(Memory)).await;
    let mut client = HistoryServiceClient::new(house.channel().await);
    let mut request = QueryHistoryRequest { limit: 3, ..ask("ladeuze") };
    let (mut pages, mut free) = (0, Vec::new());
    loop {
        let page = within(client.query_history(request.clone())).await.unwrap().into_inner();
        assert_eq!((page.columns[0].name.as_str(), page.columns[0].unit.as_str()), ("free", "spaces"));
        let status = page.columns.iter().position(|c| c.name == "status").unwrap();
        assert_eq!(page.columns[status].words[1], "full");
        pages += 1;
        for record in &page.records {
            assert_eq!(record.cells.len(), page.columns.len());
            assert_eq!(record.cells[status].value, Some(Value::Word("spaces_available".to_owned())));
            free.push(record.cells[0].value.clone());
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let known = |n| Some(Value::Whole(n));
    assert_eq!((pages, free), (3, vec![known(-1), None, known(1), None, known(3), None, known(5)]));

    let at = |minutes: i64| {
        Some(prost_types::Timestamp { seconds: NOON.micros() / 1_000_000 + 60 * minutes, nanos: 0 })
    };
    let part = QueryHistoryRequest { from: at(2), until: at(4), ..ask("ladeuze") };
    assert_eq!(within(client.query_history(part)).await.unwrap().into_inner().records.len(), 2);

    let series = within(client.list_series(ListSeriesRequest { kind: 0 })).await.unwrap().into_inner().series;
    assert_eq!(series.len(), HistoryTable::ALL.len());
    assert_eq!(series[0].ids, ["ladeuze"]);
    let request = ListSeriesRequest { kind: Kind::Bicycle.into() };
    let series = within(client.list_series(request)).await.unwrap().into_inner().series;
    assert_eq!(series.iter().map(|s| s.resolution()).collect::<Vec<_>>(), [WireResolution::Quarter]);
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let house = House::open_with_history(Arc::new(Memory)).await;
    let mut client = HistoryServiceClient::new(house.channel().await);
    let far = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    for (wrong, why) in [
        (QueryHistoryRequest { kind: 0, ..ask("ladeuze") }, "kind: is missing"),
        (QueryHistoryRequest { kind: 99, ..ask("ladeuze") }, "kind: 99"),
        (QueryHistoryRequest { resolution: 99, ..ask("ladeuze") }, "resolution: 99"),
        (ask(""), "id: 1 to"),
        (ask(&"x".repeat(1_000)), "id: 1 to"),
        (QueryHistoryRequest { limit: 10_001, ..ask("ladeuze") }, "limit: at most 10000"),
        (QueryHistoryRequest { page_token: "x".to_owned(), ..ask("ladeuze") }, "page_token"),
        (QueryHistoryRequest { from: far, ..ask("ladeuze") }, "from: no instant"),
        (
            QueryHistoryRequest {
                kind: Kind::Bicycle.into(),
                resolution: WireResolution::Minute.into(),
                ..ask("a")
            },
            "resolution: a bicycle",
        ),
    ] {
        let refused = within(client.query_history(wrong)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().contains(why), "{refused}");
    }
    let nothing = within(client.query_history(ask("elsewhere"))).await.unwrap().into_inner();
    assert!(nothing.records.is_empty() && nothing.next_page_token.is_empty());
    let broken = within(client.query_history(ask("broken"))).await.unwrap_err();
    assert_eq!((broken.code(), broken.message()), (Code::Unavailable, "the disk is gone"));

    let house = House::open().await;
    let mut client = HistoryServiceClient::new(house.channel().await);
    let refused = within(client.query_history(ask("ladeuze"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}
