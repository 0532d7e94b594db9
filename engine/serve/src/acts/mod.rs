//! Operators' acts: verified count, correction, reset, close and open, each written down before it counts.
//!
//! `ask` checks what a client wants, `desk` carries it through the engine. What an operator writes in its own words goes
//! to the audit log alone, never to the engine's log.

pub(crate) mod ask;
mod client;
mod desk;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use vlot_model::{ActLog, Order, Value};

use crate::ActsFrom;
use crate::convert;
use crate::filter::clip;
use crate::shared::Shared;
use crate::wire::parking::v1::operation_service_server::OperationService;
use crate::wire::parking::v1::{
    Act, CloseFacilityRequest, CloseFacilityResponse, CorrectOccupancyRequest, CorrectOccupancyResponse,
    ListActsRequest, ListActsResponse, OpenFacilityRequest, OpenFacilityResponse, RecordVerifiedCountRequest,
    RecordVerifiedCountResponse, ResetCounterRequest, ResetCounterResponse,
};

pub(crate) use client::CertifiedClient;
pub(crate) use desk::{Desk, keep, through};

/// Acts when the request asks for no number.
const LIST_DEFAULT: usize = 100;
/// The most acts that a request may ask for.
const LIST_MAX: usize = 1_000;

/// The service.
pub(crate) struct Operations {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
}

impl Operations {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Operations { shared: Arc::clone(shared), desk: Desk::new(shared) }
    }

    pub(crate) fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    fn permitted(&self, client: Option<&CertifiedClient>) -> Result<Arc<dyn ActLog>, Status> {
        permitted(&self.shared, client)
    }

    async fn act(&self, order: Order) -> Result<Option<Act>, Status> {
        let act = self.desk.carry_out(order).await?;
        Ok(Some(convert::act(&act)))
    }
}

/// The log, for who may act.
pub(crate) fn permitted(
    shared: &Shared,
    client: Option<&CertifiedClient>,
) -> Result<Arc<dyn ActLog>, Status> {
    let options = &shared.options;
    let denied = |what: &str, hint: &str| Err(Status::permission_denied(format!("{what} (hint: {hint})")));
    match options.acts.from {
        ActsFrom::Loopback if options.listen.ip().is_loopback() => {}
        ActsFrom::Loopback => {
            return denied(
                "acts are taken from this machine alone, and the server listens beyond it",
                "[serve] acts = \"client-certificate\" in city.toml, with client_ca_file in [serve.tls]",
            );
        }
        ActsFrom::ClientCertificate
            if options.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some()) =>
        {
            let client = client.ok_or_else(|| Status::permission_denied("no certificate was shown"))?;
            ask::operator(shared, client)?;
        }
        ActsFrom::ClientCertificate => {
            return denied(
                "acts are taken from clients with a certificate, and the server asks for none",
                "client_ca_file in [serve.tls] of city.toml",
            );
        }
        ActsFrom::Nobody => {
            return denied(
                "acts are switched off",
                "[serve] acts in city.toml says from whom they are taken",
            );
        }
    }
    shared.context.acts.clone().ok_or_else(|| Status::unavailable("there is no audit log to write to"))
}

/// The request, and the client's certificate if it has shown one.
pub(crate) fn opened<T>(request: Request<T>) -> (Option<CertifiedClient>, T) {
    (request.extensions().get().cloned(), request.into_inner())
}

#[tonic::async_trait]
impl OperationService for Operations {
    async fn record_verified_count(
        &self,
        request: Request<RecordVerifiedCountRequest>,
    ) -> Result<Response<RecordVerifiedCountResponse>, Status> {
        let (client, request) = opened(request);
        self.permitted(client.as_ref())?;
        let RecordVerifiedCountRequest { facility_id, attribution, occupied, observed_at } = request;
        let occupied = ask::occupied(&self.shared, &facility_id, occupied)?;
        let at = ask::observed_at(&self.shared, observed_at.as_ref())?;
        let order = ask::order(
            &self.shared,
            client.as_ref(),
            facility_id,
            attribution,
            Value::Verified { occupied },
            at,
        )?;
        Ok(Response::new(RecordVerifiedCountResponse { act: self.act(order).await? }))
    }

    async fn correct_occupancy(
        &self,
        request: Request<CorrectOccupancyRequest>,
    ) -> Result<Response<CorrectOccupancyResponse>, Status> {
        let (client, request) = opened(request);
        self.permitted(client.as_ref())?;
        let CorrectOccupancyRequest { facility_id, attribution, occupied } = request;
        let occupied = ask::occupied(&self.shared, &facility_id, occupied)?;
        let order = ask::order(
            &self.shared,
            client.as_ref(),
            facility_id,
            attribution,
            Value::Corrected { occupied },
            None,
        )?;
        Ok(Response::new(CorrectOccupancyResponse { act: self.act(order).await? }))
    }

    async fn reset_counter(
        &self,
        request: Request<ResetCounterRequest>,
    ) -> Result<Response<ResetCounterResponse>, Status> {
        let (client, request) = opened(request);
        self.permitted(client.as_ref())?;
        let ResetCounterRequest { facility_id, attribution } = request;
        let order = ask::order(
            &self.shared,
            client.as_ref(),
            facility_id,
            attribution,
            Value::CounterReplaced,
            None,
        )?;
        Ok(Response::new(ResetCounterResponse { act: self.act(order).await? }))
    }

    async fn close_facility(
        &self,
        request: Request<CloseFacilityRequest>,
    ) -> Result<Response<CloseFacilityResponse>, Status> {
        let (client, request) = opened(request);
        self.permitted(client.as_ref())?;
        let CloseFacilityRequest { facility_id, attribution } = request;
        let value = Value::Closure { closed: true };
        let order = ask::order(&self.shared, client.as_ref(), facility_id, attribution, value, None)?;
        Ok(Response::new(CloseFacilityResponse { act: self.act(order).await? }))
    }

    async fn open_facility(
        &self,
        request: Request<OpenFacilityRequest>,
    ) -> Result<Response<OpenFacilityResponse>, Status> {
        let (client, request) = opened(request);
        self.permitted(client.as_ref())?;
        let OpenFacilityRequest { facility_id, attribution } = request;
        let value = Value::Closure { closed: false };
        let order = ask::order(&self.shared, client.as_ref(), facility_id, attribution, value, None)?;
        Ok(Response::new(OpenFacilityResponse { act: self.act(order).await? }))
    }

    async fn list_acts(
        &self,
        request: Request<ListActsRequest>,
    ) -> Result<Response<ListActsResponse>, Status> {
        let (client, request) = opened(request);
        let log = self.permitted(client.as_ref())?;
        let ListActsRequest { facility_id, limit } = request;
        let limit = match usize::try_from(limit) {
            Ok(0) => LIST_DEFAULT,
            Ok(limit) if limit <= LIST_MAX => limit,
            _ => return Err(Status::invalid_argument(format!("limit: at most {LIST_MAX}"))),
        };
        let facility = Some(facility_id.as_str()).filter(|id| !id.is_empty());
        let acts = log.newest(facility, limit);
        if let Some(id) = facility.filter(|_| acts.is_empty()) {
            // One that the configuration no longer has may have a past; one that never was is a slip.
            let known = self.shared.names.facilities.find(id);
            known.map_err(|_| Status::not_found(format!("there is no facility {:?}", clip(id))))?;
        }
        Ok(Response::new(ListActsResponse { acts: acts.iter().map(convert::act).collect() }))
    }
}
