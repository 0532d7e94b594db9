//! Brings every worker's products together, tick by tick, for the one writer of the board.

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::{Operator, OutputBuilderSession};
use timely::dataflow::operators::{Probe, probe};
use vlot_model::{Tick, Update};

use crate::Updates;
use crate::shell::{append, first};

/// Hands all updates to `sink` on worker 0, in whole ticks, in order of (tick, key).
///
/// `sink(completed, updates)` is called whenever the frontier has passed further ticks, with no updates too:
/// `completed` is the last tick that is complete, the updates are all those since the last call. The probe stands
/// behind the sink, on every worker: once it has passed a tick, the sink has had it.
pub fn collect(
    updates: Updates<'_>,
    mut sink: impl FnMut(Tick, std::vec::Drain<'_, Update>) + 'static,
) -> probe::Handle<Tick> {
    type Nothing = CapacityContainerBuilder<Vec<()>>;

    let first_worker = updates.scope().index() == 0;
    let done = updates.unary_frontier(Exchange::new(|_: &Update| 0), "Collect", move |capability, _| {
        // Held until the sink has had a tick: it is what the probe waits for.
        let mut held = first_worker.then_some(capability);
        let mut pending: Vec<Update> = Vec::new();
        let mut completed: Tick = 0;
        move |(input, frontier), _: &mut OutputBuilderSession<'_, Tick, Nothing>| {
            input.for_each_stamp(|_, containers| containers.for_each(|c| append(&mut pending, c)));
            let Some(capability) = held.as_mut() else { return };
            let frontier = first(frontier);
            let now = match frontier {
                Some(frontier) => frontier.saturating_sub(1),
                // Closed: what is here is all that there will be.
                None => pending.iter().map(|u| u.tick).max().unwrap_or(0).max(completed),
            };
            if now > completed {
                completed = now;
                if !pending.is_sorted_by(|a, b| (a.tick, a.product.key()) <= (b.tick, b.product.key())) {
                    pending.sort_by_cached_key(|u| (u.tick, u.product.key()));
                }
                let complete = pending.partition_point(|u| u.tick <= completed);
                // The memory serves again.
                sink(completed, pending.drain(..complete));
            }
            match frontier {
                Some(frontier) => capability.downgrade(&frontier),
                None => held = None,
            }
        }
    });
    done.probe().0
}
