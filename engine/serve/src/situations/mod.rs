//! Works, closures, incidents and events: stated and judged as operators' acts, listed and watched by everybody.

mod ask;
mod filter;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tonic::{Request, Response, Status};
use vlot_model::{
    Entry, Key, Phase, Product, ROADS, Situation, SituationIx, SituationState, Tick, Timestamp, Value,
};

use crate::acts::ask::signed;
use crate::acts::{CertifiedClient, Desk, opened, permitted};
use crate::convert;
use crate::frames::{Elsewhere, frame};
use crate::ready_made::position;
use crate::shared::Shared;
use crate::watch::{Feed, watch};
use crate::wire::common::v1::StreamPosition;
use crate::wire::parking::v1::{Act, Attribution};
use crate::wire::traffic::v1 as wire;
use crate::wire::traffic::v1::situation_service_server::SituationService;
use filter::Wanted;

/// Who keeps what operators state.
pub(crate) const OPERATOR: &str = "operator";
/// What ended longer ago is no longer listed; its place may be another's by then.
const TOLD_AFTER_END: Duration = Duration::from_hours(1);

/// The service.
pub(crate) struct Situations {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
}

fn state(entry: &Entry) -> Option<&SituationState> {
    match &*entry.product {
        Product::Situation(state) => Some(state),
        _ => None,
    }
}

/// Whether there is still something to tell of it.
fn is_news(state: &SituationState, now: Timestamp) -> bool {
    state.phase != Phase::Ended || now.since(state.since) < TOLD_AFTER_END
}

/// All of the board, in the order of their places.
fn all(shared: &Shared) -> Vec<(Tick, Entry)> {
    let (_, changed) = shared.context.board.changed_since(0, |key| matches!(key, Key::Situation(_)));
    let mut all: Vec<_> = changed.into_iter().collect();
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(_, entry)| (entry.version, entry)).collect()
}

impl Situations {
    pub(crate) fn new(shared: &Arc<Shared>, desk: Arc<Desk>) -> Self {
        Situations { shared: Arc::clone(shared), desk }
    }

    /// What an operator's situation of that id stands as, if it does not yet belong to the past.
    fn standing(&self, id: &str) -> Option<(Tick, Entry)> {
        let now = self.shared.context.clock.now();
        let wanted = |s: &SituationState| {
            &*s.situation.source == OPERATOR && &*s.situation.id == id && is_news(s, now)
        };
        all(&self.shared).into_iter().find(|(_, entry)| state(entry).is_some_and(wanted))
    }

    /// What an act of that id said before: sent again, it is to say the same, whatever the time is now.
    fn said_before(&self, attribution: Option<&Attribution>) -> Option<Arc<Situation>> {
        let log = self.shared.context.acts.as_ref()?;
        match log.find(&attribution?.act_id)?.order.value {
            Value::Situation(situation) => Some(situation),
            _ => None,
        }
    }

    async fn act(
        &self,
        client: Option<&CertifiedClient>,
        attribution: Option<Attribution>,
        value: Value,
    ) -> Result<Option<Act>, Status> {
        if self.shared.context.city.roads_desk().is_none() {
            return Err(Status::failed_precondition(
                "this engine has no desk for the roads (hint: its configuration was checked by an older one)",
            ));
        }
        let order = signed(&self.shared, client, ROADS.to_owned(), attribution, value, None)?;
        let act = self.desk.carry_out(order).await?;
        Ok(Some(convert::act(&act)))
    }
}

#[tonic::async_trait]
impl SituationService for Situations {
    async fn state_situation(
        &self,
        request: Request<wire::StateSituationRequest>,
    ) -> Result<Response<wire::StateSituationResponse>, Status> {
        let (client, request) = opened(request);
        permitted(&self.shared, client.as_ref())?;
        let wire::StateSituationRequest { attribution, situation } = request;
        let before = self.said_before(attribution.as_ref());
        let now = before.map_or_else(|| self.shared.context.clock.now(), |before| before.from);
        let act_id = attribution.as_ref().map(|a| a.act_id.as_str()).unwrap_or_default();
        let stated = ask::situation(&self.shared, situation, act_id, now)?;
        let id = stated.id.clone();
        let act = self.act(client.as_ref(), attribution, Value::Situation(Arc::new(stated))).await?;
        let situation = self.standing(&id).and_then(|(version, entry)| {
            Some(convert::situation(&self.shared.context.city, version, state(&entry)?))
        });
        Ok(Response::new(wire::StateSituationResponse { act, situation }))
    }

    async fn withdraw_situation(
        &self,
        request: Request<wire::WithdrawSituationRequest>,
    ) -> Result<Response<wire::WithdrawSituationResponse>, Status> {
        let (client, request) = opened(request);
        permitted(&self.shared, client.as_ref())?;
        let wire::WithdrawSituationRequest { attribution, id } = request;
        let before = self.said_before(attribution.as_ref()).filter(|before| *before.id == *id);
        let stated = match before {
            Some(before) => before,
            None => {
                let found = self.standing(&id);
                let found = found.as_ref().and_then(|(_, entry)| state(entry));
                Arc::clone(&found.ok_or_else(|| ask::unknown(&id, &all(&self.shared)))?.situation)
            }
        };
        let value = Value::Situation(Arc::new(Situation { withdrawn: true, ..(*stated).clone() }));
        let act = self.act(client.as_ref(), attribution, value).await?;
        Ok(Response::new(wire::WithdrawSituationResponse { act }))
    }

    async fn judge_incident(
        &self,
        request: Request<wire::JudgeIncidentRequest>,
    ) -> Result<Response<wire::JudgeIncidentResponse>, Status> {
        let (client, request) = opened(request);
        permitted(&self.shared, client.as_ref())?;
        let judgement = request.judgement();
        let wire::JudgeIncidentRequest { attribution, link_id, .. } = request;
        let value = ask::verdict(&self.shared, &link_id, judgement)?;
        let act = self.act(client.as_ref(), attribution, value).await?;
        Ok(Response::new(wire::JudgeIncidentResponse { act }))
    }

    async fn list_situations(
        &self,
        request: Request<wire::ListSituationsRequest>,
    ) -> Result<Response<wire::ListSituationsResponse>, Status> {
        let wanted = Wanted::new(request.into_inner().filter)?;
        let context = &self.shared.context;
        // First the position: what is published after it may be in the list too, and a watch then repeats it.
        let tick = context.board.completed();
        let now = context.clock.now();
        let situations = all(&self.shared).into_iter().filter_map(|(version, entry)| {
            let state = state(&entry).filter(|s| is_news(s, now) && wanted.has(&context.city, s))?;
            Some(convert::situation(&context.city, version, state))
        });
        Ok(Response::new(wire::ListSituationsResponse {
            situations: situations.collect(),
            position: Some(StreamPosition { tick }),
        }))
    }

    type WatchSituationsStream = Elsewhere<wire::WatchSituationsResponse>;

    async fn watch_situations(
        &self,
        request: Request<wire::WatchSituationsRequest>,
    ) -> Result<Response<Self::WatchSituationsStream>, Status> {
        let wire::WatchSituationsRequest { filter, resume_after } = request.into_inner();
        let wanted = Wanted::new(filter)?;
        let board = &self.shared.context.board;
        let resumes = resume_after.as_ref().is_some_and(|p| board.resumes_from(p.tick) > 0);
        let told = Mutex::new(BTreeSet::new());
        let watched = Watched { wanted, resumes, told };
        let bell = self.shared.bells.roads();
        Ok(watch(self.shared.seat()?, bell, watched, resume_after.as_ref()))
    }
}

struct Watched {
    wanted: Wanted,
    /// What this reader was told before is not known: all may be what it has to hear the end of.
    resumes: bool,
    /// What it was told and still believes to match.
    told: Mutex<BTreeSet<SituationIx>>,
}

impl Feed for Watched {
    fn wants(&self, key: Key) -> bool {
        matches!(key, Key::Situation(_))
    }

    /// A place of the list in which nothing stands has nothing to be told.
    fn missing(&self, _: &Shared) -> Vec<Key> {
        Vec::new()
    }

    fn frame(&self, shared: &Shared, _: Key, entry: Option<&Entry>, ends_tick: bool) -> Option<Bytes> {
        let entry = entry?;
        let state = state(entry)?;
        let context = &shared.context;
        let news = is_news(state, context.clock.now());
        let tell = {
            let mut told = self.told.lock();
            if news && self.wanted.has(&context.city, state) {
                told.insert(state.slot);
                true
            } else {
                told.remove(&state.slot) || self.resumes && news
            }
        };
        if !tell {
            return None;
        }
        let situation = Some(convert::situation(&context.city, entry.version, state));
        Some(frame(&wire::WatchSituationsResponse { situation, position: position(Some(entry), ends_tick) }))
    }
}
