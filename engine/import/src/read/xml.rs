//! OSM XML, as the API, Overpass, osmium and JOSM write it.

use std::io::{BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{Element, Member, MemberKind, Place, Tags, Wanted};
use crate::ImportError;

/// Of one element; OpenStreetMap's have up to ten.
const MOST_ATTRIBUTES: usize = 100;

/// One piece of markup is shorter: a text without an end must not fill the memory.
const MAX_MARKUP_BYTES: u64 = 4 * 1024 * 1024;
/// What one element may hold: OpenStreetMap allows 2,000 nodes a way and 32,000 members a relation.
const MAX_PARTS: usize = 100_000;

type Take<'t> = &'t mut dyn FnMut(Element<'_>) -> Result<(), ImportError>;

pub(super) fn elements(input: Box<dyn BufRead>, wanted: Wanted, take: Take<'_>) -> Result<(), ImportError> {
    let mut reader = Reader::from_reader(Bounded { inner: input, left: MAX_MARKUP_BYTES });
    let (mut buffer, mut depth, mut open) = (Vec::new(), 0_u32, None::<Open>);
    let mut ended = false;
    loop {
        buffer.clear();
        reader.get_mut().left = MAX_MARKUP_BYTES;
        let event = reader.read_event_into(&mut buffer);
        let at = reader.buffer_position();
        let damaged = |what: String| ImportError::damaged(format!("byte {at} of its text"), what);
        let event = event.map_err(|e| damaged(e.to_string()))?;
        let (start, empty) = match event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                ended = depth == 0;
                if depth == 1
                    && let Some(whole) = open.take()
                {
                    whole.hand_over(wanted, take)?;
                }
                continue;
            }
            Event::Eof if ended => return Ok(()),
            Event::Eof => return Err(damaged("it ends before its last </osm>".into())),
            _ => continue,
        };
        match depth {
            0 => root(&start)?,
            1 => {
                open = Open::new(&start, wanted, &damaged)?;
                if empty && let Some(whole) = open.take() {
                    whole.hand_over(wanted, take)?;
                }
            }
            2 => {
                if let Some(open) = &mut open {
                    open.part(&start, &damaged)?;
                }
            }
            _ => {}
        }
        if !empty {
            depth += 1;
        } else if depth == 0 {
            ended = true;
        }
    }
}

fn root(start: &BytesStart<'_>) -> Result<(), ImportError> {
    match start.name().as_ref() {
        "osm" => Ok(()),
        "osmChange" => Err(ImportError::Unsupported {
            what: "is a list of changes (osmChange)".into(),
            hint: "`osmium apply-changes` brings an extract up to date with it",
        }),
        other => Err(ImportError::Foreign(format!("<{}>", other.chars().take(40).collect::<String>()))),
    }
}

/// An element whose parts are being read.
struct Open {
    kind: MemberKind,
    id: i64,
    place: Option<Place>,
    nodes: Vec<i64>,
    members: Vec<(MemberKind, i64, String)>,
    tags: Vec<(String, String)>,
}

type Damaged<'d> = &'d dyn Fn(String) -> ImportError;

impl Open {
    fn new(
        start: &BytesStart<'_>,
        wanted: Wanted,
        damaged: Damaged<'_>,
    ) -> Result<Option<Self>, ImportError> {
        let kind = match (start.name().as_ref(), wanted) {
            ("node", Wanted::Nodes) => MemberKind::Node,
            ("way", Wanted::WaysAndRelations) => MemberKind::Way,
            ("relation", Wanted::WaysAndRelations) => MemberKind::Relation,
            _ => return Ok(None),
        };
        let (mut id, mut lon, mut lat, mut gone) = (None, None, None, false);
        attributes(start, damaged, |key, value| {
            match key {
                "id" => id = value.parse().ok(),
                "lon" => lon = e7(value),
                "lat" => lat = e7(value),
                "visible" => gone |= value == "false",
                "action" => gone |= value == "delete",
                _ => {}
            }
            Ok(())
        })?;
        let id =
            id.ok_or_else(|| damaged(format!("a {} without a number as its id", start.name().as_ref())))?;
        let place = lon.zip(lat).and_then(|(lon, lat)| Place::new(lon, lat));
        let open = Open { kind, id, place, nodes: Vec::new(), members: Vec::new(), tags: Vec::new() };
        Ok((!gone).then_some(open))
    }

    fn part(&mut self, start: &BytesStart<'_>, damaged: Damaged<'_>) -> Result<(), ImportError> {
        let (mut key, mut value, mut role, mut kind, mut id) = (None, None, String::new(), None, None);
        attributes(start, damaged, |name, text| {
            match name {
                "k" => key = Some(text.to_owned()),
                "v" => value = Some(text.to_owned()),
                "role" => text.clone_into(&mut role),
                "type" => kind = member_kind(text),
                "ref" => id = text.parse().ok(),
                _ => {}
            }
            Ok(())
        })?;
        let missing = || damaged(format!("a <{}> of {} that is not whole", start.name().as_ref(), self.id));
        match start.name().as_ref() {
            "tag" => self.tags.push(key.zip(value).ok_or_else(missing)?),
            "nd" => self.nodes.push(id.ok_or_else(missing)?),
            "member" => {
                let (kind, id) = kind.zip(id).ok_or_else(missing)?;
                self.members.push((kind, id, role));
            }
            _ => {}
        }
        if self.tags.len().max(self.nodes.len()).max(self.members.len()) > MAX_PARTS {
            return Err(damaged(format!("{} has more than {MAX_PARTS} parts", self.id)));
        }
        Ok(())
    }

    fn hand_over(&self, wanted: Wanted, take: Take<'_>) -> Result<(), ImportError> {
        let tags: Vec<_> = self.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let (id, tags) = (self.id, Tags(&tags));
        match (self.kind, wanted) {
            (MemberKind::Node, _) => take(Element::Node { id, place: self.place, tags }),
            (MemberKind::Way, _) => take(Element::Way { id, nodes: &self.nodes, tags }),
            (MemberKind::Relation, _) => {
                let members: Vec<_> = self
                    .members
                    .iter()
                    .map(|(kind, id, role)| Member { kind: *kind, id: *id, role })
                    .collect();
                take(Element::Relation { id, members: &members, tags })
            }
        }
    }
}

fn member_kind(text: &str) -> Option<MemberKind> {
    match text {
        "node" => Some(MemberKind::Node),
        "way" => Some(MemberKind::Way),
        "relation" => Some(MemberKind::Relation),
        _ => None,
    }
}

fn attributes(
    start: &BytesStart<'_>,
    damaged: Damaged<'_>,
    mut take: impl FnMut(&str, &str) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    for (n, attribute) in start.attributes().enumerate() {
        // That none of them is there twice costs the square of their number.
        if n == MOST_ATTRIBUTES {
            return Err(damaged(format!("more than {MOST_ATTRIBUTES} attributes of one element")));
        }
        let attribute = attribute.map_err(|e| damaged(e.to_string()))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| damaged(e.to_string()))?;
        take(attribute.key.as_ref(), &value)?;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
fn e7(degrees: &str) -> Option<i64> {
    let degrees: f64 = degrees.parse().ok()?;
    (degrees.abs() <= 360.0).then(|| (degrees * 1e7).round() as i64)
}

/// A reader that gives no more than it was allowed until it is allowed more.
struct Bounded {
    inner: Box<dyn BufRead>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(available) {
            *to = *from;
        }
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Bounded {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.left == 0 {
            let what = format!("more than {MAX_MARKUP_BYTES} bytes without an end of markup");
            return Err(std::io::Error::other(what));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
        self.inner.consume(bytes);
    }
}
