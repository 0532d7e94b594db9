//! Who drives, of one seed: the same for every mode and compliance.
//!
//! As many trips as the scenario's file has (times the scale), drawn from them with replacement; a departure moves by up to a
//! minute. Each parks with the file's own share, where the file's drivers do and for as long as one of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::dice::{Dice, hash};
use super::scenario::{Scenario, VIEWS};

/// Deviation of the final destination from the preferred car park, metres along each axis.
const SCATTER_M: f64 = 150.0;
/// Streets wind; and who walks makes so many metres a second.
const WINDING: f64 = 1.3;
const WALK_MS: f64 = 1.25;
/// Searched for so long, minutes, somebody gives up: this at least, and up to so much more.
const PATIENCE_MIN: (f64, f64) = (20.0, 20.0);

pub(super) struct Demand {
    /// By departure.
    pub(super) vehicles: Vec<Vehicle>,
    pub(super) drivers: Vec<Driver>,
}

pub(super) struct Vehicle {
    pub(super) name: String,
    pub(super) depart_s: f64,
    pub(super) way: Arc<[u32]>,
    /// Position in `drivers` of who parks.
    pub(super) driver: Option<usize>,
}

/// Somebody who will park.
#[derive(Clone, Debug)]
pub(super) struct Driver {
    pub(super) view: usize,
    /// The car park that is preferred.
    pub(super) park: usize,
    /// Seconds of walking from each car park to where the driver wants to be.
    pub(super) walk_s: Vec<f64>,
    /// Obeys when the compliance is above this: who obeys at 20 % obeys at 50 %.
    pub(super) obeys_from: f64,
    pub(super) patience_s: f64,
    pub(super) stay_s: f64,
    /// Where the trip ends, after parking.
    pub(super) home: usize,
}

/// Ways between the ends of the file's trips, found when they are first asked for.
#[derive(Default)]
pub(super) struct Known(Mutex<Ways>);

/// By trip and view; `None`: there is no way.
type Ways = HashMap<(usize, usize), Option<Arc<[u32]>>>;

impl Known {
    fn way(&self, scenario: &Scenario, trip: usize, view: usize) -> Option<Arc<[u32]>> {
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held().get(&(trip, view)) {
            return known.clone();
        }
        let ends = scenario.trips[trip];
        let way: Option<Arc<[u32]>> = scenario.graph.way(ends.from, ends.to, view).map(Into::into);
        held().insert((trip, view), way.clone());
        way
    }
}

pub(super) fn draw(scenario: &Scenario, known: &Known, seed: u64, scale: f64, until_s: f64) -> Demand {
    let mut dice = Dice::new(seed, 1);
    let weights: Vec<u32> = scenario.parks.iter().map(|park| park.wanted).collect();
    let (mut vehicles, mut drivers) = (Vec::new(), Vec::new());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of trips")]
    let count = (scenario.trips.len() as f64 * scale).round() as usize;
    for n in 0..count {
        let drawn = dice.below(scenario.trips.len());
        let trip = scenario.trips[drawn];
        let depart_s = (trip.depart_s + (dice.share() - 0.5) * 120.0).abs();
        let parks = dice.is(scenario.parking);
        let park = weighted(&weights, dice.share());
        let stay_s = scenario.stays_s[dice.below(scenario.stays_s.len())];
        let scatter = [dice.normal(), dice.normal()].map(|share| share * SCATTER_M);
        let (obeys_from, patience) = (dice.share(), dice.share());
        if depart_s >= until_s {
            continue;
        }
        // A file's own pair always is seen alike: ways of through traffic are then found once.
        let view = usize::try_from(hash(drawn as u64, 7) % VIEWS as u64).unwrap_or(0);
        let (way, driver) = if parks {
            let want = [0, 1].map(|i| scenario.parks[park].at[i] + scatter[i]);
            drivers.push(Driver {
                view,
                park,
                walk_s: scenario.parks.iter().map(|park| walk_s(park.at, want)).collect(),
                obeys_from,
                patience_s: (PATIENCE_MIN.0 + patience * PATIENCE_MIN.1) * 60.0,
                stay_s,
                home: trip.to,
            });
            (Some(scenario.to[view][park].way(trip.from).into()), Some(drivers.len() - 1))
        } else {
            (known.way(scenario, drawn, view), None)
        };
        let Some(way) = way else { continue };
        vehicles.push(Vehicle { name: format!("v{n}"), depart_s, way, driver });
    }
    // Stable: of two at one instant the one drawn first.
    vehicles.sort_by(|a, b| a.depart_s.total_cmp(&b.depart_s));
    Demand { vehicles, drivers }
}

/// Seconds of walking between two points of SUMO's plane.
pub(super) fn walk_s(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1]) * WINDING / WALK_MS
}

fn weighted(weights: &[u32], share: f64) -> usize {
    let sum: u32 = weights.iter().sum();
    let mut left = share * f64::from(sum);
    for (i, weight) in weights.iter().enumerate() {
        left -= f64::from(*weight);
        if left < 0.0 {
            return i;
        }
    }
    weights.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(3, 1);
        let mut drawn = [0_u32; 3];
        for _ in 0..6_000 {
            drawn[weighted(&[3, 0, 1], dice.share())] += 1;
        }
        assert!(drawn[1] == 0 && (4_300..4_700).contains(&drawn[0]), "{drawn:?}");
    }
}
