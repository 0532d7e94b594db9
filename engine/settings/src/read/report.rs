//! Where problems are collected, and which keys were asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::problem::Problem;

/// Collects problems from wherever they are found.
#[derive(Default)]
pub(crate) struct Report {
    problems: RefCell<Vec<Problem>>,
    keys: RefCell<BTreeMap<Key, Documented>>,
}

/// A key of the configuration: file, table and name.
pub(crate) type Key = (&'static str, String, &'static str);

/// What the documentation has to say of a key: what it wants, and what holds without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Documented {
    pub(crate) wanted: String,
    pub(crate) default: String,
}

impl Report {
    pub(crate) fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// How many problems there are so far.
    pub(crate) fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// Remembers a key as known.
    pub(crate) fn know(&self, key: Key, documented: impl FnOnce() -> Documented) {
        self.keys.borrow_mut().entry(key).or_insert_with(documented);
    }

    /// Every key that was asked for.
    #[cfg(test)]
    pub(crate) fn known(&self) -> BTreeMap<Key, Documented> {
        self.keys.borrow().clone()
    }
}
