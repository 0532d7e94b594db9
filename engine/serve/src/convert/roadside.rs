//! Traffic-light controllers and air stations.

use vlot_model::{AirIx, AirQuantity, City, ControllerIx, Entry, Product, SignalState};

use super::{Edge, position, timestamp};
use crate::wire::traffic::v1 as wire;

/// A controller with what it said last.
pub(crate) fn controller(
    city: &City,
    ix: ControllerIx,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::Controller {
    let Some(controller) = city.controllers.get(ix.at()) else { return wire::Controller::default() };
    let state = entry.and_then(|entry| match &*entry.product {
        Product::Controller(s) => Some(wire::ControllerState {
            state: signal(s.state).into(),
            plan: s.plan.map(u32::from),
            observed_at: Some(timestamp(s.observed_at)),
            valid_until: Some(timestamp(s.valid_until)),
            quality: edge.quality(s.quality, Some(s.valid_until)).into(),
            version: entry.version,
        }),
        _ => None,
    });
    wire::Controller {
        id: controller.id.to_string(),
        name: controller.name.clone(),
        position: Some(position(controller.position)),
        state,
    }
}

fn signal(state: SignalState) -> wire::SignalState {
    match state {
        SignalState::Running => wire::SignalState::Running,
        SignalState::Flashing => wire::SignalState::Flashing,
        SignalState::Dark => wire::SignalState::Dark,
        SignalState::AllRed => wire::SignalState::AllRed,
        SignalState::Manual => wire::SignalState::Manual,
        SignalState::Fault => wire::SignalState::Fault,
    }
}

/// An air station with what it measured last.
pub(crate) fn air_station(
    city: &City,
    ix: AirIx,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::AirStation {
    let Some(station) = city.air_stations.get(ix.at()) else { return wire::AirStation::default() };
    let said = entry.and_then(|entry| match &*entry.product {
        Product::Air(state) => Some(state),
        _ => None,
    });
    let values = said.into_iter().flat_map(|state| state.values.iter().map(move |v| (state.quality, v)));
    let values = values.map(|(stated, v)| {
        // Each grows old by itself: one quantity may have fallen silent while others go on.
        let valid_until = v.observed_at + station.valid_for;
        wire::AirValue {
            quantity: quantity(v.quantity).into(),
            value: v.value,
            observed_at: Some(timestamp(v.observed_at)),
            valid_until: Some(timestamp(valid_until)),
            quality: edge.quality(stated, Some(valid_until)).into(),
        }
    });
    wire::AirStation {
        id: station.id.to_string(),
        name: station.name.clone(),
        position: Some(position(station.position)),
        values: values.collect(),
        version: said.and(entry).map_or(0, |entry| entry.version),
    }
}

fn quantity(quantity: AirQuantity) -> wire::AirQuantity {
    match quantity {
        AirQuantity::No2 => wire::AirQuantity::No2,
        AirQuantity::Pm10 => wire::AirQuantity::Pm10,
        AirQuantity::Pm25 => wire::AirQuantity::Pm25,
        AirQuantity::O3 => wire::AirQuantity::O3,
        AirQuantity::Noise => wire::AirQuantity::Noise,
    }
}
