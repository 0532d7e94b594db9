//! Binds, serves, ends.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tonic::server::NamedService;
use tonic::service::Routes;

use crate::acts::{self, Operations};
use crate::admin::Admin;
use crate::forecasts::Forecasts;
use crate::garage::Garages;
use crate::guidance::Guidances;
use crate::history::Histories;
use crate::parking::Parking;
use crate::roads::{self, Advice, Roads, Roadside, Routes as RoadRoutes};
use crate::sensors::Sensors;
use crate::shared::Shared;
use crate::sign::Signs;
use crate::situations::Situations;
use crate::traffic::Traffic;
use crate::wire::admin::v1::admin_service_server::AdminServiceServer;
use crate::wire::bicycle::v1::garage_service_server::GarageServiceServer;
use crate::wire::device::v1::sensor_service_server::SensorServiceServer;
use crate::wire::guidance::v1::advise_service_server::AdviseServiceServer;
use crate::wire::guidance::v1::guidance_service_server::GuidanceServiceServer;
use crate::wire::history::v1::history_service_server::HistoryServiceServer;
use crate::wire::parking::v1::forecast_service_server::ForecastServiceServer;
use crate::wire::parking::v1::operation_service_server::OperationServiceServer;
use crate::wire::parking::v1::parking_service_server::ParkingServiceServer;
use crate::wire::parking::v1::zone_service_server::ZoneServiceServer;
use crate::wire::sign::v1::sign_service_server::SignServiceServer;
use crate::wire::traffic::v1::road_service_server::RoadServiceServer;
use crate::wire::traffic::v1::roadside_service_server::RoadsideServiceServer;
use crate::wire::traffic::v1::route_service_server::RouteServiceServer;
use crate::wire::traffic::v1::situation_service_server::SituationServiceServer;
use crate::wire::traffic::v1::traffic_service_server::TrafficServiceServer;
use crate::zones::Zones;
use crate::{Context, Options, bells, connection, health, tls};

/// Every service whose health is told by name.
const SERVICES: &[&str] = &[
    AdminServiceServer::<Admin>::NAME,
    AdviseServiceServer::<Advice>::NAME,
    ForecastServiceServer::<Forecasts>::NAME,
    GarageServiceServer::<Garages>::NAME,
    GuidanceServiceServer::<Guidances>::NAME,
    HistoryServiceServer::<Histories>::NAME,
    OperationServiceServer::<Operations>::NAME,
    ParkingServiceServer::<Parking>::NAME,
    RoadServiceServer::<Roads>::NAME,
    RoadsideServiceServer::<Roadside>::NAME,
    RouteServiceServer::<RoadRoutes>::NAME,
    SensorServiceServer::<Sensors>::NAME,
    SignServiceServer::<Signs>::NAME,
    SituationServiceServer::<Situations>::NAME,
    TrafficServiceServer::<Traffic>::NAME,
    ZoneServiceServer::<Zones>::NAME,
];

/// Why the server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file of the encryption is of no use.
    #[error("TLS: {}: {problem}", file.display())]
    Tls {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The interfaces' own description is broken.
    #[error("reflection: {0}")]
    Reflection(String),
}

/// The server, bound to its address.
pub struct Server {
    addr: SocketAddr,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    reflection: Routes,
    shared: Arc<Shared>,
}

impl Server {
    /// Takes the address and reads the certificates; serves nobody yet. Needs no runtime.
    pub fn bind(options: Options, context: Context) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { addr: options.listen, source };
        let listener = TcpListener::bind(options.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
        Ok(Server { addr, listener, tls, reflection: reflection()?, shared: Shared::new(options, context) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown`; then every stream ends with UNAVAILABLE, within two seconds. A runtime of one thread
    /// of its own serves most evenly.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Server { addr, listener, tls, reflection, shared } = self;
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|source| ServeError::Listen { addr, source })?;
        let (reporter, health) = tonic_health::server::health_reporter();
        let operations = Operations::new(&shared);
        let desk = tokio::spawn(acts::keep(operations.desk()));
        let situations = SituationServiceServer::new(Situations::new(&shared, operations.desk()))
            .max_decoding_message_size(shared.options.max_message_bytes);
        let operations = OperationServiceServer::new(operations)
            .max_decoding_message_size(shared.options.max_message_bytes);
        let routes = services(&shared, reflection)
            .add_service(operations)
            .add_service(situations)
            .add_service(health)
            .prepare();
        let ringer = tokio::spawn(bells::ringer(&shared));
        let streets = tokio::spawn(roads::keep(Arc::clone(&shared)));
        let keeper = tokio::spawn(health::keep(Arc::clone(&shared), reporter, SERVICES));
        tracing::info!(%addr, tls = tls.is_some(), "serving gRPC");
        connection::serve(listener, tls, routes, &shared, shutdown).await;
        ringer.abort();
        streets.abort();
        keeper.abort();
        desk.abort();
        Ok(())
    }
}

fn services(shared: &Arc<Shared>, routes: Routes) -> Routes {
    let bytes = shared.options.max_message_bytes;
    routes
        .add_service(AdminServiceServer::new(Admin(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(AdviseServiceServer::new(Advice::new(shared)).max_decoding_message_size(bytes))
        .add_service(
            ForecastServiceServer::new(Forecasts(Arc::clone(shared))).max_decoding_message_size(bytes),
        )
        .add_service(GarageServiceServer::new(Garages(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(
            GuidanceServiceServer::new(Guidances(Arc::clone(shared))).max_decoding_message_size(bytes),
        )
        .add_service(HistoryServiceServer::new(Histories::new(shared)).max_decoding_message_size(bytes))
        .add_service(ParkingServiceServer::new(Parking(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(RoadServiceServer::new(Roads(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(
            RoadsideServiceServer::new(Roadside(Arc::clone(shared))).max_decoding_message_size(bytes),
        )
        .add_service(RouteServiceServer::new(RoadRoutes::new(shared)).max_decoding_message_size(bytes))
        .add_service(SensorServiceServer::new(Sensors(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(SignServiceServer::new(Signs(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(TrafficServiceServer::new(Traffic(Arc::clone(shared))).max_decoding_message_size(bytes))
        .add_service(ZoneServiceServer::new(Zones(Arc::clone(shared))).max_decoding_message_size(bytes))
}

/// Both versions of the reflection protocol: tools are between the two.
fn reflection() -> Result<Routes, ServeError> {
    let broken = |e: tonic_reflection::server::Error| ServeError::Reflection(e.to_string());
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(vlot_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = described().build_v1().map_err(broken)?;
    let v1alpha = described().build_v1alpha().map_err(broken)?;
    Ok(Routes::new(v1).add_service(v1alpha))
}
