//! Why a face has its content, in sentences for an operator.

use std::time::Duration;

use vlot_model::{FacilityStatus, Figure, Quality, Timestamp};

use crate::sight::Sight;

/// What is fixed about a line.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The target's own name.
    pub(crate) name: String,
    /// "spaces" or "places".
    pub(crate) unit: &'static str,
    /// FULL from so many free downwards, figures again from so many upwards; `None` for a garage as a whole.
    pub(crate) full: Option<(u32, u32)>,
    /// Below this share of reporting sensors a figure is not good.
    pub(crate) min_share: Option<f32>,
}

/// Why a row shows `shown` at `at`, where `wanted` is what holds; `until` is when its dwell ends.
pub(crate) fn row(
    limits: &Limits,
    sight: &Sight,
    shown: Figure,
    wanted: Figure,
    at: Timestamp,
    until: Option<Timestamp>,
) -> String {
    let mut clauses = vec![match wanted {
        Figure::Blank => format!("nothing is shown, {}", distrust(limits, sight, at)),
        Figure::Closed => "closed, as it says itself".to_owned(),
        Figure::Full => format!("full, {}{}", free(limits, sight), thresholds(limits)),
        Figure::Free(_) => format!("{}{}", free(limits, sight), thresholds(limits)),
    }];
    if let (Figure::Free(figure), Some(free)) = (wanted, sight.free)
        && figure != free
    {
        clauses.push(format!("rounded down to {figure}"));
    }
    if shown != wanted {
        let until = until.map(|until| format!(" until {until} at the latest")).unwrap_or_default();
        clauses.push(format!("{} stays{until}, for calm", said(shown)));
    }
    if wanted != Figure::Blank {
        clauses.push(trust(sight));
    }
    format!("{}: {}.", limits.name, clauses.join("; "))
}

fn said(figure: Figure) -> String {
    match figure {
        Figure::Free(figure) => figure.to_string(),
        Figure::Full => "full".into(),
        Figure::Closed => "closed".into(),
        Figure::Blank => "nothing".into(),
    }
}

fn free(limits: &Limits, sight: &Sight) -> String {
    match sight.free {
        Some(free) => format!("{free} of {} {} free", sight.capacity, limits.unit),
        None => "free spaces not stated".into(),
    }
}

fn thresholds(limits: &Limits) -> String {
    match limits.full {
        Some((full_at, reopen_at)) => format!(" (full at {full_at} or fewer, open again from {reopen_at})"),
        None => " (full when no section has space)".into(),
    }
}

fn trust(sight: &Sight) -> String {
    let mut clauses = vec!["quality good".to_owned()];
    if sight.sensors.total > 0 {
        clauses.push(format!("{} of {} sensors report", sight.sensors.reporting, sight.sensors.total));
    }
    clauses.extend(times(sight));
    clauses.join(", ")
}

fn times(sight: &Sight) -> impl Iterator<Item = String> {
    let observed = sight.observed_at.map(|at| format!("observed at {at}"));
    let valid = sight.valid_until.map(|until| format!("valid until {until}"));
    observed.into_iter().chain(valid)
}

/// Why nothing can be said.
fn distrust(limits: &Limits, sight: &Sight, at: Timestamp) -> String {
    let what = match sight.quality {
        Quality::Missing => return "nothing is known of it yet".into(),
        Quality::Degraded => return degraded(limits, sight),
        Quality::Stale => "its figure is stale",
        Quality::Good if !sight.is_trusted(at) => "its figure is past its validity",
        Quality::Good if sight.status == FacilityStatus::Unknown => "its status is unknown",
        Quality::Good => "its free spaces are not stated",
    };
    std::iter::once(what.to_owned()).chain(times(sight)).collect::<Vec<_>>().join(", ")
}

fn degraded(limits: &Limits, sight: &Sight) -> String {
    let mut clauses = vec!["its figure is degraded".to_owned()];
    if sight.sensors.total > 0 {
        clauses.push(format!("{} of {} sensors report", sight.sensors.reporting, sight.sensors.total));
        clauses.extend(limits.min_share.map(|share| format!("{:.0} % are asked for", share * 100.0)));
    }
    if sight.lost_messages > 0 {
        clauses.push(format!("{} messages of its devices are lost", sight.lost_messages));
    }
    clauses.join(", ")
}

/// Why a line is advised.
pub(crate) fn advised(limits: &Limits, sight: &Sight, travel_time: Duration, candidates: usize) -> String {
    let free = format!("{} of {} {} free", sight.free.unwrap_or(0), sight.capacity, limits.unit);
    let of = match (candidates, travel_time.as_secs()) {
        (0 | 1, _) => "the only line with space".to_owned(),
        (n, 0) => format!("the first of {n} lines with space"),
        (n, seconds) => format!("{seconds} s away, chosen by travel time among {n} lines with space"),
    };
    format!("{}: {free}, {of}.", limits.name)
}

/// Why no line is advised.
pub(crate) fn not_advised(lines: usize, candidates: usize) -> String {
    match (lines, candidates) {
        (0, _) => "No line can be advised.".into(),
        (_, 0) => "No advice: no line shows free spaces.".into(),
        (_, n) => format!("No advice yet, for calm: {n} of {lines} lines have space."),
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::Share;

    use super::*;
    use crate::testing::{at, good};

    fn limits() -> Limits {
        Limits { name: "Ladeuze".into(), unit: "spaces", full: Some((4, 10)), min_share: Some(0.75) }
    }

    #[test]
    fn every_row_says_why() {
        let good = good(123, at(0));
        let bad = |quality| Sight { quality, ..good };
        let degraded =
            Sight { sensors: Share { reporting: 2, total: 4 }, lost_messages: 3, ..bad(Quality::Degraded) };
        let unknown = Sight { status: FacilityStatus::Unknown, ..good };
        let closed = Sight { status: FacilityStatus::Closed, ..good };
        let until = Some(at(20));
        let times = "observed at 1970-01-12T13:46:40Z, valid until 1970-01-12T13:47:40Z";
        let trust = format!("quality good, 4 of 4 sensors report, {times}");
        let free = "123 of 200 spaces free (full at 4 or fewer, open again from 10)";
        let table = [
            (good, Figure::Free(120), format!("{free}; rounded down to 120; {trust}.")),
            (
                good,
                Figure::Free(90),
                format!("{free}; rounded down to 120; 90 stays until 1970-01-12T13:47:00Z at the latest, for calm; {trust}."),
            ),
            (
                good,
                Figure::Full,
                format!("{free}; rounded down to 120; full stays until 1970-01-12T13:47:00Z at the latest, for calm; {trust}."),
            ),
            (closed, Figure::Closed, format!("closed, as it says itself; {trust}.")),
            (
                degraded,
                Figure::Blank,
                "nothing is shown, its figure is degraded, 2 of 4 sensors report, 75 % are asked for, 3 messages of \
                 its devices are lost."
                    .into(),
            ),
            (bad(Quality::Stale), Figure::Blank, format!("nothing is shown, its figure is stale, {times}.")),
            (bad(Quality::Missing), Figure::Blank, "nothing is shown, nothing is known of it yet.".into()),
            (unknown, Figure::Blank, format!("nothing is shown, its status is unknown, {times}.")),
            (
                Sight { free: None, ..good },
                Figure::Blank,
                format!("nothing is shown, its free spaces are not stated, {times}."),
            ),
        ];
        for (sight, shown, expected) in table {
            let sentence = row(&limits(), &sight, shown, sight.figure(at(1)), at(1), until);
            assert_eq!(sentence, format!("Ladeuze: {expected}"));
        }
        let garage = Limits { full: None, unit: "places", ..limits() };
        let sentence = row(&garage, &good, Figure::Free(120), Figure::Free(120), at(1), None);
        assert!(sentence.contains("123 of 200 places free (full when no section has space);"), "{sentence}");
    }

    #[test]
    fn every_advice_says_why() {
        let (sight, away) = (good(50, at(0)), Duration::from_secs(90));
        let free = "Ladeuze: 50 of 200 spaces free";
        let table = [
            (advised(&limits(), &sight, away, 1), format!("{free}, the only line with space.")),
            (
                advised(&limits(), &sight, away, 3),
                format!("{free}, 90 s away, chosen by travel time among 3 lines with space."),
            ),
            (
                advised(&limits(), &sight, Duration::ZERO, 3),
                format!("{free}, the first of 3 lines with space."),
            ),
            (not_advised(0, 0), "No line can be advised.".into()),
            (not_advised(3, 0), "No advice: no line shows free spaces.".into()),
            (not_advised(3, 2), "No advice yet, for calm: 2 of 3 lines have space.".into()),
        ];
        for (sentence, expected) in table {
            assert_eq!(sentence, expected);
        }
    }
}
