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
    /// By lane from the right: whether cars may use it.
    cars: Vec<bool>,
    pub(crate) nodes: [String; 2],
    whole: Vec<[f64; 2]>,
}

pub(crate) struct Net {
    pub(crate) edges: Vec<Edge>,
    pub(crate) by_id: BTreeMap<String, usize>,
    pub(crate) projection: Projection,
    pub(crate) draft: Draft,
    /// What was taken for granted, for people.
    pub(crate) note: Option<String>,
}

impl Edge {
    pub(crate) fn is_for_cars(&self, lane: usize) -> bool {
        self.cars.get(lane).copied().unwrap_or(false)
    }
}

/// Reads a net; `name` is for people.
pub(crate) fn read(text: &str, name: &str) -> Result<Net> {
    let projection = located(text)?;
    read_on(text, name, projection, |_| true)
}

/// The edges of a net that cars may use. A net without a place on earth gets one: nothing depends on where that is.
pub(crate) fn read_for_cars(text: &str, name: &str) -> Result<Net> {
    let (projection, note) = match located(text) {
        Ok(projection) => (projection, None),
        Err(error) => (SOMEWHERE, Some(format!("{error:#}: taken as metres of a plane"))),
    };
    let net = read_on(text, name, projection, |edge| edge.cars.contains(&true))?;
    Ok(Net { note, ..net })
}

/// In the middle of a zone of UTM, at 45 degrees north.
const SOMEWHERE: Projection = Projection { zone: 31.0, offset: [-500_000.0, -4_983_000.0] };

fn located(text: &str) -> Result<Projection> {
    let line = text.lines().find(|line| line.contains("<location "));
    location(line.context("the net has no <location>")?)
}

/// Whether cars may use what a line of a net describes, a lane or a connection.
pub(crate) fn lets_cars(line: &str) -> bool {
    let has = |classes: &str| classes.split(' ').any(|class| class == "passenger" || class == "all");
    match (attribute(line, "allow"), attribute(line, "disallow")) {
        (Some(allowed), _) if !allowed.is_empty() => has(allowed),
        (_, Some(not)) => !has(not),
        _ => true,
    }
}

fn read_on(text: &str, name: &str, projection: Projection, is_wanted: impl Fn(&Edge) -> bool) -> Result<Net> {
    let mut junctions: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    let mut edges: Vec<Edge> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.contains("<edge ") {
            let id = attribute(line, "id").context("an edge without an id")?;
            let function = attribute(line, "function").unwrap_or("normal");
            inside = !id.starts_with(':') && function == "normal";
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
    edges.retain(|edge| edge.length_m > 0.0 && edge.speed_ms > 0.0 && is_wanted(edge));
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
    Ok(Net { edges, by_id, projection, draft, note: None })
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
        lanes: u8::try_from(edge.cars.len()).unwrap_or(u8::MAX),
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
        cars: Vec::new(),
        nodes: [end("from")?, end("to")?],
        whole: attribute(line, "shape").map(line_of).unwrap_or_default(),
    })
}

/// Car lanes are often the widest part: the fastest lane's speed is the edge's.
fn lane(edge: &mut Edge, line: &str) -> Result<()> {
    let needed = |name| number(line, name).with_context(|| format!("a lane of {} without `{name}`", edge.id));
    let (length, speed) = (needed("length")?, needed("speed")?);
    if edge.cars.is_empty() {
        edge.shape = attribute(line, "shape").map(line_of).unwrap_or_default();
    }
    edge.length_m = edge.length_m.max(length);
    edge.speed_ms = edge.speed_ms.max(speed);
    edge.cars.push(lets_cars(line));
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
    // South of the equator SUMO may count from ten thousand kilometres below it.
    let south_m = if line.contains("+south") { 10_000_000.0 } else { 0.0 };
    Ok(Projection { zone, offset: [offset[0], offset[1] + south_m] })
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

#[cfg(test)]
mod tests {
    use super::*;

    const NET: &str = r#"<net>
    <location netOffset="0.00,0.00" convBoundary="0.00,0.00,200.00,0.00" origBoundary="0.00,0.00,1.00,1.00" projParameter="!"/>
    <edge id=":b_0" function="internal"><lane id=":b_0_0" index="0" speed="13.89" length="1.00" shape="0,0 1,0"/></edge>
    <edge id="street" from="a" to="b" priority="1">
        <lane id="street_0" index="0" allow="pedestrian" speed="2.78" length="100.00" shape="0,0 100,0"/>
        <lane id="street_1" index="1" disallow="pedestrian tram" speed="13.89" length="100.00" shape="0,3 100,3"/>
    </edge>
    <edge id="path" from="b" to="c" priority="1">
        <lane id="path_0" index="0" allow="bicycle pedestrian" speed="5.56" length="100.00" shape="100,0 200,0"/>
    </edge>
    <edge id="rails" from="b" to="c" priority="1">
        <lane id="rails_0" index="0" disallow="all" speed="20.00" length="100.00" shape="100,0 200,0"/>
    </edge>
    <junction id="a" type="dead_end" x="0.00" y="0.00"/>
    <junction id="b" type="priority" x="100.00" y="0.00"/>
    <junction id="c" type="dead_end" x="200.00" y="0.00"/>
</net>"#;

    #[test]
    fn cars_have_the_streets_alone_and_a_net_without_a_place_gets_one() {
        let net = read_for_cars(NET, "town").unwrap();
        let ids: Vec<&str> = net.edges.iter().map(|edge| edge.id.as_str()).collect();
        assert_eq!(ids, ["street"]);
        assert_eq!([0, 1, 2].map(|lane| net.edges[0].is_for_cars(lane)), [false, true, false]);
        assert!(net.note.is_some_and(|note| note.contains("no UTM zone")));
        // A square on the ground is nearly one on the plane.
        let [a, b, c] = [[0.0, 0.0], [5_000.0, 0.0], [0.0, 5_000.0]].map(|at| net.projection.point(at));
        let east_m = (b.lon - a.lon) * 111_320.0 * a.lat.to_radians().cos();
        let north_m = (c.lat - a.lat) * 111_132.0;
        assert!(
            (east_m / 5_000.0 - 1.0).abs() < 0.01 && (north_m / 5_000.0 - 1.0).abs() < 0.01,
            "{east_m} {north_m}"
        );
        assert!(read(NET, "town").is_err(), "who compares places needs them");
    }

    #[test]
    fn south_of_the_equator_a_net_may_count_from_below() {
        let at = |proj: &str| {
            let line =
                format!(" netOffset=\"-300000.00,-6200000.00\" projParameter=\"+proj=utm +zone=56{proj}\"");
            location(&line).unwrap().point([34_000.0, 50_000.0])
        };
        // Sydney.
        assert!((at(" +south +ellps=WGS84").lat + 33.9).abs() < 0.1, "{:?}", at(" +south"));
        assert!(at(" +ellps=WGS84").lat > 50.0);
    }
}
