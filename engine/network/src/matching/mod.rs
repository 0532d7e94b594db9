//! Which links a vehicle went along, from points that are metres off: a hidden Markov model (Newson and Krumm 2009).
//!
//! A point's candidates are the links near it; nearer ones are likelier, and ones that lead where the vehicle heads. Between two
//! points a way over the network is the likelier the less longer it is than the straight line. The likeliest chain of candidates
//! is what was driven. Where nothing on the network explains the points the track is broken, and nothing is said of the
//! part between.
//!
//! What always binds is respected: directions, access, turns. Of rules in time none is: who drove there, drove there.

mod chain;
mod graph;
mod grid;
mod search;
mod track;
mod tracker;

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{LonLat, Mode, RoadNetwork, Timestamp};

pub use chain::Fate;
use graph::Graph;
use grid::Grid;
pub use search::Scratch;
pub use track::{Matched, Passed, match_track};
pub use tracker::{Tracker, Traversal};

/// Where a vehicle was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Where, metres off.
    pub position: LonLat,
    /// Its speed, where it is known.
    pub speed_kmh: Option<f32>,
    /// Its direction, degrees clockwise from north, where it is known.
    pub heading_deg: Option<f32>,
}

/// How points err, and how long and far a track holds together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Standard deviation of a point from where the vehicle was, metres.
    pub sigma_m: f32,
    /// Links further away are no candidates, metres.
    pub radius_m: f32,
    /// Candidates of one point.
    pub candidates: usize,
    /// Metres that a way may be longer than the straight line, for a likelihood of 1/e,
    pub beta_m: f32,
    /// and this share of the straight line more.
    pub beta_share: f32,
    /// Standard deviation of a heading, degrees.
    pub heading_deg: f32,
    /// A vehicle that moves less stands still, metres.
    pub still_m: f32,
    /// A vehicle that stands still for longer is parked: the track ends there.
    pub parked: Duration,
    /// After a longer silence the track begins anew.
    pub gap: Duration,
    /// No vehicle is faster, km/h.
    pub fastest_kmh: f32,
    /// So many unusable points in a row break the track.
    pub unusable: u8,
    /// Points that an online tracker keeps undecided.
    pub lag: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            sigma_m: 6.0,
            radius_m: 75.0,
            candidates: 16,
            beta_m: 8.0,
            beta_share: 0.05,
            heading_deg: 35.0,
            still_m: 8.0,
            parked: Duration::from_mins(10),
            gap: Duration::from_mins(3),
            fastest_kmh: 250.0,
            unusable: 3,
            lag: 12,
        }
    }
}

/// A network made ready for matching vehicles of one mode. Never changes; shared by all tracks.
#[derive(Debug)]
pub struct Matcher {
    graph: Graph,
    grid: Grid,
    rules: Rules,
}

impl Matcher {
    /// For vehicles of `mode` on the links that they may ever use.
    #[must_use]
    pub fn new(network: Arc<RoadNetwork>, mode: Mode, rules: Rules) -> Self {
        let graph = Graph::new(network, mode);
        let grid = Grid::new(&graph, rules.radius_m);
        Matcher { graph, grid, rules }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Arc<RoadNetwork> {
        self.graph.network()
    }

    /// How it judges.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

#[cfg(test)]
mod tests;
