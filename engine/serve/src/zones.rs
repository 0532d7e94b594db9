//! The use of zones: pressure, departures, overstays.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Entry, FacilityIx, Key, Product};

use crate::convert;
use crate::filter::Filter;
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::parking::v1::zone_service_server::ZoneService;
use crate::wire::parking::v1::{
    ListZonesRequest, ListZonesResponse, WatchZonesRequest, WatchZonesResponse, Zone,
};

/// The service.
pub(crate) struct Zones(pub(crate) Arc<Shared>);

fn told(shared: &Shared, entry: &Entry) -> Option<Zone> {
    let Product::Zone(state) = &*entry.product else { return None };
    Some(convert::zone(&shared.context.city, entry.version, state))
}

#[tonic::async_trait]
impl ZoneService for Zones {
    async fn list_zones(
        &self,
        request: Request<ListZonesRequest>,
    ) -> Result<Response<ListZonesResponse>, Status> {
        let filter = self.0.names.facilities.filter(&request.into_inner().ids)?;
        let context = &self.0.context;
        // First the position: what is published after it may be in the list too, and a watch then repeats it.
        let tick = context.board.completed();
        let zones = filter.of(context.city.facilities.len()).filter_map(|at| {
            let entry = context.board.get(Key::Zone(FacilityIx::from_position(at)))?;
            told(&self.0, &entry)
        });
        Ok(Response::new(ListZonesResponse {
            zones: zones.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchZonesStream = Elsewhere<WatchZonesResponse>;

    async fn watch_zones(
        &self,
        request: Request<WatchZonesRequest>,
    ) -> Result<Response<Self::WatchZonesStream>, Status> {
        let WatchZonesRequest { ids, resume_after } = request.into_inner();
        let filter = self.0.names.facilities.filter(&ids)?;
        let bell = self.0.bells.zones(&filter);
        Ok(watch(self.0.seat()?, bell, Wanted(filter), resume_after.as_ref()))
    }
}

struct Wanted(Filter);

impl Feed for Wanted {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Zone(ix) if self.0.has(ix.at()))
    }

    /// A zone of which nothing is known has nothing to be told.
    fn missing(&self, _: &Shared) -> Vec<Key> {
        Vec::new()
    }

    fn frame(&self, shared: &Shared, _: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let zone = told(shared, entry?);
        Some(frame(&WatchZonesResponse { zone, position: position(entry, ends_tick) }))
    }
}
