//! The life of a source: connect, take in, acknowledge, and again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use vlot_model::{Reading, Submission, Value};

use super::State;
use super::acks::Acks;
use super::intake::{Intake, Reception};
use super::link::{Event, Link, LinkError, Message};
use super::options::Options;
use crate::backoff::Backoff;

/// So many acknowledgements are sent even while more messages are there to be read.
const ACKS_AT_ONCE: usize = 64;
/// A connection that held for so long was a good one: the next wait is short again.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// Why a connection is over.
enum End {
    Stopped,
    /// Admission is gone: there is nobody to take anything in for.
    NobodyListens,
    Failed(LinkError),
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        End::Failed(error)
    }
}

pub(super) async fn run(
    options: Options,
    intake: Intake,
    state: Arc<Mutex<State>>,
    mut stop: watch::Receiver<()>,
) {
    let mut backoff = Backoff::new(options.reconnect_min, options.reconnect_max);
    let mut rng = SmallRng::from_os_rng();
    let acks = Arc::new(Acks::default());
    let mut life = Life {
        reception: Reception {
            subscriptions: &options.subscriptions,
            intake: &intake,
            acks: Arc::clone(&acks),
        },
        options: &options,
        intake: &intake,
        state: &state,
        acks,
        connection: 0,
        subscribed: false,
        held: VecDeque::new(),
        packet_ids: Vec::new(),
        unsettled: 0,
    };
    loop {
        let begun = Instant::now();
        let error = match life.one_connection(&mut stop).await {
            Ok(never) => match never {},
            Err(End::Stopped) => return,
            Err(End::NobodyListens) => {
                return life.disconnected(Some("the engine takes no messages any more".to_owned()));
            }
            Err(End::Failed(error)) => format!("{}:{}: {error}", options.host, options.port),
        };
        if begun.elapsed() >= GOOD_CONNECTION {
            backoff.reset();
        }
        let wait = backoff.next(&mut rng);
        tracing::warn!(source = %options.name, error, ?wait, "not connected");
        life.disconnected(Some(error));
        tokio::select! {
            _ = stop.changed() => return,
            () = sleep(wait) => {}
        }
    }
}

enum Never {}

/// Whether a reading was made of sightings, of more than the one message that it left with.
fn of_the_gate(reading: &Reading) -> bool {
    matches!(reading.value, Value::Traversal { .. } | Value::PairTime { .. })
}

struct Life<'a> {
    options: &'a Options,
    intake: &'a Intake,
    state: &'a Mutex<State>,
    acks: Arc<Acks>,
    reception: Reception<'a>,
    /// The number of the present connection.
    connection: u64,
    /// The broker has accepted our subscriptions since we run.
    subscribed: bool,
    /// QoS 1 messages, and what the gate let out, that wait for room in admission, in order.
    held: VecDeque<Submission>,
    /// Settled, and not on the way yet.
    packet_ids: Vec<u16>,
    /// Receipts of this connection that are out.
    unsettled: usize,
}

impl Life<'_> {
    async fn one_connection(&mut self, stop: &mut watch::Receiver<()>) -> Result<Never, End> {
        let (mut link, session_present) = tokio::select! {
            _ = stop.changed() => return Err(End::Stopped),
            connected = Link::connect(self.options) => connected?,
        };
        self.connection += 1;
        // What an older connection left behind comes again over this one. But not what the gate let out: it knows the
        // sightings that come again.
        self.held.retain_mut(|submission| {
            submission.receipt = None;
            submission.readings.iter().any(of_the_gate)
        });
        self.packet_ids.clear();
        self.unsettled = 0;
        // A session of an earlier run may know other filters than ours.
        tracing::info!(source = %self.options.name, session_present, "connected");
        if session_present && self.subscribed {
            self.listens(None);
        } else {
            link.subscribe(self.options)?;
        }
        let acks = Arc::clone(&self.acks);
        loop {
            if !self.packet_ids.is_empty() || acks.waiting() >= ACKS_AT_ONCE {
                self.send_acks(&mut link).await?;
            }
            // In this order: while messages are there, they are taken, and acknowledgements gather to a batch.
            tokio::select! {
                biased;
                _ = stop.changed() => {
                    self.drain(&mut link).await;
                    return Err(End::Stopped);
                }
                room = self.intake.out.reserve(), if !self.held.is_empty() => {
                    let room = room.map_err(|_| End::NobodyListens)?;
                    if let Some(first) = self.held.pop_front() {
                        room.send(first);
                    }
                }
                event = link.next(), if self.held.len() < usize::from(self.options.in_flight_max) => {
                    match event? {
                        Event::Message(message) => self.take(&message)?,
                        Event::Subscribed(answers) => self.check_subscriptions(&answers),
                        Event::Other => {}
                    }
                }
                () = acks.arrived() => self.send_acks(&mut link).await?,
            }
        }
    }

    fn take(&mut self, message: &Message) -> Result<(), End> {
        self.intake.meters.messages_in.add(1);
        let full = !self.held.is_empty() || self.intake.out.capacity() == 0;
        if full && message.packet_id.is_none() {
            self.reception.overload();
            return Ok(());
        }
        let Some(submission) = self.reception.take(message, self.connection) else {
            // It is refused, hence settled.
            self.unsettled += usize::from(message.packet_id.is_some());
            return Ok(());
        };
        self.unsettled += usize::from(submission.receipt.is_some());
        if full {
            self.held.push_back(submission);
            return Ok(());
        }
        match self.intake.out.try_send(submission) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(submission)) if submission.receipt.is_some() => {
                self.held.push_back(submission);
                Ok(())
            }
            Err(TrySendError::Full(_)) => {
                self.reception.overload();
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(End::NobodyListens),
        }
    }

    async fn send_acks(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let settled = self.acks.take(self.connection, &mut self.packet_ids);
        self.unsettled = self.unsettled.saturating_sub(settled);
        if self.packet_ids.is_empty() { Ok(()) } else { link.acknowledge(&mut self.packet_ids).await }
    }

    fn check_subscriptions(&mut self, answers: &[Option<String>]) {
        let refused: Vec<String> = self
            .options
            .subscriptions
            .iter()
            .zip(answers)
            .filter_map(|(s, answer)| answer.as_ref().map(|why| format!("{} ({why})", s.filter)))
            .collect();
        self.subscribed = refused.is_empty();
        let refused = (!refused.is_empty()).then(|| refused.join(", "));
        if let Some(refused) = &refused {
            tracing::error!(source = %self.options.name, refused, "the broker refuses subscriptions");
        }
        let error = |refused| {
            format!("the broker refuses subscriptions: {refused}; check the filter and our rights there")
        };
        self.listens(refused.map(error));
    }

    /// The broker holds for us, from now on, what is published.
    fn listens(&self, error: Option<String>) {
        let (since, connections) = (self.intake.clock.now(), self.connection);
        *self.state.lock() = State { connected: true, since, error, connections };
    }

    /// Takes nothing in any more, but still sends the acknowledgements that come in time.
    async fn drain(&mut self, link: &mut Link) {
        self.unsettled -= self.held.drain(..).filter(|s| s.receipt.is_some()).count();
        let (acks, patience) = (Arc::clone(&self.acks), self.options.drain);
        let settle = async {
            while self.unsettled > 0 || !self.packet_ids.is_empty() {
                tokio::select! {
                    // What comes now is not acknowledged, hence comes again when we are back.
                    event = link.next() => { event?; }
                    () = acks.arrived() => {}
                }
                self.send_acks(link).await?;
            }
            Ok::<(), LinkError>(())
        };
        match timeout(patience, settle).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(source = %self.options.name, %error, "not all was acknowledged"),
            Err(_) => tracing::warn!(
                source = %self.options.name,
                unacknowledged = self.unsettled,
                "stopped before all was acknowledged: it will come again"
            ),
        }
        link.close().await;
        self.disconnected(None);
    }

    fn disconnected(&self, error: Option<String>) {
        let mut state = self.state.lock();
        if state.connected {
            state.since = self.intake.clock.now();
        }
        state.connected = false;
        state.error = error;
    }
}
