//! A server on a free port with a board, a clock and an inbox that the test holds.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tonic::transport::{Channel, Endpoint};
use vlot_model::*;
use vlot_publish::FaceRenderer;
use vlot_serve::{Context, Options, Past, Problem, ServeError, Server};

use super::acts::Log;

/// Fails instead of hanging.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("nothing happened for 10 s")
}

/// A clock that the test sets.
pub struct Hand(AtomicI64);

impl Hand {
    pub fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_micros().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

pub struct House {
    pub addr: SocketAddr,
    pub city: Arc<City>,
    pub board: Arc<Board>,
    pub clock: Arc<Hand>,
    pub meters: Arc<Meters>,
    pub quarantine: Arc<Quarantine>,
    pub inbox: mpsc::Receiver<Submission>,
    pub problems: Arc<Mutex<Vec<Problem>>>,
    pub acts: Arc<Log>,
    changed: watch::Sender<Tick>,
    stop: Option<oneshot::Sender<()>>,
    pub running: tokio::task::JoinHandle<Result<(), ServeError>>,
}

/// Noon of a day, engine time, when every test begins.
pub const NOON: Timestamp = Timestamp::from_secs(1_767_268_800);

impl House {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub async fn open_with(change: impl FnOnce(&mut Options)) -> Self {
        Self::try_open(change).await.unwrap()
    }

    /// With a history to read.
    pub async fn open_with_history(history: Arc<dyn History>) -> Self {
        Self::open_over(Arc::default(), |_| {}, Some(history), |_| {}).await.unwrap()
    }

    /// In another city, with a past to bring back.
    pub async fn open_with_past(past: Option<Arc<dyn Past>>, other: impl FnOnce(&mut City)) -> Self {
        Self::open_in_time(Arc::default(), |_| {}, None, other, past).await.unwrap()
    }

    /// With a past to bring back and other options.
    pub async fn open_with_past_and(past: Option<Arc<dyn Past>>, change: impl FnOnce(&mut Options)) -> Self {
        Self::open_in_time(Arc::default(), change, None, |_| {}, past).await.unwrap()
    }

    /// In another city.
    pub async fn open_in(change: impl FnOnce(&mut City)) -> Self {
        Self::open_over(Arc::default(), |_| {}, None, change).await.unwrap()
    }

    pub async fn try_open(change: impl FnOnce(&mut Options)) -> Result<Self, ServeError> {
        Self::open_over(Arc::default(), change, None, |_| {}).await
    }

    /// Over an audit log that holds something already.
    pub async fn open_on(acts: Arc<Log>, change: impl FnOnce(&mut Options)) -> Result<Self, ServeError> {
        Self::open_over(acts, change, None, |_| {}).await
    }

    async fn open_over(
        acts: Arc<Log>,
        change: impl FnOnce(&mut Options),
        history: Option<Arc<dyn History>>,
        other: impl FnOnce(&mut City),
    ) -> Result<Self, ServeError> {
        Self::open_in_time(acts, change, history, other, None).await
    }

    async fn open_in_time(
        acts: Arc<Log>,
        change: impl FnOnce(&mut Options),
        history: Option<Arc<dyn History>>,
        other: impl FnOnce(&mut City),
        past: Option<Arc<dyn Past>>,
    ) -> Result<Self, ServeError> {
        let mut city = city();
        other(&mut city);
        let city = Arc::new(city);
        let board = Arc::new(Board::new());
        let clock = Arc::new(Hand(AtomicI64::new(NOON.micros())));
        let (meters, quarantine) = (Arc::new(Meters::default()), Arc::new(Quarantine::default()));
        let (changed, seen) = watch::channel(0);
        let (inbox_in, inbox) = mpsc::channel(4);
        let problems = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&problems);
        let context = Context {
            city: Arc::clone(&city),
            board: Arc::clone(&board),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            meters: Arc::clone(&meters),
            quarantine: Arc::clone(&quarantine),
            renderer: Arc::new(FaceRenderer::new(&city).unwrap()),
            changed: seen,
            inbox: inbox_in,
            problems: Arc::new(move || told.lock().unwrap().clone()),
            acts: Some(Arc::clone(&acts) as Arc<dyn ActLog>),
            history,
            past,
        };
        let mut options = Options::new((Ipv4Addr::LOCALHOST, 0).into());
        change(&mut options);
        let server = Server::bind(options, context)?;
        let addr = server.addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move { drop(stopped.await) }));
        let stop = Some(stop);
        Ok(House {
            addr,
            city,
            board,
            clock,
            meters,
            quarantine,
            inbox,
            problems,
            acts,
            changed,
            stop,
            running,
        })
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.addr)).unwrap()
    }

    pub async fn channel(&self) -> Channel {
        within(self.endpoint().connect()).await.unwrap()
    }

    /// Publishes products as one tick, now.
    pub fn publish(
        &self,
        tick: Tick,
        products: impl IntoIterator<Item = Product, IntoIter: DoubleEndedIterator>,
    ) {
        let at = self.clock.now();
        let updates = products.into_iter().map(|product| Update {
            tick,
            at,
            trigger: None,
            product: Arc::new(product),
        });
        self.board.publish(tick, at, updates);
        self.changed.send_replace(tick);
    }

    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// The next reading that arrived from a sign, with its message.
    pub async fn reported(&mut self) -> Vec<Reading> {
        within(self.inbox.recv()).await.expect("the inbox is open").readings
    }
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A facility with that many free spaces, good for a minute.
pub fn facility(ix: u32, free: u32, now: Timestamp) -> Product {
    Product::Facility(FacilityState {
        facility: FacilityIx(ix),
        capacity: 100,
        occupied: Some(100 - free),
        free: Some(free),
        occupied_uncorrected: Some(-3),
        opening: Opening::Open,
        closed: None,
        status: if free == 0 { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable },
        observed_at: Some(now),
        valid_until: Some(now + seconds(60)),
        quality: Quality::Good,
        sensors: Share { reporting: 2, total: 2 },
        lost_messages: 1,
        certainty: None,
        groups: Vec::new(),
    })
}

/// The garage: its first section good for a minute, its second for two.
pub fn garage(free: u32, now: Timestamp) -> Product {
    let section = |ix, minutes: u64| SectionState {
        section: SectionIx(ix),
        capacity: 50,
        free: Some(free),
        status: FacilityStatus::SpacesAvailable,
        observed_at: Some(now),
        valid_until: Some(now + seconds(60 * minutes)),
        quality: Quality::Good,
        certainty: None,
    };
    Product::Garage(GarageState {
        garage: GarageIx(0),
        sections: vec![section(0, 1), section(1, 2)],
        free: Some(2 * free),
        capacity: 100,
        observed_at: Some(now),
        valid_until: Some(now + seconds(60)),
        quality: Quality::Good,
        sensors: Share { reporting: 2, total: 2 },
        unmoved: None,
    })
}

/// A face of a sign, in force for half a minute.
pub fn face(sign: u32, version: u64, multi: &str, now: Timestamp) -> Product {
    let why = |wanted| RowReason { sight: Sight::unseen(100), wanted, calm_until: None };
    Product::Face(Arc::new(Face {
        sign: SignIx(sign),
        version,
        rows: vec![
            FaceRow {
                target: Target::Facility(FacilityIx(0)),
                label: "Ladeuze".into(),
                arrow: Arrow::AheadLeft,
                figure: Figure::Free(12),
                minutes: Some(4),
                filling: true,
                why: why(Figure::Free(12)),
            },
            FaceRow {
                target: Target::Section(SectionIx(1)),
                label: "Onder".into(),
                arrow: Arrow::Down,
                figure: Figure::Full,
                minutes: None,
                filling: false,
                why: why(Figure::Full),
            },
            FaceRow {
                target: Target::Garage(GarageIx(0)),
                label: "Fiets".into(),
                arrow: Arrow::None,
                figure: Figure::Blank,
                minutes: None,
                filling: false,
                why: why(Figure::Blank),
            },
        ],
        advice: Some(0),
        multi: multi.into(),
        choice: Choice { lines: 0, candidates: 0 },
        decided_at: now,
        valid_until: now + seconds(30),
        trigger: Some(Trigger { device: DeviceIx(2), sequence: Some(7), observed_at: now }),
    }))
}

pub fn sign_state(sign: u32, displayed: u64, now: Timestamp) -> Product {
    Product::Sign(SignState {
        sign: SignIx(sign),
        connected: Some(true),
        displayed_version: Some(displayed),
        displayed_at: Some(now),
        fault: Some(SignFault::Pixel),
        heard_at: Some(now),
    })
}

/// What Ladeuze tells its visitors.
fn site() -> Site {
    Site {
        opening_hours: Some("24/7".into()),
        height_limit_cm: Some(210),
        onward: vec![Onward {
            line: "2".into(),
            to: "Station".into(),
            headway_min: 10,
            ride_min: 8,
            alights: None,
            stops: None,
            timetable: None,
        }],
        parts: vec![Part { id: "p1".into(), name: "Level -1".into(), level: -1, capacity: 40 }],
        ..Site::default()
    }
}

/// Two links in a row, `a` and `b`.
fn network() -> RoadNetwork {
    let mut draft = vlot_network::Draft::new("test");
    for (n, id) in [(0_i64, 0xa_u64), (1, 0xb)] {
        let lon = 4.7 + 0.01 * n as f64;
        let points = [lon, lon + 0.01].map(|lon| LonLat { lon, lat: 50.88 }).to_vec();
        draft.link(vlot_network::DraftLink {
            points,
            ..vlot_network::DraftLink::new([n, n + 1], id, RoadClass::Primary)
        });
    }
    draft.make().network
}

pub fn city() -> City {
    let facility = |id: &str, kind, counting, bays| Facility {
        id: id.into(),
        name: id.to_uppercase(),
        kind,
        position: LonLat { lon: 4.7, lat: 50.88 },
        capacity: 100,
        counting,
        bays,
        valid_for: seconds(60),
        min_share: 0.5,
        full_at: 2,
        reopen_at: 5,
        estimate: vlot_model::Reliability::of(100),
        site: vlot_model::Site::default(),
    };
    let bay = |id: &str| Bay { id: id.into(), bay_use: UserGroup::Everyone, device: DeviceIx(0) };
    let section = |id: &str, rack| Section {
        id: id.into(),
        name: id.to_uppercase(),
        garage: GarageIx(0),
        capacity: 50,
        rack,
        level: -1,
        full_at: 1,
        reopen_at: 3,
        sources: vlot_model::SectionSources::default(),
    };
    let place = |id: &str| vlot_model::Place { id: id.into(), device: DeviceIx(0) };
    let station = |id: &str, mode| Station {
        id: id.into(),
        name: id.to_uppercase(),
        position: LonLat { lon: 4.71, lat: 50.87 },
        mode,
        interval: seconds(60),
        lateness: seconds(10),
        uptime_corrected: id == "vaart",
        devices: Vec::new(),
    };
    let sign = |id: &str, placement, device| Sign {
        id: id.into(),
        name: id.to_uppercase(),
        position: LonLat { lon: 4.72, lat: 50.86 },
        matrix: Matrix { width_px: 96, height_px: 48 },
        placement,
        lines: Vec::new(),
        template: 0,
        time_to_live: seconds(30),
        min_dwell: seconds(5),
        demand: 1.0,
        device: DeviceIx(device),
    };
    let device = |id: &str, kind, role| Device {
        id: id.into(),
        kind,
        role,
        silent_after: seconds(60),
        service: vlot_model::Service::default(),
    };
    let mut city = City {
        name: "Leuven".into(),
        timezone: "Europe/Brussels".into(),
        devices: vec![
            device("sign-ring", DeviceKind::Sign, Role::Sign { sign: SignIx(0) }),
            device("sign-garage", DeviceKind::Sign, Role::Sign { sign: SignIx(1) }),
            device("ladeuze-in", DeviceKind::Barrier, Role::Barrier { facility: FacilityIx(0) }),
        ],
        facilities: vec![
            Facility {
                site: site(),
                ..facility("ladeuze", FacilityKind::OffStreet, Counting::Barriers, Vec::new())
            },
            facility("bodart", FacilityKind::Edge, Counting::Absolute, Vec::new()),
            facility("bondgenotenlaan", FacilityKind::OnStreet, Counting::Bays, vec![bay("1"), bay("2")]),
        ],
        garages: vec![Garage {
            id: "station".into(),
            name: "Station".into(),
            position: LonLat { lon: 4.715, lat: 50.881 },
            sections: vec![SectionIx(0), SectionIx(1)],
            valid_for: seconds(60),
            site: vlot_model::GarageSite {
                unmoved_after: Some(seconds(28 * 86_400)),
                ..vlot_model::GarageSite::default()
            },
        }],
        sections: vec![
            section("boven", RackKind::TwoTier),
            Section {
                sources: vlot_model::SectionSources {
                    places: vec![place("11"), place("12")],
                    ..Default::default()
                },
                ..section("onder", RackKind::Cargo)
            },
        ],
        stations: vec![station("ring-1", CountMode::Motor), station("vaart", CountMode::Bicycle)],
        signs: vec![
            sign("sign-ring", Placement::Street, 0),
            sign("sign-garage", Placement::Garage(GarageIx(0)), 1),
        ],
        ..City::default()
    };
    for at in 0..city.facilities.len() {
        let id = format!("{}/operator", city.facilities[at].id);
        let role = Role::Operator { facility: FacilityIx::from_position(at) };
        city.directory.insert(&id, DeviceIx::from_position(city.devices.len()));
        city.devices.push(device(&id, DeviceKind::Operator, role));
    }
    for at in 0..city.facilities.len() {
        let id = format!("{}/apps", city.facilities[at].id);
        let role = Role::Apps { facility: FacilityIx::from_position(at) };
        city.directory.insert(&id, DeviceIx::from_position(city.devices.len()));
        city.devices.push(device(&id, DeviceKind::Apps, role));
    }
    city.directory.insert("roads/operator", DeviceIx::from_position(city.devices.len()));
    city.devices.push(device("roads/operator", DeviceKind::SituationFeed, Role::Situations));
    city.network = Some(Arc::new(network()));
    city
}
