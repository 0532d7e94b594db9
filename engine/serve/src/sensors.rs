//! Sensors and their health.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{DeviceIx, Entry, Key, Role};

use crate::convert;
use crate::filter::{Filter, clip};
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::device::v1::sensor_service_server::SensorService;
use crate::wire::device::v1::{
    Health, Life, ListSensorsRequest, ListSensorsResponse, SensorFilter, SensorKind, WatchSensorsRequest,
    WatchSensorsResponse,
};

/// The service.
pub(crate) struct Sensors(pub(crate) Arc<Shared>);

impl Sensors {
    /// Positions of the devices that match, none of them a sign or an operator.
    fn filter(&self, filter: Option<SensorFilter>) -> Result<Filter, Status> {
        let SensorFilter { ids, kinds, facility_ids } = filter.unwrap_or_default();
        let city = &self.0.context.city;
        let kind_at = |at: usize| city.devices.get(at).and_then(|device| convert::sensor_kind(device, city));
        let by_id = if ids.is_empty() { Filter::ALL } else { self.by_ids(&ids)? };
        let mut wanted = Vec::with_capacity(kinds.len().min(8));
        for kind in kinds {
            match SensorKind::try_from(kind) {
                Ok(SensorKind::Unspecified) => {}
                Ok(kind) => wanted.push(kind),
                Err(_) => return Err(Status::invalid_argument(format!("filter.kinds: {kind} is no kind"))),
            }
        }
        let facilities = self.0.names.facilities.filter(&facility_ids)?;
        let of_facility = |at: usize| {
            facility_ids.is_empty()
                || matches!(
                    city.devices.get(at).map(|device| device.role),
                    Some(Role::Bay { facility, .. } | Role::Barrier { facility } | Role::Counter { facility })
                        if facilities.has(facility.at())
                )
        };
        Ok(by_id.narrowed(city.devices.len(), |at| {
            kind_at(at).is_some_and(|kind| wanted.is_empty() || wanted.contains(&kind)) && of_facility(at)
        }))
    }

    fn by_ids(&self, ids: &[String]) -> Result<Filter, Status> {
        let city = &self.0.context.city;
        let mut only = Vec::with_capacity(ids.len().min(city.devices.len()));
        for id in ids {
            let found = city.directory.find(id).filter(|ix| {
                let device = city.devices.get(ix.at());
                device.is_some_and(|d| *d.id == **id && convert::sensor_kind(d, city).is_some())
            });
            only.push(found.map(DeviceIx::at).ok_or_else(|| {
                Status::invalid_argument(format!(
                    "filter.ids: there is no sensor {:?}; listing without a filter shows all ids",
                    clip(id)
                ))
            })?);
        }
        Ok(Filter::some(only))
    }
}

#[tonic::async_trait]
impl SensorService for Sensors {
    async fn list_sensors(
        &self,
        request: Request<ListSensorsRequest>,
    ) -> Result<Response<ListSensorsResponse>, Status> {
        let ListSensorsRequest { filter, unwell_only } = request.into_inner();
        let filter = self.filter(filter)?;
        let context = &self.0.context;
        // First the position: what is published after it may be in the list too, and a watch then repeats it.
        let tick = context.board.completed();
        let sensors = filter
            .of(context.city.devices.len())
            .map(DeviceIx::from_position)
            .map(|ix| convert::sensor(&context.city, ix, context.board.get(Key::Health(ix)).as_ref()));
        let unwell = |s: &crate::wire::device::v1::Sensor| {
            s.health() != Health::Healthy || s.life() != Life::InService
        };
        Ok(Response::new(ListSensorsResponse {
            sensors: sensors.filter(|sensor| !unwell_only || unwell(sensor)).collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchSensorsStream = Elsewhere<WatchSensorsResponse>;

    async fn watch_sensors(
        &self,
        request: Request<WatchSensorsRequest>,
    ) -> Result<Response<Self::WatchSensorsStream>, Status> {
        let WatchSensorsRequest { filter, resume_after } = request.into_inner();
        let filter = self.filter(filter)?;
        let bell = self.0.bells.sensors();
        Ok(watch(self.0.seat()?, bell, Healths(filter), resume_after.as_ref()))
    }
}

struct Healths(Filter);

impl Feed for Healths {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Health(ix) if self.0.has(ix.at()))
    }

    /// Nothing: of a sensor that has been well from the start there is nothing to be said, and a city has many.
    fn missing(&self, _shared: &Shared) -> Vec<Key> {
        Vec::new()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let Key::Health(ix) = key else { return None };
        let sensor = Some(convert::sensor(&shared.context.city, ix, entry));
        Some(frame(&WatchSensorsResponse { sensor, position: position(entry, ends_tick) }))
    }
}
