//! The operators: from admitted readings to products. Pure: no I/O, no clock, no async.
//!
//! timely's timestamp is the admission tick. A batch handed to the dataflow may span several ticks (replay does so
//! for speed); every record carries its own tick, and an operator works tick by tick, so that how ticks were
//! grouped into batches, and on how many workers they ran, never shows in a product.

use timely::dataflow::StreamVec;
use vlot_model::{Admitted, ClockTick, Tick, Update};

/// Admitted readings, in any order within a timely time.
pub type Readings<'s> = StreamVec<'s, Tick, Admitted>;
/// The engine's clock, the same on every worker.
pub type Clocks<'s> = StreamVec<'s, Tick, ClockTick>;
/// Products on their way to the board.
pub type Updates<'s> = StreamVec<'s, Tick, Update>;
