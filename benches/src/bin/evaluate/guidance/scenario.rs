//! A folder with a SUMO scenario: a net, car parks, loops, and trips of which some end in a car park.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use vlot_model::{LonLat, Modes, RoadNetwork};
use vlot_network::DraftTurn;

use super::elements::Element;
use super::files::Files;
pub(super) use super::trips::Trip;
use super::trips::trips;
use super::ways::{Graph, Tree};
use crate::traveltimes::net::{self, Edge};
use crate::traveltimes::projection::Projection;
use crate::traveltimes::scenario::attribute;

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
    /// What of the folder was left out, and why: for people.
    pub(super) notes: Vec<String>,
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

impl Scenario {
    pub(super) fn load(folder: &Path) -> Result<Self> {
        let files = Files::of(folder)?;
        let mut notes = files.notes.clone();
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let net = net::read_for_cars(&files.net_text, &name)?;
        notes.extend(net.note);
        let turns = turns(&files.net_text, &net.edges, &net.by_id);
        let graph = Graph::new(&net.edges, &turns);
        let network = network(net.draft, &net.edges, &graph);
        let mut parks = parks(&files.parks, &net.edges, &net.by_id, net.projection, &mut notes)?;
        let loops = loops(&files.loops, &net.by_id);
        let position = |parks: &[Park]| -> BTreeMap<String, usize> {
            parks.iter().enumerate().map(|(i, park)| (park.name.clone(), i)).collect()
        };
        let (drives, _) = trips(&files, &net.by_id, &position(&parks), &mut Vec::new())?;
        leave_out_unreached(&mut parks, &drives, &graph, &mut notes);
        let (mut trips, stays_s) = trips(&files, &net.by_id, &position(&parks), &mut notes)?;
        // Who can come from where the trip begins to all car parks, and from there to where it ends.
        let to: Vec<Vec<Tree>> = (0..VIEWS)
            .map(|view| parks.iter().map(|park| graph.tree_to(park.edge, view)).collect())
            .collect();
        let from: Vec<Tree> = parks.iter().map(|park| graph.tree_from(park.edge, 0)).collect();
        let reached = |trip: &Trip| {
            to[0].iter().all(|tree| tree.seconds(trip.from).is_some())
                && from.iter().all(|tree| tree.seconds(trip.to).is_some())
        };
        let all = trips.len();
        trips.retain(|trip| trip.from != trip.to && reached(trip));
        if trips.len() < all {
            let out = all - trips.len();
            notes.push(format!(
                "{out} of {all} trips are left out: no way from or to all car parks, or not away at all"
            ));
        }
        for park in trips.iter().filter_map(|trip| trip.park) {
            parks[park].wanted += 1;
        }
        let parking = trips.iter().filter(|trip| trip.park.is_some()).count();
        let at = folder.display();
        ensure!(
            parking > 0,
            "{at}: no trip between connected streets stops at a car park with space{}",
            listed(&notes)
        );
        ensure!(
            !stays_s.is_empty(),
            "{at}: no stop at a parkingArea says for how long (hint: `duration` or `until`)"
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
            notes,
        })
    }

    /// Free-flow seconds from the start of an edge to the start of a car park's.
    pub(super) fn seconds(&self, edge: usize, park: usize) -> f64 {
        self.to[0][park].seconds(edge).unwrap_or(f64::INFINITY)
    }
}

fn listed(notes: &[String]) -> String {
    notes.iter().map(|note| format!("\n  {note}")).collect()
}

/// A car park that less than half as many trips reach and leave as another one is none that all drivers choose from.
fn leave_out_unreached(parks: &mut Vec<Park>, trips: &[Trip], graph: &Graph, notes: &mut Vec<String>) {
    let reached = |park: &Park| {
        let (to, from) = (graph.tree_to(park.edge, 0), graph.tree_from(park.edge, 0));
        let both = |trip: &&Trip| to.seconds(trip.from).is_some() && from.seconds(trip.to).is_some();
        trips.iter().filter(both).count()
    };
    let counts: Vec<usize> = parks.iter().map(reached).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut counts = counts.into_iter();
    parks.retain(|park| {
        let count = counts.next().unwrap_or(0);
        let is_reached = count > 0 && 2 * count >= most;
        if !is_reached {
            let name = &park.name;
            notes.push(format!(
                "parkingArea {name} is left out: {count} of {} trips can come and go on",
                trips.len()
            ));
        }
        is_reached
    });
}

/// From which edge to which a vehicle turns: nobody turns round where there is another way on.
fn turns(net: &str, edges: &[Edge], by_id: &BTreeMap<String, usize>) -> Vec<(usize, usize)> {
    let end = |line: &str, edge, lane| {
        let edge = *by_id.get(attribute(line, edge)?)?;
        let lane = attribute(line, lane).and_then(|lane| lane.parse().ok()).unwrap_or(0);
        edges[edge].is_for_cars(lane).then_some(edge)
    };
    let of = |line: &str| {
        let both = (end(line, "from", "fromLane")?, end(line, "to", "toLane")?);
        net::lets_cars(line).then_some((both, attribute(line, "dir") == Some("t")))
    };
    let all: Vec<_> = net.lines().filter(|line| line.contains("<connection ")).filter_map(of).collect();
    let goes_on: BTreeSet<usize> =
        all.iter().filter(|(_, round)| !round).map(|((from, _), _)| *from).collect();
    let kept = all.iter().filter(|((from, _), round)| !round || !goes_on.contains(from));
    let mut turns: Vec<_> = kept.map(|(both, _)| *both).collect();
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
    all: &[Element],
    edges: &[Edge],
    by_id: &BTreeMap<String, usize>,
    projection: Projection,
    notes: &mut Vec<String>,
) -> Result<Vec<Park>> {
    let mut parks = Vec::new();
    for element in all {
        let name = element.text("id").context("a parkingArea without an id")?.to_owned();
        let lane = element.text("lane").and_then(|lane| lane.rsplit_once('_'));
        let Some(edge) = lane.and_then(|(edge, _)| by_id.get(edge)).copied() else {
            let lane = element.text("lane").unwrap_or_default();
            notes.push(format!(
                "parkingArea {name} is left out: the net has no lane {lane:?} on an edge with cars"
            ));
            continue;
        };
        // Places beside the street, and those that are drawn one by one.
        let spaces =
            element.number("roadsideCapacity").unwrap_or(0.0).max(0.0) + element.all("space").count() as f64;
        let capacity = spaces.min(f64::from(u16::MAX)) as u32;
        if capacity == 0 {
            notes.push(format!(
                "parkingArea {name} is left out: it has no space (`roadsideCapacity`, `space`)"
            ));
            continue;
        }
        let length_m = edges[edge].length_m;
        // Below zero it is from the lane's end.
        let start_m = element.number("startPos").unwrap_or(0.0);
        let offset_m = if start_m < 0.0 { length_m + start_m } else { start_m }.clamp(0.0, length_m);
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

fn loops(all: &[Element], by_id: &BTreeMap<String, usize>) -> Vec<usize> {
    let edge = |element: &Element| by_id.get(element.text("lane")?.rsplit_once('_')?.0).copied();
    let mut loops: Vec<_> = all.iter().filter_map(edge).collect();
    loops.sort_unstable();
    loops.dedup();
    loops
}
