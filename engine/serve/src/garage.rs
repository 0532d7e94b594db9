//! Bicycle garages, their sections and the signs inside them.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Entry, GarageIx, Key, Placement, SignIx};

use crate::convert::unmoved;
use crate::filter::Filter;
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::sign;
use crate::watch::{Feed, watch};
use crate::wire::bicycle::v1::garage_service_server::GarageService;
use crate::wire::bicycle::v1::watch_garage_response::Change;
use crate::wire::bicycle::v1::{
    ListGaragesRequest, ListGaragesResponse, ListUnmovedRequest, ListUnmovedResponse, WatchGarageRequest,
    WatchGarageResponse,
};

/// The service.
pub(crate) struct Garages(pub(crate) Arc<Shared>);

#[tonic::async_trait]
impl GarageService for Garages {
    async fn list_garages(
        &self,
        _request: Request<ListGaragesRequest>,
    ) -> Result<Response<ListGaragesResponse>, Status> {
        let context = &self.0.context;
        let now = context.clock.now();
        let garages = (0..context.city.garages.len()).map(GarageIx::from_position).map(|ix| {
            let entry = context.board.get(Key::Garage(ix));
            self.0.ready_made.garage(ix, entry.as_ref(), now)
        });
        Ok(Response::new(ListGaragesResponse { garages: garages.collect() }))
    }

    async fn list_unmoved(
        &self,
        request: Request<ListUnmovedRequest>,
    ) -> Result<Response<ListUnmovedResponse>, Status> {
        let ListUnmovedRequest { garage_id } = request.into_inner();
        let context = &self.0.context;
        let asked = match garage_id.as_str() {
            "" => Filter::ALL,
            id => Filter::one(self.0.names.garages.find(id)?),
        };
        let garages = asked.of(context.city.garages.len()).map(GarageIx::from_position).filter_map(|ix| {
            let entry = context.board.get(Key::Garage(ix));
            unmoved(&context.city, ix, entry.as_ref())
        });
        Ok(Response::new(ListUnmovedResponse { garages: garages.collect() }))
    }

    type WatchGarageStream = Elsewhere<WatchGarageResponse>;

    async fn watch_garage(
        &self,
        request: Request<WatchGarageRequest>,
    ) -> Result<Response<Self::WatchGarageStream>, Status> {
        let WatchGarageRequest { id, resume_after } = request.into_inner();
        let at = self.0.names.garages.find(&id)?;
        let garage = GarageIx::from_position(at);
        let signs = self.0.context.city.signs.iter().enumerate();
        let inside = signs.filter(|(_, s)| s.placement == Placement::Garage(garage));
        let feed = Garage { garage, signs: inside.map(|(at, _)| SignIx::from_position(at)).collect() };
        let bell = self.0.bells.garages(&Filter::one(at));
        Ok(watch(self.0.seat()?, bell, feed, resume_after.as_ref()))
    }
}

/// A garage and the signs in it.
struct Garage {
    garage: GarageIx,
    signs: Box<[SignIx]>,
}

impl Feed for Garage {
    fn wants(&self, key: Key) -> bool {
        match key {
            Key::Garage(ix) => ix == self.garage,
            Key::Face(ix) => self.signs.contains(&ix),
            _ => false,
        }
    }

    fn missing(&self, shared: &Shared) -> Vec<Key> {
        let key = Key::Garage(self.garage);
        if shared.context.board.get(key).is_none() { vec![key] } else { Vec::new() }
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let now = shared.context.clock.now();
        match key {
            Key::Garage(ix) => Some(shared.ready_made.garage_change(ix, entry, ends_tick, now)),
            Key::Face(ix) => {
                let entry = entry?;
                let face = sign::face_in_force(shared, ix, entry, now, Vec::new())?;
                let position = position(Some(entry), ends_tick);
                Some(frame(&WatchGarageResponse { change: Some(Change::Face(face)), position }))
            }
            _ => None,
        }
    }
}
