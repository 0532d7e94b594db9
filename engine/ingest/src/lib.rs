//! Transports: MQTT in, with reconnect, backpressure and late acknowledgement.

pub mod mqtt;
