//! Operators' acts: written down, admitted, answered when they are durable, counted once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonic::{Code, Status};
use vlot_model::*;
use vlot_proto::common::v1 as common;
use vlot_proto::parking::v1 as wire;
use vlot_proto::parking::v1::operation_service_client::OperationServiceClient;
use vlot_proto::parking::v1::{
    Attribution, CloseFacilityRequest, CorrectOccupancyRequest, ListActsRequest, OpenFacilityRequest,
    RecordVerifiedCountRequest, ResetCounterRequest,
};
use vlot_serve::ActsFrom;

use super::support::*;

type Client = OperationServiceClient<tonic::transport::Channel>;

/// An audit log in memory, on a disk that can fill up.
#[derive(Default)]
pub struct Log {
    acts: Mutex<Vec<Act>>,
    full: Mutex<bool>,
}

impl Log {
    fn put(&self, order: Order) -> Act {
        let mut acts = self.acts.lock().unwrap();
        let of = acts.iter().filter(|a| a.order.facility == order.facility).count();
        let act = Act { order, sequence: u32::try_from(of).unwrap() + 1, end: None };
        acts.push(act.clone());
        act
    }
}

impl ActLog for Log {
    fn ask(&self, order: Order) -> Result<Act, String> {
        if *self.full.lock().unwrap() { Err("no space".into()) } else { Ok(self.put(order)) }
    }

    fn end(&self, id: &str, end: End) -> Result<(), String> {
        self.acts
            .lock()
            .unwrap()
            .iter_mut()
            .filter(|a| a.order.id == id)
            .for_each(|a| a.end = Some(end.clone()));
        Ok(())
    }

    fn find(&self, id: &str) -> Option<Act> {
        self.acts.lock().unwrap().iter().find(|a| a.order.id == id).cloned()
    }

    fn newest(&self, facility: Option<&str>, limit: usize) -> Vec<Act> {
        let acts = self.acts.lock().unwrap();
        let wanted = |a: &&Act| facility.is_none_or(|id| a.order.facility == id);
        acts.iter().rev().filter(wanted).take(limit).cloned().collect()
    }

    fn under_way(&self) -> Vec<Act> {
        self.acts.lock().unwrap().iter().filter(|a| a.end.is_none()).cloned().collect()
    }
}

fn by(act_id: &str) -> Option<Attribution> {
    Some(Attribution { act_id: act_id.into(), actor: "Mia Peeters".into(), reason: "night round".into() })
}

fn count(act_id: &str, facility: &str, occupied: u32) -> RecordVerifiedCountRequest {
    let (facility_id, attribution) = (facility.into(), by(act_id));
    RecordVerifiedCountRequest { facility_id, attribution, occupied: Some(occupied), observed_at: None }
}

async fn client(house: &House) -> Client {
    OperationServiceClient::new(house.channel().await)
}

/// Takes what was handed in, and says that it is in the journal with that tick.
pub async fn journal(house: &mut House, tick: Tick, refused: Option<RefusalKind>) -> Vec<Reading> {
    let mut submission = within(house.inbox.recv()).await.unwrap();
    let mut receipt = submission.receipt.take().expect("an act waits for its receipt");
    receipt.note(Settled { tick, refused });
    receipt.acknowledge();
    submission.readings
}

fn instant(t: Timestamp) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: t.micros() / 1_000_000, nanos: 0 })
}

#[tokio::test]
async fn an_act_is_answered_when_it_is_in_the_journal_and_says_before_and_after() {
    let mut house = House::open().await;
    house.publish(1, [facility(0, 40, NOON)]);
    let mut client = client(&house).await;
    let counted_at = Timestamp::from_secs(NOON.micros() / 1_000_000 - 600);
    let mut request = count("a-1", "ladeuze", 70);
    request.observed_at = instant(counted_at);
    let asked = tokio::spawn(async move { client.record_verified_count(request).await });

    let mut submission = within(house.inbox.recv()).await.unwrap();
    let desk = house.city.desk(FacilityIx(0)).unwrap();
    let expected = Reading {
        device: desk,
        sequence: Some(1),
        observed_at: counted_at,
        received_at: NOON,
        value: Value::Verified { occupied: 70 },
    };
    assert_eq!(submission.readings, [expected]);
    assert_eq!(house.acts.under_way().len(), 1, "written down before it is handed in");
    house.publish(2, [facility(0, 30, NOON)]);
    assert!(!asked.is_finished(), "nothing is promised before it is durable");
    let mut receipt = submission.receipt.take().unwrap();
    receipt.note(Settled { tick: 2, refused: None });
    receipt.acknowledge();

    let act = within(asked).await.unwrap().unwrap().into_inner().act.unwrap();
    assert_eq!((act.act_id.as_str(), act.facility_id.as_str(), act.tick), ("a-1", "ladeuze", 2));
    assert_eq!(
        (act.kind(), act.occupied, act.stage()),
        (wire::ActKind::VerifiedCount, Some(70), wire::ActStage::Done)
    );
    assert_eq!((act.actor.as_str(), act.reason.as_str()), ("Mia Peeters", "night round"));
    assert_eq!(act.actor_known_by(), wire::ActorKnownBy::Stated);
    assert_eq!((act.asked_at, act.observed_at), (instant(NOON), instant(counted_at)));
    let (before, after) = (act.before.unwrap(), act.after.unwrap());
    assert_eq!(
        (before.occupied, before.free, after.occupied, after.free),
        (Some(60), Some(40), Some(70), Some(30))
    );
    assert_eq!((before.occupied_uncorrected, before.status()), (Some(-3), common::Status::SpacesAvailable));
    assert_eq!((after.opening(), after.quality()), (wire::Opening::Open, common::Quality::Good));
}

#[tokio::test]
async fn each_kind_of_act_says_its_own() {
    let mut house = House::open().await;
    let client = client(&house).await;
    let id = || "bodart".to_owned();
    let request = CorrectOccupancyRequest { facility_id: id(), attribution: by("c"), occupied: Some(0) };
    let mut c = client.clone();
    let mut asked =
        vec![tokio::spawn(async move { c.correct_occupancy(request).await.map(|a| a.into_inner().act) })];
    let mut said = journal(&mut house, 1, None).await;
    let request = ResetCounterRequest { facility_id: id(), attribution: by("r") };
    let mut c = client.clone();
    asked.push(tokio::spawn(async move { c.reset_counter(request).await.map(|a| a.into_inner().act) }));
    said.extend(journal(&mut house, 1, None).await);
    let request = CloseFacilityRequest { facility_id: id(), attribution: by("x") };
    let mut c = client.clone();
    asked.push(tokio::spawn(async move { c.close_facility(request).await.map(|a| a.into_inner().act) }));
    said.extend(journal(&mut house, 1, None).await);
    let request = OpenFacilityRequest { facility_id: id(), attribution: by("o") };
    let mut c = client.clone();
    asked.push(tokio::spawn(async move { c.open_facility(request).await.map(|a| a.into_inner().act) }));
    said.extend(journal(&mut house, 1, None).await);
    house.publish(1, []);

    let values: Vec<_> = said.iter().map(|r| (r.sequence, r.value.clone())).collect();
    let expected = [
        (Some(1), Value::Corrected { occupied: 0 }),
        (Some(2), Value::CounterReplaced),
        (Some(3), Value::Closure { closed: true }),
        (Some(4), Value::Closure { closed: false }),
    ];
    assert_eq!(values, expected);
    assert!(said.iter().all(|r| r.observed_at == NOON && Some(r.device) == house.city.desk(FacilityIx(1))));
    let mut kinds = Vec::new();
    for asked in asked {
        kinds.push(within(asked).await.unwrap().unwrap().unwrap().kind());
    }
    use wire::ActKind::*;
    assert_eq!(kinds, [Correction, CounterReset, Close, Open]);

    let mut c = client.clone();
    let mut list = async |facility: &str, limit| {
        let request = ListActsRequest { facility_id: facility.into(), limit };
        within(c.list_acts(request)).await.map(|a| a.into_inner().acts)
    };
    let ids = |acts: Vec<wire::Act>| acts.into_iter().map(|a| a.act_id).collect::<Vec<_>>();
    assert_eq!(ids(list("", 0).await.unwrap()), ["o", "x", "r", "c"]);
    assert_eq!(ids(list("bodart", 2).await.unwrap()), ["o", "x"]);
    assert!(list("ladeuze", 0).await.unwrap().is_empty());
    assert_eq!(list("nowhere", 0).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(list("", 1_001).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_same_act_sent_again_counts_once_and_gets_the_same_answer() {
    let mut house = House::open().await;
    let client = client(&house).await;
    let send = |request| {
        let mut client = client.clone();
        tokio::spawn(async move {
            client.record_verified_count(request).await.map(|a| a.into_inner().act.unwrap())
        })
    };
    // Twice at once, as a client does that lost its connection.
    let (one, two) = (send(count("a", "ladeuze", 7)), send(count("a", "ladeuze", 7)));
    journal(&mut house, 5, None).await;
    house.publish(5, []);
    let (one, two) = (within(one).await.unwrap().unwrap(), within(two).await.unwrap().unwrap());
    assert_eq!(one, two);
    assert_eq!(within(send(count("a", "ladeuze", 7))).await.unwrap().unwrap(), one);
    for other in [count("a", "bodart", 7), count("a", "ladeuze", 8)] {
        let refused = within(send(other)).await.unwrap().unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists, "{refused}");
    }
    assert!(house.inbox.try_recv().is_err(), "handed in once");
    assert_eq!(house.acts.newest(None, 9).len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_an_act_is_named() {
    let mut house = House::open().await;
    let mut client = client(&house).await;
    let with = |change: &dyn Fn(&mut RecordVerifiedCountRequest)| {
        let mut request = count("a", "ladeuze", 7);
        change(&mut request);
        request
    };
    let told = |r: &mut RecordVerifiedCountRequest, change: &dyn Fn(&mut Attribution)| {
        change(r.attribution.as_mut().unwrap())
    };
    let cases: [(Code, &str, RecordVerifiedCountRequest); 14] = [
        (Code::NotFound, "nowhere", with(&|r| r.facility_id = "nowhere".into())),
        (Code::NotFound, "operator", with(&|r| r.facility_id = "ladeuze/operator".into())),
        (Code::InvalidArgument, "attribution", with(&|r| r.attribution = None)),
        (Code::InvalidArgument, "act_id", with(&|r| told(r, &|a| a.act_id.clear()))),
        (Code::InvalidArgument, "act_id", with(&|r| told(r, &|a| a.act_id = "a b".into()))),
        (Code::InvalidArgument, "act_id", with(&|r| told(r, &|a| a.act_id = "a".repeat(65)))),
        (Code::InvalidArgument, "actor", with(&|r| told(r, &|a| a.actor = "  ".into()))),
        (Code::InvalidArgument, "reason", with(&|r| told(r, &|a| a.reason.clear()))),
        (Code::InvalidArgument, "reason", with(&|r| told(r, &|a| a.reason = "é".repeat(201)))),
        (Code::InvalidArgument, "actor", with(&|r| told(r, &|a| a.actor = "a\nb".into()))),
        (Code::InvalidArgument, "absent is not zero", with(&|r| r.occupied = None)),
        (Code::InvalidArgument, "101 is more than can be inside", with(&|r| r.occupied = Some(101))),
        (Code::InvalidArgument, "future", with(&|r| r.observed_at = instant(NOON + seconds(121)))),
        (Code::InvalidArgument, "too old", with(&|r| r.observed_at = instant(NOON - seconds(86_401)))),
    ];
    for (code, says, request) in cases {
        let refused = within(client.record_verified_count(request.clone())).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused} {request:?}");
        assert!(refused.message().contains(says), "{says:?} in {refused}");
    }
    assert!(house.acts.newest(None, 9).is_empty() && house.inbox.try_recv().is_err(), "nothing was written");
}

#[tokio::test]
async fn an_act_that_admission_refuses_changes_nothing_and_is_kept_as_refused() {
    let mut house = House::open().await;
    let mut client = client(&house).await;
    let mut again = client.clone();
    let asked = tokio::spawn(async move { client.record_verified_count(count("a", "ladeuze", 7)).await });
    journal(&mut house, 3, Some(RefusalKind::ClockBehind)).await;
    let refused = within(asked).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("clock_behind"), "{refused}");
    let refused = within(again.record_verified_count(count("a", "ladeuze", 7))).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "sent again, it is still refused");
    let acts = within(again.list_acts(ListActsRequest::default())).await.unwrap().into_inner().acts;
    assert_eq!(
        (acts[0].stage(), acts[0].refusal.as_str(), acts[0].tick),
        (wire::ActStage::Refused, "clock_behind", 0)
    );
}

#[tokio::test]
async fn an_act_whose_fate_is_not_known_is_unavailable_and_comes_through_once() {
    let mut house = House::open_with(|o| o.acts.settle_within = Duration::from_millis(50)).await;
    let mut client = client(&house).await;
    let refused: Status = within(client.record_verified_count(count("a", "ladeuze", 7))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("same act_id"), "{refused}");
    // The journal took it after all, or the engine ended with it in hand: its receipt is gone either way.
    let first = within(house.inbox.recv()).await.unwrap();
    drop(first.receipt);
    let asked = tokio::spawn(async move {
        loop {
            match client.record_verified_count(count("a", "ladeuze", 7)).await {
                Err(status) if status.code() == Code::Unavailable => {}
                other => return other.map(|a| a.into_inner().act.unwrap()),
            }
        }
    });
    let again = journal(&mut house, 9, Some(RefusalKind::Duplicate)).await;
    assert_eq!((again[0].sequence, &again[0].value), (first.readings[0].sequence, &first.readings[0].value));
    assert_eq!(again[0].observed_at, first.readings[0].observed_at, "admission knows it by number and date");
    house.publish(9, []);
    let act = within(asked).await.unwrap().unwrap();
    assert_eq!((act.stage(), act.act_id.as_str()), (wire::ActStage::Done, "a"));
    assert_eq!(house.acts.newest(None, 9).len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_nothing_is_done() {
    let mut house = House::open().await;
    *house.acts.full.lock().unwrap() = true;
    let mut client = client(&house).await;
    let refused = within(client.record_verified_count(count("a", "ladeuze", 7))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("nothing was done"), "{refused}");
    assert!(house.inbox.try_recv().is_err());
}

#[tokio::test]
async fn what_a_crash_left_under_way_is_handed_in_at_the_start() {
    let order = Order {
        id: "left".into(),
        facility: "ladeuze".into(),
        value: Value::Closure { closed: true },
        actor: "Mia".into(),
        actor_known_by: ActorKnownBy::Stated,
        reason: "flood".into(),
        asked_at: NOON,
        observed_at: NOON,
    };
    let log = Arc::new(Log::default());
    log.put(order.clone());
    log.put(Order { id: "gone".into(), facility: "no-longer".into(), ..order });
    let mut house = House::open_on(Arc::clone(&log), |_| {}).await.unwrap();
    let handed_in = journal(&mut house, 4, None).await;
    assert_eq!((handed_in[0].sequence, &handed_in[0].value), (Some(1), &Value::Closure { closed: true }));
    house.publish(4, []);
    within(async {
        while !log.under_way().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(matches!(log.find("left").unwrap().end, Some(End::Done { tick: 4, .. })));
    assert!(matches!(log.find("gone").unwrap().end, Some(End::Refused { .. })), "the configuration lost it");
}

#[tokio::test]
async fn acts_are_for_whom_the_configuration_names() {
    type Change = fn(&mut vlot_serve::Options);
    let cases: [(Change, &str); 3] = [
        (|o| o.listen.set_ip([0, 0, 0, 0].into()), "beyond"),
        (|o| o.acts.from = ActsFrom::Nobody, "switched off"),
        (|o| o.acts.from = ActsFrom::ClientCertificate, "certificate"),
    ];
    for (change, says) in cases {
        let house = House::open_with(change).await;
        let endpoint =
            tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{}", house.addr.port()));
        let mut client = Client::new(within(endpoint.unwrap().connect()).await.unwrap());
        let acted = within(client.record_verified_count(count("a", "ladeuze", 7))).await.unwrap_err();
        let listed = within(client.list_acts(ListActsRequest::default())).await.unwrap_err();
        for refused in [acted, listed] {
            assert_eq!(refused.code(), Code::PermissionDenied);
            assert!(refused.message().contains(says) && refused.message().contains("hint"), "{refused}");
        }
        assert!(house.acts.newest(None, 9).is_empty());
    }
}
