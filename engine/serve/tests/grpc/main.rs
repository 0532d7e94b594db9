//! The server over real connections, with clients that are generated from the public .proto files.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests, in a binary of tests alone")]

mod acts;
mod advise;
mod board;
mod certificates;
mod edge;
mod forecasts;
mod guidance;
mod history;
mod house;
mod past;
mod roads;
mod routes;
mod sensors;
mod sign;
mod situations;
mod support;
mod watch;
mod zones;
