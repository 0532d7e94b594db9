//! Placeholders in a layout: which lines of a sign it asks for.

use std::collections::BTreeSet;

/// What a layout asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placeholders {
    /// Lines, from 1.
    pub(super) lines: BTreeSet<usize>,
    /// Whether it shows the advised destination.
    pub(super) advice: bool,
}

impl Placeholders {
    /// What may stand between braces, for messages.
    pub(super) const KNOWN: &str = "known are {label.N} {arrow.N} {figure.N} or its parts {free.N} {full.N} {closed.N}, \
                                    {minutes.N} {time.N}, {advice}, and {edge?} {edge.label} {edge.arrow} {edge.drive} \
                                    {edge.onward} {edge.in} {/edge}";

    /// Reads a layout; an error says what is wrong with it.
    pub(super) fn of(multi: &str) -> Result<Placeholders, String> {
        let mut found = Placeholders { lines: BTreeSet::new(), advice: false };
        let mut in_edge = false;
        let mut rest = multi;
        while let Some(at) = rest.find(['{', '}']) {
            let after = &rest[at + 1..];
            let end = after
                .find(['{', '}'])
                .filter(|end| rest[at..].starts_with('{') && after[*end..].starts_with('}'));
            let Some(end) = end else { return Err("has a brace without its other half".to_owned()) };
            let name = &after[..end];
            match name.split_once('.') {
                None if name == "advice" => found.advice = true,
                None if name == "edge?" && !in_edge => in_edge = true,
                None if name == "/edge" && in_edge => in_edge = false,
                None if matches!(name, "edge?" | "/edge") => {
                    return Err(format!("has {{{name}}} without its other half"));
                }
                // Outside they would leave words about nothing.
                Some(("edge", "label" | "arrow" | "drive" | "onward" | "in")) if in_edge => {}
                Some(("edge", "label" | "arrow" | "drive" | "onward" | "in")) => {
                    return Err(format!("has {{{name}}} outside {{edge?}} and {{/edge}}"));
                }
                Some((
                    "label" | "arrow" | "figure" | "free" | "full" | "closed" | "minutes" | "time",
                    digits,
                )) => match digits.parse::<usize>() {
                    Ok(n) if n >= 1 && n.to_string() == digits => drop(found.lines.insert(n)),
                    _ => return Err(format!("has the unknown placeholder {{{name}}}")),
                },
                _ => return Err(format!("has the unknown placeholder {{{name}}}")),
            }
            rest = &after[end + 1..];
        }
        if in_edge {
            return Err("has {edge?} without its other half".to_owned());
        }
        if found.lines.is_empty() && !found.advice {
            return Err("has no placeholder: such a sign would never change".to_owned());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn placeholders_are_found_and_slips_named() {
        let found = Placeholders::of("[tr1,1,8,8]{label.2}x{figure.1}{advice}").unwrap();
        assert_eq!(found, Placeholders { lines: [1, 2].into(), advice: true });
        for (multi, what) in [
            ("{label.0}", "has the unknown placeholder {label.0}"),
            ("{label.1}{edge?}{edge.in}", "has {edge?} without its other half"),
            ("{label.1}{/edge}", "has {/edge} without its other half"),
            ("{label.1}{edge?}{edge?}{/edge}", "has {edge?} without its other half"),
            ("{label.1}{edge.in}", "has {edge.in} outside {edge?} and {/edge}"),
            ("{edge?}{edge.out}{/edge}", "has the unknown placeholder {edge.out}"),
            ("{label.01}", "has the unknown placeholder {label.01}"),
            ("{label.+1}", "has the unknown placeholder {label.+1}"),
            ("{name.1}", "has the unknown placeholder {name.1}"),
            ("{label.1", "has a brace without its other half"),
            ("{label.{1}", "has a brace without its other half"),
            ("label.1}", "has a brace without its other half"),
            ("VOL", "has no placeholder: such a sign would never change"),
        ] {
            assert_eq!(Placeholders::of(multi).unwrap_err(), what, "{multi}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(multi in "[{}a-z.0-9\\[\\]é]{0,40}") {
            if let Ok(found) = Placeholders::of(&multi) {
                for n in found.lines {
                    prop_assert!(multi.contains(&format!(".{n}}}")), "{multi}");
                }
            }
        }
    }
}
