//! Car parks, edge car parks and on-street zones.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Entry, FacilityIx, Key};

use crate::convert;
use crate::filter::Filter;
use crate::frames::Elsewhere;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::parking::v1::parking_service_server::ParkingService;
use crate::wire::parking::v1::{
    FacilityFilter, FacilityKind, GetFacilityRequest, GetFacilityResponse, ListFacilitiesRequest,
    ListFacilitiesResponse, WatchFacilitiesRequest, WatchFacilitiesResponse,
};

/// The service.
pub(crate) struct Parking(pub(crate) Arc<Shared>);

impl Parking {
    /// Facilities by ids and kinds.
    pub(crate) fn filter(&self, filter: Option<FacilityFilter>) -> Result<Filter, Status> {
        let FacilityFilter { ids, kinds } = filter.unwrap_or_default();
        let by_id = self.0.names.facilities.filter(&ids)?;
        let mut wanted = Vec::with_capacity(kinds.len().min(8));
        for kind in kinds {
            match FacilityKind::try_from(kind) {
                Ok(FacilityKind::Unspecified) => return Ok(by_id),
                Ok(kind) => wanted.push(kind),
                Err(_) => return Err(Status::invalid_argument(format!("filter.kinds: {kind} is no kind"))),
            }
        }
        if wanted.is_empty() {
            return Ok(by_id);
        }
        let facilities = &self.0.context.city.facilities;
        Ok(by_id
            .narrowed(facilities.len(), |at| wanted.contains(&convert::facility_kind(facilities[at].kind))))
    }
}

#[tonic::async_trait]
impl ParkingService for Parking {
    async fn list_facilities(
        &self,
        request: Request<ListFacilitiesRequest>,
    ) -> Result<Response<ListFacilitiesResponse>, Status> {
        let filter = self.filter(request.into_inner().filter)?;
        let context = &self.0.context;
        let now = context.clock.now();
        // First the position: what is published after it may be in the list too, and a watch then repeats it.
        let tick = context.board.completed();
        let facilities = filter.of(context.city.facilities.len()).map(FacilityIx::from_position).map(|ix| {
            let entry = context.board.get(Key::Facility(ix));
            self.0.ready_made.facility(ix, entry.as_ref(), now)
        });
        Ok(Response::new(ListFacilitiesResponse {
            facilities: facilities.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    async fn get_facility(
        &self,
        request: Request<GetFacilityRequest>,
    ) -> Result<Response<GetFacilityResponse>, Status> {
        let ix = FacilityIx::from_position(self.0.names.facilities.find(&request.get_ref().id)?);
        let entry = self.0.context.board.get(Key::Facility(ix));
        let facility = self.0.ready_made.facility(ix, entry.as_ref(), self.0.context.clock.now());
        Ok(Response::new(GetFacilityResponse { facility }))
    }

    type WatchFacilitiesStream = Elsewhere<WatchFacilitiesResponse>;

    async fn watch_facilities(
        &self,
        request: Request<WatchFacilitiesRequest>,
    ) -> Result<Response<Self::WatchFacilitiesStream>, Status> {
        let WatchFacilitiesRequest { filter, resume_after } = request.into_inner();
        let filter = self.filter(filter)?;
        let bell = self.0.bells.facilities(&filter);
        Ok(watch(self.0.seat()?, bell, Facilities(filter), resume_after.as_ref()))
    }
}

struct Facilities(Filter);

impl Feed for Facilities {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Facility(ix) if self.0.has(ix.at()))
    }

    fn missing(&self, shared: &Shared) -> Vec<Key> {
        let all = self.0.of(shared.context.city.facilities.len());
        let keys = all.map(|at| Key::Facility(FacilityIx::from_position(at)));
        keys.filter(|key| shared.context.board.get(*key).is_none()).collect()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let Key::Facility(ix) = key else { return None };
        Some(shared.ready_made.facility_change(ix, entry, ends_tick, shared.context.clock.now()))
    }
}
