//! Tracks matched to streets made of the true routes' geometry: how much of the true route is found, and how much of what is
//! found is true, both by length.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

mod streets;
mod tracks;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use vlot_gate::{Gate, Keys, Limits};
use vlot_model::{
    Anonymise, City, Device, DeviceIx, DeviceKind, LinkIx, Meters, Mode, Role, Sighting, Timestamp,
};
use vlot_network::matching::{Matched, Matcher, Point, Rules, Scratch, Tracker, match_track};

use crate::Options;
use streets::{Directions, Streets};
use tracks::Tracks;

/// The recordings, where no file is given.
const RECORDINGS: [&str; 2] = ["hof_points.csv", "hof_ground_truth.csv"];

/// Vehicles at once, where speed is measured.
const VEHICLES: usize = 10_000;

/// What became of all tracks at one rate.
#[derive(Default)]
struct Row {
    points: usize,
    true_m: f64,
    matched_m: f64,
    found_m: f64,
    breaks: usize,
    unused: usize,
    /// Share of each track's true route that was found, with its id.
    tracks: Vec<(f64, String)>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let files = if options.files.is_empty() { recordings() } else { options.files.clone() };
    let tracks = tracks::read(&files)?;
    let mut sets = Vec::new();
    if !options.json {
        println!("{} tracks", tracks.points.len());
        println!(
            "  streets     rate      points  true km  found %  true of matched %  worst track %  under 90 %  breaks  unused"
        );
    }
    for (name, directions) in [("both ways", Directions::Both), ("as driven", Directions::Driven)] {
        let streets = streets::streets(&tracks.truth, directions);
        let matcher = Matcher::new(streets.network.clone(), Mode::Car, Rules::default());
        for (rate, every) in [("recorded", 0), ("30 s", 30), ("60 s", 60)] {
            let every = Duration::from_secs(every);
            let row = row(&tracks.points, every, |points| match_track(&matcher, points), &streets);
            if options.json {
                sets.push(as_json(name, rate, &row));
            } else {
                print(name, rate, &row);
            }
        }
        if directions == Directions::Both {
            let row = row(&tracks.points, Duration::ZERO, |points| online(&matcher, points), &streets);
            if options.json {
                sets.push(as_json(name, "recorded, whole links as the engine follows them", &row));
            } else {
                print(name, "online", &row);
            }
        }
    }
    let speed = speed(&tracks);
    if options.json {
        println!(
            "{}",
            json!({ "matching": { "tracks": tracks.points.len(), "sets": sets, "points_per_second_and_core": { "matched": speed.matched, "through_the_gate": speed.gated } } })
        );
    } else {
        println!(
            "On one core, {VEHICLES} vehicles at once: {:.0} points a second matched, {:.0} from sightings to readings.",
            speed.matched, speed.gated
        );
    }
    Ok(())
}

fn recordings() -> Vec<PathBuf> {
    let dir =
        std::env::var_os("VLOT_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    RECORDINGS.map(|name| dir.join("probes").join(name)).into()
}

/// One point per so long, and the last one.
fn thin(points: &[Point], every: Duration) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        if i + 1 == points.len() || kept.last().is_none_or(|last| point.at.since(last.at) >= every) {
            kept.push(*point);
        }
    }
    kept
}

fn row(
    tracks: &BTreeMap<String, Vec<Point>>,
    every: Duration,
    matching: impl Fn(&[Point]) -> Matched,
    streets: &Streets,
) -> Row {
    let mut row = Row::default();
    for (id, points) in tracks {
        let points = thin(points, every);
        let matched = matching(&points);
        let mut metres: BTreeMap<LinkIx, f64> = BTreeMap::new();
        for passed in &matched.passed {
            *metres.entry(passed.link).or_default() += f64::from(passed.to_m - passed.from_m);
        }
        let truth = &streets.routes[id];
        let true_m: f64 = truth.values().sum();
        let found_m: f64 =
            truth.iter().map(|(link, m)| metres.get(link).copied().unwrap_or(0.0).min(*m)).sum();
        row.points += points.len();
        row.true_m += true_m;
        row.matched_m += metres.values().sum::<f64>();
        row.found_m += found_m;
        row.breaks += matched.breaks.len();
        row.unused += matched.unused;
        row.tracks.push((found_m / true_m, id.clone()));
    }
    row.tracks.sort_by(|a, b| a.0.total_cmp(&b.0));
    row
}

/// What the engine's tracker says: links that were gone along as a whole.
fn online(matcher: &Matcher, points: &[Point]) -> Matched {
    let (mut tracker, mut scratch, mut out) = (Tracker::new(), Scratch::new(), Vec::new());
    for point in points {
        tracker.take(matcher, &mut scratch, point, &mut out);
    }
    tracker.finish(matcher, &mut scratch, &mut out);
    let passed = out.iter().map(|t| vlot_network::matching::Passed {
        link: t.link,
        from_m: 0.0,
        to_m: matcher.network().link(t.link).map_or(0.0, |link| link.length_m),
        from: t.entered_at,
        to: t.left_at,
    });
    Matched { passed: passed.collect(), ..Matched::default() }
}

/// Processor time; elapsed time where the system does not tell.
struct Spent {
    on_processor: Option<f64>,
    started: Instant,
}

impl Spent {
    fn now() -> Self {
        Spent { on_processor: on_processor_s(), started: Instant::now() }
    }

    fn seconds(&self) -> f64 {
        match (self.on_processor, on_processor_s()) {
            (Some(before), Some(after)) => after - before,
            _ => self.started.elapsed().as_secs_f64(),
        }
    }
}

fn on_processor_s() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// Points a second of one core: many vehicles at once, each on one of the tracks.
struct Speed {
    /// Matched alone.
    matched: f64,
    /// From sightings to readings, through the engine's gate.
    gated: f64,
}

fn speed(tracks: &Tracks) -> Speed {
    let network = streets::streets(&tracks.truth, Directions::Both).network;
    let tracks: Vec<_> = tracks.points.values().collect();
    let longest = tracks.iter().map(|t| t.len()).max().unwrap_or(0);

    let matcher = Matcher::new(network.clone(), Mode::Car, Rules::default());
    let mut vehicles: Vec<_> = (0..VEHICLES).map(|i| (Tracker::new(), tracks[i % tracks.len()])).collect();
    let (mut scratch, mut out, mut points) = (Scratch::new(), Vec::new(), 0_usize);
    let begun = Spent::now();
    for i in 0..longest {
        for (tracker, track) in &mut vehicles {
            if let Some(point) = track.get(i) {
                tracker.take(&matcher, &mut scratch, point, &mut out);
                points += 1;
            }
        }
        out.clear();
    }
    let matched = points as f64 / begun.seconds();
    drop(vehicles);

    let feed = Device {
        id: "fcd".into(),
        kind: DeviceKind::ProbeFeed,
        role: Role::Probes,
        silent_after: Duration::from_secs(60),
        service: vlot_model::Service::default(),
    };
    let city = City { network: Some(network), devices: vec![feed], ..City::default() };
    let meters = Arc::new(Meters::default());
    let mut gate = Gate::new(Arc::new(city), Keys::new(Keys::ROTATE), Limits::default(), meters.clone());
    let (mut out, begun) = (Vec::new(), Spent::now());
    // Every track begins now, and the clock goes on with the first of them: five seconds a round, as the median of the tracks.
    for i in 0..longest {
        let now = Timestamp::from_secs(5 * i64::try_from(i).unwrap_or(0));
        for vehicle in 0..VEHICLES {
            let Some(point) = tracks[vehicle % tracks.len()].get(i) else { continue };
            let sighting = Sighting {
                device: DeviceIx(0),
                vehicle: gate.keys(now).pseudonym(&vehicle.to_le_bytes()),
                observed_at: now,
                received_at: now,
                position: Some(point.position),
                speed_kmh: None,
                heading_deg: None,
            };
            gate.take(&sighting, &mut out);
        }
        out.clear();
    }
    let gated = meters.gate.taken.get() as f64 / begun.seconds();
    Speed { matched, gated }
}

fn print(streets: &str, rate: &str, row: &Row) {
    let (worst, id) = &row.tracks[0];
    println!(
        "  {streets:<10}  {rate:<8}  {:>6}  {:>7.1}  {:>7.2}  {:>17.2}  {:>6.1} ({id:>4})  {:>10}  {:>6}  {:>6}",
        row.points,
        row.true_m / 1e3,
        100.0 * row.found_m / row.true_m,
        100.0 * row.found_m / row.matched_m,
        100.0 * worst,
        row.tracks.iter().filter(|(share, _)| *share < 0.9).count(),
        row.breaks,
        row.unused,
    );
}

fn as_json(streets: &str, rate: &str, row: &Row) -> serde_json::Value {
    json!({
        "streets": streets,
        "rate": rate,
        "points": row.points,
        "true_km": row.true_m / 1e3,
        "found_pct": 100.0 * row.found_m / row.true_m,
        "true_of_matched_pct": 100.0 * row.found_m / row.matched_m,
        "worst_track": { "id": row.tracks[0].1, "found_pct": 100.0 * row.tracks[0].0 },
        "tracks_under_90_pct": row.tracks.iter().filter(|(share, _)| *share < 0.9).count(),
        "breaks": row.breaks,
        "unused_points": row.unused,
    })
}
