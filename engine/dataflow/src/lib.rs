//! The operators: from admitted readings to products. Pure: no I/O, no clock, no async.
//!
//! timely's timestamp is the admission tick. A batch handed to the dataflow may span several ticks (replay does so
//! for speed): it travels at a timely time at or before its first tick, and the input advances past its last one
//! after it. Every record carries its own tick, and an operator works tick by tick, so that how ticks were grouped
//! into batches, and on how many workers they ran, never shows in a product.
//!
//! One folder an operator: `logic.rs` is pure and knows nothing of timely, `mod.rs` wires it into the graph. A new
//! operator is a folder, a room in `rooms.rs` and a line in [`build`].

use std::sync::Arc;

use timely::dataflow::StreamVec;
use timely::dataflow::operators::Concatenate;
use vlot_model::{Admitted, City, ClockTick, Meters, Tick, Update};

mod bicycles;
mod collect;
mod corridors;
pub mod estimate;
mod expected;
pub mod forecast;
mod garages;
pub mod health;
mod incidents;
mod intervals;
mod jams;
mod links;
mod parking;
mod roads;
mod roadside;
mod rooms;
pub mod shell;
mod signs;
mod silence;
mod situations;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_roads;
#[cfg(test)]
mod tests;
mod traffic;
mod trust;
mod zones;

use bicycles::BicycleLane;
pub use collect::collect;
use intervals::stations;
use traffic::MotorLane;

/// Admitted readings, in any order within a timely time.
pub type Readings<'s> = StreamVec<'s, Tick, Admitted>;
/// The engine's clock, the same on every worker.
pub type Clocks<'s> = StreamVec<'s, Tick, ClockTick>;
/// Products on their way to the board.
pub type Updates<'s> = StreamVec<'s, Tick, Update>;

/// The whole graph, from readings to products of facilities, garages, stations, signs and links, and to forecasts.
pub fn build<'s>(
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let scope = readings.scope();
    let [
        of_parking,
        of_garages,
        of_traffic,
        of_bicycles,
        of_signs,
        of_links,
        of_roadside,
        of_situations,
        of_apps,
    ] = rooms::divide(readings, city, meters);
    let facilities = parking::facilities(of_parking.clone(), clock.clone(), city, meters);
    let counts = stations::<MotorLane>("Traffic", of_traffic.clone(), clock.clone(), city, meters);
    let situations = situations::situations(of_situations.clone(), clock.clone(), city, meters);
    let feeds = health::feeds::feeds(of_links.clone(), clock.clone(), city);
    let (judged, stated) = (counts.clone(), situations.clone());
    let heard = roads::Heard { of_links, of_traffic, of_situations, judged, situations: stated };
    let mut all = roads::roads(heard, clock.clone(), city, meters);
    all.extend([
        forecast::forecasts(facilities.clone(), clock.clone(), city),
        zones::zones(of_parking, facilities.clone(), clock.clone(), city),
        facilities,
        garages::garages(of_garages, clock.clone(), city, meters),
        counts,
        stations::<BicycleLane>("Bicycles", of_bicycles, clock.clone(), city, meters),
        signs::signs(of_signs, clock.clone(), city, meters),
        situations,
        feeds,
        roadside::roadside(of_roadside, clock.clone(), city, meters),
        expected::expected(of_apps, clock, city, meters),
    ]);
    scope.concatenate(all)
}
