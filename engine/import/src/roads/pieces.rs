//! Ways cut where streets meet, end or are barred, each piece with its lasting names.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use vlot_model::{Access, LinkId, LonLat, Mode, Modes, Permission};
use vlot_network::{Draft, DraftLink};

use super::built_up::BuiltUp;
use super::collect::{Collected, Node, Way};
use crate::read::Place;
use crate::report::{Gap, Notes, Report};
use crate::tags::speed::{Limits, free_flow_kmh};

/// A directed link, as far as turns care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Directed {
    pub(crate) id: LinkId,
    /// Where it begins and ends.
    pub(crate) nodes: [i64; 2],
    pub(crate) opposite: Option<LinkId>,
    /// Who may use it at some time.
    pub(crate) modes: Modes,
}

/// Links that turns speak of.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Of the ways that restrictions name.
    pub(crate) of_ways: FxHashMap<i64, Vec<Directed>>,
    /// At barriers: those that lead there, and those that lead away.
    pub(crate) at_barriers: BTreeMap<i64, [Vec<Directed>; 2]>,
}

/// Puts all links into the draft; of those that turns may speak of, tells which they are.
pub(crate) fn draft(kept: &Collected, limits: Limits, draft: &mut Draft, report: &mut Report) -> Named {
    let mut built_up = BuiltUp::default();
    for way in &kept.ways {
        for run in runs(way, &kept.nodes) {
            let points: Vec<_> = run.iter().map(|(_, node)| point(node.place)).collect();
            built_up.add(way.street.class.class, &points);
        }
    }
    let of_restrictions: FxHashSet<i64> = kept.restrictions.iter().flat_map(|r| r.ways()).collect();
    let mut named = Named::default();
    for way in &kept.ways {
        let pieces = pieces(way, kept);
        let short: usize = runs(way, &kept.nodes).iter().map(Vec::len).sum();
        if short < way.nodes.len() {
            Notes::new(report, "way", way.id).gap(Gap::MissingNodes, || {
                format!("{} of {} nodes", way.nodes.len() - short, way.nodes.len())
            });
        }
        report.ways += u64::from(!pieces.is_empty());
        for (piece, ids) in pieces.iter().zip(ids(way.id, &pieces)) {
            put(way, piece, ids, (&built_up, limits), draft, |directed| {
                if of_restrictions.contains(&way.id) {
                    named.of_ways.entry(way.id).or_default().push(directed);
                }
                for (end, side) in [(directed.nodes[1], 0), (directed.nodes[0], 1)] {
                    if kept.barriers.contains_key(&end) {
                        named.at_barriers.entry(end).or_default()[side].push(directed);
                    }
                }
            });
        }
    }
    named
}

/// A way's nodes, cut where the file does not hold some.
fn runs(way: &Way, nodes: &FxHashMap<i64, Node>) -> Vec<Vec<(i64, Node)>> {
    let mut runs = vec![Vec::new()];
    for id in &way.nodes {
        match nodes.get(id).filter(|node| node.place.is_some()) {
            Some(node) => {
                if let Some(run) = runs.last_mut() {
                    run.push((*id, *node));
                }
            }
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Between two junctions.
#[derive(Debug)]
struct Piece {
    nodes: [i64; 2],
    points: Vec<LonLat>,
}

fn pieces(way: &Way, kept: &Collected) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for run in runs(way, &kept.nodes) {
        let Some(&(mut from, first)) = run.first() else { continue };
        let mut points = vec![point(first.place)];
        for (i, (id, node)) in run.iter().enumerate().skip(1) {
            points.push(point(node.place));
            if i + 1 == run.len() || node.junction() || kept.barriers.contains_key(id) {
                pieces.push(Piece { nodes: [from, *id], points: std::mem::take(&mut points) });
                points.push(point(node.place));
                from = *id;
            }
        }
    }
    pieces
}

/// The lasting names of the pieces, forward and backward. All are numbered, whether anybody may go there or not, so that a
/// street that becomes one-way keeps the name of the direction that is left.
fn ids(way: i64, pieces: &[Piece]) -> Vec<[LinkId; 2]> {
    let mut counts = FxHashMap::<[i64; 2], u32>::default();
    let mut next = |nodes: [i64; 2]| {
        let count = counts.entry(nodes).or_default();
        let id = DraftLink::id_of(way, nodes, *count);
        *count += 1;
        id
    };
    let forward: Vec<_> = pieces.iter().map(|piece| next(piece.nodes)).collect();
    let backward = pieces.iter().map(|piece| next([piece.nodes[1], piece.nodes[0]]));
    forward.iter().zip(backward).map(|(forward, backward)| [*forward, backward]).collect()
}

fn put(
    way: &Way,
    piece: &Piece,
    ids: [LinkId; 2],
    (built_up, limits): (&BuiltUp, Limits),
    draft: &mut Draft,
    mut tell: impl FnMut(Directed),
) {
    let street = &way.street;
    let middle = piece.points.get(piece.points.len() / 2).copied().unwrap_or_default();
    let urban = street.built_up.unwrap_or_else(|| built_up.at(middle));
    for (i, side) in street.sides.iter().enumerate() {
        let Some(side) = side else { continue };
        let [a, b] = piece.nodes;
        let (nodes, points) = if i == 0 {
            ([a, b], piece.points.clone())
        } else {
            ([b, a], piece.points.iter().rev().copied().collect())
        };
        let opposite = street.sides[1 - i].as_ref().map(|_| ids[1 - i]);
        tell(Directed { id: ids[i], nodes, opposite, modes: modes(&side.access) });
        draft.link(DraftLink {
            id: ids[i],
            nodes,
            points,
            class: street.class.class,
            free_flow_kmh: free_flow_kmh(street.class, side.limit_kmh, urban, street.roundabout, limits),
            lanes: side.lanes,
            name: street.name.clone(),
            access: side.access.clone(),
            opposite,
            roundabout: street.roundabout,
        });
    }
}

/// Who may go there at some time.
fn modes(access: &Access) -> Modes {
    let may = |mode: &Mode| {
        let timed = access.rules.iter().any(|r| r.modes.has(*mode) && r.permission != Permission::No);
        timed || access.usual(*mode) != Permission::No
    };
    Mode::ALL.into_iter().filter(may).fold(Modes::NONE, Modes::with)
}

fn point(place: Option<Place>) -> LonLat {
    place.map_or_else(LonLat::default, |place| LonLat {
        lon: f64::from(place.lon_e7) / 1e7,
        lat: f64::from(place.lat_e7) / 1e7,
    })
}
