//! A SUMO scenario with what happened in it: recorded files, or a run of SUMO.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use vlot_model::{LonLat, RoadNetwork};

use super::net::{Edge, Net, along};
use super::{net, run};

pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) edges: Vec<Edge>,
    pub(super) network: RoadNetwork,
    pub(super) detectors: Vec<Detector>,
    pub(super) counts: Vec<Count>,
    pub(super) trips: Vec<Trip>,
    /// All vehicles of the run, in order of their names: those that are followed are chosen among them.
    pub(super) followed: Vec<Followed>,
    /// The share of all vehicles that these are, percent.
    pub(super) followed_pct: u32,
}

pub(super) struct Detector {
    pub(super) edge: usize,
    pub(super) offset_m: f64,
}

/// What a detector says of an interval.
pub(super) struct Count {
    pub(super) detector: usize,
    pub(super) begin_s: f64,
    pub(super) end_s: f64,
    pub(super) vehicles: u32,
    pub(super) speed_kmh: Option<f32>,
    pub(super) occupancy_pct: f32,
}

/// A vehicle's way and its true time.
pub(super) struct Trip {
    pub(super) depart_s: f64,
    pub(super) duration_s: f64,
    /// Edges, and the share of each that is driven.
    pub(super) way: Vec<(usize, f64)>,
    /// When it left each edge, where SUMO has said so.
    pub(super) exits_s: Vec<f64>,
}

/// A vehicle that says where it is.
pub(super) struct Followed {
    pub(super) name: String,
    pub(super) way: Vec<usize>,
    pub(super) points: Vec<Point>,
}

pub(super) struct Point {
    pub(super) at_s: f64,
    pub(super) edge: usize,
    pub(super) pos_m: f64,
}

/// Names of the files of a run.
pub(super) struct Files {
    pub(super) net: PathBuf,
    pub(super) detectors: PathBuf,
    pub(super) counts: PathBuf,
    pub(super) trips: PathBuf,
    pub(super) ways: PathBuf,
    pub(super) points: PathBuf,
    pub(super) followed_pct: u32,
}

impl Scenario {
    /// Of a folder with a recorded run, or with a configuration to run.
    pub(super) fn load(folder: &Path) -> Result<Self> {
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let recorded = Files {
            net: folder.join("leuven.net.xml.gz"),
            detectors: folder.join("e1.add.xml"),
            counts: folder.join("e1.xml.gz"),
            trips: folder.join("tripinfo.xml.gz"),
            ways: folder.join("vehroutes.xml.gz"),
            points: folder.join("fcd_20pct_10s.csv.gz"),
            followed_pct: 20,
        };
        if recorded.counts.is_file() {
            return Self::read(name, &recorded);
        }
        let run = run::sumo(folder)?;
        Self::read(name, &run.files)
    }

    fn read(name: String, files: &Files) -> Result<Self> {
        let Net { mut edges, by_id, projection, draft, .. } = net::read(&text(&files.net)?, &name)?;
        // SUMO's lanes are what vehicles drive; the draft goes from junction to junction.
        let network = draft.make().network;
        for edge in &mut edges {
            edge.length_m = edge.length_m.max(0.1);
        }
        let (detectors, of) = detectors(&text(&files.detectors)?, &by_id)?;
        let counts = counts(&text(&files.counts)?, &of)?;
        let ways = ways(&text(&files.ways)?, &by_id);
        let (trips, moving) = trips(&text(&files.trips)?, &ways, &edges);
        let place = |lane: &str, point: LonLat| {
            let edge = *by_id.get(lane.rsplit_once('_')?.0)?;
            Some((edge, along(&edges[edge].shape, projection.plane(point))))
        };
        let points = points(&text(&files.points)?, &by_id, place);
        let mut followed = Vec::new();
        for (name, points) in points {
            if let (Some((way, _)), true) = (ways.get(&name), moving.contains(&name)) {
                followed.push(Followed { name, way: way.clone(), points });
            }
        }
        let followed_pct = files.followed_pct;
        Ok(Scenario { name, edges, network, detectors, counts, trips, followed, followed_pct })
    }
}

/// Detectors in lanes, and where each stands in the list by its name.
fn detectors(text: &str, by_id: &BTreeMap<String, usize>) -> Result<(Vec<Detector>, HashMap<String, usize>)> {
    let (mut all, mut of) = (Vec::new(), HashMap::new());
    for line in text.lines().filter(|line| line.contains("<inductionLoop ") || line.contains("<e1Detector "))
    {
        let (id, lane) = (attribute(line, "id"), attribute(line, "lane"));
        let (id, lane) = id.zip(lane).context("a detector without an id or a lane")?;
        let edge = lane.rsplit_once('_').and_then(|(edge, _)| by_id.get(edge));
        let edge =
            *edge.with_context(|| format!("detector {id} stands on {lane}, which is not in the net"))?;
        of.insert(id.to_owned(), all.len());
        all.push(Detector { edge, offset_m: number(line, "pos").unwrap_or(0.0).max(0.0) });
    }
    Ok((all, of))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and speeds of a minute")]
fn counts(text: &str, of: &HashMap<String, usize>) -> Result<Vec<Count>> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| line.contains("<interval ")) {
        let Some(&detector) = attribute(line, "id").and_then(|id| of.get(id)) else { continue };
        let needed =
            |name| number(line, name).with_context(|| format!("an interval without `{name}`: {line}"));
        let speed = needed("speed")?;
        all.push(Count {
            detector,
            begin_s: needed("begin")?,
            end_s: needed("end")?,
            vehicles: needed("nVehContrib")? as u32,
            // SUMO says -1 where nothing passed.
            speed_kmh: (speed >= 0.0).then_some((speed * 3.6) as f32),
            occupancy_pct: needed("occupancy")?.clamp(0.0, 100.0) as f32,
        });
    }
    Ok(all)
}

type Way = (Vec<usize>, Vec<f64>);

/// The way that each vehicle drove in the end: of several, the one that was not replaced.
fn ways(text: &str, by_id: &BTreeMap<String, usize>) -> BTreeMap<String, Way> {
    let mut ways = BTreeMap::new();
    let mut vehicle = None;
    for line in text.lines() {
        if line.contains("<vehicle ") {
            vehicle = attribute(line, "id").map(str::to_owned);
        } else if line.contains("<route ")
            && !line.contains("replacedOnEdge=")
            && let Some((name, edges)) = vehicle.clone().zip(attribute(line, "edges"))
        {
            let way: Option<Vec<usize>> = edges.split(' ').map(|edge| by_id.get(edge).copied()).collect();
            let exits = attribute(line, "exitTimes").unwrap_or_default();
            let exits = exits.split(' ').filter_map(|t| t.parse().ok()).collect();
            if let Some(way) = way {
                ways.insert(name, (way, exits));
            }
        }
    }
    ways
}

/// Trips of vehicles that do not stop on the way (buses, vehicles that park), and the names of those.
fn trips(
    text: &str,
    ways: &BTreeMap<String, Way>,
    edges: &[Edge],
) -> (Vec<Trip>, std::collections::BTreeSet<String>) {
    let (mut trips, mut moving) = (Vec::new(), std::collections::BTreeSet::new());
    for line in text.lines().filter(|line| line.contains("<tripinfo ")) {
        let Some(name) = attribute(line, "id") else { continue };
        let all =
            ["depart", "duration", "departPos", "arrivalPos", "stopTime"].map(|name| number(line, name));
        let [Some(depart_s), Some(duration_s), Some(from), Some(to), Some(stop)] = all else { continue };
        let Some((way, exits)) = ways.get(name) else { continue };
        let ends =
            ["departLane", "arrivalLane"].map(|lane| attribute(line, lane)?.rsplit_once('_').map(|(e, _)| e));
        let expected = [way.first(), way.last()].map(|edge| edge.map(|edge| edges[*edge].id.as_str()));
        if stop > 0.0 || ends != expected || attribute(line, "vType").is_some_and(|v| v.contains("bus")) {
            continue;
        }
        moving.insert(name.to_owned());
        let mut shares: Vec<(usize, f64)> = way.iter().map(|edge| (*edge, 1.0)).collect();
        if let Some((edge, share)) = shares.first_mut() {
            *share -= (from / edges[*edge].length_m).clamp(0.0, 1.0);
        }
        if let Some((edge, share)) = shares.last_mut() {
            *share = (*share - 1.0 + (to / edges[*edge].length_m).clamp(0.0, 1.0)).max(0.0);
        }
        trips.push(Trip { depart_s, duration_s, way: shares, exits_s: exits.clone() });
    }
    trips.sort_by(|a, b| a.depart_s.total_cmp(&b.depart_s));
    (trips, moving)
}

/// The points of each vehicle, from SUMO's own XML or from lines of `time_s,vehicle,lon,lat,speed_ms,lane`. On junctions there
/// are none.
fn points(
    text: &str,
    by_id: &BTreeMap<String, usize>,
    place: impl Fn(&str, LonLat) -> Option<(usize, f64)>,
) -> BTreeMap<String, Vec<Point>> {
    let mut points: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    let mut now = 0.0;
    for line in text.lines() {
        let said = if let Some(at) = line.contains("<timestep ").then(|| number(line, "time")) {
            now = at.unwrap_or(now);
            None
        } else if line.contains("<vehicle ") {
            let edge = attribute(line, "lane").and_then(|lane| by_id.get(lane.rsplit_once('_')?.0).copied());
            let at = edge.zip(number(line, "pos"));
            attribute(line, "id").zip(at).map(|(name, (edge, pos_m))| (name, now, edge, pos_m))
        } else {
            csv_line(line).and_then(|(at_s, name, point, lane)| {
                place(lane, point).map(|(edge, pos_m)| (name, at_s, edge, pos_m))
            })
        };
        if let Some((name, at_s, edge, pos_m)) = said {
            points.entry(name.to_owned()).or_default().push(Point { at_s, edge, pos_m });
        }
    }
    points
}

fn csv_line(line: &str) -> Option<(f64, &str, LonLat, &str)> {
    let mut cells = line.split(',');
    let at_s = cells.next()?.parse().ok()?;
    let name = cells.next()?;
    let point = LonLat { lon: cells.next()?.parse().ok()?, lat: cells.next()?.parse().ok()? };
    Some((at_s, name, point, cells.nth(1)?))
}

pub(crate) fn text(path: &Path) -> Result<String> {
    let whole = || -> std::io::Result<String> {
        let (mut file, mut text) = (std::fs::File::open(path)?, String::new());
        if path.extension().is_some_and(|end| end == "gz") {
            flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)?;
        } else {
            file.read_to_string(&mut text)?;
        }
        Ok(text)
    };
    whole().with_context(|| format!("cannot read {}", path.display()))
}

/// Of an element that stands on one line.
pub(crate) fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let from = line.find(&format!(" {name}=\""))? + name.len() + 3;
    line.get(from..)?.split('"').next()
}

pub(crate) fn number(line: &str, name: &str) -> Option<f64> {
    attribute(line, name)?.parse().ok()
}
