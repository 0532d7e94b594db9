//! XML as SUMO's tools, scripts and people write it: an element over one line or several, attributes in any order.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// An element and what stands in it; text is of no use here.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// `None`: it has no such attribute, or an empty one.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        let own = self.attributes.iter().find(|(name, _)| name == attribute);
        own.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, attribute: &str) -> Option<f64> {
        self.text(attribute)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Seconds, also where they are written as `8:30:00` or `1:08:30:00`.
    pub(super) fn seconds(&self, attribute: &str) -> Option<f64> {
        let text = self.text(attribute)?;
        if !text.contains(':') {
            return self.number(attribute);
        }
        let parts: Vec<f64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let seconds = match parts[..] {
            [hours, minutes, seconds] => (hours * 60.0 + minutes) * 60.0 + seconds,
            [days, hours, minutes, seconds] => ((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds,
            _ => return None,
        };
        seconds.is_finite().then_some(seconds)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// A file of the folder whose elements were read.
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) root: Element,
}

/// The name of a document's outermost element; empty: there is none.
pub(super) fn root(text: &str) -> String {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => return name(&start),
            Ok(Event::Eof) | Err(_) => return String::new(),
            Ok(_) => {}
        }
    }
}

/// Reads a document as a whole.
pub(super) fn read(path: &Path, text: &str) -> Result<Document> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let event = reader.read_event();
        let line = || {
            let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
            1 + text.as_bytes()[..read].iter().filter(|byte| **byte == b'\n').count()
        };
        let place = || format!("{}, line {}", path.display(), line());
        let done = match event.with_context(place)? {
            Event::Start(start) => {
                open.push(element(&start).with_context(place)?);
                continue;
            }
            Event::Empty(start) => element(&start).with_context(place)?,
            Event::End(_) => open.pop().with_context(place)?,
            Event::Eof => bail!("{}: it ends before its last element does", place()),
            _ => continue,
        };
        match open.last_mut() {
            Some(outer) => outer.children.push(done),
            None => return Ok(Document { path: path.to_owned(), root: done }),
        }
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.name().as_ref().to_owned()
}

fn element(start: &BytesStart<'_>) -> Result<Element> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute?;
        let key = attribute.key.as_ref().to_owned();
        attributes.push((key, attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned()));
    }
    Ok(Element { name: name(start), attributes, children: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_may_stand_on_several_lines_and_times_be_of_a_clock() {
        let text = "<?xml version=\"1.0\"?>\n<!-- made by hand -->\n<routes>\n <trip depart='8:30:00'\n  id=\"P &amp; R\" \
                    note=\"\">\n  <stop duration=\"90\"\n parkingArea=\"a\"/>\n </trip>\n</routes>\n";
        assert_eq!(root(text), "routes");
        let root = read(Path::new("x"), text).unwrap().root;
        let trip = root.all("trip").next().unwrap();
        assert_eq!((trip.text("id"), trip.text("note")), (Some("P & R"), None));
        assert_eq!((trip.seconds("depart"), trip.number("depart")), (Some(30_600.0), None));
        let stop = trip.all("stop").next().unwrap();
        assert_eq!((stop.text("parkingArea"), stop.seconds("duration")), (Some("a"), Some(90.0)));
    }

    #[test]
    fn what_is_no_xml_is_told_with_its_place() {
        let said = |text| read(Path::new("town.xml"), text).err().map(|error| format!("{error:#}"));
        for text in ["", "<routes>\n<trip/>", "<routes>\n<trip></routes>", "<routes>\n<trip id=1/></routes>"]
        {
            assert!(
                said(text).is_some_and(|said| said.contains("town.xml, line ")),
                "{text}: {:?}",
                said(text)
            );
        }
        assert_eq!((root(""), root("id;name")), (String::new(), String::new()));
    }
}
