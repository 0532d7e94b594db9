//! A load as fast as the broker acknowledges, and subscribers that only count: each in a process of its own, on bare
//! sockets, so that what is measured is not the measurement.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rumqttc::{AsyncClient, Event, Packet as Polled, QoS};
use vlot_model::Timestamp;

use crate::city::Kind;
use crate::load::client_options;
use crate::now_micros;
use crate::wire::{Packet, Wire, puback, publish};

/// Messages under way from one publisher.
const WINDOW: usize = 1_000;
const FILTER: &str = "vlot/v1/+/json";

/// Publishes for so long over so many connections, each with devices of its own; returns when all is acknowledged.
/// Returns how many messages that were.
///
/// # Errors
/// When the broker goes away.
pub fn flood(port: u16, kind: Kind, devices: usize, publishers: usize, duration: Duration) -> Result<u64> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..publishers)
            .map(|p| {
                let mine = (p..devices).step_by(publishers);
                scope.spawn(move || publisher(port, kind, mine, p, duration))
            })
            .collect();
        threads.into_iter().map(|t| t.join().map_err(|_| anyhow!("a publisher panicked"))?).sum()
    })
}

fn publisher(
    port: u16,
    kind: Kind,
    devices: impl Iterator<Item = usize>,
    number: usize,
    duration: Duration,
) -> Result<u64> {
    let named = |n| (n, format!("vlot/v1/{}/json", kind.device(n)), kind.device(n));
    let devices: Vec<(usize, String, String)> = devices.map(named).collect();
    let mut wire = Wire::connect(port, &format!("flood-{number}-{}", std::process::id()))?;
    let (mut out, mut payload) = (Vec::new(), Vec::new());
    let (mut sent, mut acknowledged, mut packet_id) = (0_usize, 0_usize, 0_u16);
    let started = Instant::now();
    loop {
        let so_far = started.elapsed().div_duration_f64(duration).min(1.0);
        let over = so_far >= 1.0;
        if over && acknowledged == sent {
            return Ok(acknowledged as u64);
        }
        // What goes out in one write was observed in one instant.
        let at = Timestamp::from_micros(now_micros()).to_string();
        out.clear();
        while !over && sent - acknowledged < WINDOW {
            let (n, topic, device) = &devices[sent % devices.len()];
            packet_id = packet_id.checked_add(1).unwrap_or(1);
            payload.clear();
            let sequence = sent / devices.len();
            write!(payload, r#"{{"device":"{device}","sequence":{sequence},"observed_at":"{at}","#)?;
            kind.statement(&mut payload, *n, sequence as u64, so_far)?;
            publish(&mut out, packet_id, topic, &payload);
            sent += 1;
        }
        wire.send(&out)?;
        wire.receive(|packet| acknowledged += usize::from(matches!(packet, Packet::PubAck(_))))?;
    }
}

/// Counts and acknowledges on a bare socket, until the broker goes away.
///
/// # Errors
/// When it does.
pub fn count_on_socket(port: u16, count: &AtomicU64, subscribed: impl FnOnce()) -> Result<()> {
    let mut wire = Wire::connect(port, &format!("count-{}", std::process::id()))?;
    wire.subscribe(FILTER)?;
    subscribed();
    let mut acks = Vec::new();
    loop {
        acks.clear();
        wire.receive(|packet| {
            if let Packet::Publish(id) = packet {
                puback(&mut acks, id);
            }
        })?;
        wire.send(&acks)?;
        // An acknowledgement has four bytes.
        count.fetch_add(acks.len() as u64 / 4, Ordering::Relaxed);
    }
}

/// The same with rumqttc as it comes.
///
/// # Errors
/// When the broker goes away.
pub async fn count_with_rumqttc(port: u16, count: Arc<AtomicU64>, subscribed: impl FnOnce()) -> Result<()> {
    let (options, network) = client_options("count", port);
    let (client, mut events) = AsyncClient::new(options, 1_000);
    events.set_network_options(network);
    client.subscribe(FILTER, QoS::AtLeastOnce).await?;
    let mut subscribed = Some(subscribed);
    loop {
        match events.poll().await? {
            Event::Incoming(Polled::Publish(_)) => {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Event::Incoming(Polled::SubAck(_)) => {
                if let Some(subscribed) = subscribed.take() {
                    subscribed();
                }
            }
            _ => {}
        }
    }
}
