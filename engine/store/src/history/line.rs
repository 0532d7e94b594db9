//! Records as InfluxDB's line protocol, with times in seconds.
//!
//! A measurement a kind (`vlot_facility`), the id as tag `id`, of forecasts also `ahead`, and a field a column. Words are
//! text, and beside it a number, `<column>_code`, for servers that keep numbers alone.

use vlot_model::{Cell, HistoryRecord};

use super::file::seconds;

/// What comes before a kind's name in a measurement's.
pub(super) const PREFIX: &str = "vlot_";

/// Appends a record's line; nothing when it knows nothing, or its id cannot be a tag.
pub(super) fn push(out: &mut String, record: &HistoryRecord) -> bool {
    let begin = out.len();
    out.push_str(PREFIX);
    out.push_str(record.table.kind().name());
    out.push_str(",id=");
    if !push_tag(out, &record.id) {
        out.truncate(begin);
        return false;
    }
    if record.ahead_s > 0 {
        out.push_str(&format!(",ahead={}m", record.ahead_s / 60));
    }
    let mut first = true;
    for (column, cell) in record.table.columns().iter().zip(&record.cells) {
        let Some(cell) = cell else { continue };
        let value = match cell {
            Cell::Whole(n) => format!("{n}i"),
            Cell::Real(x) if x.is_finite() => format!("{x}"),
            Cell::Real(_) => continue,
            Cell::Word(word) => {
                let code = column.code(word).map_or(String::new(), |c| format!(",{}_code={c}i", column.name));
                format!("{}{code}", quoted(word))
            }
        };
        out.push(if first { ' ' } else { ',' });
        out.push_str(column.name);
        out.push('=');
        out.push_str(&value);
        first = false;
    }
    if first {
        out.truncate(begin);
        return false;
    }
    out.push_str(&format!(" {}\n", seconds(record.start)));
    true
}

/// A tag's value, escaped; false for what no escape can carry: an empty one, or one with a control character, which
/// would begin a line of its own.
fn push_tag(out: &mut String, value: &str) -> bool {
    if value.is_empty() || value.chars().any(char::is_control) {
        return false;
    }
    for c in value.chars() {
        if matches!(c, ',' | '=' | ' ' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    // A backslash in front of what follows the tag would escape that.
    true
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use vlot_model::{HistoryTable, Timestamp};

    use super::*;

    fn line(id: &str, cells: Vec<Option<Cell>>) -> Option<String> {
        let record = HistoryRecord {
            table: HistoryTable::SectionMinute,
            id: id.into(),
            start: Timestamp::from_secs(1_700_000_000),
            ahead_s: 0,
            cells,
        };
        let mut out = String::from("before\n");
        let pushed = push(&mut out, &record);
        assert!(out.starts_with("before\n"));
        pushed.then(|| out["before\n".len()..].to_owned())
    }

    fn of(id: &str) -> Option<String> {
        line(id, vec![Some(Cell::Whole(7)), None, None, None])
    }

    #[test]
    fn a_record_is_one_line_and_what_is_not_known_is_not_in_it() {
        let cells = vec![Some(Cell::Whole(7)), None, Some(Cell::Word("full")), Some(Cell::Word("good"))];
        let whole = "vlot_section,id=station/a free=7i,status=\"full\",status_code=1i,quality=\"good\",quality_code=0i \
                     1700000000\n";
        assert_eq!(line("station/a", cells).as_deref(), Some(whole));
        assert_eq!(line("a", vec![None; 4]), None);
    }

    #[test]
    fn an_id_can_neither_begin_a_line_nor_add_a_tag_or_field() {
        for (id, tag) in [
            ("a b", r"a\ b"),
            ("a,b", r"a\,b"),
            ("a=b", r"a\=b"),
            (r"a\", r"a\\"),
            (r"a\ b", r"a\\\ b"),
            (r#"a"b"#, r#"a"b"#),
            ("é", "é"),
        ] {
            assert_eq!(of(id), Some(format!("vlot_section,id={tag} free=7i 1700000000\n")), "{id:?}");
        }
        for id in ["", "a\nvlot_section,id=b free=0i", "a\rb", "a\tb", "\n", "a\u{85}b"] {
            assert_eq!(of(id), None, "{id:?}");
        }
    }

    #[test]
    fn text_in_a_field_cannot_end_it() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c d""#);
    }

    #[test]
    fn no_field_is_not_a_number() {
        let record = HistoryRecord {
            table: HistoryTable::Sensor,
            id: "a".into(),
            start: Timestamp::EPOCH,
            ahead_s: 0,
            cells: vec![None, None, None, Some(Cell::Real(f64::NAN)), Some(Cell::Real(f64::INFINITY))],
        };
        let mut out = String::new();
        assert!(!push(&mut out, &record) && out.is_empty());
    }
}
