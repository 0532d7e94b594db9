//! Situations: stated by operators, listed and watched by everybody.

use std::sync::Arc;
use std::time::Duration;

use tonic::Code;
use vlot_model::*;
use vlot_proto::common::v1::{Position, TravelMode};
use vlot_proto::parking::v1::{ActKind, ActStage, Attribution};
use vlot_proto::traffic::v1 as wire;
use vlot_proto::traffic::v1::situation_effect::Effect as WireEffect;
use vlot_proto::traffic::v1::situation_filter::Box as WireBox;
use vlot_proto::traffic::v1::situation_location::Place;
use vlot_proto::traffic::v1::situation_service_client::SituationServiceClient;
use vlot_serve::ActsFrom;

use super::acts::journal;
use super::support::*;

type Client = SituationServiceClient<tonic::transport::Channel>;

fn by(act_id: &str) -> Option<Attribution> {
    Some(Attribution { act_id: act_id.into(), actor: "Mia Peeters".into(), reason: "burst main".into() })
}

fn point() -> Option<wire::SituationLocation> {
    let place = Some(Place::Point(Position { latitude: 50.88, longitude: 4.7 }));
    Some(wire::SituationLocation { place })
}

fn closure(act_id: &str, id: &str) -> wire::StateSituationRequest {
    let situation = wire::SituationStatement {
        id: id.into(),
        kind: wire::SituationKind::Closure.into(),
        headline: "Ring closed".into(),
        location: point(),
        both_directions: true,
        ..Default::default()
    };
    wire::StateSituationRequest { attribution: by(act_id), situation: Some(situation) }
}

fn standing(slot: u32, stated: Arc<Situation>, phase: Phase) -> Product {
    let detour = |mode, links: &[u32], s| Detour {
        mode,
        around: vec![LinkIx(0)],
        links: links.iter().map(|l| LinkIx(*l)).collect(),
        travel_time_s: s,
        extra_s: s,
    };
    Product::Situation(SituationState {
        slot: SituationIx(slot),
        situation: stated,
        phase,
        since: NOON,
        links: vec![LinkIx(0)],
        detours: vec![detour(Mode::Car, &[0, 1], 30.0), detour(Mode::Bicycle, &[], f32::INFINITY)],
    })
}

fn situation_of(readings: &[Reading]) -> Arc<Situation> {
    match &readings[0].value {
        Value::Situation(stated) => Arc::clone(stated),
        other => panic!("{other:?}"),
    }
}

async fn client(house: &House) -> Client {
    Client::new(house.channel().await)
}

/// Told to the engine as the act of a person, answered when it is durable, and then seen by who watches.
#[tokio::test]
async fn a_closure_is_stated_watched_and_withdrawn() {
    let mut house = House::open().await;
    let mut client = client(&house).await;
    let request = wire::WatchSituationsRequest::default();
    let mut watched = within(client.watch_situations(request)).await.unwrap().into_inner();
    let mut other = client.clone();
    let asked = tokio::spawn(async move { other.state_situation(closure("a-1", "ring")).await });
    let readings =
        journal_of(&mut house, &asked, 2, |stated| vec![standing(0, Arc::clone(stated), Phase::Active)])
            .await;
    let stated = situation_of(&readings);
    assert_eq!(Some(readings[0].device), house.city.roads_desk());
    assert_eq!((&*stated.id, &*stated.source, stated.effect), ("ring", "operator", Effect::Closed));
    assert_eq!((stated.modes, stated.from, stated.until), (Modes::ALL, NOON, None));
    assert_eq!(stated.location, Location::Point(LonLat { lon: 4.7, lat: 50.88 }));

    let answer = within(asked).await.unwrap().unwrap().into_inner();
    let act = answer.act.unwrap();
    assert_eq!((act.kind(), act.stage(), act.tick), (ActKind::SituationStated, ActStage::Done, 2));
    assert_eq!(
        (act.facility_id.as_str(), act.subject.as_str(), act.reason.as_str()),
        ("roads", "ring", "burst main")
    );
    let told = within(watched.message()).await.unwrap().unwrap();
    assert_eq!((told.situation.as_ref(), told.position.unwrap().tick), (answer.situation.as_ref(), 2));
    let told = told.situation.unwrap();
    assert_eq!(
        (told.source.as_str(), told.phase(), told.version),
        ("operator", wire::SituationPhase::Active, 2)
    );
    assert_eq!(told.link_ids, ["000000000000000a"]);
    let [car, bicycle] = &told.detours[..] else { panic!("{told:?}") };
    assert_eq!(
        (&car.around_link_ids, car.bearing_deg.map(f32::round)),
        (&told.link_ids, Some(90.0)),
        "{car:?}"
    );
    assert_eq!((car.mode(), car.exists, car.extra_s), (TravelMode::Car, true, Some(30.0)));
    assert_eq!((car.link_ids.len(), car.shape.len()), (2, 3));
    assert_eq!((bicycle.exists, bicycle.extra_s, bicycle.travel_time_s), (false, None, None));

    let mut other = client.clone();
    let request = wire::WithdrawSituationRequest { attribution: by("a-2"), id: "ring".into() };
    let asked = tokio::spawn(async move { other.withdraw_situation(request).await });
    let ended = |stated: &Arc<Situation>| vec![standing(0, Arc::clone(stated), Phase::Ended)];
    let readings = journal_of(&mut house, &asked, 3, ended).await;
    assert_eq!(*situation_of(&readings), Situation { withdrawn: true, ..(*stated).clone() });
    let act = within(asked).await.unwrap().unwrap().into_inner().act.unwrap();
    assert_eq!((act.kind(), act.subject.as_str()), (ActKind::SituationWithdrawn, "ring"));
    let told = within(watched.message()).await.unwrap().unwrap();
    assert_eq!(told.situation.unwrap().phase(), wire::SituationPhase::Ended);
    assert_eq!(house.acts.newest(Some("roads"), 9).len(), 2);

    // An hour later there is nothing to be told of it.
    house.clock.forward(Duration::from_secs(3_600));
    let listed = within(client.list_situations(wire::ListSituationsRequest::default())).await.unwrap();
    assert_eq!(listed.into_inner().situations, []);
}

/// Takes what was handed in, publishes what it makes, and says that it is in the journal.
async fn journal_of<T>(
    house: &mut House,
    asked: &tokio::task::JoinHandle<T>,
    tick: Tick,
    makes: impl Fn(&Arc<Situation>) -> Vec<Product>,
) -> Vec<Reading> {
    let mut submission = within(house.inbox.recv()).await.unwrap();
    assert!(!asked.is_finished(), "nothing is promised before it is durable");
    house.publish(tick, makes(&situation_of(&submission.readings)));
    let mut receipt = submission.receipt.take().expect("an act waits for its receipt");
    receipt.note(Settled { tick, refused: None });
    receipt.acknowledge();
    submission.readings
}

/// The engine's clock goes on between the two: what "from now on" means does not.
#[tokio::test]
async fn the_same_act_sent_again_counts_once() {
    let mut house = House::open().await;
    let client = client(&house).await;
    let send = |request| {
        let mut client = client.clone();
        tokio::spawn(
            async move { client.state_situation(request).await.map(|a| a.into_inner().act.unwrap()) },
        )
    };
    let first = send(closure("a", ""));
    let readings = journal(&mut house, 5, None).await;
    assert_eq!(&*situation_of(&readings).id, "a", "without an id of its own it has the act's");
    house.publish(5, []);
    let first = within(first).await.unwrap().unwrap();
    house.clock.forward(Duration::from_secs(9));
    assert_eq!(within(send(closure("a", ""))).await.unwrap().unwrap(), first);
    let other = within(send(closure("a", "other"))).await.unwrap().unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists, "{other}");
    assert!(house.inbox.try_recv().is_err(), "handed in once");
}

#[tokio::test]
async fn what_is_wrong_with_a_statement_is_named() {
    let mut house = House::open().await;
    let mut client = client(&house).await;
    let with = |change: &dyn Fn(&mut wire::SituationStatement)| {
        let mut request = closure("a", "ring");
        change(request.situation.as_mut().unwrap());
        request
    };
    let at = |s: i64| Some(prost_types::Timestamp { seconds: NOON.micros() / 1_000_000 + s, nanos: 0 });
    let place = |place| Some(wire::SituationLocation { place: Some(place) });
    let line = |points: &[(f64, f64)]| {
        let points = points.iter().map(|p| Position { latitude: p.0, longitude: p.1 }).collect();
        place(Place::Line(wire::SituationLine { points }))
    };
    let links = |ids: &[&str]| {
        place(Place::Links(wire::SituationLinks { ids: ids.iter().map(|id| (*id).to_owned()).collect() }))
    };
    let effect = |effect| Some(wire::SituationEffect { effect: Some(effect) });
    let cases = [
        ("situation:", wire::StateSituationRequest { attribution: by("a"), situation: None }),
        ("attribution", wire::StateSituationRequest { attribution: None, ..closure("a", "ring") }),
        ("situation.id", with(&|s| s.id = "a b".into())),
        ("situation.kind", with(&|s| s.kind = 0)),
        ("headline", with(&|s| s.headline = "two\nlines".into())),
        ("headline", with(&|s| s.headline.clear())),
        ("modes", with(&|s| s.modes = vec![9])),
        ("lanes_closed: 0", with(&|s| s.effect = effect(WireEffect::LanesClosed(0)))),
        ("speed_limit_kmh: NaN", with(&|s| s.effect = effect(WireEffect::SpeedLimitKmh(f32::NAN)))),
        ("location: is required", with(&|s| s.location = None)),
        ("no place on earth", with(&|s| s.location = line(&[(50.88, 4.7), (91.0, 4.7)]))),
        ("has 1 points", with(&|s| s.location = line(&[(50.88, 4.7)]))),
        ("0 m long", with(&|s| s.location = line(&[(50.88, 4.7); 3]))),
        ("has 0 links", with(&|s| s.location = links(&[]))),
        ("\"a\" is no link", with(&|s| s.location = links(&["a"]))),
        (
            "no link \"00000000000000ff\"",
            with(&|s| s.location = links(&["000000000000000a", "00000000000000ff"])),
        ),
        ("until", with(&|s| (s.from, s.until) = (at(60), at(60)))),
        ("is over", with(&|s| (s.from, s.until) = (at(-60), at(-1)))),
        ("hours", with(&|s| s.hours = "whenever".into())),
        ("hours", with(&|s| s.hours = "sunrise-sunset".into())),
    ];
    for (says, request) in cases {
        let refused = within(client.state_situation(request.clone())).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused} {request:?}");
        assert!(refused.message().contains(says), "{says:?} in {refused}");
    }
    let gone = wire::WithdrawSituationRequest { attribution: by("b"), id: "ring".into() };
    assert_eq!(within(client.withdraw_situation(gone)).await.unwrap_err().code(), Code::NotFound);
    assert!(house.acts.newest(None, 9).is_empty() && house.inbox.try_recv().is_err(), "nothing was written");
}

#[tokio::test]
async fn what_a_feed_states_no_operator_takes_back() {
    let house = House::open().await;
    house.publish(1, [standing(0, stated("ring", "works.geojson", SituationKind::Works), Phase::Active)]);
    let mut client = client(&house).await;
    let request = wire::WithdrawSituationRequest { attribution: by("b"), id: "ring".into() };
    let refused = within(client.withdraw_situation(request)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.message().contains("works.geojson"), "{refused}");
}

fn stated(id: &str, source: &str, kind: SituationKind) -> Arc<Situation> {
    Arc::new(Situation {
        id: id.into(),
        source: source.into(),
        kind,
        headline: "Something".into(),
        effect: Effect::None,
        modes: Modes::ALL,
        location: Location::Point(LonLat { lon: 4.7, lat: 50.88 }),
        both_directions: false,
        from: NOON,
        until: None,
        hours: None,
        withdrawn: false,
    })
}

#[tokio::test]
async fn filters_choose_and_what_no_longer_matches_is_told_once_more() {
    let house = House::open().await;
    let works = |phase| standing(0, stated("w", "operator", SituationKind::Works), phase);
    let event = |phase| standing(1, stated("e", "operator", SituationKind::Event), phase);
    house.publish(1, [works(Phase::Planned), event(Phase::Active)]);
    let mut client = client(&house).await;
    let mut listed = async |filter: wire::SituationFilter| {
        let request = wire::ListSituationsRequest { filter: Some(filter) };
        let answer = within(client.list_situations(request)).await?.into_inner();
        Ok::<_, tonic::Status>(
            answer.situations.into_iter().map(|s| s.stated.unwrap().id).collect::<Vec<_>>(),
        )
    };
    let all = || wire::SituationFilter::default();
    let area = |south, west, north, east| wire::SituationFilter {
        r#box: Some(WireBox { south, west, north, east }),
        ..Default::default()
    };
    assert_eq!(listed(all()).await.unwrap(), ["w", "e"]);
    let kinds = vec![wire::SituationKind::Event.into()];
    assert_eq!(listed(wire::SituationFilter { kinds, ..all() }).await.unwrap(), ["e"]);
    let phases = vec![wire::SituationPhase::Planned.into()];
    assert_eq!(listed(wire::SituationFilter { phases, ..all() }).await.unwrap(), ["w"]);
    assert_eq!(listed(area(50.0, 4.0, 51.0, 5.0)).await.unwrap().len(), 2);
    assert_eq!(listed(area(51.0, 4.0, 52.0, 5.0)).await.unwrap().len(), 0);
    for wrong in [
        area(51.0, 4.0, 50.0, 5.0),
        area(f64::NAN, 4.0, 50.0, 5.0),
        wire::SituationFilter { kinds: vec![77], ..all() },
        wire::SituationFilter { phases: vec![0], ..all() },
    ] {
        let refused = listed(wrong).await.unwrap_err();
        assert!(refused.code() == Code::InvalidArgument && refused.message().contains("filter"), "{refused}");
    }

    let phases = vec![wire::SituationPhase::Active.into()];
    let filter = Some(wire::SituationFilter { phases, ..all() });
    let request = wire::WatchSituationsRequest { filter: filter.clone(), resume_after: None };
    let mut watched = within(client.watch_situations(request)).await.unwrap().into_inner();
    let mut next = async || {
        let told = within(watched.message()).await.unwrap().unwrap();
        let phase = told.situation.as_ref().unwrap().phase();
        (told.situation.unwrap().stated.unwrap().id, phase)
    };
    let (active, paused) = (wire::SituationPhase::Active, wire::SituationPhase::Paused);
    assert_eq!(next().await, ("e".to_owned(), active));
    house.publish(2, [event(Phase::Paused)]);
    assert_eq!(next().await, ("e".to_owned(), paused));
    house.publish(3, [event(Phase::Ended)]);
    house.publish(4, [works(Phase::Active)]);
    assert_eq!(next().await, ("w".to_owned(), active), "its end was no news to who knew it paused");

    // Who comes back is told all that changed: what it knew before is not known here.
    let resume_after = Some(vlot_proto::common::v1::StreamPosition { tick: 2 });
    let request = wire::WatchSituationsRequest { filter, resume_after };
    let mut resumed = within(client.watch_situations(request)).await.unwrap().into_inner();
    let first = within(resumed.message()).await.unwrap().unwrap().situation.unwrap();
    assert_eq!(first.phase(), wire::SituationPhase::Ended);
}

#[tokio::test]
async fn an_incident_is_judged_where_one_is_suspected() {
    let mut house = House::open().await;
    let mut client = client(&house).await;
    let request = |link: &str, judgement: wire::IncidentJudgement| wire::JudgeIncidentRequest {
        attribution: by("j"),
        link_id: link.into(),
        judgement: judgement.into(),
    };
    let confirmed = wire::IncidentJudgement::Confirmed;
    for (code, wrong) in [
        (Code::NotFound, request("000000000000000a", confirmed)),
        (Code::InvalidArgument, request("zz", confirmed)),
        (Code::InvalidArgument, request("000000000000000a", wire::IncidentJudgement::Unspecified)),
    ] {
        let refused = within(client.judge_incident(wrong)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
    house.publish(
        1,
        [Product::Incident(Incident {
            link: LinkIx(0),
            rule: IncidentRule::SuddenDrop,
            verdict: Verdict::Suspected,
            since: NOON,
            ended: None,
            seen: 5.0,
            limit: 15.0,
        })],
    );
    let asked =
        tokio::spawn(async move { client.judge_incident(request("000000000000000a", confirmed)).await });
    let readings = journal(&mut house, 1, None).await;
    assert_eq!(readings[0].value, Value::IncidentVerdict { link: LinkId(10), verdict: Verdict::Confirmed });
    let act = within(asked).await.unwrap().unwrap().into_inner().act.unwrap();
    assert_eq!((act.kind(), act.subject.as_str()), (ActKind::IncidentConfirmed, "000000000000000a"));
}

#[tokio::test]
async fn only_who_may_act_may_state() {
    let house = House::open_with(|o| o.acts.from = ActsFrom::Nobody).await;
    let mut client = client(&house).await;
    let refused = within(client.state_situation(closure("a", "ring"))).await.unwrap_err();
    assert!(refused.code() == Code::PermissionDenied && refused.message().contains("hint"), "{refused}");
    let listed = within(client.list_situations(wire::ListSituationsRequest::default())).await;
    assert!(listed.is_ok(), "looking is for everybody");
}
