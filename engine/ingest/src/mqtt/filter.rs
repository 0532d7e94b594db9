//! MQTT's rules of topic filters. (rumqttc's own `matches` panics on a topic whose first character is not ASCII.)

/// Whether this is a filter: `+` and `#` stand alone in their level, `#` in the last one.
#[must_use]
pub fn valid_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').rev();
    let last_is_good = levels.next().is_some_and(|last| last == "#" || plain_or_plus(last));
    !filter.is_empty() && !filter.contains('\0') && last_is_good && levels.all(plain_or_plus)
}

fn plain_or_plus(level: &str) -> bool {
    level == "+" || !level.contains(['+', '#'])
}

/// Whether a topic is of a filter, which must be a valid one.
#[must_use]
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (literal, Some(level)) if literal == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_specifications_own_examples() {
        for (filter, topic, yes) in [
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
            ("vlot/v1/+/json", "vlot/v1/é/json", true),
            ("#", "é", true),
        ] {
            assert_eq!(matches(filter, topic), yes, "{filter} {topic}");
        }
    }

    #[test]
    fn wildcards_stand_alone() {
        for good in ["a", "/", "+", "#", "a/+/b", "a/#", "+/#"] {
            assert!(valid_filter(good), "{good}");
        }
        for bad in ["", "a#", "a/#/b", "a+", "+a/b", "##", "a\0"] {
            assert!(!valid_filter(bad), "{bad:?}");
        }
    }

    /// The rules by induction on levels.
    fn twin(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            ([f, fs @ ..], [t, ts @ ..]) => (*f == "+" || f == t) && twin(fs, ts),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn as_the_twin_says(
            mut filter in prop::collection::vec(prop::sample::select(vec!["", "a", "é", "+"]), 1..5),
            hash: bool,
            topic in prop::collection::vec(prop::sample::select(vec!["", "a", "é"]), 1..5),
        ) {
            if hash { filter.push("#"); }
            prop_assume!(!filter.join("/").is_empty());
            prop_assert!(valid_filter(&filter.join("/")));
            prop_assert_eq!(matches(&filter.join("/"), &topic.join("/")), twin(&filter, &topic));
        }
    }
}
