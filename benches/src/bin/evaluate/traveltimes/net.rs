//! SUMO's `net.xml` or `net.xml.gz`, one element a line as netconvert writes it, as a draft of a road network.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use vlot_model::{Access, LinkId, LonLat, Permission, RoadClass};
use vlot_network::{Draft, DraftLink};

use super::projection::Projection;
use super::scenario::{attribute, number};

/// An edge of the net.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) id: String,
    pub(crate) link: LinkId,
    /// Of its lanes; the junctions at its ends are not in it.
    pub(crate) length_m: f64,
    /// Of its first lane.
    pub(crate) shape: Vec<[f64; 2]>,
    pub(crate) speed_ms: f64,
    lanes: u8,
    pub(crate) nodes: [String; 2],
    whole: Vec<[f64; 2]>,
}

pub(crate) struct Net {
    pub(crate) edges: Vec<Edge>,
    pub(crate) by_id: BTreeMap<String, usize>,
    pub(crate) projection: Projection,
    pub(crate) draft: Draft,
}

/// Reads a net; `name` is for people.
pub(crate) fn read(text: &str, name: &str) -> Result<Net> {
    let mut projection = None;
    let mut junctions: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    let mut edges: Vec<Edge> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.contains("<location ") {
            projection = Some(location(line)?);
        } else if line.contains("<edge ") {
            let id = attribute(line, "id").context("an edge without an id")?;
            inside = !id.starts_with(':') && attribute(line, "function").is_none();
            if inside {
                edges.push(edge(line, id)?);
            }
        } else if line.contains("<lane ") && inside {
            let edge = edges.last_mut().context("a lane before any edge")?;
            lane(edge, line)?;
        } else if line.contains("<junction ")
            && let (Some(id), Some(x), Some(y)) =
                (attribute(line, "id"), number(line, "x"), number(line, "y"))
        {
            junctions.insert(id.to_owned(), [x, y]);
        }
    }
    let projection = projection.context("the net has no <location>")?;
    edges.retain(|edge| edge.length_m > 0.0 && edge.speed_ms > 0.0);
    if edges.is_empty() {
        bail!("{name} has no edges");
    }
    let numbers: BTreeMap<&String, i64> = junctions.keys().zip(0..).collect();
    let mut draft = Draft::new(name);
    for edge in &edges {
        let nodes = [0, 1].map(|end| numbers.get(&edge.nodes[end]).copied().unwrap_or(-1));
        let mut points = edge.whole.clone();
        if points.len() < 2 {
            points = edge.nodes.iter().filter_map(|id| junctions.get(id).copied()).collect();
        }
        let points: Vec<LonLat> = points.into_iter().map(|xy| projection.point(xy)).collect();
        draft.link(link(edge, nodes, points));
    }
    let by_id = edges.iter().enumerate().map(|(i, edge)| (edge.id.clone(), i)).collect();
    Ok(Net { edges, by_id, projection, draft })
}

#[expect(clippy::cast_possible_truncation, reason = "a speed fits f32")]
fn link(edge: &Edge, nodes: [i64; 2], points: Vec<LonLat>) -> DraftLink {
    let class = match edge.speed_ms * 3.6 {
        kmh if kmh > 95.0 => RoadClass::Motorway,
        kmh if kmh > 75.0 => RoadClass::Trunk,
        kmh if kmh > 55.0 => RoadClass::Primary,
        _ => RoadClass::Secondary,
    };
    DraftLink {
        points,
        free_flow_kmh: (edge.speed_ms * 3.6) as f32,
        lanes: edge.lanes,
        name: edge.id.clone(),
        access: Access { always: [Permission::Yes; 4], ..Access::default() },
        ..DraftLink::new(nodes, edge.link.0, class)
    }
}

fn edge(line: &str, id: &str) -> Result<Edge> {
    let end = |name| {
        attribute(line, name).map(str::to_owned).with_context(|| format!("edge {id} without `{name}`"))
    };
    Ok(Edge {
        id: id.to_owned(),
        link: LinkId(id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })),
        length_m: 0.0,
        shape: Vec::new(),
        speed_ms: 0.0,
        lanes: 0,
        nodes: [end("from")?, end("to")?],
        whole: attribute(line, "shape").map(line_of).unwrap_or_default(),
    })
}

/// Car lanes are often the widest part: the fastest lane's speed is the edge's.
fn lane(edge: &mut Edge, line: &str) -> Result<()> {
    let needed = |name| number(line, name).with_context(|| format!("a lane of {} without `{name}`", edge.id));
    let (length, speed) = (needed("length")?, needed("speed")?);
    if edge.lanes == 0 {
        edge.shape = attribute(line, "shape").map(line_of).unwrap_or_default();
    }
    edge.length_m = edge.length_m.max(length);
    edge.speed_ms = edge.speed_ms.max(speed);
    edge.lanes = edge.lanes.saturating_add(1);
    Ok(())
}

fn line_of(text: &str) -> Vec<[f64; 2]> {
    let pair = |xy: &str| {
        let mut numbers = xy.split(',').filter_map(|n| n.parse().ok());
        Some([numbers.next()?, numbers.next()?])
    };
    text.split(' ').filter_map(pair).collect()
}

fn location(line: &str) -> Result<Projection> {
    let offset = attribute(line, "netOffset").map(line_of).and_then(|l| l.first().copied());
    let zone = attribute(line, "projParameter").and_then(|proj| {
        let from = proj.find("+zone=")? + 6;
        proj.get(from..)?.split(' ').next()?.parse().ok()
    });
    let Some((offset, zone)) = offset.zip(zone) else {
        bail!("the net's <location> has no UTM zone: {line}")
    };
    Ok(Projection { zone, offset })
}

/// Metres from the start of a line to the place on it that is nearest to a point.
pub(crate) fn along(line: &[[f64; 2]], [x, y]: [f64; 2]) -> f64 {
    let (mut best, mut at, mut before) = (f64::INFINITY, 0.0, 0.0);
    for ab in line.windows(2) {
        let [a, b] = [ab[0], ab[1]];
        let d = [b[0] - a[0], b[1] - a[1]];
        let length = d[0].hypot(d[1]);
        let share =
            if length > 0.0 { ((x - a[0]) * d[0] + (y - a[1]) * d[1]) / (length * length) } else { 0.0 };
        let share = share.clamp(0.0, 1.0);
        let off = (a[0] + share * d[0] - x).hypot(a[1] + share * d[1] - y);
        if off < best {
            (best, at) = (off, before + share * length);
        }
        before += length;
    }
    at
}
