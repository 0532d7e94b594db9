//! What the engine is told, checked: every value of these types is usable as it stands.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{City, Format};

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What stands in the city.
    pub city: Arc<City>,
    /// Where messages come from; at least one.
    pub mqtt: Vec<MqttSource>,
    /// Documents that are polled.
    pub http: Vec<HttpSource>,
    /// What the engine serves.
    pub serve: ServeSettings,
    /// What it keeps.
    pub journal: JournalSettings,
    /// What it lets in.
    pub admission: AdmissionSettings,
    /// What it keeps of the past.
    pub history: HistorySettings,
    /// Where situations on the roads come from.
    pub situations: SituationSettings,
}

/// Where situations on the roads come from, beside operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SituationSettings {
    /// A folder of files that state situations, looked at again and again.
    pub folder: Option<PathBuf>,
}

/// A broker to subscribe to. The session is always persistent and acknowledged by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttSource {
    /// Unique; logs and metrics name it so.
    pub name: String,
    /// Host name or address of the broker.
    pub host: String,
    /// TCP port of the broker.
    pub port: u16,
    /// Version of the protocol.
    pub protocol: MqttProtocol,
    /// The session's name at the broker; unique there, or two clients keep throwing each other out.
    pub client_id: String,
    /// Login, where the broker asks for one.
    pub username: Option<String>,
    /// File with the password, its last line end not counted; never without `username`.
    pub password_file: Option<PathBuf>,
    /// Encryption; `None` only towards this machine or where the operator accepts plain text.
    pub tls: Option<MqttTls>,
    /// What to subscribe to; at least one, and no two match the same topic.
    pub subscriptions: Vec<Subscription>,
    /// Silence after which the connection is probed.
    pub keep_alive: Duration,
    /// How long the broker keeps the session while we are away (protocol 5; with 3.1.1 the broker decides).
    pub session_expiry: Duration,
    /// With this many unacknowledged messages waiting for the engine, nothing more is read; protocol 5 tells the broker.
    pub in_flight_max: u16,
}

/// Versions of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MqttProtocol {
    /// MQTT 3.1.1.
    V311,
    /// MQTT 5.
    V5,
}

/// Encryption towards a broker, with certificate files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttTls {
    /// Whom to trust as the broker's issuer.
    pub ca_file: PathBuf,
    /// Our own certificate and its key, where the broker asks for one.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate with its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// Topics of one format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// MQTT topic filter.
    pub filter: String,
    /// What the payloads are.
    pub format: Format,
    /// How sure the delivery is.
    pub qos: Qos,
}

/// Qualities of service that Vlot subscribes with. QoS 2 is not among them: duplicates change nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// 0: may be lost; nobody waits for an acknowledgement.
    AtMostOnce,
    /// 1: comes again until acknowledged, and is acknowledged once it is on disk.
    AtLeastOnce,
}

/// A document that is polled over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSource {
    /// Unique; logs and health name it so.
    pub name: String,
    /// Scheme, host, port, path and query; `http` only on this machine or where the operator accepts plain text.
    pub url: String,
    /// What the document is.
    pub form: HttpForm,
    /// From one poll to the next.
    pub every: Duration,
    /// An answer that is not whole by then has failed.
    pub timeout: Duration,
    /// A document that was made longer ago is refused.
    pub stale_after: Duration,
    /// A longer body is cut off and refused.
    pub bytes_max: usize,
    /// Whom to trust as the server's issuer beside the system's (PEM).
    pub ca_file: Option<PathBuf>,
}

/// Forms of documents that are polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpForm {
    /// The Flemish minute data (MIV).
    MivXml,
}

/// The gRPC interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Encryption; `None` only on a loopback address or where the operator accepts plain text.
    pub tls: Option<TlsFiles>,
    /// Connections open at once; one more waits until one closes.
    pub max_connections: usize,
    /// Streams open at once over all connections; one more is refused.
    pub max_streams: u32,
    /// Streams open at once on one connection; one more waits.
    pub max_streams_per_connection: u32,
    /// A connection without any sign of life for this long is closed.
    pub keep_alive: Duration,
    /// From whom operators' acts are taken.
    pub acts: Acts,
    /// Who may act, as their certificates name them; empty: everybody from whom acts are taken.
    pub operators: Vec<String>,
}

/// From whom operators' acts are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// From this machine alone: nobody, where `listen` is beyond it.
    Loopback,
    /// From clients whose certificate `tls.client_ca_file` has issued.
    ClientCertificate,
    /// From nobody.
    Off,
}

/// Encryption of a server, with files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// If set, clients must show a certificate of this issuer.
    pub client_ca_file: Option<PathBuf>,
}

/// The journal of what was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// A segment file is closed at this size.
    pub segment_bytes: u64,
    /// Longest wait for more to write before a group commit; acknowledgements wait as long.
    pub commit_every: Duration,
    /// Segments whose newest record is older than this are removed; `None` keeps all.
    pub keep: Option<Duration>,
    /// Beyond so many bytes the oldest segments are removed, however new; `None`: age alone decides.
    pub max_bytes: Option<u64>,
    /// Batches that may wait for the disk; then admission waits too.
    pub queue: usize,
}

/// What may come in, and how much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// A reading dated further ahead of our clock is refused.
    pub clock_ahead: Duration,
    /// A reading dated further behind our clock is refused.
    pub clock_behind: Duration,
    /// Readings in one batch.
    pub batch_max: usize,
    /// Messages that may wait for admission; then the transports wait too.
    pub queue: usize,
}

/// Records of the past, for people and programs that look back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Whether it is kept at all.
    pub enabled: bool,
    /// Name of the SQLite file in the data directory.
    pub file: String,
    /// Minutes, forecasts, changes of sensors' health and overstays are removed when older; `None` keeps all.
    pub minute_keep: Option<Duration>,
    /// Records of 15 minutes and of hours are removed when older; `None` keeps all.
    pub quarter_keep: Option<Duration>,
    /// Records that may wait for the disk; beyond them they are lost and counted, and the engine goes on.
    pub queue: usize,
    /// Where the same records go.
    pub influx: Option<InfluxSettings>,
}

/// An InfluxDB 2, or a server that takes its writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluxSettings {
    /// Scheme, host and port, without a path; `http` only on this machine or where the operator accepts plain text.
    pub url: String,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// File with the token alone.
    pub token_file: Option<PathBuf>,
    /// Whom to trust as the server's issuer beside the system's (PEM).
    pub ca_file: Option<PathBuf>,
    /// Records of one request.
    pub batch: usize,
    /// Records that may wait while the server is away; beyond them they are lost and counted.
    pub queue: usize,
    /// A request that is not answered by then has failed.
    pub timeout: Duration,
}
