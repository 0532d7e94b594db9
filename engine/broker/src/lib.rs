//! The MQTT broker inside the process, for the demo and for small installations.
//!
//! It speaks MQTT 3.1.1 and 5, at QoS 0 and 1, over plain TCP, and holds everything in memory, within bounds.
//! Its one promise: **no QoS 1 message is lost without a trace.** A publisher's PUBACK waits until its message
//! is in the queue of every session that matches; where a queue is at its bound, the publisher waits, and
//! through TCP so does whatever feeds it. QoS 0 messages that find no room are dropped and counted.
//! A stop or a crash loses what is queued: production runs a broker that writes to disk.
//!
//! Deliberately absent: QoS 2 (subscriptions are granted QoS 1, a publisher is refused), retained messages
//! (passed on as ordinary ones), shared subscriptions, TLS and logins: listen on a loopback address.

mod connection;
mod hub;
mod message;
mod session;
mod topics;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use hub::Hub;

/// What a broker is told. Memory stays under `memory_bytes`, plus about 600 KiB and two packets a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Connections at once; one more is closed at once.
    pub connections_max: usize,
    /// Sessions at once, those of absent clients included; one more is refused.
    pub sessions_max: usize,
    /// Subscriptions of one session; one more is refused.
    pub subscriptions_max: usize,
    /// Messages that one session may hold; at the bound, QoS 1 publishers wait and QoS 0 is dropped.
    pub session_messages: usize,
    /// Bytes that one session may hold; at the bound as above.
    pub session_bytes: usize,
    /// Bytes that all sessions may hold together; at the bound as above.
    pub memory_bytes: usize,
    /// A larger packet closes the connection.
    pub packet_bytes: u32,
    /// Unacknowledged messages under way to one client.
    pub in_flight_max: u16,
    /// An absent client's session ends after this long, if not before; what it held is counted as expired.
    pub session_expiry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            connections_max: 512,
            sessions_max: 1_024,
            subscriptions_max: 256,
            session_messages: 20_000,
            session_bytes: 16 << 20,
            memory_bytes: 64 << 20,
            packet_bytes: 256 << 10,
            in_flight_max: 1_000,
            session_expiry: Duration::from_secs(3_600),
        }
    }
}

/// What a broker counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open connections.
    pub connections: usize,
    /// Sessions, those of absent clients included.
    pub sessions: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Messages that sessions hold now.
    pub queued: usize,
    /// Bytes that they hold now.
    pub queued_bytes: usize,
    /// Messages that were taken in.
    pub messages_in: u64,
    /// Messages that were written to subscribers, repetitions included.
    pub messages_out: u64,
    /// QoS 0 messages that met a full queue or an absent client.
    pub dropped_qos0: u64,
    /// QoS 1 messages that a client's own packet limit kept from it.
    pub dropped_oversized: u64,
    /// QoS 1 messages that were still held when their session ended.
    pub expired: u64,
    /// How often a publisher was made to wait.
    pub held_back: u64,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address cannot be listened on.
    #[error("the broker cannot listen on {listen}: {source}; is another broker running there?")]
    Listen {
        /// What was asked for.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no thread or no event queue.
    #[error("the broker's thread cannot start: {0}")]
    Start(io::Error),
}

/// A running broker, on a thread of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Broker {
    addr: SocketAddr,
    hub: Arc<Hub>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Broker {
    /// Listens, and serves from then on.
    pub fn start(options: Options) -> Result<Broker, BrokerError> {
        let listen = options.listen;
        let cannot_listen = |source| BrokerError::Listen { listen, source };
        let socket = std::net::TcpListener::bind(listen).map_err(cannot_listen)?;
        socket.set_nonblocking(true).map_err(cannot_listen)?;
        let addr = socket.local_addr().map_err(cannot_listen)?;
        if !addr.ip().is_loopback() {
            tracing::warn!(%addr, "the embedded broker knows neither TLS nor logins: anyone who reaches it may publish");
        }

        // One thread: a message costs about a microsecond here, and there is nothing to contend for.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BrokerError::Start)?;
        let connections = options.connections_max;
        let hub = Arc::new(Hub::new(options));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&hub);
        let thread = std::thread::Builder::new()
            .name("mqtt-broker".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(socket, served, connections) => {}
                        // A dropped sender stops it too.
                        _ = stopped => {}
                    }
                });
            })
            .map_err(BrokerError::Start)?;
        Ok(Broker { addr, hub, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.hub.stats()
    }

    /// Closes every connection and waits for the thread, some milliseconds; what sessions still held is in the answer.
    pub fn stop(mut self) -> Stats {
        self.end();
        self.hub.stats()
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the broker's thread panicked");
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.end();
    }
}

async fn accept(socket: std::net::TcpListener, hub: Arc<Hub>, connections_max: usize) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the broker cannot serve its socket"),
    };
    let places = Arc::new(Semaphore::new(connections_max));
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let hub = Arc::clone(&hub);
                    tokio::spawn(async move { connection::serve(socket, peer, hub, place).await });
                }
                Err(_) => refuse(socket, peer),
            },
            Err(error) => {
                // Out of file descriptors, usually: trying again at once would only burn the processor.
                tracing::warn!(%error, "the broker cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn refuse(socket: TcpStream, peer: SocketAddr) {
    tracing::warn!(%peer, "the broker is at its bound of connections");
    drop(socket);
}
