//! Traffic lights and air.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use vlot_model::{AirIx, ControllerIx, Entry, Key, LonLat};

use super::Told;
use super::area::Area;
use crate::convert::{Edge, roadside as convert};
use crate::filter::{Filter, Table};
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::watch;
use crate::wire::common::v1::StreamPosition;
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::roadside_service_server::RoadsideService;

/// The service.
pub(crate) struct Roadside(pub(crate) Arc<Shared>);

fn filter(table: &Table, asked: Option<wire::RoadsideFilter>, stand: &[LonLat]) -> Result<Filter, Status> {
    let wire::RoadsideFilter { ids, r#box } = asked.unwrap_or_default();
    let by_id = table.filter(&ids)?;
    Ok(match Area::asked(r#box.as_ref())? {
        Some(area) => by_id.narrowed(stand.len(), |at| area.holds(stand[at])),
        None => by_id,
    })
}

impl Roadside {
    fn controllers(&self, asked: Option<wire::RoadsideFilter>) -> Result<Filter, Status> {
        let stand: Vec<_> = self.0.context.city.controllers.iter().map(|c| c.position).collect();
        filter(&self.0.names.controllers, asked, &stand)
    }

    fn air_stations(&self, asked: Option<wire::RoadsideFilter>) -> Result<Filter, Status> {
        let stand: Vec<_> = self.0.context.city.air_stations.iter().map(|s| s.position).collect();
        filter(&self.0.names.air_stations, asked, &stand)
    }
}

#[tonic::async_trait]
impl RoadsideService for Roadside {
    async fn list_controllers(
        &self,
        request: Request<wire::ListControllersRequest>,
    ) -> Result<Response<wire::ListControllersResponse>, Status> {
        let filter = self.controllers(request.into_inner().filter)?;
        let context = &self.0.context;
        let tick = context.board.completed();
        let mut edge = Edge::at(context.clock.now());
        let all = filter.of(context.city.controllers.len()).map(ControllerIx::from_position);
        let controllers = all.map(|ix| {
            let entry = context.board.get(Key::Controller(ix));
            convert::controller(&context.city, ix, entry.as_ref(), &mut edge)
        });
        Ok(Response::new(wire::ListControllersResponse {
            controllers: controllers.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchControllersStream = Elsewhere<wire::WatchControllersResponse>;

    async fn watch_controllers(
        &self,
        request: Request<wire::WatchControllersRequest>,
    ) -> Result<Response<Self::WatchControllersStream>, Status> {
        let wire::WatchControllersRequest { filter, resume_after } = request.into_inner();
        let filter = self.controllers(filter)?;
        let feed = Told {
            wants: move |key| matches!(key, Key::Controller(ix) if filter.has(ix.at())),
            frame: |shared: &Shared, key, entry: &Entry, ends_tick| {
                let Key::Controller(ix) = key else { return None };
                let mut edge = Edge::at(shared.context.clock.now());
                let controller = Some(convert::controller(&shared.context.city, ix, Some(entry), &mut edge));
                let position = position(Some(entry), ends_tick);
                Some(frame(&wire::WatchControllersResponse { controller, position }))
            },
        };
        Ok(watch(self.0.seat()?, self.0.bells.roads(), feed, resume_after.as_ref()))
    }

    async fn list_air_stations(
        &self,
        request: Request<wire::ListAirStationsRequest>,
    ) -> Result<Response<wire::ListAirStationsResponse>, Status> {
        let filter = self.air_stations(request.into_inner().filter)?;
        let context = &self.0.context;
        let tick = context.board.completed();
        let mut edge = Edge::at(context.clock.now());
        let all = filter.of(context.city.air_stations.len()).map(AirIx::from_position);
        let stations = all.map(|ix| {
            let entry = context.board.get(Key::Air(ix));
            convert::air_station(&context.city, ix, entry.as_ref(), &mut edge)
        });
        Ok(Response::new(wire::ListAirStationsResponse {
            stations: stations.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchAirStationsStream = Elsewhere<wire::WatchAirStationsResponse>;

    async fn watch_air_stations(
        &self,
        request: Request<wire::WatchAirStationsRequest>,
    ) -> Result<Response<Self::WatchAirStationsStream>, Status> {
        let wire::WatchAirStationsRequest { filter, resume_after } = request.into_inner();
        let filter = self.air_stations(filter)?;
        let feed = Told {
            wants: move |key| matches!(key, Key::Air(ix) if filter.has(ix.at())),
            frame: |shared: &Shared, key, entry: &Entry, ends_tick| {
                let Key::Air(ix) = key else { return None };
                let mut edge = Edge::at(shared.context.clock.now());
                let station = Some(convert::air_station(&shared.context.city, ix, Some(entry), &mut edge));
                let position = position(Some(entry), ends_tick);
                Some(frame(&wire::WatchAirStationsResponse { station, position }))
            },
        };
        Ok(watch(self.0.seat()?, self.0.bells.roads(), feed, resume_after.as_ref()))
    }
}
