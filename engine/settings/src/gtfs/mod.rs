//! Departures between pairs of stops, from a feed of timetables (GTFS Schedule, a zip of CSV files).
//!
//! A country's feed has hundreds of megabytes of stop times, of which a city's edge car parks need a few hundred rows: the files are
//! read through once, and what does not call at one of the wanted stops is let go at once.

mod days;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use vlot_model::{LonLat, Run, ServiceDay, Timestamp, Timetable};
use zip::ZipArchive;

use rows::Rows;

/// More calls at the wanted stops are no timetable.
const CALLS_MAX: usize = 2_000_000;
/// More runs of one pair are none either.
const RUNS_MAX: usize = 100_000;
const HALF_A_DAY_US: i64 = 12 * 3_600 * 1_000_000;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// What a feed says of a pair of stops.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Between {
    /// With at least one run.
    pub(crate) timetable: Timetable,
    /// Where one gets off.
    pub(crate) alights: LonLat,
}

/// Why it says nothing of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The first stop is not in it.
    From,
    /// The second one is not.
    To,
    /// Both are, and nothing goes from one to the other.
    NoRun,
}

/// A stop of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    sequence: u32,
    /// Position of the wanted stop.
    stop: usize,
    arrives_s: u32,
    leaves_s: u32,
    boards: bool,
    alights: bool,
}

/// What is between each pair of stops, in the pairs' order; for a station its platforms count.
///
/// # Errors
/// What is wrong with the feed as a whole.
pub(crate) fn read(
    name: &str,
    bytes: &[u8],
    pairs: &[[&str; 2]],
) -> Result<Vec<Result<Between, Unknown>>, String> {
    let mut feed = ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("is no zip file: {e}"))?;
    let wanted: BTreeSet<&str> = pairs.iter().flatten().copied().collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let place = |id: &str| wanted.binary_search(&id).ok();
    let zone = zone(&mut feed)?;
    let (stops, positions) = stops(&mut feed, &wanted)?;
    let repeated = repeated(&mut feed)?;
    let (mut trips, begins) = calls(&mut feed, &stops, &repeated)?;
    // A trip that calls at one wanted stop alone leads nowhere.
    trips.retain(|_, calls| {
        calls.sort_unstable();
        calls.iter().any(|call| call.stop != calls[0].stop)
    });
    let (services, names) = services(&mut feed, &trips)?;
    let days = days::of(&mut feed, &names)?;
    pairs
        .iter()
        .map(|[from, to]| {
            let (Some(from), Some(to)) = (place(from), place(to)) else { return Ok(Err(Unknown::NoRun)) };
            if positions[from].is_none() {
                return Ok(Err(Unknown::From));
            }
            let Some(alights) = positions[to] else { return Ok(Err(Unknown::To)) };
            let mut runs = BTreeSet::new();
            for (trip, calls) in &trips {
                let (Some(service), Some((board, alight))) = (services.get(trip), leg(calls, from, to))
                else {
                    continue;
                };
                let ride_s = alight.arrives_s - board.leaves_s;
                let run = |leaves_s| Run { leaves_s, ride_s, service: *service };
                match (repeated.get(trip), begins.get(trip)) {
                    (Some(starts), Some(begins)) => {
                        let into_s = board.leaves_s.saturating_sub(*begins);
                        runs.extend(starts.iter().map(|start_s| run(start_s.saturating_add(into_s))));
                    }
                    _ => drop(runs.insert(run(board.leaves_s))),
                }
            }
            if runs.len() > RUNS_MAX {
                return Err(format!(
                    "has {} runs between two stops, more than the {RUNS_MAX} that are read",
                    runs.len()
                ));
            }
            let go: BTreeSet<u32> = runs.iter().map(|run| run.service).collect();
            let days = service_days(&days, &go, &zone)?;
            if days.is_empty() {
                return Ok(Err(Unknown::NoRun));
            }
            let timetable = Timetable { feed: name.into(), days, runs: runs.into_iter().collect() };
            Ok(Ok(Between { timetable, alights }))
        })
        .collect()
}

/// Where one boards and gets off: the soonest there from the last place to board before.
fn leg(calls: &[Call], from: usize, to: usize) -> Option<(Call, Call)> {
    let boards = |call: &&Call| call.stop == from && call.boards;
    let rides = calls.iter().filter(boards).filter_map(|board| {
        let later = |call: &&Call| call.sequence > board.sequence && call.stop == to && call.alights;
        let alight = calls.iter().find(later)?;
        // A row whose times run backwards says nothing.
        (alight.arrives_s >= board.leaves_s).then_some((*board, *alight))
    });
    rides.min_by_key(|(board, alight)| alight.arrives_s - board.leaves_s)
}

fn zone(feed: &mut Archive<'_>) -> Result<TimeZone, String> {
    let mut agencies = Rows::open(feed, "agency.txt")?.ok_or("has no agency.txt")?;
    let [zone] = agencies.columns(["agency_timezone"])?;
    // All agencies of a feed have the same.
    let first = agencies.next()?.ok_or("agency.txt names no agency")?;
    let name = first.get(zone);
    TimeZone::get(name).map_err(|_| format!("agency.txt: {name:?} is no time zone"))
}

type Stops = BTreeMap<Box<str>, Vec<usize>>;

/// Which wanted stops each stop of the feed stands for, and where those are.
fn stops(feed: &mut Archive<'_>, wanted: &[&str]) -> Result<(Stops, Vec<Option<LonLat>>), String> {
    let mut rows = Rows::open(feed, "stops.txt")?.ok_or("has no stops.txt")?;
    let [id, lat, lon] = rows.columns(["stop_id", "stop_lat", "stop_lon"])?;
    let parent = rows.column("parent_station");
    let mut stops = Stops::new();
    let mut positions = vec![None; wanted.len()];
    while let Some(row) = rows.next()? {
        let stop = row.get(id);
        let parent = parent.map_or("", |parent| row.get(parent));
        let stands_for: Vec<usize> =
            [stop, parent].iter().filter_map(|name| wanted.binary_search(name).ok()).collect();
        if let Ok(at) = wanted.binary_search(&stop) {
            let (lat, lon) = (row.number(lat)?, row.number(lon)?);
            if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lon) {
                return Err(row.wrong(&format!("{lat},{lon} is no place on the earth")));
            }
            positions[at] = Some(LonLat { lon, lat });
        }
        if !stands_for.is_empty() {
            stops.insert(stop.into(), stands_for);
        }
    }
    Ok((stops, positions))
}

/// Calls at the wanted stops, by trip; and when trips begin that are `repeated`. A row without times is none: what stands between
/// two stops is not guessed.
#[expect(clippy::type_complexity, reason = "two tables of one reading")]
fn calls(
    feed: &mut Archive<'_>,
    stops: &Stops,
    repeated: &BTreeMap<Box<str>, BTreeSet<u32>>,
) -> Result<(BTreeMap<Box<str>, Vec<Call>>, BTreeMap<Box<str>, u32>), String> {
    let mut rows = Rows::open(feed, "stop_times.txt")?.ok_or("has no stop_times.txt")?;
    let [trip, stop, sequence, arrives, leaves] =
        rows.columns(["trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"])?;
    let [boards, alights] = ["pickup_type", "drop_off_type"].map(|name| rows.column(name));
    let mut trips: BTreeMap<Box<str>, Vec<Call>> = BTreeMap::new();
    let mut begins: BTreeMap<Box<str>, u32> = BTreeMap::new();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if repeated.contains_key(row.get(trip))
            && let Some(leaves_s) = row.time(leaves)?
        {
            let first = begins.entry(row.get(trip).into()).or_insert(leaves_s);
            *first = leaves_s.min(*first);
        }
        let Some(stands_for) = stops.get(row.get(stop)) else { continue };
        let (Some(arrives_s), Some(leaves_s)) = (row.time(arrives)?, row.time(leaves)?) else { continue };
        let sequence = row.whole(sequence)?;
        let may = |column: Option<usize>| column.is_none_or(|column| row.get(column) != "1");
        for stop in stands_for {
            let call = Call {
                sequence,
                stop: *stop,
                arrives_s,
                leaves_s,
                boards: may(boards),
                alights: may(alights),
            };
            trips.entry(row.get(trip).into()).or_default().push(call);
            count += 1;
        }
        if count > CALLS_MAX {
            return Err(format!(
                "stop_times.txt: more than {CALLS_MAX} calls at the stops that are asked for"
            ));
        }
    }
    Ok((trips, begins))
}

/// Which service each trip belongs to, by number, and the services' names by number.
#[expect(clippy::type_complexity, reason = "two tables of one reading")]
fn services(
    feed: &mut Archive<'_>,
    trips: &BTreeMap<Box<str>, Vec<Call>>,
) -> Result<(BTreeMap<Box<str>, u32>, BTreeMap<Box<str>, u32>), String> {
    let mut rows = Rows::open(feed, "trips.txt")?.ok_or("has no trips.txt")?;
    let [trip, service] = rows.columns(["trip_id", "service_id"])?;
    let (mut of_trip, mut names) = (BTreeMap::new(), BTreeMap::new());
    while let Some(row) = rows.next()? {
        if trips.contains_key(row.get(trip)) {
            let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
            let number = *names.entry(row.get(service).into()).or_insert(next);
            of_trip.insert(row.get(trip).into(), number);
        }
    }
    Ok((of_trip, names))
}

/// When trips start that are stated once and run every so many seconds.
fn repeated(feed: &mut Archive<'_>) -> Result<BTreeMap<Box<str>, BTreeSet<u32>>, String> {
    let mut starts: BTreeMap<Box<str>, BTreeSet<u32>> = BTreeMap::new();
    let Some(mut rows) = Rows::open(feed, "frequencies.txt")? else { return Ok(starts) };
    let [trip, from, until, every] = rows.columns(["trip_id", "start_time", "end_time", "headway_secs"])?;
    while let Some(row) = rows.next()? {
        let (Some(mut start), Some(until)) = (row.time(from)?, row.time(until)?) else { continue };
        let every = row.whole(every)?.max(1);
        let of_trip = starts.entry(row.get(trip).into()).or_default();
        while start < until && of_trip.len() < RUNS_MAX {
            of_trip.insert(start);
            start = start.saturating_add(every);
        }
    }
    Ok(starts)
}

/// The days on which at least one of these services goes.
fn service_days(
    days: &BTreeMap<Date, BTreeSet<u32>>,
    go: &BTreeSet<u32>,
    zone: &TimeZone,
) -> Result<Vec<ServiceDay>, String> {
    let some = days.iter().filter_map(|(date, services)| {
        let services: Vec<u32> = services.intersection(go).copied().collect();
        (!services.is_empty()).then_some((date, services))
    });
    some.map(|(date, services)| {
        // Noon less twelve hours: on the days on which the clocks change that is not midnight.
        let noon = zone.to_ambiguous_timestamp(date.at(12, 0, 0, 0)).compatible();
        let noon = noon.map_err(|e| format!("{date} is no day: {e}"))?;
        Ok(ServiceDay { begins: Timestamp::from_micros(noon.as_microsecond() - HALF_A_DAY_US), services })
    })
    .collect()
}
