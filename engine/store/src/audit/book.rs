//! What the audit log has in memory: every act of the files that are kept.

use std::collections::{BTreeMap, HashMap, VecDeque};

use vlot_model::{Act, End, Order};

use super::line::Line;

#[derive(Default)]
pub(super) struct Book {
    /// In order of writing, each with the number of the file that it was asked in.
    acts: VecDeque<(u64, Act)>,
    /// Position of an act, counted from the first act of all.
    by_id: HashMap<String, u64>,
    /// Acts that are no longer in `acts`.
    gone: u64,
    /// The last number of each facility.
    pub(super) sequences: BTreeMap<String, u32>,
}

impl Book {
    fn at(&self, id: &str) -> Option<usize> {
        usize::try_from(self.by_id.get(id)?.checked_sub(self.gone)?).ok()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Act> {
        self.acts.get(self.at(id)?).map(|(_, act)| act)
    }

    pub(super) fn newest(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter().rev().map(|(_, act)| act)
    }

    pub(super) fn oldest(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter().map(|(_, act)| act)
    }

    pub(super) fn next_sequence(&self, facility: &str) -> u32 {
        self.sequences.get(facility).map_or(1, |last| last.wrapping_add(1))
    }

    pub(super) fn add(&mut self, file: u64, act: Act) {
        self.by_id.insert(act.order.id.clone(), self.gone + self.acts.len() as u64);
        self.sequences.insert(act.order.facility.clone(), act.sequence);
        self.acts.push_back((file, act));
    }

    pub(super) fn end(&mut self, id: &str, end: End) -> bool {
        let Some((_, act)) = self.at(id).and_then(|at| self.acts.get_mut(at)) else { return false };
        act.end = Some(end);
        true
    }

    /// Forgets what was asked in files before `file`.
    pub(super) fn forget_before(&mut self, file: u64) {
        while self.acts.front().is_some_and(|(of, _)| *of < file) {
            if let Some((_, act)) = self.acts.pop_front() {
                // An id that came again stands for its later act.
                if self.by_id.get(&act.order.id) == Some(&self.gone) {
                    self.by_id.remove(&act.order.id);
                }
            }
            self.gone += 1;
        }
    }

    /// Takes a line of a file; says what is wrong with it.
    pub(super) fn take(&mut self, file: u64, line: Line) -> Result<(), String> {
        match line {
            Line::WentBefore { sequences } => {
                for (facility, last) in sequences {
                    let known = self.sequences.entry(facility).or_insert(last);
                    *known = last.max(*known);
                }
            }
            Line::Asked {
                id,
                facility,
                act,
                occupied,
                situation,
                link,
                actor,
                actor_known_by,
                reason,
                asked_at,
                observed_at,
                sequence,
            } => {
                let value = act.value(occupied, situation, link).ok_or("an act without what it is about")?;
                let order =
                    Order { id, facility, value, actor, actor_known_by, reason, asked_at, observed_at };
                self.add(file, Act { order, sequence, end: None });
            }
            // Its beginning may be in a file that is no longer kept.
            Line::Done { id, tick, before, after } => {
                self.end(&id, End::Done { tick, before, after });
            }
            Line::Refused { id, why } => {
                self.end(&id, End::Refused { why });
            }
        }
        Ok(())
    }
}
