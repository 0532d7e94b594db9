//! What a source is told.

use std::path::PathBuf;
use std::time::Duration;

use vlot_model::Format;

/// A broker, and what to take from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Logs name the source so.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Version of the protocol. 3.1.1 is the faster one here: its acknowledgements go out in batches.
    pub protocol: Protocol,
    /// The session's name at the broker; unique there, and not empty.
    pub client_id: String,
    /// Login; read anew for each connection, so that a password can be changed while we run.
    pub credentials: Option<Credentials>,
    /// Encryption; files are read anew for each connection.
    pub tls: Option<Tls>,
    /// What to subscribe to. Of two that match a topic the first decides its format.
    pub subscriptions: Vec<Subscription>,
    /// Silence after which the connection is probed; at least 5 s.
    pub keep_alive: Duration,
    /// How long the broker keeps the session while we are away (protocol 5; with 3.1.1 the broker decides).
    pub session_expiry: Duration,
    /// Unacknowledged messages that the broker may have under way to us (protocol 5; 3.1.1 knows no such limit).
    /// With more than this waiting for the engine, nothing is read.
    pub in_flight_max: u16,
    /// A larger packet ends the connection with an error, and with 3.1.1 again and again: keep the broker's own
    /// limit below it.
    pub packet_bytes: u32,
    /// The first wait before a new connection; doubles up to `reconnect_max`, with jitter.
    pub reconnect_min: Duration,
    /// The longest wait before a new connection.
    pub reconnect_max: Duration,
    /// How long a stop waits for receipts that are out.
    pub drain: Duration,
}

impl Options {
    /// A plain connection with 3.1.1.
    #[must_use]
    pub fn new(name: &str, host: &str, port: u16, subscriptions: Vec<Subscription>) -> Self {
        Options {
            name: name.to_owned(),
            host: host.to_owned(),
            port,
            protocol: Protocol::V311,
            client_id: format!("vlot-{name}"),
            credentials: None,
            tls: None,
            subscriptions,
            keep_alive: Duration::from_secs(30),
            session_expiry: Duration::from_secs(86_400),
            in_flight_max: 1_000,
            packet_bytes: 1 << 20,
            reconnect_min: Duration::from_millis(250),
            reconnect_max: Duration::from_secs(30),
            drain: Duration::from_secs(2),
        }
    }
}

/// Versions of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// MQTT 3.1.1.
    V311,
    /// MQTT 5.
    V5,
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Who we are.
    pub username: String,
    /// File with the password, its last line end not counted.
    pub password_file: Option<PathBuf>,
}

/// Encryption, with files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Whom to trust as the broker's issuer.
    pub ca_file: PathBuf,
    /// Our own certificate, where the broker asks for one.
    pub client: Option<ClientCertificate>,
}

/// A certificate with its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The chain.
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

/// QoS 2 is not among them: duplicates change nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// 0: may be lost; nobody waits for an acknowledgement.
    AtMostOnce,
    /// 1: comes again until acknowledged.
    AtLeastOnce,
}
