//! The Flemish minute data of the main roads (MIV, `verkeersdata` of Verkeerscentrum), XML: one document for all measuring
//! points, of which the configuration knows some. Polled over HTTP, so it has a way of its own beside [`crate::decode`].
//!
//! A point is a loop of ours by the name `miv-<unieke_id>`. Points that the configuration does not know are passed over; of
//! the others a minute is read only where the feed stands behind it.

mod point;
mod xml;

use vlot_model::{City, Reading, Refusal, Timestamp};

use crate::refuse::malformed;
use point::{Point, Verdict};
use xml::{Document, Event};

/// Refused points that a [`Publication`] tells of; the others are counted alone.
const TOLD: usize = 16;

/// What one publication said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publication {
    /// When the feed made it.
    pub published_at: Option<Timestamp>,
    /// The minutes of loops that the configuration knows, in the document's order.
    pub readings: Vec<Reading>,
    /// What became of its points.
    pub points: Points,
    /// Known points that could not be read, by what the feed calls them; at most 16.
    pub refused: Vec<(String, Refusal)>,
}

/// Points of a publication by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points {
    /// All of them.
    pub all: u32,
    /// Those that the configuration knows.
    pub known: u32,
    /// Known ones that repeat the loops of the opposite direction.
    pub ghosts: u32,
    /// Known ones that the feed calls defect, not valid or not available.
    pub unwell: u32,
    /// Known ones without a minute since the last publications.
    pub old: u32,
    /// Known ones that could not be read.
    pub refused: u32,
}

/// Reads a publication: all of it, or nothing where the document is damaged or cut short.
///
/// # Errors
/// The reason to refuse the whole document, with the place in it.
pub fn decode(document: &[u8], received_at: Timestamp, city: &City) -> Result<Publication, Refusal> {
    let mut publication = Publication::default();
    let mut document = Document::open(document, "miv")?;
    let mut point: Option<Point> = None;
    while let Some(event) = document.next()? {
        match event {
            Event::Start { name: "meetpunt", attributes } => {
                publication.points.all = publication.points.all.saturating_add(1);
                if point.is_some() {
                    return Err(malformed(format!("meetpunt in a meetpunt at byte {}", document.place())));
                }
                point = Point::of(attributes, city);
                if point.is_some() {
                    publication.points.known += 1;
                }
            }
            Event::Start { name: "meetdata", attributes } => {
                if let Some(point) = &mut point {
                    point.open_class(attributes);
                }
            }
            Event::Start { .. } => {}
            Event::Text { name: "tijd_publicatie", text } => {
                let at =
                    text.parse().map_err(|_| malformed("tijd_publicatie: no instant with its offset"))?;
                publication.published_at = Some(at);
            }
            Event::Text { name, text } => {
                if let Some(point) = &mut point {
                    point.hear(name, text);
                }
            }
            Event::End { name: "meetdata" } => {
                if let Some(point) = &mut point {
                    point.close_class();
                }
            }
            Event::End { name: "meetpunt" } => {
                if let Some(point) = point.take() {
                    settle(&mut publication, point, received_at);
                }
            }
            Event::End { .. } => {}
        }
    }
    Ok(publication)
}

fn settle(publication: &mut Publication, point: Point, received_at: Timestamp) {
    let called = point.called();
    match point.verdict(received_at) {
        Verdict::Read(reading) => publication.readings.push(reading),
        Verdict::Ghost => publication.points.ghosts += 1,
        Verdict::Unwell => publication.points.unwell += 1,
        Verdict::Old => publication.points.old += 1,
        Verdict::Refused(refusal) => {
            publication.points.refused += 1;
            if publication.refused.len() < TOLD {
                publication.refused.push((called, refusal));
            }
        }
    }
}
