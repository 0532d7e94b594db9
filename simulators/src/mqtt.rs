//! Publishing over MQTT at QoS 1 without losing a message: what the broker has not acknowledged is sent again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, QoS,
    Request,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::SimError;

/// Messages that may wait for the event loop; one more waits.
const QUEUE: usize = 512;
/// Messages under way to the broker; below the limit that brokers commonly set (Mosquitto: unlimited towards it).
const IN_FLIGHT: u16 = 200;
/// Largest packet, both ways.
const PACKET_BYTES: usize = 256 * 1024;

/// Where to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name and password, where the broker asks for them.
    pub login: Option<(String, String)>,
}

impl Broker {
    /// A broker that lets everyone in.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Broker { host: host.into(), port, login: None }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// What a publisher has done so far; may be read at any time.
#[derive(Debug, Default)]
pub struct Counters {
    published: AtomicU64,
    acknowledged: AtomicU64,
    reconnects: AtomicU64,
    connected: AtomicBool,
}

impl Counters {
    /// Messages handed over for publishing.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Messages that the broker acknowledged; each counts once.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Connections after the first one.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Acquire)
    }

    pub(crate) fn add_published(&self, n: u64) {
        self.published.fetch_add(n, Ordering::AcqRel);
    }

    pub(crate) fn add_acknowledged(&self, n: u64) {
        self.acknowledged.fetch_add(n, Ordering::AcqRel);
    }

    /// Whether the connection is open.
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }
}

/// Publishes at QoS 1; reconnects by itself, with backoff and jitter.
pub struct Publisher {
    client: AsyncClient,
    counters: Arc<Counters>,
    acknowledged: watch::Receiver<u64>,
    refused: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
    broker: String,
}

impl Publisher {
    /// Starts connecting. `client_id` must be the only one of its name at the broker.
    #[must_use]
    pub fn start(broker: &Broker, client_id: &str, counters: Arc<Counters>) -> Self {
        let mut options = MqttOptions::new(client_id, &broker.host, broker.port);
        options.set_keep_alive(Duration::from_secs(15));
        options.set_inflight(IN_FLIGHT);
        options.set_max_packet_size(PACKET_BYTES, PACKET_BYTES);
        if let Some((name, password)) = &broker.login {
            options.set_credentials(name, password);
        }
        let (client, mut events) = AsyncClient::new(options, QUEUE);
        events.network_options.set_tcp_nodelay(true);
        let (acked_tx, acknowledged) = watch::channel(0);
        let (refused_tx, refused) = watch::channel(None);
        let task = tokio::spawn(drive(events, Arc::clone(&counters), acked_tx, refused_tx));
        Publisher { client, counters, acknowledged, refused, task, broker: broker.name() }
    }

    /// Hands a message over; waits while too many are under way.
    ///
    /// # Errors
    /// When the broker refuses this client for good (its login, its name).
    pub async fn publish(&mut self, topic: String, payload: Vec<u8>) -> Result<(), SimError> {
        let Publisher { client, refused, .. } = self;
        let sent = tokio::select! {
            // First, because it says why the queue takes nothing more.
            biased;
            why = refused.wait_for(Option::is_some) => {
                Err(why.map_or_else(|_| "the connection's task ended".to_owned(), |w| w.clone().unwrap_or_default()))
            }
            sent = client.publish(topic, QoS::AtLeastOnce, false, payload) => sent.map_err(|e| e.to_string()),
        };
        sent.map_err(|what| SimError::Broker { broker: self.broker.clone(), what })?;
        self.counters.published.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Waits until everything is acknowledged, at most `patience`, and disconnects.
    /// Returns whether everything was.
    pub async fn finish(mut self, patience: Duration) -> bool {
        let published = self.counters.published();
        // Nothing of the watch is held over an await, so that the caller may spawn this.
        let reached = async { self.acknowledged.wait_for(|n| *n >= published).await.is_ok() };
        let all = tokio::time::timeout(patience, reached).await.unwrap_or(false);
        // Politely where possible: the connection's task ends at the disconnect, or here.
        if self.client.try_disconnect().is_ok() {
            let ended = tokio::time::timeout(Duration::from_millis(500), &mut self.task).await;
            if matches!(ended, Ok(Ok(()))) {
                return all;
            }
        }
        self.task.abort();
        all
    }
}

/// Moves the connection on: nothing is sent or acknowledged unless this runs.
async fn drive(
    mut events: EventLoop,
    counters: Arc<Counters>,
    acked: watch::Sender<u64>,
    refused: watch::Sender<Option<String>>,
) {
    // rumqttc forgets what was unacknowledged when the broker has no session for us: keep it here meanwhile.
    let mut unacknowledged: VecDeque<Request> = VecDeque::new();
    let mut failures = 0_u32;
    let mut connected_before = false;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                events.pending.append(&mut unacknowledged);
                failures = 0;
                if std::mem::replace(&mut connected_before, true) {
                    counters.reconnects.fetch_add(1, Ordering::AcqRel);
                }
                counters.connected.store(true, Ordering::Release);
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                let n = counters.acknowledged.fetch_add(1, Ordering::AcqRel) + 1;
                acked.send_replace(n);
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(ConnectionError::RequestsDone) => break,
            Ok(_) => {}
            Err(e) => {
                counters.connected.store(false, Ordering::Release);
                unacknowledged.append(&mut events.pending);
                if let Some(collided) = events.state.collision.take() {
                    unacknowledged.push_back(Request::Publish(collided));
                }
                if let ConnectionError::ConnectionRefused(code) = &e
                    && *code != ConnectReturnCode::ServiceUnavailable
                {
                    refused.send_replace(Some(format!("it refuses this client: {code:?}")));
                    break;
                }
                failures = failures.saturating_add(1);
                let wait = backoff(failures);
                tracing::debug!(error = %e, ?wait, "publisher reconnects");
                tokio::time::sleep(wait).await;
            }
        }
    }
    counters.connected.store(false, Ordering::Release);
}

/// 100 ms doubled with each failure up to 5 s, of which a random half is taken off, so that clients do not return in step.
pub(crate) fn backoff(failures: u32) -> Duration {
    let full = Duration::from_millis(100)
        .saturating_mul(1 << failures.saturating_sub(1).min(6))
        .min(Duration::from_secs(5));
    full.mul_f64(rand::rng().random_range(0.5..=1.0))
}
