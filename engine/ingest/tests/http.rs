//! The poller against a real server on this machine: what it asks, and what it makes of every kind of answer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use vlot_gate::{Gate, Keys, Limits};
use vlot_ingest::http::{Form, Options, Source, State, start};
use vlot_ingest::mqtt::Intake;
use vlot_model::{
    City, Clock, Device, DeviceIx, DeviceKind, Meters, Quarantine, RefusalKind, Role, StationIx, Submission,
    Timestamp, Value,
};

const LIMIT: Duration = Duration::from_secs(30);
const MEGABYTE: usize = 1 << 20;

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What the server does with one request.
enum Script {
    Answer(Answer),
    /// Accepts the request and never answers.
    Silence,
}

/// `If-None-Match` and `If-Modified-Since` of a request.
type Condition = (Option<String>, Option<String>);

/// A server that follows a script, and is silent after it.
#[derive(Clone, Default)]
struct Server {
    script: Arc<Mutex<VecDeque<Script>>>,
    /// Of the requests.
    asked: Arc<Mutex<Vec<Condition>>>,
    port: u16,
}

impl Server {
    async fn start(script: impl IntoIterator<Item = Script>) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Server {
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            asked: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let served = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served.clone().serve(stream));
            }
        });
        server
    }

    /// The same behind TLS, with the certificate that is returned as PEM.
    async fn encrypted(script: impl IntoIterator<Item = Script>) -> (Server, String) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Server {
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            asked: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let served = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us goes here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(served.clone().serve(stream));
                }
            }
        });
        (server, made.cert.pem())
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let answer = service_fn(|request| self.answer(request));
        // The client goes as soon as it knows enough.
        let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let header = |name| request.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(request.uri().path(), "/miv/verkeersdata");
        assert_eq!(request.headers()["host"].to_str().unwrap(), format!("127.0.0.1:{}", self.port));
        self.asked.lock().push((header(IF_NONE_MATCH.as_str()), header(IF_MODIFIED_SINCE.as_str())));
        let next = self.script.lock().pop_front().unwrap_or(Script::Silence);
        match next {
            Script::Answer(answer) => Ok(answer),
            Script::Silence => std::future::pending().await,
        }
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Script {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Script::Answer(response.body(Full::new(body.into()).boxed()).unwrap())
}

fn ok(body: impl Into<Bytes>) -> Script {
    answer(200, &[], body)
}

/// A body without an end, which counts what was taken of it.
struct Endless(Arc<AtomicU64>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(64 * 1_024, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 64 * 1_024])))))
    }
}

/// A publication of a minute, `minute` after 01:30.
fn publication(minute: i64, vehicles: u32) -> String {
    let at = |second| Timestamp::from_secs(1_774_747_800 + minute * 60 + second);
    format!(
        "<miv><tijd_publicatie>{}</tijd_publicatie>\
         <meetpunt beschrijvende_id=\"H222R10\" unieke_id=\"29\"><tijd_waarneming>{}</tijd_waarneming>\
         <actueel_publicatie>1</actueel_publicatie><defect>0</defect><geldig>0</geldig>\
         <meetdata klasse_id=\"2\"><verkeersintensiteit>{vehicles}</verkeersintensiteit>\
         <voertuigsnelheid_rekenkundig>90</voertuigsnelheid_rekenkundig></meetdata></meetpunt>\
         <meetpunt beschrijvende_id=\"H1R10\" unieke_id=\"4711\"><geldig>0</geldig></meetpunt></miv>",
        at(70),
        at(0),
    )
}

/// A clock that a test turns.
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct Engine {
    intake: Intake,
    submissions: mpsc::Receiver<Submission>,
    clock: Arc<Turned>,
}

impl Engine {
    /// Whose clock says 01:31:20.
    fn new() -> Engine {
        let mut city = City::default();
        city.devices.push(Device {
            id: "ring-1".into(),
            kind: DeviceKind::Loop,
            role: Role::Lane { station: StationIx(0) },
            silent_after: Duration::from_secs(600),
            service: vlot_model::Service::default(),
        });
        assert_eq!(city.directory.insert("miv-29", DeviceIx(0)), None);
        let (out, submissions) = mpsc::channel(4);
        let clock = Arc::new(Turned(AtomicI64::new(1_774_747_880)));
        let (city, meters) = (Arc::new(city), Arc::new(Meters::default()));
        let gate = Gate::new(city.clone(), Keys::new(Keys::ROTATE), Limits::default(), meters.clone());
        let intake = Intake {
            city,
            clock: clock.clone(),
            meters,
            quarantine: Arc::new(Quarantine::default()),
            gate: vlot_gate::shared(gate),
            out,
        };
        Engine { intake, submissions, clock }
    }

    /// Vehicles of the next submission's one reading.
    async fn vehicles(&mut self) -> u32 {
        let submission = within("a submission", self.submissions.recv()).await.unwrap();
        assert!(submission.receipt.is_none(), "nobody waits for a document");
        let [reading] = &submission.readings[..] else { panic!("{submission:?}") };
        assert_eq!(reading.device, DeviceIx(0));
        let Value::Traffic { vehicles, .. } = reading.value else { panic!("{reading:?}") };
        vehicles
    }

    fn refused(&self, kind: RefusalKind) -> u64 {
        self.intake.meters.refused(kind)
    }
}

fn options(server: &Server) -> Options {
    Options {
        every: Duration::from_millis(20),
        timeout: Duration::from_secs(10),
        retry_min: Duration::from_millis(20),
        retry_max: Duration::from_millis(50),
        bytes_max: MEGABYTE,
        ..Options::new("miv", &format!("http://127.0.0.1:{}/miv/verkeersdata", server.port), Form::MivXml)
    }
}

async fn state(source: &Source, what: &str, reached: impl Fn(&State) -> bool) -> State {
    within(&format!("{what}; the source says {:?}", source.state()), async {
        while !reached(&source.state()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        source.state()
    })
    .await
}

async fn error(source: &Source, says: &str) {
    state(source, says, |s| !s.well && s.error.as_deref().is_some_and(|e| e.contains(says))).await;
}

#[tokio::test]
async fn a_document_is_asked_for_on_condition_and_handed_over_once() {
    let named = [("etag", "\"a1\""), ("last-modified", "Sun, 29 Mar 2026 01:31:10 GMT")];
    let server = Server::start([
        answer(200, &named, publication(0, 12)),
        answer(304, &[], ""),
        // Made anew with the same minute in it, as the feed does when a point is late.
        answer(200, &[("etag", "\"a2\"")], publication(0, 12)),
        ok(publication(1, 15)),
        ok(publication(2, 16)),
    ])
    .await;
    let mut engine = Engine::new();
    engine.clock.0.store(1_774_747_980, Ordering::Relaxed);
    let source = start(options(&server), engine.intake.clone());
    assert_eq!([engine.vehicles().await, engine.vehicles().await, engine.vehicles().await], [12, 15, 16]);
    let reached = state(&source, "five answers", |s| s.answers == 5 && s.well).await;
    assert_eq!((reached.documents, reached.error), (4, None));
    assert_eq!((reached.points.all, reached.points.known), (2, 1));
    assert_eq!(reached.published_at, Some("2026-03-29T01:33:10Z".parse().unwrap()));
    source.stop().await;
    let a1 = (Some("\"a1\"".to_owned()), Some("Sun, 29 Mar 2026 01:31:10 GMT".to_owned()));
    let expected = [(None, None), a1.clone(), a1, (Some("\"a2\"".to_owned()), None), (None, None)];
    assert_eq!(server.asked.lock()[..5], expected);
}

#[tokio::test]
async fn after_failures_it_goes_on_and_says_meanwhile_what_is_wrong() {
    let server = Server::start([
        answer(500, &[], "oops"),
        answer(503, &[("retry-after", "0")], ""),
        answer(302, &[("location", "https://elsewhere.example/")], ""),
        answer(404, &[], ""),
        ok(publication(0, 12)),
    ])
    .await;
    let mut engine = Engine::new();
    let source = start(options(&server), engine.intake.clone());
    assert_eq!(engine.vehicles().await, 12);
    state(&source, "well", |s| s.well && s.error.is_none()).await;
    source.stop().await;
}

#[tokio::test]
async fn each_failure_is_named() {
    for (script, says) in [
        (answer(500, &[], ""), "500 Internal Server Error"),
        (answer(302, &[("location", "https://e.example/")], ""), "it has moved to \"https://e.example/\""),
        (answer(404, &[], ""), "look at the path of url"),
        (answer(200, &[("content-encoding", "gzip")], "xx"), "is compressed (gzip)"),
        (ok("<html>login</html>"), "the document's root is \"html\", not miv"),
        (
            ok(publication(0, 1).replace("unieke_id=\"29\"", "unieke_id=\"30\"")),
            "none of the document's 2 points",
        ),
    ] {
        let server = Server::start([script]).await;
        let engine = Engine::new();
        let mut slowly = options(&server);
        (slowly.retry_min, slowly.retry_max) = (LIMIT, LIMIT);
        let source = start(slowly, engine.intake.clone());
        error(&source, says).await;
        source.stop().await;
    }
    let server = Server::start([]).await;
    let engine = Engine::new();
    let nobody = Options { url: "http://127.0.0.1:1/".to_owned(), ..options(&server) };
    let source = start(nobody, engine.intake.clone());
    error(&source, "cannot connect").await;
    source.stop().await;
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off() {
    let taken = Arc::new(AtomicU64::new(0));
    let endless = Script::Answer(Response::new(Endless(taken.clone()).boxed()));
    let server = Server::start([endless]).await;
    let engine = Engine::new();
    let mut slowly = options(&server);
    (slowly.retry_min, slowly.retry_max) = (LIMIT, LIMIT);
    let source = start(slowly, engine.intake.clone());
    error(&source, "the body has more than 1048576 bytes").await;
    assert_eq!(engine.refused(RefusalKind::Oversized), 1);
    source.stop().await;
    // What stands in the sockets' buffers was made too; a gigabyte was not.
    assert!(taken.load(Ordering::Relaxed) < 64 << 20, "{taken:?}");
}

#[tokio::test]
async fn a_body_that_states_its_gigabyte_is_not_begun() {
    struct Stated;
    impl Body for Stated {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
        fn size_hint(&self) -> hyper::body::SizeHint {
            hyper::body::SizeHint::with_exact(1 << 30)
        }
    }
    let server = Server::start([Script::Answer(Response::new(Stated.boxed()))]).await;
    let engine = Engine::new();
    let source = start(options(&server), engine.intake.clone());
    // Its body never comes: only the stated length can have been looked at.
    state(&source, "refused", |_| engine.refused(RefusalKind::Oversized) == 1).await;
    source.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    // An answer that comes too late for such a hurry is asked for again.
    let answers = (0..2_000).map(|_| ok(publication(0, 12)));
    let server = Server::start(std::iter::once(Script::Silence).chain(answers)).await;
    let mut engine = Engine::new();
    let hasty = Options { timeout: Duration::from_millis(100), ..options(&server) };
    let source = start(hasty, engine.intake.clone());
    assert_eq!(engine.vehicles().await, 12);
    state(&source, "well", |s| s.well).await;
    server.script.lock().clear();
    error(&source, "no whole answer within 100ms").await;
    source.stop().await;
}

#[tokio::test]
async fn yesterdays_data_are_refused_as_a_whole() {
    let server = Server::start([ok(publication(-24 * 60, 7)), ok(publication(0, 12))]).await;
    let mut engine = Engine::new();
    let mut slowly = options(&server);
    (slowly.retry_min, slowly.retry_max) = (LIMIT, LIMIT);
    let source = start(slowly, engine.intake.clone());
    error(&source, "minutes ago: nothing of it is taken").await;
    assert_eq!(engine.refused(RefusalKind::ClockBehind), 1);
    source.stop().await;
    let source = start(options(&server), engine.intake.clone());
    assert_eq!(engine.vehicles().await, 12, "the first that is taken is today's");
    source.stop().await;
}

#[tokio::test]
async fn a_feed_that_stands_still_is_told_of() {
    let answers = std::iter::once(answer(200, &[("etag", "\"a\"")], publication(0, 12)))
        .chain((0..2_000).map(|_| answer(304, &[], "")));
    let server = Server::start(answers).await;
    let mut engine = Engine::new();
    let source = start(options(&server), engine.intake.clone());
    assert_eq!(engine.vehicles().await, 12);
    state(&source, "well", |s| s.well && s.answers > 2).await;
    engine.clock.0.fetch_add(600, Ordering::Relaxed);
    error(&source, "the feed stands still").await;
    source.stop().await;
}

#[tokio::test]
async fn a_document_is_read_whole_or_not_at_all() {
    let whole = publication(0, 12);
    let cut = whole[..whole.len() - 20].to_owned();
    let server = Server::start([answer(200, &[("etag", "\"a\"")], cut), ok(whole)]).await;
    let mut engine = Engine::new();
    let source = start(options(&server), engine.intake.clone());
    assert_eq!(engine.vehicles().await, 12);
    state(&source, "well", |s| s.well).await;
    source.stop().await;
    assert_eq!(engine.refused(RefusalKind::Malformed), 1);
    assert_eq!(server.asked.lock()[1], (None, None), "what was not read is asked for without a condition");
    let kept = engine.intake.quarantine.newest(1);
    assert_eq!(kept[0].topic, "http/miv");
    assert!(kept[0].payload.starts_with(b"<miv>"));
}

#[tokio::test]
async fn an_encrypted_server_is_believed_by_its_issuer_alone() {
    let (server, certificate) = Server::encrypted([ok(publication(0, 12))]).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("issuer.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let mut engine = Engine::new();
    let url = format!("https://127.0.0.1:{}/miv/verkeersdata", server.port);
    let unknown = Options { url: url.clone(), ..options(&server) };
    let source = start(unknown, engine.intake.clone());
    error(&source, "TLS: ").await;
    source.stop().await;
    assert!(server.asked.lock().is_empty(), "nothing is asked of a server that is not trusted");

    let known = Options { url, ca_file: Some(ca_file), ..options(&server) };
    let source = start(known, engine.intake.clone());
    assert_eq!(engine.vehicles().await, 12);
    source.stop().await;
}
