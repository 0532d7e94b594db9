//! From what comes in to ticks: judge, number, hand to the workers and to the log, and make time pass.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use vlot_model::{Clock, Meters, Reading, Receipt, Settled, Submission, Tick, Timestamp};

use crate::admission::Admission;
use crate::workers::{Batch, BridgeError, Feeder};

/// A tick for the log: what must be durable before its receipts are acknowledged.
#[derive(Debug)]
pub struct LogBatch {
    /// Its number.
    pub tick: Tick,
    /// Its instant.
    pub at: Timestamp,
    /// Its readings; none for a tick of the clock.
    pub readings: Vec<Reading>,
    /// To be acknowledged once all of this is on disk.
    pub receipts: Vec<Receipt>,
}

/// Where ticks become durable. `append` waits while the log cannot keep up, and so holds back the intake.
pub trait Log: Send {
    /// Takes a tick. Returns false when the log is closed for good.
    fn append(&mut self, batch: LogBatch) -> impl Future<Output = bool> + Send;
}

/// How a pump works.
pub struct PumpOptions {
    /// The engine's clock.
    pub clock: Arc<dyn Clock>,
    /// Where the engine counts.
    pub meters: Arc<Meters>,
    /// At most this many readings a tick; more arrive in the next one.
    pub batch_max: usize,
    /// The last tick of the journal.
    pub last_tick: Tick,
    /// That tick's instant: time never runs backwards, whatever the wall clock did meanwhile.
    pub last_at: Timestamp,
}

/// Judges what comes in and forms ticks. A tick is whatever had arrived: it never waits for more.
pub struct Pump<L> {
    options: PumpOptions,
    admission: Admission,
    feeder: Feeder,
    log: L,
    tick: Tick,
    at: Timestamp,
}

/// Engine time between two ticks of the clock: the resolution of dwell times and of staleness.
const CLOCK_EVERY: Duration = Duration::from_secs(1);
/// A sped-up clock ticks at most this often by the wall.
const CLOCK_EVERY_MIN: Duration = Duration::from_millis(5);

impl<L: Log> Pump<L> {
    /// Continues after the journal's last tick, with the admission state that its readings left.
    pub fn new(options: PumpOptions, admission: Admission, feeder: Feeder, log: L) -> Self {
        let (tick, at) = (options.last_tick, options.last_at);
        Pump { options, admission, feeder, log, tick, at }
    }

    /// Runs until every sender of `inbox` is gone, works off what is left, and returns the log.
    ///
    /// # Errors
    /// When a worker has ended.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Submission>) -> Result<L, BridgeError> {
        let every =
            CLOCK_EVERY.div_f64(self.options.clock.speed().max(f64::MIN_POSITIVE)).max(CLOCK_EVERY_MIN);
        let mut clock = tokio::time::interval(every);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut arrived = Vec::new();
        loop {
            let open = tokio::select! {
                _ = clock.tick() => self.pass(Vec::new(), Vec::new()).await?,
                n = inbox.recv_many(&mut arrived, self.options.batch_max) => {
                    n > 0 && self.take(&mut arrived).await?
                }
            };
            if !open {
                return Ok(self.log);
            }
        }
    }

    async fn take(&mut self, arrived: &mut Vec<Submission>) -> Result<bool, BridgeError> {
        let (mut readings, mut receipts) =
            (Vec::with_capacity(arrived.len()), Vec::with_capacity(arrived.len()));
        let meters = &self.options.meters;
        let messages = arrived.len() as u64;
        for mut submission in arrived.drain(..) {
            let mut refused = None;
            self.admission.judge(&submission.readings, |reading, verdict| match verdict {
                Ok(()) => readings.push(reading.clone()),
                Err(kind) => {
                    refused = Some(kind);
                    meters.refuse(kind, 1);
                }
            });
            // A refused message is acknowledged too, for it would be refused again; but with the tick, not before: the
            // original of a duplicate may still be on its way to the disk.
            if let Some(mut receipt) = submission.receipt.take() {
                receipt.note(Settled { tick: self.tick + 1, refused });
                receipts.push(receipt);
            }
        }
        meters.messages_settled.add(messages);
        meters.readings_admitted.add(readings.len() as u64);
        meters.lost_upstream.set(self.admission.lost());
        self.pass(readings, receipts).await
    }

    /// Makes a tick of it; without readings, a tick of the clock. False when the log is closed.
    async fn pass(&mut self, readings: Vec<Reading>, receipts: Vec<Receipt>) -> Result<bool, BridgeError> {
        self.tick += 1;
        self.at = self.at.max(self.options.clock.now());
        let mut batch = Batch::default();
        batch.push(self.tick, self.at, readings.iter().cloned());
        // The workers first: a reading flows on while its journal write is under way; only the receipt waits.
        self.feeder.feed(batch).await?;
        Ok(self.log.append(LogBatch { tick: self.tick, at: self.at, readings, receipts }).await)
    }
}
