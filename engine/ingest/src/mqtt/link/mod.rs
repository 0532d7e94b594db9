//! One connection to a broker, by either version of the protocol: rumqttc behind one face.

mod v311;
mod v5;

use std::io;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::{NetworkOptions, TlsConfiguration, TlsError, Transport};

use super::options::{Options, Protocol};
use super::tls;

/// A broker that does not answer for this long is given up.
const ANSWER_WITHIN_S: u64 = 5;
/// rumqttc refuses to go below.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("cannot use {}: {why}", file.display())]
    File { file: PathBuf, why: String },
    #[error("no client_id: a persistent session needs one")]
    NoClientId,
    #[error("{why}; is the broker running there, and the port right?")]
    Unreachable { why: String },
    #[error("no answer within {ANSWER_WITHIN_S} s")]
    Timeout,
    #[error(
        "{why}; check ca_file, the client certificate, and that the broker's certificate names this host"
    )]
    Tls { why: String },
    #[error("the broker refuses us: {why}; check client_id, username and password_file")]
    Refused { why: String },
    #[error("the connection is lost: {why}")]
    Lost { why: String },
    #[error("a packet larger than {limit} bytes: set the broker's own limit (message_size_limit) below it")]
    PacketTooLarge { limit: u32 },
}

/// What comes over a connection.
#[derive(Debug)]
pub(super) enum Event {
    Message(Message),
    /// The answer to our subscriptions, in their order: what the broker says of those that it refuses.
    Subscribed(Vec<Option<String>>),
    /// Nothing of interest.
    Other,
}

/// A message as it came.
#[derive(Debug)]
pub(super) struct Message {
    topic: Topic,
    pub(super) payload: Bytes,
    /// `None` at QoS 0.
    pub(super) packet_id: Option<NonZeroU16>,
}

#[derive(Debug)]
enum Topic {
    Text(String),
    Bytes(Bytes),
}

impl Message {
    pub(super) fn topic(&self) -> &[u8] {
        match &self.topic {
            Topic::Text(text) => text.as_bytes(),
            Topic::Bytes(bytes) => bytes,
        }
    }
}

/// A connection.
pub(super) enum Link {
    V311(Box<v311::Link>),
    V5(Box<v5::Link>),
}

impl Link {
    /// Connects; tells whether the broker has kept our session. Not to be cancelled and called again.
    pub(super) async fn connect(options: &Options) -> Result<(Link, bool), LinkError> {
        if options.client_id.is_empty() {
            return Err(LinkError::NoClientId);
        }
        let login = login(options).await?;
        let transport = match &options.tls {
            None => Transport::tcp(),
            Some(tls) => Transport::tls_with_config(TlsConfiguration::Rustls(tls::client_config(tls).await?)),
        };
        match options.protocol {
            Protocol::V311 => {
                let (link, present) = v311::Link::connect(options, login, transport).await?;
                Ok((Link::V311(Box::new(link)), present))
            }
            Protocol::V5 => {
                let (link, present) = v5::Link::connect(options, login, transport).await?;
                Ok((Link::V5(Box::new(link)), present))
            }
        }
    }

    /// Asks for all subscriptions; the answer comes as an event.
    pub(super) fn subscribe(&self, options: &Options) -> Result<(), LinkError> {
        match self {
            Link::V311(link) => link.subscribe(options),
            Link::V5(link) => link.subscribe(options),
        }
    }

    /// The next event. May be cancelled: nothing is lost by it.
    pub(super) async fn next(&mut self) -> Result<Event, LinkError> {
        match self {
            Link::V311(link) => link.next().await,
            Link::V5(link) => link.next().await,
        }
    }

    /// Sends acknowledgements and takes out of `packet_ids` those that are on their way.
    pub(super) async fn acknowledge(&mut self, packet_ids: &mut Vec<u16>) -> Result<(), LinkError> {
        match self {
            Link::V311(link) => link.acknowledge(packet_ids).await,
            Link::V5(link) => link.acknowledge(packet_ids),
        }
    }

    /// Takes leave of the broker, which keeps our session.
    pub(super) async fn close(&mut self) {
        let farewell = async {
            match self {
                Link::V311(link) => link.close().await,
                Link::V5(link) => link.close().await,
            }
        };
        if tokio::time::timeout(Duration::from_millis(500), farewell).await.is_err() {
            tracing::debug!("the broker took no leave of us");
        }
    }
}

type Login = Option<(String, String)>;

async fn login(options: &Options) -> Result<Login, LinkError> {
    let Some(credentials) = &options.credentials else { return Ok(None) };
    let password = match &credentials.password_file {
        None => String::new(),
        Some(file) => {
            let text = String::from_utf8(tls::read(file).await?)
                .map_err(|_| LinkError::File { file: file.clone(), why: "it is not UTF-8".to_owned() })?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            line.strip_suffix('\r').unwrap_or(line).to_owned()
        }
    };
    Ok(Some((credentials.username.clone(), password)))
}

fn network() -> NetworkOptions {
    let mut network = NetworkOptions::new();
    // Without it, an acknowledgement waits for the broker's delayed TCP one.
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(ANSWER_WITHIN_S);
    network
}

fn tls_error(error: &TlsError) -> LinkError {
    LinkError::Tls { why: error.to_string() }
}

/// An established connection broke. A broker that refuses our certificate says so only now, with TLS 1.3.
fn broken(error: &io::Error) -> LinkError {
    let why = error.to_string();
    match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => LinkError::Tls { why },
        _ => LinkError::Lost { why },
    }
}
