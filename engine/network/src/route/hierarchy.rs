//! The hierarchy's structure: which shortcuts there are, whatever anything weighs.

use cch::Cch;
use cch::graph::Graph;

use super::turns::{TurnGraph, grouped};
use super::{NONE, id, order};

/// What a hierarchy is made of: nodes and arcs, by the node that they leave.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) first_out: Vec<u32>,
    pub(super) head: Vec<u32>,
    tail: Vec<u32>,
    lat: Vec<f32>,
    lon: Vec<f32>,
    /// The arc of the turn graph.
    pub(super) arc_of: Vec<u32>,
}

impl Input {
    pub(super) fn nodes(&self) -> usize {
        self.lat.len()
    }
}

/// A hierarchy over some of the states: those that lead through, or those that are local. Nodes are named by their rank: later contracted, higher.
#[derive(Debug, Default)]
pub(super) struct Hierarchy {
    /// The rank of each state of the turn graph; [`NONE`] of one that is not in it.
    pub(super) rank_of: Vec<u32>,
    /// The state of each rank.
    pub(super) state_of: Vec<u32>,
    /// The next node up the elimination tree; [`NONE`] of a root.
    pub(super) parent: Vec<u32>,
    /// Arcs by their lower node, then by their upper.
    pub(super) up_first: Vec<u32>,
    pub(super) up_head: Vec<u32>,
    pub(super) up_tail: Vec<u32>,
    /// The same by their upper node, then by their lower: the lower node and the arc.
    pub(super) down_first: Vec<u32>,
    pub(super) down: Vec<[u32; 2]>,
    /// Arc of the turn graph, arc here, and 0 where it leads up, 1 where it leads down.
    pub(super) inputs: Vec<(u32, u32, usize)>,
    /// Positions in `inputs` by arc here.
    first_input: Vec<u32>,
    inputs_of: Vec<u32>,
    /// The arc here of each arc of the turn graph; [`NONE`] of one that is not in it.
    pub(super) arc_of: Vec<u32>,
    /// To be kept for the next time.
    pub(super) order: Vec<u8>,
}

impl Hierarchy {
    /// Over the states that `has` says. `kept`: the order of an earlier time; made anew if it is not of these streets.
    pub(super) fn new(graph: &TurnGraph, has: impl Fn(u32) -> bool, kept: Option<&[u8]>) -> Self {
        let (input, node_of, states) = input(graph, has);
        if input.nodes() == 0 {
            return Hierarchy {
                rank_of: node_of,
                up_first: vec![0],
                down_first: vec![0],
                first_input: vec![0],
                arc_of: vec![NONE; graph.head.len()],
                ..Hierarchy::default()
            };
        }
        let order = kept.and_then(|bytes| order::read(&input, bytes)).unwrap_or_else(|| {
            cch::inertial_order(id(input.nodes()), &input.tail, &input.head, &input.lat, &input.lon)
        });
        let kept = order::write(&input, &order);
        let weight = vec![0; input.head.len()];
        let built = Cch::build(&Graph { first_out: input.first_out, head: input.head, weight }, &order);
        let rank = |node: u32| if node == NONE { NONE } else { built.rank[node as usize] };
        let inputs: Vec<_> = built
            .input_arc_to_cch_arc
            .iter()
            .zip(input.arc_of.iter().zip(&input.tail))
            .filter(|(arc, _)| **arc != NONE)
            .map(|(arc, (turn, tail))| {
                (*turn, *arc, usize::from(built.up_tail[*arc as usize] != rank(*tail)))
            })
            .collect();
        let by_arc: Vec<_> = inputs.iter().map(|(_, arc, _)| *arc).collect();
        let (first_input, inputs_of) = grouped(built.up_head.len(), &by_arc);
        let mut arc_of = vec![NONE; graph.head.len()];
        for (turn, arc, _) in &inputs {
            arc_of[*turn as usize] = *arc;
        }
        Hierarchy {
            rank_of: node_of.iter().map(|node| rank(*node)).collect(),
            state_of: order.iter().map(|node| states[*node as usize]).collect(),
            down: built.down_head.iter().zip(&built.down_to_up).map(|(head, arc)| [*head, *arc]).collect(),
            parent: built.elimination_tree_parent,
            up_first: built.up_first_out,
            up_head: built.up_head,
            up_tail: built.up_tail,
            down_first: built.down_first_out,
            inputs,
            first_input,
            inputs_of,
            arc_of,
            order: kept,
        }
    }

    pub(super) fn nodes(&self) -> usize {
        self.state_of.len()
    }

    pub(super) fn up(&self, node: u32) -> std::ops::Range<usize> {
        self.up_first[node as usize] as usize..self.up_first[node as usize + 1] as usize
    }

    /// Lower neighbours and the arcs to them, lowest first.
    pub(super) fn down(&self, node: u32) -> &[[u32; 2]] {
        &self.down[self.down_first[node as usize] as usize..self.down_first[node as usize + 1] as usize]
    }

    /// Arcs of the turn graph that an arc here stands for itself, and whether they lead up (0) or down (1).
    pub(super) fn inputs(&self, arc: usize) -> impl Iterator<Item = (u32, usize)> + '_ {
        let of = self.first_input[arc] as usize..self.first_input[arc + 1] as usize;
        self.inputs_of[of].iter().map(|i| {
            let (turn, _, down) = self.inputs[*i as usize];
            (turn, down)
        })
    }

    /// The arc between two nodes, the lower first.
    pub(super) fn between(&self, low: u32, high: u32) -> Option<usize> {
        let up = self.up(low);
        self.up_head[up.clone()].binary_search(&high).ok().map(|i| up.start + i)
    }

    /// The arcs from common lower neighbours to the two ends of an arc: to its lower end, to its upper end.
    pub(super) fn lower_triangles(&self, arc: usize) -> impl Iterator<Item = [usize; 2]> + '_ {
        let (mut a, mut b) = (self.down(self.up_tail[arc]), self.down(self.up_head[arc]));
        std::iter::from_fn(move || {
            while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
                match x[0].cmp(&y[0]) {
                    std::cmp::Ordering::Less => a = rest_a,
                    std::cmp::Ordering::Greater => b = rest_b,
                    std::cmp::Ordering::Equal => {
                        (a, b) = (rest_a, rest_b);
                        return Some([x[1] as usize, y[1] as usize]);
                    }
                }
            }
            None
        })
    }
}

/// The states, the arcs between them, the node of each state, and the state of each node.
#[expect(clippy::cast_possible_truncation, reason = "the order needs no more than metres")]
fn input(graph: &TurnGraph, has: impl Fn(u32) -> bool) -> (Input, Vec<u32>, Vec<u32>) {
    let mut node_of = vec![NONE; graph.link_of.len()];
    let mut states = Vec::new();
    let mut input = Input::default();
    for (state, link) in graph.link_of.iter().enumerate().filter(|(state, _)| has(id(*state))) {
        node_of[state] = id(states.len());
        states.push(id(state));
        let shape = graph.network.shape(*link);
        let middle = [shape.get(shape.len() / 2), shape.get(shape.len().saturating_sub(1) / 2)];
        let [a, b] = middle.map(|p| p.copied().unwrap_or_default());
        input.lat.push(f64::midpoint(a.lat, b.lat) as f32);
        input.lon.push(f64::midpoint(a.lon, b.lon) as f32);
    }
    input.first_out.push(0);
    for (node, state) in states.iter().enumerate() {
        for arc in graph.arcs_from(*state) {
            let head = node_of[graph.head[arc as usize] as usize];
            if head != NONE {
                input.head.push(head);
                input.tail.push(id(node));
                input.arc_of.push(arc);
            }
        }
        input.first_out.push(id(input.head.len()));
    }
    (input, node_of, states)
}
