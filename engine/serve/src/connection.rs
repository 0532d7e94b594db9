//! Connections: accepted, bounded, kept alive, ended.
//!
//! The loop is our own, on hyper, because what a client may cost is decided here: tonic's own server leaves the send
//! buffer of a stream at 400 KiB, accepts without a bound, and has no answer to a client that connects and is silent.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;

use crate::acts::CertifiedClient;
use crate::shared::Shared;
use crate::{Options, frames};

/// What may wait in a stream to be sent, or one message if that is larger. A message of 130 bytes costs up to 900
/// while it waits; and the less waits, the newer is what a client reads when it goes on.
const SEND_BUFFER_BYTES: usize = 2 * 1024;
/// What the system may hold unsent for a connection, for the same reason.
const UNSENT_BYTES: u32 = 64 * 1024;
/// What a client may send ahead on one stream; signs and requests say little.
const STREAM_WINDOW_BYTES: u32 = 32 * 1024;
/// What a client may send ahead on all its streams together.
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
const HEADER_BYTES_MAX: u32 = 8 * 1024;
/// From the connection to the first whole request, encryption included.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// After the streams have been told to end.
const END_WITHIN: Duration = Duration::from_millis(1_500);
/// After a failure to accept, which is the system's (no more file descriptors): trying at once would only burn.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Accepts until `shutdown`, then ends all connections.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Routes,
    shared: &Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let free = Arc::new(Semaphore::new(shared.options.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    {
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = async {
                let place = Arc::clone(&free).acquire_owned().await;
                (listener.accept().await, place)
            };
            let (socket, place) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accepted => accepted,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            };
            match socket {
                Ok((socket, peer)) => {
                    let (tls, routes, shared) = (tls.clone(), routes.clone(), Arc::clone(shared));
                    connections.spawn(async move {
                        if let Err(error) = connection((socket, Peer(peer.ip())), tls, routes, &shared).await
                        {
                            tracing::debug!(%peer, error, "a connection ended");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            }
        }
    }
    drop(listener);
    shared.close();
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(END_WITHIN, ended).await.is_err() {
        tracing::debug!(open = connections.len(), "connections that did not end in time are cut");
        connections.shutdown().await;
    }
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Where a client speaks from; kept with each of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) std::net::IpAddr);

/// How the answer to a request that has arrived whole takes longer than a request may: whoever gives it bounds its time.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnTime(Arc<AtomicBool>);

impl OwnTime {
    /// From now on.
    pub(crate) fn take<T>(request: &tonic::Request<T>) {
        if let Some(OwnTime(taken)) = request.extensions().get() {
            taken.store(true, Ordering::Release);
        }
    }
}

async fn connection(
    (socket, peer): (TcpStream, Peer),
    tls: Option<TlsAcceptor>,
    routes: Routes,
    shared: &Arc<Shared>,
) -> Ended {
    let options = &shared.options;
    let handle = SockRef::from(&socket);
    handle.set_tcp_nodelay(true)?;
    // A face that waits in the system's buffer while the way to the sign is down must not arrive minutes later.
    handle.set_tcp_user_timeout(Some(options.keep_alive))?;
    handle.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    let closed = shared.closed();
    match tls {
        None => http(socket, (None, peer), routes, options, closed).await,
        Some(tls) => {
            let encrypted = tokio::time::timeout(FIRST_REQUEST_WITHIN, tls.accept(socket)).await??;
            let client = CertifiedClient::of(encrypted.get_ref().1.peer_certificates());
            http(encrypted, (client, peer), routes, options, closed).await
        }
    }
}

async fn http<S>(
    socket: S,
    (client, peer): (Option<CertifiedClient>, Peer),
    routes: Routes,
    options: &Options,
    mut closed: watch::Receiver<bool>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = watch::Sender::new(false);
    let mut first_request = asked.subscribe();
    let routes = TowerToHyperService::new(routes);
    let within = options.request_timeout;
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        asked.send_if_modified(|asked| !std::mem::replace(asked, true));
        request.extensions_mut().insert(peer);
        if let Some(client) = &client {
            request.extensions_mut().insert(client.clone());
        }
        let own_time = OwnTime::default();
        request.extensions_mut().insert(own_time.clone());
        let answer = routes.call(request);
        async move { Ok::<Response<Body>, Infallible>(bounded(answer, within, &own_time).await) }
    });
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .keep_alive_interval(options.keep_alive / 2)
        .keep_alive_timeout(options.keep_alive / 2)
        .max_concurrent_streams(options.max_streams_per_connection)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX)
        .auto_date_header(false);
    let mut connection = pin!(http2.serve_connection(TokioIo::new(socket), service));
    let mut silence = pin!(tokio::time::sleep(FIRST_REQUEST_WITHIN));
    let (mut silent, mut open) = (true, true);
    loop {
        tokio::select! {
            ended = &mut connection => return ended.map_err(Into::into),
            _ = closed.wait_for(|closed| *closed), if open => {
                open = false;
                connection.as_mut().graceful_shutdown();
            }
            _ = first_request.wait_for(|asked| *asked), if silent => silent = false,
            () = &mut silence, if silent => return Err("no request came".into()),
        }
    }
}

/// The answer, or DEADLINE_EXCEEDED: until then a request may take its time to arrive. Streams are answered at once.
async fn bounded(
    answer: impl Future<Output = Result<Response<Body>, Infallible>>,
    within: Duration,
    own_time: &OwnTime,
) -> Response<Body> {
    let limit = async {
        tokio::time::sleep(within).await;
        if own_time.0.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        Ok(response) = answer => frames::take_over(response),
        () = limit => Status::deadline_exceeded("the request did not arrive whole in time").into_http(),
    }
}
