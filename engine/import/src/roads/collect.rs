//! What is kept of a file: streets, the nodes that they run through, barriers on them, and turn restrictions.
//!
//! The file is read twice, so that of its nodes only those are ever held that a street runs through: once for ways and
//! relations, once for nodes.

use rustc_hash::{FxHashMap, FxHashSet};

use super::restriction::{self, Restriction};
use crate::read::{self, Element, Place, Source, Wanted};
use crate::report::{Gap, Notes, Report};
use crate::tags::barrier::{self, Barrier};
use crate::tags::street::{self, Street};
use crate::{ImportError, Options};

/// A way that somebody may use.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) id: i64,
    pub(crate) nodes: Box<[i64]>,
    pub(crate) street: Street,
}

/// A node that a street runs through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Node {
    pub(crate) place: Option<Place>,
    /// How often streets run through it, their ends counted twice.
    uses: u8,
    /// Service roads alone run through it.
    service: bool,
}

impl Node {
    /// Whether streets meet or end there.
    pub(crate) fn junction(self) -> bool {
        self.uses > 1
    }
}

/// What is kept of a file.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) ways: Vec<Way>,
    pub(crate) nodes: FxHashMap<i64, Node>,
    pub(crate) barriers: FxHashMap<i64, Barrier>,
    pub(crate) restrictions: Vec<Restriction>,
}

pub(crate) fn collect(
    source: &Source,
    options: &Options,
    report: &mut Report,
) -> Result<Collected, ImportError> {
    let mut kept = Collected::default();
    let (mut seen, mut points) = (FxHashSet::default(), 0_usize);
    read::elements(source, Wanted::WaysAndRelations, &mut |element| {
        match element {
            Element::Way { id, nodes, tags } => {
                let mut notes = Notes::new(report, "way", id);
                let Some(street) = street::of(tags, &mut notes) else { return Ok(()) };
                if !seen.insert(id) {
                    notes.gap(Gap::Twice, || "comes again".into());
                    return Ok(());
                }
                let mut nodes = nodes.to_vec();
                nodes.dedup();
                if nodes.len() < 2 {
                    notes.gap(Gap::ShortWay, || format!("{} nodes", nodes.len()));
                    return Ok(());
                }
                points += nodes.len();
                if points > options.most_points {
                    return Err(ImportError::TooLarge(format!("{} points of streets", options.most_points)));
                }
                kept.put(Way { id, nodes: nodes.into(), street });
            }
            Element::Relation { id, members, tags } => {
                let mut notes = Notes::new(report, "relation", id);
                kept.restrictions.extend(restriction::of(id, members, tags, &mut notes));
            }
            Element::Node { .. } => {}
        }
        Ok(())
    })?;
    if kept.ways.is_empty() {
        return Err(ImportError::NoStreets);
    }
    read::elements(source, Wanted::Nodes, &mut |element| {
        if let Element::Node { id, place, tags } = element
            && let Some(node) = kept.nodes.get_mut(&id)
        {
            let mut notes = Notes::new(report, "node", id);
            if node.place.is_some() {
                notes.gap(Gap::Twice, || "comes again".into());
                return Ok(());
            }
            node.place = place;
            if let Some(barrier) = barrier::of(tags, &mut notes).filter(|b| !(b.gate && node.service)) {
                kept.barriers.insert(id, barrier);
            }
        }
        Ok(())
    })?;
    Ok(kept)
}

impl Collected {
    fn put(&mut self, way: Way) {
        let service = way.street.class.class == vlot_model::RoadClass::Service;
        let last = way.nodes.len() - 1;
        for (i, id) in way.nodes.iter().enumerate() {
            let node = self.nodes.entry(*id).or_insert(Node { place: None, uses: 0, service: true });
            node.uses = node.uses.saturating_add(if i == 0 || i == last { 2 } else { 1 });
            node.service &= service;
        }
        self.ways.push(way);
    }
}
