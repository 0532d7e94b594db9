//! The only place where tokio and timely meet: admission, lanes, workers, shutdown.
//!
//! [`Workers`] runs the dataflow on its own threads and publishes whole ticks to the board. [`Pump`] judges what
//! comes in, forms ticks, hands them to the workers and to the log, and makes time pass. Both the live engine and a
//! replay feed the same workers; only where the ticks come from differs.

mod admission;
mod pump;
mod workers;

pub use admission::{Admission, Limits};
pub use pump::{Log, LogBatch, Pump, PumpOptions};
pub use workers::{Batch, BridgeError, Feeder, Join, Running, WorkersOptions, start};
