//! A template taken apart: text and placeholders.

/// What a placeholder says of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Label,
    Figure,
    Free,
    Full,
    Closed,
    Arrow,
    Minutes,
    Time,
}

/// What one says of the comparison with the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeField {
    Label,
    Arrow,
    Time(EdgeTime),
}

/// Its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeTime {
    Drive,
    Onward,
    In,
}

/// Lines count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Field(Field, usize),
    Advice,
    EdgeBegins,
    EdgeEnds,
    Edge(EdgeField),
}

/// A template's parts; what is no placeholder is text, braces included.
pub(super) fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        parts.push(Part::Text(before));
        let placeholder = from.find('}').and_then(|close| Some((placeholder(&from[1..close])?, close)));
        match placeholder {
            Some((part, close)) => {
                parts.push(part);
                rest = &from[close + 1..];
            }
            None => {
                parts.push(Part::Text(&from[..1]));
                rest = &from[1..];
            }
        }
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    parts
}

fn placeholder(name: &str) -> Option<Part<'static>> {
    let known = match name {
        "advice" => Some(Part::Advice),
        "edge?" => Some(Part::EdgeBegins),
        "/edge" => Some(Part::EdgeEnds),
        "edge.label" => Some(Part::Edge(EdgeField::Label)),
        "edge.arrow" => Some(Part::Edge(EdgeField::Arrow)),
        "edge.drive" => Some(Part::Edge(EdgeField::Time(EdgeTime::Drive))),
        "edge.onward" => Some(Part::Edge(EdgeField::Time(EdgeTime::Onward))),
        "edge.in" => Some(Part::Edge(EdgeField::Time(EdgeTime::In))),
        _ => None,
    };
    if known.is_some() {
        return known;
    }
    let (field, line) = name.split_once('.')?;
    let field = match field {
        "label" => Field::Label,
        "figure" => Field::Figure,
        "free" => Field::Free,
        "full" => Field::Full,
        "closed" => Field::Closed,
        "arrow" => Field::Arrow,
        "minutes" => Field::Minutes,
        "time" => Field::Time,
        _ => return None,
    };
    let line: usize = line.parse().ok()?;
    Some(Part::Field(field, line.checked_sub(1)?))
}
