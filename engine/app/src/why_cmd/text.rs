//! The answer for people.

use std::fmt::Write as _;

use vlot_proto::guidance::v1::{ArrivalBasis, ComparedLine, PlaceReadings, WayKind, WhyResponse};

use super::instant;
use crate::watch::row;

/// Readings of a place that are printed.
const READINGS: usize = 5;

pub(crate) fn text(answer: &WhyResponse) -> String {
    let mut out = String::new();
    write(&mut out, answer);
    out
}

macro_rules! line {
    ($out:expr, $($words:tt)*) => {
        {
            // Memory takes all that is written.
            let _never_fails = writeln!($out, $($words)*);
        }
    };
}

fn write(out: &mut String, answer: &WhyResponse) {
    let at = instant(answer.at);
    line!(out, "{} ({}) at {at}, tick {}", answer.sign_id, answer.sign_name, answer.tick);
    match &answer.face {
        None => line!(out, "\nno face yet"),
        Some(face) => {
            line!(
                out,
                "\nface {} of {}, valid until {}",
                face.version,
                instant(face.decided_at),
                instant(face.valid_until)
            );
            for (n, of) in (0..).zip(&face.rows) {
                line!(out, "  {}", indented(&row(of, face.advised_row == Some(n))));
            }
            if let Some(trigger) = &face.trigger {
                line!(
                    out,
                    "  changed by a reading of {}, {}",
                    trigger.device_id,
                    instant(trigger.observed_at)
                );
            }
            let reason = face.reason.clone().unwrap_or_default();
            line!(out, "\nwhat it says");
            reason.rows.iter().for_each(|why| line!(out, "  {why}"));
        }
    }
    if let Some(decision) = &answer.decision {
        line!(out, "\nwhat it advises, decided at {}", instant(decision.decided_at));
        line!(out, "  {}", decision.why);
        // Inside a garage nobody looks for a space.
        if decision.seekers_vph >= 0.5 {
            line!(
                out,
                "  {:.0} vehicles an hour look for a space and come to this sign first",
                decision.seekers_vph
            );
        }
    } else {
        line!(out, "\nnothing is decided on its advice yet");
    }
    if !answer.lines.is_empty() {
        line!(out, "\nwhat was compared");
        table(out, &answer.lines);
        answer.lines.iter().for_each(|of| line!(out, "  {}", of.why));
        for of in answer.lines.iter().filter(|of| !of.streets.is_empty()) {
            line!(out, "  to {}: {}", of.name, of.streets.join(", "));
        }
    }
    if let Some(guidance) = &answer.guidance {
        line!(out, "\nguidance, mode {}", guidance.mode);
        // Loads are of the whole city: those of the lines alone belong to this sign.
        let general = guidance.why.len().saturating_sub(guidance.loads.len());
        guidance.why.iter().take(general).for_each(|why| line!(out, "  {why}"));
        for (load, why) in guidance.loads.iter().zip(guidance.why.iter().skip(general)) {
            if answer.lines.iter().any(|of| of.target_id == load.facility_id) {
                line!(out, "  {why}");
            }
        }
    }
    if answer.journal_from.is_some() {
        line!(out, "\nlast readings before, of the journal from {} on", instant(answer.journal_from));
        answer.readings.iter().for_each(|place| readings(out, place));
    } else {
        line!(out, "\nreadings: not at hand now");
    }
}

/// The star of the advised row stands before the others.
fn indented(row: &str) -> String {
    if row.starts_with('*') { row.to_owned() } else { format!(" {row}") }
}

fn table(out: &mut String, lines: &[ComparedLine]) {
    let head = [
        "",
        "drive",
        "walk",
        "risk",
        "free on arrival",
        "chance",
        "on the way",
        "basis",
        "cost",
        "full at",
        "open from",
    ];
    let mut cells: Vec<[String; 11]> = vec![head.map(str::to_owned)];
    cells.extend(lines.iter().map(of_line));
    let widths: [usize; 11] =
        std::array::from_fn(|n| cells.iter().map(|row| row[n].chars().count()).max().unwrap_or(0));
    for row in &cells {
        let mut text = format!("  {:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            text.push_str(&format!("  {cell:>width$}"));
        }
        line!(out, "{}", text.trim_end());
    }
}

fn of_line(of: &ComparedLine) -> [String; 11] {
    let time = |s: Option<f32>| s.map_or_else(|| "-".to_owned(), minutes);
    let limit = |n: Option<u32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let drive = match of.way() {
        WayKind::None => "no way".to_owned(),
        WayKind::Configured => format!("{} as set", time(of.drive_s)),
        WayKind::Live | WayKind::Unspecified => time(of.drive_s),
    };
    let [free, chance, on_the_way, basis] = match &of.arrival {
        None => std::array::from_fn(|_| "-".to_owned()),
        Some(a) => [
            format!("{:.0} ({:.0} to {:.0})", a.free, a.free_low, a.free_high),
            // Nobody promises 100 %.
            format!("{:.0} %", (a.chance * 100.0).floor().min(99.0)),
            format!("{:.0}", a.on_the_way),
            match a.basis() {
                ArrivalBasis::Forecast => "forecast".to_owned(),
                ArrivalBasis::Trend => "trend".to_owned(),
                ArrivalBasis::Unspecified => "-".to_owned(),
            },
        ],
    };
    let name = format!("{} {}", if of.advised { "*" } else { " " }, of.name);
    let walk = of.walk_and_risk_s.and(of.walk_s.or(Some(0.0)));
    let risk = of.walk_and_risk_s.zip(walk).map(|(both, walk)| (both - walk).max(0.0));
    [
        name,
        drive,
        time(walk),
        time(risk),
        free,
        chance,
        on_the_way,
        basis,
        time(of.cost_s),
        limit(of.full_at),
        limit(of.reopen_at),
    ]
}

fn readings(out: &mut String, place: &PlaceReadings) {
    line!(out, "  {}: {} of {} devices had said something", place.name, place.devices_heard, place.devices);
    let width = place.readings.iter().take(READINGS).map(|r| r.device_id.len()).max().unwrap_or(0);
    for reading in place.readings.iter().take(READINGS) {
        let sequence = reading.sequence.map_or_else(String::new, |n| format!(", message {n}"));
        line!(
            out,
            "    {}  {:<width$}  {}{sequence}",
            instant(reading.observed_at),
            reading.device_id,
            reading.said
        );
    }
}

fn minutes(seconds: f32) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.1} min", seconds / 60.0) }
}

#[cfg(test)]
mod tests;
