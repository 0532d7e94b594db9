//! Topic names, topic filters, and who subscribes to what.

use std::collections::BTreeMap;

/// Levels of a filter or a name; a longer one is refused, since each level costs a node.
pub(crate) const LEVELS_MAX: usize = 32;

/// Whether a message may be published to this name.
pub(crate) fn valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['+', '#', '\0']) && name.split('/').count() <= LEVELS_MAX
}

/// Whether this is a filter: `+` and `#` stand alone in their level, `#` in the last one.
pub(crate) fn valid_filter(filter: &str) -> bool {
    let levels = filter.split('/').count();
    !filter.is_empty()
        && !filter.contains('\0')
        && levels <= LEVELS_MAX
        && filter.split('/').enumerate().all(|(i, level)| match level {
            "#" => i + 1 == levels,
            "+" => true,
            literal => !literal.contains(['+', '#']),
        })
}

/// Whether it asks for a share of a group's messages, which this broker does not know.
pub(crate) fn shared_filter(filter: &str) -> bool {
    filter.starts_with("$share/")
}

/// Subscribers by filter, as a tree of levels. `S` is a subscriber, `T` what it subscribed with.
#[derive(Debug)]
pub(crate) struct Subscriptions<S, T> {
    root: Node<S, T>,
}

#[derive(Debug)]
struct Node<S, T> {
    children: BTreeMap<Box<str>, Node<S, T>>,
    /// Who subscribed to exactly this.
    here: Vec<(S, T)>,
    /// Who subscribed to this and everything below.
    below: Vec<(S, T)>,
}

impl<S, T> Default for Node<S, T> {
    fn default() -> Self {
        Node { children: BTreeMap::new(), here: Vec::new(), below: Vec::new() }
    }
}

impl<S, T> Node<S, T> {
    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.here.is_empty() && self.below.is_empty()
    }
}

impl<S: Copy + Eq, T: Copy> Subscriptions<S, T> {
    pub(crate) fn new() -> Self {
        Subscriptions { root: Node::default() }
    }

    /// Adds a subscription; the same subscriber's older one to the same filter is replaced.
    pub(crate) fn insert(&mut self, filter: &str, subscriber: S, terms: T) {
        let (levels, hash) = split(filter);
        let mut node = &mut self.root;
        for level in levels {
            node = node.children.entry(level.into()).or_default();
        }
        let list = if hash { &mut node.below } else { &mut node.here };
        match list.iter_mut().find(|(s, _)| *s == subscriber) {
            Some((_, old)) => *old = terms,
            None => list.push((subscriber, terms)),
        }
    }

    /// Removes a subscription; returns whether there was one.
    pub(crate) fn remove(&mut self, filter: &str, subscriber: S) -> bool {
        let (mut levels, hash) = split(filter);
        remove(&mut self.root, &mut levels, hash, subscriber)
    }

    /// Calls `found` for each subscription that matches; twice for a subscriber with two such filters.
    pub(crate) fn matching(&self, name: &str, found: &mut impl FnMut(S, T)) {
        visit(&self.root, Some(name), true, found);
    }
}

/// The levels that nodes are made of, and whether `#` follows them.
fn split(filter: &str) -> (impl Iterator<Item = &str>, bool) {
    let hash = filter == "#" || filter.ends_with("/#");
    let levels = filter.split('/').count() - usize::from(hash);
    (filter.split('/').take(levels), hash)
}

/// As deep a recursion as the filter has levels, which are bounded.
fn remove<S: Eq, T>(
    node: &mut Node<S, T>,
    levels: &mut dyn Iterator<Item = &str>,
    hash: bool,
    subscriber: S,
) -> bool {
    let Some(level) = levels.next() else {
        let list = if hash { &mut node.below } else { &mut node.here };
        let position = list.iter().position(|(s, _)| *s == subscriber);
        return position.map(|p| list.swap_remove(p)).is_some();
    };
    let Some(child) = node.children.get_mut(level) else { return false };
    let removed = remove(child, levels, hash, subscriber);
    if child.is_empty() {
        node.children.remove(level);
    }
    removed
}

/// `rest` is what of the name lies below `node`; `None` at its end.
fn visit<S: Copy, T: Copy>(node: &Node<S, T>, rest: Option<&str>, first: bool, found: &mut impl FnMut(S, T)) {
    // Names that start with `$` are the broker's own: a wildcard in the first level does not reach them.
    let wild = !(first && rest.is_some_and(|r| r.starts_with('$')));
    if wild {
        node.below.iter().for_each(|&(s, t)| found(s, t));
    }
    let Some(rest) = rest else {
        node.here.iter().for_each(|&(s, t)| found(s, t));
        return;
    };
    let (level, deeper) = match rest.split_once('/') {
        Some((level, deeper)) => (level, Some(deeper)),
        None => (rest, None),
    };
    if let Some(child) = node.children.get(level) {
        visit(child, deeper, false, found);
    }
    if wild && let Some(child) = node.children.get("+") {
        visit(child, deeper, false, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The specification's rules, word by word and slowly.
    fn matches(filter: &str, name: &str) -> bool {
        let (filter, name): (Vec<_>, Vec<_>) = (filter.split('/').collect(), name.split('/').collect());
        if name[0].starts_with('$') && matches!(filter[0], "+" | "#") {
            return false;
        }
        if filter.last() == Some(&"#") {
            let parent = &filter[..filter.len() - 1];
            return name.len() >= parent.len() && parent.iter().zip(&name).all(|(f, n)| *f == "+" || f == n);
        }
        filter.len() == name.len() && filter.iter().zip(&name).all(|(f, n)| *f == "+" || f == n)
    }

    fn found(subscriptions: &Subscriptions<usize, ()>, name: &str) -> Vec<usize> {
        let mut all = Vec::new();
        subscriptions.matching(name, &mut |s, ()| all.push(s));
        all.sort_unstable();
        all
    }

    #[test]
    fn the_specifications_own_examples() {
        for (filter, name, yes) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/#", "sport", true),
            ("#", "sport/tennis", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/monitor", false),
            ("+/monitor", "$SYS/monitor", false),
            ("$SYS/#", "$SYS/monitor", true),
            ("$SYS/+", "$SYS/monitor", true),
        ] {
            let mut s = Subscriptions::new();
            s.insert(filter, 1, ());
            assert_eq!(found(&s, name) == [1], yes, "{filter} {name}");
            assert_eq!(matches(filter, name), yes, "the twin on {filter} {name}");
        }
    }

    #[test]
    fn wildcards_stand_alone() {
        for good in ["a", "/", "+", "#", "a/+/b", "a/#", "+/#", "$SYS/#", "a b"] {
            assert!(valid_filter(good), "{good}");
        }
        for bad in ["", "a#", "a/#/b", "a+", "+a/b", "##", "a\0"] {
            assert!(!valid_filter(bad), "{bad:?}");
        }
        for bad in ["", "a/+", "#", "a\0", &"/".repeat(LEVELS_MAX)] {
            assert!(!valid_name(bad), "{bad:?}");
        }
    }

    fn level() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["", "a", "b", "$x"])
    }

    prop_compose! {
        fn filter()(levels in prop::collection::vec(prop_oneof![3 => level(), 1 => Just("+")], 1..4), hash: bool) -> String {
            let mut f = levels.join("/");
            if hash { f.push_str("/#"); }
            if f.is_empty() { f.push('#'); }
            f
        }
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_the_rules_say(
            filters in prop::collection::vec(filter(), 0..12),
            gone in prop::collection::vec(any::<bool>(), 12),
            levels in prop::collection::vec(level(), 1..5),
        ) {
            let name = levels.join("/");
            let mut tree = Subscriptions::new();
            for (i, f) in filters.iter().enumerate() {
                prop_assert!(valid_filter(f));
                tree.insert(f, i, ());
            }
            for (i, f) in filters.iter().enumerate().filter(|(i, _)| gone[*i]) {
                prop_assert!(tree.remove(f, i));
                prop_assert!(!tree.remove(f, i));
            }
            let expected: Vec<_> =
                (0..filters.len()).filter(|&i| !gone[i] && matches(&filters[i], &name)).collect();
            prop_assert_eq!(found(&tree, &name), expected);
            for (i, f) in filters.iter().enumerate().filter(|(i, _)| !gone[*i]) {
                tree.remove(f, i);
            }
            prop_assert!(tree.root.is_empty());
        }
    }
}
