//! What signs advise, and why: now and at any moment of the past.

mod answer;
mod readings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tonic::{Request, Response, Status};
use vlot_model::{Entry, Key, Product, SignIx, Tick};

use crate::connection::OwnTime;
use crate::convert::{self, timestamp};
use crate::frames::{Elsewhere, frame};
use crate::past::{Moment, NoPast, Said};
use crate::ready_made::position;
use crate::shared::{Shared, shutting_down};
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::guidance::v1::guidance_service_server::GuidanceService;
use crate::wire::guidance::v1::{
    GetGuidanceRequest, GetGuidanceResponse, WatchGuidanceRequest, WatchGuidanceResponse, WhyRequest,
    WhyResponse, why_request,
};

pub use answer::why_then;

/// For so long the journal's end is looked at until it has come as far as the board.
const LOOK_FOR: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The service.
pub(crate) struct Guidances(pub(crate) Arc<Shared>);

/// Tells who works on an answer that nobody waits for it any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Guidances {
    async fn past(&self, sign_id: String, moment: Moment) -> Result<WhyResponse, Status> {
        let past = self.0.context.past.clone().ok_or_else(|| {
            Status::failed_precondition(
                "this engine has no journal to read back: only the present can be asked for",
            )
        })?;
        let waiting = Waiting(Arc::default());
        let given_up = Arc::clone(&waiting.0);
        let asked = sign_id.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let then = past.bring_back(moment, &given_up)?;
            Ok(answer::of_then(&then, &asked))
        });
        let answer = answer.await.map_err(|_| shutting_down())?;
        drop(waiting);
        answer.map_err(refused)?.ok_or_else(|| {
            Status::not_found(format!("there was no sign {:?} then", crate::filter::clip(&sign_id)))
        })
    }

    /// What devices said last; nothing where that cannot be told now, for the rest of the answer stands without it.
    async fn said_last(&self, until: Tick) -> Result<Option<Said>, Status> {
        let Some(past) = self.0.context.past.clone() else { return Ok(None) };
        let waiting = Waiting(Arc::default());
        let look = async {
            loop {
                let (past, given_up) = (Arc::clone(&past), Arc::clone(&waiting.0));
                let said = tokio::task::spawn_blocking(move || past.said_last(until, &given_up));
                match said.await.map_err(|_| shutting_down())? {
                    Ok(said) if said.ends >= until => return Ok(Some(said)),
                    // What is on the board may not be on the disk yet.
                    Ok(_) => tokio::time::sleep(LOOK_AGAIN).await,
                    Err(NoPast::Unreadable(what)) => {
                        tracing::warn!(what, "the journal's end could not be read");
                        return Ok(None);
                    }
                    Err(_) => return Ok(None),
                }
            }
        };
        tokio::time::timeout(LOOK_FOR, look).await.unwrap_or(Ok(None))
    }

    fn moment(&self, asked: why_request::Moment) -> Result<Moment, Status> {
        let context = &self.0.context;
        match asked {
            why_request::Moment::At(at) => {
                let at = convert::instant(&at)
                    .ok_or_else(|| Status::invalid_argument("at: no instant that the engine can count"))?;
                let now = context.clock.now();
                if at > now {
                    return Err(Status::invalid_argument(format!(
                        "at: {at} is still to come: it is {now} here"
                    )));
                }
                Ok(Moment::At(at))
            }
            why_request::Moment::Tick(tick) => {
                let newest = context.board.completed();
                if tick == 0 || tick > newest {
                    return Err(Status::invalid_argument(format!(
                        "tick: {tick} is none of this engine's: the newest is {newest}"
                    )));
                }
                Ok(Moment::Tick(tick))
            }
        }
    }
}

fn refused(why: NoPast) -> Status {
    match why {
        NoPast::NotKept(Some(begins)) => Status::out_of_range(format!(
            "the journal does not reach back so far: it begins at {begins} (hint: [journal] keep in city.toml)"
        )),
        NoPast::NotKept(None) => Status::out_of_range("the journal holds nothing yet"),
        NoPast::Busy => Status::resource_exhausted(
            "another moment of the past is being brought back, and the engine does one at a time: ask again in some seconds",
        ),
        NoPast::TooLong(limit) => Status::deadline_exceeded(format!(
            "that moment could not be brought back within {} s (hint: `vlot why --journal DIR` takes its time, beside the \
             engine)",
            limit.as_secs()
        )),
        NoPast::GivenUp => shutting_down(),
        NoPast::Unreadable(what) => {
            tracing::warn!(what, "the journal could not be read back");
            Status::internal(what)
        }
    }
}

#[tonic::async_trait]
impl GuidanceService for Guidances {
    async fn why(&self, request: Request<WhyRequest>) -> Result<Response<WhyResponse>, Status> {
        // The past is given two minutes by who brings it back.
        OwnTime::take(&request);
        let WhyRequest { sign_id, moment, with_readings } = request.into_inner();
        let sign = SignIx::from_position(self.0.names.signs.find(&sign_id)?);
        if let Some(moment) = moment {
            let moment = self.moment(moment)?;
            return Ok(Response::new(self.past(sign_id, moment).await?));
        }
        let shared = Arc::clone(&self.0);
        // All of one tick, which is a look at the whole board.
        let now = move || answer::of(&shared.context.city, &shared.context.board, sign);
        let answer = tokio::task::spawn_blocking(now).await.map_err(|_| shutting_down())?;
        let mut answer = answer.ok_or_else(|| Status::not_found("there is no such sign"))?;
        if with_readings && let Some(said) = self.said_last(answer.tick).await? {
            answer::with_readings(&mut answer, &self.0.context.city, sign, &said);
        }
        Ok(Response::new(answer))
    }

    async fn get_guidance(
        &self,
        _request: Request<GetGuidanceRequest>,
    ) -> Result<Response<GetGuidanceResponse>, Status> {
        let context = &self.0.context;
        let tick = context.board.completed();
        let entry = context.board.get(Key::Guidance);
        let guidance = entry.as_ref().and_then(|entry| match &*entry.product {
            Product::Guidance(state) => Some(convert::guidance(&context.city, state)),
            _ => None,
        });
        Ok(Response::new(GetGuidanceResponse {
            guidance,
            position: Some(StreamPosition { tick }),
            now: Some(timestamp(context.clock.now())),
            timezone: context.city.timezone.clone(),
        }))
    }

    type WatchGuidanceStream = Elsewhere<WatchGuidanceResponse>;

    async fn watch_guidance(
        &self,
        request: Request<WatchGuidanceRequest>,
    ) -> Result<Response<Self::WatchGuidanceStream>, Status> {
        let WatchGuidanceRequest { resume_after } = request.into_inner();
        Ok(watch(self.0.seat()?, self.0.bells.roads(), AsAWhole, resume_after.as_ref()))
    }
}

struct AsAWhole;

impl Feed for AsAWhole {
    fn wants(&self, key: Key) -> bool {
        key == Key::Guidance
    }

    fn missing(&self, _: &Shared) -> Vec<Key> {
        Vec::new()
    }

    fn frame(&self, shared: &Shared, _: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let Product::Guidance(state) = &*entry?.product else { return None };
        let guidance = Some(convert::guidance(&shared.context.city, state));
        Some(frame(&WatchGuidanceResponse { guidance, position: position(entry, ends_tick) }))
    }
}
