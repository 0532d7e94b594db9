//! `vlot history`: what an engine keeps of the past, in the terminal or as CSV.

use std::io::Write;

use anyhow::{Result, bail};
use vlot_model::Timestamp;
use vlot_proto::history::v1::cell::Value;
use vlot_proto::history::v1::history_service_client::HistoryServiceClient;
use vlot_proto::history::v1::{
    Cell, Column, Kind, ListSeriesRequest, QueryHistoryRequest, QueryHistoryResponse, Record, Resolution,
};

use crate::cli::{HistoryOf, PastOf};
use crate::watch::{connect, told};

/// Prints records, page by page, until there are no more or the reader of the output goes away.
pub(crate) async fn history(options: HistoryOf) -> Result<()> {
    let mut client = HistoryServiceClient::new(connect(&options.engine).await?);
    let kind = match options.of {
        PastOf::Facility => Kind::Facility,
        PastOf::Section => Kind::Section,
        PastOf::Traffic => Kind::Traffic,
        PastOf::Bicycle => Kind::Bicycle,
        PastOf::Forecast => Kind::Forecast,
        PastOf::Sensor => Kind::Sensor,
        PastOf::Group => Kind::Group,
        PastOf::Zone => Kind::Zone,
        PastOf::Overstay => Kind::Overstay,
    };
    let mut request = QueryHistoryRequest {
        kind: kind.into(),
        id: options.id.clone(),
        from: options.from.map(wire),
        until: options.until.map(wire),
        resolution: if options.quarter { Resolution::Quarter } else { Resolution::Unspecified }.into(),
        limit: 0,
        page_token: String::new(),
        filled: options.filled,
    };
    let mut first = true;
    loop {
        let page = client.query_history(request.clone()).await.map_err(told)?.into_inner();
        if first && page.records.is_empty() {
            let all = client.list_series(ListSeriesRequest { kind: kind.into() }).await.map_err(told)?;
            let mut ids: Vec<String> = all.into_inner().series.into_iter().flat_map(|s| s.ids).collect();
            ids.dedup();
            let known = if ids.is_empty() { "nothing yet".to_owned() } else { ids.join(", ") };
            bail!("nothing is kept of {:?} in that time (hint: there is something of {known})", options.id);
        }
        let text = if options.csv { csv(&page, first) } else { table(&page, first) };
        // Whoever reads the output may have seen enough.
        if std::io::stdout().lock().write_all(text.as_bytes()).is_err() || page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
        first = false;
    }
}

fn wire(t: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(t.micros().rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: t.micros().div_euclid(1_000_000), nanos }
}

fn start(record: &Record) -> String {
    record.start.map_or_else(String::new, |t| Timestamp::from_secs(t.seconds).to_string())
}

/// With the units behind the names; what is not known is an empty field. No id, name or word needs quotes.
fn csv(page: &QueryHistoryResponse, header: bool) -> String {
    let mut text = String::new();
    if header {
        let columns = page.columns.iter().map(|c| format!(",{}", title(c)));
        text.push_str(&format!("start,ahead_s{}\n", columns.collect::<String>()));
    }
    for record in &page.records {
        let cells = record.cells.iter().map(|cell| format!(",{}", plain(cell)));
        text.push_str(&format!("{},{}{}\n", start(record), record.ahead_s, cells.collect::<String>()));
    }
    text
}

fn table(page: &QueryHistoryResponse, header: bool) -> String {
    let width = |c: &Column| c.name.len().max(c.words.iter().map(String::len).max().unwrap_or(0)).max(6);
    let mut text = String::new();
    if header {
        let columns = page.columns.iter().map(|c| format!("  {:>1$}", c.name, width(c)));
        text.push_str(&format!("{:<20}{}\n", "start", columns.collect::<String>()));
    }
    for record in &page.records {
        let cells = page.columns.iter().zip(&record.cells).map(|(c, cell)| {
            let said = plain(cell);
            format!("  {:>1$}", if said.is_empty() { "-" } else { &said }, width(c))
        });
        let ahead = match record.ahead_s {
            0 => String::new(),
            s => format!("  +{} min", s / 60),
        };
        text.push_str(&format!("{:<20}{}{ahead}\n", start(record), cells.collect::<String>()));
    }
    text
}

fn title(column: &Column) -> String {
    match column.unit.as_str() {
        "" => column.name.clone(),
        unit => format!("{} ({unit})", column.name),
    }
}

/// What nobody measured begins with a tilde.
fn plain(cell: &Cell) -> String {
    let mark = if cell.estimated { "~" } else { "" };
    format!("{mark}{}", measured(cell))
}

fn measured(cell: &Cell) -> String {
    match &cell.value {
        None => String::new(),
        Some(Value::Whole(n)) => n.to_string(),
        Some(Value::Real(x)) => format!("{}", (x * 1_000.0).round() / 1_000.0),
        Some(Value::Word(word)) => word.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_an_empty_field_and_never_zero() {
        let column = |name: &str, unit: &str| Column {
            name: name.to_owned(),
            unit: unit.to_owned(),
            words: Vec::new(),
        };
        let page = QueryHistoryResponse {
            columns: vec![column("free", "spaces"), column("coverage", "share"), column("quality", "")],
            records: vec![Record {
                start: Some(prost_types::Timestamp { seconds: 60, nanos: 0 }),
                ahead_s: 0,
                cells: vec![
                    Cell { value: None, estimated: false },
                    Cell { value: Some(Value::Real(2.0 / 3.0)), estimated: true },
                    Cell { value: Some(Value::Word("missing".to_owned())), estimated: false },
                ],
            }],
            next_page_token: String::new(),
        };
        let expected =
            "start,ahead_s,free (spaces),coverage (share),quality\n1970-01-01T00:01:00Z,0,,~0.667,missing\n";
        assert_eq!(csv(&page, true), expected);
        assert_eq!(csv(&page, false), expected.lines().nth(1).unwrap().to_owned() + "\n");
        let shown = table(&page, true);
        assert!(shown.lines().nth(1).unwrap().contains("     -"), "{shown}");
    }
}
