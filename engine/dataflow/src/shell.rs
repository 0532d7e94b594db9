//! The timely shell around every operator: it buffers, orders, and hands pure logic one tick at a time.

use std::ops::Range;

use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::progress::frontier::MutableAntichain;
use vlot_model::{Admitted, ClockTick, DeviceIx, Key, Tick, Timestamp, Update};

use crate::{Clocks, Updates};

/// A record that belongs to a tick and has its place in it.
///
/// A record travels at a timely time **at or before** its tick: once an input has advanced to `t`, no record of a
/// tick before `t` may follow.
pub trait Stamped {
    /// What orders the records of one tick.
    type Order: Ord;

    /// The tick.
    fn tick(&self) -> Tick;
    /// The tick's instant.
    fn at(&self) -> Timestamp;
    /// The place in the tick: unique there, else the order of two workers' records would show.
    fn order(&self) -> Self::Order;
}

impl Stamped for Admitted {
    type Order = u32;

    fn tick(&self) -> Tick {
        self.tick
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn order(&self) -> u32 {
        self.index
    }
}

impl Stamped for Update {
    type Order = Key;

    fn tick(&self) -> Tick {
        self.tick
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn order(&self) -> Key {
        self.product.key()
    }
}

/// How a device counts for its operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is believed, and missed when it is silent.
    #[default]
    Believed,
    /// It is not believed: it counts as one that does not report.
    Doubted,
    /// It counts for nothing.
    Absent,
}

/// What an operator does, free of timely. It emits each key at most once per call.
pub trait Logic: 'static {
    /// What it takes in.
    type In: Stamped;

    /// Engine time passed without anything for this operator: things go stale, intervals end.
    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>);

    /// Takes all records of one tick, in their order; called with none only after [`Logic::stand`].
    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Self::In], out: &mut Vec<Update>);

    /// From now on a device is believed or not; what that changes is emitted by the next [`Logic::on_tick`].
    fn stand(&mut self, _device: DeviceIx, _standing: Standing) {}
}

/// A worker's part of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// This worker.
    pub index: usize,
    /// All workers.
    pub peers: usize,
}

impl Part {
    /// The part that has every key.
    pub const WHOLE: Part = Part { index: 0, peers: 1 };

    /// Whether records that are routed by `key` come to this worker.
    #[must_use]
    pub fn owns(self, key: u64) -> bool {
        key % self.peers as u64 == self.index as u64
    }
}

/// Runs `logic` over `inputs`, tick by tick and in order, on the worker that owns each record's `route`.
///
/// A tick is worked off when the frontiers of both inputs have passed it: the clock first, then the records in
/// their order. What comes out depends neither on how ticks were grouped in timely times nor on the number of
/// workers, as long as the logic keeps no state across routes.
pub fn per_tick<'s, L>(
    name: &str,
    inputs: StreamVec<'s, Tick, L::In>,
    clock: Clocks<'s>,
    route: impl Fn(&L::In) -> u64 + 'static,
    logic: impl FnOnce(Part) -> L,
) -> Updates<'s>
where
    L: Logic,
    L::In: ExchangeData,
{
    let scope = inputs.scope();
    let part = Part { index: scope.index(), peers: scope.peers() };
    inputs.binary_frontier(
        clock,
        Exchange::new(move |record: &L::In| route(record)),
        Pipeline,
        name,
        |_, _| {
            let mut logic = logic(part);
            let mut held: Option<Capability<Tick>> = None;
            let mut pending = Pending::default();
            let mut out = Vec::new();
            move |(records, records_frontier), (clocks, clocks_frontier), output| {
                let port = output.output_index();
                records.for_each_stamp(|cap, containers| {
                    if let Some(&time) = cap.least()
                        && held.as_ref().is_none_or(|held| time < *held.time())
                    {
                        held = cap.retain_least(port);
                    }
                    for container in containers {
                        append(&mut pending.records, container);
                    }
                });
                clocks.for_each_stamp(|cap, containers| {
                    if let Some(&time) = cap.least()
                        && held.as_ref().is_none_or(|held| time < *held.time())
                    {
                        held = cap.retain_least(port);
                    }
                    for container in containers {
                        append(&mut pending.clocks, container);
                    }
                });
                let Some(capability) = held.as_mut() else { return };
                let frontier = earlier(first(records_frontier), first(clocks_frontier));
                debug_assert!(
                    pending.earliest().is_none_or(|tick| *capability.time() <= tick),
                    "a record before its time"
                );
                if frontier.is_some_and(|frontier| frontier <= *capability.time()) {
                    return;
                }
                pending.work_off(frontier, &mut logic, &mut out);
                if !out.is_empty() {
                    output.session(&*capability).give_container(&mut out);
                    out.clear();
                }
                match frontier {
                    Some(frontier) if !pending.is_empty() => capability.downgrade(&frontier),
                    _ => held = None,
                }
            }
        },
    )
}

/// The frontier of a totally ordered input; `None` when it is closed.
pub(crate) fn first(frontier: &MutableAntichain<Tick>) -> Option<Tick> {
    frontier.frontier().first().copied()
}

fn earlier(a: Option<Tick>, b: Option<Tick>) -> Option<Tick> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// Moves a container's records to the end of `buffer`; without copying them where the buffer is empty.
pub(crate) fn append<D>(buffer: &mut Vec<D>, container: &mut Vec<D>) {
    if buffer.is_empty() {
        std::mem::swap(buffer, container);
    } else {
        buffer.append(container);
    }
}

/// What has arrived and is not worked off yet.
struct Pending<D> {
    records: Vec<D>,
    clocks: Vec<ClockTick>,
}

impl<D> Default for Pending<D> {
    fn default() -> Self {
        Pending { records: Vec::new(), clocks: Vec::new() }
    }
}

impl<D: Stamped> Pending<D> {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.clocks.is_empty()
    }

    fn earliest(&self) -> Option<Tick> {
        let records = self.records.iter().map(Stamped::tick).min();
        earlier(records, self.clocks.iter().map(|c| c.tick).min())
    }

    /// Works off every tick before `frontier`; all of them when it is `None`.
    fn work_off<L: Logic<In = D>>(&mut self, frontier: Option<Tick>, logic: &mut L, out: &mut Vec<Update>) {
        // From one worker records come in order; only the parts of several have to be merged, and a stable
        // sort is quick at merging runs.
        if !self.records.is_sorted_by(|a, b| place(a) <= place(b)) {
            self.records.sort_by_key(place);
        }
        if !self.clocks.is_sorted() {
            self.clocks.sort_unstable();
        }
        let complete = |tick: Tick| frontier.is_none_or(|frontier| tick < frontier);
        let records = self.records.partition_point(|r| complete(r.tick()));
        let clocks = self.clocks.partition_point(|c| complete(c.tick));
        let (mut record, mut clock) = (0, 0);
        loop {
            let next_clock = self.clocks[clock..clocks].first();
            let next_record = self.records[record..records].first().map(|r| (r.tick(), r.at()));
            match (next_clock, next_record) {
                (None, None) => break,
                (Some(&c), next) if next.is_none_or(|(tick, _)| c.tick <= tick) => {
                    clock += 1;
                    let before = out.len();
                    logic.on_clock(c.tick, c.at, out);
                    if next.is_some_and(|(tick, _)| tick == c.tick) {
                        let both = before..out.len();
                        record = self.tick_at(record..records, logic, out);
                        drop_repeated(both, out);
                    }
                }
                (_, Some(_)) => record = self.tick_at(record..records, logic, out),
                (Some(_), None) => unreachable!("a clock tick without a record is taken above"),
            }
        }
        self.records.drain(..records);
        self.clocks.drain(..clocks);
    }

    /// Hands over the first tick of `span`; returns where the next one begins.
    fn tick_at<L: Logic<In = D>>(&self, span: Range<usize>, logic: &mut L, out: &mut Vec<Update>) -> usize {
        let records = &self.records[span.clone()];
        let (tick, at) = (records[0].tick(), records[0].at());
        let length = records.iter().position(|r| r.tick() != tick).unwrap_or(records.len());
        logic.on_tick(tick, at, &records[..length], out);
        span.start + length
    }
}

fn place<D: Stamped>(record: &D) -> (Tick, D::Order) {
    (record.tick(), record.order())
}

/// Where the clock and the records of one tick both emitted a key, the later product holds.
fn drop_repeated(of_clock: Range<usize>, out: &mut Vec<Update>) {
    let of_records: Vec<Key> = out[of_clock.end..].iter().map(|u| u.product.key()).collect();
    let mut position = 0;
    out.retain(|update| {
        let keep = !of_clock.contains(&position) || !of_records.contains(&update.product.key());
        position += 1;
        keep
    });
}
