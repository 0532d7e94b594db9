//! Why a face has its content, in sentences for an operator.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use vlot_model::{
    AnchorKind, Certainty, City, ClosedBy, Face, FaceRow, FacilityStatus, Figure, Quality, Sight, SureWhy,
    Target, Timestamp,
};

/// Why a face has its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reasons {
    /// Why this advice, or why none.
    pub advice: String,
    /// One sentence a row, in the rows' order: figures, thresholds, quality.
    pub rows: Vec<String>,
}

/// The reasons of `face`, a face of a sign of `city`.
#[must_use]
pub fn reasons(face: &Face, city: &City) -> Reasons {
    let rows = face.rows.iter().map(|r| row(&Limits::of(city, r.target), r, face.decided_at)).collect();
    let advised = face.advice.and_then(|line| {
        let row = face.rows.get(line as usize)?;
        let line = city.signs.get(face.sign.at()).and_then(|sign| sign.lines.get(line as usize));
        let away = line.map_or(Duration::ZERO, |line| line.travel_time);
        Some(advised(&Limits::of(city, row.target), &row.why.sight, away, face.choice.candidates))
    });
    let advice = advised.unwrap_or_else(|| not_advised(face.choice.lines, face.choice.candidates));
    Reasons { advice, rows }
}

/// What is fixed about a line.
#[derive(Clone, Copy, Debug)]
struct Limits<'c> {
    /// The target's own name.
    name: &'c str,
    /// "spaces" or "places".
    unit: &'static str,
    /// FULL from so many free downwards, figures again from so many upwards; `None` for a garage as a whole.
    full: Option<(u32, u32)>,
    /// Below this share of reporting sensors a figure is not good.
    min_share: Option<f32>,
    /// Nothing is said of an interval that is wider than this share of the capacity.
    width_max: Option<f64>,
}

impl<'c> Limits<'c> {
    fn of(city: &'c City, target: Target) -> Self {
        let limits = match target {
            Target::Facility(f) => city.facilities.get(f.at()).map(|f| Limits {
                name: &f.name,
                unit: "spaces",
                full: Some((f.full_at, f.reopen_at)),
                min_share: Some(f.min_share),
                width_max: Some(f.estimate.width_max),
            }),
            Target::Group { facility, .. } => city.facilities.get(facility.at()).map(|f| Limits {
                name: &f.name,
                unit: "spaces of the group",
                full: Some((0, 1)),
                min_share: Some(f.min_share),
                width_max: None,
            }),
            Target::Place(p) => city.places.get(p.at()).map(|p| Limits {
                name: &p.name,
                unit: "spaces",
                full: None,
                min_share: None,
                width_max: None,
            }),
            Target::Garage(g) => city.garages.get(g.at()).map(|g| Limits {
                name: &g.name,
                unit: "places",
                full: None,
                min_share: None,
                width_max: None,
            }),
            Target::Section(s) => city.sections.get(s.at()).map(|s| Limits {
                name: &s.name,
                unit: "places",
                full: Some((s.full_at, s.reopen_at)),
                min_share: None,
                width_max: None,
            }),
        };
        limits.unwrap_or(Limits { name: "?", unit: "spaces", full: None, min_share: None, width_max: None })
    }
}

/// Why a row of a face that was decided on at `at` shows what it shows.
fn row(limits: &Limits<'_>, row: &FaceRow, at: Timestamp) -> String {
    let (sight, shown, wanted, until) = (&row.why.sight, row.figure, row.why.wanted, row.why.calm_until);
    let mut out = Sentence::new(limits.name);
    if let Target::Place(_) = row.target {
        match row.minutes {
            Some(minutes) => out.add(format_args!("{minutes} min away; nothing is counted there")),
            None => out.add(format_args!("no way leads there now")),
        }
        return out.end();
    }
    match wanted {
        Figure::Blank => {
            out.add(format_args!("nothing is shown"));
            distrust(&mut out, limits, sight, at);
        }
        Figure::Closed => closed(&mut out, sight),
        Figure::Full => {
            out.add(format_args!("full, "));
            free(&mut out, limits, sight);
        }
        Figure::Free(_) => free(&mut out, limits, sight),
    }
    if let (Figure::Free(figure), Some(free)) = (wanted, sight.sayable())
        && figure != free
    {
        out.add(format_args!("; rounded down to {figure}"));
    }
    if shown != wanted {
        match shown {
            Figure::Free(figure) => out.add(format_args!("; {figure} stays")),
            Figure::Full => out.add(format_args!("; full stays")),
            Figure::Closed => out.add(format_args!("; closed stays")),
            Figure::Blank => out.add(format_args!("; nothing stays")),
        }
        if let Some(until) = until {
            out.add(format_args!(" until {until} at the latest"));
        }
        out.add(format_args!(", for calm"));
    }
    let old = matches!(sight.quality, Quality::Stale | Quality::Missing);
    if wanted == Figure::Closed && old {
        match sight.quality {
            Quality::Stale => out.add(format_args!("; its figure is stale, which does not matter here")),
            _ => out.add(format_args!("; of its figure nothing is known, which does not matter here")),
        }
    } else if wanted != Figure::Blank {
        let quality = if sight.quality == Quality::Degraded { "degraded" } else { "good" };
        out.add(format_args!("; quality {quality}"));
        sensors(&mut out, sight);
        times(&mut out, sight);
    }
    if let Some(certainty) = &sight.certainty {
        sources(&mut out, certainty);
    }
    out.end()
}

/// A sentence in one piece of memory: faces are decided on often, and read seldom.
struct Sentence(String);

impl Sentence {
    fn new(subject: &str) -> Self {
        let mut text = String::with_capacity(256);
        text.push_str(subject);
        text.push_str(": ");
        Sentence(text)
    }

    fn add(&mut self, words: std::fmt::Arguments<'_>) {
        // Memory takes all that is written.
        let _never_fails = self.0.write_fmt(words);
    }

    fn end(mut self) -> String {
        self.0.push('.');
        self.0
    }
}

fn free(out: &mut Sentence, limits: &Limits<'_>, sight: &Sight) {
    if let Some(certainty) = &sight.certainty {
        interval(out, limits, sight, certainty);
        match certainty.says {
            Figure::Free(free) if Some(free) == sight.free => {}
            Figure::Free(free) => out.add(format_args!(", {free} for sure")),
            _ => {}
        }
        return thresholds(out, limits);
    }
    match sight.free {
        Some(free) => out.add(format_args!("{free} of {} {} free", sight.capacity, limits.unit)),
        None => out.add(format_args!("free spaces not stated")),
    }
    thresholds(out, limits);
}

/// From where to where the free spaces may be.
fn interval(out: &mut Sentence, limits: &Limits<'_>, sight: &Sight, certainty: &Certainty) {
    let (low, high) = free_ends(sight, certainty);
    if low == high {
        out.add(format_args!("{low} of {} {} free", sight.capacity, limits.unit));
    } else {
        out.add(format_args!("between {low} and {high} of {} {} free at 95 %", sight.capacity, limits.unit));
    }
}

fn free_ends(sight: &Sight, certainty: &Certainty) -> (u32, u32) {
    let free = |occupied| sight.capacity.saturating_sub(occupied);
    (free(certainty.occupied_high), free(certainty.occupied_low))
}

/// How its sources stand to each other, and to the truth when it was last known.
fn sources(out: &mut Sentence, certainty: &Certainty) {
    if certainty.bays_alone {
        out.add(format_args!(
            "; a barrier or counter is silent or not believed, its bays carry the figure alone"
        ));
    }
    if certainty.conflict {
        out.add(format_args!("; its sources contradict each other"));
    }
    let Some(anchored) = certainty.anchored else { return };
    let by = match anchored.by {
        AnchorKind::Verified => "verified",
        AnchorKind::Corrected => "corrected",
        AnchorKind::Stated => "stated by its controller",
        AnchorKind::ClosedAndEmpty => "closed and empty",
    };
    out.add(format_args!("; last {by} at {}", anchored.at));
    match anchored.drift {
        Some(drift) if drift != 0 => out.add(format_args!(", {drift:+} vehicles of drift then")),
        _ => {}
    }
}

fn thresholds(out: &mut Sentence, limits: &Limits<'_>) {
    match limits.full {
        Some((full_at, reopen_at)) => {
            out.add(format_args!(" (full at {full_at} or fewer, open again from {reopen_at})"));
        }
        None => out.add(format_args!(" (full when no section has space)")),
    }
}

fn sensors(out: &mut Sentence, sight: &Sight) {
    if sight.sensors.total > 0 {
        out.add(format_args!(", {} of {} sensors report", sight.sensors.reporting, sight.sensors.total));
    }
}

fn times(out: &mut Sentence, sight: &Sight) {
    if let Some(at) = sight.observed_at {
        out.add(format_args!(", observed at {at}"));
    }
    if let Some(until) = sight.valid_until {
        out.add(format_args!(", valid until {until}"));
    }
}

/// Who says that it is closed.
fn closed(out: &mut Sentence, sight: &Sight) {
    let Some(closed) = sight.closed else { return out.add(format_args!("closed")) };
    out.add(format_args!(
        "closed, {}",
        match closed.by {
            ClosedBy::Operator => "by an operator, until taken back",
            ClosedBy::Hours => "by its opening hours",
            ClosedBy::OwnWord => "as it says itself",
            ClosedBy::Dates => "for it does not stand there on this date",
        }
    ));
    match (closed.by, closed.until) {
        (ClosedBy::OwnWord, Some(until)) => out.add(format_args!(", which holds until {until}")),
        (_, Some(until)) => out.add(format_args!(", until {until}")),
        (_, None) => {}
    }
}

/// Why nothing can be said.
fn distrust(out: &mut Sentence, limits: &Limits<'_>, sight: &Sight, at: Timestamp) {
    if let Some(certainty) = &sight.certainty
        && sight.is_trusted(at)
        && certainty.says == Figure::Blank
        && certainty.why != SureWhy::SensorsMissing
    {
        return unsure(out, limits, sight, certainty);
    }
    let what = match sight.quality {
        Quality::Missing => return out.add(format_args!(", nothing is known of it yet")),
        Quality::Degraded => return degraded(out, limits, sight),
        Quality::Stale => "its figure is stale",
        Quality::Good if !sight.is_trusted(at) => "its figure is past its validity",
        Quality::Good if sight.status == FacilityStatus::Unknown => "its status is unknown",
        Quality::Good => "its free spaces are not stated",
    };
    out.add(format_args!(", {what}"));
    times(out, sight);
}

/// Why an interval says nothing.
fn unsure(out: &mut Sentence, limits: &Limits<'_>, sight: &Sight, certainty: &Certainty) {
    let wide = certainty.occupied_high.saturating_sub(certainty.occupied_low);
    match certainty.why {
        SureWhy::TooWide => {
            let share = limits.width_max.unwrap_or(0.0) * 100.0;
            out.add(format_args!(
                ": the interval of {wide} is wider than {share:.0} % of {}, ",
                sight.capacity
            ));
        }
        SureWhy::MayNotBeFull => out.add(format_args!(": it is nearly full, and may not be, ")),
        _ => out.add(format_args!(": there is space by the best figure, and perhaps none, ")),
    }
    interval(out, limits, sight, certainty);
    thresholds(out, limits);
}

fn degraded(out: &mut Sentence, limits: &Limits<'_>, sight: &Sight) {
    out.add(format_args!(", its figure is degraded"));
    if sight.sensors.total > 0 {
        sensors(out, sight);
        if let Some(share) = limits.min_share {
            out.add(format_args!(", {:.0} % are asked for", share * 100.0));
        }
    }
    if sight.lost_messages > 0 {
        out.add(format_args!(", {} messages of its devices are lost", sight.lost_messages));
    }
}

/// Why a line is advised.
fn advised(limits: &Limits<'_>, sight: &Sight, travel_time: Duration, candidates: u32) -> String {
    let mut out = Sentence::new(limits.name);
    out.add(format_args!("{} of {} {} free, ", sight.sayable().unwrap_or(0), sight.capacity, limits.unit));
    match (candidates, travel_time.as_secs()) {
        (0 | 1, _) => out.add(format_args!("the only line with space")),
        (n, 0) => out.add(format_args!("the first of {n} lines with space")),
        // How it was chosen is in the sign's plan, with figures.
        (n, _) => out.add(format_args!("chosen among {n} lines with space")),
    }
    out.end()
}

/// Why no line is advised.
fn not_advised(lines: u32, candidates: u32) -> String {
    match (lines, candidates) {
        (0, _) => "No line can be advised.".into(),
        (_, 0) => "No advice: no line shows free spaces.".into(),
        (_, n) => format!("No advice yet, for calm: {n} of {lines} lines have space."),
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{Arrow, FacilityIx, RowReason, Share};

    use super::*;

    fn limits() -> Limits<'static> {
        Limits {
            name: "Ladeuze",
            unit: "spaces",
            full: Some((4, 10)),
            min_share: Some(0.75),
            width_max: Some(0.2),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + second)
    }

    fn good(free: u32) -> Sight {
        Sight {
            free: Some(free),
            capacity: 200,
            status: FacilityStatus::SpacesAvailable,
            closed: None,
            quality: Quality::Good,
            observed_at: Some(at(0)),
            valid_until: Some(at(60)),
            sensors: Share { reporting: 4, total: 4 },
            lost_messages: 0,
            certainty: None,
        }
    }

    fn sentence(limits: &Limits<'_>, sight: Sight, figure: Figure, wanted: Figure) -> String {
        let why = RowReason { sight, wanted, calm_until: Some(at(20)) };
        let target = Target::Facility(FacilityIx(0));
        row(
            limits,
            &FaceRow {
                target,
                label: "L".into(),
                arrow: Arrow::None,
                figure,
                minutes: None,
                filling: false,
                why,
            },
            at(1),
        )
    }

    #[test]
    fn every_row_says_why() {
        let good = good(123);
        let bad = |quality| Sight { quality, ..good };
        let degraded =
            Sight { sensors: Share { reporting: 2, total: 4 }, lost_messages: 3, ..bad(Quality::Degraded) };
        let unknown = Sight { status: FacilityStatus::Unknown, ..good };
        let shut = |by, until, quality| {
            let closed = Some(vlot_model::Closed { by, until });
            Sight { status: FacilityStatus::Closed, closed, quality, ..good }
        };
        let until = "1970-01-12T13:47:10Z";
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
            (
                shut(ClosedBy::OwnWord, Some(at(30)), Quality::Good),
                Figure::Closed,
                format!("closed, as it says itself, which holds until {until}; {trust}."),
            ),
            (
                shut(ClosedBy::Operator, None, Quality::Stale),
                Figure::Closed,
                "closed, by an operator, until taken back; its figure is stale, which does not matter here.".into(),
            ),
            (
                shut(ClosedBy::Hours, Some(at(30)), Quality::Missing),
                Figure::Closed,
                format!(
                    "closed, by its opening hours, until {until}; of its figure nothing is known, which does not matter here."
                ),
            ),
            (
                shut(ClosedBy::Dates, None, Quality::Missing),
                Figure::Closed,
                "closed, for it does not stand there on this date; of its figure nothing is known, which does not matter here."
                    .into(),
            ),
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
            let wanted = match shown {
                Figure::Free(_) | Figure::Full => Figure::Free(120),
                other => other,
            };
            let sentence = sentence(&limits(), sight, shown, wanted);
            assert_eq!(sentence, format!("Ladeuze: {expected}"));
        }
        let garage = Limits { full: None, unit: "places", ..limits() };
        let sentence = sentence(&garage, good, Figure::Free(120), Figure::Free(120));
        assert!(sentence.contains("123 of 200 places free (full when no section has space);"), "{sentence}");
    }

    #[test]
    fn a_row_says_how_sure_it_is() {
        let sure = |low, high, says, why, conflict, drift| {
            let at = Timestamp::from_secs(999_000);
            let anchored = vlot_model::Anchored { at, by: AnchorKind::Verified, drift };
            let (occupied_low, occupied_high, anchored) = (low, high, Some(anchored));
            Certainty { occupied_low, occupied_high, says, why, conflict, bays_alone: false, anchored }
        };
        let times = "observed at 1970-01-12T13:46:40Z, valid until 1970-01-12T13:47:40Z";
        let full = "(full at 4 or fewer, open again from 10)";
        let last = "last verified at 1970-01-12T13:30:00Z";
        let trust = format!("quality good, 4 of 4 sensors report, {times}; {last}");
        use SureWhy::{MayBeFull, MayNotBeFull, Sure, TooWide};
        let table = [
            (
                (181, 188, Figure::Free(11), Sure, false, None),
                Figure::Free(11),
                format!("between 12 and 19 of 200 spaces free at 95 %, 11 for sure {full}; {trust}."),
            ),
            (
                (195, 198, Figure::Full, Sure, false, Some(0)),
                Figure::Full,
                format!("full, between 2 and 5 of 200 spaces free at 95 % {full}; {trust}."),
            ),
            (
                (40, 160, Figure::Blank, TooWide, true, Some(-12)),
                Figure::Blank,
                format!(
                    "nothing is shown: the interval of 120 is wider than 20 % of 200, between 40 and 160 of 200 spaces \
                     free at 95 % {full}; its sources contradict each other; {last}, -12 vehicles of drift then."
                ),
            ),
            (
                (185, 199, Figure::Blank, MayNotBeFull, false, None),
                Figure::Blank,
                format!(
                    "nothing is shown: it is nearly full, and may not be, between 1 and 15 of 200 spaces free at 95 % \
                     {full}; {last}."
                ),
            ),
            (
                (185, 200, Figure::Blank, MayBeFull, false, None),
                Figure::Blank,
                format!(
                    "nothing is shown: there is space by the best figure, and perhaps none, between 0 and 15 of 200 \
                     spaces free at 95 % {full}; {last}."
                ),
            ),
        ];
        for ((low, high, says, why, conflict, drift), shown, expected) in table {
            let certainty = Some(sure(low, high, says, why, conflict, drift));
            let quality = if why == TooWide { Quality::Degraded } else { Quality::Good };
            let sentence = sentence(&limits(), Sight { certainty, quality, ..good(16) }, shown, shown);
            assert_eq!(sentence, format!("Ladeuze: {expected}"));
        }
        let certainty = Certainty { bays_alone: true, ..sure(181, 188, Figure::Free(11), Sure, false, None) };
        let sight = Sight { certainty: Some(certainty), quality: Quality::Degraded, ..good(16) };
        let sentence = sentence(&limits(), sight, Figure::Free(11), Figure::Free(11));
        let silent = "; a barrier or counter is silent or not believed, its bays carry the figure alone; last verified";
        assert!(sentence.contains("; quality degraded") && sentence.contains(silent), "{sentence}");
    }

    #[test]
    fn every_advice_says_why() {
        let (sight, away) = (good(50), Duration::from_secs(90));
        let free = "Ladeuze: 50 of 200 spaces free";
        let table = [
            (advised(&limits(), &sight, away, 1), format!("{free}, the only line with space.")),
            (advised(&limits(), &sight, away, 3), format!("{free}, chosen among 3 lines with space.")),
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
