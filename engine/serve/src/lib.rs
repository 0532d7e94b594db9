//! Vlot's gRPC interfaces: the only room that apps, garages, sign controllers and operators talk to.
//!
//! It reads the board and hands in what signs report; nothing else of the engine is within its reach. The .proto files
//! are the interfaces' documentation.
//!
//! - `server`, `connection`, `tls`: listen, bound, end.
//! - `bells`, `watch`: who is woken by which change, and the one stream that every watch is.
//! - `convert`, `ready_made`: products to messages, once for all readers.
//! - `past`: what it asks of who can bring the past back.
//! - `parking`, `forecasts`, `zones`, `sensors`, `garage`, `traffic`, `roads`, `sign`, `guidance`, `acts`, `history`, `admin`,
//!   `health`: the services.

mod acts;
mod admin;
mod bells;
mod codec;
mod connection;
mod context;
mod convert;
mod filled;
mod filter;
mod forecasts;
mod frames;
mod garage;
mod guidance;
mod health;
mod history;
mod parking;
mod past;
mod ready_made;
mod roads;
mod sensors;
mod server;
mod shared;
mod sign;
mod situations;
mod tls;
mod traffic;
mod watch;
mod wire;
mod zones;

pub use context::{ActRules, ActsFrom, Context, Options, Problem, TlsFiles};
pub use guidance::why_then;
pub use past::{Moment, NoPast, Past, Said, Then};
pub use server::{ServeError, Server};
