//! Transports: MQTT in, with reconnect, backpressure and late acknowledgement; a folder of situations.

pub mod mqtt;
pub mod situations;
