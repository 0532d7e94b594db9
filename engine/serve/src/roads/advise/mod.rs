//! Where to park for one trip, and who follows that.
//!
//! - `ask`: what a client wants, checked.
//! - `gather`: car parks and garages as the board and the streets know them.
//! - `tell`: options and what is ruled out, as messages.
//! - `follow`: vehicles that apps announce.

mod ask;
mod follow;
mod gather;
mod tell;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use vlot_hours::Schedule;

use crate::convert::timestamp;
use crate::shared::{Shared, shutting_down};
use crate::wire::common::v1::StreamPosition;
use crate::wire::guidance::v1 as wire;
use crate::wire::guidance::v1::advise_service_server::AdviseService;
use ask::Asked;
use follow::Followers;

/// Searches at the same time; more wait for one of them.
const SEARCHES: usize = 4;

/// The service.
pub(crate) struct Advice {
    shared: Arc<Shared>,
    searches: Arc<Semaphore>,
    /// Opening hours, and when the longest stay holds, by facility, where they are stated.
    schedules: Arc<[[Option<Schedule>; 2]]>,
    followers: Followers,
}

impl Advice {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let city = &shared.context.city;
        let schedules = |f: &vlot_model::Facility| {
            let stated = [f.site.opening_hours.as_deref(), f.site.street.max_stay_hours.as_deref()];
            stated.map(|hours| hours.map(|hours| Schedule::new(hours, city)))
        };
        Advice {
            shared: Arc::clone(shared),
            searches: Arc::new(Semaphore::new(SEARCHES)),
            schedules: city.facilities.iter().map(schedules).collect(),
            followers: Followers::default(),
        }
    }
}

#[tonic::async_trait]
impl AdviseService for Advice {
    async fn advise(
        &self,
        request: Request<wire::AdviseRequest>,
    ) -> Result<Response<wire::AdviseResponse>, Status> {
        super::network(&self.shared)?;
        let asked = Asked::new(&self.shared, request.into_inner())?;
        let (_, epoch) = self.shared.live.now().ok_or_else(|| {
            Status::unavailable("the streets are still being read (hint: ask again in a few seconds)")
        })?;
        let searches = Arc::clone(&self.searches);
        let turn = searches.acquire_owned().await.map_err(|_| shutting_down())?;
        let (shared, schedules) = (Arc::clone(&self.shared), Arc::clone(&self.schedules));
        let searching = tokio::task::spawn_blocking(move || {
            // Before the figures are read, so that all up to there is in them.
            let tick = shared.context.board.completed();
            let told = gather::advised(&asked, &shared, &epoch, &schedules)
                .map(|found| tell::response(&asked, &shared, found));
            drop(turn);
            (told, tick, asked.trip.now)
        });
        let (told, tick, at) =
            searching.await.map_err(|_| Status::internal("the search was not finished"))?;
        let position = Some(StreamPosition { tick });
        Ok(Response::new(wire::AdviseResponse { position, at: Some(timestamp(at)), ..told? }))
    }

    async fn follow(
        &self,
        request: Request<wire::FollowRequest>,
    ) -> Result<Response<wire::FollowResponse>, Status> {
        let client = follow::client(&request);
        let told = self.followers.follow(&self.shared, client, request.into_inner()).await?;
        Ok(Response::new(told))
    }
}
