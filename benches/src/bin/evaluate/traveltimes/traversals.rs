//! What followed vehicles tell of links: from their points along their ways, when they passed from one link to the next.

use super::scenario::{Followed, Scenario};

/// A link begins so far.
const BEGINS_M: f64 = 10.0;

/// A vehicle left a link over whose whole length it had gone.
pub(super) struct Traversal {
    pub(super) edge: usize,
    pub(super) left_s: f64,
    pub(super) seconds: f64,
    /// When the point came that shows it.
    pub(super) known_s: f64,
    pub(super) vehicle: u32,
}

/// Of the vehicles that a seed chooses, so many of a hundred; in the order in which they become known.
pub(super) fn of(scenario: &Scenario, percent: u32, seed: u64) -> Vec<Traversal> {
    let share = f64::from(percent) / f64::from(scenario.followed_pct);
    let mut all = Vec::new();
    for (vehicle, followed) in (0..).zip(&scenario.followed) {
        if share >= 1.0 || chance(&followed.name, seed) < share {
            one(scenario, followed, vehicle, &mut all);
        }
    }
    all.sort_by(|a, b| {
        a.known_s.total_cmp(&b.known_s).then(a.vehicle.cmp(&b.vehicle)).then(a.left_s.total_cmp(&b.left_s))
    });
    all
}

/// 0..1, of a name and a seed.
fn chance(name: &str, seed: u64) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash ^= hash >> 32;
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

fn one(scenario: &Scenario, followed: &Followed, vehicle: u32, all: &mut Vec<Traversal>) {
    // Metres from the start of the way to the start of each of its edges; junctions are of no length here.
    let mut starts = vec![0.0];
    for edge in &followed.way {
        starts.push(starts.last().copied().unwrap_or(0.0) + scenario.edges[*edge].length_m);
    }
    let mut at = 0;
    let mut before: Option<(usize, f64, f64)> = None;
    let mut entered: Option<(usize, f64)> = None;
    for point in &followed.points {
        let Some(ahead) =
            followed.way.get(at..).and_then(|way| way.iter().position(|edge| *edge == point.edge))
        else {
            continue;
        };
        at += ahead;
        let along = starts[at] + point.pos_m.min(scenario.edges[point.edge].length_m);
        if let Some((from, was, when)) = before {
            for passed in from..at {
                let bound = starts[passed + 1];
                let share = if along > was { ((bound - was) / (along - was)).clamp(0.0, 1.0) } else { 1.0 };
                let left_s = when + share * (point.at_s - when);
                if let Some((_, since)) = entered.filter(|(edge, _)| *edge == passed) {
                    let edge = followed.way[passed];
                    all.push(Traversal {
                        edge,
                        left_s,
                        seconds: left_s - since,
                        known_s: point.at_s,
                        vehicle,
                    });
                }
                entered = Some((passed + 1, left_s));
            }
        }
        // Who is first heard of where a link begins goes over the whole of it: streets begin at the net's edge.
        if before.is_none() && point.pos_m <= BEGINS_M {
            entered = Some((at, point.at_s));
        }
        before = Some((at, along, point.at_s));
    }
}
