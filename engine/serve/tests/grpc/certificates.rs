//! Acts of clients with certificates: under the name in it, and for whom the configuration names.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use vlot_model::*;
use vlot_proto::parking::v1 as wire;
use vlot_proto::parking::v1::operation_service_client::OperationServiceClient;
use vlot_proto::parking::v1::{Attribution, CloseFacilityRequest, ListActsRequest};
use vlot_serve::{ActsFrom, TlsFiles};

use super::support::*;

type Client = OperationServiceClient<Channel>;

/// Issues certificates, and says to the server's that it is `localhost`.
struct Authority {
    dir: tempfile::TempDir,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { dir: tempfile::tempdir().unwrap(), pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, common_name: Option<&str>, alternative: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![alternative.to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn files(&self) -> TlsFiles {
        let path = |name: &str| self.dir.path().join(name);
        let (cert, key) = self.issue(None, "localhost");
        for (name, pem) in [("cert.pem", &cert), ("key.pem", &key), ("ca.pem", &self.pem)] {
            std::fs::write(path(name), pem).unwrap();
        }
        TlsFiles {
            cert_file: path("cert.pem"),
            key_file: path("key.pem"),
            client_ca_file: Some(path("ca.pem")),
        }
    }

    async fn client(&self, house: &House, common_name: Option<&str>, alternative: &str) -> Client {
        let (cert, key) = self.issue(common_name, alternative);
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.pem))
            .identity(Identity::from_pem(cert, key));
        let address = format!("https://localhost:{}", house.addr.port());
        let endpoint = Endpoint::from_shared(address).unwrap().tls_config(tls).unwrap();
        Client::new(within(endpoint.connect()).await.unwrap())
    }
}

fn close(act_id: &str, actor: &str) -> CloseFacilityRequest {
    let attribution = Attribution { act_id: act_id.into(), actor: actor.into(), reason: "flood".into() };
    CloseFacilityRequest { facility_id: "ladeuze".into(), attribution: Some(attribution) }
}

/// The act as it was answered; every act is admitted at once.
async fn closed(house: &mut House, client: &Client, act_id: &str, actor: &str) -> wire::Act {
    let (mut client, request) = (client.clone(), close(act_id, actor));
    let asked = tokio::spawn(async move { client.close_facility(request).await });
    let mut submission = within(house.inbox.recv()).await.unwrap();
    let mut receipt = submission.receipt.take().unwrap();
    receipt.note(Settled { tick: 1, refused: None });
    receipt.acknowledge();
    within(asked).await.unwrap().unwrap().into_inner().act.unwrap()
}

#[tokio::test]
async fn an_act_bears_the_name_in_the_certificate_and_no_other() {
    let authority = Authority::new();
    let (files, log) = (authority.files(), Arc::default());
    let mut house = House::open_on(Arc::clone(&log), |o| {
        o.tls = Some(files);
        o.acts.from = ActsFrom::ClientCertificate;
    })
    .await
    .unwrap();
    house.publish(1, []);
    let mut mia = authority.client(&house, Some("Mia Peeters"), "desk-3.example.org").await;
    for (act_id, stated) in [("a", ""), ("b", "Mia Peeters"), ("c", "  Mia Peeters ")] {
        let act = closed(&mut house, &mia, act_id, stated).await;
        assert_eq!(act.actor, "Mia Peeters", "{stated:?}");
        assert_eq!(act.actor_known_by(), wire::ActorKnownBy::Certificate);
        let kept = log.find(act_id).unwrap().order;
        assert_eq!((kept.actor.as_str(), kept.actor_known_by), ("Mia Peeters", ActorKnownBy::Certificate));
    }
    let desk = authority.client(&house, None, "desk-4.example.org").await;
    assert_eq!(closed(&mut house, &desk, "d", "").await.actor, "desk-4.example.org");

    for other in ["Jan Maes", "mia peeters", "desk-3.example.org"] {
        let refused = within(mia.close_facility(close("x", other))).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{other}: {refused}");
        for part in ["Mia Peeters", other, "hint"] {
            assert!(refused.message().contains(part), "{part} in {refused}");
        }
    }
    let mut nobody = authority.client(&house, None, "192.0.2.1").await;
    let refused = within(nobody.close_facility(close("x", "Mia Peeters"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("names nobody") && refused.message().contains("hint"), "{refused}");
    assert!(log.find("x").is_none() && house.inbox.try_recv().is_err(), "what is refused leaves no trace");
}

#[tokio::test]
async fn where_operators_are_named_nobody_else_acts_or_reads_the_trail() {
    let authority = Authority::new();
    let files = authority.files();
    let mut house = House::open_with(|o| {
        o.tls = Some(files);
        o.acts.from = ActsFrom::ClientCertificate;
        o.acts.operators = vec!["Mia Peeters".to_owned()];
    })
    .await;
    house.publish(1, []);
    let mut mia = authority.client(&house, Some("Mia Peeters"), "mia").await;
    let mut sign = authority.client(&house, Some("sign-ring"), "sign-ring").await;
    closed(&mut house, &mia, "a", "").await;
    assert_eq!(within(mia.list_acts(ListActsRequest::default())).await.unwrap().into_inner().acts.len(), 1);
    let acted = within(sign.close_facility(close("b", "Mia Peeters"))).await.unwrap_err();
    let listed = within(sign.list_acts(ListActsRequest::default())).await.unwrap_err();
    for refused in [acted, listed] {
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains("\"sign-ring\" is no operator"), "{refused}");
    }
    assert_eq!(house.acts.newest(None, 9).len(), 1);
}

#[tokio::test]
async fn a_certificate_is_looked_at_wherever_it_is_shown() {
    let authority = Authority::new();
    let files = authority.files();
    // Acts from this machine, encrypted: the name is still the certificate's.
    let house = House::open_with(|o| o.tls = Some(files)).await;
    let mut mia = authority.client(&house, Some("Mia Peeters"), "mia").await;
    let refused = within(mia.close_facility(close("a", "Jan Maes"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
}
