//! What is known of vehicles for a while: bounded, and forgotten after silence.

use std::collections::BTreeSet;
use std::hash::Hash;

use rustc_hash::FxHashMap;
use vlot_model::Timestamp;

pub(crate) struct Table<K, V> {
    most: usize,
    rows: FxHashMap<K, (Timestamp, V)>,
    /// Rows by when they were touched last: what is forgotten first stands first.
    touched: BTreeSet<(Timestamp, K)>,
}

impl<K: Copy + Ord + Hash, V> Table<K, V> {
    /// Of at most so many rows.
    pub(crate) fn new(most: usize) -> Self {
        Table { most: most.max(1), rows: FxHashMap::default(), touched: BTreeSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row of `key`, or of the name that the vehicle had `before`, which is `key` from now on.
    pub(crate) fn find(&mut self, now: Timestamp, key: K, before: K) -> Option<&mut V> {
        let known = if self.rows.contains_key(&key) { key } else { before };
        let (at, value) = self.rows.remove(&known)?;
        self.touched.remove(&(at, known));
        let at = at.max(now);
        self.touched.insert((at, key));
        self.rows.insert(key, (at, value));
        self.rows.get_mut(&key).map(|(_, value)| value)
    }

    /// Adds a row. Returns the one that had to leave for it.
    pub(crate) fn add(&mut self, now: Timestamp, key: K, value: V) -> Option<V> {
        let left = if self.rows.len() < self.most { None } else { self.pop(None) };
        self.touched.insert((now, key));
        if let Some((at, _)) = self.rows.insert(key, (now, value))
            && at != now
        {
            self.touched.remove(&(at, key));
        }
        left
    }

    pub(crate) fn remove(&mut self, key: K) {
        if let Some((at, _)) = self.rows.remove(&key) {
            self.touched.remove(&(at, key));
        }
    }

    /// Takes out the row that was not touched for longest, if that was before `limit`.
    pub(crate) fn pop(&mut self, limit: Option<Timestamp>) -> Option<V> {
        let first = *self.touched.first()?;
        if limit.is_some_and(|limit| first.0 >= limit) {
            return None;
        }
        self.touched.remove(&first);
        self.rows.remove(&first.1).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn what_was_silent_for_longest_leaves_first() {
        let mut table = Table::new(2);
        assert_eq!(table.add(at(1), 1, "a"), None);
        assert_eq!(table.add(at(2), 2, "b"), None);
        assert_eq!(table.find(at(3), 1, 0), Some(&mut "a"));
        assert_eq!(table.add(at(4), 3, "c"), Some("b"));
        assert_eq!(table.pop(Some(at(3))), None);
        assert_eq!(table.pop(Some(at(4))), Some("a"));
        table.remove(3);
        assert_eq!((table.len(), table.touched.len(), table.pop(None)), (0, 0, None));
    }

    #[test]
    fn a_row_goes_over_to_a_new_name() {
        let mut table = Table::new(2);
        table.add(at(1), 1, "a");
        assert_eq!(table.find(at(2), 5, 1), Some(&mut "a"));
        assert_eq!(table.find(at(3), 1, 1), None);
        assert_eq!(table.find(at(3), 6, 5), Some(&mut "a"));
        assert_eq!((table.len(), table.touched.len()), (1, 1));
    }
}
