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
