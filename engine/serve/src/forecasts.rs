//! What will be free at car parks and zones.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Entry, FacilityIx, Key, Timestamp};

use crate::convert::{self, Edge};
use crate::filter::Filter;
use crate::frames::Elsewhere;
use crate::parking::Parking;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::parking::v1::forecast_service_server::ForecastService;
use crate::wire::parking::v1::get_forecast_request::When;
use crate::wire::parking::v1::{
    GetForecastRequest, GetForecastResponse, WatchForecastsRequest, WatchForecastsResponse,
};

/// Nothing is forecast beyond.
const AHEAD_MAX: Duration = Duration::from_hours(1);

/// The service.
pub(crate) struct Forecasts(pub(crate) Arc<Shared>);

#[tonic::async_trait]
impl ForecastService for Forecasts {
    async fn get_forecast(
        &self,
        request: Request<GetForecastRequest>,
    ) -> Result<Response<GetForecastResponse>, Status> {
        let GetForecastRequest { facility_id, when } = request.into_inner();
        let ix = FacilityIx::from_position(self.0.names.facilities.find(&facility_id)?);
        let context = &self.0.context;
        let now = context.clock.now();
        let arrival = when.map(|when| arrival(&when, now)).transpose()?;
        let entry = context.board.get(Key::Forecast(ix));
        let entry = entry.as_ref();
        Ok(Response::new(GetForecastResponse {
            forecast: Some(convert::forecast(&context.city, ix, entry, &mut Edge::at(now))),
            on_arrival: arrival.and_then(|arrival| convert::on_arrival(entry, arrival, now)),
        }))
    }

    type WatchForecastsStream = Elsewhere<WatchForecastsResponse>;

    async fn watch_forecasts(
        &self,
        request: Request<WatchForecastsRequest>,
    ) -> Result<Response<Self::WatchForecastsStream>, Status> {
        let WatchForecastsRequest { filter, resume_after } = request.into_inner();
        let filter = Parking(Arc::clone(&self.0)).filter(filter)?;
        let bell = self.0.bells.forecasts(&filter);
        Ok(watch(self.0.seat()?, bell, Facilities(filter), resume_after.as_ref()))
    }
}

/// The moment of arrival, within the hour that is forecast.
fn arrival(when: &When, now: Timestamp) -> Result<Timestamp, Status> {
    let arrival = match when {
        When::AheadS(seconds) => Some(now + Duration::from_secs((*seconds).into())),
        When::Arrival(at) => convert::instant(at),
    };
    match arrival {
        Some(arrival) if arrival < now => {
            Err(Status::invalid_argument(format!("arrival: lies before the engine's present, {now}")))
        }
        Some(arrival) if arrival > now + AHEAD_MAX => Err(Status::invalid_argument(format!(
            "arrival: lies more than an hour after the engine's present, {now}"
        ))),
        Some(arrival) => Ok(arrival),
        None => Err(Status::invalid_argument("arrival: is no instant")),
    }
}

struct Facilities(Filter);

impl Feed for Facilities {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Forecast(ix) if self.0.has(ix.at()))
    }

    fn missing(&self, shared: &Shared) -> Vec<Key> {
        let all = self.0.of(shared.context.city.facilities.len());
        let keys = all.map(|at| Key::Forecast(FacilityIx::from_position(at)));
        keys.filter(|key| shared.context.board.get(*key).is_none()).collect()
    }

    fn frame(&self, shared: &Shared, key: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let Key::Forecast(ix) = key else { return None };
        Some(shared.ready_made.forecast_change(ix, entry, ends_tick, shared.context.clock.now()))
    }
}
