//! timely's workers: fed over bounded lanes, they publish whole ticks to the board.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use parking_lot::Mutex;
use timely::communication::WorkerGuards;
use timely::dataflow::operators::{Concat, Input};
use tokio::sync::{mpsc, watch};
use vlot_model::{Admitted, Board, City, ClockTick, Meters, Tick, Timestamp, Update};

/// A dead worker freezes its peers without an error: die loudly instead, the supervisor starts the engine again.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// What the workers work on.
pub struct WorkersOptions {
    /// Threads; one is enough for a city, see docs/performance.md.
    pub workers: NonZeroUsize,
    /// Batches that may wait for a worker before the feeder is held back.
    pub lane_depth: usize,
    /// The city.
    pub city: Arc<City>,
    /// Where products go.
    pub board: Arc<Board>,
    /// Where the engine counts.
    pub meters: Arc<Meters>,
}

/// Some ticks, in order, on their way into the dataflow.
#[derive(Debug, Default)]
pub struct Batch {
    /// The last tick in it.
    pub upto: Tick,
    /// That tick's instant.
    pub at: Timestamp,
    /// Readings, by tick and index.
    pub readings: Vec<Admitted>,
    /// Clock ticks, by tick.
    pub clock: Vec<ClockTick>,
}

impl Batch {
    /// Adds a tick: with readings it is theirs, without it is the clock's.
    pub fn push(
        &mut self,
        tick: Tick,
        at: Timestamp,
        readings: impl IntoIterator<Item = vlot_model::Reading>,
    ) {
        let before = self.readings.len();
        self.readings.extend((0..).zip(readings).map(|(index, reading)| Admitted {
            tick,
            at,
            index,
            reading,
        }));
        if self.readings.len() == before {
            self.clock.push(ClockTick { tick, at });
        }
        self.upto = tick;
        self.at = at;
    }

    /// How much work it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.readings.len() + self.clock.len()
    }

    /// Whether it holds no tick.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why the workers are no longer there.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// timely could not start its threads.
    #[error("the dataflow's workers could not start: {0}")]
    Start(String),
    /// A worker ended before its input did.
    #[error("dataflow worker {0} is gone")]
    WorkerGone(usize),
    /// A worker panicked.
    #[error("a dataflow worker panicked: {0}")]
    Panicked(String),
}

/// Feeds the workers. Dropping it closes their inputs; they finish what they have and end.
pub struct Feeder {
    lanes: Vec<(mpsc::Sender<Batch>, Thread)>,
    next: usize,
}

impl Feeder {
    /// Hands over some ticks; waits while the lane is full.
    ///
    /// # Errors
    /// When a worker has ended.
    pub async fn feed(&mut self, batch: Batch) -> Result<(), BridgeError> {
        for (lane, share) in self.shares(batch) {
            let (tx, thread) = &self.lanes[lane];
            tx.send(share).await.map_err(|_| BridgeError::WorkerGone(lane))?;
            thread.unpark();
        }
        Ok(())
    }

    /// The same from a thread without tokio.
    ///
    /// # Errors
    /// When a worker has ended.
    pub fn feed_blocking(&mut self, batch: Batch) -> Result<(), BridgeError> {
        for (lane, share) in self.shares(batch) {
            let (tx, thread) = &self.lanes[lane];
            tx.blocking_send(share).map_err(|_| BridgeError::WorkerGone(lane))?;
            thread.unpark();
        }
        Ok(())
    }

    /// Readings go to one worker, in turn (the dataflow exchanges them by key); time passes on every worker.
    fn shares(&mut self, mut batch: Batch) -> Vec<(usize, Batch)> {
        let lanes = self.lanes.len();
        if lanes == 1 {
            return vec![(0, batch)];
        }
        self.next = (self.next + 1) % lanes;
        let readings = std::mem::take(&mut batch.readings);
        let mut shares: Vec<_> = (0..lanes)
            .map(|lane| {
                let clock = batch.clock.clone();
                (lane, Batch { upto: batch.upto, at: batch.at, readings: Vec::new(), clock })
            })
            .collect();
        shares[self.next].1.readings = readings;
        shares
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        for (tx, thread) in self.lanes.drain(..) {
            drop(tx);
            thread.unpark();
        }
    }
}

/// Running workers.
pub struct Running {
    /// The way in.
    pub feeder: Feeder,
    /// The last tick that changed the board; for who waits for changes.
    pub changed: watch::Receiver<Tick>,
    /// The last tick that has passed through wholly, whether or not it changed the board.
    pub completed: watch::Receiver<Tick>,
    /// Ends with the workers.
    pub join: Join,
}

/// Waits for the workers.
pub struct Join(WorkerGuards<()>);

impl Join {
    /// Returns when all workers have drained and ended. Drop the [`Feeder`] first.
    ///
    /// # Errors
    /// When a worker panicked.
    pub async fn join(self) -> Result<(), BridgeError> {
        tokio::task::spawn_blocking(move || self.join_blocking())
            .await
            .map_err(|e| BridgeError::Panicked(e.to_string()))?
    }

    /// The same from a thread without tokio.
    ///
    /// # Errors
    /// When a worker panicked.
    pub fn join_blocking(self) -> Result<(), BridgeError> {
        self.0.join().into_iter().collect::<Result<(), _>>().map_err(BridgeError::Panicked)
    }
}

/// Starts the workers.
///
/// # Errors
/// When timely cannot start its threads.
pub fn start(options: WorkersOptions) -> Result<Running, BridgeError> {
    let workers = options.workers.get();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers)
        .map(|_| mpsc::channel::<Batch>(options.lane_depth))
        .map(|(tx, rx)| (tx, Some(rx)))
        .unzip();
    let receivers = Mutex::new(receivers);
    let (changed_tx, changed) = watch::channel(0);
    let (completed_tx, completed) = watch::channel(0);
    let (city, board, meters) = (options.city, options.board, options.meters);

    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let _abort = AbortOnPanic;
        let Some(lane) = receivers.lock().get_mut(worker.index()).and_then(Option::take) else { return };

        let under_way: UnderWay = Rc::default();
        let publish = {
            let (board, meters) = (board.clone(), meters.clone());
            let (changed, completed) = (changed_tx.clone(), completed_tx.clone());
            Rc::new(move |tick, at, updates: std::vec::Drain<'_, Update>| {
                let published = board.publish(tick, at, updates);
                meters.products_out.add(published);
                if published > 0 {
                    changed.send_replace(tick);
                }
                completed.send_replace(tick);
            })
        };
        let (readings, clock, probe) = worker.dataflow_named::<Tick, _, _>("vlot", |scope| {
            let (readings_in, readings) = scope.new_input::<Vec<Admitted>>();
            let (clock_in, clock) = scope.new_input::<Vec<ClockTick>>();
            let states = vlot_dataflow::build(readings, clock.clone(), &city, &meters);
            let faces = vlot_guidance::build(states.clone(), clock, &city, &meters);
            let publish = publish.clone();
            let under_way = under_way.clone();
            let published = vlot_dataflow::collect(states.concat(faces), move |tick, updates| {
                let mut at = Timestamp::EPOCH;
                let mut under_way = under_way.borrow_mut();
                while let Some((_, instant)) = under_way.pop_front_if(|(upto, _)| *upto <= tick) {
                    at = instant;
                }
                publish(tick, at, updates);
            });
            (readings_in, clock_in, published)
        });
        run(worker, lane, Inputs { readings, clock }, &under_way);
        drop(probe);
        // The last ticks may have ended together with the inputs, and without a product.
        if let Some((tick, at)) = under_way.borrow().back().copied() {
            publish(tick, at, Vec::new().drain(..));
        }
    })
    .map_err(BridgeError::Start)?;

    let lanes = senders.into_iter().zip(guards.guards()).map(|(tx, g)| (tx, g.thread().clone())).collect();
    Ok(Running { feeder: Feeder { lanes, next: 0 }, changed, completed, join: Join(guards) })
}

/// Ticks on their way through, with their instants.
type UnderWay = Rc<RefCell<VecDeque<(Tick, Timestamp)>>>;

struct Inputs {
    readings: timely::dataflow::InputHandle<Tick, timely::container::CapacityContainerBuilder<Vec<Admitted>>>,
    clock: timely::dataflow::InputHandle<Tick, timely::container::CapacityContainerBuilder<Vec<ClockTick>>>,
}

impl Inputs {
    fn send(&mut self, mut batch: Batch) {
        // A batch travels at the time that the inputs stand at, which no tick in it comes before.
        self.readings.send_batch(&mut batch.readings);
        self.clock.send_batch(&mut batch.clock);
        self.readings.advance_to(batch.upto + 1);
        self.clock.advance_to(batch.upto + 1);
        self.readings.flush();
        self.clock.flush();
    }
}

/// Readings that pass through the operators at once, about. A batch of a replay may have far more, and what is made of
/// those on the way leaves every cache and is asked of the system anew each time.
const READINGS_A_ROUND: usize = 4_096;

/// What is left of a batch.
struct Rest {
    upto: Tick,
    at: Timestamp,
    readings: std::vec::IntoIter<Admitted>,
    clock: std::vec::IntoIter<ClockTick>,
}

impl From<Batch> for Rest {
    fn from(Batch { upto, at, readings, clock }: Batch) -> Self {
        Rest { upto, at, readings: readings.into_iter(), clock: clock.into_iter() }
    }
}

impl Rest {
    /// Its next ticks, whole ones, of about so many readings; and whether these are the last.
    fn next(&mut self, readings: usize) -> (Batch, bool) {
        let waiting = self.readings.as_slice();
        let last = waiting.get(readings.saturating_sub(1)).map(|r| (r.tick, r.at));
        if let Some((tick, at)) = last {
            let whole = waiting.partition_point(|r| r.tick <= tick);
            let clock = self.clock.as_slice().partition_point(|c| c.tick <= tick);
            if whole < waiting.len() {
                let readings = self.readings.by_ref().take(whole).collect();
                let clock = self.clock.by_ref().take(clock).collect();
                return (Batch { upto: tick, at, readings, clock }, false);
            }
        }
        let (readings, clock) = (std::mem::take(&mut self.readings), std::mem::take(&mut self.clock));
        let batch =
            Batch { upto: self.upto, at: self.at, readings: readings.collect(), clock: clock.collect() };
        (batch, true)
    }
}

/// The worker's loop: take a bounded amount, step, and park only when there was nothing.
fn run(
    worker: &mut timely::worker::Worker,
    mut lane: mpsc::Receiver<Batch>,
    inputs: Inputs,
    under_way: &RefCell<VecDeque<(Tick, Timestamp)>>,
) {
    const BATCHES_A_ROUND: usize = 16;
    let mut inputs = Some(inputs);
    let mut rest: Option<Rest> = None;
    loop {
        let mut idle = true;
        let mut room = READINGS_A_ROUND;
        for _ in 0..BATCHES_A_ROUND {
            let next = match rest.take() {
                Some(rest) => Ok(rest),
                None => lane.try_recv().map(Rest::from),
            };
            match (next, inputs.as_mut()) {
                (Ok(mut next), Some(inputs)) => {
                    idle = false;
                    let (batch, ends) = next.next(room);
                    rest = (!ends).then_some(next);
                    room = room.saturating_sub(batch.readings.len());
                    if worker.index() == 0 {
                        under_way.borrow_mut().push_back((batch.upto, batch.at));
                    }
                    inputs.send(batch);
                    if room == 0 {
                        break;
                    }
                }
                (Err(mpsc::error::TryRecvError::Empty), _) => break,
                (Err(mpsc::error::TryRecvError::Disconnected), _) | (Ok(_), None) => {
                    // Dropping the handles closes the inputs.
                    inputs = None;
                    break;
                }
            }
        }
        if inputs.is_none() && !worker.has_dataflows() {
            return;
        }
        if idle {
            worker.step_or_park(Some(Duration::from_secs(1)));
        } else {
            worker.step();
        }
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{DeviceIx, Reading, Value};

    use super::*;

    #[test]
    fn a_large_batch_goes_in_whole_ticks_and_nothing_is_left_out() {
        let reading = |at| Reading {
            device: DeviceIx(0),
            sequence: None,
            observed_at: at,
            received_at: at,
            value: Value::Alive,
        };
        let whole = || {
            let mut batch = Batch::default();
            for tick in 1..=40_u32 {
                let at = Timestamp::from_secs(i64::from(tick));
                // Every fourth is the clock's.
                let readings = if tick % 4 == 0 { 0 } else { tick as usize };
                batch.push(tick.into(), at, (0..readings).map(|_| reading(at)));
            }
            batch
        };
        for size in [1, 7, 30, 100, 5_000] {
            let (mut rest, mut all) = (Rest::from(whole()), Batch::default());
            let mut parts = 0;
            loop {
                let (part, ends) = rest.next(size);
                let ticks: Vec<Tick> =
                    part.readings.iter().map(|r| r.tick).chain(part.clock.iter().map(|c| c.tick)).collect();
                assert!(ticks.iter().all(|tick| all.upto < *tick && *tick <= part.upto), "{size}: {ticks:?}");
                assert!(ends || part.readings.len() >= size, "{size}: {}", part.readings.len());
                assert!(part.readings.len() < size + 40, "{size}: {}", part.readings.len());
                assert_eq!(part.at, Timestamp::from_secs(i64::try_from(part.upto).unwrap()));
                (all.upto, all.at) = (part.upto, part.at);
                all.readings.extend(part.readings);
                all.clock.extend(part.clock);
                parts += 1;
                if ends {
                    break;
                }
            }
            let whole = whole();
            assert_eq!((all.upto, all.at), (whole.upto, whole.at));
            assert_eq!((all.readings, all.clock), (whole.readings, whole.clock));
            assert_eq!(parts > 1, size < 600, "{size}: {parts}");
        }
    }
}
