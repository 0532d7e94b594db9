//! What all services share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tonic::Status;
use vlot_model::Timestamp;

use crate::bells::Bells;
use crate::filter::Names;
use crate::ready_made::ReadyMade;
use crate::roads::Live;
use crate::sign::Links;
use crate::{Context, Options, Problem};

/// One for each server.
pub(crate) struct Shared {
    pub(crate) context: Context,
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) bells: Bells,
    pub(crate) ready_made: ReadyMade,
    pub(crate) links: Links,
    pub(crate) live: Live,
    streams: Mutex<u32>,
    closing: AtomicBool,
    closed: watch::Sender<bool>,
}

/// A clock may be set back by this much, as time services do, without a word.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// Times are not stretched further, however fast a demo's clock runs.
const SPEED_MAX: f64 = 1e6;

impl Shared {
    pub(crate) fn new(options: Options, context: Context) -> Arc<Self> {
        let city = &context.city;
        Arc::new(Shared {
            names: Names::new(city),
            bells: Bells::new(city),
            ready_made: ReadyMade::new(city),
            links: Links::new(city, Arc::clone(&context.meters)),
            live: Live::default(),
            streams: Mutex::new(0),
            closing: AtomicBool::new(false),
            closed: watch::Sender::new(false),
            context,
            options,
        })
    }

    /// A place for one more stream, for as long as it is held.
    pub(crate) fn seat(self: &Arc<Self>) -> Result<Seat, Status> {
        if self.closing() {
            return Err(shutting_down());
        }
        let mut streams = self.streams.lock();
        if *streams >= self.options.max_streams {
            return Err(Status::resource_exhausted(format!(
                "{} streams are open, which is the server's bound",
                self.options.max_streams
            )));
        }
        *streams += 1;
        self.context.meters.streams_open.set(u64::from(*streams));
        Ok(Seat(Arc::clone(self)))
    }

    /// Ends every stream and every connection.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.send_replace(true);
        self.bells.ring_all();
    }

    /// Streams are to end.
    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Tells connections that they are to end.
    pub(crate) fn closed(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Messages a second of the wall's clock that one sign may send: where time runs faster, signs have more to say.
    pub(crate) fn sign_messages_per_s(&self) -> u32 {
        let per_s = f64::from(self.options.sign_messages_per_s);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and saturates where it is no bound any more"
        )]
        let limit = (per_s * self.context.clock.speed().clamp(1.0, SPEED_MAX)) as u32;
        limit
    }

    /// What is wrong with the engine when it has published nothing for too long. Its clock alone makes it publish
    /// once a second, so silence means that it stands still.
    pub(crate) fn standstill(&self, now: Timestamp) -> Option<Problem> {
        let Context { board, clock, .. } = &self.context;
        let since = board.completed_at();
        if since.since(now) > CLOCK_SLACK {
            let what = format!(
                "the clock is {} s behind the last tick: it was set back, and the engine waits for it",
                since.since(now).as_secs()
            );
            return Some(Problem { part: "clock".to_owned(), what, since: now, halts: true });
        }
        let limit = self.options.engine_still_after.mul_f64(clock.speed().clamp(1.0, SPEED_MAX));
        if board.completed() > 0 && now.since(since) <= limit {
            return None;
        }
        let what = if board.completed() == 0 {
            "nothing is published yet".to_owned()
        } else {
            format!("nothing was published for {} s", now.since(since).as_secs())
        };
        Some(Problem { part: "engine".to_owned(), what, since, halts: true })
    }
}

/// A place for a stream; dropped, it is free again.
pub(crate) struct Seat(Arc<Shared>);

impl std::ops::Deref for Seat {
    type Target = Arc<Shared>;
    fn deref(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut streams = self.0.streams.lock();
        *streams = streams.saturating_sub(1);
        self.0.context.meters.streams_open.set(u64::from(*streams));
    }
}

/// How every stream ends when the server does.
pub(crate) fn shutting_down() -> Status {
    Status::unavailable("the engine is shutting down; connect again and resume after the last position")
}
