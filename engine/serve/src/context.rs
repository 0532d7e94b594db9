//! What the server is given: bounds, and its view of the engine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use vlot_model::{ActLog, Board, City, Clock, History, Meters, Quarantine, Submission, Tick, Timestamp};
use vlot_publish::FaceRenderer;

use crate::past::Past;

/// Where to listen, and bounds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Encryption; `None` is plain text.
    pub tls: Option<TlsFiles>,
    /// Connections open at once; one more waits until one closes.
    pub max_connections: usize,
    /// Streams open at once over all connections; one more is RESOURCE_EXHAUSTED.
    pub max_streams: u32,
    /// Streams open at once on one connection; the client holds one more back.
    pub max_streams_per_connection: u32,
    /// A request larger than this is refused.
    pub max_message_bytes: usize,
    /// A request that has not arrived whole by then ends with DEADLINE_EXCEEDED; streams live on.
    pub request_timeout: Duration,
    /// A connection without any sign of life for this long is closed; half of it passes before the first ping.
    pub keep_alive: Duration,
    /// The engine counts as standing still when it has published nothing for this long, by the wall's clock.
    pub engine_still_after: Duration,
    /// Messages a second that one sign may send, times the clock's speed; of more the newest of each kind is taken in the
    /// next second, and the others are refused.
    pub sign_messages_per_s: u32,
    /// Who may act as an operator, and how long that may take.
    pub acts: ActRules,
}

/// Who may act as an operator, and how long that may take.
#[derive(Clone, Debug)]
pub struct ActRules {
    /// From whom acts are taken.
    pub from: ActsFrom,
    /// Who may act, as their certificates name them; empty: everybody whose certificate is accepted.
    pub operators: Vec<String>,
    /// A count that is older is refused: admission would refuse it too.
    pub behind_max: Duration,
    /// An act that is not in the journal by then is answered with UNAVAILABLE; less than `request_timeout`.
    pub settle_within: Duration,
}

/// From whom operators' acts are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActsFrom {
    /// From this machine alone: nobody, where the server listens beyond it.
    Loopback,
    /// From clients whose certificate was asked for.
    ClientCertificate,
    /// From nobody.
    Nobody,
}

impl Options {
    /// Plain text on `listen`, with bounds that suit a city.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Options {
            listen,
            tls: None,
            max_connections: 10_000,
            max_streams: 20_000,
            max_streams_per_connection: 1_000,
            max_message_bytes: 64 * 1024,
            request_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            engine_still_after: Duration::from_secs(5),
            sign_messages_per_s: 20,
            acts: ActRules {
                from: ActsFrom::Loopback,
                operators: Vec::new(),
                behind_max: Duration::from_hours(24),
                settle_within: Duration::from_secs(4),
            },
        }
    }
}

/// Encryption of the server, files in PEM, read once when the server is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// If set, clients must show a certificate of this issuer.
    pub client_ca_file: Option<PathBuf>,
}

/// The engine as the server sees it.
#[derive(Clone)]
pub struct Context {
    /// The configuration.
    pub city: Arc<City>,
    /// All that is published.
    pub board: Arc<Board>,
    /// The engine's time.
    pub clock: Arc<dyn Clock>,
    /// The engine's counters.
    pub meters: Arc<Meters>,
    /// Refused messages, for the operator.
    pub quarantine: Arc<Quarantine>,
    /// Draws faces for signs that ask for pixels.
    pub renderer: Arc<FaceRenderer>,
    /// Says that the board has changed, after it has.
    pub changed: watch::Receiver<Tick>,
    /// Takes what signs report; while it is full, signs are held back.
    pub inbox: mpsc::Sender<Submission>,
    /// Parts of the engine that do not work as they should.
    pub problems: Arc<dyn Fn() -> Vec<Problem> + Send + Sync>,
    /// Where operators' acts are written down; without it none are taken.
    pub acts: Option<Arc<dyn ActLog>>,
    /// What is kept of the past; `None` where none is.
    pub history: Option<Arc<dyn History>>,
    /// Brings back what was known at a moment of the past; `None` where nobody can.
    pub past: Option<Arc<dyn Past>>,
}

/// A part that does not work as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The part: a source's name, or "journal".
    pub part: String,
    /// What is wrong.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
    /// The engine cannot go on without the part, as without its journal: health is NOT_SERVING.
    pub halts: bool,
}
