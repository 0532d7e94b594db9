//! The floor: the same hop with nothing in between. A bare rumqttc subscriber parses a message and sends it on as a
//! face over a bare tonic stream: no journal, no admission, no dataflow, no board, QoS 1 acknowledged on receipt.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use rumqttc::{AsyncClient, Event, Packet, QoS};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use vlot_proto::sign::v1 as pb;
use vlot_proto::sign::v1::join_request::Message;
use vlot_proto::sign::v1::sign_service_server::{SignService, SignServiceServer};

#[derive(Deserialize)]
struct Reading<'a> {
    device: &'a str,
    observed_at: &'a str,
    occupancy: Occupancy,
}

#[derive(Deserialize)]
struct Occupancy {
    occupied_spaces: u32,
}

type Way = mpsc::Sender<Result<pb::JoinResponse, Status>>;

#[derive(Clone, Default)]
struct Bare {
    signs: Arc<Mutex<BTreeMap<String, Way>>>,
}

#[tonic::async_trait]
impl SignService for Bare {
    type JoinStream = ReceiverStream<Result<pb::JoinResponse, Status>>;
    type WatchSignsStream = Pin<Box<dyn Stream<Item = Result<pb::WatchSignsResponse, Status>> + Send>>;

    async fn join(
        &self,
        request: Request<Streaming<pb::JoinRequest>>,
    ) -> Result<Response<Self::JoinStream>, Status> {
        let mut requests = request.into_inner();
        let hello = requests.message().await?.and_then(|r| r.message);
        let Some(Message::Hello(hello)) = hello else { return Err(Status::invalid_argument("hello first")) };
        let (tx, rx) = mpsc::channel(64);
        self.signs.lock().unwrap_or_else(PoisonError::into_inner).insert(hello.sign_id, tx);
        tokio::spawn(async move { while requests.next().await.is_some() {} });
        Ok(Response::new(ReceiverStream::new(rx)))
    }

    async fn list_signs(
        &self,
        _: Request<pb::ListSignsRequest>,
    ) -> Result<Response<pb::ListSignsResponse>, Status> {
        Err(Status::unimplemented("a floor"))
    }

    async fn watch_signs(
        &self,
        _: Request<pb::WatchSignsRequest>,
    ) -> Result<Response<Self::WatchSignsStream>, Status> {
        Err(Status::unimplemented("a floor"))
    }
}

/// Runs the hop until the process ends.
///
/// # Errors
/// When the broker or the port cannot be had.
pub async fn hop(mqtt_port: u16, grpc_port: u16) -> Result<()> {
    let bare = Bare::default();
    let server = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .add_service(SignServiceServer::new(bare.clone()))
        .serve(SocketAddr::from(([127, 0, 0, 1], grpc_port)));
    // On a thread of its own, as the engine's is.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().spawn(move || runtime.block_on(server))?;

    let (options, network) = crate::load::client_options("bare", mqtt_port);
    let (client, mut events) = AsyncClient::new(options, 1_000);
    events.set_network_options(network);
    client.subscribe("vlot/v1/+/json", QoS::AtLeastOnce).await?;
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    let mut version = 0;
    loop {
        let Event::Incoming(Packet::Publish(publish)) = events.poll().await? else { continue };
        let reading: Reading<'_> = serde_json::from_slice(&publish.payload)?;
        taken.insert(reading.device.to_owned(), reading.occupancy.occupied_spaces);
        version += 1;
        let sign_id = reading.device.replace("counter", "sign");
        let at = reading.observed_at.parse::<vlot_model::Timestamp>()?.micros();
        let observed_at = prost_types::Timestamp {
            seconds: at.div_euclid(1_000_000),
            nanos: i32::try_from(at.rem_euclid(1_000_000) * 1_000)?,
        };
        let way = bare.signs.lock().unwrap_or_else(PoisonError::into_inner).get(&sign_id).cloned();
        if let Some(way) = way {
            let trigger = pb::Trigger {
                device_id: reading.device.to_owned(),
                observed_at: Some(observed_at),
                ..Default::default()
            };
            let multi =
                format!("[tr1,1,96,32][fo12]{}", crate::city::CAPACITY - reading.occupancy.occupied_spaces);
            let face = pb::Face { sign_id, version, multi, trigger: Some(trigger), ..Default::default() };
            // A sign that left is no longer of interest.
            let _left = way.try_send(Ok(pb::JoinResponse { face: Some(face) }));
        }
    }
}
