//! An engine's gRPC interface as far as signs and garages see it, played by the test.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use vlot_proto::bicycle::v1 as bicycle;
use vlot_proto::bicycle::v1::garage_service_server::{GarageService, GarageServiceServer};
use vlot_proto::sign::v1 as sign;
use vlot_proto::sign::v1::join_request::Message;
use vlot_proto::sign::v1::sign_service_server::{SignService, SignServiceServer};

type Out<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A connection that a sign opened.
pub(crate) struct Joined {
    pub(crate) hello: sign::Hello,
    /// What the sign says after its hello.
    pub(crate) said: mpsc::UnboundedReceiver<Message>,
    send: mpsc::UnboundedSender<Result<sign::JoinResponse, Status>>,
}

impl Joined {
    pub(crate) fn send(&self, face: sign::Face) {
        self.send.send(Ok(sign::JoinResponse { face: Some(face) })).unwrap();
    }

    pub(crate) fn end(&self, status: Status) {
        self.send.send(Err(status)).unwrap();
    }

    /// The next thing that the sign says.
    pub(crate) async fn next(&mut self) -> Message {
        tokio::time::timeout(crate::BOUND, self.said.recv())
            .await
            .expect("the sign speaks")
            .expect("still joined")
    }
}

pub(crate) type WatchedGarage =
    (bicycle::WatchGarageRequest, mpsc::UnboundedSender<Result<bicycle::WatchGarageResponse, Status>>);

pub(crate) struct Engine {
    addr: SocketAddr,
    joined: mpsc::UnboundedReceiver<Joined>,
    watched: mpsc::UnboundedReceiver<WatchedGarage>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Service {
    joined: mpsc::UnboundedSender<Joined>,
    watched: mpsc::UnboundedSender<WatchedGarage>,
    refuse: Arc<Mutex<Option<Status>>>,
}

impl Engine {
    pub(crate) async fn start() -> Engine {
        Engine::refusing(None).await
    }

    /// An engine that answers every sign's joining so.
    pub(crate) async fn refusing(refuse: Option<Status>) -> Engine {
        let (joined_tx, joined) = mpsc::unbounded_channel();
        let (watched_tx, watched) = mpsc::unbounded_channel();
        let service =
            Service { joined: joined_tx, watched: watched_tx, refuse: Arc::new(Mutex::new(refuse)) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(SignServiceServer::new(service.clone()))
            .add_service(GarageServiceServer::new(service))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let task = tokio::spawn(async move { server.await.unwrap() });
        Engine { addr, joined, watched, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) async fn joined(&mut self) -> Joined {
        tokio::time::timeout(crate::BOUND, self.joined.recv()).await.expect("a sign joins").unwrap()
    }

    pub(crate) async fn watched(&mut self) -> WatchedGarage {
        tokio::time::timeout(crate::BOUND, self.watched.recv()).await.expect("a garage is watched").unwrap()
    }
}

#[tonic::async_trait]
impl SignService for Service {
    type JoinStream = Out<sign::JoinResponse>;
    type WatchSignsStream = Out<sign::WatchSignsResponse>;

    async fn join(
        &self,
        request: Request<Streaming<sign::JoinRequest>>,
    ) -> Result<Response<Self::JoinStream>, Status> {
        if let Some(status) = self.refuse.lock().unwrap().clone() {
            return Err(status);
        }
        let mut incoming = request.into_inner();
        let first = incoming.message().await?.and_then(|m| m.message);
        let Some(Message::Hello(hello)) = first else { return Err(Status::invalid_argument("no hello")) };
        let (send, outgoing) = mpsc::unbounded_channel();
        let (heard, said) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(message)) = incoming.message().await {
                if let Some(message) = message.message
                    && heard.send(message).is_err()
                {
                    return;
                }
            }
        });
        self.joined.send(Joined { hello, said, send }).map_err(|_| Status::unavailable("over"))?;
        Ok(Response::new(UnboundedReceiverStream::new(outgoing).boxed()))
    }

    async fn list_signs(
        &self,
        _: Request<sign::ListSignsRequest>,
    ) -> Result<Response<sign::ListSignsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_signs(
        &self,
        _: Request<sign::WatchSignsRequest>,
    ) -> Result<Response<Self::WatchSignsStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl GarageService for Service {
    type WatchGarageStream = Out<bicycle::WatchGarageResponse>;

    async fn list_garages(
        &self,
        _: Request<bicycle::ListGaragesRequest>,
    ) -> Result<Response<bicycle::ListGaragesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_unmoved(
        &self,
        _: Request<bicycle::ListUnmovedRequest>,
    ) -> Result<Response<bicycle::ListUnmovedResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_garage(
        &self,
        request: Request<bicycle::WatchGarageRequest>,
    ) -> Result<Response<Self::WatchGarageStream>, Status> {
        let (send, outgoing) = mpsc::unbounded_channel();
        self.watched.send((request.into_inner(), send)).map_err(|_| Status::unavailable("over"))?;
        Ok(Response::new(UnboundedReceiverStream::new(outgoing).boxed()))
    }
}

trait Boxed: Stream + Sized + Send + 'static {
    fn boxed(self) -> Pin<Box<dyn Stream<Item = Self::Item> + Send>> {
        Box::pin(self)
    }
}

impl<S: Stream + Send + 'static> Boxed for S {}

/// A face that lives for so many simulated seconds by the countdown alone.
pub(crate) fn face(sign_id: &str, version: u64, multi: &str, seconds: i64) -> sign::Face {
    sign::Face {
        sign_id: sign_id.into(),
        version,
        multi: multi.into(),
        multi_crc32c: crc32c::crc32c(multi.as_bytes()),
        time_to_live: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..sign::Face::default()
    }
}
