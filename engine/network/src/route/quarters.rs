//! Streets that through traffic may not use, as hierarchies of their own: one over all of them, in which every quarter is a part
//! that hangs together, and the turns between a quarter and the through streets.

use super::hierarchy::Hierarchy;
use super::turns::{TurnGraph, grouped};
use super::{NONE, id};

/// A turn between a quarter and the through streets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    /// The local street, as a node of [`Quarters::hierarchy`].
    pub(super) local: u32,
    /// The through street, as a node of the hierarchy of those.
    pub(super) gate: u32,
    /// The arc of the turn graph.
    pub(super) arc: u32,
}

/// The doors of every quarter in one direction: out of it, or into it.
#[derive(Debug, Default)]
pub(super) struct Doors {
    first: Vec<u32>,
    doors: Vec<Door>,
    /// The door that each arc of the turn graph is; [`NONE`] of others.
    door_of: Vec<u32>,
    /// Nodes from which doors lead and all above them, highest first, by quarter.
    first_above: Vec<u32>,
    above: Vec<u32>,
}

/// All quarters.
#[derive(Debug, Default)]
pub(super) struct Quarters {
    /// Over the states that are local at some time. A street that is a through one at other times is in both hierarchies.
    pub(super) hierarchy: Hierarchy,
    /// The quarter of each node.
    pub(super) quarter_of: Vec<u32>,
    /// Out of the quarters, into them.
    doors: [Doors; 2],
}

impl Quarters {
    /// `through`: the hierarchy of the through streets; `kept`: the order of an earlier time.
    pub(super) fn new(graph: &TurnGraph, through: &Hierarchy, kept: Option<&[u8]>) -> Self {
        let local = |state: u32| graph.through.ever_local(&graph.network, graph.link_of[state as usize]);
        let hierarchy = Hierarchy::new(graph, local, kept);
        let mut quarter_of = vec![NONE; hierarchy.nodes()];
        let mut quarters = 0;
        for x in (0..hierarchy.nodes()).rev() {
            quarter_of[x] = match hierarchy.parent[x] {
                NONE => {
                    quarters += 1;
                    id(quarters - 1)
                }
                parent => quarter_of[parent as usize],
            };
        }
        let ends =
            |side: usize| if side == 0 { [&graph.tail, &graph.head] } else { [&graph.head, &graph.tail] };
        let doors = [0, 1].map(|side| {
            let [inner, outer] = ends(side);
            let door = |arc: usize| Door {
                local: hierarchy.rank_of[inner[arc] as usize],
                gate: through.rank_of[outer[arc] as usize],
                arc: id(arc),
            };
            let all = (0..graph.head.len()).map(door).filter(|door| door.local != NONE && door.gate != NONE);
            Doors::new(&hierarchy, &quarter_of, [quarters, graph.head.len()], all.collect())
        });
        Quarters { hierarchy, quarter_of, doors }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.doors[0].first.len().saturating_sub(1)
    }

    /// The doors out of all quarters (0), into them (1).
    pub(super) fn doors(&self, side: usize) -> &[Door] {
        &self.doors[side].doors
    }

    /// Which of them are a quarter's.
    pub(super) fn doors_of(&self, side: usize, quarter: u32) -> std::ops::Range<usize> {
        let first = &self.doors[side].first;
        first[quarter as usize] as usize..first[quarter as usize + 1] as usize
    }

    /// Which of them an arc of the turn graph is.
    pub(super) fn door(&self, side: usize, arc: u32) -> Option<usize> {
        let door = self.doors[side].door_of.get(arc as usize).filter(|door| **door != NONE);
        door.map(|door| *door as usize)
    }

    /// The nodes that those doors lead from or to and all above them, highest first.
    pub(super) fn above(&self, side: usize, quarter: u32) -> &[u32] {
        let of = &self.doors[side];
        &of.above[of.first_above[quarter as usize] as usize..of.first_above[quarter as usize + 1] as usize]
    }
}

impl Doors {
    fn new(h: &Hierarchy, quarter_of: &[u32], [quarters, arcs]: [usize; 2], doors: Vec<Door>) -> Self {
        let mut above = vec![false; h.nodes()];
        for door in &doors {
            let mut x = door.local;
            while x != NONE && !std::mem::replace(&mut above[x as usize], true) {
                x = h.parent[x as usize];
            }
        }
        let nodes: Vec<_> = (0..id(h.nodes())).rev().filter(|x| above[*x as usize]).collect();
        let by = |x: u32| quarter_of[x as usize];
        let (first_above, order) = grouped(quarters, &nodes.iter().map(|x| by(*x)).collect::<Vec<_>>());
        let above = order.iter().map(|i| nodes[*i as usize]).collect();
        let (first, order) = grouped(quarters, &doors.iter().map(|door| by(door.local)).collect::<Vec<_>>());
        let doors: Vec<_> = order.iter().map(|i| doors[*i as usize]).collect();
        let mut door_of = vec![NONE; arcs];
        for (i, door) in doors.iter().enumerate() {
            door_of[door.arc as usize] = id(i);
        }
        Doors { first, doors, door_of, first_above, above }
    }
}
