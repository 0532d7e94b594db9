//! Hours as OpenStreetMap writes them, as far as a machine without a sky and without a school's calendar can follow.

use opening_hours_syntax::rules::day::{HolidayKind, WeekDayRange};
use opening_hours_syntax::rules::time::Time;

/// What is wrong with hours, and what to do about it; `None`: nothing.
pub fn wrong_hours(text: &str) -> Option<(String, &'static str)> {
    let hours = match opening_hours_syntax::parse(text) {
        Ok(hours) => hours,
        Err(error) => {
            let why = match &error {
                opening_hours_syntax::Error::Syntax(_) => unread(text, &error.to_string()),
                other => other.to_string(),
            };
            let hint =
                "write hours as OpenStreetMap does: \"Mo-Fr 07:00-20:00; Sa,Su,PH 09:00-18:00\", \"24/7\"";
            return Some((format!("cannot be read as opening hours: {why}"), hint));
        }
    };
    for rule in &hours.rules {
        let school =
            |range: &WeekDayRange| matches!(range, WeekDayRange::Holiday { kind: HolidayKind::School, .. });
        let variable = |time: &Time| matches!(time, Time::Variable(_));
        let wrong = if !rule.comment.is_empty() {
            (
                "carries a comment, which no machine can follow",
                "leave it out, or say \"unknown\" for these hours",
            )
        } else if rule.day_selector.weekday.iter().any(school) {
            ("speaks of school holidays (SH), which nobody has entered", "give the dates themselves")
        } else if rule.time_selector.spans.iter().any(|s| variable(&s.range.start) || variable(&s.range.end))
        {
            ("speaks of the sun, whose times are not known here", "give clock times")
        } else if rule.time_selector.spans.iter().any(|s| s.open_end || s.repeats.is_some()) {
            (
                "has hours without an end, or with repetitions",
                "give the hour of closing, or say \"unknown\" from then on",
            )
        } else {
            continue;
        };
        return Some((wrong.0.to_owned(), wrong.1));
    }
    None
}

/// The parser draws a picture that begins with ` --> line:column`; an operator wants to see where he slipped.
fn unread(text: &str, picture: &str) -> String {
    let column =
        picture.lines().next().and_then(|line| line.rsplit(':').next()?.trim().parse::<usize>().ok());
    let rest: String = text.chars().skip(column.map_or(0, |c| c.saturating_sub(1))).take(24).collect();
    if rest.is_empty() { "it ends too early".to_owned() } else { format!("{rest:?} is not understood") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_followed_or_refused_and_never_taken_as_always() {
        for good in [
            "24/7",
            "Mo-Fr 07:00-20:00; Sa,Su,PH 09:00-18:00",
            "Mo-Su 06:00-26:00; Dec 25 off",
            "2026 Sep 01-2026 Sep 06 10:00-24:00",
            "easter +1 day off",
            "Mo-Fr 08:00-18:00; Sa unknown",
        ] {
            assert_eq!(wrong_hours(good), None, "{good}");
        }
        for (bad, why) in [
            ("always", "cannot be read"),
            ("", "cannot be read"),
            ("Mo-Fr 7h-20h", "cannot be read"),
            ("Mo-Fr 08:00-25:61", "cannot be read"),
            ("\"by appointment\"", "carries a comment"),
            ("24/7 open \"members\"", "carries a comment"),
            ("SH off", "speaks of school"),
            ("sunrise-sunset", "speaks of the sun"),
            ("18:00+", "without an end"),
        ] {
            let said = wrong_hours(bad);
            assert!(
                said.as_ref().is_some_and(|(what, _)| what.contains(why) && !what.contains('\n')),
                "{bad}: {said:?}"
            );
        }
    }
}
