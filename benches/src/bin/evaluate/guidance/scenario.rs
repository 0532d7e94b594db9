//! A folder with a SUMO scenario: a net, car parks, loops, and trips of which some end in a car park.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use vlot_model::{LonLat, Modes, RoadNetwork};
use vlot_network::DraftTurn;

use super::ways::{Graph, Tree};
use crate::traveltimes::net::{self, Edge};
use crate::traveltimes::projection::Projection;
use crate::traveltimes::scenario::{attribute, number, text};

/// What drivers think of the streets differs: so many ways to see them.
pub(super) const VIEWS: usize = 6;

pub(super) struct Scenario {
    pub(super) folder: PathBuf,
    pub(super) net: PathBuf,
    pub(super) edges: Vec<Edge>,
    pub(super) network: Arc<RoadNetwork>,
    pub(super) projection: Projection,
    pub(super) graph: Graph,
    pub(super) parks: Vec<Park>,
    /// Edges with a loop, each once.
    pub(super) loops: Vec<usize>,
    pub(super) trips: Vec<Trip>,
    /// Of those who park: how long.
    pub(super) stays_s: Vec<f64>,
    /// The share of trips that park.
    pub(super) parking: f64,
    /// By view, then by car park: the ways there from every edge.
    pub(super) to: Vec<Vec<Tree>>,
    /// By car park: the ways from there to every edge, in free flow.
    pub(super) from: Vec<Tree>,
}

pub(super) struct Park {
    pub(super) name: String,
    pub(super) edge: usize,
    pub(super) offset_m: f64,
    pub(super) capacity: u32,
    /// On SUMO's plane, metres.
    pub(super) at: [f64; 2],
    pub(super) position: LonLat,
    /// How many of the recorded trips park here.
    pub(super) wanted: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Trip {
    pub(super) depart_s: f64,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) park: Option<usize>,
}

impl Scenario {
    pub(super) fn load(folder: &Path) -> Result<Self> {
        let files = Files::of(folder)?;
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let whole = text(&files.net)?;
        let net = net::read(&whole, &name)?;
        let turns = turns(&whole, &net.by_id);
        let graph = Graph::new(&net.edges, &turns);
        let network = network(net.draft, &net.edges, &graph);
        let mut parks = parks(&text(&files.parks)?, &net.edges, &net.by_id, net.projection)?;
        let loops = loops(&text(&files.loops)?, &net.by_id);
        let (mut trips, stays_s) = trips(&text(&files.trips)?, &net.by_id, &parks);
        // Who can come from where the trip begins to all car parks, and from there to where it ends.
        let to: Vec<Vec<Tree>> = (0..VIEWS)
            .map(|view| parks.iter().map(|park| graph.tree_to(park.edge, view)).collect())
            .collect();
        let from: Vec<Tree> = parks.iter().map(|park| graph.tree_from(park.edge, 0)).collect();
        let reached = |trip: &Trip| {
            to[0].iter().all(|tree| tree.seconds(trip.from).is_some())
                && from.iter().all(|tree| tree.seconds(trip.to).is_some())
        };
        trips.retain(|trip| trip.from != trip.to && reached(trip));
        for park in trips.iter().filter_map(|trip| trip.park) {
            parks[park].wanted += 1;
        }
        let parking = trips.iter().filter(|trip| trip.park.is_some()).count();
        ensure!(
            parks.len() > 1 && parking > 0 && !stays_s.is_empty(),
            "{}: no trips between connected streets that stop at one of several car parks",
            folder.display()
        );
        Ok(Scenario {
            folder: folder.to_owned(),
            net: files.net,
            edges: net.edges,
            network,
            projection: net.projection,
            graph,
            parks,
            loops,
            parking: parking as f64 / trips.len() as f64,
            trips,
            stays_s,
            to,
            from,
        })
    }

    /// Free-flow seconds from the start of an edge to the start of a car park's.
    pub(super) fn seconds(&self, edge: usize, park: usize) -> f64 {
        self.to[0][park].seconds(edge).unwrap_or(f64::INFINITY)
    }
}

/// Which of a folder's files are what: by what stands in them, not by their names.
struct Files {
    net: PathBuf,
    parks: PathBuf,
    loops: PathBuf,
    trips: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Result<Self> {
        let (mut net, mut parks, mut loops, mut trips) = (None, None, None, None);
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !name.contains(".xml") {
                continue;
            }
            if name.contains(".net.xml") {
                net = Some(path);
                continue;
            }
            let content = text(&path)?;
            let has = |what: &str| content.contains(what);
            if has("<trip ") && has("<stop parkingArea=") {
                trips = Some(path);
            } else if has("<parkingArea ") {
                parks = Some(path);
            } else if has("<inductionLoop ") || has("<e1Detector ") {
                loops = Some(path);
            }
        }
        let at = folder.display();
        Ok(Files {
            net: net.with_context(|| format!("{at}: no .net.xml"))?,
            parks: parks.with_context(|| format!("{at}: no file with a parkingArea"))?,
            loops: loops.with_context(|| format!("{at}: no file with an inductionLoop"))?,
            trips: trips.with_context(|| format!("{at}: no trips that stop at a parkingArea"))?,
        })
    }
}

/// From which edge to which a vehicle may turn.
fn turns(net: &str, by_id: &BTreeMap<String, usize>) -> Vec<(usize, usize)> {
    let of = |line: &str| Some((*by_id.get(attribute(line, "from")?)?, *by_id.get(attribute(line, "to")?)?));
    let mut turns: Vec<_> = net.lines().filter(|line| line.contains("<connection ")).filter_map(of).collect();
    turns.sort_unstable();
    turns.dedup();
    turns
}

/// The draft with the turns that SUMO's vehicles cannot make.
fn network(mut draft: vlot_network::Draft, edges: &[Edge], graph: &Graph) -> Arc<RoadNetwork> {
    let mut begin: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, edge) in edges.iter().enumerate() {
        begin.entry(&edge.nodes[0]).or_default().push(i);
    }
    for (i, edge) in edges.iter().enumerate() {
        for next in begin.get(edge.nodes[1].as_str()).into_iter().flatten() {
            if !graph.leads(i, *next) {
                draft.turn(DraftTurn {
                    from: edge.link,
                    via: Vec::new(),
                    to: edges[*next].link,
                    only: false,
                    modes: Modes::ALL,
                    hours: None,
                });
            }
        }
    }
    Arc::new(draft.make().network)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of spaces")]
fn parks(
    content: &str,
    edges: &[Edge],
    by_id: &BTreeMap<String, usize>,
    projection: Projection,
) -> Result<Vec<Park>> {
    let mut parks = Vec::new();
    for line in content.lines().filter(|line| line.contains("<parkingArea ")) {
        let name = attribute(line, "id").context("a parkingArea without an id")?.to_owned();
        let lane = attribute(line, "lane").and_then(|lane| lane.rsplit_once('_'));
        let edge = lane.and_then(|(edge, _)| by_id.get(edge)).copied();
        let edge = edge.with_context(|| format!("parkingArea {name} is on a lane that is not in the net"))?;
        let capacity = number(line, "roadsideCapacity").unwrap_or(0.0) as u32;
        ensure!(capacity > 0, "parkingArea {name} has no roadsideCapacity");
        let offset_m = number(line, "startPos").unwrap_or(0.0).clamp(0.0, edges[edge].length_m);
        let at =
            place(&edges[edge].shape, offset_m).with_context(|| format!("{name}: a lane of no shape"))?;
        parks.push(Park { name, edge, offset_m, capacity, at, position: projection.point(at), wanted: 0 });
    }
    Ok(parks)
}

/// The point of a line so many metres from its start.
pub(super) fn place(line: &[[f64; 2]], mut along_m: f64) -> Option<[f64; 2]> {
    for ab in line.windows(2) {
        let length = (ab[1][0] - ab[0][0]).hypot(ab[1][1] - ab[0][1]);
        if along_m <= length && length > 0.0 {
            let share = along_m / length;
            return Some([0, 1].map(|i| ab[0][i] + share * (ab[1][i] - ab[0][i])));
        }
        along_m -= length;
    }
    line.last().copied()
}

fn loops(content: &str, by_id: &BTreeMap<String, usize>) -> Vec<usize> {
    let is_loop = |line: &&str| line.contains("<inductionLoop ") || line.contains("<e1Detector ");
    let edge = |line| by_id.get(attribute(line, "lane")?.rsplit_once('_')?.0).copied();
    let mut loops: Vec<_> = content.lines().filter(is_loop).filter_map(edge).collect();
    loops.sort_unstable();
    loops.dedup();
    loops
}

fn trips(content: &str, by_id: &BTreeMap<String, usize>, parks: &[Park]) -> (Vec<Trip>, Vec<f64>) {
    let (mut trips, mut stays) = (Vec::new(), Vec::new());
    for line in content.lines().filter(|line| line.contains("<trip ")) {
        let edge = |name| by_id.get(attribute(line, name)?).copied();
        let (Some(depart_s), Some(from), Some(to)) = (number(line, "depart"), edge("from"), edge("to"))
        else {
            continue;
        };
        let name = attribute(line, "parkingArea");
        let park = name.and_then(|name| parks.iter().position(|park| park.name == name));
        if let Some(stay) = park.and_then(|_| number(line, "duration")) {
            stays.push(stay);
        }
        trips.push(Trip { depart_s, from, to, park });
    }
    (trips, stays)
}
