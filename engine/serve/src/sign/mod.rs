//! Signs: their connections, and those who watch them.

mod allowance;
mod face;
mod join;
mod links;
mod report;

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status, Streaming};
use vlot_model::{Entry, Face, Key, Product, SignIx, SignState, Timestamp};

use crate::convert;
use crate::filter::Filter;
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::sign::v1::sign_service_server::SignService;
use crate::wire::sign::v1::{
    JoinRequest, ListSignsRequest, ListSignsResponse, Sign, SignFilter, WatchSignsRequest, WatchSignsResponse,
};

pub(crate) use face::face_in_force;
pub(crate) use links::Links;

use join::Faces;

/// The service.
pub(crate) struct Signs(pub(crate) Arc<Shared>);

impl Signs {
    fn filter(&self, filter: Option<SignFilter>) -> Result<Filter, Status> {
        self.0.names.signs.filter(&filter.unwrap_or_default().ids)
    }
}

#[tonic::async_trait]
impl SignService for Signs {
    type JoinStream = Faces;

    async fn join(
        &self,
        request: Request<Streaming<JoinRequest>>,
    ) -> Result<Response<Self::JoinStream>, Status> {
        // The hello is read inside the stream: a client that waits for the headers before it speaks is not kept waiting.
        Ok(Response::new(join::join(self.0.seat()?, request.into_inner())))
    }

    async fn list_signs(
        &self,
        request: Request<ListSignsRequest>,
    ) -> Result<Response<ListSignsResponse>, Status> {
        let filter = self.filter(request.into_inner().filter)?;
        let context = &self.0.context;
        let now = context.clock.now();
        let tick = context.board.completed();
        let signs = filter
            .of(context.city.signs.len())
            .filter_map(|at| sign(&self.0, SignIx::from_position(at), now));
        Ok(Response::new(ListSignsResponse {
            signs: signs.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchSignsStream = Elsewhere<WatchSignsResponse>;

    async fn watch_signs(
        &self,
        request: Request<WatchSignsRequest>,
    ) -> Result<Response<Self::WatchSignsStream>, Status> {
        let WatchSignsRequest { filter, resume_after } = request.into_inner();
        let filter = self.filter(filter)?;
        let bell = self.0.bells.signs(&filter);
        Ok(watch(self.0.seat()?, bell, Watched(filter), resume_after.as_ref()))
    }
}

/// The sign as it is now: what it is to show and what it says that it shows.
fn sign(shared: &Shared, ix: SignIx, now: Timestamp) -> Option<Sign> {
    let board = &shared.context.board;
    let commanded =
        board.get(Key::Face(ix)).and_then(|entry| face_in_force(shared, ix, &entry, now, Vec::new()));
    let said = board.get(Key::Sign(ix));
    let city = &shared.context.city;
    let state = said.as_ref().and_then(|entry| state_of(entry));
    Some(convert::sign(city, city.signs.get(ix.at())?, commanded.unwrap_or_default(), state))
}

fn face_of(entry: &Entry) -> Option<&Face> {
    if let Product::Face(face) = &*entry.product { Some(face) } else { None }
}

fn state_of(entry: &Entry) -> Option<&SignState> {
    if let Product::Sign(state) = &*entry.product { Some(state) } else { None }
}

/// Signs under watch. Each is on the board twice, as its face and as its report; one message tells both.
struct Watched(Filter);

impl Feed for Watched {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Face(ix) | Key::Sign(ix) if self.0.has(ix.at()))
    }

    fn missing(&self, shared: &Shared) -> Vec<Key> {
        let board = &shared.context.board;
        let all = self.0.of(shared.context.city.signs.len()).map(SignIx::from_position);
        all.filter(|ix| board.get(Key::Sign(*ix)).is_none() && board.get(Key::Face(*ix)).is_none())
            .map(Key::Sign)
            .collect()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let (ix, other) = match key {
            Key::Face(ix) => (ix, Key::Sign(ix)),
            Key::Sign(ix) => (ix, Key::Face(ix)),
            _ => return None,
        };
        // Where the other half comes later in the order of changes, its message will tell both, and in a newer state.
        let later = |entry: &Entry| {
            shared.context.board.get(other).is_some_and(|o| (o.version, other) > (entry.version, key))
        };
        if entry.is_some_and(later) {
            return None;
        }
        let sign = sign(shared, ix, shared.context.clock.now())?;
        Some(frame(&WatchSignsResponse { sign: Some(sign), position: position(entry, ends_tick) }))
    }
}
