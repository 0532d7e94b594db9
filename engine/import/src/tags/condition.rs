//! `value @ (condition); value @ (condition)`: what holds when, as far as a clock can tell.

use crate::report::{Gap, Notes};

/// One part of a conditional tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) value: &'a str,
    pub(crate) when: When,
}

/// When a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// In these hours, which were checked.
    Hours(String),
    /// For vehicles heavier than this, kilograms.
    HeavierThan(u32),
}

/// The parts of a conditional tag that can be followed. `forbids`: whether a value makes less possible; then hours that
/// except school holidays are taken to hold in them too, for that leads nobody where he may not be.
pub(crate) fn parts<'a>(
    key: &str,
    text: &'a str,
    forbids: impl Fn(&str) -> bool,
    notes: &mut Notes<'_>,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for piece in split(text) {
        let Some((value, condition)) = piece.split_once('@') else {
            notes.gap(Gap::Condition, || format!("{key}={text}"));
            continue;
        };
        let value = value.trim();
        let condition = unwrapped(condition.trim());
        match when(condition, forbids(value)) {
            Ok((when, schools)) => {
                if schools {
                    notes.gap(Gap::SchoolHolidays, || format!("{key}={text}"));
                }
                parts.push(Part { value, when });
            }
            Err(why) => notes.gap(Gap::Condition, || format!("{key}={text} ({why})")),
        }
    }
    parts
}

/// At semicolons that are in no brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut pieces) = (0_i32, 0, Vec::new());
    let mut bare = false;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            // Without brackets, hours have semicolons of their own: a new part begins only where a new `@` follows.
            ';' if depth <= 0 => {
                let next = text.get(i + 1..).unwrap_or("");
                let until = next.find([';', '(']).unwrap_or(next.len());
                if !bare || next.get(..until).is_some_and(|part| part.contains('@')) || next.trim().is_empty()
                {
                    pieces.extend(text.get(from..i));
                    from = i + 1;
                    bare = false;
                }
            }
            '@' if depth <= 0 => {
                bare = !text.get(i + 1..).unwrap_or("").trim_start().starts_with('(');
            }
            _ => {}
        }
    }
    pieces.extend(text.get(from..));
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

fn unwrapped(condition: &str) -> &str {
    condition.strip_prefix('(').and_then(|c| c.strip_suffix(')')).map_or(condition, str::trim)
}

/// When a condition holds, and whether school holidays were taken out of it.
fn when(condition: &str, forbids: bool) -> Result<(When, bool), String> {
    if let Some(kg) = heavier_than(condition) {
        return Ok((When::HeavierThan(kg), false));
    }
    match vlot_hours::wrong_hours(condition) {
        None => Ok((When::Hours(condition.to_owned()), false)),
        Some((why, _)) => {
            let plain = forbids.then(|| without_schools(condition)).flatten();
            match plain.filter(|hours| vlot_hours::wrong_hours(hours).is_none()) {
                Some(hours) => Ok((When::Hours(hours), true)),
                None => Err(why),
            }
        }
    }
}

/// `weight>3.5`, tonnes.
fn heavier_than(condition: &str) -> Option<u32> {
    let rest =
        ["maxweightrating", "maxweight", "weight"].iter().find_map(|key| condition.strip_prefix(key))?;
    let rest = rest.trim_start().strip_prefix('>')?;
    super::size::kilograms(rest.trim_start_matches('=').trim())
}

/// Hours without their rules on school holidays; `None` where there are none, or where more depends on them.
fn without_schools(hours: &str) -> Option<String> {
    let mut kept = Vec::new();
    let mut found = false;
    for rule in hours.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
        let is_off = rule.strip_suffix("off").or_else(|| rule.strip_suffix("closed")).map(str::trim);
        let Some(days) = is_off.filter(|days| days.split(',').any(|day| day.trim() == "SH")) else {
            kept.push(rule.to_owned());
            continue;
        };
        found = true;
        let others: Vec<_> = days.split(',').map(str::trim).filter(|day| *day != "SH").collect();
        if !others.is_empty() {
            kept.push(format!("{} off", others.join(",")));
        }
    }
    (found && !kept.is_empty()).then(|| kept.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::tests::with;

    fn read(text: &str) -> (Vec<(String, String)>, Vec<Gap>) {
        let (got, report) = with("", |_, notes| {
            let parts = parts("motor_vehicle:conditional", text, |value| value == "no", notes);
            let shown = |part: Part<'_>| match part.when {
                When::Hours(hours) => (part.value.to_owned(), hours),
                When::HeavierThan(kg) => (part.value.to_owned(), format!("> {kg} kg")),
            };
            parts.into_iter().map(shown).collect()
        });
        (got, report.gaps.into_keys().collect())
    }

    #[test]
    fn conditions_are_followed_or_named() {
        for (text, expected, gaps) in [
            ("no @ (Mo-Fr 08:15-08:45)", &[("no", "Mo-Fr 08:15-08:45")][..], &[][..]),
            ("no@Mo-Fr 08:15-08:45", &[("no", "Mo-Fr 08:15-08:45")], &[]),
            ("no @ Mo-Fr 08:15-08:45; We off", &[("no", "Mo-Fr 08:15-08:45; We off")], &[]),
            (
                "no @ (Mo-Fr 08:00-09:00; PH off); destination @ (Sa)",
                &[("no", "Mo-Fr 08:00-09:00; PH off"), ("destination", "Sa")],
                &[],
            ),
            ("yes @ Mo; no @ Tu", &[("yes", "Mo"), ("no", "Tu")], &[]),
            (
                "no @ (Mo-Fr 08:15-08:45; SH,PH off)",
                &[("no", "Mo-Fr 08:15-08:45; PH off")],
                &[Gap::SchoolHolidays],
            ),
            ("no @ (Mo-Fr 08:15-08:45; SH off)", &[("no", "Mo-Fr 08:15-08:45")], &[Gap::SchoolHolidays]),
            // What permits must not hold longer than it does.
            ("yes @ (Mo-Fr 08:15-08:45; SH off)", &[], &[Gap::Condition]),
            ("no @ (SH)", &[], &[Gap::Condition]),
            ("no @ (weight>3.5)", &[("no", "> 3500 kg")], &[]),
            ("destination@(maxweight > 3.5)", &[("destination", "> 3500 kg")], &[]),
            ("no @ (snow)", &[], &[Gap::Condition]),
            ("no @ (Mo-Fr 07:00-09:00 AND weight>7.5)", &[], &[Gap::Condition]),
            ("no", &[], &[Gap::Condition]),
            ("@", &[], &[Gap::Condition]),
            ("", &[], &[]),
            ("((;;@)(", &[], &[Gap::Condition]),
        ] {
            let (got, got_gaps) = read(text);
            let got: Vec<_> = got.iter().map(|(v, w)| (v.as_str(), w.as_str())).collect();
            assert_eq!((got.as_slice(), got_gaps.as_slice()), (expected, gaps), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[a-zA-Z0-9 @();:,>.é-]{0,60}") {
            read(&text);
        }
    }
}
