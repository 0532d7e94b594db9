//! MQTT topic filters, by the rules of the specification (MQTT 5, 4.7 and 4.8.2).

/// Longer filters are refused.
pub(crate) const FILTER_BYTES_MAX: usize = 256;

/// Whether a text is a valid filter; `$share/GROUP/FILTER` included.
pub(crate) fn is_filter(text: &str) -> bool {
    if text.len() > FILTER_BYTES_MAX || text.chars().any(char::is_control) {
        return false;
    }
    if let Some(shared) = text.strip_prefix("$share/") {
        let Some((group, filter)) = shared.split_once('/') else { return false };
        return !group.is_empty() && !group.contains(['+', '#']) && is_plain(filter);
    }
    is_plain(text)
}

fn is_plain(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    let sound = |(i, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => i + 1 == levels.len(),
        name => !name.contains(['+', '#']),
    };
    !filter.is_empty() && levels.iter().enumerate().all(sound)
}

/// Whether some topic matches both of two valid filters: its messages would come twice.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let (a, b) = (unshared(a), unshared(b));
    // Topics of the broker itself are not matched by a wildcard in front.
    if a.starts_with('$') != b.starts_with('$') {
        return false;
    }
    let (mut a, mut b) = (a.split('/').peekable(), b.split('/').peekable());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some("#"), _) | (_, Some("#")) => return true,
            (Some(x), Some(y)) if x == y || x == "+" || y == "+" => {}
            _ => return false,
        }
    }
}

fn unshared(filter: &str) -> &str {
    filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map_or(filter, |(_, filter)| filter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_stand_for_whole_levels() {
        for good in ["#", "+", "a/#", "+/a/+", "/", "a//b", "$share/vlot/a/+", "$SYS/#"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in
            ["", "a+", "a/#/b", "a#", "a/b+/c", "$share/vlot", "$share//a", "$share/+/a", "$share/v/", "a\0b"]
        {
            assert!(!is_filter(bad), "{bad}");
        }
        assert!(!is_filter(&"a".repeat(FILTER_BYTES_MAX + 1)));
    }

    #[test]
    fn overlapping_is_symmetric_and_knows_the_parent_level() {
        let cases = [
            ("a/b", "a/b", true),
            ("a/+", "a/b", true),
            ("a/#", "a", true),
            ("a/+", "a", false),
            ("+/b", "a/+", true),
            ("a/+/c", "a/b/d", false),
            ("$share/v/a/+", "a/b", true),
            ("#", "$SYS/x", false),
        ];
        for (a, b, expected) in cases {
            assert_eq!((overlap(a, b), overlap(b, a)), (expected, expected), "{a} {b}");
        }
    }

    /// The specification's own words: does this topic match?
    fn matches(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            ([], []) | (["#"], _) => true,
            (["+", f @ ..], [_, t @ ..]) => matches(f, t),
            ([a, f @ ..], [b, t @ ..]) if a == b => matches(f, t),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn two_filters_overlap_when_a_topic_matches_both(
            mut a in prop::collection::vec(prop::sample::select(vec!["x", "y", "+"]), 1..4),
            mut b in prop::collection::vec(prop::sample::select(vec!["x", "y", "+"]), 1..4),
            rest in (any::<bool>(), any::<bool>()),
        ) {
            if rest.0 { a.push("#"); }
            if rest.1 { b.push("#"); }
            let levels = ["x", "y"];
            let mut topics: Vec<Vec<&str>> = vec![vec![]];
            let mut both = false;
            for _ in 0..5 {
                topics = topics.iter().flat_map(|t| levels.map(|l| [t.as_slice(), &[l]].concat())).collect();
                both |= topics.iter().any(|t| matches(&a, t) && matches(&b, t));
            }
            prop_assert_eq!(overlap(&a.join("/"), &b.join("/")), both);
        }
    }
}
