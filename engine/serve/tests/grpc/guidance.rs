//! Why signs say what they say, now and then, and how guidance does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use vlot_model::{
    AdviceReason, Arrival, ArrivalBasis, Arrow, Board, City, Compliance, DeviceIx, Direction, FacilityIx,
    FacilityLoad, GuidanceState, LinePlan, LineWay, LinkIx, LiveWay, Product, Reading, RefusedSet, SignIx,
    SignLine, SignPlan, Target, Tick, Timestamp, Update, Value,
};
use vlot_proto::common::v1::StreamPosition;
use vlot_proto::guidance::v1::guidance_service_client::GuidanceServiceClient;
use vlot_proto::guidance::v1::{
    self as wire, GetGuidanceRequest, WatchGuidanceRequest, WhyRequest, why_request,
};
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_serve::{Moment, NoPast, Past, Said, Then};

use super::support::*;

/// The sign on the ring announces two car parks.
fn announcing(city: &mut City) {
    let line = |n: u32| SignLine {
        target: Target::Facility(FacilityIx(n)),
        label: "P".into(),
        arrow: Arrow::Left,
        travel_time: seconds(120),
    };
    city.signs[0].lines = vec![line(0), line(1)];
}

fn plan(advice: Option<u32>, at: Timestamp) -> Product {
    let way = LiveWay {
        links: Arc::from([LinkIx(0), LinkIx(1)]),
        start_m: 10.0,
        end_m: 20.0,
        travel_time_s: 240.0,
        length_m: 900.0,
        arrow: Arrow::Left,
    };
    let arrival = Arrival {
        after_s: 240.0,
        free_low: 24.0,
        free: 31.0,
        free_high: 38.0,
        on_the_way: 3.0,
        chance: 0.98,
        basis: ArrivalBasis::Forecast,
    };
    Product::Plan(Arc::new(SignPlan {
        sign: SignIx(0),
        decided_at: at,
        lines: vec![
            LinePlan {
                way: LineWay::Live(way),
                arrival: Some(arrival),
                avoid: false,
                cost_s: Some(400.0),
                walk_s: Some(130.0),
            },
            LinePlan { way: LineWay::None, arrival: None, avoid: false, cost_s: None, walk_s: None },
        ],
        advice,
        advised_since: advice.map(|_| at),
        reason: if advice.is_some() { AdviceReason::Assigned } else { AdviceReason::Withdrawn },
        seekers_vph: 40.0,
        edge: None,
    }))
}

fn state(refused: Option<RefusedSet>) -> Product {
    Product::Guidance(GuidanceState {
        proven_at: Some(NOON),
        refused,
        compliance: Compliance { share: 0.42, sd: 0.06, minutes: 35.0 },
        loads: vec![FacilityLoad {
            facility: FacilityIx(0),
            own_vph: 30.0,
            sent_vph: 12.0,
            on_the_way: 3.0,
            leaving_vph: 20.0,
        }],
        ..GuidanceState::default()
    })
}

fn of(moment: Option<why_request::Moment>) -> WhyRequest {
    WhyRequest { sign_id: "sign-ring".into(), moment, with_readings: false }
}

/// A past that answers as it is told to.
#[derive(Default)]
struct Told {
    answer: Mutex<Option<Result<Then, NoPast>>>,
    asked: Mutex<Vec<Moment>>,
    /// What was said last, from the back, and up to which tick that was asked for.
    said: Mutex<Vec<Said>>,
    up_to: Mutex<Vec<Tick>>,
    /// Instead of an answer: wait until nobody waits any more, and say so.
    gone: Option<mpsc::UnboundedSender<()>>,
    /// Or until this is so.
    enough: AtomicBool,
}

impl Told {
    fn new(answer: Result<Then, NoPast>) -> Arc<Told> {
        Arc::new(Told { answer: Mutex::new(Some(answer)), ..Told::default() })
    }
}

impl Past for Told {
    fn bring_back(&self, moment: Moment, given_up: &Arc<AtomicBool>) -> Result<Then, NoPast> {
        self.asked.lock().unwrap().push(moment);
        if let Some(gone) = &self.gone {
            gone.send(()).unwrap();
            while !given_up.load(Ordering::Acquire) {
                if self.enough.load(Ordering::Acquire) {
                    return Err(NoPast::NotKept(None));
                }
                std::thread::yield_now();
            }
            gone.send(()).unwrap();
            return Err(NoPast::GivenUp);
        }
        self.answer.lock().unwrap().take().unwrap_or(Err(NoPast::Busy))
    }

    fn said_last(&self, until: Tick, _: &Arc<AtomicBool>) -> Result<Said, NoPast> {
        self.up_to.lock().unwrap().push(until);
        self.said.lock().unwrap().pop().ok_or(NoPast::Busy)
    }
}

fn passage(second: u64, vehicles: u16) -> Reading {
    Reading {
        device: DeviceIx(2),
        sequence: Some(9),
        observed_at: NOON + seconds(second),
        received_at: NOON + seconds(second + 1),
        value: Value::Passage { direction: Direction::In, vehicles },
    }
}

#[tokio::test]
async fn the_present_is_told_with_what_devices_said_last_where_that_is_asked_for() {
    let readings = BTreeMap::from([(DeviceIx(2), vec![passage(1, 1)])]);
    // The first look finds a journal that is behind the board.
    let behind = Said { begins: NOON, ends: 6, readings: BTreeMap::new() };
    let said = vec![Said { begins: NOON, ends: 7, readings }, behind];
    let past = Arc::new(Told { said: Mutex::new(said), ..Told::default() });
    let house = House::open_with_past(Some(past.clone()), announcing).await;
    house.publish(7, [plan(Some(0), NOON)]);
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let asked = || WhyRequest { with_readings: true, ..of(None) };
    let told = within(client.why(of(None))).await.unwrap().into_inner();
    assert_eq!((told.journal_from, told.readings.len()), (None, 0));
    let told = within(client.why(asked())).await.unwrap().into_inner();
    assert_eq!((told.tick, told.journal_from.unwrap().seconds), (7, 1_767_268_800));
    assert_eq!(told.readings[0].readings[0].said, "1 vehicle in");
    // It tells so much; the next time it is busy, and the rest of the answer stands.
    let told = within(client.why(asked())).await.unwrap().into_inner();
    assert_eq!((told.tick, told.journal_from, told.readings.len()), (7, None, 0));
    assert!(told.decision.is_some());
    assert_eq!(*past.up_to.lock().unwrap(), [7, 7, 7]);
    assert!(past.asked.lock().unwrap().is_empty());

    // An engine without a journal tells what it knows.
    let house = House::open_with_past(None, announcing).await;
    house.publish(7, [plan(Some(0), NOON)]);
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let told = within(client.why(asked())).await.unwrap().into_inner();
    assert_eq!((told.tick, told.journal_from), (7, None));
}

#[tokio::test]
async fn the_present_is_told_from_the_board() {
    let house = House::open_with_past(None, announcing).await;
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let nothing = within(client.why(of(None))).await.unwrap().into_inner();
    assert_eq!(
        (nothing.face, nothing.decision, nothing.guidance, nothing.lines.len()),
        (None, None, None, 0)
    );
    house.publish(7, [face(0, 7, "P1", NOON), plan(Some(0), NOON), state(None)]);
    house.publish(8, [face(1, 8, "P1", NOON)]);
    let told = within(client.why(of(None))).await.unwrap().into_inner();
    assert_eq!((told.sign_id.as_str(), told.sign_name.as_str(), told.tick), ("sign-ring", "SIGN-RING", 8));
    assert_eq!((told.at.unwrap().seconds, told.journal_from, told.readings.len()), (1_767_268_800, None, 0));
    assert_eq!(told.face.unwrap().version, 7);
    let decision = told.decision.unwrap();
    assert_eq!((decision.advised_line, decision.reason()), (Some(0), wire::AdviceReason::Assigned));
    assert_eq!(
        decision.why,
        "LADEUZE is advised since 2026-01-01T12:00:00Z: the only line with space and a way, 6.7 min for a driver."
    );
    let [near, far] = &told.lines[..] else { panic!("{:?}", told.lines) };
    assert_eq!((near.target_id.as_str(), near.advised, near.way()), ("ladeuze", true, wire::WayKind::Live));
    assert_eq!((near.drive_s, near.cost_s, near.length_m), (Some(240.0), Some(400.0), Some(900.0)));
    assert_eq!((near.walk_s, told.lines[1].walk_s), (Some(130.0), None));
    assert_eq!((near.walk_and_risk_s, told.lines[1].walk_and_risk_s), (Some(160.0), None));
    assert_eq!((near.full_at, near.reopen_at), (Some(2), Some(5)));
    let arrival = near.arrival.unwrap();
    assert_eq!((arrival.free, arrival.basis()), (31.0, wire::ArrivalBasis::Forecast));
    assert_eq!((far.advised, far.way(), far.drive_s, far.cost_s), (false, wire::WayKind::None, None, None));
    let guidance = told.guidance.unwrap();
    assert_eq!((guidance.mode.as_str(), guidance.loads[0].facility_id.as_str()), ("together", "ladeuze"));
    assert_eq!(guidance.why[1], "42 % of drivers go where they are sent, \u{b1} 6, by 35 minutes of counts.");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_in_words() {
    let house = House::open_with_past(None, announcing).await;
    house.publish(7, [plan(Some(0), NOON)]);
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let noon = why_request::Moment::At(prost_types::Timestamp { seconds: 1_767_268_800, nanos: 0 });
    let later = why_request::Moment::At(prost_types::Timestamp { seconds: 1_767_268_801, nanos: 0 });
    let never = why_request::Moment::At(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
    let nobody = WhyRequest { sign_id: "nope".into(), ..of(None) };
    let table = [
        (nobody, Code::NotFound, "there is no sign \"nope\""),
        (of(Some(later)), Code::InvalidArgument, "still to come: it is 2026-01-01T12:00:00Z here"),
        (of(Some(never)), Code::InvalidArgument, "no instant"),
        (of(Some(why_request::Moment::Tick(0))), Code::InvalidArgument, "the newest is 7"),
        (of(Some(why_request::Moment::Tick(8))), Code::InvalidArgument, "the newest is 7"),
        (of(Some(noon)), Code::FailedPrecondition, "no journal"),
    ];
    for (request, code, words) in table {
        let refused = within(client.why(request)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.message().contains(words), "{refused}");
    }
    let table = [
        (NoPast::NotKept(Some(NOON)), Code::OutOfRange, "begins at 2026-01-01T12:00:00Z"),
        (NoPast::NotKept(None), Code::OutOfRange, "nothing yet"),
        (NoPast::Busy, Code::ResourceExhausted, "one at a time"),
        (NoPast::TooLong(seconds(120)), Code::DeadlineExceeded, "120 s"),
        (NoPast::Unreadable("segment 3 is damaged".into()), Code::Internal, "segment 3 is damaged"),
    ];
    for (why, code, words) in table {
        let house = House::open_with_past(Some(Told::new(Err(why))), announcing).await;
        house.publish(7, [plan(Some(0), NOON)]);
        let mut client = GuidanceServiceClient::new(house.channel().await);
        let refused = within(client.why(of(Some(noon)))).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.message().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn the_past_is_told_with_what_devices_had_said() {
    let mut city = city();
    announcing(&mut city);
    city.signs[0].name = "As it was called then".into();
    let board = Arc::new(Board::new());
    let update = |product| Update { tick: 3, at: NOON, trigger: None, product: Arc::new(product) };
    board.publish(3, NOON, [update(plan(None, NOON))]);
    let readings = BTreeMap::from([(DeviceIx(2), vec![passage(1, 1), passage(5, 2)])]);
    let then = Then { city: Arc::new(city), board, said: Said { begins: NOON, ends: 3, readings } };
    let past = Told::new(Ok(then));
    let house = House::open_with_past(Some(past.clone()), announcing).await;
    house.publish(7, [plan(Some(0), NOON)]);
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let told = within(client.why(of(Some(why_request::Moment::Tick(3))))).await.unwrap().into_inner();
    assert_eq!(*past.asked.lock().unwrap(), [Moment::Tick(3)]);
    assert_eq!((told.tick, told.sign_name.as_str()), (3, "As it was called then"));
    assert_eq!(told.journal_from.unwrap().seconds, 1_767_268_800);
    let decision = told.decision.unwrap();
    assert_eq!((decision.advised_line, decision.reason()), (None, wire::AdviceReason::Withdrawn));
    let [ladeuze, bodart] = &told.readings[..] else { panic!("{:?}", told.readings) };
    assert_eq!((ladeuze.target_id.as_str(), ladeuze.devices_heard, ladeuze.devices), ("ladeuze", 1, 1));
    let said: Vec<_> = ladeuze.readings.iter().map(|r| (r.device_id.as_str(), r.said.as_str())).collect();
    assert_eq!(said, [("ladeuze-in", "2 vehicles in"), ("ladeuze-in", "1 vehicle in")]);
    assert_eq!(ladeuze.readings[0].sequence, Some(9));
    assert_eq!((bodart.readings.len(), bodart.devices_heard, bodart.devices), (0, 0, 0));
    // It answers once; the second time it says that it is busy.
    let again = within(client.why(of(Some(why_request::Moment::Tick(3))))).await.unwrap_err();
    assert_eq!(again.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn who_goes_away_is_not_worked_for() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let past = Told { gone: Some(gone), ..Told::default() };
    let house = House::open_with_past(Some(Arc::new(past)), announcing).await;
    house.publish(7, [plan(Some(0), NOON)]);
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let asking = tokio::spawn(async move { client.why(of(Some(why_request::Moment::Tick(7)))).await });
    within(told.recv()).await.expect("the past was asked for");
    asking.abort();
    within(told.recv()).await.expect("and given up");
}

#[tokio::test]
async fn the_past_may_take_longer_than_a_request() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let past = Arc::new(Told { gone: Some(gone), ..Told::default() });
    let short = |o: &mut vlot_serve::Options| o.request_timeout = std::time::Duration::from_millis(50);
    let house = House::open_with_past_and(Some(past.clone()), short).await;
    house.publish(7, [plan(Some(0), NOON)]);
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let asking = tokio::spawn(async move { client.why(of(Some(why_request::Moment::Tick(7)))).await });
    within(told.recv()).await.expect("the past was asked for");
    // A sign that comes later and says nothing is ended first.
    let (_says, said) = mpsc::channel(1);
    let silent = SignServiceClient::new(house.channel().await).join(ReceiverStream::new(said)).await;
    let ended = within(silent.unwrap().into_inner().message()).await.unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    past.enough.store(true, Ordering::Release);
    let refused = within(asking).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
}

#[tokio::test]
async fn guidance_as_a_whole_is_asked_for_and_watched() {
    let house = House::open().await;
    let mut client = GuidanceServiceClient::new(house.channel().await);
    let nothing = within(client.get_guidance(GetGuidanceRequest {})).await.unwrap().into_inner();
    assert_eq!((nothing.guidance, nothing.timezone.as_str()), (None, "Europe/Brussels"));
    assert_eq!(nothing.now.unwrap().seconds, 1_767_268_800);
    house.publish(3, [state(None)]);
    let mut stream =
        within(client.watch_guidance(WatchGuidanceRequest::default())).await.unwrap().into_inner();
    let first = within(stream.message()).await.unwrap().unwrap();
    assert_eq!((first.guidance.unwrap().refused, first.position), (None, Some(StreamPosition { tick: 3 })));
    // A face does not concern it; a refused set does.
    house.publish(4, [face(0, 4, "P1", NOON)]);
    let refused = RefusedSet { since: NOON, faults: vec!["a driver would go round".into()] };
    house.publish(5, [state(Some(refused))]);
    let second = within(stream.message()).await.unwrap().unwrap();
    let guidance = second.guidance.unwrap();
    assert_eq!(second.position, Some(StreamPosition { tick: 5 }));
    assert_eq!(guidance.refused.unwrap().faults, ["a driver would go round"]);
    assert!(guidance.why[0].contains("a driver would go round"), "{:?}", guidance.why);
}
