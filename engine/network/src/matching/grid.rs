//! Which links are near a point: a grid of cells over the pieces of all links, on a plane around the network's middle.

use rustc_hash::FxHashMap;
use vlot_model::{LinkIx, LonLat};

use super::graph::Graph;
use super::{Point, Rules};
use crate::geo;

/// Below this a heading says nothing, km/h.
const HEADED_KMH: f32 = 5.0;
/// A heading may be wrong for reasons of its own: it never weighs more than this.
const HEADING_COST_MAX: f32 = 8.0;

/// From so many standard deviations on a point has gone astray.
const ASTRAY: f32 = 1.5;

#[derive(Debug)]
pub(super) struct Grid {
    origin: LonLat,
    cell_m: f32,
    pieces: Vec<Piece>,
    cells: FxHashMap<(i32, i32), (u32, u32)>,
    /// Positions of pieces, cell by cell.
    listed: Vec<u32>,
}

/// A straight piece of a link.
#[derive(Clone, Copy, Debug)]
struct Piece {
    link: LinkIx,
    from: [f32; 2],
    along: [f32; 2],
    /// Metres of the link before it, and of itself.
    offset_m: f32,
    length_m: f32,
    bearing_deg: f32,
}

/// A place where a vehicle may have been.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) link: LinkIx,
    pub(super) offset_m: f32,
    /// Negative logarithm of its likelihood.
    pub(super) cost: f32,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "metres on a plane fit f32 to a centimetre, and the cast holds at the ends"
)]
fn short([east, north]: [f64; 2]) -> [f32; 2] {
    [east as f32, north as f32]
}

impl Grid {
    pub(super) fn new(graph: &Graph, radius_m: f32) -> Self {
        let network = graph.network();
        let origin = middle(&network.nodes);
        let cell_m = (2.0 * radius_m).max(20.0);
        let mut grid =
            Grid { origin, cell_m, pieces: Vec::new(), cells: FxHashMap::default(), listed: Vec::new() };
        let mut entries = Vec::new();
        for link in (0..network.links.len()).map(LinkIx::from_position).filter(|link| graph.usable(*link)) {
            let shape: Vec<_> = network.shape(link).iter().map(|p| short(geo::plane(origin, *p))).collect();
            let on_plane: f32 =
                shape.windows(2).map(|ab| (ab[1][0] - ab[0][0]).hypot(ab[1][1] - ab[0][1])).sum();
            // The plane's scale is not quite that of the link's length.
            let scale = if on_plane > 0.0 { graph.length_m(link) / on_plane } else { 0.0 };
            let mut offset_m = 0.0;
            for ab in shape.windows(2) {
                let along = [ab[1][0] - ab[0][0], ab[1][1] - ab[0][1]];
                let length_m = along[0].hypot(along[1]) * scale;
                let bearing_deg = along[0].atan2(along[1]).to_degrees().rem_euclid(360.0);
                let piece = u32::try_from(grid.pieces.len()).unwrap_or(u32::MAX);
                grid.pieces.push(Piece { link, from: ab[0], along, offset_m, length_m, bearing_deg });
                offset_m += length_m;
                grid.enter(piece, ab[0], along, &mut entries);
            }
        }
        entries.sort_unstable();
        entries.dedup();
        for run in entries.chunk_by(|a, b| a.0 == b.0) {
            let start = u32::try_from(grid.listed.len()).unwrap_or(u32::MAX);
            grid.listed.extend(run.iter().map(|(_, piece)| *piece));
            let end = u32::try_from(grid.listed.len()).unwrap_or(u32::MAX);
            grid.cells.insert(run[0].0, (start, end));
        }
        grid
    }

    /// Notes every cell that a piece may cross, part by part, so that a long one does not fill its whole box.
    fn enter(&self, piece: u32, from: [f32; 2], along: [f32; 2], out: &mut Vec<((i32, i32), u32)>) {
        let parts = (along[0].hypot(along[1]) / self.cell_m).ceil().max(1.0);
        let mut part = 0.0;
        while part < parts {
            let at = |share: f32| [from[0] + along[0] * share, from[1] + along[1] * share];
            let (a, b) = (self.cell(at(part / parts)), self.cell(at((part + 1.0) / parts)));
            for x in a.0.min(b.0)..=a.0.max(b.0) {
                for y in a.1.min(b.1)..=a.1.max(b.1) {
                    out.push(((x, y), piece));
                }
            }
            part += 1.0;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the cast holds at the ends of the range")]
    fn cell(&self, [x, y]: [f32; 2]) -> (i32, i32) {
        ((x / self.cell_m).floor() as i32, (y / self.cell_m).floor() as i32)
    }

    /// The point on the plane.
    pub(super) fn plane(&self, point: LonLat) -> [f32; 2] {
        short(geo::plane(self.origin, point))
    }

    /// The likeliest places of a point, each link once, likeliest first and then by link.
    pub(super) fn near(&self, here: [f32; 2], point: &Point, rules: &Rules, out: &mut Vec<Candidate>) {
        out.clear();
        let radius = rules.radius_m;
        let heading = point.heading_deg.filter(|_| point.speed_kmh.is_none_or(|kmh| kmh >= HEADED_KMH));
        let (a, b) = (
            self.cell([here[0] - radius, here[1] - radius]),
            self.cell([here[0] + radius, here[1] + radius]),
        );
        for cell in (a.0..=b.0).flat_map(|x| (a.1..=b.1).map(move |y| (x, y))) {
            let Some((start, end)) = self.cells.get(&cell) else { continue };
            for piece in &self.listed[*start as usize..*end as usize] {
                let piece = &self.pieces[*piece as usize];
                let Some((offset_m, squared)) = piece.nearest(here, radius) else { continue };
                let mut cost = distance_cost(squared.sqrt() / rules.sigma_m);
                if let Some(heading) = heading {
                    let off = (piece.bearing_deg - heading).rem_euclid(360.0);
                    let off = off.min(360.0 - off) / rules.heading_deg;
                    cost += (0.5 * off * off).min(HEADING_COST_MAX);
                }
                match out.iter_mut().find(|c| c.link == piece.link) {
                    // At a corner two pieces are alike: the earlier place, whatever the order of cells.
                    Some(c) if (cost, offset_m) < (c.cost, c.offset_m) => {
                        (c.cost, c.offset_m) = (cost, offset_m)
                    }
                    Some(_) => {}
                    None => out.push(Candidate { link: piece.link, offset_m, cost }),
                }
            }
        }
        out.sort_unstable_by(|a, b| a.cost.total_cmp(&b.cost).then(a.link.cmp(&b.link)));
        out.truncate(rules.candidates);
    }
}

/// Of a distance in standard deviations: of a normal distribution near by, and of one with more far points than it further off, for
/// among houses points go astray.
fn distance_cost(deviations: f32) -> f32 {
    if deviations <= ASTRAY {
        0.5 * deviations * deviations
    } else {
        ASTRAY * deviations - 0.5 * ASTRAY * ASTRAY
    }
}

impl Piece {
    /// Metres of the link up to the nearest place, and its distance squared, if it is within `radius`.
    fn nearest(&self, here: [f32; 2], radius: f32) -> Option<(f32, f32)> {
        let to = [here[0] - self.from[0], here[1] - self.from[1]];
        let squared = self.along[0] * self.along[0] + self.along[1] * self.along[1];
        let dot = to[0] * self.along[0] + to[1] * self.along[1];
        let share = if squared > 0.0 { (dot / squared).clamp(0.0, 1.0) } else { 0.0 };
        let off = [to[0] - share * self.along[0], to[1] - share * self.along[1]];
        let distance = off[0] * off[0] + off[1] * off[1];
        (distance <= radius * radius).then_some((self.offset_m + share * self.length_m, distance))
    }
}

fn middle(nodes: &[LonLat]) -> LonLat {
    let n = nodes.len().max(1) as f64;
    let sum = nodes.iter().fold([0.0, 0.0], |s, p| [s[0] + p.lon, s[1] + p.lat]);
    LonLat { lon: sum[0] / n, lat: sum[1] / n }
}
