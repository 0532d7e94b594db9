//! What a source is told.

use std::path::PathBuf;
use std::time::Duration;

/// A document, and how to poll it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Logs name the source so.
    pub name: String,
    /// `https://` or `http://`, host, port, path and query.
    pub url: String,
    /// What the document is.
    pub form: Form,
    /// From one poll to the next.
    pub every: Duration,
    /// An answer that is not whole by then has failed.
    pub timeout: Duration,
    /// A longer body is cut off and refused.
    pub bytes_max: usize,
    /// A document that was made longer ago is refused.
    pub stale_after: Duration,
    /// Whom to trust as the server's issuer beside the system's (PEM); read anew for each connection.
    pub ca_file: Option<PathBuf>,
    /// The first wait after a failure; doubles up to `retry_max`, with jitter.
    pub retry_min: Duration,
    /// The longest wait after a failure, but for a server that asks for more.
    pub retry_max: Duration,
}

impl Options {
    /// Once a minute, as the minute data is made.
    #[must_use]
    pub fn new(name: &str, url: &str, form: Form) -> Self {
        Options {
            name: name.to_owned(),
            url: url.to_owned(),
            form,
            every: Duration::from_mins(1),
            timeout: Duration::from_secs(20),
            bytes_max: 32 << 20,
            stale_after: Duration::from_mins(5),
            ca_file: None,
            retry_min: Duration::from_secs(5),
            retry_max: Duration::from_mins(5),
        }
    }
}

/// Forms of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The Flemish minute data.
    MivXml,
}
