//! A paced load of QoS 1 messages, and one as fast as the broker takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use rumqttc::{AsyncClient, Event, MqttOptions, NetworkOptions, Packet, QoS};

use crate::{city, now_micros};

/// How many messages a second, or as many as go.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// This many a second, evenly.
    PerSecond(u64),
    /// No limit but the broker's acknowledgements.
    Unlimited,
}

/// Options of a client that sends at once.
#[must_use]
pub fn client_options(name: &str, port: u16) -> (MqttOptions, NetworkOptions) {
    let mut options = MqttOptions::new(format!("{name}-{}", std::process::id()), "127.0.0.1", port);
    options.set_keep_alive(Duration::from_secs(30));
    options.set_inflight(1_000);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    (options, network)
}

/// Publishes `messages` in turn over `parks` devices, starting at sequence `first`; returns when all are acknowledged.
/// The counter grows with each acknowledgement.
///
/// # Errors
/// When the broker goes away.
pub async fn publish(
    port: u16,
    parks: usize,
    first: u64,
    messages: u64,
    pace: Pace,
    acknowledged: Arc<AtomicU64>,
) -> Result<Duration> {
    let (options, network) = client_options(&format!("load-{first}"), port);
    let (client, mut events) = AsyncClient::new(options, 2_000);
    events.set_network_options(network);
    let started = Instant::now();
    let runtime = tokio::runtime::Handle::current();
    // On a thread of its own: tokio's timers are too coarse to send evenly.
    let sender = tokio::task::spawn_blocking(move || {
        let mut sent = 0;
        while sent < messages {
            let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            let due = match pace {
                Pace::Unlimited => messages,
                Pace::PerSecond(n) => (n * elapsed_us / 1_000_000).min(messages),
            };
            while sent < due {
                let (park, round) = (sent % parks as u64, first + sent / parks as u64);
                let device = city::device(usize::try_from(park).unwrap_or(0));
                let payload = city::message(&device, round, now_micros());
                let topic = format!("vlot/v1/{device}/json");
                runtime.block_on(client.publish(topic, QoS::AtLeastOnce, false, payload))?;
                sent += 1;
            }
            #[expect(clippy::disallowed_methods, reason = "a load is paced by the wall's clock")]
            std::thread::sleep(Duration::from_micros(50));
        }
        anyhow::Ok(())
    });
    let mut left = messages;
    while left > 0 {
        if let Event::Incoming(Packet::PubAck(_)) = events.poll().await? {
            left -= 1;
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
    sender.await??;
    Ok(started.elapsed())
}
