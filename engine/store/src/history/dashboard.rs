//! The dashboard asks InfluxDB for nothing but what the exporter writes: measurements, fields and tags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vlot_model::{Cell, HistoryKind, HistoryRecord, HistoryTable, Holds, Timestamp};

use super::line;

#[derive(Default)]
struct Written {
    fields: BTreeSet<String>,
    tags: BTreeSet<String>,
}

/// What stands in the exporter's own lines when everything is known.
fn written() -> BTreeMap<String, Written> {
    let mut written: BTreeMap<String, Written> = BTreeMap::new();
    for table in HistoryKind::ALL.into_iter().filter_map(|kind| HistoryTable::find(kind, None)) {
        let cells = table.columns().iter().map(|column| match column.holds {
            Holds::Whole => Some(Cell::Whole(1)),
            Holds::Real => Some(Cell::Real(1.0)),
            Holds::Word(words) => words.first().copied().map(Cell::Word),
        });
        let record = HistoryRecord {
            table,
            id: "a".into(),
            start: Timestamp::EPOCH,
            ahead_s: if table == HistoryTable::Forecast { 900 } else { 0 },
            cells: cells.collect(),
        };
        let mut text = String::new();
        assert!(line::push(&mut text, &record));
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [series, fields, _time] = parts[..] else { panic!("no line: {text}") };
        let (measurement, tags) = series.split_once(',').unwrap();
        let names =
            |pairs: &str| pairs.split(',').filter_map(|p| Some(p.split_once('=')?.0.to_owned())).collect();
        written.insert(measurement.to_owned(), Written { fields: names(fields), tags: names(tags) });
    }
    written
}

/// Every query, of panels and of variables, with what it belongs to.
fn queries(value: &serde_json::Value, of: &str, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(map) => {
            let name = map.get("title").or(map.get("name")).and_then(|n| n.as_str()).unwrap_or(of);
            for (key, value) in map {
                match value.as_str() {
                    Some(query) if key == "query" && query.contains("bucket:") => {
                        out.push((name.to_owned(), query.to_owned()));
                    }
                    _ => queries(value, name, out),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|v| queries(v, of, out)),
        _ => {}
    }
}

/// What stands in quotes behind each `key`.
fn quoted<'t>(query: &'t str, key: &'t str) -> impl Iterator<Item = &'t str> {
    query.split(key).skip(1).filter_map(|rest| rest.strip_prefix('"')?.split('"').next())
}

/// The columns of a row that a query names: `r.id`.
fn columns(query: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    query.match_indices("r.").filter_map(move |(at, _)| {
        let alone = !query[..at].ends_with(is_name);
        let rest = &query[at + 2..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        alone.then_some(&rest[..end])
    })
}

/// What is wrong with a query.
fn wrong(query: &str, written: &BTreeMap<String, Written>) -> Option<String> {
    let measurements: Vec<&str> = quoted(query, "r._measurement == ").collect();
    let [measurement] = measurements[..] else {
        return Some(format!("not one measurement: {measurements:?}"));
    };
    let Some(known) = written.get(measurement) else { return Some(format!("no measurement {measurement}")) };
    let fields: Vec<&str> = quoted(query, "r._field == ").collect();
    if let Some(field) = fields.iter().find(|f| !known.fields.contains(**f)) {
        return Some(format!("{measurement} has no field {field}"));
    }
    if query.matches("_field").count() == 0 && !query.contains("schema.tagValues") {
        return Some("no field is asked for".to_owned());
    }
    // A pivot makes columns of the fields that were asked for.
    let own = ["_measurement", "_field", "_value", "_time"];
    let grouped = query
        .split("columns: [")
        .skip(1)
        .flat_map(|rest| rest.split(']').next().unwrap_or_default().split('"').skip(1).step_by(2));
    let named = columns(query).chain(quoted(query, "tag: ")).chain(grouped);
    named
        .filter(|c| !own.contains(c) && !known.tags.contains(*c))
        .find(|c| !(query.contains("pivot(") && fields.contains(c)))
        .map(|column| format!("{measurement} has no tag {column}"))
}

#[test]
fn the_dashboard_asks_for_nothing_that_is_not_written() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grafana/vlot-parking.json");
    let dashboard: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let written = written();
    let mut asked = Vec::new();
    queries(&dashboard, "", &mut asked);
    for (of, query) in &asked {
        assert_eq!(wrong(query, &written), None, "{of}:\n{query}");
    }
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(asked.iter().any(|(of, _)| of == title), "{title} asks for nothing");
    }
    assert!(panels.len() >= 10 && asked.len() > panels.len(), "{} queries", asked.len());
}

#[test]
fn a_query_that_has_rotted_is_found() {
    let ask =
        |filter: &str| wrong(&format!("from(bucket: \"b\") |> filter(fn: (r) => {filter})"), &written());
    let good = "r._measurement == \"vlot_forecast\" and r._field == \"free\" and r.id == \"a\" and r.ahead == \"15m\"";
    assert_eq!(ask(good), None);
    for (filter, says) in [
        (good.replace("vlot_forecast", "vlot_forecasts"), "no measurement vlot_forecasts"),
        (good.replace("\"free\"", "\"spaces\""), "vlot_forecast has no field spaces"),
        (good.replace("r.ahead", "r.horizon"), "vlot_forecast has no tag horizon"),
        (good.replace("vlot_forecast", "vlot_facility"), "vlot_facility has no tag ahead"),
        (good.replace(" and r._field == \"free\"", ""), "no field is asked for"),
        (format!("{good}) |> group(columns: [\"id\", \"level\"]"), "vlot_forecast has no tag level"),
        ("r._field == \"free\"".to_owned(), "not one measurement: []"),
    ] {
        assert_eq!(ask(&filter).as_deref(), Some(says), "{filter}");
    }
}
