//! Transports: MQTT in, with reconnect, backpressure and late acknowledgement; documents polled over HTTP.

mod backoff;
pub mod http;
pub mod mqtt;
