//! Transports: MQTT in, with reconnect, backpressure and late acknowledgement; documents polled over HTTP; a folder of situations.

mod backoff;
pub mod gate;
pub mod http;
pub mod mqtt;
pub mod situations;
mod source;
