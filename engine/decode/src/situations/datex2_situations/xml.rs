//! A document as a tree of local names: prefixes differ between versions and makers, names do not.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

const DEEPEST: usize = 64;
/// Of one element: that none of them is there twice costs the square of their number.
const MOST_ATTRIBUTES: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    /// By local name.
    attributes: Vec<(String, String)>,
    /// Of itself, without its children's.
    pub(super) text: String,
    children: Vec<Node>,
}

impl Node {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn children(&self) -> &[Node] {
        &self.children
    }

    /// The one that a path of names leads to, each the first of its name.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.children.iter().find(|child| child.name == *name))
    }

    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|node| node.text.trim()).filter(|text| !text.is_empty())
    }

    /// All below of that name, in the document's order.
    pub(super) fn all<'a>(&'a self, name: &str, found: &mut Vec<&'a Node>) {
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            child.all(name, found);
        }
    }

    pub(super) fn first(&self, name: &str) -> Option<&Node> {
        let mut found = Vec::new();
        self.all(name, &mut found);
        found.first().copied()
    }
}

fn begun(start: &BytesStart<'_>) -> Result<Node, String> {
    let mut attributes = Vec::new();
    for (n, attribute) in start.attributes().enumerate() {
        if n == MOST_ATTRIBUTES {
            return Err(format!("more than {MOST_ATTRIBUTES} attributes of one element"));
        }
        let attribute = attribute.map_err(|e| e.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Node { name, attributes, ..Node::default() })
}

/// The document's root. Documents with a DTD are refused: entities of their own are how small files grow large.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    let close = |open: &mut Vec<Node>| {
        if let (Some(node), true) = (open.pop(), !open.is_empty())
            && let Some(parent) = open.last_mut()
        {
            parent.children.push(node);
        }
    };
    loop {
        let place = reader.buffer_position();
        let event = reader.read_event().map_err(|e| format!("no XML at byte {place}: {e}"))?;
        let wrong = |e: String| format!("no XML at byte {place}: {e}");
        match event {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return Err(format!("deeper than {DEEPEST} at byte {place}"));
                }
                open.push(begun(&start).map_err(wrong)?);
            }
            Event::Empty(start) => {
                open.push(begun(&start).map_err(wrong)?);
                close(&mut open);
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => put(&mut open, &text.xml10_content()),
            Event::CData(text) => put(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let stands_for = match &*reference.xml10_content() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().map_err(|e| wrong(e.to_string()))?,
                };
                let c = stands_for.ok_or_else(|| wrong("an entity that nobody defines".to_owned()))?;
                put(&mut open, c.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err("it has a DTD, which is not read".to_owned()),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut whole), true) if whole.children.len() == 1 => {
            whole.children.pop().ok_or_else(|| "it is empty".to_owned())
        }
        (_, false) => Err("it ends in the middle".to_owned()),
        _ => Err("it has no root".to_owned()),
    }
}

fn put(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}
