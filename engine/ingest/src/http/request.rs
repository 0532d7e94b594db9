//! One request over one connection: once a minute, a connection that is kept would be closed in between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HOST, HeaderMap, HeaderName,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::options::Options;
use super::tls;

const AGENT: &str = concat!("vlot/", env!("CARGO_PKG_VERSION"));
/// What a server may send before its body.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;

/// What the newest document was called by its server; asked for again on condition that it is another.
#[derive(Clone, Debug, Default)]
pub(super) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// What came.
#[derive(Debug)]
pub(super) enum Answer {
    /// The document is as it was.
    NotModified,
    /// The document.
    Document {
        /// All of it.
        body: Vec<u8>,
        /// To ask for the next one by.
        validators: Validators,
    },
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("{0} is no address of a document (hint: https://host/path)")]
    Address(String),
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("{0}")]
    Protocol(#[from] hyper::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("the server answers {status}{}", hint(*status, location.as_deref()))]
    Status { status: StatusCode, location: Option<String>, retry_after: Option<Duration> },
    #[error("the answer is compressed ({0}), which was not asked for")]
    Compressed(String),
    #[error("the body has more than {bytes_max} bytes (hint: is it the right document? see max_bytes)")]
    TooLong { bytes_max: usize },
    #[error("no whole answer within {0:?}")]
    TooSlow(Duration),
}

fn hint(status: StatusCode, location: Option<&str>) -> String {
    match location {
        Some(to) if status.is_redirection() => format!(": it has moved to {to:?} (hint: give that as url)"),
        _ if status == StatusCode::NOT_FOUND => " (hint: look at the path of url)".to_owned(),
        _ => String::new(),
    }
}

/// Asks once, within the source's time.
pub(super) async fn ask(options: &Options, known: &Validators) -> Result<Answer, RequestError> {
    tokio::time::timeout(options.timeout, asked(options, known))
        .await
        .unwrap_or(Err(RequestError::TooSlow(options.timeout)))
}

async fn asked(options: &Options, known: &Validators) -> Result<Answer, RequestError> {
    let wrong = || RequestError::Address(options.url.clone());
    let uri: Uri = options.url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    let host = authority.host();
    let encrypted = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong()),
    };
    let port = authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let name = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let stream = TcpStream::connect((name, port)).await.map_err(RequestError::Connect)?;
    let request = request(&uri, authority.as_str(), known)?;
    if !encrypted {
        return exchange(stream, request, options).await;
    }
    let server = rustls::pki_types::ServerName::try_from(name.to_owned()).map_err(|_| wrong())?;
    let config = tls::client_config(options.ca_file.as_deref()).await?;
    let stream = TlsConnector::from(Arc::clone(&config))
        .connect(server, stream)
        .await
        .map_err(|e| RequestError::Tls(e.to_string()))?;
    exchange(stream, request, options).await
}

fn request(uri: &Uri, host: &str, known: &Validators) -> Result<Request<Empty<Bytes>>, RequestError> {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    // A login in the address would be sent to whoever answers there.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let mut request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "application/xml, text/xml, */*;q=0.1")
        // A small answer must not unfold to a large one here.
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::new())?;
    let mut on_condition = |name: HeaderName, value: &Option<HeaderValue>| {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.clone());
        }
    };
    on_condition(IF_NONE_MATCH, &known.etag);
    on_condition(IF_MODIFIED_SINCE, &known.last_modified);
    Ok(request)
}

/// Ends a connection when it goes out of use.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Empty<Bytes>>,
    options: &Options,
) -> Result<Answer, RequestError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await?;
    let driver = Driver(tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection ended");
        }
    }));
    let response = sender.send_request(request).await?;
    let answer = take(response, options.bytes_max).await;
    drop(driver);
    answer
}

async fn take(response: Response<Incoming>, bytes_max: usize) -> Result<Answer, RequestError> {
    let (head, mut body) = response.into_parts();
    let headers = &head.headers;
    match head.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(Answer::NotModified),
        status => {
            let location = text(headers, LOCATION).map(|to| to.chars().take(256).collect());
            let retry_after =
                text(headers, RETRY_AFTER).and_then(|s| s.parse().ok()).map(Duration::from_secs);
            return Err(RequestError::Status { status, location, retry_after });
        }
    }
    if let Some(how) = text(headers, CONTENT_ENCODING).filter(|how| !how.eq_ignore_ascii_case("identity")) {
        return Err(RequestError::Compressed(how.chars().take(32).collect()));
    }
    let stated = text(headers, CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok());
    if stated.is_some_and(|n| n > bytes_max as u64) {
        return Err(RequestError::TooLong { bytes_max });
    }
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Some(bytes) = frame?.data_ref() {
            if whole.len() + bytes.len() > bytes_max {
                return Err(RequestError::TooLong { bytes_max });
            }
            whole.extend_from_slice(bytes);
        }
    }
    let validators =
        Validators { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned() };
    Ok(Answer::Document { body: whole, validators })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
