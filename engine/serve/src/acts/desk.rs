//! An act's way: into the audit log, through admission into the journal, and what became of it into the audit log.
//!
//! One act at a time: they are rare, and so each one's "before" is what the one before it left.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tonic::Status;
use vlot_model::{
    Acknowledge, Act, ActLog, End, FacilityIx, Glance, Key, Order, Product, Reading, Receipt, RefusalKind,
    Settled, Submission, Tick, Value,
};

use crate::shared::Shared;

/// The dataflow follows the journal within milliseconds; an answer waits this long for it at most.
const AFTER_WITHIN: Duration = Duration::from_secs(2);
/// Acts whose end nobody waited for are looked at again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub(crate) struct Desk {
    shared: Arc<Shared>,
    turn: tokio::sync::Mutex<()>,
}

/// Tells one waiting act what became of it; dropped, that it will not be known.
struct Told(Mutex<Option<oneshot::Sender<Settled>>>);

impl Acknowledge for Told {
    fn acknowledge(&self, _token: u64) {}

    fn settle(&self, _token: u64, settled: Settled) {
        if let Some(told) = self.0.lock().take() {
            // Who waited may have gone; the act is looked at again.
            let _gone = told.send(settled);
        }
    }
}

/// Submits a reading and waits until it is in the journal; `None`: it may not be, or not yet.
pub(crate) async fn through(shared: &Shared, reading: Reading) -> Option<Settled> {
    let (told, settled) = oneshot::channel();
    let receipt = Receipt::new(Arc::new(Told(Mutex::new(Some(told)))), 0);
    let submission = Submission { readings: vec![reading], receipt: Some(receipt) };
    let context = &shared.context;
    let through = async {
        context.inbox.send(submission).await.ok()?;
        context.meters.reports_in.add(1);
        settled.await.ok()
    };
    tokio::time::timeout(shared.options.acts.settle_within, through).await.ok().flatten()
}

impl Desk {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Desk { shared: Arc::clone(shared), turn: tokio::sync::Mutex::new(()) })
    }

    /// Carries an act out, or finds that it was.
    pub(crate) async fn carry_out(self: &Arc<Self>, order: Order) -> Result<Act, Status> {
        let desk = Arc::clone(self);
        // A client that goes away must not leave an act halfway.
        let carried = tokio::spawn(async move { desk.in_turn(order).await });
        carried.await.unwrap_or_else(|_| Err(Status::unavailable("the engine is ending")))
    }

    async fn in_turn(&self, order: Order) -> Result<Act, Status> {
        let patience = self.shared.options.acts.settle_within;
        let Ok(_turn) = tokio::time::timeout(patience, self.turn.lock()).await else {
            return Err(Status::unavailable(
                "an act before this one waits for the disk; nothing was written (hint: again, with the same act_id)",
            ));
        };
        let log = self.log()?;
        let act = match log.find(&order.id) {
            Some(known) if !same(&known.order, &order) => {
                return Err(Status::already_exists(format!(
                    "attribution.act_id: {:?} is another act, on {:?} (hint: every act has an id of its own)",
                    order.id, known.order.facility
                )));
            }
            Some(known) if known.end.is_some() => known,
            Some(under_way) => self.hand_in(&log, under_way).await?,
            None => {
                let asked = on_disk(&log, move |log| log.ask(order)).await?;
                self.hand_in(&log, asked).await?
            }
        };
        match &act.end {
            Some(End::Refused { why }) => Err(refused(why)),
            _ => Ok(act),
        }
    }

    fn log(&self) -> Result<Arc<dyn ActLog>, Status> {
        self.shared
            .context
            .acts
            .clone()
            .ok_or_else(|| Status::unavailable("there is no audit log to write to"))
    }

    /// Hands an act that is written down to admission, and notes what becomes of it.
    async fn hand_in(&self, log: &Arc<dyn ActLog>, act: Act) -> Result<Act, Status> {
        let context = &self.shared.context;
        let facility =
            self.shared.names.facilities.find(&act.order.facility).ok().map(FacilityIx::from_position);
        let desk = match act.order.value {
            Value::Situation(_) | Value::IncidentVerdict { .. } => {
                context.city.roads_desk().map(|desk| (None, desk))
            }
            _ => facility.and_then(|ix| Some((Some(ix), context.city.desk(ix)?))),
        };
        let end = match desk {
            // The configuration was changed while it was under way.
            None => End::Refused { why: RefusalKind::UnknownDevice.name().to_owned() },
            Some((facility, device)) => {
                let before = facility.and_then(|facility| self.glance(facility));
                let reading = Reading {
                    device,
                    sequence: Some(act.sequence),
                    observed_at: act.order.observed_at,
                    received_at: context.clock.now(),
                    value: act.order.value.clone(),
                };
                let Settled { tick, refused } = self.settled(reading).await?;
                match refused {
                    // Handed in before, and it came through.
                    None | Some(RefusalKind::Duplicate) => {
                        self.reached(tick).await;
                        End::Done { tick, before, after: facility.and_then(|facility| self.glance(facility)) }
                    }
                    Some(kind) => End::Refused { why: kind.name().to_owned() },
                }
            }
        };
        let (id, noted) = (act.order.id.clone(), end.clone());
        if let Err(error) = on_disk(log, move |log| log.end(&id, noted)).await {
            // It counts all the same; the next start finds that out.
            tracing::warn!(error = error.message(), "an act's end could not be written to the audit log");
        }
        tracing::info!(
            facility = act.order.facility,
            sequence = act.sequence,
            "an operator's act is settled"
        );
        Ok(Act { end: Some(end), ..act })
    }

    /// Submits a reading and waits until it is in the journal.
    async fn settled(&self, reading: Reading) -> Result<Settled, Status> {
        through(&self.shared, reading).await.ok_or_else(|| {
            Status::unavailable(
                "the act is written down, but the journal does not have it yet (hint: see the engine's problems; send it \
                 again with the same act_id: it counts once)",
            )
        })
    }

    /// Waits until the board has that tick, for a while.
    async fn reached(&self, tick: Tick) {
        let context = &self.shared.context;
        let mut changed = context.changed.clone();
        let reached = async { while context.board.completed() < tick && changed.changed().await.is_ok() {} };
        if tokio::time::timeout(AFTER_WITHIN, reached).await.is_err() {
            tracing::debug!(tick, "the board is behind an act");
        }
    }

    fn glance(&self, facility: FacilityIx) -> Option<Glance> {
        let entry = self.shared.context.board.get(Key::Facility(facility))?;
        match &*entry.product {
            Product::Facility(state) => Some(Glance::from(state)),
            _ => None,
        }
    }

    /// Hands in again what is under way without anybody waiting for it.
    async fn finish(&self) -> Result<(), Status> {
        let Some(log) = self.shared.context.acts.clone() else { return Ok(()) };
        for act in log.under_way() {
            let _turn = self.turn.lock().await;
            let still = log.find(&act.order.id).is_some_and(|act| act.end.is_none());
            if still {
                self.hand_in(&log, act).await?;
            }
        }
        Ok(())
    }
}

/// Finishes, now and again, what a crash or a slow disk left under way.
pub(crate) async fn keep(desk: Arc<Desk>) {
    let mut look = tokio::time::interval(LOOK_AGAIN);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if let Err(error) = desk.finish().await {
            tracing::debug!(error = error.message(), "acts stay under way");
        }
    }
}

/// Whether two orders of one id ask for the same.
fn same(a: &Order, b: &Order) -> bool {
    (&a.facility, &a.actor, &a.value) == (&b.facility, &b.actor, &b.value)
}

fn refused(why: &str) -> Status {
    Status::failed_precondition(format!("the engine refused the act ({why}); nothing changed"))
}

/// Runs what waits for the disk elsewhere: this thread serves every stream.
async fn on_disk<T: Send + 'static>(
    log: &Arc<dyn ActLog>,
    work: impl FnOnce(&dyn ActLog) -> Result<T, String> + Send + 'static,
) -> Result<T, Status> {
    let log = Arc::clone(log);
    let done = tokio::task::spawn_blocking(move || work(&*log)).await;
    match done {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(what)) => {
            Err(Status::unavailable(format!("{what}; nothing was done (hint: is the disk full?)")))
        }
        Err(_) => Err(Status::unavailable("the engine is ending; nothing was done")),
    }
}
