//! One burst of one change to many streams: how long until each has it, and what a stream costs.
//!
//! ```text
//! cargo run --release -p vlot-serve --example fanout -- 1000 10000
//! ```
//!
//! The server has a runtime of one thread; the clients have another, in the same process, and take one core of their
//! own. Beside it, in the same run, the floor: a bare tonic service that sends the same message through a channel a
//! stream. Times run from just before the board is told to the decoded message; CPU is the server's thread alone, for
//! one delivery; memory is what the server's process grows by for one stream while the clients are in another process.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, not a part of the engine"
)]

use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};
use vlot_model::{
    Board, City, Clock, Counting, FacilityIx, FacilityStatus, LonLat, Product, Quality, Share, Tick,
    Timestamp, Update,
};
use vlot_proto::common::v1::{Position, SensorShare, StreamPosition};
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::parking_service_server::{ParkingService, ParkingServiceServer};
use vlot_proto::parking::v1::{
    Facility, FacilityState, GetFacilityRequest, GetFacilityResponse, ListFacilitiesRequest,
    ListFacilitiesResponse, WatchFacilitiesRequest, WatchFacilitiesResponse,
};
use vlot_publish::FaceRenderer;
use vlot_serve::{Context, Options, Server};

const BURSTS: u64 = 50;
/// A stream that never reads has its window full and its buffer full after so many.
const BURSTS_TO_FILL: u64 = 2_000;
const STREAMS_PER_CONNECTION: usize = 100;

type Begin = fn(Since) -> Running;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["clients", kind, addr, streams] => {
            return clients(*kind == "stuck", addr.parse().unwrap(), streams.parse().unwrap());
        }
        ["server", name, kind, streams] => {
            return memory(if *name == "vlot" { vlot } else { bare }, kind, streams.parse().unwrap());
        }
        _ => {}
    }
    let mut sizes: Vec<usize> = arguments.iter().map(|n| n.parse().unwrap()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000];
    }
    for streams in sizes {
        println!("{streams} streams");
        println!(
            "{:>16}{:>9}{:>9}{:>9}{:>15}{:>14}{:>13}",
            "", "p50 ms", "p99 ms", "max ms", "CPU us/message", "bytes/reader", "bytes/stuck"
        );
        for (name, begin) in [("vlot", vlot as Begin), ("bare tonic", bare)] {
            let (latency_us, cpu) = burst(begin, streams, None);
            row(name, &latency_us, cpu);
            let count = streams.to_string();
            let memory = |kind| Child::start(&["server", name, kind, &count]).1;
            println!("{:>14}{:>13}", memory("reading").trim(), memory("stuck").trim());
        }
        let (latency_us, cpu) = burst(vlot, streams, Some("stuck"));
        row("beside as many", &latency_us, cpu);
        println!("   that never read");
    }
}

fn row(name: &str, latency_us: &Histogram<u64>, cpu: Duration) {
    let ms = |micros: u64| Duration::from_micros(micros).as_secs_f64() * 1e3;
    let (p50, p99, max) =
        (latency_us.value_at_quantile(0.5), latency_us.value_at_quantile(0.99), latency_us.max());
    print!("{name:>16}{:>9.2}{:>9.2}{:>9.2}{:>15.2}", ms(p50), ms(p99), ms(max), cpu.as_secs_f64() * 1e6);
}

/// Latencies of all deliveries of some bursts, and the server's CPU time for one.
fn burst(begin: Begin, streams: usize, beside: Option<&str>) -> (Histogram<u64>, Duration) {
    let since = Since(Instant::now());
    let server = begin(since.clone());
    let others = beside.map(|kind| Child::clients(kind, server.addr, streams));
    if others.is_some() {
        (1..=BURSTS_TO_FILL).for_each(&server.burst);
    }
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    clients.block_on(async {
        let (end, ended) = watch::channel(());
        let received = Arc::new(AtomicUsize::new(0));
        let all_received = Arc::new(Notify::new());
        let sent_at = Arc::new(AtomicU64::new(0));
        let mut readers = Vec::new();
        for mut stream in open(server.addr, streams).await {
            let (since, sent_at, received) = (since.clone(), Arc::clone(&sent_at), Arc::clone(&received));
            let (mut ended, all) = (ended.clone(), Arc::clone(&all_received));
            // The present state first: the stream is known to be open.
            stream.message().await.unwrap().unwrap();
            readers.push(tokio::spawn(async move {
                let mut latencies = Vec::new();
                while let Some(message) = tokio::select! {
                    message = stream.message() => message.unwrap(),
                    _ = ended.changed() => None,
                } {
                    assert!(message.facility.is_some());
                    latencies.push(since.micros() - sent_at.load(Ordering::Acquire));
                    if received.fetch_add(1, Ordering::AcqRel) + 1 == streams {
                        all.notify_one();
                    }
                }
                latencies
            }));
        }
        let cpu = server.cpu();
        for number in 1..=BURSTS {
            received.store(0, Ordering::Release);
            sent_at.store(since.micros(), Ordering::Release);
            (server.burst)(BURSTS_TO_FILL + number);
            all_received.notified().await;
        }
        let cpu = server.cpu() - cpu;
        drop((end, others));
        let mut all = Histogram::<u64>::new(3).unwrap();
        for reader in readers {
            for latency in reader.await.unwrap() {
                all.record(latency).unwrap();
            }
        }
        (all, cpu / u32::try_from(BURSTS * streams as u64).unwrap())
    })
}

/// A process of its own, which is the server: says what it grows by for a stream that reads everything or nothing.
fn memory(begin: Begin, kind: &str, streams: usize) {
    let server = begin(Since(Instant::now()));
    let before = resident_bytes();
    let clients = Child::clients(kind, server.addr, streams);
    for number in 1..=BURSTS_TO_FILL {
        (server.burst)(number);
        // As a city would: one change after the other, not all in one.
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{}", resident_bytes().saturating_sub(before) / streams as u64);
    drop(clients);
}

/// A process of its own: opens streams and reads them or not, until it is ended.
fn clients(stuck: bool, addr: SocketAddr, streams: usize) {
    std::thread::spawn(|| {
        // Nothing is ever said: this is the end of who started it.
        let _ended = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let streams = open(addr, streams).await;
        println!("ready");
        if stuck {
            // Not even the sockets are read.
            std::thread::park();
        }
        let readers =
            streams.into_iter().map(|mut s| tokio::spawn(async move { while s.message().await.is_ok() {} }));
        for reader in readers.collect::<Vec<_>>() {
            reader.await.unwrap();
        }
    });
}

/// This program once more, in another part; ends when this is dropped.
struct Child(std::process::Child);

impl Child {
    /// Returns with the first line that it says.
    fn start(arguments: &[&str]) -> (Self, String) {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        (Child(child), said)
    }

    /// Returns when all streams are open.
    fn clients(kind: &str, addr: SocketAddr, streams: usize) -> Self {
        Self::start(&["clients", kind, &addr.to_string(), &streams.to_string()]).0
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn open(addr: SocketAddr, streams: usize) -> Vec<Streaming<WatchFacilitiesResponse>> {
    let mut open = Vec::with_capacity(streams);
    while open.len() < streams {
        // Windows as large as those of clients that measure their bandwidth: it is the server that sets the bound.
        let endpoint = Endpoint::from_shared(format!("http://{addr}"))
            .unwrap()
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(1 << 28);
        let mut client = ParkingServiceClient::<Channel>::new(endpoint.connect().await.unwrap());
        for _ in 0..STREAMS_PER_CONNECTION.min(streams - open.len()) {
            open.push(client.watch_facilities(WatchFacilitiesRequest::default()).await.unwrap().into_inner());
        }
    }
    open
}

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// Time since the start of a measurement, and the engine's clock.
#[derive(Clone)]
struct Since(Instant);

impl Since {
    fn micros(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap()
    }
}

impl Clock for Since {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.micros()).unwrap())
    }
}

/// A server in a thread of its own, which ends when this is dropped.
struct Running {
    addr: SocketAddr,
    /// Sends the change of this number to all.
    burst: Box<dyn Fn(u64)>,
    stop: Option<oneshot::Sender<()>>,
    /// What the system says of the thread's time.
    schedstat: PathBuf,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn begin<F: Future<Output = ()>>(
        addr: SocketAddr,
        burst: Box<dyn Fn(u64)>,
        serve: impl FnOnce(oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            tell.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(stopped));
        });
        let schedstat = PathBuf::from("/proc").join(told.recv().unwrap()).join("schedstat");
        Running { addr, burst, stop: Some(stop), schedstat, thread: Some(thread) }
    }

    /// CPU time of the server's thread.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(&self.schedstat).unwrap();
        Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn state(number: u64, now: Timestamp) -> vlot_model::FacilityState {
    let occupied = u32::try_from(number % 500).unwrap();
    vlot_model::FacilityState {
        facility: FacilityIx(0),
        capacity: 500,
        occupied: Some(occupied),
        free: Some(500 - occupied),
        occupied_uncorrected: Some(123),
        opening: vlot_model::Opening::Open,
        closed: None,
        status: FacilityStatus::SpacesAvailable,
        observed_at: Some(now),
        valid_until: Some(now + Duration::from_secs(300)),
        quality: Quality::Good,
        sensors: Share { reporting: 499, total: 500 },
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    }
}

/// The server under measurement.
fn vlot(since: Since) -> Running {
    let facility = vlot_model::Facility {
        id: "ladeuze".into(),
        name: "Ladeuzeplein".into(),
        kind: vlot_model::FacilityKind::OffStreet,
        position: LonLat { lon: 4.7, lat: 50.88 },
        capacity: 500,
        counting: Counting::Absolute,
        bays: Vec::new(),
        valid_for: Duration::from_secs(300),
        min_share: 0.5,
        full_at: 2,
        reopen_at: 5,
        estimate: vlot_model::Reliability::of(500),
        site: vlot_model::Site::default(),
    };
    let city = Arc::new(City { facilities: vec![facility], ..City::default() });
    let board = Arc::new(Board::new());
    let (changed, seen) = watch::channel(0);
    let context = Context {
        renderer: Arc::new(FaceRenderer::new(&city).unwrap()),
        city,
        board: Arc::clone(&board),
        clock: Arc::new(since.clone()),
        meters: Arc::default(),
        quarantine: Arc::default(),
        changed: seen,
        inbox: mpsc::channel(1).0,
        problems: Arc::new(Vec::new),
        acts: None,
        history: None,
        past: None,
    };
    let options = Options { max_streams: 100_000, ..Options::new((Ipv4Addr::LOCALHOST, 0).into()) };
    let server = Server::bind(options, context).unwrap();
    let burst = move |number: u64| {
        let (tick, at): (Tick, _) = (number + 1, since.now());
        let product = Product::Facility(state(number, at));
        board.publish(tick, at, [Update { tick, at, trigger: None, product: Arc::new(product) }]);
        changed.send_replace(tick);
    };
    burst(0);
    Running::begin(server.addr(), Box::new(burst), |stopped| async move {
        server.run(async { drop(stopped.await) }).await.unwrap();
    })
}

type Subscribers = Arc<Mutex<Vec<mpsc::Sender<Result<WatchFacilitiesResponse, Status>>>>>;

/// The floor: a channel a stream, and every message encoded for each, as in tonic's own guide.
fn bare(since: Since) -> Running {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let (bursts, mut numbers) = mpsc::unbounded_channel();
    let burst = move |number: u64| bursts.send(number).unwrap();
    Running::begin(addr, Box::new(burst), move |stopped| async move {
        let subscribers = Subscribers::default();
        let service = Bare { subscribers: Arc::clone(&subscribers), since: since.clone() };
        tokio::spawn(async move {
            while let Some(number) = numbers.recv().await {
                let message = message(number, since.now());
                for subscriber in subscribers.lock().await.iter() {
                    // A subscriber that does not keep up loses messages: the floor has no better answer.
                    let _lost = subscriber.try_send(Ok(message.clone()));
                }
            }
        });
        let incoming = TcpListenerStream::new(tokio::net::TcpListener::from_std(listener).unwrap());
        let incoming = tokio_stream::StreamExt::map(incoming, |socket| {
            let socket = socket?;
            socket.set_nodelay(true)?;
            Ok::<_, std::io::Error>(socket)
        });
        let served = tonic::transport::Server::builder()
            .add_service(ParkingServiceServer::new(service))
            .serve_with_incoming(incoming);
        tokio::select! {
            served = served => served.unwrap(),
            _ = stopped => {}
        }
    })
}

struct Bare {
    subscribers: Subscribers,
    since: Since,
}

#[tonic::async_trait]
impl ParkingService for Bare {
    async fn list_facilities(
        &self,
        _: Request<ListFacilitiesRequest>,
    ) -> Result<Response<ListFacilitiesResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn get_facility(
        &self,
        _: Request<GetFacilityRequest>,
    ) -> Result<Response<GetFacilityResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    type WatchFacilitiesStream = ReceiverStream<Result<WatchFacilitiesResponse, Status>>;

    async fn watch_facilities(
        &self,
        _: Request<WatchFacilitiesRequest>,
    ) -> Result<Response<Self::WatchFacilitiesStream>, Status> {
        let (send, receive) = mpsc::channel(16);
        send.send(Ok(message(0, self.since.now()))).await.unwrap();
        self.subscribers.lock().await.push(send);
        Ok(Response::new(ReceiverStream::new(receive)))
    }
}

fn message(number: u64, now: Timestamp) -> WatchFacilitiesResponse {
    let at = |t: Timestamp| prost_types::Timestamp {
        seconds: t.micros() / 1_000_000,
        nanos: i32::try_from(t.micros() % 1_000_000 * 1_000).unwrap(),
    };
    let s = state(number, now);
    let facility = Facility {
        id: "ladeuze".into(),
        name: "Ladeuzeplein".into(),
        kind: 1,
        position: Some(Position { latitude: 50.88, longitude: 4.7 }),
        state: Some(FacilityState {
            capacity: s.capacity,
            occupied: s.occupied,
            free: s.free,
            occupied_uncorrected: s.occupied_uncorrected,
            opening: 1,
            status: 1,
            observed_at: s.observed_at.map(at),
            valid_until: s.valid_until.map(at),
            quality: 1,
            sensors: Some(SensorShare { reporting: 499, total: 500 }),
            lost_messages: 0,
            version: number + 1,
            ..FacilityState::default()
        }),
        ..Facility::default()
    };
    let position = Some(StreamPosition { tick: number + 1 });
    WatchFacilitiesResponse { facility: Some(facility), position }
}
