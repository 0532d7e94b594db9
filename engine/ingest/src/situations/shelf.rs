//! What files have said, and what follows from what they say now. Pure.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vlot_decode::situations::Said;
use vlot_model::Situation;

/// Before the names of files, in [`Situation::source`].
pub(super) const PREFIX: &str = "folder/";

type Statements = BTreeMap<Box<str>, Arc<Situation>>;

/// What each file has said, by the source's name.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    said: BTreeMap<Box<str>, Statements>,
}

impl Shelf {
    /// With what stands from before: files that have changed since, or have gone, are noticed.
    pub(super) fn new(standing: Vec<Arc<Situation>>) -> Self {
        let mut shelf = Shelf::default();
        for situation in standing.into_iter().filter(|s| s.source.starts_with(PREFIX) && !s.withdrawn) {
            let of_file = shelf.said.entry(situation.source.clone()).or_default();
            of_file.insert(situation.id.clone(), situation);
        }
        shelf
    }

    /// A file says this now; what has to be stated anew or withdrawn. What of it could not be read stands as it was said
    /// last.
    pub(super) fn take(&mut self, source: &str, now: Said) -> Vec<Arc<Situation>> {
        let before = self.said.remove(source).unwrap_or_default();
        let unreadable: BTreeSet<_> = now.wrong.iter().filter_map(|wrong| wrong.id.as_deref()).collect();
        // A piece without an id may be any of them.
        let unnamed = now.wrong.iter().any(|wrong| wrong.id.is_none());
        let mut out = Vec::new();
        let mut after = Statements::new();
        for situation in now.situations {
            let known = before.get(&situation.id).filter(|known| ***known == situation);
            let known = known.cloned().unwrap_or_else(|| {
                let new = Arc::new(situation);
                out.push(Arc::clone(&new));
                new
            });
            after.insert(known.id.clone(), known);
        }
        for (id, situation) in before {
            let stands = unnamed || unreadable.contains(&*id);
            match after.entry(id) {
                Entry::Vacant(free) if stands => {
                    free.insert(situation);
                }
                Entry::Vacant(_) => out.push(withdrawn(&situation)),
                Entry::Occupied(_) => {}
            }
        }
        self.said.insert(source.into(), after);
        out
    }

    /// Only these files are there; what has to be withdrawn.
    pub(super) fn keep(&mut self, there: &BTreeSet<Box<str>>) -> Vec<Arc<Situation>> {
        let mut out = Vec::new();
        self.said.retain(|source, statements| {
            let stays = there.contains(source);
            if !stays {
                out.extend(statements.values().map(|situation| withdrawn(situation)));
            }
            stays
        });
        out
    }
}

fn withdrawn(situation: &Situation) -> Arc<Situation> {
    Arc::new(Situation { withdrawn: true, ..situation.clone() })
}
