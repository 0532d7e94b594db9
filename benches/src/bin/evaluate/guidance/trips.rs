//! Who drives in a scenario: trips, flows and vehicles with routes, as far as they go by car between streets of the net.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::elements::Element;
use super::files::{Files, stop};

/// A flow without an end would fill the memory.
const MOST: usize = 2_000_000;
/// A flow that says no end: as SUMO has it.
const FLOW_S: f64 = 86_400.0;
/// Classes of SUMO that do not go by the streets of cars.
const OTHERS: [&str; 9] =
    ["bicycle", "pedestrian", "tram", "rail", "rail_urban", "rail_electric", "rail_fast", "subway", "ship"];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trip {
    pub(super) depart_s: f64,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) park: Option<usize>,
}

/// All trips, from the first departure on; of those who park, how long.
pub(super) fn trips(
    files: &Files,
    by_id: &BTreeMap<String, usize>,
    parks: &BTreeMap<String, usize>,
    notes: &mut Vec<String>,
) -> Result<(Vec<Trip>, Vec<f64>)> {
    let (mut trips, mut stays) = (Vec::new(), Vec::new());
    let (mut nowhere, mut no_car, mut no_park) = (0, 0, 0);
    for drive in &files.drives {
        let class = drive.text("type").and_then(|name| files.classes.get(name));
        if class.is_some_and(|class| OTHERS.contains(&class.as_str())) {
            no_car += 1;
            continue;
        }
        let (departs, Some((from, to))) = (departs(drive), ends(drive, files, by_id)) else {
            nowhere += 1;
            continue;
        };
        if departs.is_empty() {
            nowhere += 1;
            continue;
        }
        ensure!(trips.len() + departs.len() < MOST, "more than {MOST} trips (hint: has a flow an `end`?)");
        let stop = stop(drive);
        let park = stop.and_then(|stop| parks.get(stop.text("parkingArea")?)).copied();
        if stop.is_some() && park.is_none() {
            no_park += 1;
            continue;
        }
        for depart_s in departs {
            let until = || Some(stop?.seconds("until")? - depart_s).filter(|stay| *stay > 0.0);
            stays.extend(stop.and_then(|stop| stop.seconds("duration").or_else(until)));
            trips.push(Trip { depart_s, from, to, park });
        }
    }
    let mut left_out = |count: usize, why: &str| {
        if count > 0 {
            notes.push(format!("{count} of {} trips are left out: {why}", files.drives.len()));
        }
    };
    left_out(
        nowhere,
        "no time of departure, or no edges with cars at both ends (zones and junctions are not read)",
    );
    left_out(no_car, "they are not by car");
    left_out(no_park, "they stop at a car park that is not there, or that is left out itself");
    let first_s = trips.iter().map(|trip| trip.depart_s).fold(f64::INFINITY, f64::min);
    trips.iter_mut().for_each(|trip| trip.depart_s -= first_s);
    Ok((trips, stays))
}

/// The first edge and the last one.
fn ends(drive: &Element, files: &Files, by_id: &BTreeMap<String, usize>) -> Option<(usize, usize)> {
    let own = drive.all("route").next().and_then(|route| route.text("edges"));
    let named = || files.routes.get(drive.text("route")?).map(String::as_str);
    let (from, to) = match own.or_else(named) {
        Some(edges) => (edges.split_whitespace().next()?, edges.split_whitespace().next_back()?),
        None => (drive.text("from")?, drive.text("to")?),
    };
    Some((*by_id.get(from)?, *by_id.get(to)?))
}

/// One time for a vehicle, several for a flow: evenly, also where SUMO draws them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of vehicles, bounded")]
fn departs(drive: &Element) -> Vec<f64> {
    if drive.name != "flow" {
        return drive.seconds("depart").into_iter().collect();
    }
    let begin_s = drive.seconds("begin").unwrap_or(0.0);
    let lasts_s = drive.seconds("end").unwrap_or(begin_s + FLOW_S) - begin_s;
    // `exp(rate)` is a period drawn around 1/rate.
    let drawn = || drive.text("period")?.strip_prefix("exp(")?.strip_suffix(')')?.parse::<f64>().ok();
    let rate = (drive.number("probability").or_else(drawn))
        .or_else(|| drive.seconds("period").map(|period_s| 1.0 / period_s))
        .or_else(|| drive.number("vehsPerHour").or_else(|| drive.number("perHour")).map(|vph| vph / 3_600.0));
    let count = drive.number("number");
    let count = match (count, rate) {
        (Some(count), None) => count,
        (Some(count), Some(rate)) => count.min(rate * lasts_s),
        (None, Some(rate)) => rate * lasts_s,
        (None, None) => 0.0,
    };
    let every_s = rate.map_or(lasts_s / count, |rate| 1.0 / rate);
    if !(lasts_s > 0.0 && count > 0.0 && every_s > 0.0) {
        return Vec::new();
    }
    (0..count.min(MOST as f64).round() as usize).map(|n| begin_s + n as f64 * every_s).collect()
}
