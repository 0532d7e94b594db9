//! The house around the services: health, reflection, bounds, encryption, ending.

use std::net::Ipv4Addr;

use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use vlot_model::{Quarantine, Refusal, RefusalKind};
use vlot_proto::admin::v1::admin_service_client::AdminServiceClient;
use vlot_proto::admin::v1::{GetStatusRequest, ListQuarantineRequest};
use vlot_proto::parking::v1::operation_service_client::OperationServiceClient;
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::{
    FacilityFilter, ListActsRequest, ListFacilitiesRequest, WatchFacilitiesRequest,
};
use vlot_serve::{Problem, TlsFiles};

use super::support::*;

fn problem(part: &str, halts: bool) -> Problem {
    Problem { part: part.into(), what: "broken".into(), since: NOON, halts }
}

#[tokio::test]
async fn health_follows_the_engine() {
    let house = House::open().await;
    let mut client = HealthClient::new(house.channel().await);
    let (serving, not) = (1, 2);
    for service in ["", "vlot.parking.v1.ParkingService", "vlot.sign.v1.SignService"] {
        let asked = HealthCheckRequest { service: service.into() };
        let mut watch = within(client.watch(asked)).await.unwrap().into_inner();
        let mut until = async |status| {
            while within(watch.message()).await.unwrap() != Some(HealthCheckResponse { status }) {}
        };
        house.clock.forward(seconds(60));
        until(not).await;
        house.publish(house.board.completed() + 1, []);
        until(serving).await;
        // A source that is away is a problem, and the figures say so themselves.
        house.problems.lock().unwrap().push(problem("broker", false));
        house.problems.lock().unwrap().push(problem("journal", true));
        until(not).await;
        house.problems.lock().unwrap().pop();
        until(serving).await;
        house.clock.forward(seconds(6));
        until(not).await;
    }
    let unknown = within(client.check(HealthCheckRequest { service: "?".into() })).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let house = House::open().await;
    let channel = house.channel().await;
    let asked = |what: MessageRequest| {
        let host = String::new();
        tokio_stream::once(tonic_reflection::pb::v1::ServerReflectionRequest {
            host,
            message_request: Some(what),
        })
    };
    let mut client =
        tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let request = asked(MessageRequest::ListServices(String::new()));
    let mut answers = within(client.server_reflection_info(request)).await.unwrap().into_inner();
    let answer = within(answers.message()).await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.into_iter().map(|s| s.name).collect();
    for name in [
        "grpc.health.v1.Health",
        "vlot.admin.v1.AdminService",
        "vlot.bicycle.v1.GarageService",
        "vlot.device.v1.SensorService",
        "vlot.parking.v1.OperationService",
        "vlot.parking.v1.ParkingService",
        "vlot.sign.v1.SignService",
        "vlot.traffic.v1.SituationService",
        "vlot.traffic.v1.TrafficService",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is not in {names:?}");
    }
    // The description is whole: a symbol's file comes with all that it builds on.
    let request = asked(MessageRequest::FileContainingSymbol("vlot.parking.v1.FacilityState".into()));
    let mut answers = within(client.server_reflection_info(request)).await.unwrap().into_inner();
    let answer = within(answers.message()).await.unwrap().unwrap().message_response;
    assert!(matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))), "{answer:?}");

    use tonic_reflection::pb::v1alpha;
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers =
        within(client.server_reflection_info(tokio_stream::once(request))).await.unwrap().into_inner();
    assert!(within(answers.message()).await.unwrap().unwrap().message_response.is_some());
}

#[tokio::test]
async fn the_operator_sees_counters_problems_and_what_was_refused() {
    let house = House::open().await;
    let mut client = AdminServiceClient::new(house.channel().await);
    let status = within(client.get_status(GetStatusRequest {})).await.unwrap().into_inner();
    assert_eq!(status.problems[0].part, "engine", "nothing is published yet");
    house.publish(9, []);
    house.meters.messages_in.add(12);
    house.meters.refuse(RefusalKind::UnknownDevice, 2);
    house.problems.lock().unwrap().push(problem("broker", false));
    let status = within(client.get_status(GetStatusRequest {})).await.unwrap().into_inner();
    assert_eq!((status.completed_tick, status.messages_in, status.refused.len()), (9, 12, 1));
    assert_eq!((status.refused["unknown_device"], status.problems.len()), (2, 1));
    assert_eq!((status.problems[0].part.as_str(), status.problems[0].what.as_str()), ("broker", "broken"));

    for n in 0..=Quarantine::MESSAGES {
        house.quarantine.keep(NOON, "t", &[1, 2], Refusal::new(RefusalKind::Malformed, n.to_string()));
    }
    let mut kept = async |limit| within(client.list_quarantine(ListQuarantineRequest { limit })).await;
    let newest = kept(2).await.unwrap().into_inner().messages;
    assert_eq!(
        (newest.len(), newest[0].detail.as_str(), newest[0].reason.as_str()),
        (2, "1000", "malformed")
    );
    assert_eq!((newest[0].topic.as_str(), newest[0].payload.as_slice()), ("t", &[1, 2][..]));
    assert_eq!(kept(0).await.unwrap().into_inner().messages.len(), 100);
    assert_eq!(kept(1_000).await.unwrap().into_inner().messages.len(), 1_000);
    assert_eq!(kept(1_001).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn one_stream_more_than_the_bound_is_refused_and_a_closed_one_makes_room() {
    let house = House::open_with(|o| o.max_streams = 2).await;
    house.publish(1, [facility(0, 1, NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(
            within(client.watch_facilities(WatchFacilitiesRequest::default())).await.unwrap().into_inner(),
        );
    }
    let refused = within(client.watch_facilities(WatchFacilitiesRequest::default())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(house.meters.streams_open.get(), 2);
    // Requests are answered still.
    within(client.list_facilities(ListFacilitiesRequest::default())).await.unwrap();
    open.clear();
    within(async {
        while house.meters.streams_open.get() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within(client.watch_facilities(WatchFacilitiesRequest::default())).await.unwrap();
}

#[tokio::test]
async fn an_oversized_request_costs_itself_alone() {
    let house = House::open_with(|o| o.max_message_bytes = 1_000).await;
    let mut client = ParkingServiceClient::new(house.channel().await);
    let ids = vec!["x".repeat(100); 100];
    let filter = Some(FacilityFilter { ids, kinds: Vec::new() });
    let refused = within(client.list_facilities(ListFacilitiesRequest { filter })).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    within(client.list_facilities(ListFacilitiesRequest::default())).await.unwrap();
}

/// Below the range that clients get their ports from, and where no other test looks: nobody takes it once it is given up.
async fn at_a_low_port() -> House {
    for port in 11_000..12_000 {
        if let Ok(house) = House::try_open(|o| o.listen = (Ipv4Addr::LOCALHOST, port).into()).await {
            return house;
        }
    }
    panic!("no port is free");
}

#[tokio::test]
async fn at_the_end_every_stream_ends_promptly_and_says_why() {
    let mut house = at_a_low_port().await;
    house.publish(1, [facility(0, 1, NOON), face(0, 1, "P1", NOON)]);
    let mut client = ParkingServiceClient::new(house.channel().await);
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(
            within(client.watch_facilities(WatchFacilitiesRequest::default())).await.unwrap().into_inner(),
        );
    }
    // One that never reads must not hold the others.
    let endpoint = house.endpoint().initial_stream_window_size(1);
    let mut stuck = ParkingServiceClient::new(within(endpoint.connect()).await.unwrap());
    let _stuck = within(stuck.watch_facilities(WatchFacilitiesRequest::default())).await.unwrap();
    let mut health = HealthClient::new(house.channel().await);
    let _health = within(health.watch(HealthCheckRequest::default())).await.unwrap();

    house.stop();
    for stream in &mut streams {
        let end = loop {
            match within(stream.message()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without a reason"),
                Err(end) => break end,
            }
        };
        assert_eq!(end.code(), Code::Unavailable, "{end}");
    }
    within(&mut house.running).await.unwrap().unwrap();
    assert!(house.endpoint().connect().await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn over_tls_with_certificates_of_clients() {
    let dir = tempfile::tempdir().unwrap();
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_cert = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let issue = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    };
    let (server_cert, server_key) = issue("localhost");
    let (client_cert, client_key) = issue("client");
    let files = TlsFiles {
        cert_file: dir.path().join("cert.pem"),
        key_file: dir.path().join("key.pem"),
        client_ca_file: Some(dir.path().join("ca.pem")),
    };
    std::fs::write(&files.cert_file, server_cert).unwrap();
    std::fs::write(&files.key_file, server_key).unwrap();
    std::fs::write(files.client_ca_file.as_ref().unwrap(), authority_cert.pem()).unwrap();
    let house = House::open_with(|o| {
        o.tls = Some(files.clone());
        o.acts.from = vlot_serve::ActsFrom::ClientCertificate;
    })
    .await;

    let address = Endpoint::from_shared(format!("https://localhost:{}", house.addr.port())).unwrap();
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority_cert.pem()));
    let known = address
        .clone()
        .tls_config(tls.clone().identity(Identity::from_pem(client_cert, client_key)))
        .unwrap();
    let channel = within(known.connect()).await.unwrap();
    let mut client = ParkingServiceClient::new(channel.clone());
    let listed = within(client.list_facilities(ListFacilitiesRequest::default())).await.unwrap().into_inner();
    assert_eq!(listed.facilities.len(), 3);
    let mut operator = OperationServiceClient::new(channel);
    assert!(within(operator.list_acts(ListActsRequest::default())).await.is_ok(), "a known client may act");

    // Without a certificate, and without encryption at all.
    let unknown = ParkingServiceClient::new(address.tls_config(tls).unwrap().connect_lazy());
    let plain = ParkingServiceClient::new(house.endpoint().connect_lazy());
    for mut client in [unknown, plain] {
        assert!(within(client.list_facilities(ListFacilitiesRequest::default())).await.is_err());
    }
}

#[test]
fn what_keeps_the_server_from_beginning_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begin = |change: &dyn Fn(&mut vlot_serve::Options)| {
        let begun = runtime.block_on(House::try_open(change));
        begun.err().expect("it cannot begin").to_string()
    };
    let address = taken.local_addr().unwrap();
    assert!(begin(&|o| o.listen = address).contains(&address.to_string()));
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let missing = dir.path().join("missing.pem");
    for (cert_file, named) in [(&missing, "missing.pem"), (&empty, "empty.pem")] {
        let files = TlsFiles { cert_file: cert_file.clone(), key_file: empty.clone(), client_ca_file: None };
        assert!(begin(&|o| o.tls = Some(files.clone())).contains(named));
    }
}
