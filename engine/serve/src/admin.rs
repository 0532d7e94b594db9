//! The engine's own state, for operators.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Dropped, Quarantine, RefusalKind};

use crate::convert::timestamp;
use crate::shared::Shared;
use crate::wire::admin::v1::admin_service_server::AdminService;
use crate::wire::admin::v1::{
    GetStatusRequest, GetStatusResponse, ListQuarantineRequest, ListQuarantineResponse, Problem, Refused,
};

/// Messages when the request asks for no number.
const QUARANTINE_DEFAULT: usize = 100;

/// The service.
pub(crate) struct Admin(pub(crate) Arc<Shared>);

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_status(
        &self,
        _request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let context = &self.0.context;
        let (now, meters) = (context.clock.now(), &context.meters);
        let problems = self.0.standstill(now).into_iter().chain((context.problems)());
        let refused = RefusalKind::ALL.iter().map(|kind| (kind.name().to_owned(), meters.refused(*kind)));
        let sightings =
            Dropped::ALL.iter().map(|why| (format!("sighting_{}", why.name()), meters.gate.dropped(*why)));
        let refused = refused.chain(sightings);
        Ok(Response::new(GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: Some(timestamp(now)),
            completed_tick: context.board.completed(),
            completed_at: Some(timestamp(context.board.completed_at())),
            messages_in: meters.messages_in.get(),
            readings_admitted: meters.readings_admitted.get(),
            products_out: meters.products_out.get(),
            refused: refused.filter(|(_, n)| *n > 0).collect(),
            lost_upstream: meters.lost_upstream.get(),
            signs_connected: u32::try_from(meters.signs_connected.get()).unwrap_or(u32::MAX),
            problems: problems
                .map(|p| Problem { part: p.part, what: p.what, since: Some(timestamp(p.since)) })
                .collect(),
        }))
    }

    async fn list_quarantine(
        &self,
        request: Request<ListQuarantineRequest>,
    ) -> Result<Response<ListQuarantineResponse>, Status> {
        let limit = match usize::try_from(request.get_ref().limit) {
            Ok(0) => QUARANTINE_DEFAULT,
            Ok(limit) if limit <= Quarantine::MESSAGES => limit,
            _ => return Err(Status::invalid_argument(format!("limit: at most {}", Quarantine::MESSAGES))),
        };
        let messages = self.0.context.quarantine.newest(limit).into_iter().map(|q| Refused {
            received_at: Some(timestamp(q.received_at)),
            topic: q.topic,
            reason: q.refusal.kind.name().to_owned(),
            detail: q.refusal.detail,
            payload: Bytes::from(q.payload),
        });
        Ok(Response::new(ListQuarantineResponse { messages: messages.collect() }))
    }
}
