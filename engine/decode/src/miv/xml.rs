//! A document as starts, ends and texts of its elements. No entity is looked up but XML's own five, no DTD is read.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Raw};
use vlot_model::Refusal;

use crate::refuse::{malformed, quote};

/// Elements within one another at most.
const DEPTH_MAX: usize = 16;
/// Of one element.
const ATTRIBUTES_MAX: usize = 100;

/// One step through the document. Names are those of the whole element, without a prefix.
#[derive(Debug)]
pub(super) enum Event<'e> {
    /// An element begins.
    Start {
        /// Its name.
        name: &'e str,
        /// What it is told.
        attributes: Attributes<'e>,
    },
    /// Text in the element of that name, trimmed; never empty.
    Text {
        /// The element.
        name: &'e str,
        /// Its text.
        text: &'e str,
    },
    /// An element ends.
    End {
        /// Its name.
        name: &'e str,
    },
}

/// The attributes of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'e>(&'e [(String, String)]);

impl Attributes<'_> {
    /// The value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// A document on its way.
#[derive(Debug)]
pub(super) struct Document<'d> {
    reader: Reader<&'d [u8]>,
    root: &'static str,
    /// Names of the elements that are open.
    open: Vec<String>,
    attributes: Vec<(String, String)>,
    text: String,
    /// What the last step ended; its name is handed out once more.
    closed: String,
    /// An empty element's end follows its start.
    ends: bool,
    rooted: bool,
}

impl<'d> Document<'d> {
    /// A document whose root has that name.
    pub(super) fn open(bytes: &'d [u8], root: &'static str) -> Result<Self, Refusal> {
        // Checked once for all: every slice between elements is text then.
        let text = std::str::from_utf8(bytes)
            .map_err(|e| malformed(format!("no UTF-8 at byte {}", e.valid_up_to())))?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        reader.config_mut().trim_text(true);
        Ok(Document {
            reader,
            root,
            open: Vec::new(),
            attributes: Vec::new(),
            text: String::new(),
            closed: String::new(),
            ends: false,
            rooted: false,
        })
    }

    /// Bytes that were read.
    pub(super) fn place(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// The next step; `None` after the root's end.
    pub(super) fn next(&mut self) -> Result<Option<Event<'_>>, Refusal> {
        if std::mem::take(&mut self.ends) {
            self.closed = self.open.pop().unwrap_or_default();
            return Ok(Some(Event::End { name: &self.closed }));
        }
        loop {
            let at = self.reader.buffer_position();
            let event = self.reader.read_event().map_err(|e| malformed(format!("byte {at}: {e}")))?;
            match event {
                Raw::Start(start) => {
                    self.begin(&start, at)?;
                    break;
                }
                Raw::Empty(start) => {
                    self.begin(&start, at)?;
                    self.ends = true;
                    break;
                }
                Raw::End(_) => {
                    // That it is the end of what is open is the reader's own check.
                    self.closed = self.open.pop().unwrap_or_default();
                    return Ok(Some(Event::End { name: &self.closed }));
                }
                Raw::Text(text) => {
                    if self.open.is_empty() {
                        return Err(malformed(format!("byte {at}: text outside of the elements")));
                    }
                    self.text.clear();
                    self.text.push_str(text.trim());
                    if !self.text.is_empty() {
                        return Ok(Some(self.text()));
                    }
                }
                Raw::Eof if !self.open.is_empty() || !self.rooted => {
                    let what = if self.rooted { "ends in the middle" } else { "has no element" };
                    return Err(malformed(format!("byte {at}: the document {what}")));
                }
                Raw::Eof => return Ok(None),
                // Figures have neither entities nor comments in them: one that has is no figure, rather than half of one.
                Raw::PI(_) | Raw::Comment(_) | Raw::CData(_) | Raw::GeneralRef(_)
                    if !self.open.is_empty() =>
                {
                    self.text.clear();
                    self.text.push(char::REPLACEMENT_CHARACTER);
                    return Ok(Some(self.text()));
                }
                Raw::PI(_) | Raw::Comment(_) | Raw::CData(_) | Raw::GeneralRef(_) => {}
                Raw::Decl(_) | Raw::DocType(_) => {}
            }
        }
        let name = self.open.last().map_or("", String::as_str);
        Ok(Some(Event::Start { name, attributes: Attributes(&self.attributes) }))
    }

    fn text(&self) -> Event<'_> {
        Event::Text { name: self.open.last().map_or("", String::as_str), text: &self.text }
    }

    fn begin(&mut self, start: &BytesStart<'_>, at: u64) -> Result<(), Refusal> {
        let name = start.local_name().into_inner().to_owned();
        if self.open.is_empty() {
            if name != self.root || self.rooted {
                let what = format!("byte {at}: the document's root is {}, not {}", quote(&name), self.root);
                return Err(malformed(what));
            }
            self.rooted = true;
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(malformed(format!("byte {at}: more than {DEPTH_MAX} elements within one another")));
        }
        self.attributes.clear();
        for (n, attribute) in start.attributes().enumerate() {
            // That none of them is there twice costs the square of their number.
            if n == ATTRIBUTES_MAX {
                return Err(malformed(format!(
                    "byte {at}: more than {ATTRIBUTES_MAX} attributes of one element"
                )));
            }
            let attribute = attribute.map_err(|e| malformed(format!("byte {at}: {e}")))?;
            let key = attribute.key.local_name().into_inner().to_owned();
            self.attributes.push((key, attribute.value.trim().to_owned()));
        }
        self.open.push(name);
        Ok(())
    }
}
