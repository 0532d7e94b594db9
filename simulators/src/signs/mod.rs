//! LED signs and garage guidance: gRPC clients that obey the time to live of what they show.
//!
//! Each sign has a timer of its own: a face that is not renewed in time ends, whatever the connection does, and the
//! sign turns to its fallback, which is dark. Many signs share few connections.

mod client;
mod display;
mod garage;
mod live;
mod text;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

pub use display::ShownFace;
pub use live::{GarageView, Latency, Live, SignView, SignsReport};
pub use text::plain_text;

use client::{Client, Shared};
use garage::GarageClient;

use crate::SimError;
use crate::time::{NowMicros, SimClock};

/// Streams that share one connection.
const STREAMS_PER_CONNECTION: usize = 100;
/// Every display is looked at this often from outside.
const AUDIT: Duration = Duration::from_millis(100);

/// Which signs, and where they connect to.
pub struct Options {
    /// The engine, as `http://host:port` or `https://host:port`.
    pub endpoint: String,
    /// Whom to trust as the engine's issuer, in PEM; needed for https.
    pub ca_pem: Option<String>,
    /// The signs.
    pub signs: Vec<SignSpec>,
    /// Ids of the bicycle garages whose guidance is shown.
    pub garages: Vec<String>,
    /// The present simulated instant.
    pub now_micros: NowMicros,
    /// Simulated seconds in one of the wall's: a time to live passes so much faster.
    pub speed: f64,
    /// How the signs want their faces.
    pub encoding: Encoding,
    /// Counters and faces to read while they run.
    pub live: Arc<Live>,
}

/// A sign as it knows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignSpec {
    /// Its id in the configuration.
    pub id: String,
    /// Pixels across.
    pub width_px: u32,
    /// Pixels down.
    pub height_px: u32,
}

impl From<&crate::layout::Sign> for SignSpec {
    fn from(sign: &crate::layout::Sign) -> Self {
        SignSpec { id: sign.id.clone(), width_px: sign.width_px, height_px: sign.height_px }
    }
}

/// How a sign wants its faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As MULTI alone: the sign renders.
    Multi,
    /// With rendered pages.
    Png,
}

/// Runs the signs and garages until `stop` completes, then closes their connections.
///
/// # Errors
/// When the endpoint is no address, or its certificate cannot be used.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> Result<SignsReport, SimError> {
    let Options { endpoint, ca_pem, signs, garages, now_micros, speed, encoding, live } = options;
    let streams = signs.len() + garages.len();
    let channels = channels(&endpoint, ca_pem.as_deref(), streams.div_ceil(STREAMS_PER_CONNECTION).max(1))?;
    let clock = SimClock::new(now_micros, speed);
    let shared = Arc::new(Shared { clock: clock.clone(), encoding, live: Arc::clone(&live) });

    let mut tasks = JoinSet::new();
    let mut next = channels.iter().cycle().cloned();
    for (spec, channel) in signs.into_iter().zip(&mut next) {
        tasks.spawn(Client::new(spec, Arc::clone(&shared)).run(channel));
    }
    for (id, channel) in garages.into_iter().zip(&mut next) {
        tasks.spawn(GarageClient::new(id, Arc::clone(&shared)).run(channel));
    }

    tokio::pin!(stop);
    let mut audit = tokio::time::interval(AUDIT);
    audit.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = audit.tick() => live.audit(&clock),
        }
    }
    tasks.shutdown().await;
    Ok(live.report())
}

/// Connections that open when they are first used, and again when they break.
fn channels(endpoint: &str, ca_pem: Option<&str>, connections: usize) -> Result<Vec<Channel>, SimError> {
    let failed = |what: String| SimError::Engine { endpoint: endpoint.to_owned(), what };
    let mut address = Endpoint::from_shared(endpoint.to_owned())
        .map_err(|e| failed(e.to_string()))?
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    if endpoint.starts_with("https:") {
        let pem = ca_pem.ok_or_else(|| failed("https needs the issuer's certificate".into()))?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        address = address.tls_config(tls).map_err(|e| failed(e.to_string()))?;
    }
    Ok((0..connections).map(|_| address.connect_lazy()).collect())
}
