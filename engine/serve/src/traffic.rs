//! Counts of motor traffic and of bicycles.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Entry, Key, StationIx};

use crate::convert;
use crate::filter::Filter;
use crate::frames::Elsewhere;
use crate::roads::Area;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::traffic::v1::traffic_service_server::TrafficService;
use crate::wire::traffic::v1::{
    CountMode, ListStationsRequest, ListStationsResponse, StationFilter, WatchCountsRequest,
    WatchCountsResponse,
};

/// The service.
pub(crate) struct Traffic(pub(crate) Arc<Shared>);

impl Traffic {
    fn filter(&self, filter: Option<StationFilter>) -> Result<Filter, Status> {
        let StationFilter { ids, mode, r#box } = filter.unwrap_or_default();
        let mut by_id = self.0.names.stations.filter(&ids)?;
        let stations = &self.0.context.city.stations;
        if let Some(area) = Area::asked(r#box.as_ref())? {
            by_id = by_id.narrowed(stations.len(), |at| area.holds(stations[at].position));
        }
        match CountMode::try_from(mode) {
            Ok(CountMode::Unspecified) => Ok(by_id),
            Ok(mode) => {
                Ok(by_id.narrowed(stations.len(), |at| convert::count_mode(stations[at].mode) == mode))
            }
            Err(_) => Err(Status::invalid_argument(format!("filter.mode: {mode} is no mode"))),
        }
    }
}

#[tonic::async_trait]
impl TrafficService for Traffic {
    async fn list_stations(
        &self,
        request: Request<ListStationsRequest>,
    ) -> Result<Response<ListStationsResponse>, Status> {
        let filter = self.filter(request.into_inner().filter)?;
        let context = &self.0.context;
        let now = context.clock.now();
        let tick = context.board.completed();
        let stations = filter.of(context.city.stations.len()).map(StationIx::from_position).map(|ix| {
            let entry = context.board.get(Key::Station(ix));
            self.0.ready_made.station(ix, entry.as_ref(), now)
        });
        Ok(Response::new(ListStationsResponse {
            stations: stations.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchCountsStream = Elsewhere<WatchCountsResponse>;

    async fn watch_counts(
        &self,
        request: Request<WatchCountsRequest>,
    ) -> Result<Response<Self::WatchCountsStream>, Status> {
        let WatchCountsRequest { filter, resume_after } = request.into_inner();
        let filter = self.filter(filter)?;
        let bell = self.0.bells.stations(&filter);
        Ok(watch(self.0.seat()?, bell, Stations(filter), resume_after.as_ref()))
    }
}

struct Stations(Filter);

impl Feed for Stations {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Station(ix) if self.0.has(ix.at()))
    }

    fn missing(&self, shared: &Shared) -> Vec<Key> {
        let all = self.0.of(shared.context.city.stations.len());
        let keys = all.map(|at| Key::Station(StationIx::from_position(at)));
        keys.filter(|key| shared.context.board.get(*key).is_none()).collect()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let Key::Station(ix) = key else { return None };
        Some(shared.ready_made.station_change(ix, entry, ends_tick, shared.context.clock.now()))
    }
}
