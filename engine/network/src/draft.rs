//! A network in the making: links in any order between junctions that their makers number, then sorted, numbered and checked.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use vlot_model::{Access, Link, LinkId, LinkIx, LonLat, Modes, NodeIx, RoadClass, RoadNetwork, Turn};

use crate::geo;

/// Shorter links are this long: a length of nothing would be a travel time of nothing.
const SHORTEST_M: f64 = 0.5;

/// A network in the making.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    source: String,
    links: Vec<DraftLink>,
    turns: Vec<DraftTurn>,
}

/// A directed link in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftLink {
    /// Its lasting name; see [`DraftLink::id_of`].
    pub id: LinkId,
    /// Its makers' numbers of the junctions where it begins and ends.
    pub nodes: [i64; 2],
    /// From its start to its end, at least two points.
    pub points: Vec<LonLat>,
    /// What kind of street.
    pub class: RoadClass,
    /// Speed of an undisturbed car, km/h, above 0.
    pub free_flow_kmh: f32,
    /// Lanes of this direction.
    pub lanes: u8,
    /// The street's name; may be empty.
    pub name: String,
    /// Who may use it.
    pub access: Access,
    /// The lasting name of the other direction.
    pub opposite: Option<LinkId>,
    /// Part of a roundabout.
    pub roundabout: bool,
}

impl DraftLink {
    /// A plain link, without points and open to all.
    #[must_use]
    pub fn new(nodes: [i64; 2], id: u64, class: RoadClass) -> Self {
        DraftLink {
            id: LinkId(id),
            nodes,
            points: Vec::new(),
            class,
            free_flow_kmh: 50.0,
            lanes: 1,
            name: String::new(),
            access: Access::default(),
            opposite: None,
            roundabout: false,
        }
    }

    /// The lasting name of the piece of a way between two of its junctions, in the direction from the first to the second: made
    /// of nothing that a re-import changes (64-bit FNV-1a over the three numbers; `piece` tells pieces of one way apart that
    /// join the same two junctions).
    #[must_use]
    pub fn id_of(way: i64, nodes: [i64; 2], piece: u32) -> LinkId {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let numbers = [way, nodes[0], nodes[1], i64::from(piece)];
        for byte in numbers.iter().flat_map(|n| n.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        LinkId(hash)
    }
}

/// A turn in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftTurn {
    /// From here,
    pub from: LinkId,
    /// through these,
    pub via: Vec<LinkId>,
    /// to here.
    pub to: LinkId,
    /// The only one allowed, or one that is not.
    pub only: bool,
    /// Whom it binds.
    pub modes: Modes,
    /// When; `None`: always.
    pub hours: Option<Arc<str>>,
}

/// A network, and what of its draft is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The network.
    pub network: RoadNetwork,
    /// What was left out, and why.
    pub refused: Vec<Refused>,
}

/// What of a draft is not in the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refused {
    /// A link without a course.
    #[error("link {0:016x} has fewer than two points")]
    NoPoints(u64),
    /// A link whose speed is no speed.
    #[error("link {0:016x} has a free-flow speed that is none")]
    NoSpeed(u64),
    /// Two links of one name.
    #[error("link {0:016x} is there twice")]
    Twice(u64),
    /// A turn over links that are not there, or that do not meet.
    #[error("a turn from link {from:016x} to {to:016x} does not lead over links that meet")]
    BrokenTurn {
        /// From.
        from: u64,
        /// To.
        to: u64,
    },
}

impl Draft {
    /// An empty one; `source` tells people where it came from.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Draft { source: source.to_owned(), ..Draft::default() }
    }

    /// A draft to change a network that is there already.
    #[must_use]
    pub fn of(network: &RoadNetwork) -> Self {
        let id = |link: LinkIx| network.link(link).map(|link| link.id);
        let links = network.links.iter().enumerate().map(|(i, link)| DraftLink {
            id: link.id,
            nodes: [i64::from(link.from.0), i64::from(link.to.0)],
            points: network.shape(LinkIx::from_position(i)).to_vec(),
            class: link.class,
            free_flow_kmh: link.free_flow_kmh,
            lanes: link.lanes,
            name: network.name(LinkIx::from_position(i)).to_owned(),
            access: network.access.get(link.access as usize).cloned().unwrap_or_default(),
            opposite: link.opposite.and_then(id),
            roundabout: link.roundabout,
        });
        let turns = network.turns.iter().filter_map(|turn| {
            Some(DraftTurn {
                from: id(turn.from)?,
                via: turn.via.iter().map(|via| id(*via)).collect::<Option<_>>()?,
                to: id(turn.to)?,
                only: turn.only,
                modes: turn.modes,
                hours: turn.hours.clone(),
            })
        });
        Draft { source: network.source.clone(), links: links.collect(), turns: turns.collect() }
    }

    /// Adds a link.
    pub fn link(&mut self, link: DraftLink) {
        self.links.push(link);
    }

    /// All links so far, to be changed.
    pub fn links_mut(&mut self) -> &mut Vec<DraftLink> {
        &mut self.links
    }

    /// Adds a turn.
    pub fn turn(&mut self, turn: DraftTurn) {
        self.turns.push(turn);
    }

    /// The network: links sorted by their lasting names, junctions numbered in the order in which those come to them.
    ///
    /// # Panics
    /// Past `u32::MAX` links, junctions or points.
    #[must_use]
    pub fn make(mut self) -> Made {
        let mut refused = Vec::new();
        self.links.sort_by_key(|link| link.id);
        self.links.dedup_by(|b, a| {
            let twice = a.id == b.id;
            if twice {
                refused.push(Refused::Twice(a.id.0));
            }
            twice
        });
        self.links.retain(|link| {
            let bad = if link.points.len() < 2 {
                Some(Refused::NoPoints(link.id.0))
            } else if !(link.free_flow_kmh.is_finite() && link.free_flow_kmh > 0.0) {
                Some(Refused::NoSpeed(link.id.0))
            } else {
                None
            };
            let good = bad.is_none();
            refused.extend(bad);
            good
        });
        let mut network = RoadNetwork {
            source: self.source,
            names: vec!["".into()],
            access: vec![Access::default()],
            ..RoadNetwork::default()
        };
        let mut nodes = FxHashMap::default();
        let mut names: FxHashMap<String, u32> = FxHashMap::from_iter([(String::new(), 0)]);
        let opposites: Vec<_> = self.links.iter().map(|link| link.opposite).collect();
        for link in self.links {
            let made = put(&mut network, &mut nodes, &mut names, link);
            network.links.push(made);
        }
        for (i, opposite) in opposites.into_iter().enumerate() {
            let found = opposite.and_then(|id| network.find(id));
            if let Some(link) = network.links.get_mut(i) {
                link.opposite = found;
            }
        }
        for turn in self.turns {
            let (from, to) = (turn.from.0, turn.to.0);
            match meet(&network, turn) {
                Some(turn) => network.turns.push(turn),
                None => refused.push(Refused::BrokenTurn { from, to }),
            }
        }
        network.turns.sort();
        network.turns.dedup();
        Made { network, refused }
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).expect("a city has fewer than four thousand million points")
}

#[expect(clippy::cast_possible_truncation, reason = "metres of a link fit f32")]
fn put(
    network: &mut RoadNetwork,
    nodes: &mut FxHashMap<i64, NodeIx>,
    names: &mut FxHashMap<String, u32>,
    link: DraftLink,
) -> Link {
    let ends = [link.points.first(), link.points.last()].map(|p| p.copied().unwrap_or_default());
    let mut node = |i: usize| {
        *nodes.entry(link.nodes[i]).or_insert_with(|| {
            network.nodes.push(ends[i]);
            NodeIx::from_position(network.nodes.len() - 1)
        })
    };
    let (from, to) = (node(0), node(1));
    let access = network.access.iter().rposition(|access| *access == link.access).unwrap_or_else(|| {
        network.access.push(link.access.clone());
        network.access.len() - 1
    });
    let name = *names.entry(link.name).or_insert_with_key(|name| {
        network.names.push(name.as_str().into());
        number(network.names.len() - 1)
    });
    let length_m = geo::length_m(&link.points).max(SHORTEST_M) as f32;
    let start = number(network.points.len());
    network.points.extend(link.points);
    Link {
        id: link.id,
        from,
        to,
        points: start..number(network.points.len()),
        length_m,
        class: link.class,
        free_flow_kmh: link.free_flow_kmh,
        lanes: link.lanes.max(1),
        name,
        access: number(access),
        opposite: None,
        roundabout: link.roundabout,
    }
}

/// The turn over links of the network, if each begins where the one before ends.
fn meet(network: &RoadNetwork, turn: DraftTurn) -> Option<Turn> {
    let from = network.find(turn.from)?;
    let via: Vec<_> = turn.via.iter().map(|id| network.find(*id)).collect::<Option<_>>()?;
    let to = network.find(turn.to)?;
    let mut at = network.link(from)?.to;
    for link in via.iter().chain([&to]) {
        let link = network.link(*link)?;
        if link.from != at {
            return None;
        }
        at = link.to;
    }
    Some(Turn { from, via, to, only: turn.only, modes: turn.modes, hours: turn.hours })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: f64, to: f64) -> Vec<LonLat> {
        [from, to].map(|lon| LonLat { lon, lat: 50.88 }).to_vec()
    }

    fn link(nodes: [i64; 2], id: u64) -> DraftLink {
        let points = line(nodes[0] as f64 / 1_000.0, nodes[1] as f64 / 1_000.0);
        DraftLink { points, name: "Ring".into(), ..DraftLink::new(nodes, id, RoadClass::Trunk) }
    }

    #[test]
    fn the_order_of_drafting_does_not_show() {
        let links = [link([1, 2], 30), link([2, 1], 20), link([2, 3], 10)];
        let make = |order: &[usize]| {
            let mut draft = Draft::new("test");
            for i in order {
                let mut link = links[*i].clone();
                link.opposite = (*i < 2).then(|| links[1 - *i].id);
                draft.link(link);
            }
            draft.make()
        };
        let made = make(&[0, 1, 2]);
        assert_eq!(made, make(&[2, 0, 1]));
        assert_eq!(made.refused, []);
        assert_eq!(made.network.links[1].opposite, Some(LinkIx(2)));
        assert_eq!((made.network.nodes.len(), made.network.names.len()), (3, 2));
        assert_eq!(Draft::of(&made.network).make().network, made.network);
    }

    #[test]
    fn what_is_no_street_is_left_out_and_named() {
        let mut draft = Draft::new("test");
        draft.link(link([1, 2], 1));
        draft.link(link([2, 3], 2));
        draft.link(link([3, 4], 2));
        draft.link(DraftLink { points: Vec::new(), ..link([4, 5], 3) });
        draft.link(DraftLink { free_flow_kmh: 0.0, ..link([4, 5], 4) });
        let turn = |from, to| DraftTurn {
            from: LinkId(from),
            via: Vec::new(),
            to: LinkId(to),
            only: false,
            modes: Modes::ALL,
            hours: None,
        };
        draft.turn(turn(1, 2));
        draft.turn(turn(2, 1));
        draft.turn(turn(1, 9));
        let made = draft.make();
        assert_eq!((made.network.links.len(), made.network.turns.len()), (2, 1));
        assert_eq!(made.refused.len(), 5, "{:?}", made.refused);
    }

    #[test]
    fn a_lasting_name_tells_directions_and_pieces_apart() {
        let ids = [
            DraftLink::id_of(7, [1, 2], 0),
            DraftLink::id_of(7, [2, 1], 0),
            DraftLink::id_of(7, [1, 2], 1),
            DraftLink::id_of(8, [1, 2], 0),
        ];
        let mut distinct = ids.to_vec();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 4);
        assert_eq!(ids[0], DraftLink::id_of(7, [1, 2], 0));
    }
}
