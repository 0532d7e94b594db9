//! Each reading goes to one operator, by what its device watches.

use std::sync::Arc;

use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use vlot_model::{Admitted, City, CountMode, Meters, Role};

use crate::Readings;

/// The operators that readings go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Parking,
    Garages,
    Traffic,
    Bicycles,
    Signs,
    /// Followed vehicles and travel times of pairs.
    Links,
    /// Traffic lights, air, readers.
    Roadside,
    Situations,
    /// What apps announce.
    Expected,
}

const ROOMS: usize = 9;

/// The room of each device, by position.
fn rooms(city: &City) -> Vec<Room> {
    let room = |role: Role| match role {
        Role::Bay { .. } | Role::Barrier { .. } | Role::Counter { .. } | Role::Operator { .. } => {
            Room::Parking
        }
        Role::Section { .. } | Role::Place { .. } => Room::Garages,
        Role::Lane { station } => match city.stations[station.at()].mode {
            CountMode::Motor => Room::Traffic,
            CountMode::Bicycle => Room::Bicycles,
        },
        Role::Sign { .. } => Room::Signs,
        Role::Probes | Role::Pair { .. } => Room::Links,
        Role::Reader | Role::Controller { .. } | Role::Air { .. } => Room::Roadside,
        Role::Situations => Room::Situations,
        Role::Apps { .. } => Room::Expected,
    };
    city.devices.iter().map(|device| room(device.role)).collect()
}

/// The readings of each room, in the order of [`Room`].
///
/// One pass and one copy of a reading, where a filter per operator would copy it once for each.
pub(crate) fn divide<'s>(
    readings: Readings<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> [Readings<'s>; ROOMS] {
    let rooms = rooms(city);
    let meters = Arc::clone(meters);
    let mut builder = OperatorBuilder::new("Rooms".to_owned(), readings.scope());
    let mut input = builder.new_input(readings, Pipeline);
    let ports: [_; ROOMS] = std::array::from_fn(|_| builder.new_output::<Vec<Admitted>>());
    let mut outputs = Vec::new();
    let streams = ports.map(|(output, stream)| {
        outputs.push(OutputBuilder::<_, timely::container::CapacityContainerBuilder<Vec<Admitted>>>::from(
            output,
        ));
        stream
    });
    builder.build(move |_| {
        let mut parts: [Vec<Admitted>; ROOMS] = Default::default();
        move |_| {
            let mut outputs: Vec<_> = outputs.iter_mut().map(OutputBuilder::activate).collect();
            input.for_each_stamp(|cap, containers| {
                for record in containers.flat_map(|container| container.drain(..)) {
                    match rooms.get(record.reading.device.at()) {
                        Some(&room) => parts[room as usize].push(record),
                        None => meters.retired_devices.add(1),
                    }
                }
                for (part, output) in parts.iter_mut().zip(&mut outputs) {
                    if !part.is_empty() {
                        let usual = part.len();
                        output.session(&cap).give_container(part);
                        part.clear();
                        // The next batch is often as large: growing step by step would copy it once more.
                        part.reserve(usual);
                    }
                }
            });
        }
    });
    streams
}
